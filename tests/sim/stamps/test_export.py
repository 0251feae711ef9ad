from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue, load_family
from stampbench.sim.stamps.export import save_picture, write_stamps


def test_csv_is_a_catalogue_of_the_same_stamps(tmp_path):
    family = load_family("p5-60k")
    write_stamps(tmp_path / "out.csv", [family.stamp(code) for code in (3, 5)], family.geometry)
    catalogue = Catalogue.read(tmp_path / "out.csv")
    assert catalogue.names == ("p5-60k/3", "p5-60k/5")
    assert np.abs(catalogue.pads(1) - family.pads(5)).max() <= 0.000051


def test_dxf_has_pads_to_scale_with_y_up(tmp_path):
    ezdxf = pytest.importorskip("ezdxf")
    family = load_family("p5-60k")
    write_stamps(tmp_path / "out.dxf", [family.stamp(3)], family.geometry)
    document = ezdxf.readfile(tmp_path / "out.dxf")
    face = document.modelspace().query("CIRCLE[layer=='FACE']").first
    pads = document.modelspace().query("CIRCLE[layer=='PADS']")
    drawn = np.array(
        [(pad.dxf.center.x - face.dxf.center.x, face.dxf.center.y - pad.dxf.center.y) for pad in pads]
    )
    assert np.abs(drawn - family.pads(3)).max() < 1e-9
    assert {pad.dxf.radius for pad in pads} == {3.0}
    assert document.units == ezdxf.units.MM


def test_svg_is_drawn_in_mm(tmp_path):
    family = load_family("p5-60k")
    write_stamps(tmp_path / "out.svg", [family.stamp(code) for code in range(4)], family.geometry)
    root = ElementTree.parse(tmp_path / "out.svg").getroot()
    assert root.get("width") == "116mm"
    assert len(root.findall(".//{http://www.w3.org/2000/svg}circle")) == 4 * 6


@pytest.mark.parametrize("file", ["stamp.png", "stamp.svg"])
def test_a_picture_is_written(tmp_path, file):
    family = load_family("p5-60k")
    save_picture(tmp_path / file, family.pads(1), family.geometry, "p5-60k/1")
    assert (tmp_path / file).stat().st_size > 2000


@pytest.mark.parametrize("file", ["out.stl", "nowhere/out.csv"])
def test_an_output_that_cannot_be_is_refused(tmp_path, file):
    family = load_family("p5-60k")
    with pytest.raises(InputError, match="output"):
        write_stamps(tmp_path / file, [family.stamp(1)], family.geometry)
