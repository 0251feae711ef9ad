"""What the service does by itself goes on after a failure."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from stampbench.sim.service.housekeeping import Housekeeping
from stampbench.sim.service.logs import LOGGER


def test_a_message_that_cannot_be_sent_waits_and_the_log_does_not_say_to_whom(
    world: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOGGER, "propagate", True)
    sent = threading.Event()

    class Gateway:
        failures = 2

        def send(self, message_id: int, address: str, language: str, text: str) -> bool:
            if self.failures:
                self.failures -= 1
                raise OSError(f"cannot reach {address}")
            sent.set()
            return True

    base, key = f"/v1/merchants/{world.one.merchant_id}", world.one.server_key
    world.ok("PUT", f"{base}/members/anna/contact", key, json={"address": "anna@example.org"})
    world.ok("PUT", f"{base}/members/anna/consent", key, json={"purpose": "messages", "given": True})
    segment = world.ok("POST", f"{base}/segments", key, json={"name": "s", "query": "joined >= 0"})["id"]
    campaign = world.ok("POST", f"{base}/campaigns", key, json={"segment": segment, "text": "hi"})["id"]
    with caplog.at_level(logging.ERROR), Housekeeping(world.service, Gateway(), every_s=0.01):
        assert sent.wait(20.0)
    assert [record.getMessage() for record in caplog.records] == ["outbox: message 1: OSError"] * 2
    assert world.ok("GET", f"{base}/campaigns/{campaign}", key)["sent"] == 1


def test_a_database_that_was_away_is_no_end(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Semaphore(0)

    def away(_: Any) -> int:
        tried.release()
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("stampbench.sim.service.housekeeping.release_overdue", away)
    with Housekeeping(world.service, every_s=0.01):
        for _ in range(3):
            assert tried.acquire(timeout=20.0)
