from __future__ import annotations

import pytest
from stampbench.bench.window.sources.recording import RecordedSource, Track
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.screen.sources import PanelInfo, SourceState

STEP_US = 10_000


def report(number: int, *, down: bool) -> TouchReport:
    contacts = (Contact(0, True, 100, 100, 10.0, 10.0),) if down else ()
    return TouchReport(number * STEP_US, contacts)


def source(downs: str) -> RecordedSource:
    """A source of reports; ``x`` is one with a contact."""
    track = Track()
    for number, sign in enumerate(downs):
        track.append(report(number, down=sign == "x"))
    track.finish()
    return RecordedSource(track, PanelInfo("p", "p", 60.0, 100.0), "recording")


def numbers(items: object) -> list[int]:
    return [item.t_us // STEP_US for item in items]  # type: ignore[attr-defined]


def test_reports_come_at_their_times() -> None:
    played = source("." * 20)
    assert numbers(played.advance(0)) == [0]
    assert numbers(played.advance(25_000)) == [1, 2]
    assert numbers(played.advance(30_000)) == [3]


@pytest.mark.parametrize(("speed", "expected"), [(2.0, 10), (0.1, 0), (10.0, 50), (1000.0, 50), (0.0, 0)])
def test_speed_is_a_multiple_of_real_time_within_limits(speed: float, expected: int) -> None:
    played = source("." * 100)
    played.advance(0)
    played.set_speed(speed)
    played.advance(50_000)
    assert played.position_us // STEP_US == expected


def test_nothing_comes_while_it_pauses_and_no_time_is_made_up_for() -> None:
    played = source("." * 20)
    played.advance(0)
    played.pause()
    assert numbers(played.advance(100_000)) == []
    assert played.state is SourceState.PAUSED
    played.play()
    assert numbers(played.advance(110_000)) == [1]


def test_it_ends_and_plays_again_from_the_beginning() -> None:
    played = source("." * 3)
    played.advance(0)
    assert numbers(played.advance(1_000_000)) == [1, 2]
    assert played.state is SourceState.ENDED
    played.play()
    assert numbers(played.advance(1_000_001)) == [0]
    assert played.state is SourceState.LIVE


def test_a_jump_brings_all_reports_of_the_press_there() -> None:
    played = source("." * 20 + "x" * 10 + "." * 20)
    played.advance(0)
    played.seek(25 * STEP_US)
    assert numbers(played.advance(1)) == [20, 21, 22, 23, 24, 25]
    assert played.jumps == 1


def test_a_jump_goes_on_playing_from_there() -> None:
    played = source("." * 50)
    played.advance(0)
    played.seek(30 * STEP_US)
    played.advance(1)
    assert numbers(played.advance(10_001)) == [31]


def test_steps_go_report_by_report_both_ways_and_pause() -> None:
    played = source("." * 20)
    played.advance(55_000)
    played.seek(5 * STEP_US)
    played.advance(55_000)
    played.step(1)
    assert numbers(played.advance(55_000))[-1] == 6
    played.step(-2)
    assert numbers(played.advance(55_000))[-1] == 4
    assert played.state is SourceState.PAUSED


@pytest.mark.parametrize("steps", [-1, 1, 50, -50])
def test_steps_stop_at_either_end(steps: int) -> None:
    played = source("." * 5)
    played.advance(0)
    played.step(steps)
    played.advance(0)
    assert 0 <= played.position_us // STEP_US <= 4


def test_places_beyond_the_ends_are_the_ends() -> None:
    played = source("." * 5)
    played.advance(0)
    played.seek(-5)
    assert played.position_us == 0
    played.seek(10**12)
    assert played.position_us == 4 * STEP_US


def test_presses_are_marked_apart_where_nothing_was_down_for_long() -> None:
    played = source("..xx..xx" + "." * 12 + "xx.")
    assert played.track.presses == [(20_000, 70_000), (200_000, 210_000)]


def test_times_that_run_back_count_as_the_one_before() -> None:
    track = Track()
    for t_us in (10, 30, 20, 40):
        track.append(TouchReport(t_us, ()))
    assert track.times_us == [10, 30, 30, 40]


def test_an_empty_track_waits_while_it_is_read_and_fails_with_its_problem() -> None:
    track = Track()
    played = RecordedSource(track, PanelInfo("p", "p", 60.0, 100.0), "recording")
    assert played.advance(0) == ()
    assert played.state is SourceState.OPENING
    track.finish("line 2: broken")
    assert played.state is SourceState.FAILED
    assert played.message == "line 2: broken"
    played.step(1)
    played.seek(5)
    assert played.advance(10) == ()


def test_a_recording_that_is_still_read_does_not_end() -> None:
    track = Track()
    track.append(TouchReport(0, ()))
    played = RecordedSource(track, PanelInfo("p", "p", 60.0, 100.0), "recording")
    played.advance(0)
    played.advance(50_000)
    assert played.state is SourceState.LIVE
    track.append(TouchReport(10_000, ()))
    track.finish()
    assert numbers(played.advance(60_000)) == [1]
    assert played.state is SourceState.ENDED
