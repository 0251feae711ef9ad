"""A page's DevTools socket: commands go out without waiting for each other, answers and events come in."""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import msgspec
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError

ANSWER_WITHIN_S: Final = 10.0
_encoder = msgspec.json.Encoder()

OnEvent = Callable[[str, dict[str, Any]], None]


class DevTools:
    """One page of a browser, by the socket that its developer tools speak on.

    Args:
        address: of the page's socket.
        on_event: is told what the browser says unasked; in a thread, and must not wait.

    Raises:
        NoHardwareError: nothing answers there.
    """

    def __init__(self, address: str, on_event: OnEvent) -> None:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        self._on_event = on_event
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._unanswered: dict[int, str] = {}
        self._asked: set[int] = set()
        self._answers: dict[int, dict[str, Any]] = {}
        self._refused = ""
        self._gone = ""
        self._stack = ExitStack()
        try:
            self._socket = self._stack.enter_context(connect(address, max_size=None, compression=None))
        except (OSError, WebSocketException) as error:
            raise NoHardwareError(f"{address}: {error}: expected the DevTools of a browser") from None
        self._reader = threading.Thread(target=self._listen, daemon=True, name="devtools")
        self._reader.start()

    def send(self, method: str, **params: Any) -> int:
        """Send a command without waiting for its answer; return its number.

        Raises:
            LinkError: the socket is closed.
        """
        return self._send(method, params, asked=False)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command, and return its answer.

        Raises:
            LinkError: the browser refused it or did not answer, or the socket is closed.
        """
        number = self._send(method, params, asked=True)
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or self._gone, ANSWER_WITHIN_S)
            self._asked.discard(number)
            answer = self._answers.pop(number, None)
        if answer is None:
            raise LinkError(self._gone or f"the browser did not answer {method} within {ANSWER_WITHIN_S:g} s")
        if "error" in answer:
            said = answer["error"].get("message", answer["error"])
            raise LinkError(f"the browser refused {method}: {said}")
        result: dict[str, Any] = answer.get("result", {})
        return result

    def value_of(self, expression: str) -> Any:
        """Return what a JavaScript expression is in the page, awaited where it is a promise.

        Raises:
            LinkError: as :meth:`ask`, or it throws.
        """
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            thrown = result["exceptionDetails"]
            said = thrown.get("exception", {}).get("description") or thrown.get("text", "")
            raise LinkError(f"the page threw {said.partition(chr(10))[0]} at {expression}")
        return result["result"].get("value")

    def settle(self) -> None:
        """Wait until every command that was sent has been answered.

        Raises:
            LinkError: one was refused or not answered, or the socket is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._unanswered or self._gone, ANSWER_WITHIN_S)
            left = len(self._unanswered)
            refused, self._refused = self._refused, ""
            self._unanswered.clear()
        if self._gone or refused or left:
            raise LinkError(self._gone or refused or f"the browser left {left} commands unanswered")

    def close(self) -> None:
        """Close the socket."""
        self._stack.close()
        self._reader.join(ANSWER_WITHIN_S)

    def _send(self, method: str, params: dict[str, Any], *, asked: bool) -> int:
        from websockets.exceptions import WebSocketException

        number = next(self._numbers)
        with self._changed:
            self._unanswered[number] = method
            if asked:
                self._asked.add(number)
        try:
            self._socket.send(_encoder.encode({"id": number, "method": method, "params": params}), text=True)
        except (OSError, WebSocketException):
            raise LinkError(self._gone or "the DevTools socket closed") from None
        return number

    def _listen(self) -> None:
        from websockets.exceptions import WebSocketException

        try:
            for text in self._socket:
                message = msgspec.json.decode(text)
                if "id" in message:
                    self._answered(message)
                else:
                    self._on_event(message.get("method", ""), message.get("params", {}))
        except (OSError, WebSocketException, msgspec.DecodeError):
            pass
        with self._changed:
            self._gone = "the DevTools socket closed: the browser ended, or its page was closed"
            self._changed.notify_all()

    def _answered(self, message: dict[str, Any]) -> None:
        with self._changed:
            number = message["id"]
            method = self._unanswered.pop(number, "")
            if number in self._asked:
                self._answers[number] = message
            elif "error" in message and not self._refused:
                self._refused = f"the browser refused {method}: {message['error'].get('message', '')}"
            if number in self._asked or not self._unanswered:
                self._changed.notify_all()


def page_address(debugger: str) -> str:
    """Return the socket of the first page of a browser.

    Args:
        debugger: host and port of its DevTools.

    Raises:
        NoHardwareError: nothing answers there, or no page is open.
    """
    until_s = time.monotonic() + ANSWER_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{debugger}/json/list", timeout=ANSWER_WITHIN_S) as answer:
                targets = json.load(answer)
        except (OSError, urllib.error.URLError, ValueError) as error:
            raise NoHardwareError(f"{debugger}: {error}: expected the DevTools of a browser") from None
        for target in targets:
            if target.get("type") == "page" and "webSocketDebuggerUrl" in target:
                return str(target["webSocketDebuggerUrl"])
        if time.monotonic() > until_s:
            raise NoHardwareError(f"{debugger}: no page is open: expected a tab in front")
        time.sleep(0.05)
