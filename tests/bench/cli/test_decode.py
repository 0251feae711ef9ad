from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.stamps import load_family

EVEMU = """# EVEMU 1.3
N: Panel
A: 35 0 999 0 0 0
A: 36 0 499 0 0 0
E: 0.000001 0003 0039 7
E: 0.000001 0003 0035 300
E: 0.000001 0003 0036 200
E: 0.000001 0000 0000 0
"""


@pytest.fixture
def evemu(tmp_path):
    path = tmp_path / "panel.events"
    path.write_text(EVEMU)
    return path


@pytest.fixture
def stamp_capture(tmp_path):
    """A stamp of p5-60k, pressed twice, with pads that land one after the other."""
    path = tmp_path / "stamp.capture"
    pads = load_family("p5-60k").pads(4321) + np.array([40.0, 50.0])
    with CaptureWriter(
        path, CaptureHeader(device="rig", x_max=1000, y_max=1000, width_mm=100, height_mm=100)
    ) as w:
        for press in range(2):
            for scan in range(20):
                contacts = tuple(
                    Contact(n, True, round(x * 10), round(y * 10), float(x), float(y))
                    for n, (x, y) in enumerate(pads[: scan + 1])
                )
                w.report(TouchReport(press * 1_000_000 + scan * 10_000, contacts))
            w.report(TouchReport(press * 1_000_000 + 200_000, ()))
    return path


def test_events_are_one_json_line_per_scan(stampbench, stamp_capture):
    ended = stampbench("decode", "--events", stamp_capture)
    scans = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.status == 0
    assert [scan["t_us"] for scan in scans[:3]] == [0, 10_000, 20_000]
    assert [len(scan["contacts"]) for scan in scans[:7]] == [1, 2, 3, 4, 5, 5, 5]
    assert scans[20]["contacts"] == []
    first = scans[0]["contacts"][0]
    assert list(first) == ["id", "tip", "x", "y", "x_mm", "y_mm"]
    assert first["x_mm"] == pytest.approx(first["x"] / 10, abs=0.05)


def test_positions_in_mm_are_null_without_a_physical_size(stampbench, evemu):
    (line,) = stampbench("decode", "--events", evemu).out.splitlines()
    assert json.loads(line) == {
        "t_us": 1,
        "contacts": [{"id": 7, "tip": True, "x": 300, "y": 200, "x_mm": None, "y_mm": None}],
    }


def test_a_size_can_be_given(stampbench, evemu):
    ended = stampbench("decode", "--events", "--size-mm", "99.9x49.9", evemu)
    (contact,) = json.loads(ended.out)["contacts"]
    assert (contact["x_mm"], contact["y_mm"]) == (30.0, 20.0)


def test_events_of_several_files_name_their_file(stampbench, evemu, stamp_capture):
    lines = stampbench("decode", "--events", evemu, stamp_capture).out.splitlines()
    assert {json.loads(line)["file"] for line in lines} == {str(evemu), str(stamp_capture)}


def test_the_summary_says_what_is_there(stampbench, evemu):
    ended = stampbench("decode", evemu)
    assert ended.status == 0
    for text in ("panel.events: Panel, size unknown", "evemu", "1 in 0.0 s", "at most 1 at once"):
        assert text in ended.out


def test_json_holds_the_figures_of_each_file(stampbench, evemu, stamp_capture):
    ended = stampbench("decode", "--json", evemu, stamp_capture)
    first, second = json.loads(ended.out)["recordings"]
    assert (first["device"], first["format"], first["scans"], first["contacts_max"]) == (
        "Panel",
        "evemu",
        1,
        1,
    )
    assert (second["device"], second["contacts_max"], second["width_mm"]) == ("rig", 5, 100.0)
    assert second["report_rate_min_hz"] == pytest.approx(100.0)
    assert second["resting_jitter_mm"] == pytest.approx(0.0, abs=1e-9)


def test_panel_of_unknown_size_reads_nothing_and_says_why(stampbench, evemu):
    ended = stampbench("decode", evemu, "--family", "p5-60k")
    assert ended.status == 0
    assert "press at" not in ended.out
    assert "--size-mm" in ended.err


def test_stamps_of_a_family_are_read(stampbench, stamp_capture):
    ended = stampbench("decode", stamp_capture, "--family", "p5-60k", "--json")
    (recording,) = json.loads(ended.out)["recordings"]
    assert [(r["verdict"], r["code"]) for r in recording["readings"]] == [("read", 4321)] * 2
    assert "read 4321" in stampbench("decode", stamp_capture, "--family", "p5-60k").out


def test_a_smaller_error_to_survive_reads_exact_stamps_still(stampbench, stamp_capture):
    read = ("decode", stamp_capture, "--family", "p5-60k", "--json", "--sigma-mm")
    assert json.loads(stampbench(*read, "0.05").out)["recordings"][0]["readings"][0]["code"] == 4321
    assert "sigma_mm" in stampbench(*read, "0").err


def test_a_press_that_the_phone_cancelled_says_so(stampbench, tmp_path):
    path = tmp_path / "sixth.capture"
    pads = load_family("p5-60k").pads(4321)[:3] + np.array([40.0, 50.0])
    contacts = tuple(
        Contact(n, True, round(x * 10), round(y * 10), float(x), float(y)) for n, (x, y) in enumerate(pads)
    )
    with CaptureWriter(
        path, CaptureHeader(device="phone", x_max=1000, y_max=1000, width_mm=100, height_mm=100)
    ) as w:
        for scan, down in enumerate([contacts[:2], contacts, contacts, ()]):
            w.report(TouchReport(scan * 10_000, down))
    read = ("decode", path, "--family", "p5-60k")
    assert "the phone cancelled" not in stampbench(*read).out
    assert "the phone cancelled" in stampbench(*read, "--cancel-limit", "5").out


def test_stamps_without_a_physical_size_are_not_read_and_it_is_said(stampbench, evemu):
    ended = stampbench("decode", evemu, "--family", "p5-60k", "--json")
    assert "no physical size, so no stamp can be read; give it with --size-mm" in ended.err
    (recording,) = json.loads(ended.out)["recordings"]
    assert [r["verdict"] for r in recording["readings"]] == ["none"]


def test_standard_input_is_a_file_called_minus(stampbench, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(EVEMU.encode())))
    assert json.loads(stampbench("decode", "--events", "-").out)["t_us"] == 1


def test_an_unfinished_capture_is_read_with_a_note(stampbench, stamp_capture):
    stamp_capture.write_bytes(stamp_capture.read_bytes()[:-5])
    ended = stampbench("decode", stamp_capture, "--json")
    assert ended.status == 0
    assert ended.err == f"stampbench: {stamp_capture}: line 43 is not finished and was left out\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02\x03" * 99, "is of no known format"),
        (EVEMU.encode()[:-20], ":8: the last line is cut in the middle"),
        (EVEMU.encode().replace(b"300", b"3O0"), ":6: malformed event"),
    ],
)
@pytest.mark.parametrize("option", ["--events", "--json"])
def test_bad_input_is_one_line_and_status_4(stampbench, tmp_path, content, message, option):
    path = tmp_path / "bad"
    path.write_bytes(content)
    ended = stampbench("decode", option, path)
    assert ended.status == 4
    assert message in ended.err
    assert ended.err.count("\n") == 1


def test_of_several_files_the_good_ones_are_read(stampbench, tmp_path, evemu):
    ended = stampbench("decode", tmp_path / "none", evemu, "--json")
    assert ended.status == 4
    assert [recording["file"] for recording in json.loads(ended.out)["recordings"]] == [str(evemu)]
    assert "none: cannot be opened" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--family", "p5-60k", "--catalogue", "x.toml"),
        ("--family", "no-such-family"),
        ("--events", "--family", "p5-60k"),
        ("--size-mm", "154"),
        ("--size-mm", "0x86"),
        ("--size-mm", "nanx86"),
    ],
)
def test_impossible_arguments_are_status_4(stampbench, evemu, arguments):
    ended = stampbench("decode", evemu, *arguments)
    assert ended.status == 4
    assert ended.err.count("\n") == 1


@pytest.fixture
def frames_capture(tmp_path):
    """Two stamps of p5-60k on a Nexus 5, the upper one let go, for 30 scans; raw frames and no contacts."""
    from stampbench.sim.hold import Hold
    from stampbench.sim.panel import Panel, PlacedObject, load_profile
    from stampbench.sim.stamps.objects import resolve_object

    path, panel = tmp_path / "frames.capture", Panel(load_profile("nexus-5"), seed=2)
    stamps = [
        PlacedObject(resolve_object("p5-60k/4321"), Hold(30.8, 27.0, 0.4, force=1.0, grip=0.0)),
        PlacedObject(resolve_object("p5-60k/77"), Hold(30.8, 82.0, 2.0, force=1.0, grip=1.0)),
    ]
    with CaptureWriter(path, CaptureHeader(device="nexus-5 virtual", width_mm=61.6, height_mm=109.6)) as w:
        for scan in range(30):
            w.frame(panel.frame(10_000 * scan, stamps if 5 <= scan < 25 else ()))
            w.report(TouchReport(10_000 * scan, ()))
    return path


def test_two_stamps_on_the_frames_of_a_capture_are_both_read(stampbench, frames_capture):
    ended = stampbench("decode", "--frames", "--family", "p5-60k", "--json", frames_capture)
    (recording,) = json.loads(ended.out)["recordings"]
    assert ended.status == 0
    assert recording["input"] == "frames"
    assert recording["contacts_max"] == 10
    assert {(press["verdict"], press["code"]) for press in recording["readings"]} == {
        ("read", 4321),
        ("read", 77),
    }


def test_an_array_of_frames_is_read_by_the_profile_with_as_many_nodes(stampbench, tmp_path, frames_capture):
    frames = [json.loads(line).get("deltas") for line in frames_capture.read_text().splitlines()]
    array = tmp_path / "frames.npy"
    np.save(array, np.array([deltas for deltas in frames if deltas is not None], np.int16))
    ended = stampbench("decode", "--frames", "--family", "p5-60k", "--json", array)
    (recording,) = json.loads(ended.out)["recordings"]
    assert (recording["device"], recording["format"]) == ("nexus-5", "npy")
    assert {press["code"] for press in recording["readings"]} == {4321, 77}


def test_frames_asked_of_a_recording_without_any_are_an_error(stampbench, stamp_capture):
    ended = stampbench("decode", "--frames", "--family", "p5-60k", stamp_capture)
    assert ended.status == 4
    assert "no raw frames came: expected a source that sends them" in ended.err


def test_frames_are_read_for_stamps_alone(stampbench, stamp_capture):
    ended = stampbench("decode", "--frames", stamp_capture)
    assert ended.status == 4
    assert "expected --family or --catalogue" in ended.err


def test_a_rig_is_read_by_its_frames(stampbench):
    from stampbench.sim.rig import virtual_rig

    with virtual_rig("nexus-5") as port:
        ended = stampbench(
            "decode", "--frames", "--family", "p5-60k", "--source", port, "--seconds", 0.2, "--json"
        )
    assert ended.status == 4  # it makes no scans while nothing is pressed
    assert "no raw frames came" in ended.err
