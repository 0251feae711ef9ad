"""Presses into a page of a real Chromium: its own answer is judged."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stampbench.bench.dut import devtools
from stampbench.bench.dut.browser import BrowserSink, css_scale
from stampbench.bench.dut.opening import device_under_test
from stampbench.bench.dut.sink import deliver
from stampbench.bench.judging.assessment import Verdict, assess
from stampbench.bench.plans.tables import DutAnswer, DutBetween, DutSettings
from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import Outcome
from stampbench.bench.runs.replays import differences, replay_press
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.device import identity_of
from stampbench.sim.panel import load_profile

import stampbench as sb

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="no chromium and chromedriver: expected Debian's chromium and chromium-driver",
)
PANEL = identity_of(load_profile("nexus-5"))
STAMP = 777
SELECTOR = {"selector": "#out"}

Judge = Callable[..., tuple[Run, Verdict]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Runs a plan of one genuine stamp against a page; the run, and its verdict."""

    def judge(url: str, answer: dict[str, Any], presses: int = 3, **dut: Any) -> tuple[Run, Verdict]:
        plan = sb.Plan.of(
            {
                "plan": {"name": "page", "family": "p5-60k", "seed": 3, "profiles": ["nexus-5"]},
                "decoder": {"sigma_mm": 0.15},
                "dut": {
                    "kind": "browser",
                    "url": url,
                    "answer": answer,
                    "codes": {"S1": STAMP, "S2": 2},
                    "late_ms": 500.0,
                    **dut,
                },
                "cases": [{"name": "held", "kind": "genuine", "stamps": [STAMP], "presses": presses}],
                "limits": [{"measurement": "frr", "max": 0.1}],
            }
        )
        run = sb.run(plan, out=tmp_path / "run")
        return run, assess(plan, run).verdict

    return judge


@needs_chromium
@pytest.mark.parametrize(
    ("body", "answer", "address"),
    [
        ("say('S1')", {"selector": "#out"}, ""),
        ("say('stamp S1 found')", {"selector": "#out", "pattern": "stamp (\\w+)"}, ""),
        ("window.last = {code: 777}", {"expression": "window.last"}, ""),
        ("dispatchEvent(new CustomEvent('stamp', {detail: 'S1'}))", {"event": "stamp"}, ""),
        ("fetch(location.hash.slice(1) + '?code=S1')", {"http": True}, "#{answer}"),
    ],
    ids=["text", "pattern", "expression", "event", "http"],
)
def test_an_app_that_reads_passes_however_it_answers(judge: Judge, page, body, answer, address) -> None:
    run, verdict = judge(page(body) + address, answer)
    assert [press.message for press in run.presses] == ["", "", ""]
    assert all(press.read_right for press in run.presses)
    assert verdict is Verdict.PASSED


@needs_chromium
def test_the_time_to_an_answer_counts_from_the_first_contact(judge: Judge, page) -> None:
    run, _ = judge(page("setTimeout(() => say('S1'), 300)"), SELECTOR)
    for press in run.presses:
        assert press.timing.decided_us >= press.timing.all_pads_us + 300_000
        assert press.time_to_decision_ms > 300


@needs_chromium
def test_when_each_report_was_due_and_sent_is_recorded(judge: Judge, page) -> None:
    run, _ = judge(page("say('S1')"), SELECTOR)
    for press in run.presses:
        assert len(press.delivery) == press.link["reports"]
        assert [due for due, _ in press.delivery] == [10_000 * n for n in range(len(press.delivery))]
        assert all(sent >= due for due, sent in press.delivery)


@needs_chromium
def test_a_press_is_replayed_into_the_page(judge: Judge, page) -> None:
    run, _ = judge(page("say('S1')"), SELECTOR)
    assert differences(run.press(2), replay_press(run, run.press(2))) == []
    page("say('S2')")
    differs = differences(run.press(2), replay_press(run, run.press(2)))
    told = {name: (before, now) for name, before, now in differs}
    assert told == {"reading.code": (777, 2), "outcome": ("passed", "failed")}


@needs_chromium
def test_what_an_app_reads_wrongly_is_a_misread(judge: Judge, page) -> None:
    run, verdict = judge(page("say(press % 4 ? 'S1' : 'S2')"), SELECTOR, presses=8)
    assert [press.reading.code for press in run.presses] == [777, 777, 777, 2] * 2
    assert sum(press.misread for press in run.presses) == 2
    assert verdict is Verdict.FAILED


@needs_chromium
def test_an_app_that_says_it_read_nothing_has_read_nothing(judge: Judge, page) -> None:
    run, _ = judge(page("say('unknown stamp')"), {**SELECTOR, "none": ["unknown stamp"]})
    assert {(press.verdict, press.message) for press in run.presses} == {("none", "unknown stamp")}
    assert not any("no_answer" in press.link for press in run.presses)


@needs_chromium
def test_two_answers_to_one_press_are_a_fault_unless_they_are_the_same(judge: Judge, page) -> None:
    body = "dispatchEvent(new CustomEvent('stamp', {detail: 'S1'}));"
    run, verdict = judge(page(body + body), {"event": "stamp"})
    assert [press.link.get("unasked_answers") for press in run.presses] == [1, 1, 1]
    assert verdict is Verdict.PASSED


@needs_chromium
def test_two_answers_that_differ_fail_no_stamp(judge: Judge, page) -> None:
    bodies = (f"dispatchEvent(new CustomEvent('stamp', {{detail: '{name}'}}));" for name in ("S1", "S2"))
    run, verdict = judge(page("".join(bodies)), {"event": "stamp"})
    assert {press.outcome for press in run.presses} == {Outcome.ERROR}
    assert "gave two answers to one press, S1 and S2" in run.presses[0].message
    assert verdict is Verdict.ERROR


@needs_chromium
def test_a_late_answer_is_none_and_not_the_next_presses(judge: Judge, page) -> None:
    run, verdict = judge(
        page("setTimeout(() => say('S1'), 1200)"), SELECTOR, timeout_s=0.2, between={"nothing": True}
    )
    assert {(press.outcome, press.verdict) for press in run.presses} == {(Outcome.FAILED, "none")}
    assert all(press.link["no_answer"] == 1 for press in run.presses)
    assert verdict is Verdict.FAILED


@needs_chromium
@pytest.mark.parametrize(
    "between",
    [{"expression": "most = 0; say('')"}, {"tap": [30.0, 100.0]}, {"until": "most === 0"}],
    ids=["expression", "tap", "until"],
)
def test_the_app_is_brought_back_between_presses(judge: Judge, page, between) -> None:
    body = "say('S1') } else if (event.touches.length === 1) { most = 0; say('')"
    run, verdict = judge(page(body), SELECTOR, between=between)
    assert all(press.read_right for press in run.presses)
    assert verdict is Verdict.PASSED


@needs_chromium
def test_an_app_that_does_not_come_back_is_a_fault_of_the_bench(judge: Judge, page, monkeypatch) -> None:
    monkeypatch.setattr("stampbench.bench.dut.browser.ANSWER_WITHIN_S", 0.3)
    run, verdict = judge(page("say('S1')"), SELECTOR, between={"until": "false"})
    assert {press.outcome for press in run.presses} == {Outcome.ERROR}
    assert "dut.between.until = 'false' is not true" in run.presses[0].message
    assert verdict is Verdict.ERROR


@needs_chromium
def test_a_page_that_hangs_costs_its_press_and_no_other(judge: Judge, page, monkeypatch) -> None:
    monkeypatch.setattr(devtools, "ANSWER_WITHIN_S", 5.0)
    run, verdict = judge(page("if (press === 2) { for (;;) {} } say('S1')"), SELECTOR)
    assert [press.outcome for press in run.presses] == [Outcome.PASSED, Outcome.ERROR, Outcome.PASSED]
    assert "the browser left" in run.presses[1].message
    assert verdict is Verdict.ERROR


@needs_chromium
def test_a_report_too_late_is_a_fault_of_the_bench(judge: Judge, page) -> None:
    run, verdict = judge(page("say('S1')"), SELECTOR, late_ms=1e-3)
    assert {press.outcome for press in run.presses} == {Outcome.ERROR}
    assert "ms late: expected at most dut.late_ms = 0.001" in run.presses[0].message
    assert verdict is Verdict.ERROR


@needs_chromium
def test_a_page_that_is_not_there_is_told(judge: Judge, tmp_path: Path) -> None:
    run, verdict = judge((tmp_path / "none.html").as_uri(), SELECTOR)
    assert "net::ERR_FILE_NOT_FOUND: expected the page under test" in run.presses[0].message
    assert verdict is Verdict.ERROR


@needs_chromium
def test_anothers_touches_and_a_page_out_of_sight_spoil_a_press(page) -> None:
    hides = "Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'})"
    settings = DutSettings(kind="browser", url=page(hides), answer=DutAnswer(selector="#out"))
    sink = BrowserSink(settings, PANEL, queue.SimpleQueue())
    down = tuple(
        Contact(id=n, tip=True, x=0, y=0, x_mm=10.0 + 9.0 * n, y_mm=40.0 + 2.0 * n) for n in range(5)
    )
    try:
        sink.begin(1)
        sink.send(TouchReport(0, down[:2]))
        finger = {"x": 200.0, "y": 400.0, "id": 9}
        sink.page.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[finger])
        with pytest.raises(LinkError, match="2 touches were sent, the page had 3: another's, too"):
            sink.end()
        sink.renew()
        with pytest.raises(LinkError, match="the page is hidden: expected the app in front"):
            deliver(sink, 2, [TouchReport(0, down), TouchReport(10_000, ())])
    finally:
        sink.close()


@needs_chromium
def test_a_phones_chrome_is_reached_by_adb(judge: Judge, page, stub_adb, tmp_path: Path) -> None:
    folder = tmp_path / "profile"
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=500,1000"]
    phone = subprocess.Popen(
        ["chromium", *flags, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"],
        stderr=subprocess.DEVNULL,
    )
    try:
        until_s = time.monotonic() + 20.0
        while not (folder / "DevToolsActivePort").exists():
            assert time.monotonic() < until_s
            time.sleep(0.05)
        port = (folder / "DevToolsActivePort").read_text().split()[0]
        log = stub_adb(f"print('device' if words == ['get-state'] else {port})")
        run, verdict = judge(page("say('S1')"), SELECTOR, serial="PHONE", px_per_mm=5.8)
    finally:
        phone.kill()
        phone.wait()
    assert verdict is Verdict.PASSED, run.presses[0].message
    assert log.read_text().splitlines() == [
        "-s PHONE get-state",
        "-s PHONE forward tcp:0 localabstract:chrome_devtools_remote",
        f"-s PHONE forward --remove tcp:{port}",
    ]


def test_without_a_browser_nothing_runs(judge: Judge, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoHardwareError, match="no program chromium: expected Chromium and its driver"):
        judge("http://127.0.0.1/", SELECTOR)


@pytest.mark.parametrize(
    ("profile", "px_per_mm", "ratio"), [("nexus-5", 5.84, 3), ("iphone-like", 6.41, 2), ("elan-11", 6.0, 1)]
)
def test_a_pages_scale_is_that_of_the_phone(profile: str, px_per_mm: float, ratio: int) -> None:
    assert css_scale(identity_of(load_profile(profile))) == (pytest.approx(px_per_mm, abs=0.01), ratio)


@pytest.mark.parametrize(
    ("dut", "message"),
    [
        ({"kind": "browser"}, 'dut.url: missing: expected this key beside dut.kind = "browser"'),
        ({"kind": "browser", "url": "x"}, "dut.answer: nothing given: expected one of selector, expression"),
        (
            {"kind": "browser", "url": "x", "answer": {"selector": "p", "http": True}},
            "dut.answer: selector, http given",
        ),
        ({"kind": "browser", "url": "x", "answer": {"http": True}}, "expected {answer} in dut.url"),
        (
            {"kind": "browser", "url": "x", "answer": {"logcat": "a"}},
            "dut.answer.logcat = 'a': of a phone alone: expected dut.serial beside it",
        ),
        (
            {"kind": "browser", "url": "x", "answer": {"selector": "p", "pattern": "("}},
            "dut.answer.pattern = '(': missing ), unterminated subpattern",
        ),
        (
            {"kind": "browser", "url": "x", "answer": {"selectr": "p"}},
            'dut.answer.selectr: unknown key: did you mean "selector"?',
        ),
        (
            {"kind": "process", "command": ["a"], "url": "x"},
            'dut.url: dut.kind = "process" has none: expected no dut.url',
        ),
    ],
)
def test_what_a_plan_says_wrongly_is_named(dut: dict[str, Any], message: str) -> None:
    tables = {
        "plan": {"name": "x", "family": "p5-60k", "profiles": ["nexus-5"]},
        "dut": dut,
        "cases": [{"name": "held", "kind": "genuine", "presses": 1}],
    }
    with pytest.raises(sb.InputError) as error:
        sb.Plan.of(json.loads(json.dumps(tables)))
    assert message in str(error.value)


@needs_chromium
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_two_hundred_presses_in_a_row_leave_nothing_behind(page) -> None:
    settings = DutSettings(
        kind="browser",
        url=page("say('S1')"),
        answer=DutAnswer(selector="#out"),
        between=DutBetween(expression="most = 0; say('')"),
        codes={"S1": STAMP},
        late_ms=1000.0,
    )
    landed = tuple(
        Contact(id=n, tip=True, x=0, y=0, x_mm=10.0 + 9.0 * n, y_mm=40.0 + 3.0 * n) for n in range(5)
    )
    scans = [
        TouchReport(4_000 * scan, tuple(c._replace(y_mm=c.y_mm + 0.1 * scan) for c in landed))
        for scan in range(6)
    ]

    def left(tools: devtools.DevTools) -> tuple[int, int, float]:
        tools.ask("Performance.enable")
        tools.ask("HeapProfiler.collectGarbage")
        metrics = tools.ask("Performance.getMetrics")["metrics"]
        heap = next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir())), heap

    with device_under_test(settings, PANEL) as dut:
        assert isinstance(dut.sink, BrowserSink)
        for number in range(1, 201):
            answer = dut.press(number, [*scans, TouchReport(24_000, ())])
            assert (answer.code, answer.odd) == (STAMP, {}), f"press {number}"
            if number == 50:
                before = left(dut.sink.page)
        after = left(dut.sink.page)
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 1e6
