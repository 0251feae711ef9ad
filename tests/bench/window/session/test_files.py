from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.running import run
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.screen.scene import ObjectKind

if TYPE_CHECKING:
    from tests.bench.window.conftest import Live

Stampbench = Callable[..., Any]


def test_a_recorded_session_is_read_by_decode(live: Live, stampbench: Stampbench) -> None:
    live.session.start_capture()
    key = live.press_stamp(777)
    live.session.scene.lift(key)
    live.run(0.3)
    capture = live.session.capture
    assert capture.frames == capture.reports > 70
    # Nothing is closed: the window may go at any moment.
    (recording,) = stampbench("decode", capture.path, "--family", "p5-60k")["recordings"]
    assert [(r["verdict"], r["code"]) for r in recording["readings"]] == [("read", 777)]
    assert recording["scans"] == capture.reports
    assert recording["width_mm"] == pytest.approx(61.6)


def test_presses_of_a_capture_are_replayed_and_read_the_same(live: Live, stampbench: Stampbench) -> None:
    live.session.start_capture()
    for code in (777, 42):
        key = live.press_stamp(code)
        live.session.scene.lift(key)
        live.run(0.4)
        live.session.scene.remove(key)
    path = live.session.capture.path
    for press, code in ((1, 777), (2, 42)):
        answer = stampbench("replay", path, "--press", press)
        assert (answer["identical"], answer["press"]["code"]) == (True, code)


def test_a_changed_capture_replays_otherwise(live: Live, stampbench: Stampbench) -> None:
    live.session.start_capture()
    key = live.press_stamp(777)
    live.session.scene.lift(key)
    live.run(0.4)
    path = Path(live.session.capture.path)
    path.write_text(path.read_text().replace('"code":777', '"code":778'))
    answer = stampbench("replay", path, "--press", 1)
    assert answer["differences"] == [{"field": "code", "recorded": 778, "repeated": 777}]


def test_a_press_that_began_before_the_capture_is_not_noted(live: Live) -> None:
    key = live.press_stamp(777)
    live.session.start_capture()
    live.session.scene.lift(key)
    live.run(0.4)
    assert "press" not in Path(live.session.capture.path).read_text()


def test_a_recorded_session_is_played_again_with_its_frames(live: Live) -> None:
    live.session.start_capture()
    live.press_stamp(777)
    frame = live.session.look().deltas
    path = live.session.capture.path
    live.session.stop_capture()
    live.session.sources.use_recording(path)
    live.run(0.6)
    picture = live.session.look()
    assert picture.readings[0].code == 777
    assert (picture.deltas == frame).all()
    assert live.session.sources.recording.end_us == picture.device_us


def test_scrubbing_shows_contacts_and_reading_of_the_place(live: Live) -> None:
    live.session.start_capture()
    key = live.press_stamp(777)
    live.session.scene.lift(key)
    live.run(0.3)
    live.session.sources.use_recording(live.session.capture.path)
    live.session.sources.recording.pause()
    live.session.sources.recording.seek(400_000)
    live.run(1 / 60)
    picture = live.session.look()
    assert (picture.device_us, picture.readings[0].code, len(picture.contacts)) == (400_000, 777, 5)
    assert len(picture.contacts[0].trail_mm) > 10
    live.session.sources.recording.seek(10_000)
    live.run(1 / 60)
    assert live.session.look().contacts == ()
    live.session.sources.recording.step(1)
    live.run(1 / 60)
    assert live.session.look().device_us == 20_000
    live.session.sources.recording.set_speed(10.0)
    live.session.sources.recording.play()
    live.run(0.1)
    assert live.session.source.state == "ended"


def test_a_recording_that_was_cut_short_plays_up_to_the_cut_and_says_so(live: Live, tmp_path: Path) -> None:
    live.session.start_capture()
    live.press_stamp(777)
    whole = Path(live.session.capture.path).read_bytes()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(whole[: len(whole) * 3 // 4])
    live.session.sources.use_recording(cut)
    live.run(0.3)
    picture = live.session.look()
    assert picture.readings[0].code == 777
    assert "not finished" in live.session.source.message
    assert "not finished" in list(live.session.messages)[-1].values["text"]


def test_a_recording_that_is_broken_in_the_middle_plays_up_to_there(live: Live, tmp_path: Path) -> None:
    live.session.start_capture()
    live.press_stamp(777)
    lines = Path(live.session.capture.path).read_bytes().splitlines(keepends=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"".join([*lines[:60], b'{"t_us": "late"}\n', *lines[60:]]))
    live.session.sources.use_recording(broken)
    live.run(0.4)
    assert "broken.jsonl:61" in live.session.source.message
    live.session.sources.use_simulated()
    live.run(0.2)
    assert live.session.look().explanation.key == "read"


def test_a_recording_without_size_is_shown_and_not_read(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "unsized.jsonl"
    contacts = [{"id": 0, "tip": True, "x": 500, "y": 250}]
    path.write_text(
        '{"format": "stampbench-capture", "version": 1, "x_min": 0, "x_max": 1000,'
        ' "y_min": 0, "y_max": 500}\n'
        + "".join(json.dumps({"t_us": 10_000 * n, "contacts": contacts}) + "\n" for n in range(20))
    )
    live.session.sources.use_recording(path)
    live.run(0.1)
    picture = live.session.look()
    assert picture.explanation.key == "no_size"
    assert picture.panel.height_mm == picture.panel.width_mm / 2
    assert picture.contacts[0].x_mm == picture.panel.width_mm / 2


def test_raw_frames_alone_become_contacts_by_the_controller_of_their_panel(
    live: Live, tmp_path: Path
) -> None:
    frames = np.zeros((40, 27, 15), np.int16)
    frames[10:, 12:14, 7] = 180
    path = tmp_path / "frames.npy"
    np.save(path, frames)
    live.session.sources.use_recording(path)
    live.run(0.3)
    picture = live.session.look()
    assert (picture.panel.name, len(picture.contacts)) == ("nexus-5", 1)
    assert picture.deltas.max() == 180
    assert "without times" in live.session.source.message


def test_raw_frames_of_no_known_panel_are_refused(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "frames.npy"
    np.save(path, np.zeros((4, 3, 3), np.int16))
    with pytest.raises(InputError, match="3 x 3 nodes"):
        live.session.sources.use_recording(path)


def test_a_recording_of_a_real_phone_is_shown(live: Live, real: Path) -> None:
    live.session.sources.use_recording(real / "capfingerid" / "CapMatrix_P14_thumb_left.subset.txt")
    presses = live.session.sources.recording.track.presses
    live.session.sources.recording.seek(sum(presses[3]) // 2)
    live.run(1 / 60)
    assert len(live.session.look().contacts) >= 1


def test_a_capture_is_never_written_over(live: Live, tmp_path: Path) -> None:
    there = tmp_path / "there.jsonl"
    there.write_text("mine")
    with pytest.raises(InputError, match="there"):
        live.session.start_capture(there)
    assert there.read_text() == "mine"
    assert live.session.capture is None


def test_another_source_ends_the_capture(live: Live) -> None:
    live.session.start_capture()
    live.run(0.1)
    live.session.sources.use_touch(100.0, 100.0, 0.1)
    assert live.session.capture is None
    assert "capture_stopped" in [message.key for message in live.session.messages]


def test_files_without_a_name_never_meet(live: Live) -> None:
    live.press_stamp()
    live.session.save_case()
    live.session.save_case()
    live.session.start_capture()
    assert sorted(path.name for path in live.folder.iterdir()) == [
        "capture-20260102-030405.jsonl",
        "case-20260102-030405-2.toml",
        "case-20260102-030405.toml",
    ]


def test_a_frozen_moment_is_a_plan_that_run_accepts(live: Live, tmp_path: Path) -> None:
    key = live.press_stamp(123)
    live.session.scene.tilt(key, 0.03, 0.0)
    live.run(0.3)
    live.session.freeze()
    assert live.session.look().explanation.values["cause"] == "tilted"
    path = tmp_path / "tilted.toml"
    live.session.save_case(path)
    plan = Plan.read(path)
    assert (plan.header.family, plan.size, plan.cases[0].stamps) == ("p5-60k", 1, [123])
    assert "tilted" in plan.header.description


def test_a_profile_of_a_file_can_be_pressed_on_and_saved(live: Live, tmp_path: Path) -> None:
    import stampbench.sim.panel

    shipped = Path(stampbench.sim.panel.__file__).parent / "profiles" / "nexus-5.toml"
    own = tmp_path / "own-phone.toml"
    own.write_text(shipped.read_text())
    live.session.arrangement.set_profile(str(own))
    live.session.start_autopress(2)
    live.run(0.1)
    assert live.session.autopress.made == 2
    live.press_stamp(123)
    live.session.save_case(tmp_path / "case.toml")
    assert Plan.read(tmp_path / "case.toml").header.profiles == [str(own)]


def test_company_on_the_glass_goes_into_the_condition_of_the_case(live: Live, tmp_path: Path) -> None:
    live.session.arrangement.add_object(ObjectKind.WATER, 10.0, 100.0)
    palm = live.session.arrangement.add_object(ObjectKind.PALM, 30.0, 100.0)
    live.session.scene.press(palm)
    live.press_stamp(123)
    path = tmp_path / "case.toml"
    live.session.save_case(path)
    assert Plan.read(path).condition == {"palm": True, "water_drops": 1}


def test_a_moment_of_a_real_panel_cannot_be_pressed_again(live: Live) -> None:
    live.session.sources.use_touch(100.0, 100.0, 0.1)
    with pytest.raises(InputError, match="nobody knows"):
        live.session.save_case()


def test_autopress_counts_the_very_presses_that_run_makes(live: Live, tmp_path: Path) -> None:
    from stampbench.bench.judging.assessment import measure
    from stampbench.bench.judging.tallies import Tally
    from stampbench.bench.records.files import read_run

    live.session.arrangement.change_condition(noise=3.0)
    live.session.setup.change_handling({"grip": [0.0, 1.0]})
    live.session.start_autopress(24, foreign=8)
    live.run(0.7)
    autopress = live.session.autopress
    assert (autopress.running, autopress.made) == (False, 32)

    path = tmp_path / "plan.toml"
    path.write_text(autopress.plan.text)
    plan = Plan.read(path)
    order = RunOrder(plan=plan, directory=tmp_path / "run", seed=plan.header.seed, workers=1)
    run(order, Progress())
    tally = Tally(read_run(tmp_path / "run").presses)
    for name in ("frr", "far", "misread", "time_to_decision_p95"):
        found = measure(name, tally.sample(name, "nexus-5", None), profile="nexus-5", case=None)
        assert autopress.measured(name) == found
    assert autopress.measured("frr").k > 0


def test_the_first_failure_is_frozen_and_fails_again_as_a_test_case(
    live: Live, tmp_path: Path, stampbench: Stampbench
) -> None:
    live.session.arrangement.apply_preset("let go")
    live.session.start_autopress(50, stop_at_failure=True)
    live.run(0.5)
    picture = live.session.look()
    assert live.session.frozen
    assert live.session.autopress.failed
    assert live.session.autopress.failures == 1
    assert picture.objects[0].thing.hold.force > 0.0
    assert picture.contacts
    path = tmp_path / "failed.toml"
    live.session.save_case(path)
    summary = stampbench("run", str(path), "--out", str(tmp_path / "run"))
    assert summary["verdict"] == "failed"
    live.session.resume()
    live.run(0.2)
    assert live.session.look().explanation.key == "no_touch"


def test_presses_are_played_in_their_own_time(live: Live) -> None:
    live.session.start_autopress(2, live=True)
    live.run(0.2)
    picture = live.session.look()
    assert live.session.autopress.made == 0
    assert picture.objects
    live.run(2.0)
    picture = live.session.look()
    assert (live.session.autopress.made, live.session.autopress.running) == (2, False)


def test_autopress_stops_when_it_is_told_to(live: Live) -> None:
    live.session.start_autopress(1000)
    live.run(0.1)
    live.session.stop_autopress()
    made = live.session.autopress.made
    live.run(0.1)
    assert 0 < made == live.session.autopress.made
