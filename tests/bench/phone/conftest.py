"""A real Chromium as a phone, driven over its DevTools socket; and a server in a thread."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from stampbench.bench.phone.serving import PhoneServer
from stampbench.sim.decoder import Decoder
from stampbench.sim.decoder.scale import PhoneScale
from stampbench.sim.stamps import load_family


class Served:
    """A server of phones in a thread of its own, and what it was told."""

    def __init__(self) -> None:
        self.decoder = Decoder(load_family("p5-60k"), sigma_mm=0.2)
        PhoneScale(self.decoder).read(6.0 * self.decoder.codebook.pads(0))  # kernels are compiled now
        self.reports, self.presses, self.phones = [], [], []
        self.came = threading.Condition()
        self.server = PhoneServer(
            lambda: PhoneScale(self.decoder),
            5,
            on_phone=lambda phone: self._add(self.phones, phone),
            on_report=lambda _, report: self._add(self.reports, report),
            on_press=lambda _, press: self._add(self.presses, press),
        )
        self._ready, self._stop = threading.Event(), None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.thread.start()
        self._ready.wait(20)

    def _add(self, to, what):
        with self.came:
            to.append(what)
            self.came.notify_all()

    def wait(self, what, seconds=20.0):
        """Wait until something holds of what was told."""
        with self.came:
            assert self.came.wait_for(what, seconds)

    async def _serve(self):
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        async with self.server.serving("127.0.0.1") as self.url:
            self._ready.set()
            await self._stop.wait()

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self.thread.join(20)


@pytest.fixture
def served() -> Iterator[Served]:
    """A server on the loopback interface."""
    one = Served()
    yield one
    one.stop()


class Chromium:
    """One page of a browser, as a phone of a size and a device pixel ratio."""

    def __init__(self, url: str, socket, *, px_per_mm: float, ratio: float) -> None:
        self.px_per_mm = px_per_mm
        self.socket = socket
        self.numbers = itertools.count(1)
        metrics = {"width": 412, "height": 915, "deviceScaleFactor": ratio, "mobile": True}
        self.ask("Emulation.setDeviceMetricsOverride", **metrics)
        self.ask("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=10)
        self.ask("Page.navigate", url=url)

    def send(self, method: str, **params: object) -> int:
        """Send a command without waiting for its answer."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        return number

    def ask(self, method: str, **params: object):
        """Send a command and wait for its answer."""
        number = self.send(method, **params)
        while True:
            answer = json.loads(self.socket.recv(20))
            if answer.get("id") == number:
                return answer["result"]

    def evaluate(self, script: str):
        """What a script is in the page."""
        return self.ask("Runtime.evaluate", expression=script)["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until a script is true in the page."""
        waited = f"new Promise(done => setInterval(() => {{ if ({script}) done(true) }}, 10))"
        assert self.ask("Runtime.evaluate", expression=waited, awaitPromise=True)["result"]["value"]

    def touch(self, kind: str, points: list[tuple[float, float]], ids: list[int] | None = None) -> None:
        """Send one touch event with all points that are down, without waiting."""
        named = ids or range(len(points))
        self.send(
            "Input.dispatchTouchEvent",
            type=kind,
            touchPoints=[{"x": x, "y": y, "id": i} for (x, y), i in zip(points, named, strict=True)],
        )

    def points(self, code: int, rng: np.random.Generator) -> np.ndarray:
        """Where the pads of a stamp of p5-60k stand, in CSS px."""
        theta = rng.uniform(0.0, 2.0 * np.pi)
        turn = np.array([[np.cos(theta), np.sin(theta)], [-np.sin(theta), np.cos(theta)]])
        return (load_family("p5-60k").pads(code) @ turn) * self.px_per_mm + (206.0, 450.0)

    def press(self, code: int, rng: np.random.Generator, *, moves: int = 12, jitter_mm: float = 0.1) -> list:
        """Press a stamp whose pads land one by one, jitter, and lift at once; the places that were sent."""
        at, sent = self.points(code, rng), []
        for n in range(5 + moves):
            points = at[: n + 1] + rng.normal(0.0, jitter_mm * self.px_per_mm, at[: n + 1].shape)
            self.touch("touchStart" if n < 5 else "touchMove", points.tolist())
            sent.append(points)
            time.sleep(0.004)  # a controller's scans have times of their own
        self.touch("touchEnd", [])
        self.evaluate("0")  # all has been dispatched
        return sent


@pytest.fixture(scope="session")
def chromedriver():
    """A headless Chromium, or the reason why there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        pytest.skip("no chromium and chromedriver: expected Debian's chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def chromium(served, chromedriver):
    """Opens the page as a phone of some size."""
    from websockets.sync.client import connect

    @contextmanager
    def open_page(*, px_per_mm=5.6, ratio=3.0):
        address = chromedriver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        with urllib.request.urlopen(f"http://{address}/json") as answer:
            page = next(one for one in json.load(answer) if one["type"] == "page")
        with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
            yield (one := Chromium(served.url, socket, px_per_mm=px_per_mm, ratio=ratio))
            one.ask("Page.navigate", url="about:blank")

    return open_page
