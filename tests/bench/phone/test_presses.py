from __future__ import annotations

import math

import pytest
from stampbench.bench.phone.presses import NOTES, PhonePresses
from stampbench.firmware_emulator.errors import InputError

FIVE = [[n, 50.0 + 40.0 * n, 100.0 + 7.0 * n * n, 10.0, 0.5] for n in range(5)]


@pytest.fixture
def told():
    return []


@pytest.fixture
def presses(told):
    return PhonePresses(None, 5, on_press=told.append)


def press(presses, numbers, *, kind="move"):
    for number in numbers:
        presses.take(number, 8.0 * number, "down" if number == 1 else kind, FIVE)


def test_a_press_counts_its_reports(presses, told):
    press(presses, range(1, 11))
    presses.take(11, 90.0, "up", [])
    presses.quiet()
    assert (told[0].reports, told[0].lost, told[0].cancelled, told[0].faults) == (11, 0, False, ())


def test_reports_that_come_twice_count_once(presses, told):
    press(presses, [1, 2, 3, 2, 3, 4, 1])
    presses.take(5, 50.0, "up", [])
    presses.quiet()
    assert told[0].reports == 5
    assert presses.lost == 0


def test_reports_that_never_come_make_the_press_an_error(presses, told):
    press(presses, [1, 2, 5])
    presses.take(6, 50.0, "up", [])
    presses.quiet()
    assert (told[0].verdict, told[0].lost) == ("error", 2)
    assert told[0].why(5) == "2 reports never came"


@pytest.mark.parametrize("name", NOTES)
def test_what_befalls_the_page_in_a_press_is_told_by_name(presses, told, name):
    press(presses, [1, 2])
    presses.take(3, 20.0, "note", name)
    presses.take(4, 30.0, "up", [])
    presses.quiet()
    assert told[0].verdict == "error"
    assert told[0].why(5) == NOTES[name]


@pytest.mark.parametrize("name", NOTES)
def test_what_befalls_the_page_between_presses_is_nothing(presses, told, name):
    presses.take(1, 20.0, "note", name)
    presses.quiet()
    assert told == []


def test_touches_taken_away_are_cancelled(presses, told):
    press(presses, [1, 2])
    presses.take(3, 30.0, "cancel", [])
    presses.quiet()
    assert told[0].cancelled
    assert told[0].verdict == "none"


def test_a_press_that_never_ends_is_an_error(presses, told):
    press(presses, [1, 2])
    presses.quiet()
    assert told[0].faults == ("the touches never ended",)


@pytest.mark.parametrize(
    ("number", "t_ms", "said"),
    [(0, 1.0, []), (1, math.inf, []), (1, 1.0, "nonsense"), (1, 1.0, [[1, math.nan, 0.0, 0.0, 0.0]])],
)
def test_what_no_page_sends_is_refused(presses, number, t_ms, said):
    with pytest.raises(InputError, match="phone: "):
        presses.take(number, t_ms, "move", said)
