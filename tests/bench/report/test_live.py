from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.report.live import LATEST, LiveRun, live_page
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError

from tests.bench.conftest import held, small_plan

PLAN = small_plan(
    held(40),
    limits=[
        {"measurement": "frr", "max": 0.3, "marginal_max": 0.01},
        {"measurement": "time_to_decision_p95", "max": 100},
    ],
)


class Told(Progress):
    def __init__(self):
        self.said = []
        self.presses = 0

    def say(self, text):
        self.said.append(text)

    def pressed(self, presses, failed):
        self.presses += presses


@pytest.fixture
def order(tmp_path):
    return RunOrder(PLAN, tmp_path, seed=3)


@pytest.fixture
def ask():
    """Gets a page, past any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(url, **headers):
        with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.read().decode()

    return get


def test_state_tells_how_far_the_run_is_and_how_it_stands(order, make_press):
    seconds = iter(range(0, 1000, 2))
    live = LiveRun(order, told := Told(), clock=lambda: float(next(seconds)))
    for number in range(1, 21):
        live.recorded(make_press(number, verdict="none" if number == 4 else "read"))
        live.pressed(1, 0)
    state = live.state()
    assert (state["done"], state["size"], state["presses_per_s"], state["left_s"]) == (20, 40, 0.5, 40)
    assert (state["outcomes"]["failed"], state["saying"]) == (1, "pressing")
    frr, time = state["limits"]
    assert (frr["result"], frr["n"], time["result"]) == ("marginal", 20, "passed")
    assert [press["press"] for press in state["latest"]] == list(range(20, 20 - LATEST, -1))
    assert told.presses == 20


@pytest.mark.parametrize(
    ("presses", "missed", "results"),
    [
        # Clopper-Pearson, two-sided 95 %: 0 of 10 is 0 to 0.31, and 300 presses may bring it below 2 %.
        (10, 0, ["undecided", "passed"]),
        # 1 of 10 is above 1 %, and its interval, 0.0025 to 0.45, not all of it.
        (10, 1, ["undecided", "undecided"]),
        # 5 of 10: from 0.19 on. No press to come changes that this stamp is bad.
        (10, 5, ["failed", "failed"]),
        (300, 0, ["passed", "passed"]),
    ],
)
def test_a_limit_that_presses_to_come_may_meet_is_undecided(make_press, tmp_path, presses, missed, results):
    plan = small_plan(
        held(300),
        limits=[
            {"measurement": "frr", "max": 0.02, "confident": True},
            {"measurement": "misread", "max": 0.01},
        ],
    )
    live = LiveRun(RunOrder(plan, tmp_path, 1), Progress())
    for number in range(1, presses + 1):
        live.recorded(make_press(number, read=9 if number <= missed else 7))
    assert [limit["result"] for limit in live.state()["limits"]] == results


def test_chunks_of_a_campaign_count_as_their_presses(order, make_press):
    live = LiveRun(order, Progress())
    live.recorded(PressChunk.of([make_press(number) for number in range(1, 6)]))
    assert live.state()["done"] == 5


def test_state_is_not_made_anew_at_every_question(order, make_press):
    seconds = [0.0]
    live = LiveRun(order, Progress(), clock=lambda: seconds[0])
    assert live.state()["done"] == 0
    live.recorded(make_press(1))
    assert live.state()["done"] == 0
    seconds[0] = 0.6
    assert live.state()["done"] == 1


def test_page_and_state_are_served_on_this_machine_alone(order, make_press, ask):
    with live_page(order, told := Told()) as live:
        (said,) = told.said
        url = said.removeprefix("live page: ")
        assert url.startswith("http://127.0.0.1:")
        assert "<title>made up, live" in ask(url)
        live.recorded(make_press(1))
        assert json.loads(ask(f"{url}state?x=1"))["size"] == 40
        for path, headers, status in (("other", {}, 404), ("state", {"Host": "elsewhere.example:80"}, 403)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                ask(url + path, **headers)
            assert refused.value.code == status
            refused.value.close()
        port = int(url.rpartition(":")[2].rstrip("/"))
        with pytest.raises(InputError, match=rf"--live-port {port}: .*expected a free port"):
            live_page(order, Progress(), port).__enter__()
    with pytest.raises(urllib.error.URLError):
        ask(url)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or chromium is None:
        pytest.skip("no chromium with its chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "no-proxy-server",
        "window-size=1100,1000",
    ):
        options.add_argument(f"--{flag}")
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        yield chrome


def test_browser_shows_the_run_as_it_goes_and_that_it_ended(order, make_press, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def text(name):
        return browser.find_element(By.ID, name).text

    def until(condition):
        WebDriverWait(browser, 20, poll_frequency=0.1).until(lambda _: condition())

    with live_page(order, told := Told()) as live:
        browser.get(told.said[0].removeprefix("live page: "))
        until(lambda: text("size") == "40")
        assert text("word") == "Preparing"
        for number in range(1, 21):
            live.recorded(make_press(number))
        until(lambda: text("done") == "20")
        assert text("word") == "Passing"
        assert "False rejection (FRR)" in text("limits")
        assert "60.0 ms" in text("latest")
        for number in range(21, 41):
            live.recorded(make_press(number, verdict="partial"))
        until(lambda: text("failed") == "20")
        assert text("word") == "Failing"
        if picture := os.environ.get("STAMPBENCH_PICTURES"):
            browser.save_screenshot(str(Path(picture) / "live.png"))
        assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    until(lambda: text("saying") == "ended")
    assert "The run has ended" in text("note")
