"""Tenants never see each other; enrolment; keys; what the log says; the schema itself."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.app import create_app
from stampbench.sim.service.identity import Role, make_key
from stampbench.sim.service.logs import LOGGER, JsonLines
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.seed import pressed
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables import Base
from stampbench.sim.stamps import load_family

SHIFT = {"starts_at": "2026-11-18T09:00:00Z", "ends_at": "2026-11-18T10:00:00Z"}


def test_the_migrations_make_exactly_the_tables(database_url: str) -> None:
    database = Database(database_url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_an_old_schema_is_not_served(tmp_path: Any) -> None:
    settings = ServiceSettings(bytes(32), f"sqlite:///{tmp_path / 'new.sqlite3'}")
    with pytest.raises(InputError, match="has no tables: run `stampbench service migrate`"):
        open_service(settings)


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://"])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="database"):
        Database(url)


class TestEnrolment:
    def enrol(self, world: Any, presses: Any, serial: str = "NEW", merchant: Any = None) -> Any:
        merchant = merchant or world.one
        body = {
            "store": merchant.stores[0].store_id,
            "serial": serial,
            "name": "new",
            "presses_mm": [np.asarray(press).tolist() for press in presses],
        }
        path = f"/v1/merchants/{merchant.merchant_id}/stamps"
        return world.call("POST", path, merchant.server_key, json=body)

    def test_a_stamp_enrolled_from_presses_is_read_at_once(self, any_world: Any) -> None:
        pads = load_family("p5-60k").pads(12345)
        answer = self.enrol(any_world, [pressed(pads, any_world.rng) for _ in range(5)])
        assert answer.status_code == 201
        assert 0.05 < answer.json()["sigma_mm"] < 0.2
        assert any_world.press(contacts=pressed(pads, any_world.rng).tolist())["stamp"]["serial"] == "NEW"

    def test_a_stamp_too_near_another_is_refused_and_the_other_named(self, world: Any) -> None:
        pads = world.one.stamps[0].pads_mm + np.array([[0.8, 0.0], [0, 0], [0, 0], [0, 0], [0, 0]])
        answer = self.enrol(world, [pads])
        assert answer.status_code == 409
        assert re.search(r"0\.\d\d mm from stamp 'S001-001-01'", answer.json()["detail"])

    def test_a_near_stamp_of_another_merchant_is_not_named(self, world: Any) -> None:
        answer = self.enrol(world, [world.two.stamps[0].pads_mm])
        assert answer.status_code == 409
        assert "S002" not in answer.text
        assert not re.search(r"\d mm from stamp", answer.text)

    @pytest.mark.parametrize("presses", [[[[0, 0], [0, 0], [9, 9]]], [[[0, 0], [1, 1]]], [[[0, 0]] * 5]])
    def test_presses_that_are_no_stamp_are_refused(self, world: Any, presses: Any) -> None:
        assert self.enrol(world, presses).status_code == 422


def ids_of(world: Any) -> dict[str, Any]:
    """Ids of the first merchant's things, one of each kind that a path can name."""
    one, key = world.one, world.one.server_key
    base = f"/v1/merchants/{one.merchant_id}"
    world.press()
    coupon = world.ok("POST", f"{base}/coupons", key, json={"member": "anna", "name": "1 free"})["id"]
    redeem = world.press(purpose="redeem")
    body = {"member": "anna", "token": redeem["token"], "coupon": coupon}
    redemption = world.ok("POST", f"{base}/redemptions", key, json=body)["id"]
    staff = {"store": one.stores[0].store_id, "member": "kim", "number": "7", "hourly_wage": 1}
    staff_id = world.ok("POST", f"{base}/staff", key, json=staff)["id"]
    segment = world.ok("POST", f"{base}/segments", key, json={"name": "s", "query": "stamps >= 0"})["id"]
    campaign = world.ok("POST", f"{base}/campaigns", key, json={"segment": segment, "text": "hi"})["id"]
    far = world.body()["place"] | {"lat_deg": 35.1}
    world.press(place=far, member="thief", device="thief's")
    alarm = world.ok("GET", f"{base}/alarms", key)[0]["id"]
    stamp = f"{base}/stamps/{one.stamps[0].stamp_id}"
    credential = world.ok("POST", f"{stamp}/credentials", key, json={"uid": "04de5f1eacc041"})["id"]
    with world.service.database.write() as connection:
        key_id, _ = make_key(connection, Role.APP, now_us=0, merchant_id=one.merchant_id)
    return {
        "vendor_id": world.seeded.vendor_id,
        "merchant_id": one.merchant_id,
        "store_id": one.stores[0].store_id,
        "stamp_id": one.stamps[0].stamp_id,
        "credential_id": credential,
        "press_id": redeem["press"],
        "coupon_id": coupon,
        "redemption_id": redemption,
        "staff_id": staff_id,
        "shift_id": world.ok("POST", f"{base}/staff/{staff_id}/shifts", key, json=SHIFT)["id"],
        "segment_id": segment,
        "campaign_id": campaign,
        "alarm_id": alarm,
        "key_id": key_id,
        "member": "anna",
        "month": "2026-11",
    }


def routes(world: Any) -> list[tuple[str, str]]:
    paths = create_app(world.service).openapi()["paths"]
    listed = [(method.upper(), path) for path, methods in sorted(paths.items()) for method in methods]
    return [(method, path) for method, path in listed if path not in RUNNING]


RUNNING = ("/health", "/ready", "/metrics")
"""For whoever runs the service: they say nothing of anybody."""
OPEN = {
    ("GET", "/v1/bundle-key"),
    ("POST", "/v1/presses"),
    ("POST", "/v1/presses/fallback"),
    ("POST", "/v1/presses/challenges"),
    ("POST", "/v1/presses/challenges/tag"),
}
"""Routes whose path names nobody's things: what they may touch follows from the key alone."""


def test_every_route_refuses_strangers_and_other_tenants(world: Any) -> None:
    ids, listed = ids_of(world), routes(world)
    with world.service.database.write() as connection:
        _, other_vendor = make_key(connection, Role.VENDOR, now_us=0, vendor_id=None)
    other = world.ok("POST", "/v1/vendors", world.seeded.operator_key, json={"name": "Other vendor"})
    assert len(listed) > 45
    for method, path in listed:
        if path == "/v3/stamp":
            continue
        filled = path.format(**ids)
        assert world.call(method, filled, json={}).status_code == 401, (method, path)
        assert world.call(method, filled, "app_invented", json={}).status_code == 401, (method, path)
        if (method, path) in OPEN:
            continue
        for key in (world.two.server_key, world.two.app_key, other["key"], other_vendor):
            answer = world.call(method, filled, key, json={})
            assert answer.status_code in (403, 404), (method, path, key.split("_")[0], answer.text)


def test_other_tenants_ids_in_one_s_own_paths_lead_nowhere(world: Any) -> None:
    """The path begins with the caller's own merchant and then names things of another one."""
    ids = ids_of(world) | {"merchant_id": world.two.merchant_id}
    del ids["member"]
    bodies = {
        "/battery": {"reason": "x"},
        "/reset": {"reason": "x", "frame": "00"},
        "/state": {"state": "disabled", "reason": "x"},
        "/review": {"accept": True, "reason": "x"},
        "/credentials": {"uid": "04de5f1eacc040"},
        "/appeal": {"reason": "x"},
        "/reverse": {"reason": "x"},
        "/remove": {"reason": "x"},
        "/shifts": SHIFT,
        "/corrections": {"at": "2026-11-18T01:00:00Z", "reason": "x", "asked_by": "a", "agreed_by": "b"},
    }
    tried = 0
    for method, path in routes(world):
        names = re.findall(r"{(\w+)}", path)
        if (
            "merchant_id" not in names
            or not set(names) - {"merchant_id"} <= ids.keys() - {"month"}
            or len(names) < 2
        ):
            continue
        body = next((body for end, body in bodies.items() if path.endswith(end)), {})
        options = {"params": {"reason": "x"}} if method == "DELETE" else {}
        answer = world.call(method, path.format(**ids), world.two.server_key, json=body, **options)
        assert answer.status_code in (403, 404), (method, path, answer.status_code, answer.text)
        tried += 1
    assert tried >= 14


def test_an_app_s_key_presses_and_reaches_nothing_else(world: Any) -> None:
    ids = ids_of(world)
    allowed = {*OPEN}
    for method, path in routes(world):
        if (method, path) not in allowed and path != "/v3/stamp":
            answer = world.call(method, path.format(**ids), world.one.app_key, json={})
            assert answer.status_code in (403, 404), (method, path, answer.text)


def test_patterns_leave_the_service_in_the_bundle_alone(world: Any) -> None:
    ids = ids_of(world)
    some = f"{world.one.stamps[0].pads_mm[0][0]:.6f}"[:6]
    for method, path in routes(world):
        if method == "GET" and "bundle" not in path:
            text = world.call("GET", path.format(**ids), world.seeded.operator_key).text
            assert "pads" not in text, path
            assert some not in text, path


def test_a_withdrawn_key_is_refused_at_the_next_request(world: Any) -> None:
    base = f"/v1/merchants/{world.one.merchant_id}"
    made = world.ok("POST", f"{base}/keys", world.one.server_key, json={"role": "app"})
    assert world.press(app_key=made["key"])["outcome"] == "accepted"
    world.ok("DELETE", f"/v1/keys/{made['id']}", world.one.server_key)
    headers = {"Idempotency-Key": "leaked licence"}
    assert (
        world.call("POST", "/v1/presses", made["key"], json=world.body(), headers=headers).status_code == 401
    )


def test_a_merchant_makes_app_keys_alone(world: Any) -> None:
    path = f"/v1/merchants/{world.one.merchant_id}/keys"
    for role in ("merchant", "vendor", "operator"):
        assert world.call("POST", path, world.one.server_key, json={"role": role}).status_code == 403


def test_the_log_holds_no_secret_and_nothing_personal(world: Any) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(JsonLines().format(record))  # type: ignore[method-assign]
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    try:
        ids_of(world)
        path = f"/v1/merchants/{world.one.merchant_id}/members/anna"
        body = {"address": "anna@example.org"}
        world.ok("PUT", f"{path}/contact", world.one.server_key, json=body)
        world.call("GET", f"{path}/export?secret=1", world.one.server_key)
        world.call("POST", "/v1/presses", world.one.app_key, json={"member": "anna"})
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(logging.NOTSET)
    text = "\n".join(lines)
    assert len(lines) > 10
    place = world.body()["place"]
    for hidden in ("anna", "kim", "example.org", "secret", world.one.app_key, world.one.server_key, "phone"):
        assert hidden not in text
    assert str(place["lat_deg"])[:6] not in text
    last = json.loads(lines[-1])
    assert set(last) == {"time", "level", "id", "method", "route", "status", "ms", "merchant"}
    assert (last["route"], last["status"]) == ("/v1/presses", 422)


class TestSnowshoe:
    points = ((264, 172), (267, 371), (242, 286), (69, 375), (66, 221))
    """Example of SnowShoe's reference for version 3; the points of its version 2 mock are the same stamp."""

    def enrol(self, world: Any) -> None:
        path = f"/v1/merchants/{world.one.merchant_id}/stamps"
        body = {
            "store": world.one.stores[0].store_id,
            "serial": "DEVA",
            "name": "DEVA",
            "presses_mm": [(np.array(self.points) * 0.15875).tolist()],
        }
        world.ok("POST", path, world.one.server_key, json=body)

    def stamp(self, world: Any, data: Any, key: str | None = None) -> Any:
        headers = {"SnowShoe-Api-Key": key or world.one.app_key}
        return world.call("POST", "/v3/stamp", json={"data": data}, headers=headers)

    def test_its_published_points_are_read_and_answered_in_its_form(self, world: Any) -> None:
        self.enrol(world)
        answer = self.stamp(world, self.points)
        assert answer.status_code == 200
        assert answer.json()["stamp"] == {"serial": "DEVA", "customName": "DEVA"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", answer.json()["created"])
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.json()["receipt"])

    def test_its_version_2_mock_is_the_same_stamp(self, world: Any) -> None:
        self.enrol(world)
        answer = self.stamp(world, "W1swLDBdLFszNiwzNl0sWzM2LDBdLFsyMCw0XSxbOCwzNl1d")
        assert answer.json()["stamp"]["serial"] == "DEVA"

    def test_an_unknown_stamp_is_a_400_with_its_message(self, world: Any) -> None:
        self.enrol(world)
        answer = self.stamp(world, [[0, 0], [10, 200], [220, 60], [90, 90], [170, 180]])
        assert (answer.status_code, answer.json()["error"]) == (
            400,
            {"message": "Stamp not found", "code": 32},
        )
        assert answer.json()["secure"] is False

    @pytest.mark.parametrize("data", ["", "no base64", "bm90IGpzb24=", [], [[1, 2]] * 21])
    def test_what_is_no_list_of_points_is_a_400(self, world: Any, data: Any) -> None:
        assert self.stamp(world, data).status_code == 400

    @pytest.mark.parametrize("content", [b"", b"data=W1tdXQ==", b"[]", b'{"points": []}', b"\xff"])
    def test_whatever_else_is_sent_is_a_400_in_its_form(self, world: Any, content: bytes) -> None:
        headers = {"SnowShoe-Api-Key": world.one.app_key, "Content-Type": "application/json"}
        answer = world.call("POST", "/v3/stamp", headers=headers, content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 31)
        assert set(answer.json()) == {"error", "receipt", "secure", "created"}

    def test_a_bad_key_is_a_401(self, world: Any) -> None:
        assert self.stamp(world, self.points, "wrong").status_code == 401

    def test_it_stamps_no_card_and_gives_no_token(self, world: Any) -> None:
        self.enrol(world)
        assert "token" not in self.stamp(world, self.points).json()
