from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from stampbench.bench.capacity.enrolling import enrol_stamp, press_shapes, presses_on_rig
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.link.messages import Capability
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.stamps import Catalogue, rigid_distance_mm

PADS = np.array([[0.0, 0.0], [14.0, 1.0], [2.0, 17.0], [-13.0, 6.0], [16.0, 18.0]])
OTHER = np.array([[0.0, 0.0], [20.0, 0.0], [10.0, 20.0], [-10.0, 18.0], [25.0, 14.0]])


def placed(pads, theta, x, y, noise=0.0, seed=0):
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    return pads @ turn.T + (x, y) + noise * np.random.default_rng(seed).standard_normal(pads.shape)


def reports_of(points, start_us=0, reports=6, first=None):
    """A press: its first report holds ``first`` contacts only, and a lift ends it."""
    contacts = tuple(Contact(i, True, 0, 0, x, y) for i, (x, y) in enumerate(points.tolist()))
    yield TouchReport(start_us, contacts[:first])
    for n in range(1, reports):
        yield TouchReport(start_us + n * 10_000, contacts)
    yield TouchReport(start_us + reports * 10_000, ())


@pytest.fixture
def presses():
    return [
        placed(PADS, n, 30 + n, 50 - n, 0.05, seed=n)[np.random.default_rng(n).permutation(5)]
        for n in range(6)
    ]


def test_reports_are_cut_into_presses_and_landing_pads_do_not_count():
    reports = [*reports_of(PADS, 0, first=2), *reports_of(OTHER, 300_000)]
    shapes = list(press_shapes(reports))
    assert [shape.tolist() for shape in shapes] == [PADS.tolist(), OTHER.tolist()]


def test_short_gap_does_not_end_a_press():
    reports = [*reports_of(PADS, 0, reports=3), *reports_of(PADS, 60_000)]
    assert len(list(press_shapes(reports))) == 1


def test_touch_that_is_too_short_is_no_press():
    assert list(press_shapes(reports_of(PADS, reports=3, first=1))) == []
    assert list(press_shapes([])) == []


def test_reports_with_a_ghost_do_not_count_where_the_number_of_pads_is_known():
    ghost = np.vstack([PADS, [[60.0, 60.0]]])
    reports = [*list(reports_of(ghost, reports=4))[:-1], *reports_of(OTHER, 40_000)]
    assert [len(shape) for shape in press_shapes(reports)] == [6]
    assert [shape.tolist() for shape in press_shapes(reports, pads=5)] == [OTHER.tolist()]


def test_new_catalogue_holds_the_mean_of_the_presses(tmp_path, presses):
    enrolled = enrol_stamp(tmp_path / "shop.toml", "gold", presses)
    catalogue = Catalogue.read(tmp_path / "shop.toml")
    assert catalogue.names == ("gold",)
    assert rigid_distance_mm(catalogue.pads(0), PADS) < 0.1
    assert len(enrolled.residual_mm) == 6
    assert enrolled.sigma_mm == pytest.approx(0.05, rel=0.4)
    assert enrolled.nearest is None


@pytest.mark.parametrize("name", ["shop.toml", "shop.csv"])
def test_entry_is_added_at_the_end_and_what_was_there_stays(tmp_path, presses, name):
    path = tmp_path / name
    enrol_stamp(path, "gold", presses)
    comment = "# ours\n" if name.endswith("toml") else ""
    before = comment + path.read_text().rstrip("\n")
    path.write_text(before)
    enrolled = enrol_stamp(path, 'sil"ver', [OTHER])
    assert path.read_text().startswith(before)
    assert Catalogue.read(path).names == ("gold", 'sil"ver')
    assert enrolled.nearest == ("gold", pytest.approx(rigid_distance_mm(PADS, OTHER), abs=0.1))
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_stamps_written_inline_are_kept(tmp_path, presses):
    path = tmp_path / "shop.toml"
    path.write_text(f'stamp = [{{ name = "old", pads = {OTHER.tolist()} }}]\n')
    enrol_stamp(path, "gold", presses)
    assert Catalogue.read(path).names == ("old", "gold")


def refused(path, name, presses, match, **how):
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(InputError, match=match):
        enrol_stamp(path, name, presses, **how)
    assert (path.read_bytes() if path.exists() else None) == before


def test_stamp_too_near_to_an_entry_is_refused_with_its_name_and_distance(tmp_path, presses):
    path = tmp_path / "shop.toml"
    enrol_stamp(path, "gold", presses)
    near = PADS.copy()
    near[0] += 1.0
    refused(path, "near", [near], r"'near' is 1\.\d\d mm from 'gold'; expected at least 2 mm")
    enrol_stamp(path, "near", [near], min_distance_mm=1.0)


@pytest.mark.parametrize(
    ("name", "found", "match"),
    [
        ("gold", [OTHER], "'gold' is there already"),
        ("a#b", [OTHER], "--name 'a#b'"),
        (" ", [OTHER], "--name ' '"),
        ("new", [], "no press was found"),
        ("new", [OTHER, OTHER[:4]], "press 2 of 2 has 4 contacts: expected 5 as in the catalogue"),
        ("new", [OTHER, OTHER, PADS], r"press 3 of 3 is \d+\.\d\d mm from press \d:"),
    ],
)
def test_what_cannot_be_enrolled_is_told(tmp_path, presses, name, found, match):
    enrol_stamp(tmp_path / "shop.toml", "gold", presses)
    refused(tmp_path / "shop.toml", name, found, match)


def test_presses_of_two_stamps_2_1_mm_apart_are_not_averaged(tmp_path, presses):
    other = PADS.copy()
    other[0] += np.array([2.1, 0.0]) / np.sqrt(0.8)  # the others move towards it a little in the best fit
    assert 1.5 < rigid_distance_mm(PADS, other) < 2.3
    refused(tmp_path / "new.toml", "both", [PADS, other], r"mm from press \d: expected at most 1.5 mm")


@pytest.mark.parametrize("name", ["a\x85b", "a\u2028b", "a\nb"])
def test_a_name_that_breaks_lines_leaves_the_catalogue_readable(tmp_path, presses, name):
    path = tmp_path / "shop.csv"
    enrol_stamp(path, "gold", presses)
    refused(path, name, [OTHER], "expected a name of 1 to 80 printable characters")
    assert Catalogue.read(path).names == ("gold",)


def test_presses_with_fewer_contacts_than_most_are_told(tmp_path):
    refused(
        tmp_path / "new.toml",
        "a",
        [PADS, PADS[:3], PADS],
        "press 2 of 3 has 3 contacts: expected 5 as in most",
    )


def test_operator_is_told_to_press_where_the_rig_cannot():
    told = []
    rig = SimpleNamespace(
        identity=SimpleNamespace(capabilities=Capability(0), profile="nexus-5"),
        watch=lambda **how: reports_of(PADS),
    )
    shapes = list(presses_on_rig(rig, "gold", 2, seed=0, prompt=told.append))
    assert len(shapes) == 2
    assert told[1] == "2 of 2: press gold somewhere, at another angle, then let go"
