from __future__ import annotations

from stampbench.bench.rig.report_checks import ReportChecker, ReportCounters
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.rig.pattern import FRAME_INTERVAL_US, PatternDevice


def counted(*scans: tuple[int, list[Contact]]) -> ReportCounters:
    checker = ReportChecker(PatternDevice().identity)
    for number, contacts in scans:
        checker.see(TouchReport(number * FRAME_INTERVAL_US, tuple(contacts)))
    return checker.counters


def down(number: int, x: int = 5) -> Contact:
    return Contact(number, True, x, 5)


def up(number: int) -> Contact:
    return Contact(number, False, 5, 5)


def test_touch_from_landing_to_lift_is_not_odd() -> None:
    assert (
        counted((0, []), (1, [down(1)]), (2, [down(1), down(2)]), (3, [up(1), up(2)]), (9, []))
        == ReportCounters()
    )


def test_scans_missing_from_a_touch_are_counted_and_idle_ones_are_not() -> None:
    assert counted((0, []), (7, [down(1)]), (10, [down(1)]), (12, [up(1)]), (40, [])).missed_scans == 3


def test_contact_that_vanishes_is_a_lost_lift() -> None:
    assert counted((0, [down(1), down(2)]), (1, [down(2)]), (2, [])).lost_lifts == 2


def test_contacts_beyond_the_identity_are_counted() -> None:
    counters = counted((0, [down(number, x=4096) for number in range(11)]))
    assert (counters.too_many_contacts, counters.out_of_range) == (1, 11)


def test_a_scan_in_two_packets_and_an_id_twice_break_r3() -> None:
    counters = counted((0, [down(1)]), (0, [down(1), down(2)]), (1, [down(1), down(1), down(2)]))
    assert (counters.split_scans, counters.repeated_ids) == (1, 1)
    assert counters.breaches == {"R3": "1 scans in more than one contacts packet, 1 scans with an id twice"}


def test_a_lift_of_what_was_not_down_breaks_r5() -> None:
    counters = counted((0, [down(1)]), (1, [up(1)]), (2, [up(1)]))
    assert counters.breaches == {"R5": "1 lifts of contacts that were not down"}
