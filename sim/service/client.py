"""A client for the stamp service: what an app and its server ask, with types; needs httpx alone.

from stampbench.service import Client

with Client("http://127.0.0.1:8000", publishable_key) as app:
    answer = app.press(contacts_px, px_per_mm=6.01, member="anna", device="phone 1")
    answer.outcome, answer.stamp.serial, answer.token
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec
from msgspec import Struct
from stampbench.firmware_emulator.errors import LinkError, StampbenchError

_TRIES: Final = 4
_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 10.0


class ServiceProblemError(StampbenchError):
    """What the service did not do (RFC 9457).

    Attributes:
        status: HTTP's.
        code: for programs, such as "key" or "too-near".
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code = status, code


class PressedStamp(Struct, frozen=True):
    """Which stamp was pressed."""

    serial: str
    name: str


class PressedStore(Struct, frozen=True):
    """Where it belongs."""

    id: int
    name: str | None


class PressAnswer(Struct, frozen=True, kw_only=True):
    """What a press came to.

    Attributes:
        outcome: "accepted", "refused" or "review".
        reason: why, one word; "ok" where it was accepted.
        token: for the merchant's server, to be verified once; None unless accepted.
        at: by the service's clock, ISO 8601.
        earlier: this is the answer to an earlier request with the same key.
    """

    press: int
    outcome: str
    reason: str
    stamp: PressedStamp | None
    store: PressedStore | None
    token: str | None
    token_until: str | None
    at: str
    earlier: bool

    @property
    def accepted(self) -> bool:
        """Whether it counts."""
        return self.outcome == "accepted"


class Verified(Struct, frozen=True, kw_only=True):
    """The press that a token stands for."""

    press: int
    store: int | None
    stamp: int | None
    purpose: str
    factor: str


class Client:
    """Asks a service with one key; for any number of threads.

    A request that the service was too busy for, or that got lost, is sent again: it bears the same key, and
    counts once.

    Args:
        url: of the service.
        key: publishable, for presses; secret, for all of a merchant's.
        timeout_s: for one answer.
        transport: of httpx, such as one that asks an application in this process.
    """

    def __init__(
        self, url: str, key: str, *, timeout_s: float = 30.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def press(
        self,
        contacts: Sequence[Sequence[float]],
        *,
        px_per_mm: float | None = None,
        contacts_again: Sequence[Sequence[float]] | None = None,
        member: str | None = None,
        device: str | None = None,
        place: Mapping[str, float | bool] | None = None,
        purpose: str = "stamp",
        credentials: Sequence[Mapping[str, Any]] = (),
        idempotency_key: str | None = None,
    ) -> PressAnswer:
        """Tell of a press.

        Args:
            contacts: mm, or px with ``px_per_mm``, shape (n, 2).
            px_per_mm: of the screen; None: contacts are in mm.
            contacts_again: a second set from the same press.
            member: who presses, as the merchant calls them.
            device: likewise.
            place: ``lat_deg``, ``lon_deg``, ``accuracy_m``.
            purpose: "stamp", "redeem", "check-in" or "check-out".
            credentials: second factors, each ``kind`` and ``values``.
            idempotency_key: under which the same may be sent again; None: a new one.

        Raises:
            ServiceProblemError: it was not taken.
            LinkError: the service does not answer.
        """
        told: dict[str, Any] = {
            "contacts": [[float(x), float(y)] for x, y in contacts],
            "contacts_again": None
            if contacts_again is None
            else [[float(x), float(y)] for x, y in contacts_again],
            "px_per_mm": px_per_mm,
            "member": member,
            "device": device,
            "place": None if place is None else dict(place),
        }
        body = {name: value for name, value in told.items() if value is not None} | {"purpose": purpose}
        if credentials:
            body["credentials"] = [dict(one) for one in credentials]
        key = idempotency_key or str(uuid.uuid4())
        content = self._ask("POST", "/v1/presses", json=body, headers={"Idempotency-Key": key})
        return msgspec.json.decode(content, type=PressAnswer)

    def verify(self, merchant: int, token: str, member: str | None = None) -> Verified:
        """Verify a token and spend it; for the merchant's server.

        Raises:
            ServiceProblemError: it is not good here, or was used before.
            LinkError: the service does not answer.
        """
        path = f"/v1/merchants/{merchant}/tokens/verify"
        content = self._ask("POST", path, json={"token": token, "member": member}, again=False)
        return msgspec.json.decode(content, type=Verified)

    def get(self, path: str, **parameters: Any) -> Any:
        """Return what stands under a path.

        Raises:
            ServiceProblemError: nothing there, or not for this key.
            LinkError: the service does not answer.
        """
        return msgspec.json.decode(self._ask("GET", path, params=parameters))

    def all_of(self, path: str, **parameters: Any) -> Iterator[Any]:
        """Yield the rows of a list, page after page.

        Raises:
            ServiceProblemError: nothing there, or not for this key.
            LinkError: the service does not answer.
        """
        link: str | None = path
        while link is not None:
            answer = self._answer("GET", link, params=parameters or None)
            yield from msgspec.json.decode(answer.content)
            link, parameters = answer.links.get("next", {}).get("url"), {}

    def _ask(self, method: str, path: str, *, again: bool = True, **options: Any) -> bytes:
        return self._answer(method, path, again=again, **options).content

    def _answer(self, method: str, path: str, *, again: bool = True, **options: Any) -> httpx.Response:
        wait_s = _FIRST_WAIT_S
        for left in range(_TRIES - 1 if again else 0, -1, -1):
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if not left:
                    raise LinkError(f"service {self._http.base_url}: {error}") from error
            else:
                if answer.is_success:
                    return answer
                if answer.status_code != 503 or not left:
                    raise _problem(answer)
                wait_s = _waits_s(answer, wait_s)
            time.sleep(wait_s)
            wait_s *= 2.0
        raise LinkError(f"service {self._http.base_url}: no answer")


def _waits_s(answer: httpx.Response, otherwise_s: float) -> float:
    try:
        return min(float(answer.headers.get("Retry-After", otherwise_s)), _LONGEST_WAIT_S)
    except ValueError:
        return otherwise_s


def _problem(answer: httpx.Response) -> ServiceProblemError:
    try:
        content = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        content = None
    content = content if isinstance(content, dict) else {}
    code = str(content.get("code") or content.get("reason") or "unknown")
    return ServiceProblemError(answer.status_code, code, str(content.get("detail") or answer.reason_phrase))
