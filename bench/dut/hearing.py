"""Hearing a device under test beside the way in: at the bench's own HTTP address, in a phone's log.

An app calls an address that is good for one press: ``GET /answer/ID?code=20406``, or ``POST`` with
``{"code": 20406}``, ``{"code": null, "why": "..."}`` or a form.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from stampbench.bench.dut.adb import adb_command
from stampbench.bench.dut.answers import Heard, Said, understood
from stampbench.bench.plans.tables import DutAnswer

_LONGEST_BODY: Final = 1 << 16


class AnswerServer:
    """The bench's own HTTP address, which apps call with what they read.

    Args:
        answer: how the plan reads it.
        heard: where answers go.

    Attributes:
        port: on the loopback interface.
    """

    def __init__(self, answer: DutAnswer, heard: Heard) -> None:
        self._answer = answer
        self._heard = heard
        self._known: set[str] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.called(self)

            do_POST = do_OPTIONS = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Keep the terminal quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True, name="answers").start()

    def next_address(self) -> str:
        """Return an address for one press; a call of an earlier one is an answer that nobody asked for."""
        number = secrets.token_urlsafe(12)
        self._known.add(number)
        return f"http://127.0.0.1:{self.port}/answer/{number}"

    def called(self, call: BaseHTTPRequestHandler) -> None:
        """Answer one call."""
        at_s = time.monotonic()
        url = urllib.parse.urlsplit(call.path)
        known = url.path.removeprefix("/answer/") in self._known
        status = 204 if known else 404
        length = call.headers.get("Content-Length", "0")
        body = call.rfile.read(min(int(length), _LONGEST_BODY) if length.isdecimal() else 0)
        if known and call.command != "OPTIONS":
            said = self._said(url, body, at_s)
            if said is None:
                status = 422
            else:
                self._heard.put(said)
        call.send_response(status)
        call.send_header("Access-Control-Allow-Origin", "*")
        call.send_header("Access-Control-Allow-Headers", "*")
        call.send_header("Access-Control-Allow-Private-Network", "true")
        call.send_header("Content-Length", "0")
        call.end_headers()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def _said(self, url: urllib.parse.SplitResult, body: bytes, at_s: float) -> Said | None:
        try:
            value = json.loads(body)
        except ValueError:
            fields = urllib.parse.parse_qs(url.query) | urllib.parse.parse_qs(body.decode("utf-8", "replace"))
            if "code" not in fields:
                return None
            code = fields["code"][0]
            value = {"code": code if code != "null" else None, "why": fields.get("why", [""])[0]}
        return understood(value, self._answer, at_s)


@contextmanager
def hearing_logcat(serial: str, answer: DutAnswer, heard: Heard) -> Iterator[None]:
    """Hear the log of a phone; a line that matches ``answer.logcat`` is an answer.

    Args:
        serial: of the phone.
        answer: how the plan reads it.
        heard: where answers go.

    Raises:
        NoHardwareError: no adb.
    """
    command = [*adb_command(serial), "logcat", "-v", "raw", "-T", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    closing = threading.Event()

    stdout = process.stdout

    def listen() -> None:
        for line in stdout or ():
            found = re.search(answer.logcat, line.decode("utf-8", "replace").rstrip("\r\n"))
            if found is not None:
                value = found[1] if found.re.groups else found[0]
                said = understood(value, answer, time.monotonic())
                if said is not None:
                    heard.put(said)
        if not closing.is_set():
            heard.put(
                Said(time.monotonic(), fault=f"the log of {serial} ended: expected a phone that is connected")
            )

    thread = threading.Thread(target=listen, daemon=True, name="logcat")
    thread.start()
    try:
        yield
    finally:
        closing.set()
        process.kill()
        process.wait()
        thread.join()
        if stdout is not None:
            stdout.close()
