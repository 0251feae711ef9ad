from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.plans.plan import read_plan
from bench.runs.running import Progress, RunOrder, run
from sim.screen.scene import ObjectKind

if TYPE_CHECKING:
    from tests.bench.screen.conftest import Live

Stampbench = Callable[..., Any]


def test_a_recorded_session_is_read_by_decode(live: Live, stampbench: Stampbench) -> None:
    assert live.session.start_capture()
    key = live.press_stamp(777)
    live.session.scene.lift(key)
    live.run(0.3)
    capture = live.session.view().capture
    assert capture.frames == capture.reports > 70
    # Nothing is closed: the window may go at any moment.
    (recording,) = stampbench("decode", capture.path, "--family", "p5-60k")["recordings"]
    assert [(r["verdict"], r["code"]) for r in recording["readings"]] == [("read", 777)]
    assert recording["scans"] == capture.reports
    assert recording["width_mm"] == pytest.approx(61.6)


def test_presses_of_a_capture_are_replayed_and_read_the_same(live: Live, stampbench: Stampbench) -> None:
    assert live.session.start_capture()
    for code in (777, 42):
        key = live.press_stamp(code)
        live.session.scene.lift(key)
        live.run(0.4)
        live.session.scene.remove(key)
    path = live.session.view().capture.path
    for press, code in ((1, 777), (2, 42)):
        answer = stampbench("replay", path, "--press", press)
        assert (answer["identical"], answer["press"]["code"]) == (True, code)


def test_a_changed_capture_replays_otherwise(live: Live, stampbench: Stampbench) -> None:
    live.session.start_capture()
    key = live.press_stamp(777)
    live.session.scene.lift(key)
    live.run(0.4)
    path = Path(live.session.view().capture.path)
    path.write_text(path.read_text().replace('"code":777', '"code":778'))
    answer = stampbench("replay", path, "--press", 1)
    assert answer["differences"] == [{"field": "code", "recorded": 778, "repeated": 777}]


def test_a_press_that_began_before_the_capture_is_not_noted(live: Live) -> None:
    key = live.press_stamp(777)
    live.session.start_capture()
    live.session.scene.lift(key)
    live.run(0.4)
    assert "press" not in Path(live.session.view().capture.path).read_text()


def test_a_recorded_session_is_played_again_with_its_frames(live: Live) -> None:
    live.session.start_capture()
    live.press_stamp(777)
    frame = live.session.view().deltas
    path = live.session.view().capture.path
    live.session.stop_capture()
    assert live.session.use_recording(path)
    live.run(0.6)
    view = live.session.view()
    assert view.readings[0].code == 777
    assert (view.deltas == frame).all()
    assert view.source.timeline.end_us == view.device_us


def test_scrubbing_shows_contacts_and_reading_of_the_place(live: Live) -> None:
    live.session.start_capture()
    key = live.press_stamp(777)
    live.session.scene.lift(key)
    live.run(0.3)
    live.session.use_recording(live.session.view().capture.path)
    live.session.pause()
    live.session.seek(400_000)
    live.run(1 / 60)
    view = live.session.view()
    assert (view.device_us, view.readings[0].code, len(view.contacts)) == (400_000, 777, 5)
    assert len(view.contacts[0].trail_mm) > 10
    live.session.seek(10_000)
    live.run(1 / 60)
    assert live.session.view().contacts == ()
    live.session.step(1)
    live.run(1 / 60)
    assert live.session.view().device_us == 20_000
    live.session.set_speed(10.0)
    live.session.play()
    live.run(0.1)
    assert live.session.view().source.state == "ended"


def test_a_recording_that_was_cut_short_plays_up_to_the_cut_and_says_so(live: Live, tmp_path: Path) -> None:
    live.session.start_capture()
    live.press_stamp(777)
    whole = Path(live.session.view().capture.path).read_bytes()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(whole[: len(whole) * 3 // 4])
    assert live.session.use_recording(cut)
    live.run(0.3)
    view = live.session.view()
    assert view.readings[0].code == 777
    assert "not finished" in view.source.message
    assert "not finished" in view.messages[-1].values["text"]


def test_a_recording_that_is_broken_in_the_middle_plays_up_to_there(live: Live, tmp_path: Path) -> None:
    live.session.start_capture()
    live.press_stamp(777)
    lines = Path(live.session.view().capture.path).read_bytes().splitlines(keepends=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"".join([*lines[:60], b'{"t_us": "late"}\n', *lines[60:]]))
    assert live.session.use_recording(broken)
    live.run(0.4)
    assert "broken.jsonl:61" in live.session.view().source.message
    live.session.use_simulated()
    live.run(0.2)
    assert live.session.view().explanation.key == "read"


def test_a_recording_without_size_is_shown_and_not_read(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "unsized.jsonl"
    contacts = [{"id": 0, "tip": True, "x": 500, "y": 250}]
    path.write_text(
        '{"format": "stampbench-capture", "version": 1, "x_min": 0, "x_max": 1000,'
        ' "y_min": 0, "y_max": 500}\n'
        + "".join(json.dumps({"t_us": 10_000 * n, "contacts": contacts}) + "\n" for n in range(20))
    )
    assert live.session.use_recording(path)
    live.run(0.1)
    view = live.session.view()
    assert view.explanation.key == "no_size"
    assert view.panel.height_mm == view.panel.width_mm / 2
    assert view.contacts[0].x_mm == view.panel.width_mm / 2


def test_raw_frames_alone_become_contacts_by_the_controller_of_their_panel(
    live: Live, tmp_path: Path
) -> None:
    frames = np.zeros((40, 27, 15), np.int16)
    frames[10:, 12:14, 7] = 180
    path = tmp_path / "frames.npy"
    np.save(path, frames)
    assert live.session.use_recording(path)
    live.run(0.3)
    view = live.session.view()
    assert (view.panel.name, len(view.contacts)) == ("nexus-5", 1)
    assert view.deltas.max() == 180
    assert "without times" in view.source.message


def test_raw_frames_of_no_known_panel_are_refused(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "frames.npy"
    np.save(path, np.zeros((4, 3, 3), np.int16))
    assert live.session.use_recording(path) is False
    assert "3 x 3 nodes" in live.errors[-1]


def test_a_recording_of_a_real_phone_is_shown(live: Live, real: Path) -> None:
    assert live.session.use_recording(real / "capfingerid" / "CapMatrix_P14_thumb_left.subset.txt")
    presses = live.session.view().source.timeline.presses_us
    live.session.seek(sum(presses[3]) // 2)
    live.run(1 / 60)
    assert len(live.session.view().contacts) >= 1


def test_a_capture_is_never_written_over(live: Live, tmp_path: Path) -> None:
    there = tmp_path / "there.jsonl"
    there.write_text("mine")
    assert live.session.start_capture(there) is False
    assert there.read_text() == "mine"
    assert live.session.view().capture is None


def test_another_source_ends_the_capture(live: Live) -> None:
    live.session.start_capture()
    live.run(0.1)
    live.session.use_touch(100.0, 100.0, 0.1)
    assert live.session.view().capture is None
    assert "capture_stopped" in [message.key for message in live.session.messages]


def test_files_without_a_name_never_meet(live: Live) -> None:
    live.press_stamp()
    assert live.session.save_case()
    assert live.session.save_case()
    assert live.session.start_capture()
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
    assert live.session.view().explanation.values["cause"] == "tilted"
    path = tmp_path / "tilted.toml"
    assert live.session.save_case(path)
    plan = read_plan(path)
    assert (plan.header.family, plan.size, plan.cases[0].stamps) == ("p5-60k", 1, [123])
    assert "tilted" in plan.header.description


def test_a_profile_of_a_file_can_be_pressed_on_and_saved(live: Live, tmp_path: Path) -> None:
    import sim.panel

    shipped = Path(sim.panel.__file__).parent / "profiles" / "nexus-5.toml"
    own = tmp_path / "own-phone.toml"
    own.write_text(shipped.read_text())
    assert live.session.set_profile(str(own))
    assert live.session.autopress(2)
    live.run(0.1)
    assert live.session.view().autopress.made == 2
    live.press_stamp(123)
    assert live.session.save_case(tmp_path / "case.toml")
    assert read_plan(tmp_path / "case.toml").header.profiles == [str(own)]


def test_company_on_the_glass_goes_into_the_condition_of_the_case(live: Live, tmp_path: Path) -> None:
    live.session.add_object(ObjectKind.WATER, 10.0, 100.0)
    palm = live.session.add_object(ObjectKind.PALM, 30.0, 100.0)
    live.session.scene.press(palm)
    live.press_stamp(123)
    path = tmp_path / "case.toml"
    assert live.session.save_case(path)
    assert read_plan(path).condition == {"palm": True, "water_drops": 1}


def test_a_moment_of_a_real_panel_cannot_be_pressed_again(live: Live) -> None:
    live.session.use_touch(100.0, 100.0, 0.1)
    assert live.session.save_case() is False
    assert "nobody knows" in live.errors[-1]


def test_autopress_counts_the_very_presses_that_run_makes(live: Live, tmp_path: Path) -> None:
    from bench.metrics import measure
    from bench.records.files import read_run
    from bench.screen.autopress import RunPresser
    from bench.tallies import Tally

    live.session.change_condition(noise=3.0)
    live.session.change_handling(grip=[0.0, 1.0])
    assert live.session.autopress(24, foreign=8)
    live.run(0.7)
    view = live.session.view().autopress
    assert (view.running, view.made) == (False, 32)

    presser = live.session.repetition._presser
    assert isinstance(presser, RunPresser)
    path = tmp_path / "plan.toml"
    path.write_text(presser.plan.text)
    plan = read_plan(path)
    order = RunOrder(plan=plan, directory=tmp_path / "run", seed=plan.header.seed, workers=1)
    run(order, Progress())
    tally = Tally(read_run(tmp_path / "run").presses)
    for name, shown in (("frr", view.frr), ("far", view.far), ("misread", view.misread)):
        found = measure(name, tally.sample(name, "nexus-5", None), profile="nexus-5", case=None)
        assert (shown.k, shown.n, shown.low, shown.high) == (found.k, found.n, found.low, found.high)
    assert view.frr.k > 0
    found = measure(
        "time_to_decision_p95", tally.sample("time_to_decision_p95", "nexus-5", None),
        profile="nexus-5", case=None,
    )  # fmt: skip
    assert view.decision_p95_ms == (found.value, found.low, found.high)


def test_the_first_failure_is_frozen_and_fails_again_as_a_test_case(
    live: Live, tmp_path: Path, stampbench: Stampbench
) -> None:
    live.session.apply_preset("let go")
    assert live.session.autopress(50, stop_at_failure=True)
    live.run(0.5)
    view = live.session.view()
    assert view.frozen
    assert view.autopress.failed
    assert view.autopress.failures == 1
    assert view.objects[0].force > 0.0
    assert view.contacts
    path = tmp_path / "failed.toml"
    assert live.session.save_case(path)
    summary = stampbench("run", str(path), "--out", str(tmp_path / "run"))
    assert summary["verdict"] == "failed"
    live.session.resume()
    live.run(0.2)
    assert live.session.view().explanation.key == "no_touch"


def test_presses_are_played_in_their_own_time(live: Live) -> None:
    assert live.session.autopress(2, live=True)
    live.run(0.2)
    view = live.session.view()
    assert view.autopress.made == 0
    assert view.objects
    live.run(2.0)
    view = live.session.view()
    assert (view.autopress.made, view.autopress.running) == (2, False)


def test_autopress_stops_when_it_is_told_to(live: Live) -> None:
    live.session.autopress(1000)
    live.run(0.1)
    live.session.stop_autopress()
    made = live.session.view().autopress.made
    live.run(0.1)
    assert 0 < made == live.session.view().autopress.made
