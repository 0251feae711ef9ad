"""The page served, and what phones send over sockets: tokens, limits, acknowledgements, lost connections."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import math
import secrets
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn
from stampbench.bench.phone.certificate import write_certificate
from stampbench.bench.phone.presses import Hello, PhonePress, PhonePresses, decode_message
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder.reading import Reading
from stampbench.sim.decoder.scale import PhoneScale
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

LARGEST_MESSAGE: Final = 1 << 16
"""Bytes of a message at most; a hundred reports of ten contacts take 40,000."""
MOST_MESSAGES_PER_S: Final = 2_000
QUIET_S: Final = 0.15
"""So long must nothing touch for a press to be over."""
RESUME_WITHIN_S: Final = 5.0
"""So long may a connection be lost in a press, whose reports then come late; after that, they never come."""
MOST_PHONES: Final = 16
_TOKEN_BYTES: Final = 16
_POLICY: Final = 1008
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src ws: wss:"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Phone:
    """One phone whose page is open, or was.

    Attributes:
        hello: what it is.
        presses: its reports and presses.
        made: presses that have ended.
    """

    def __init__(self, hello: Hello, presses: PhonePresses) -> None:
        self.hello = hello
        self.presses = presses
        self.made = 0
        self.socket: WebSocket | None = None
        self.timer: asyncio.TimerHandle | None = None

    async def say(self, fields: dict[str, Any]) -> None:
        """Tell the page, if it is there."""
        if self.socket is not None:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self.socket.send_text(msgspec.json.encode(fields).decode())


class _Server(uvicorn.Server):
    """Leaves Ctrl-C to the command that it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Yield capture none."""
        yield


class PhoneServer:
    """Serves the page to phones that know the token, and hands on what they send; runs in one event loop.

    Args:
        new_scale: makes the scale of a phone that is seen for the first time; None: nothing is read.
        pads: of a stamp.
        name_of: what a code is called.
        on_phone: is told of each phone.
        on_report: is told every report of every phone.
        on_press: is told every press.
    """

    def __init__(
        self,
        new_scale: Callable[[], PhoneScale | None],
        pads: int,
        *,
        name_of: Callable[[int], str] = str,
        on_phone: Callable[[Phone], object] = lambda _: None,
        on_report: Callable[[Phone, TouchReport], object] = lambda *_: None,
        on_press: Callable[[Phone, PhonePress], object] = lambda *_: None,
    ) -> None:
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.phones: dict[str, Phone] = {}
        self.prompt = ""
        self._new_scale, self._pads, self._name_of = new_scale, pads, name_of
        self._on_phone, self._on_report, self._on_press = on_phone, on_report, on_press
        self._scales: dict[tuple[str, float, float], PhoneScale | None] = {}
        self._page = importlib.resources.files(__package__).joinpath("page.html").read_bytes()
        self._tasks: set[asyncio.Task[None]] = set()
        self.app = Starlette(
            routes=[Route("/", self._serve_page), WebSocketRoute("/socket", self._serve_socket)]
        )

    def _knows(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self.token.encode())

    async def _serve_page(self, request: Request) -> Response:
        if not self._knows(request.query_params.get("token")):
            return PlainTextResponse("the address needs its token\n", 403)
        return Response(self._page, media_type="text/html; charset=utf-8", headers=_HEADERS)

    async def _serve_socket(self, websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin", "").partition("://")[2]
        if not self._knows(websocket.query_params.get("token")) or origin != websocket.headers.get("host"):
            await websocket.close(_POLICY)
            return
        await websocket.accept()
        phone: Phone | None = None
        budget, refilled_s = float(MOST_MESSAGES_PER_S), time.monotonic()
        try:
            while True:
                text = await websocket.receive_text()
                now_s = time.monotonic()
                budget = min(MOST_MESSAGES_PER_S, budget + (now_s - refilled_s) * MOST_MESSAGES_PER_S) - 1.0
                refilled_s = now_s
                if budget < 0.0:
                    await websocket.close(_POLICY, f"more than {MOST_MESSAGES_PER_S} messages a second")
                    return
                message = decode_message(text)
                if message.hello is not None:
                    phone = await self._welcome(message.hello, websocket)
                if phone is None:
                    await websocket.close(_POLICY, "no hello")
                    return
                if message.reports:
                    for report in message.reports:
                        phone.presses.take(*report)
                    await phone.say({"ack": phone.presses.last})
                    self._wait(phone, QUIET_S)
        except (msgspec.DecodeError, InputError) as error:
            await websocket.close(_POLICY, str(error)[:100])
        except (WebSocketDisconnect, RuntimeError):  # starlette's for one that broke while it was sent to
            pass
        finally:
            if phone is not None and phone.socket is websocket:
                phone.socket = None
                if phone.presses.pressing:
                    self._wait(phone, RESUME_WITHIN_S)

    async def _welcome(self, hello: Hello, websocket: WebSocket) -> Phone:
        """Know a phone, or know it again; another page on the same phone ends what the first one left."""
        if not (0 < hello.width <= 1e5 and 0 < hello.height <= 1e5 and 0 < hello.ratio < math.inf):
            raise InputError(f"phone: page of {hello.width} x {hello.height} px: expected a size")
        phone = self.phones.get(hello.page)
        if phone is None:
            if len(self.phones) >= MOST_PHONES:
                gone = next((page for page, old in self.phones.items() if old.socket is None), None)
                if gone is None:
                    raise InputError(f"phone: one more than {MOST_PHONES} phones")
                del self.phones[gone]
            key = hello.agent, min(hello.width, hello.height), max(hello.width, hello.height)
            if key not in self._scales or any(
                other.socket is not None and other.presses.scale is self._scales[key]
                for other in self.phones.values()
            ):
                self._scales[key] = self._new_scale()
            for other in self.phones.values():
                if other.socket is None and other.presses.scale is self._scales[key]:
                    self._end(other, "left")
            phone = self.phones[hello.page] = self._new_phone(hello, self._scales[key])
            self._on_phone(phone)
        phone.hello, phone.socket = hello, websocket
        await phone.say({"ack": phone.presses.last, "resume": True})
        if self.prompt:
            await phone.say({"prompt": self.prompt})
        return phone

    def _new_phone(self, hello: Hello, scale: PhoneScale | None) -> Phone:
        presses = PhonePresses(
            scale,
            self._pads,
            on_report=lambda report: self._on_report(phone, report),
            on_early=lambda reading: self._tell(phone, reading, ""),
            on_press=lambda press: self._pressed(phone, press),
        )
        phone = Phone(hello, presses)
        return phone

    def _wait(self, phone: Phone, seconds: float) -> None:
        """End the press after so long without anything more."""
        if phone.timer is not None:
            phone.timer.cancel()
            phone.timer = None
        if not phone.presses.pressing or (phone.presses.touching and phone.socket is not None):
            return
        name = "disconnected" if phone.socket is None else ""
        phone.timer = asyncio.get_running_loop().call_later(seconds, self._end, phone, name)

    def _end(self, phone: Phone, fault: str) -> None:
        if phone.presses.pressing:
            if fault:
                phone.presses.fault(fault)
            phone.presses.quiet()

    def _pressed(self, phone: Phone, press: PhonePress) -> None:
        phone.made += 1
        self._tell(phone, press.reading, press.why(self._pads), press)
        self._on_press(phone, press)

    def _tell(self, phone: Phone, reading: Reading, why: str, press: PhonePress | None = None) -> None:
        fields: dict[str, Any] = {
            "verdict": press.verdict if press is not None else reading.verdict.value,
            "cancelled": press is not None and press.cancelled,
            "why": why,
        }
        if reading.code is not None and reading.pose is not None:
            fields |= {"name": self._name_of(reading.code), "angle": round(math.degrees(reading.pose[2]), 1)}
        task = asyncio.ensure_future(phone.say(fields))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def serving(self, host: str, port: int = 0, *, https: bool = False) -> AsyncIterator[str]:
        """Serve while the block runs; yields the address, token and all.

        Args:
            host: to listen on.
            port: 0 lets the system choose.
            https: with a certificate of its own, for which nobody vouches.

        Raises:
            InputError: nobody can listen there, or a certificate cannot be made.
        """
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise InputError(f"phone: {host}:{port}: {error.strerror}: expected a free port") from error
        # asyncio does not see that it is TCP; without this, answers wait for acknowledgements.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        shown = host_shown(host)
        kept = contextlib.ExitStack()
        secured: dict[str, Any] = {}
        if https:
            directory = Path(kept.enter_context(tempfile.TemporaryDirectory()))
            key, certificate = write_certificate(directory, shown)
            secured = {"ssl_keyfile": str(key), "ssl_certfile": str(certificate)}
        config = uvicorn.Config(
            self.app,
            log_level="warning",
            access_log=False,
            ws_max_size=LARGEST_MESSAGE,
            ws="websockets-sansio",
            lifespan="off",
            timeout_graceful_shutdown=1,
            **secured,
        )
        server = _Server(config)
        with kept, listener:
            running = asyncio.create_task(server.serve([listener]))
            try:
                while not server.started and not running.done():
                    await asyncio.sleep(0.005)
                scheme = "https" if https else "http"
                yield f"{scheme}://{shown}:{listener.getsockname()[1]}/?token={self.token}"
            finally:
                server.should_exit = True
                await running


def host_shown(host: str) -> str:
    """Return the address by which phones in the local network reach a host that listens everywhere."""
    if host not in ("", "0.0.0.0"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only asks which way it would go
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
