from __future__ import annotations

import math
import re

import numpy as np
import pytest
from stampbench.bench.touch.figures import (
    gap_ratio,
    ghosts,
    hysteresis_ratio,
    line_residuals_mm,
    move_latency_ms,
    moving_jitter_mm,
    report_rate_hz,
    separation_mm,
    stationary_jitter_mm,
)
from stampbench.bench.touch.gestures import recorded_gestures, simulated_gestures
from stampbench.bench.touch.metrics import Area, touch_metrics
from stampbench.bench.touch.traces import Gesture, Kind, Trace, TruePath, traces_of
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, TouchReport

AREA = Area(60.0, 100.0)
INTERVAL_US = 10_000


def reports_of(*contacts, start_us=0):
    """Reports in which contact k is at contacts[k][n] at scan n; None: it is not down."""
    return tuple(
        TouchReport(
            start_us + n * INTERVAL_US,
            tuple(
                Contact(k, True, 0, 0, float(path[n][0]), float(path[n][1]))
                for k, path in enumerate(contacts)
                if path[n] is not None
            ),
        )
        for n in range(max(map(len, contacts)))
    )


def line(n=60, start=(10.0, 20.0), end=(40.0, 60.0)):
    return np.linspace(start, end, n)


def path(points, start_us=0):
    points = np.asarray(points, float)
    return TruePath(start_us + INTERVAL_US * np.arange(len(points)), points)


def gesture(kind, touches, *contacts, start_us=0, **others):
    return Gesture(kind, kind.value, touches, reports_of(*contacts, start_us=start_us), **others)


def value(name, *gestures, area=AREA):
    return next(metric for metric in touch_metrics(gestures, area) if metric.name == name)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("slope", [0.0, 30.0, 45.0, 90.0, 200.0])
def test_a_bulge_to_either_side_counts_alike(sign, slope):
    along = np.linspace(0.0, 40.0, 81)
    bulge = np.where(np.arange(81) == 40, sign * 0.8, 0.0)
    cos, sin = math.cos(math.radians(slope)), math.sin(math.radians(slope))
    points = np.column_stack([cos * along - sin * bulge, sin * along + cos * bulge])
    residuals = line_residuals_mm(points)
    assert residuals.max() == pytest.approx(0.8 * 80 / 81, abs=1e-3)
    assert (residuals >= 0.0).all()
    truth = path(points[[0, -1]])
    measured = value("linearity_max", gesture(Kind.LINE, (truth,), points, shared_clock=False))
    assert measured.value == pytest.approx(residuals.max())


def test_linearity_rms_is_that_of_the_residuals():
    points = np.column_stack([np.arange(100.0), np.where(np.arange(100) % 2, 0.1, -0.1)])
    measured = value(
        "linearity_rms", gesture(Kind.LINE, (path(points[[0, -1]]),), points, shared_clock=False)
    )
    assert measured.value == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("sign", [1, -1])
def test_stationary_jitter_is_the_largest_distance_of_two_reports(sign):
    points = np.full((40, 2), 30.0)
    points[10] += (sign * 0.3, 0.0)
    points[20] += (0.0, sign * -0.4)
    assert stationary_jitter_mm(points) == pytest.approx(0.5)
    assert value("stationary_jitter", gesture(Kind.HOLD, (path([[30, 30]] * 2),), points)).passed


def test_moving_jitter_forgives_a_slow_bend_and_not_a_fast_one():
    along = np.linspace(0.0, 100.0, 401)
    slow = np.column_stack([along, 2.0 * np.sin(math.pi * along / 100)])
    fast = np.column_stack([along, 0.6 * np.sin(math.pi * along / 2)])
    assert moving_jitter_mm(slow) < 0.1 < line_residuals_mm(slow).max()
    assert moving_jitter_mm(fast) == pytest.approx(0.6, abs=0.1)


@pytest.mark.parametrize("sign", [1, -1])
def test_accuracy_is_the_95th_percentile_of_the_distance_in_each_area(sign):
    centre = [np.array([[30.0 + sign * 0.7, 50.0]] * 20)]
    edge = [np.array([[1.5, 50.0 + sign * 1.4]] * 20)]
    touches = [(path([[30.0, 50.0]] * 2),), (path([[1.5, 50.0]] * 2),)]
    taps = [gesture(Kind.TAP, t, *c) for t, c in zip(touches, (centre, edge), strict=True)]
    assert value("accuracy_centre", *taps).value == pytest.approx(0.7)
    assert value("accuracy_edge", *taps).value == pytest.approx(1.4)
    assert value("accuracy_edge", *taps).passed


def test_one_report_in_twenty_may_be_wrong():
    points = np.array([[30.0, 50.0]] * 40)
    points[:2] += 5.0
    assert value("accuracy_centre", gesture(Kind.TAP, (path([[30.0, 50.0]] * 2),), points)).passed
    points[:3] += 5.0
    assert not value("accuracy_centre", gesture(Kind.TAP, (path([[30.0, 50.0]] * 2),), points)).passed


def test_report_rate_is_that_of_the_slowest_contact():
    fast = gesture(Kind.HOLD, (path([[30, 50]] * 2),), [(30.0, 50.0)] * 50)
    every_second = [(30.0, 50.0) if n % 2 == 0 else None for n in range(50)]
    reports = tuple(r for r in reports_of(every_second) if r.contacts)
    slow = Gesture(Kind.HOLD, "slow", (path([[30, 50]] * 2),), reports)
    assert report_rate_hz(traces_of(fast.reports)[0]) == pytest.approx(100.0)
    measured = value("report_rate_min", fast, slow)
    assert (round(measured.value), measured.passed) == (50, False)


@pytest.mark.parametrize("late_ms", [0, 30, 70])
def test_down_latency_is_from_contact_to_report(late_ms):
    truth = TruePath(np.array([5_000, 500_000]), np.array([[30.0, 50.0]] * 2))
    held = gesture(Kind.HOLD, (truth,), [(30.0, 50.0)] * 20, start_us=5_000 + 1000 * late_ms)
    assert value("down_latency", held).value == pytest.approx(late_ms)


@pytest.mark.parametrize("late_ms", [-12.0, 0.0, 25.0, 40.0])
def test_move_latency_is_the_lag_behind_an_even_motion(late_ms):
    truth = path(line(120))
    t_us = truth.t_us
    trace = Trace(0, t_us, truth.at(t_us - round(1000 * late_ms)))
    assert move_latency_ms(trace, truth) == pytest.approx(late_ms, abs=1e-6)


def test_larger_screens_must_follow_faster():
    moved = gesture(Kind.LINE, (path(line()),), line())
    assert value("move_latency", moved).max == 35.0
    assert value("move_latency", moved, area=Area(280.0, 190.0)).max == 25.0


def test_latency_is_unset_without_a_common_clock():
    moved = gesture(Kind.LINE, (path(line()),), line(), shared_clock=False)
    for name in ("down_latency", "move_latency"):
        assert (value(name, moved).value, value(name, moved).passed) == (None, None)


def test_gap_ratio_finds_a_lost_report():
    even = line(50)
    assert gap_ratio(even) == pytest.approx(1.0)
    assert gap_ratio(np.delete(even, 20, axis=0)) == pytest.approx(2.0)
    assert gap_ratio(np.delete(even, [20, 21], axis=0)) == pytest.approx(3.0)


def test_hysteresis_is_the_jump_out_of_rest():
    held = np.repeat([[10.0, 20.0]], 10, axis=0)
    assert hysteresis_ratio(np.concatenate([held, line(50)[1:]])) == pytest.approx(1.0)
    assert hysteresis_ratio(np.concatenate([held, line(50)[4:]])) == pytest.approx(4.0)


def test_ghosts_are_far_from_what_touches_or_one_too_many():
    true = [(30.0, 50.0)] * 20
    truth = (path([[30.0, 50.0]] * 2),)
    far = [None] * 5 + [(10.0, 90.0)] * 3 + [None] * 12
    twice = [None] * 12 + [(33.0, 50.0)] * 4 + [None] * 4
    assert ghosts(gesture(Kind.HOLD, truth, true)) == 0
    assert ghosts(gesture(Kind.HOLD, truth, true, far)) == 1
    assert ghosts(gesture(Kind.HOLD, truth, true, far, twice)) == 2
    assert ghosts(gesture(Kind.REST, (), far)) == 1


def test_separation_is_the_least_gap_from_which_on_all_pairs_are_told_apart():
    def pair(gap_mm, told):
        second = 7.0 + gap_mm
        touches = path([[20.0, 50.0]] * 2), path([[20.0 + second, 50.0]] * 2)
        other = [(20.0 + second, 50.0) if n < 20 * told else None for n in range(20)]
        return gesture(Kind.PAIR, touches, [(20.0, 50.0)] * 20, other)

    assert separation_mm([pair(2, 0.0), pair(4, 1.0), pair(6, 1.0)]) == pytest.approx(4.0)
    assert separation_mm([pair(2, 1.0), pair(4, 0.9), pair(6, 0.95)]) == pytest.approx(6.0)
    assert separation_mm([pair(2, 1.0), pair(8, 0.5)]) is None


def test_metrics_without_data_are_unset():
    found = touch_metrics((), AREA)
    assert {metric.passed for metric in found} == {None}
    assert len({metric.name for metric in found}) == len(found) == 16


@pytest.fixture(scope="module")
def simulated():
    from stampbench.sim.panel import load_profile

    return simulated_gestures(load_profile("mxt224-4"), seed=1)


def test_simulated_fingers_are_measured_in_every_metric(simulated):
    gestures, area = simulated
    found = {metric.name: metric for metric in touch_metrics(gestures, area)}
    assert all(metric.value is not None for metric in found.values())
    assert found["accuracy_centre"].passed
    assert found["ghost_contacts"].value == 0
    assert 20.0 <= found["down_latency"].value <= 50.0
    assert found["missed_touches"].value == 0.0


def test_latency_of_a_simulated_panel_is_from_the_touch_and_not_from_the_scan(simulated):
    # Reports are there when their scan is over: an even motion is a whole frame further by then.
    gestures, area = simulated
    frame_ms = {gesture.delay_us for gesture in gestures}.pop() / 1000.0
    assert frame_ms >= 5.0
    assert value("move_latency", *gestures, area=area).value >= frame_ms


@pytest.mark.parametrize(("unseen", "passed"), [(0, True), (1, True), (2, False), (10, False)])
def test_touches_that_are_never_reported_are_missed(unseen, passed):
    truth = (path([[30.0, 50.0]] * 2),)
    held = [
        gesture(Kind.HOLD, truth, [None if number < unseen else (30.0, 50.0)] * 20) for number in range(20)
    ]
    missed = value("missed_touches", *held)
    assert (missed.value, missed.n, missed.passed) == (unseen / 20, 20, passed)


def test_ghost_rate_counts_gestures_with_a_ghost():
    truth = (path([[30.0, 50.0]] * 2),)
    still = gesture(Kind.HOLD, truth, [(30.0, 50.0)] * 20)
    haunted = gesture(Kind.HOLD, truth, [(30.0, 50.0)] * 20, [(10.0, 90.0)] * 20)
    assert value("ghost_rate", still, still, still, haunted).value == 0.25


def test_session_of_recordings_is_measured(tmp_path):
    (tmp_path / "line.toml").write_text("")
    session = tmp_path / "session.toml"
    session.write_text('[[gestures]]\nkind = "line"\nrecording = "line.hid"\npath_mm = [[1, 2]]\n')
    with pytest.raises(InputError, match=r"gestures\[0\]\.path_mm has 1 places: expected 2 for a line"):
        recorded_gestures(session)
    session.write_text('[[gestures]]\nkind = "swipe"\nrecording = "a"\n')
    with pytest.raises(InputError, match="swipe"):
        recorded_gestures(session)
    with pytest.raises(InputError, match=r"none\.toml"):
        recorded_gestures(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('kind = "lin"', "gestures[0].kind = 'lin': expected one of tap, hold, line, pair, many, rest"),
        ('kind = "rest"\npathmm = 1', 'gestures[0].pathmm: unknown key: did you mean "path_mm"?'),
        ('kind = "tap"', "gestures[0].path_mm has 0 places: expected 1 for a tap"),
    ],
)
def test_a_wrong_session_is_told_with_key_and_value(tmp_path, line, said):
    path = tmp_path / "session.toml"
    path.write_text(f'[[gestures]]\nrecording = "a.hid"\n{line}\n')
    with pytest.raises(InputError, match=re.escape(said)):
        recorded_gestures(path)
