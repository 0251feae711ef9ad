"""Knowing customers: the shop's question answered as a brute-force count answers it; consent and erasure."""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import sqlalchemy as sa
from stampbench.sim.service.clock import DAY_US, HOUR_US
from stampbench.sim.service.customers.segments import Condition, parse
from stampbench.sim.service.housekeeping import FileTransport, tidy
from stampbench.sim.service.problems import MalformedError
from stampbench.sim.service.tables import Base
from stampbench.sim.service.tables.customers import Contact, Member, Message
from stampbench.sim.service.tables.loyalty import Entry
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Stamp


def base(world: Any) -> str:
    return f"/v1/merchants/{world.one.merchant_id}"


def write_history(world: Any, visits: dict[int, list[int]]) -> None:
    """Put presses of members (by number from 1) at times into the database, each with its stamp."""
    one, calendar = world.one, world.service.calendar
    members, presses, entries = [], [], []
    for member, times in visits.items():
        joined = min(times)
        members.append(
            {
                "id": member,
                "merchant_id": one.merchant_id,
                "pseudonym": world.service.pseudonyms.of(one.merchant_id, "member", f"m{member}"),
                "joined_us": joined,
                "joined_day": calendar.day(joined),
            }
        )
        for at_us in times:
            number = len(presses) + 1
            stamp = one.stamps[number % len(one.stamps)]
            common = {
                "merchant_id": one.merchant_id,
                "member_id": member,
                "at_us": at_us,
                "day": calendar.day(at_us),
            }
            digest = number.to_bytes(32, "big")
            presses.append(
                common
                | {
                    "id": number,
                    "store_id": stamp.store_id,
                    "stamp_id": stamp.stamp_id,
                    "key_digest": digest,
                    "request_digest": digest,
                    "kind": "pattern",
                    "purpose": "stamp",
                    "outcome": "accepted",
                    "reason": "ok",
                    "factor": "",
                    "value": 1,
                    "pressed_us": at_us,
                    "hour": calendar.local(at_us).hour,
                }
            )
            entries.append(
                common
                | {"account": "stamps", "kind": "press", "amount": 1}
                | {"reference": f"press:{number}", "press_id": number}
            )
    with world.service.database.write() as connection:
        connection.execute(sa.insert(Member.columns()), members)
        connection.execute(sa.insert(Press.columns()), presses)
        connection.execute(sa.insert(Entry.columns()), entries)


def golden_history(world: Any) -> dict[int, list[int]]:
    """5,000 members; 300 have 8 stamps, 38 of them not seen for a month; 130 pressed 250 times today."""
    rng, now = np.random.default_rng(9), world.clock.now_us()
    today = world.service.calendar.start_of(world.service.calendar.local(now).date())
    visits: dict[int, list[int]] = {}
    counts = [8] * 300 + rng.choice([1, 2, 3, 4, 5, 6, 7, 9], 4700).tolist()
    extra = iter([2] * 120 + [1] * 10)  # 130 customers, 250 stamps
    for member, total in enumerate(counts, start=1):
        lapsed = member <= 38
        low, high = (31, 60) if lapsed else (1, 29)
        newest = now - int(rng.integers(low * DAY_US, high * DAY_US))
        times = [newest] + [newest - int(rng.integers(HOUR_US, 5 * DAY_US)) for _ in range(total - 1)]
        if not lapsed and total > 2 and (more := next(extra, 0)):
            times[:more] = [today + int(rng.integers(0, now - today)) for _ in range(more)]
        visits[member] = times
    return visits


def count_by_hand(visits: dict[int, list[int]], now: int, stamps: int, days: int) -> tuple[int, int]:
    eight = [times for times in visits.values() if len(times) == stamps]
    return len(eight), sum(now - max(times) >= days * DAY_US for times in eight)


def test_the_shop_s_question_is_answered_as_by_hand(world: Any) -> None:
    visits = golden_history(world)
    write_history(world, visits)
    assert count_by_hand(visits, world.clock.now_us(), 8, 30) == (300, 38)
    for name, query, expected in [
        ("eight", "stamps = 8", 300),
        ("lost", "stamps = 8 and unseen >= 30", 38),
        ("all", "presses >= 1", 5000),
    ]:
        segment = world.ok(
            "POST", f"{base(world)}/segments", world.one.server_key, json={"name": name, "query": query}
        )
        answer = world.ok("GET", f"{base(world)}/segments/{segment['id']}", world.one.server_key)
        assert answer == {"members": expected}
    today = world.ok("GET", f"{base(world)}/counts", world.one.server_key)
    assert (today["customers"], today["stamps"], today["presses"]) == (130, 250, 250)
    assert sum(today["hours"]) == sum(one["presses"] for one in today["stores"]) == 250


def test_counts_by_day_stamp_and_repeat_agree_with_a_count_by_hand(world: Any) -> None:
    rng, now = np.random.default_rng(3), world.clock.now_us()
    visits = {
        m: [now - int(t) for t in rng.integers(0, 40 * DAY_US, rng.integers(1, 6))] for m in range(1, 200)
    }
    write_history(world, visits)
    answer = world.ok("GET", f"{base(world)}/counts?from=2026-10-20&to=2026-11-10", world.one.server_key)
    by_day: dict[str, list[int]] = defaultdict(list)
    for member, times in visits.items():
        for at_us in times:
            by_day[world.service.calendar.day(at_us)].append(member)
    chosen = {day: m for day, m in by_day.items() if "2026-10-20" <= day <= "2026-11-10"}
    assert [d["presses"] for d in answer["days"]] == [len(chosen.get(d["day"], [])) for d in answer["days"]]
    days_of = defaultdict(set)
    for day, members in chosen.items():
        for member in members:
            days_of[member].add(day)
    assert answer["repeat"] == {"members": len(days_of), "again": sum(len(d) > 1 for d in days_of.values())}
    assert answer["customers"] == len(days_of)


def test_a_query_is_conditions_joined_by_and() -> None:
    assert parse("stamps = 8 and unseen>=30") == (Condition("stamps", "=", 8), Condition("unseen", ">=", 30))


@pytest.mark.parametrize("query", ["", "stamps", "stamps = eight", "name = 3", "stamps = 8; drop", "a and b"])
def test_a_query_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(MalformedError, match="expected a figure"):
        parse(query)


def consent(world: Any, member: str, purpose: str = "messages", given: bool = True) -> None:
    path = f"{base(world)}/members/{member}/consent"
    world.ok("PUT", path, world.one.server_key, json={"purpose": purpose, "given": given})


def contact(world: Any, member: str) -> None:
    path = f"{base(world)}/members/{member}/contact"
    world.ok("PUT", path, world.one.server_key, json={"address": f"{member}@example.org"})


def campaign(world: Any) -> str:
    key = world.one.server_key
    segment = world.ok("POST", f"{base(world)}/segments", key, json={"name": "s", "query": "stamps = 1"})
    body = {"segment": segment["id"], "text": "한 잔 더 어떠세요?"}
    return f"{base(world)}/campaigns/{world.ok('POST', f'{base(world)}/campaigns', key, json=body)['id']}"


def test_messages_go_to_those_who_agreed_and_what_came_back_is_counted(any_world: Any, tmp_path: Any) -> None:
    world = any_world
    for member in ("anna", "berta", "carl", "dora"):
        world.press(member=member, device=member)
        contact(world, member)
    for member in ("anna", "berta", "carl"):
        consent(world, member)
    path = campaign(world)
    consent(world, "carl", given=False)
    outbox = tmp_path / "outbox.jsonl"
    assert tidy(world.service, FileTransport(outbox))["sent"] == 2
    assert tidy(world.service, FileTransport(outbox))["sent"] == 0
    assert {json.loads(line)["to"] for line in outbox.read_text().splitlines()} == {
        "anna@example.org",
        "berta@example.org",
    }
    world.clock.advance(days=2)
    world.press(member="anna")
    answer = world.ok("GET", path, world.one.server_key)
    (listed,) = world.ok("GET", f"{base(world)}/campaigns", world.one.server_key)
    assert listed == {"id": int(path.rpartition("/")[2]), **answer}
    (segment,) = world.ok("GET", f"{base(world)}/segments", world.one.server_key)
    assert (segment["name"], segment["query"]) == ("s", "stamps = 1")
    figures = ("segment_size", "without_consent", "sent", "dropped", "came_back", "redeemed")
    assert {k: answer[k] for k in figures} == dict(zip(figures, (4, 1, 2, 1, 1, 0), strict=True))


def test_sharing_data_earns_points_once(world: Any) -> None:
    for given in (True, False, True):
        consent(world, "anna", "sharing", given)
    assert world.balances()["points"] == 50


def test_an_export_holds_all_and_erasure_leaves_sums_and_no_person(any_world: Any) -> None:
    world, key = any_world, any_world.one.server_key
    world.press()
    contact(world, "anna")
    path = f"{base(world)}/members/anna"
    export = world.ok("GET", f"{path}/export", key)
    assert export["contact"]["address"] == "anna@example.org"
    assert (len(export["presses"]), export["balances"]["stamps"]) == (1, 1)
    before = world.ok("GET", f"{base(world)}/counts", key)
    world.ok("DELETE", path, key)
    assert world.call("GET", f"{path}/export", key).status_code == 404
    assert world.ok("GET", f"{base(world)}/counts", key) == before
    row = world.rows(sa.select(Press.device, Press.lat_deg, Press.accuracy_m))[0]
    assert tuple(row) == (None, None, None)
    assert world.rows(sa.select(Member.pseudonym))[0][0] is None
    assert world.rows(sa.select(sa.func.count()).select_from(Message))[0][0] == 0


def test_an_export_holds_messages_redemptions_and_work(any_world: Any) -> None:
    world, key = any_world, any_world.one.server_key
    body = {"store": world.one.stores[0].store_id, "member": "anna", "number": "1", "hourly_wage": 1}
    world.ok("POST", f"{base(world)}/staff", key, json=body)
    world.press(purpose="check-in")
    world.press()
    contact(world, "anna")
    consent(world, "anna")
    campaign(world)
    coupon = world.ok("POST", f"{base(world)}/coupons", key, json={"member": "anna", "name": "1"})["id"]
    token = world.press(purpose="redeem")["token"]
    what = {"member": "anna", "token": token, "coupon": coupon}
    world.ok("POST", f"{base(world)}/redemptions", key, json=what)
    export = world.ok("GET", f"{base(world)}/members/anna/export", key)
    assert [one["direction"] for one in export["punches"]] == ["in"]
    assert [(one["text"], one["state"]) for one in export["messages"]] == [("한 잔 더 어떠세요?", "waiting")]
    assert [(one["coupon"], one["state"]) for one in export["redemptions"]] == [(coupon, "frozen")]


def marks_of(world: Any, *marks: str) -> list[tuple[str, str]]:
    """Where in the whole database a text, or what is made of it, still stands: table and column."""
    found = []
    with world.service.database.read() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                found += [(table.name, name) for name, value in row.items() if str(value) in marks]
    return found


def test_of_whoever_works_here_hours_stay_and_no_name(any_world: Any) -> None:
    world, key = any_world, any_world.one.server_key
    body = {"store": world.one.stores[0].store_id, "member": "kim", "number": "kim 7", "hourly_wage": 10_000}
    staff = f"{base(world)}/staff/" + str(world.ok("POST", f"{base(world)}/staff", key, json=body)["id"])
    world.press(member="kim", purpose="check-in")
    world.clock.advance(hours=2)
    correction = {"direction": "out", "at": "2026-11-18T13:00:00+09:00", "reason": "kim forgot"}
    people = {"asked_by": "kim", "agreed_by": "lee"}
    world.ok("POST", f"{staff}/corrections", key, json=correction | people)
    contact(world, "kim")
    place = world.rows(sa.select(Press.device, Press.lat_deg, Press.lon_deg))[0]
    marks = ("kim@example.org", "kim 7", "kim forgot", "kim, agreed by lee", *map(str, place))
    export = world.ok("GET", f"{base(world)}/members/kim/export", key)
    assert (export["staff"]["number"], export["staff"]["hourly_wage"]) == ("kim 7", 10_000)
    stores = [("stores", "lat_deg"), ("stores", "lon_deg")]  # where the shop is, nobody's secret
    assert len(marks_of(world, *marks)) == 7 + len(stores)
    world.ok("DELETE", f"{base(world)}/members/kim", key)
    assert [one for one in marks_of(world, *marks) if one not in stores] == []
    (month,) = world.ok("GET", f"{base(world)}/hours/2026-11", key)
    assert (month["worked_minutes"], month["wage"]) == (60, 10_000)


def test_a_press_that_waited_while_its_member_was_erased_leaves_nothing(
    make_world: Any, postgres: str, database_url: str
) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite's transactions wait for each other from their beginning on")
    world = make_world(database_url)
    world.press()
    blocked = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    headers = {"Idempotency-Key": "waits for its stamp", "Authorization": f"Bearer {world.one.app_key}"}
    with ThreadPoolExecutor(1) as pool:
        with world.service.database.write() as connection:
            connection.execute(sa.select(Stamp.id).with_for_update())
            waiting = pool.submit(
                world.client.request, "POST", "/v1/presses", json=world.body(), headers=headers
            )
            while connection.execute(blocked).scalar_one() == 0:
                assert not waiting.done()
            world.ok("DELETE", f"{base(world)}/members/anna", world.one.server_key)
        answer = waiting.result()
    assert (answer.status_code, answer.json()["code"]) == (409, "erased")
    assert world.rows(sa.select(Press.device, Press.lat_deg)) == [(None, None)]


def test_erasures_among_a_thousand_racing_presses_leave_nothing_of_the_erased(
    make_world: Any, postgres: str, database_url: str
) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite's transactions wait for each other from their beginning on")
    world = make_world(database_url, stores=4, stamps_per_store=4, opening=[[(0, 1440)]] * 7)
    bodies = [
        world.body(
            member=f"member {n % 20}", device=f"phone {n % 20}", stamp=world.one.stamps[n % 16], place=None
        )
        | {"place": {"lat_deg": 37.0 + n / 1e5, "lon_deg": 127.0, "accuracy_m": 3000.0}}
        for n in range(1000)
    ]

    def act(number: int) -> int:
        if number % 25 == 24:
            name = quote(f"member {number % 20}", safe="")
            answer = world.call("DELETE", f"{base(world)}/members/{name}", world.one.server_key)
            return 200 if answer.status_code in (204, 404) else int(answer.status_code)
        headers = {"Idempotency-Key": f"racing {number}"}
        answer = world.call("POST", "/v1/presses", world.one.app_key, json=bodies[number], headers=headers)
        return int(answer.status_code)

    with ThreadPoolExecutor(12) as pool:
        statuses = set(pool.map(act, range(1000)))
    assert statuses <= {200, 409}
    erased = sa.select(Press.device, Press.address, Press.lat_deg, Press.lon_deg, Press.accuracy_m).join(
        Member, Member.id == Press.member_id
    )
    assert len(world.rows(erased.where(Member.erased_us.is_(None)))) > 0
    gone = world.rows(erased.where(Member.erased_us.is_not(None)))
    assert len(gone) > 100
    assert set(gone) == {(None,) * 5}


def test_twenty_contacts_told_at_once_are_one(any_world: Any) -> None:
    path, key = f"{base(any_world)}/members/anna/contact", any_world.one.server_key

    def put(number: int) -> int:
        body = {"address": f"{number}@example.org"}
        return int(any_world.call("PUT", path, key, json=body).status_code)

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(put, range(20))) == {204}
    assert any_world.rows(sa.select(sa.func.count()).select_from(Contact))[0][0] == 1


@pytest.mark.parametrize("name", ["aGVs/bG8=", "a/card", "..", "100%", "김 철수"])
def test_a_member_is_called_as_the_merchant_likes(world: Any, name: str) -> None:
    key, path = world.one.server_key, f"{base(world)}/members/{quote(name, safe='').replace('..', '%2E%2E')}"
    world.press(member=name)
    assert world.ok("GET", f"{path}/card", key)["balances"]["stamps"] == 1
    assert len(world.ok("GET", f"{path}/export", key)["presses"]) == 1
    world.ok("DELETE", path, key)
    assert world.call("GET", f"{path}/card", key).status_code == 404


def test_a_name_is_one_person_however_its_accents_are_composed(world: Any) -> None:
    for form in ("NFC", "NFD"):
        world.press(member=unicodedata.normalize(form, "José"), device=form)
    assert world.rows(sa.select(sa.func.count()).select_from(Member))[0][0] == 1
