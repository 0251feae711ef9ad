"""Whatever is sent, the service never fails: requests drawn from its own OpenAPI description."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from stampbench.sim.service.app import create_app

EXAMPLES = 4
"""Per operation; the operations are some fifty, and each example is one request on either database."""


def test_no_request_makes_the_service_fail(any_world: Any) -> None:
    schema = schemathesis.openapi.from_dict(create_app(any_world.service).openapi())
    keys = {
        "/v1/presses": any_world.one.app_key,
        "/v1/presses/fallback": any_world.one.app_key,
        "/v1/presses/challenges": any_world.one.app_key,
        "/v3/stamp": any_world.one.app_key,
    }
    failures, requests = [], 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            nonlocal requests
            requests += 1
            path = case.path
            key = keys.get(path, any_world.seeded.operator_key)
            names = case.path_parameters or {}
            if requests % 2:
                names |= {k: 1 for k in names if k.endswith("_id")}
            headers = {k: v for k, v in (case.headers or {}).items() if k.lower() != "authorization"}
            if path == "/v3/stamp":
                headers["SnowShoe-Api-Key"] = key
            options = {"json": case.body} if isinstance(case.body, dict | list | str | int) else {}
            url = case.formatted_path
            answer = any_world.call(case.method, url, key, headers=headers, params=case.query, **options)
            if answer.status_code >= 500:
                failures.append((case.method, url, case.body, answer.status_code))

        send()
    assert failures == []
    assert requests > 120
