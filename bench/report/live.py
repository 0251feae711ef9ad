"""A page that shows a run while it goes: served on this machine alone, by the standard library."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from stampbench.bench.judging.assessment import Judged, Result, judge, measure
from stampbench.bench.judging.measurements import MEASUREMENTS
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.presses import Outcome, PressRecord, PressResult
from stampbench.bench.report.html import render
from stampbench.bench.report.limit_rows import gauge, interval, number
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError

LATEST: Final = 12
"""Presses that the page lists."""
SPEED_OVER_S: Final = 10.0
"""Presses per second are those of the last seconds."""
UNDECIDED: Final = "undecided"
"""Stands beside a limit that more presses may meet or miss."""
_FRESH_S = 0.5
_SHARE = 0.05
"""Of the time, at most so much is spent on the page."""
_HOST = "127.0.0.1"


class LiveRun(Progress):
    """What is known of a run that goes on, fed as its progress is told; safe to be asked from another thread.

    Args:
        order: what is run.
        progress: is told everything, too.
        clock: seconds.
    """

    def __init__(
        self, order: RunOrder, progress: Progress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.prompter = progress.prompter
        self._order = order
        self._progress = progress
        self._clock = clock
        self._lock = threading.Lock()
        self._tally = Tally()
        self._latest: deque[dict[str, Any]] = deque(maxlen=LATEST)
        self._counts: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._saying = "preparing"
        self._state: dict[str, Any] = {}
        self._due_s = clock()

    def say(self, text: str) -> None:
        """Tell what is going on."""
        self._saying = text
        self._progress.say(text)

    def recorded(self, line: Struct) -> None:
        """Take in what was recorded."""
        results: list[PressResult] = []
        if isinstance(line, PressRecord):
            results = [line]
        elif isinstance(line, PressChunk):
            results = list(line.results())
        with self._lock:
            self._saying = "pressing"
            for result in results:
                self._tally.add(result)
            self._latest.extend(_press_row(result) for result in results[-LATEST:])
            now_s = self._clock()
            self._counts.append((now_s, self._tally.presses))
            while len(self._counts) > 2 and self._counts[1][0] < now_s - SPEED_OVER_S:
                self._counts.popleft()
        self._progress.recorded(line)

    def pressed(self, presses: int, failed: int) -> None:
        """Tell that so many presses more are recorded."""
        self._progress.pressed(presses, failed)

    def state(self) -> dict[str, Any]:
        """Return all that the page shows, as plain data; made anew so seldom that the run hardly feels it."""
        with self._lock:
            begun_s = self._clock()
            if begun_s >= self._due_s:
                self._state = self._now()
                now_s = self._clock()
                self._due_s = now_s + max(_FRESH_S, (now_s - begun_s) / _SHARE)
            return {**self._state, "saying": self._saying}

    def _now(self) -> dict[str, Any]:
        (begun_s, before), (last_s, done) = self._counts[0], self._counts[-1]
        speed = (done - before) / (last_s - begun_s) if last_s > begun_s else 0.0
        left = max(0, self._order.size - done)
        return {
            "done": done,
            "size": self._order.size,
            "presses_per_s": round(speed, 1),
            "left_s": round(left / speed) if speed > 0.0 else None,
            "outcomes": {outcome.value: self._tally.outcomes[outcome] for outcome in Outcome},
            "limits": list(self._limits()),
            "latest": list(reversed(self._latest)),
        }

    def _so_far(self, judged: Judged) -> str:
        """Return a result as far as it is known: presses to come may still meet the limit, or miss it."""
        test, measured = judged.test, judged.measured
        if self._tally.presses >= self._order.size:
            return judged.result.value
        if test is not None:
            return UNDECIDED if judged.result is Result.UNSET else judged.result.value
        if judged.result is Result.FAILED:
            excluded = (
                judged.max is not None and measured.low is not None and measured.low > judged.max
            ) or (judged.min is not None and measured.high is not None and measured.high < judged.min)
            return Result.FAILED.value if excluded else UNDECIDED
        return UNDECIDED if judged.why and measured.n else judged.result.value

    def _limits(self) -> Iterator[dict[str, Any]]:
        plan = self._order.plan
        for place, limit in enumerate(plan.limits):
            for profile in [limit.profile] if limit.profile is not None else plan.header.profiles:
                cases = None if limit.case is None else {case.name for case in plan.members(limit.case)}
                sample = self._tally.sample(limit.measurement, profile, cases)
                found = measure(limit.measurement, sample, profile=profile, case=limit.case)
                stops = self._order.stops
                test = None if stops is None else stops.of_limit(place, profile)
                judged = judge(found, limit, test=test)
                measured, bar = judged.measured, gauge(judged)
                yield {
                    "title": MEASUREMENTS[limit.measurement].title,
                    "where": f"{profile} · {limit.case or 'all cases'}",
                    "value": number(measured.value, measured.unit),
                    "interval": interval(measured.low, measured.high, measured.unit),
                    "n": measured.n,
                    "result": self._so_far(judged),
                    "gauge": None if bar is None else dataclasses.asdict(bar),
                    "decided": "" if test is None else test.decision.value,
                }


def _press_row(result: PressResult) -> dict[str, Any]:
    reading = result.reading
    return {
        "press": result.press,
        "where": f"{result.profile} · {result.case}",
        "code": result.code,
        "read": reading.code if reading is not None else None,
        "verdict": result.verdict,
        "outcome": result.outcome.value,
        "time_ms": result.time_to_decision_ms,
    }


@contextmanager
def live_page(order: RunOrder, progress: Progress, port: int = 0) -> Iterator[LiveRun]:
    """Serve the page of a run while the block runs; ``progress`` is told where.

    Args:
        order: what is run.
        progress: is told what the run tells.
        port: on 127.0.0.1; 0 takes a free one.

    Raises:
        InputError: the port is taken.
    """
    live = LiveRun(order, progress)
    page = render(Path(__file__).with_name("live.html.j2"), plan=order.plan, seed=order.seed).encode()
    try:
        server = ThreadingHTTPServer((_HOST, port), _handler(live, page))
    except OSError as error:
        raise InputError(f"--live-port {port}: {error.strerror}: expected a free port, or 0") from None
    thread = threading.Thread(target=server.serve_forever, name="live-page", daemon=True)
    thread.start()
    progress.say(f"live page: http://{_HOST}:{server.server_address[1]}/")
    try:
        yield live
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(live: LiveRun, page: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Gives the page, and the state as JSON; nothing can be changed from there."""

        server_version = "stampbench"

        def do_GET(self) -> None:
            """Answer one request."""
            path = self.path.partition("?")[0]
            # A page elsewhere whose name was pointed at this machine must not read along.
            host = self.headers.get("Host", "").rpartition(":")[0]
            if host not in (_HOST, "localhost"):
                self.send_error(HTTPStatus.FORBIDDEN)
            elif path == "/":
                self._answer("text/html; charset=utf-8", page)
            elif path == "/state":
                self._answer("application/json", json.dumps(live.state()).encode())
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            """Say nothing: the terminal shows the run."""

    return Handler
