"""One phone as a device that is read, and as a rig that a person presses: its page served in a thread."""

from __future__ import annotations

import asyncio
import functools
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from stampbench.bench.phone.presses import PER_PX, PhonePress
from stampbench.bench.phone.serving import Phone, PhoneServer
from stampbench.bench.rig.connection import ManualPressError
from stampbench.bench.rig.report_checks import ReportChecker, ReportCounters
from stampbench.bench.runs.prompts import prompts_of
from stampbench.bench.sources.capture import CaptureHeader
from stampbench.bench.sources.live import LiveSource
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError
from stampbench.firmware_emulator.link.messages import Capability, Identity
from stampbench.firmware_emulator.link.packets import LinkCounters
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.decoder.unknown_scale import CSS_PX
from stampbench.sim.press import Press

FIRST_PHONE_S: Final = 300.0
"""How long the page's address may stay unopened."""
_TICK_S: Final = 0.05
_STARTS_S: Final = 20.0


class PhoneLine:
    """What the first phone sends that opens the page, in order; further ones are told so and not read.

    Args:
        px_per_mm: CSS px in a millimetre; None: as phones and tablets have them, within 7 %.
        host: to listen on.
    """

    def __init__(self, px_per_mm: float | None, host: str) -> None:
        self.mm_per_px = CSS_PX.mm_per_unit if px_per_mm is None else 1.0 / px_per_mm
        self.known = px_per_mm is not None
        self.items: queue.SimpleQueue[TouchReport | PhonePress] = queue.SimpleQueue()
        self._host = host
        self._server = PhoneServer(
            lambda: None, 0, on_phone=self._arrived, on_report=self._reported, on_press=self._pressed
        )
        self._phone: Phone | None = None
        self._here, self._ready = threading.Event(), threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._failure: InputError | None = None
        self.url = ""
        threading.Thread(target=self._run, name="phones", daemon=True).start()
        self._ready.wait(_STARTS_S)
        if self._failure is not None:
            raise self._failure
        sys.stderr.write(f"stampbench: open on the phone: {self.url}\n")

    def phone(self, wait_s: float = FIRST_PHONE_S) -> Phone:
        """Return the phone, once it has opened the page.

        Raises:
            NoHardwareError: none did in time.
        """
        if not self._here.wait(wait_s) or self._phone is None:
            raise NoHardwareError(f"no phone opened {self.url} within {wait_s:g} s")
        return self._phone

    def prompt(self, text: str) -> None:
        """Show on the page what to do next."""
        self._server.prompt = text
        if self._phone is not None:
            asyncio.run_coroutine_threadsafe(self._phone.say({"prompt": text}), self._loop)

    def report(self, report: TouchReport) -> TouchReport:
        """Return a report with its places in mm."""
        mm = self.mm_per_px / PER_PX
        return TouchReport(
            report.t_us, tuple(c._replace(x_mm=c.x * mm, y_mm=c.y * mm) for c in report.contacts)
        )

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except InputError as error:
            self._failure = error
        self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._server.serving(self._host) as self.url:
            self._ready.set()
            await asyncio.Event().wait()

    def _arrived(self, phone: Phone) -> None:
        if self._phone is None or self._phone.socket is None:  # or the same one, loaded anew
            self._phone = phone
            self._here.set()
        else:
            sys.stderr.write(f"stampbench: a second phone, {phone.hello.title}, is not read\n")

    def _reported(self, phone: Phone, report: TouchReport) -> None:
        if phone is self._phone:
            self.items.put(report)

    def _pressed(self, phone: Phone, press: PhonePress) -> None:
        if phone is self._phone:
            self.items.put(press)


@functools.cache
def phone_line(name: str) -> PhoneLine:
    """Return the line of a name: ``phone``, ``phone:PX_PER_MM``, or ``phone+lan`` for the local network.

    It stays open to the end of the process: a page need not be opened again for another run.

    Raises:
        InputError: another name, or an address that cannot be listened on.
    """
    kind, _, number = name.partition(":")
    try:
        px_per_mm = float(number) if number else None
    except ValueError:
        px_per_mm = -1.0
    if kind not in ("phone", "phone+lan") or (px_per_mm is not None and not 0.1 <= px_per_mm <= 100.0):
        raise InputError(
            f"{name}: expected phone, phone:PX_PER_MM or phone+lan:PX_PER_MM, such as phone:6.01"
        )
    return PhoneLine(px_per_mm, "0.0.0.0" if kind == "phone+lan" else "127.0.0.1")


@contextmanager
def open_phone(name: str) -> Iterator[LiveSource]:
    """Open the first phone that opens the page, as a device that is read while it is used.

    Raises:
        InputError: another name, or an address that cannot be listened on.
        NoHardwareError: no phone came.
    """
    line = phone_line(name)
    phone = line.phone()
    counts = {"reports": 0}

    def items() -> Iterator[TouchReport | Frame | None]:
        while True:
            try:
                item = line.items.get(timeout=_TICK_S)
            except queue.Empty:
                yield None
                continue
            if isinstance(item, TouchReport):
                counts["reports"] += 1
                yield line.report(item)

    hello = phone.hello
    header = CaptureHeader(
        device=hello.title,
        x_min=0,
        x_max=round(PER_PX * hello.width),
        y_min=0,
        y_max=round(PER_PX * hello.height),
        width_mm=hello.width * line.mm_per_px,
        height_mm=hello.height * line.mm_per_px,
    )
    yield LiveSource("phone", header, items(), lambda: counts | {"lost": phone.presses.lost})


class PhoneRig:
    """A phone that a person presses; its page says what.

    Args:
        line: of the phone; how large its px are must be known, since nothing else is learnt here.
        profile: that stands in the records.

    Raises:
        InputError: how large the px are is not known.
        NoHardwareError: no phone came.
    """

    def __init__(self, line: PhoneLine, profile: str) -> None:
        if not line.known:
            raise InputError(
                "--rig phone: how many CSS px are a millimetre? expected --rig phone:PX_PER_MM, "
                "such as phone:6.01; stampbench phone finds it from a few presses"
            )
        self._line = line
        hello = line.phone().hello
        self.identity = Identity(
            serial_number="",
            profile=profile,
            firmware_name=hello.title,
            firmware_version=hello.brand or "browser",
            contact_limit=max(1, min(255, hello.touches or 10)),
            x_max=round(PER_PX * hello.width),
            y_max=round(PER_PX * hello.height),
            width_um=round(1e3 * hello.width * line.mm_per_px),
            height_um=round(1e3 * hello.height * line.mm_per_px),
            frame_interval_us=0,
            capabilities=Capability(0),
        )
        self.press_counters, self.press_reports, self.press_whole = LinkCounters(), ReportCounters(), True
        self.counters = LinkCounters()

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Do nothing: a real phone has the condition that it has."""

    def press(self, press: Press, seed: int, *, on_frame: Callable[[Frame], None] | None = None) -> NoReturn:
        """Say on the page what a person is to press.

        Raises:
            ManualPressError: always: nothing but a person presses here.
        """
        (prompt,) = prompts_of((), object_name=press.object, number=1, press=1, presses=1)
        self._line.prompt(prompt.text)
        raise ManualPressError("a phone has no actuator, an operator must press")

    def watch(
        self,
        *,
        first_contact_s: float,
        quiet_us: int,
        meanwhile: Callable[[], None] = lambda: None,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> Iterator[TouchReport]:
        """Yield the reports of one press; the page itself says when it is over.

        Raises:
            LinkError: nobody pressed in time, or something befell phone, page or connection.
        """
        while not self._line.items.empty():  # what was pressed before is none of it
            self._line.items.get()
        checker = ReportChecker(self.identity)
        self.press_reports, self.press_whole = checker.counters, False
        until_s = time.monotonic() + first_contact_s
        touched = False
        while True:
            meanwhile()
            try:
                item = self._line.items.get(timeout=_TICK_S)
            except queue.Empty:
                if not touched and time.monotonic() > until_s:
                    raise LinkError(f"phone: nobody pressed within {first_contact_s:g} s") from None
                continue
            if isinstance(item, PhonePress):
                self.press_counters = LinkCounters(packets=item.reports, lost=item.lost)
                self.counters = LinkCounters(
                    packets=self.counters.packets + item.reports, lost=self.counters.lost + item.lost
                )
                if item.faults:
                    raise LinkError(f"phone: {'; '.join(item.faults)}")
                self.press_whole = True
                return
            touched = True
            checker.see(item)
            yield self._line.report(item)

    def reset(self) -> None:
        """Do nothing: no press is under way but a person's."""

    def settle(self) -> None:
        """Do nothing: no faults are injected here."""
