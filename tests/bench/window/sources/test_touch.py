from __future__ import annotations

from stampbench.bench.window.sources.touch import TouchInput


def test_fingers_become_contacts_in_mm_with_the_lowest_free_number() -> None:
    touch = TouchInput(1000.0, 2000.0, 0.1)
    touch.touch(900, 100.0, 200.0, "down")
    touch.touch(901, 300.0, 400.0, "down")
    (report,) = touch.advance(5_000)
    assert [(c.id, c.tip, c.x_mm, c.y_mm) for c in report.contacts] == [
        (0, True, 10.0, 20.0),
        (1, True, 30.0, 40.0),
    ]
    touch.touch(900, 110.0, 200.0, "up")
    touch.touch(902, 500.0, 600.0, "down")
    (report,) = touch.advance(10_000)
    assert [(c.id, c.tip) for c in report.contacts] == [(0, False), (0, True), (1, True)] or [
        (c.id, c.tip) for c in report.contacts
    ] == [(0, False), (1, True), (2, True)]


def test_a_report_comes_only_when_something_changed() -> None:
    touch = TouchInput(1000.0, 2000.0, 0.1)
    touch.touch(1, 100.0, 200.0, "down")
    assert len(touch.advance(0)) == 1
    assert touch.advance(5_000) == ()
    touch.touch(1, 110.0, 200.0, "move")
    assert len(touch.advance(10_000)) == 1


def test_the_most_simultaneous_contacts_are_remembered() -> None:
    touch = TouchInput(1000.0, 2000.0, 0.1)
    for finger in range(7):
        touch.touch(finger, 10.0 * finger, 10.0, "down")
    for finger in range(7):
        touch.touch(finger, 10.0 * finger, 10.0, "up")
    touch.advance(0)
    assert touch.contacts_most == 7


def test_a_lift_of_a_finger_that_never_came_is_passed_over() -> None:
    touch = TouchInput(1000.0, 2000.0, 0.1)
    touch.touch(5, 10.0, 10.0, "up")
    assert all(report.contacts == () for report in touch.advance(0))
