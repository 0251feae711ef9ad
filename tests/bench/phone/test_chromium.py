"""The page in a real browser: what it had is what the bench is told, and stamps are read."""

from __future__ import annotations

import numpy as np


def test_a_stamp_pressed_in_chromium_is_read_and_its_scale_found(served, chromium):
    rng = np.random.default_rng(1)
    with chromium(px_per_mm=5.6) as page:
        served.wait(lambda: served.phones)
        for press, code in enumerate((4321, 20406, 77), start=1):
            page.press(code, rng)
            served.wait(lambda press=press: len(served.presses) == press)
        page.until("document.getElementById('big').textContent == 'READ 77'")
    assert [press.reading.code for press in served.presses] == [4321, 20406, 77]
    assert all(press.lost == 0 and not press.faults for press in served.presses)
    scale = served.phones[0].presses.scale
    assert abs(scale.mm_per_unit * 5.6 - 1.0) < 0.01


def test_contacts_are_what_the_browser_had(served, chromium):
    rng = np.random.default_rng(2)
    with chromium(px_per_mm=6.4, ratio=2.625) as page:
        served.wait(lambda: served.phones)
        sent = page.press(5, rng, moves=40)
        served.wait(lambda: served.presses)
    told = [
        np.array([(contact.x, contact.y) for contact in sorted(report.down)]) / 1000.0
        for report in served.reports
        if report.down
    ]
    whole = [points for points in told if len(points) == 5]
    at_once = np.array([was for was in sent if len(was) == 5])
    # The browser keeps float32 px, and the page says 1/1000 px.
    for points in whole:
        assert np.abs(at_once - points).max(axis=2).min(axis=0).max() < 1e-3
    # Of touches that come in a burst, the browser may move one finger a moment before another.
    together = [np.abs(at_once - points).max(axis=(1, 2)).min() < 1e-3 for points in whole]
    assert sum(together) >= 0.9 * len(at_once)
    times = [report.t_us for report in served.reports]
    assert times == sorted(times)


def test_touches_that_the_phone_takes_away_are_cancelled_and_no_failure(served, chromium):
    rng = np.random.default_rng(3)
    with chromium() as page:
        served.wait(lambda: served.phones)
        page.touch("touchStart", page.points(9, rng).tolist())
        page.touch("touchCancel", [])
        page.evaluate("0")
        served.wait(lambda: served.presses)
        page.until("document.getElementById('big').textContent.includes('took the touches away')")
    assert served.presses[0].cancelled
    assert served.presses[0].verdict == "none"
    assert served.presses[0].why(5).startswith("the phone cancelled all touches")


def test_a_page_left_in_a_press_is_a_fault_by_its_name(served, chromium):
    rng = np.random.default_rng(4)
    with chromium() as page:
        served.wait(lambda: served.phones)
        page.touch("touchStart", page.points(9, rng).tolist())
        page.evaluate("0")
        served.wait(lambda: any(len(report.down) == 5 for report in served.reports))
        page.ask("Page.reload")
        served.wait(lambda: served.presses)
    assert served.presses[0].verdict == "error"
    assert "the page was left or loaded anew" in served.presses[0].faults
