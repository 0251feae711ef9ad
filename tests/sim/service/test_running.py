"""What whoever runs the service sees: life, readiness, counts, and lines of JSON."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import sqlalchemy as sa
from stampbench.sim.service.clock import DAY_US
from stampbench.sim.service.housekeeping import tidy
from stampbench.sim.service.logs import LOGGER, REQUEST_ID, JsonLines
from stampbench.sim.service.tables.presses import Press


def test_it_lives_and_is_ready_while_its_database_answers(any_world: Any) -> None:
    assert any_world.ok("GET", "/health") == {"status": "ok"}
    assert any_world.ok("GET", "/ready") == {"status": "ok"}


def test_it_lives_and_is_not_ready_without_its_database(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(type(world.service.database), "read", away)
    assert world.call("GET", "/health").status_code == 200
    assert world.call("GET", "/ready").status_code == 503


def test_requests_are_counted_by_route(world: Any) -> None:
    world.press()
    text = world.call("GET", "/metrics").text
    assert 'stampbench_requests_total{method="POST",route="/v1/presses",status="200"}' in text
    assert 'stampbench_request_seconds_bucket{le="0.3",route="/v1/presses"}' in text


def test_every_request_is_a_line_with_time_level_and_id_and_nothing_personal(
    world: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOGGER, "propagate", True)
    with caplog.at_level(logging.INFO, LOGGER.name):
        answer = world.call(
            "GET", f"/v1/merchants/{world.one.merchant_id}/members/anna/card?name=anna", world.one.server_key
        )
    line = json.loads(JsonLines().format(caplog.records[-1]))
    assert line["id"] == answer.headers[REQUEST_ID]
    assert {"time", "level", "method", "route", "status", "ms", "merchant"} <= line.keys()
    assert line["time"].endswith("+00:00")
    assert "anna" not in json.dumps(line)


@pytest.mark.parametrize(
    ("given", "kept"), [("trace-0123456789", True), ("short", False), ("a b" * 9, False)]
)
def test_an_id_that_has_the_form_of_one_is_kept(world: Any, given: str, kept: bool) -> None:
    answer = world.call("GET", "/health", headers={REQUEST_ID: given})
    assert (answer.headers[REQUEST_ID] == given) is kept


def test_what_failed_is_named_without_its_text() -> None:
    try:
        raise ValueError("anna")
    except ValueError as error:
        record = LOGGER.makeRecord(
            LOGGER.name, logging.ERROR, "", 1, "it failed", (), (type(error), error, error.__traceback__)
        )
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["message"], line["error"]) == ("error", "it failed", "ValueError")
    assert "anna" not in json.dumps(line)


def test_devices_addresses_and_places_of_old_presses_are_forgotten(any_world: Any) -> None:
    any_world.press()
    days = any_world.service.rules.retain_days
    any_world.clock.at_us += (days - 1) * DAY_US
    assert tidy(any_world.service)["forgotten"] == 0
    any_world.press(member="berta", device="hers")
    any_world.clock.at_us += 2 * DAY_US
    assert tidy(any_world.service)["forgotten"] == 1
    rows = any_world.rows(sa.select(Press.device, Press.lat_deg).order_by(Press.id))
    assert rows[0] == (None, None)
    assert None not in rows[1]
