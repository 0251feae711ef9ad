from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from stampbench.bench.report.pictures import scene_picture, times_picture
from stampbench.bench.report.scenes import Scene

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def scene():
    pads = np.array([[20.0, 30.0], [35.0, 40.0], [28.0, 55.0]])
    return Scene(60.0, 110.0, np.full((27, 15), 40, np.int16), pads + 0.2, pads, pads)


def test_picture_is_svg_that_takes_the_size_of_the_page(scene):
    root = ElementTree.fromstring(scene_picture(scene, "a <press>", side_mm=50.0))
    assert root.tag == f"{SVG}svg"
    assert root.get("aria-label") == "a <press>"
    assert root.get("viewBox")
    assert root.get("width") is None
    assert root.find(f".//{SVG}image") is not None


def test_same_scene_gives_the_same_bytes(scene):
    assert scene_picture(scene, "press", side_mm=40.0) == scene_picture(scene, "press", side_mm=40.0)


def test_scene_without_counts_or_truth_shows_its_contacts(scene):
    bare = Scene(60.0, 110.0, None, scene.contacts_mm, None, None)
    assert ElementTree.fromstring(scene_picture(bare, "press", side_mm=50.0)).find(f".//{SVG}image") is None
    assert bare.centre_mm == pytest.approx((27.7, 42.7))


def test_scene_with_nothing_in_it_is_drawn_around_the_middle_of_the_panel():
    empty = Scene(60.0, 110.0, None, np.empty((0, 2)), None, None)
    assert empty.centre_mm == (30.0, 55.0)
    assert scene_picture(empty, "nothing", side_mm=40.0).startswith("<svg")


def test_decision_times_name_their_profiles():
    svg = times_picture({"nexus-5": [50.0, 60.0, 70.0], "elan-11": [40.0], "none": []}, "times")
    assert "nexus-5" in svg
    assert "elan-11" in svg


def test_view_stays_on_the_panel(scene):
    from stampbench.bench.report.pictures import _view

    assert _view(scene, 40.0) == ((7.5, 47.5), (22.5, 62.5))
    assert _view(scene, 80.0) == ((0.0, 60.0), (2.5, 82.5))
    assert _view(scene, 500.0) == ((0.0, 60.0), (0.0, 110.0))
