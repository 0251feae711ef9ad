"""The sandbox as a tester of an app meets it, by the typed client: stamps, clock, answers to order, log."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest
from anyio.from_thread import start_blocking_portal
from stampbench.sim.service.sandbox.app import sandbox_app
from stampbench.sim.service.sandbox.world import STAMPS, open_sandbox
from stampbench.sim.service.seed import pressed

from stampbench import service


class InProcess(httpx.BaseTransport):
    """Asks an application of this process."""

    def __init__(self, app: Any, portal: Any) -> None:
        self._transport, self._portal = httpx.ASGITransport(app, raise_app_exceptions=False), portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            answer = await self._transport.handle_async_request(request)
            content = await answer.aread()
            return httpx.Response(answer.status_code, headers=answer.headers, content=content)

        return self._portal.call(partial(ask))


class Bench:
    """A sandbox, its client, and a hand."""

    def __init__(self, sandbox: Any, portal: Any) -> None:
        self.sandbox, self.rng = sandbox, np.random.default_rng(1)
        self.transport = InProcess(sandbox_app(sandbox), portal)
        self.http = httpx.Client(base_url="http://sandbox", transport=self.transport)
        told = self.http.get("/sandbox/stamps").json()
        self.stamps, self.key, self.secret = told["stamps"], told["publishable_key"], told["secret_key"]
        self.app = service.Client("http://sandbox", self.key, transport=self.transport)

    def press(self, stamp: int = 0, **more: Any) -> Any:
        points = pressed(np.array(self.stamps[stamp]["pads_mm"]), self.rng)
        return self.app.press(points.tolist(), **more)


@pytest.fixture
def tester() -> Iterator[Bench]:
    with open_sandbox() as sandbox, start_blocking_portal() as portal:
        yield Bench(sandbox, portal)


def test_every_one_of_ten_stamps_is_accepted_at_once_by_day_and_night(tester: Bench) -> None:
    assert len(tester.stamps) == STAMPS
    for hour in range(0, 24, 3):
        tester.http.put("/sandbox/clock", json={"at": f"2027-03-01T{hour:02d}:00:00Z"})
        for number in range(STAMPS):
            answer = tester.press(number, member="anna", device="phone 1")
            assert (answer.outcome, answer.reason) == ("accepted", "ok")
            assert answer.stamp.serial == tester.stamps[number]["serial"]


def test_the_same_points_may_be_sent_again(tester: Bench) -> None:
    points = pressed(np.array(tester.stamps[0]["pads_mm"]), tester.rng).tolist()
    assert [tester.app.press(points).outcome for _ in range(3)] == ["accepted"] * 3


def test_a_token_is_verified_by_the_secret_key_once(tester: Bench) -> None:
    token = tester.press(member="anna").token
    with service.Client("http://sandbox", tester.secret, transport=tester.transport) as server:
        merchant = tester.sandbox.merchant.merchant_id
        assert server.verify(merchant, token, "anna").purpose == "stamp"
        with pytest.raises(service.ServiceProblemError, match="token-used") as caught:
            server.verify(merchant, token, "anna")
        assert (caught.value.status, caught.value.code) == (409, "token-used")


def test_answers_and_faults_come_as_ordered_and_then_as_is_right(tester: Bench) -> None:
    def order(**what: Any) -> None:
        assert tester.http.post("/sandbox/next", json=what).status_code == 204

    order(outcome="review")
    order(outcome="refused", reason="stamp_suspended")
    order(wrong_token=True)
    order(status=404, reason="gone")
    first = tester.press()
    assert (first.outcome, first.reason, first.token) == ("review", "ordered_review", None)
    assert tester.press().reason == "stamp_suspended"
    wrong = tester.press(member="anna").token
    with pytest.raises(service.ServiceProblemError, match="404 gone"):
        tester.press()
    assert tester.press().accepted
    server = service.Client("http://sandbox", tester.secret, transport=tester.transport)
    with pytest.raises(service.ServiceProblemError, match="404 token"):
        server.verify(tester.sandbox.merchant.merchant_id, wrong, "anna")


def test_a_client_tries_again_while_the_service_is_busy_and_the_press_counts_once(
    tester: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("stampbench.sim.service.client.time.sleep", waited.append)
    tester.http.post("/sandbox/next", json={"status": 503, "times": 2})
    assert tester.press(member="anna").accepted
    assert waited == [1.0, 1.0]
    assert [one["status"] for one in tester.http.get("/sandbox/presses").json()] == [200, 503, 503]


def test_a_clock_stands_where_it_is_set(tester: Bench) -> None:
    body = {"at": "2027-01-01T00:00:00Z", "stand_still": True}
    tester.http.put("/sandbox/clock", json=body)
    moved = tester.http.put("/sandbox/clock", json={"advance_s": 3600, "stand_still": True}).json()
    assert moved["at"].startswith("2027-01-01T01:00:00")
    assert tester.press().at.startswith("2027-01-01T01:00:00")


def test_the_log_shows_each_press_with_its_points_and_why(tester: Bench) -> None:
    tester.press(member="<b>anna</b>")
    tester.app.press([[0.0, 0.0], [1.0, 50.0], [9.0, 3.0], [30.0, 30.0], [50.0, 2.0]])
    page = tester.http.get("/sandbox").text
    assert page.count("<circle") == 10
    assert "refused: no stamp of this merchant has its pads so: is px_per_mm right?" in page
    assert "accepted: the stamp is known" in page
    assert "<b>anna</b>" not in page
    assert "http://" not in page


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 5000, b'{"contacts": [["a", {}]]}', b'{"data": 7}'])
def test_whatever_is_sent_the_log_can_be_read(tester: Bench, content: bytes) -> None:
    headers = {"Authorization": f"Bearer {tester.key}", "Idempotency-Key": "hostile press"}
    for path in ("/v1/presses", "/v3/stamp"):
        assert tester.http.post(path, content=content, headers=headers).status_code < 500
    assert tester.http.get("/sandbox").status_code == 200
    assert len(tester.http.get("/sandbox/presses").json()) == 2


def test_one_call_begins_anew_with_the_same_keys_and_stamps(tester: Bench) -> None:
    tester.press(member="anna")
    tester.http.post("/sandbox/next", json={"status": 500, "times": 9})
    assert tester.http.post("/sandbox/reset").status_code == 204
    told = tester.http.get("/sandbox/stamps").json()
    assert (told["publishable_key"], told["stamps"]) == (tester.key, tester.stamps)
    answer = tester.press(member="anna")
    assert (answer.accepted, answer.press) == (True, 1)
    assert len(tester.http.get("/sandbox/presses").json()) == 1


def test_any_page_may_press(tester: Bench) -> None:
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    assert tester.http.options("/v1/presses", headers=headers).status_code == 200
