"""Lists in parts, as CSV, and what can be changed or removed where a person erred."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest


def pages(world: Any, path: str, limit: int) -> list[Any]:
    """Follow the links of a list."""
    rows, link = [], f"{path}?limit={limit}"
    while link:
        answer = world.call("GET", link, world.one.server_key)
        assert answer.status_code == 200
        assert len(answer.json()) <= limit
        rows += answer.json()
        link = answer.links.get("next", {}).get("url")
    return rows


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_a_list_in_parts_is_the_whole_list(any_world: Any, limit: int) -> None:
    world, base = any_world, f"/v1/merchants/{any_world.one.merchant_id}"
    for n in range(7):
        world.press(member=f"m{n}", device=f"d{n}")
    for path in ("presses", "stamps", "stores", "keys", "members/m0/ledger"):
        whole = world.ok("GET", f"{base}/{path}", world.one.server_key)
        assert pages(world, f"{base}/{path}", limit) == whole
    presses = pages(world, f"{base}/presses", limit)
    assert [one["id"] for one in presses] == sorted((one["id"] for one in presses), reverse=True)
    assert len(presses) == 7


def test_what_is_filtered_stays_so_from_part_to_part(world: Any) -> None:
    base = f"/v1/merchants/{world.one.merchant_id}"
    for n in range(4):
        world.press(member=f"m{n}", device=f"d{n}")
        world.press(contacts=[[0, 0], [1, 1], [2, 3], [5, 5], [9, n]], contacts_again=None)
    answer = world.call("GET", f"{base}/presses?outcome=accepted&limit=3", world.one.server_key)
    rest = world.ok("GET", answer.links["next"]["url"], world.one.server_key)
    assert {one["outcome"] for one in [*answer.json(), *rest]} == {"accepted"}
    assert len(answer.json()) + len(rest) == 4


def test_a_list_comes_as_csv_where_that_is_asked_for_and_no_cell_is_a_formula(world: Any) -> None:
    base = f"/v1/merchants/{world.one.merchant_id}"
    store = {"name": "=HYPERLINK(1)", "number": "777", "lat_deg": 37.5, "lon_deg": 127.0, "opening": [[]] * 7}
    world.ok("POST", f"{base}/stores", world.one.server_key, json=store)
    headers = {"Accept": "text/csv"}
    answer = world.call("GET", f"{base}/stores?limit=50", world.one.server_key, headers=headers)
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (rows[-1]["number"], rows[-1]["name"]) == ("777", "'=HYPERLINK(1)")


def test_a_store_is_changed_and_removed_while_nothing_was_done_in_it(any_world: Any) -> None:
    world, key = any_world, any_world.one.server_key
    base = f"/v1/merchants/{world.one.merchant_id}/stores"
    body = {"name": "Mistyped", "number": "9", "lat_deg": 37.5, "lon_deg": 127.0, "opening": [[]] * 7}
    made = world.ok("POST", base, key, json=body)["id"]
    world.ok("PATCH", f"{base}/{made}", key, json={"name": "Right", "opening": [[[540, 1080]]] * 7})
    shown = next(one for one in world.ok("GET", base, key) if one["id"] == made)
    assert (shown["name"], shown["number"], shown["opening"][0]) == ("Right", "9", [[540, 1080]])
    taken = {"number": world.one.stores[0].number}
    assert world.call("PATCH", f"{base}/{made}", key, json=taken).status_code == 409
    assert world.call("PATCH", f"{base}/{made}", key, json={"opening": [[]]}).status_code == 422
    world.ok("DELETE", f"{base}/{made}", key)
    assert made not in [one["id"] for one in world.ok("GET", base, key)]
    used = world.one.stores[0].store_id
    assert world.call("DELETE", f"{base}/{used}", key).json()["code"] == "used"
    assert world.call("PATCH", f"{base}/{used}", world.two.server_key, json={}).status_code in (403, 404)


def test_a_segment_is_removed_unless_its_members_were_written_to(any_world: Any) -> None:
    world, key = any_world, any_world.one.server_key
    base = f"/v1/merchants/{world.one.merchant_id}"
    ids = [
        world.ok("POST", f"{base}/segments", key, json={"name": name, "query": "stamps >= 1"})["id"]
        for name in ("a", "b")
    ]
    world.ok("POST", f"{base}/campaigns", key, json={"segment": ids[0], "text": "hello"})
    assert world.call("DELETE", f"{base}/segments/{ids[0]}", key).json()["code"] == "used"
    world.ok("DELETE", f"{base}/segments/{ids[1]}", key)
    assert [one["id"] for one in world.ok("GET", f"{base}/segments", key)] == [ids[0]]


def test_a_credential_is_taken_away_with_a_reason_and_never_comes_back(any_world: Any) -> None:
    world, key = any_world, any_world.one.server_key
    stamp = f"/v1/merchants/{world.one.merchant_id}/stamps/{world.one.stamps[0].stamp_id}"
    made = world.ok("POST", f"{stamp}/credentials", key, json={"uid": "04de5f1eacc040"})["id"]
    path = f"{stamp}/credentials/{made}"
    assert world.call("DELETE", path, key).status_code == 422
    world.ok("DELETE", path, key, params={"reason": "lost"})
    assert world.ok("GET", f"{stamp}/credentials", key) == []
    assert "taken away: lost" in world.ok("GET", f"{stamp}/history", key)[-1]["reason"]
    assert world.call("DELETE", path, key, params={"reason": "again"}).status_code == 404


def test_keys_are_listed_without_their_texts(any_world: Any) -> None:
    path = f"/v1/merchants/{any_world.one.merchant_id}/keys"
    keys = any_world.ok("GET", path, any_world.one.server_key)
    assert [(one["role"], one["withdrawn"]) for one in keys] == [("merchant", None), ("app", None)]
    assert set(keys[0]) == {"id", "role", "made", "withdrawn"}
