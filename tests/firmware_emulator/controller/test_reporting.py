from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from stampbench.firmware_emulator.controller import Controller, ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.touch import Frame, TouchReport

Image = npt.NDArray[np.float64]
Pads = Sequence[tuple[float, float]]
Play = Callable[..., list[TouchReport]]
LEFT, RIGHT, LOW = (15.0, 30.0), (45.0, 30.0), (30.0, 80.0)


@pytest.fixture
def play(phone: PanelGeometry, press: Callable[..., Image], scan: Callable[..., Frame]) -> Play:
    """Reports of noiseless frames, one for each set of pads: play(settings, pads, pads, ...)."""

    def reports(settings: ControllerSettings, *frames: Pads) -> list[TouchReport]:
        controller = Controller(phone, settings)
        return [controller.process(scan(press(phone, pads), 10_000 * i)) for i, pads in enumerate(frames)]

    return reports


def told(report: TouchReport) -> list[tuple[int, bool]]:
    return [(contact.id, contact.tip) for contact in report.contacts]


@pytest.mark.kernel
@pytest.mark.parametrize("frames", [1, 2, 4])
def test_contact_is_reported_from_its_nth_consecutive_frame(
    play: Play, settings: ControllerSettings, frames: int
) -> None:
    reports = play(replace(settings, debounce_frames=frames), *[[LEFT]] * 5)
    assert [len(report.contacts) for report in reports] == [0] * (frames - 1) + [1] * (6 - frames)


@pytest.mark.kernel
def test_interrupted_landing_begins_again(play: Play, settings: ControllerSettings) -> None:
    reports = play(settings, [LEFT], [], [LEFT], [LEFT])
    assert [len(report.contacts) for report in reports] == [0, 0, 0, 1]


@pytest.mark.kernel
def test_lift_is_reported_once_at_the_last_position(play: Play, settings: ControllerSettings) -> None:
    reports = play(settings, [LEFT], [LEFT], [], [], [], [])
    assert [told(report) for report in reports[1:]] == [[(0, True)]] * 3 + [[(0, False)], []]
    assert len({(report.contacts[0].x, report.contacts[0].y) for report in reports[1:5]}) == 1


@pytest.mark.kernel
def test_contact_that_misses_fewer_frames_stays(play: Play, settings: ControllerSettings) -> None:
    reports = play(settings, [LEFT], [LEFT], [], [], [LEFT], [], [], [LEFT])
    assert {tuple(told(report)) for report in reports[1:]} == {((0, True),)}


@pytest.mark.kernel
def test_new_contact_takes_the_lowest_free_id(play: Play, settings: ControllerSettings) -> None:
    quick = replace(settings, debounce_frames=1, liftoff_frames=1)
    reports = play(quick, [LEFT, RIGHT], [RIGHT], [RIGHT], [RIGHT, LOW])
    assert told(reports[1]) == [(0, False), (1, True)]
    assert sorted(told(reports[3])) == [(0, True), (1, True)]


@pytest.mark.kernel
def test_id_is_not_handed_out_in_the_report_that_ends_it(play: Play, settings: ControllerSettings) -> None:
    quick = replace(settings, debounce_frames=1, liftoff_frames=1)
    reports = play(quick, [LEFT], [RIGHT], [RIGHT])
    assert sorted(told(reports[1])) == [(0, False), (1, True)]


@pytest.mark.kernel
def test_rotating_ids_come_round_and_pass_those_in_use(play: Play, settings: ControllerSettings) -> None:
    quick = replace(
        settings, debounce_frames=1, liftoff_frames=1, max_contacts=2, id_policy="rotating", id_count=3
    )
    reports = play(quick, *[[LEFT], [LEFT, RIGHT], [LEFT]] * 3)
    assert [max(set(told(report)) - {(0, True)}) for report in reports[1::3]] == [
        (1, True),
        (2, True),
        (1, True),
    ]


@pytest.mark.kernel
def test_contacts_beyond_the_limit_are_dropped_until_there_is_room(
    play: Play, settings: ControllerSettings
) -> None:
    two = replace(settings, debounce_frames=1, liftoff_frames=1, max_contacts=2)
    reports = play(two, [LEFT, RIGHT], [LEFT, RIGHT, LOW], [RIGHT, LOW], [RIGHT, LOW])
    assert told(reports[1]) == [(0, True), (1, True)]
    assert told(reports[2]) == [(0, False), (1, True)]
    assert told(reports[3]) == [(1, True), (0, True)] or told(reports[3]) == [(0, True), (1, True)]
    assert {round(contact.y_mm or 0) for contact in reports[3].contacts} == {30, 80}


@pytest.mark.kernel
def test_contact_beyond_the_limit_cancels_all_until_the_panel_is_empty(
    play: Play, settings: ControllerSettings
) -> None:
    two = replace(settings, debounce_frames=1, liftoff_frames=1, max_contacts=2, contact_policy="cancel_all")
    reports = play(two, [LEFT, RIGHT], [LEFT, RIGHT, LOW], [LEFT, RIGHT], [LEFT], [], [LEFT])
    assert [told(report) for report in reports[1:]] == [[(0, False), (1, False)], [], [], [], [(0, True)]]
    marked = [[contact.cancelled for contact in report.contacts] for report in reports]
    assert marked == [[False, False], [True, True], [], [], [], [False]]


@pytest.mark.kernel
def test_contact_that_was_never_told_down_is_not_told_up(play: Play, settings: ControllerSettings) -> None:
    two = replace(settings, debounce_frames=1, max_contacts=2, contact_policy="cancel_all")
    assert [told(report) for report in play(two, [LEFT, RIGHT, LOW], [LEFT, RIGHT, LOW])] == [[], []]


@pytest.mark.kernel
def test_millimetres_are_those_of_the_units(
    phone: PanelGeometry,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
    settings: ControllerSettings,
) -> None:
    coarse = replace(phone, x_max=123, y_max=100)
    controller = Controller(coarse, replace(settings, debounce_frames=1))
    (contact,) = controller.process(scan(press(coarse, [(20.02, 33.2)]))).contacts
    assert (contact.x, contact.y) == (40, 30)
    assert contact.x_mm == pytest.approx(20.0)
    assert contact.y_mm == pytest.approx(33.21)


def test_coordinates_stay_in_their_range(
    phone: PanelGeometry,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
    settings: ControllerSettings,
) -> None:
    for pad in [(-0.5, 50.0), (62.0, 50.0), (30.0, -0.5), (30.0, 111.0)]:
        controller = Controller(phone, replace(settings, debounce_frames=1))
        (contact,) = controller.process(scan(press(phone, [pad]))).contacts
        assert 0 <= contact.x <= phone.x_max
        assert 0 <= contact.y <= phone.y_max


def jitter_mm(
    settings: ControllerSettings,
    geometry: PanelGeometry,
    press: Callable[..., Image],
    rest: Callable[..., Image],
    scan: Callable[..., Frame],
) -> float:
    """Standard deviation of a resting contact's reported x after it came to rest, mm."""
    controller = Controller(geometry, settings)
    rng = np.random.default_rng(5)
    xs = []
    for i in range(120):
        report = controller.process(scan(press(geometry, [LEFT]) + rest(rng, geometry), 10_000 * i))
        xs.extend(contact.x_mm for contact in report.down if i >= 20)
    return float(np.std(xs))


def test_movement_hysteresis_freezes_the_jitter_of_a_resting_contact(
    phone: PanelGeometry,
    press: Callable[..., Image],
    rest: Callable[..., Image],
    scan: Callable[..., Frame],
    settings: ControllerSettings,
) -> None:
    free = replace(settings, move_hysteresis_initial_mm=0.0, move_hysteresis_next_mm=0.0, position_filter=1.0)
    filtered = replace(free, position_filter=0.5)
    assert jitter_mm(free, phone, press, rest, scan) > 0.015
    assert jitter_mm(filtered, phone, press, rest, scan) < 0.75 * jitter_mm(free, phone, press, rest, scan)
    assert jitter_mm(settings, phone, press, rest, scan) == 0.0


def test_moving_contact_is_followed_through_the_hysteresis(play: Play, settings: ControllerSettings) -> None:
    still = [[(20.0, 50.0)]] * 12
    moving = [[(20.0 + 0.5 * i, 50.0)] for i in range(1, 21)]
    reports = play(settings, *still, *moving)
    xs = [report.contacts[0].x_mm or 0.0 for report in reports[1:]]
    assert len(set(xs[:11])) == 1
    assert np.all(np.diff(xs[11:]) > 0)
    assert xs[-1] == pytest.approx(30.0, abs=0.15)


def test_small_movement_of_a_resting_contact_is_not_reported(
    play: Play, settings: ControllerSettings
) -> None:
    reports = play(settings, *[[(20.0, 50.0)]] * 12, *[[(20.08, 50.0)]] * 12)
    assert len({report.contacts[0].x for report in reports[1:]}) == 1
