from __future__ import annotations

import json

import numpy as np
import pytest
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.sim.device import Device
from stampbench.sim.panel import load_profile
from stampbench.sim.press import Hand
from stampbench.sim.stamps import Catalogue, load_family, rigid_distance_mm


@pytest.fixture
def enrol(stampbench, tmp_path):
    """Enrols stamps in one catalogue."""

    def call(*arguments):
        return stampbench("enrol", "--catalogue", tmp_path / "shop.toml", *arguments)

    return call


@pytest.fixture
def capture_of(tmp_path):
    """Writes a capture of one press on a simulated Nexus 5."""

    def write(object_name, seed):
        profile = load_profile("nexus-5")
        press = Hand().press(object_name, profile, np.random.default_rng(seed))
        geometry = profile.geometry
        header = CaptureHeader(
            device="nexus-5",
            x_min=0,
            x_max=geometry.x_max,
            y_min=0,
            y_max=geometry.y_max,
            width_mm=geometry.width_mm,
            height_mm=geometry.height_mm,
        )
        with CaptureWriter(tmp_path / f"{seed}.jsonl", header) as writer:
            for report in Device(profile).reports(press, seed):
                writer.report(report)
        return tmp_path / f"{seed}.jsonl"

    return write


def test_stamp_is_enrolled_from_presses_on_a_rig(enrol, tmp_path):
    ended = enrol("--name", "gold", "--rig", "virtual", "--object", "p5-60k/17", "--presses", 3, "--json")
    assert ended.status == 0, ended.err
    answer = json.loads(ended.out)
    assert (answer["name"], answer["presses"], answer["nearest"]) == ("gold", 3, None)
    pads = Catalogue.read(tmp_path / "shop.toml").pads(0)
    assert rigid_distance_mm(pads, load_family("p5-60k").pads(17)) < 0.2
    again = enrol("--name", "more", "--rig", "virtual", "--object", "p5-60k/17", "--seed", 9)
    assert again.status == 4
    assert "stamp 'more' is 0." in again.err
    assert "mm from 'gold'; expected at least 2 mm" in again.err
    other = enrol("--name", "other", "--rig", "virtual", "--object", "p5-60k/900", "--presses", 2)
    assert other.status == 0, other.err
    assert "nearest entry: gold, " in other.out


def test_stamp_is_enrolled_from_recordings(enrol, tmp_path, capture_of):
    ended = enrol(capture_of("p5-60k/4", 1), capture_of("p5-60k/4", 2), "--name", "gold")
    assert ended.status == 0, ended.err
    assert "gold, 5 pads from 2 presses" in ended.out


@pytest.mark.parametrize("arguments", [(), ("file", "--rig", "virtual")])
def test_either_recordings_or_a_rig_is_needed(enrol, arguments):
    ended = enrol("--name", "gold", *arguments)
    assert ended.status == 4
    assert "expected either recordings or --rig PORT" in ended.err


def test_recording_that_is_none_is_status_4(enrol, tmp_path):
    (tmp_path / "file").write_text("nothing")
    assert enrol("--name", "gold", tmp_path / "file").status == 4
    assert not (tmp_path / "shop.toml").exists()
