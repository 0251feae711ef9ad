"""Chromium as a device under test, here or on an Android phone: touches go in by its DevTools socket.

What DevTools owe: at most 16 points; a point of a new id lands, one of a known id moves, one that is not
named stays; ``touchEnd`` lifts the points it names, ``touchCancel`` takes all away. Coordinates arrive as
float32 (measured with Chromium 150).
"""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stampbench.bench.dut.adb import ask_adb
from stampbench.bench.dut.answers import Heard, understood
from stampbench.bench.dut.devtools import ANSWER_WITHIN_S, DevTools, page_address
from stampbench.bench.plans.tables import DutSettings
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import Contact, TouchReport

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CSS_PX_PER_MM: Final = 6.0
LEAST_CSS_PX_PER_MM: Final = 142.5 / 25.4
MOST_CSS_PX_PER_MM: Final = 163.0 / 25.4
"""Of phones and tablets of 2012 to 2022: 142.5 to 163 CSS px per inch."""
COUNTING_PAGE: Final = Path(__file__).parent / "counting.html"
"""A page that writes down everything its fingers do."""

_TOLD: Final = "stampbenchTold"
_POLL_S: Final = 0.005


def css_scale(panel: Identity) -> tuple[float, int]:
    """Return CSS px per mm of a panel, and its device pixel ratio.

    A panel whose units are its pixels has the whole ratio that makes it like the phones there are; where none
    does, the units are no pixels, and it has :data:`CSS_PX_PER_MM`.
    """
    units_per_mm = (panel.x_max + 1) / (panel.width_um / 1000.0)
    for ratio in range(1, 5):
        if LEAST_CSS_PX_PER_MM <= units_per_mm / ratio <= MOST_CSS_PX_PER_MM:
            return units_per_mm / ratio, ratio
    return CSS_PX_PER_MM, 1


class BrowserSink:
    """A page in Chromium; opened with its first press.

    Args:
        dut: the page, its scale, how it answers and how it is brought back.
        panel: that is pressed on; the page is as large, where the browser runs here.
        heard: where its answers go.
    """

    name: Final = "browser"
    contact_limit: Final = 16
    paced: Final = True

    def __init__(self, dut: DutSettings, panel: Identity, heard: Heard) -> None:
        self._dut = dut
        self._panel = panel
        self._heard = heard
        scale, self._ratio = css_scale(panel)
        self._px_per_mm = dut.px_per_mm or scale
        self._stack = ExitStack()
        self._page: DevTools | None = None
        self._came = threading.Event()
        self._loaded = self._listens = False
        self._down: set[int] = set()
        self._landed = self._told_landed = 0

    @property
    def page(self) -> DevTools:
        """The page; opened where it is not.

        Raises:
            NoHardwareError: no browser.
            InputError: it shows too little of the panel.
        """
        if self._page is None:
            try:
                self._page = self._opened()
            except BaseException:
                self.close()
                raise
        return self._page

    def bring_back(self, address: str = "") -> None:
        """Load the page, or do in it what brings the app back; what it says meanwhile is no answer.

        Args:
            address: where the app tells its answer, put in place of ``{answer}``.

        Raises:
            LinkError: the page does not load, or the expression throws.
            NoHardwareError, InputError: as :attr:`page`.
        """
        page, between = self.page, self._dut.between
        self._listens = self._loaded and between.nothing
        if not self._loaded or between.reload:
            self._load(self._dut.url.replace("{answer}", address))
        elif between.expression:
            page.value_of(between.expression.replace("{answer}", address))

    def until_ready(self) -> None:
        """Wait until the app waits for a stamp.

        Raises:
            LinkError: it does not come back.
        """
        until = self._dut.between.until or "true"
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while not self.page.value_of(until):  # what the page said until now has been heard then, too
            if time.monotonic() > until_s:
                raise LinkError(
                    f"{self.name}: dut.between.until = {until!r} is not true within {ANSWER_WITHIN_S:g} s: "
                    "expected an app that comes back"
                )
            time.sleep(_POLL_S)
        self._listens = True

    def begin(self, press: int) -> None:
        """Make ready for a press; the page is loaded where it is not.

        Raises:
            LinkError, NoHardwareError, InputError: as :meth:`bring_back`.
        """
        if not self._loaded:
            self.bring_back()
            self.until_ready()
        self._down.clear()
        self._landed = self._told_landed = 0

    def send(self, report: TouchReport) -> None:
        """Send the contacts of one scan; contacts that are gone lift first.

        Raises:
            LinkError: the socket is closed.
        """
        page, down = self.page, report.down
        here = {contact.id for contact in down}
        if self._down and any(contact.cancelled for contact in report.contacts):
            page.send("Input.dispatchTouchEvent", type="touchCancel", touchPoints=[])
            self._down.clear()
        if lifted := self._down - here:
            points = [{"x": 0.0, "y": 0.0, "id": number} for number in sorted(lifted)]
            page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=points)
        if down:
            kind = "touchMove" if self._down & here else "touchStart"
            page.send("Input.dispatchTouchEvent", type=kind, touchPoints=[self._point(c) for c in down])
            self._landed += len(here - self._down)
        self._down = here

    def end(self) -> None:
        """Wait until the page has had all touches, and see that they were these.

        Raises:
            LinkError: it had more or fewer, is not in front, or the socket is closed.
        """
        page = self.page
        if self._down:
            page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            self._down.clear()
        page.settle()
        state = page.value_of("document.visibilityState")
        if state != "visible":
            raise LinkError(f"{self.name}: the page is {state}: expected the app in front of a phone awake")
        if self._told_landed != self._landed:
            whose = "another's, too" if self._told_landed > self._landed else "not all"
            raise LinkError(
                f"{self.name}: {self._landed} touches were sent, the page had {self._told_landed}: {whose}"
            )

    def renew(self) -> None:
        """Leave the page, so that nothing is down and no answer of it can come."""
        self._loaded = self._listens = False
        if self._page is None:
            return
        try:
            if self._down:
                self._page.send("Input.dispatchTouchEvent", type="touchCancel", touchPoints=[])
                self._down.clear()
            self._page.value_of("0")  # one that hangs takes the next page of its site with it
            self._page.ask("Page.navigate", url="about:blank")
            self._page.settle()
        except LinkError:
            self.close()

    def close(self) -> None:
        """Close the page, and the browser that was started for it."""
        self._loaded = self._listens = False
        self._page = None
        self._down.clear()
        self._stack.close()

    def _opened(self) -> DevTools:
        here = not self._dut.serial
        debugger = self._started() if here else _forwarded(self._dut.serial, self._stack)
        page = DevTools(page_address(debugger), self._event)
        self._stack.callback(page.close)
        page.ask("Page.enable")
        page.ask("Runtime.enable")
        width, height = (math.ceil(um / 1000 * self._px_per_mm) for um in _size_um(self._panel))
        if here:
            metrics = {"width": width, "height": height, "deviceScaleFactor": self._ratio, "mobile": True}
            page.ask("Emulation.setDeviceMetricsOverride", **metrics)
            points = min(self._panel.contact_limit, self.contact_limit)
            page.ask("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=points)
        else:
            inner = page.value_of("[innerWidth, innerHeight]")
            if width > inner[0] or height > inner[1]:
                raise InputError(
                    f"dut.px_per_mm = {self._px_per_mm:g}: {self._panel.profile} is {width} x {height} px, "
                    f"the phone's page {inner[0]} x {inner[1]}: expected a profile that fits on it"
                )
        page.ask("Runtime.addBinding", name=_TOLD)
        page.ask("Page.addScriptToEvaluateOnNewDocument", source=_script(self._dut))
        return page

    def _started(self) -> str:
        """Start a browser of our own; return host and port of its DevTools."""
        browser, driver = browser_programs()
        from selenium import webdriver
        from selenium.common.exceptions import WebDriverException

        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for flag in _FLAGS:
            options.add_argument(flag)
        try:
            started: Chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        except (WebDriverException, OSError) as error:
            said = str(error).partition("\n")[0]
            raise NoHardwareError(f"{browser}: {said}: expected a browser that starts") from None
        self._stack.callback(started.quit)
        return str(started.capabilities["goog:chromeOptions"]["debuggerAddress"])

    def _load(self, url: str) -> None:
        self._loaded = False
        self._came.clear()
        answer = self.page.ask("Page.navigate", url=url)
        if "loaderId" not in answer:  # another fragment of the same page
            self.page.ask("Page.reload")
        error = answer.get("errorText")
        if error is None and not self._came.wait(ANSWER_WITHIN_S):
            error = f"not loaded within {ANSWER_WITHIN_S:g} s"
        if error is not None:
            raise LinkError(f"dut.url = {url!r}: {error}: expected the page under test")
        self._loaded = True

    def _point(self, contact: Contact) -> dict[str, float]:
        if contact.x_mm is None or contact.y_mm is None:
            raise LinkError(
                f"{self.name}: contact {contact.id} has no place in mm: expected a panel of known size"
            )
        point = {
            "x": contact.x_mm * self._px_per_mm,
            "y": contact.y_mm * self._px_per_mm,
            "id": contact.id,
            "force": 1.0,
        }
        if contact.size_mm is not None:
            point["radiusX"] = point["radiusY"] = contact.size_mm / 2.0 * self._px_per_mm
        return point

    def _event(self, method: str, params: dict[str, Any]) -> None:
        """Hear the page, in the thread of its socket."""
        if method == "Page.loadEventFired":
            self._came.set()
        elif method == "Runtime.bindingCalled" and params.get("name") == _TOLD:
            told = json.loads(params["payload"])
            self._told_landed += told.get("landed", 0)
            if self._listens and "said" in told:
                said = understood(told["said"], self._dut.answer, time.monotonic())
                if said is not None:
                    self._heard.put(said)


def browser_programs() -> tuple[str, str]:
    """Return Chromium and the driver that starts it.

    Raises:
        NoHardwareError: one is missing.
    """
    if importlib.util.find_spec("selenium") is None:
        raise NoHardwareError('no selenium, which starts the browser: expected pip install "stampbench[dut]"')
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        missing = "chromium" if browser is None else "chromedriver"
        raise NoHardwareError(f"no program {missing}: expected Chromium and its driver on the PATH")
    return browser, driver


_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)


def _size_um(panel: Identity) -> tuple[int, int]:
    return panel.width_um, panel.height_um


def _script(dut: DutSettings) -> str:
    """Return what runs in every document ahead of the app: it counts landings, and tells what is said."""
    parts = [
        f"const tell = told => globalThis.{_TOLD}(JSON.stringify(told));",
        "addEventListener('touchstart', event => event.isTrusted &&"
        " tell({landed: event.changedTouches.length}), {capture: true, passive: true});",
    ]
    answer = dut.answer
    if answer.event:
        event = json.dumps(answer.event)
        parts.append(f"addEventListener({event}, event => tell({{said: event.detail ?? null}}), true);")
    elif answer.expression or answer.selector:
        read = answer.expression or (
            f"(document.querySelector({json.dumps(answer.selector)})?.textContent ?? '').trim() || null"
        )
        parts.append(
            "let last = 'null'; const look = () => {"
            f" let value = null; try {{ value = ({read}); }} catch {{ return; }}"
            " const text = JSON.stringify(value ?? null);"
            " if (text !== last) { last = text; if (text !== 'null') tell({said: value}); } };"
        )
        if answer.selector:
            parts.append(
                "new MutationObserver(look).observe(document,"
                " {subtree: true, childList: true, characterData: true, attributes: true});"
            )
        else:
            parts.append("setInterval(look, 4);")
    return f"(() => {{ {' '.join(parts)} }})();"


def _forwarded(serial: str, stack: ExitStack) -> str:
    """Forward a port to the DevTools of a phone's browser; return host and port."""
    port = ask_adb(serial, "forward", "tcp:0", "localabstract:chrome_devtools_remote").strip()
    stack.callback(_unforward, serial, port)
    return f"127.0.0.1:{port}"


def _unforward(serial: str, port: str) -> None:
    with suppress(NoHardwareError):  # the phone is gone, and its ports with it
        ask_adb(serial, "forward", "--remove", f"tcp:{port}")
