"""Bluetooth as the second factor: in its time, once a member, whichever worker is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stampbench.sim.credentials.ble.beacon import FIRST_CLOCK_S, BeaconClock, EidBeacon, OtpBeacon
from stampbench.sim.credentials.ble.frames import Eid, OtpStamp, Uid
from stampbench.sim.credentials.ble.passwords import WRONG, WRONG_S
from stampbench.sim.service.app import create_app
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.presses.beacons import beacon_key, password_key

ID = "04de5f1eacc04000"
ALWAYS = [[(0, 1440)]] * 7
_members = count()


@pytest.fixture
def world(make_world: Any, sqlite_url: str) -> Any:
    """On SQLite; its stores never close."""
    return make_world(sqlite_url, opening=ALWAYS)


@pytest.fixture
def any_world(make_world: Any, database_url: str) -> Any:
    """The same on either database."""
    return make_world(database_url, opening=ALWAYS)


class Heard:
    """A beacon in the first merchant's first stamp, paired over HTTP, and what a phone beside it hears."""

    kind = "ble-eid"

    def __init__(self, world: Any, exponent: int = 6, error_ppm: float = 0.0, stamp: int = 0) -> None:
        self.world, self.stamp = world, world.one.stamps[stamp]
        self.beacon = self.made(exponent, error_ppm)
        path = f"/v1/merchants/{world.one.merchant_id}/stamps/{self.stamp.stamp_id}/credentials"
        body = self.pairing(exponent) | {"kind": self.kind, "frame": self.frame()}
        self.path = f"{path}/{world.ok('POST', path, world.one.server_key, json=body)['id']}"

    def made(self, exponent: int, error_ppm: float) -> Any:
        key = beacon_key(self.world.service.settings.secret, ID)
        return EidBeacon(key, exponent, BeaconClock(self.now_s, FIRST_CLOCK_S, error_ppm))

    def pairing(self, exponent: int) -> dict[str, Any]:
        return {"beacon": ID, "exponent": exponent}

    @property
    def now_s(self) -> float:
        return float(self.world.clock.now_us() / 1e6)

    def frame(self, ago_s: float = 0.0) -> str:
        return str(self.beacon.frame_at(self.now_s - ago_s).encoded.hex())

    def press(self, frame: str | None = None, rssi_dbm: str = "-50", **changes: Any) -> Any:
        member = f"member {next(_members)}"
        values = {"frame": self.frame() if frame is None else frame, "rssi_dbm": rssi_dbm}
        credentials = [{"kind": self.kind, "values": values}]
        told = {"member": member, "device": f"phone of {member}", "stamp": self.stamp} | changes
        return self.world.press(credentials=credentials, **told)

    def reason(self, *args: Any, **changes: Any) -> str:
        return str(self.press(*args, **changes)["reason"])

    def say_battery_changed(self) -> None:
        body = {"reason": "by kim"}
        self.world.ok("POST", f"{self.path}/battery", self.world.one.server_key, json=body)


class Passwords(Heard):
    """The same for a beacon with one-time passwords."""

    kind = "ble-otp"

    def made(self, exponent: int, error_ppm: float) -> Any:
        key = password_key(self.world.service.settings.secret, ID)
        return OtpBeacon(bytes.fromhex(ID), key, BeaconClock(self.now_s, self.now_s, error_ppm))

    def pairing(self, exponent: int) -> dict[str, Any]:
        return {}


Kind = Callable[..., Heard]
both = pytest.mark.parametrize("kind", [Heard, Passwords])


@both
def test_a_stamp_that_wants_its_beacon_redeems_with_it_alone(
    make_world: Any, database_url: str, kind: Any
) -> None:
    world = make_world(database_url, factor=kind.kind)
    heard = kind(world)
    assert world.press(purpose="redeem")["reason"] == "factor_missing"
    answer = heard.press(purpose="redeem")
    assert (answer["outcome"], answer["reason"]) == ("accepted", "ok")
    path = f"/v1/merchants/{world.one.merchant_id}/presses/{answer['press']}"
    assert world.ok("GET", path, world.one.server_key)["factor"] == kind.kind


@both
def test_each_member_uses_it_once_and_everybody_in_the_shop_may(any_world: Any, kind: Kind) -> None:
    heard = kind(any_world)
    frame = heard.frame()
    assert heard.reason(frame, member="anna") == "ok"
    assert heard.reason(frame, member="anna") == f"{heard.kind}_replayed"
    assert heard.reason(frame, member="bert") == "ok"
    any_world.clock.advance(minutes=5)
    assert heard.reason(member="anna") == "ok"


@both
def test_nobody_who_is_named_is_one_holder_too(world: Any, kind: Kind) -> None:
    heard = kind(world)
    assert heard.reason(member=None) == "ok"
    assert heard.reason(member=None) == f"{heard.kind}_replayed"


@both
def test_of_sixteen_at_once_with_one_advertisement_one_is_accepted(any_world: Any, kind: Kind) -> None:
    heard = kind(any_world)
    for _ in range(3):
        any_world.clock.advance(minutes=11)
        frame = heard.frame()
        press = partial(heard.reason, frame, member="anna")
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n, press=press: press(device=f"d{n}"), range(16)))
        assert sorted(answers) == [f"{heard.kind}_replayed"] * 15 + ["ok"]


@pytest.fixture
def other_worker(any_world: Any) -> Iterator[Any]:
    """The same world, asked through another service on the same database."""
    service = open_service(any_world.service.settings, clock=any_world.clock)
    client = type(any_world.client)(create_app(service))
    yield replace(any_world, service=service, client=client)
    client.close()
    service.database.close()


@both
def test_what_one_worker_accepted_another_refuses(any_world: Any, other_worker: Any, kind: Kind) -> None:
    heard = kind(any_world)
    frame = heard.frame()
    assert heard.reason(frame, member="anna") == "ok"
    heard.world = other_worker
    assert heard.reason(frame, member="anna") == f"{heard.kind}_replayed"


def test_another_worker_knows_of_a_battery_change_and_of_the_clock(any_world: Any, other_worker: Any) -> None:
    heard = Heard(any_world)
    any_world.clock.advance(hours=20)
    assert heard.reason() == "ok"
    heard.beacon.clock.change_battery(heard.now_s, heard.now_s)
    heard.say_battery_changed()
    heard.world = other_worker
    assert heard.reason() == "ok"
    heard.world = any_world
    any_world.clock.advance(hours=1)
    assert heard.reason() == "ok"


@pytest.mark.parametrize("error_ppm", [-150.0, 150.0])
def test_a_clock_that_errs_is_followed_over_days_and_roll_overs(world: Any, error_ppm: float) -> None:
    heard = Heard(world, exponent=4, error_ppm=error_ppm)
    for _ in range(12):
        world.clock.advance(hours=7, seconds=133)
        assert heard.reason() == "ok"


def test_a_relayed_identifier_is_good_in_its_windows_and_a_recorded_one_is_out_of_time(world: Any) -> None:
    heard = Heard(world, exponent=4)
    world.clock.advance(hours=30)
    assert heard.reason() == "ok"
    assert heard.reason(heard.frame(ago_s=10)) == "ok"
    for ago_s in (90, 3600, 20 * 3600):
        assert heard.reason(heard.frame(ago_s)) == "ble-eid_out_of_time"
    assert alarms(world) == []


def test_a_recording_that_is_quicker_than_a_beacon_with_a_new_battery_does_not_take_it_away(
    any_world: Any,
) -> None:
    heard = Heard(any_world)
    any_world.clock.advance(hours=30)
    recorded = heard.frame(ago_s=3600)
    heard.beacon.clock.change_battery(heard.now_s, heard.now_s)
    heard.say_battery_changed()
    assert heard.reason(recorded, member="thief") == "ok"
    assert heard.reason() == "ble-eid_out_of_time"
    heard.say_battery_changed()
    assert heard.reason() == "ok"
    any_world.clock.advance(hours=26)
    assert heard.reason(purpose="redeem") == "ok"
    assert heard.reason(recorded, member="thief") != "ok"


def test_after_a_battery_change_nothing_of_the_day_before_is_taken_until_somebody_says_so(world: Any) -> None:
    heard = Heard(world)
    world.clock.advance(hours=30)
    heard.beacon.clock.change_battery(heard.now_s, heard.now_s)
    assert heard.reason() == "ble-eid_out_of_time"
    heard.say_battery_changed()
    assert heard.reason() == "ok"
    recorded = heard.frame(ago_s=-4 * 3600)
    assert heard.reason(recorded) == "ble-eid_out_of_time"
    assert heard.reason(purpose="redeem") == "ble-eid_repeated"
    world.clock.advance(hours=6, minutes=5)
    assert heard.reason(purpose="redeem") == "ok"


def test_a_battery_change_is_written_down_with_its_reason(world: Any) -> None:
    heard = Heard(world)
    heard.say_battery_changed()
    path = f"/v1/merchants/{world.one.merchant_id}/stamps/{heard.stamp.stamp_id}/history"
    assert "changed: by kim" in world.ok("GET", path, world.one.server_key)[-1]["reason"]


def test_a_tag_has_no_battery(world: Any) -> None:
    path = Heard(world).path.rpartition("/")[0]
    tag = world.ok("POST", path, world.one.server_key, json={"uid": "04de5f1eacc040"})["id"]
    answer = world.call("POST", f"{path}/{tag}/battery", world.one.server_key, json={"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no-battery")


def test_a_password_is_good_in_its_step_and_one_around_and_old_after_it(world: Any) -> None:
    heard = Passwords(world)
    world.clock.advance(hours=5)
    assert heard.reason(heard.frame(ago_s=25)) == "ok"
    assert heard.reason(heard.frame(ago_s=90)) == "ble-otp_out_of_time"
    assert heard.reason(heard.frame(ago_s=2 * 3600)) == "ble-otp_not_genuine"


def guess(heard: Passwords, number: int) -> str:
    return heard.reason(OtpStamp(bytes.fromhex(ID), f"{number:08d}").encoded.hex(), device=f"robot {number}")


def test_after_wrong_passwords_one_right_one_is_not_enough_and_two_in_a_row_are(any_world: Any) -> None:
    heard = Passwords(any_world)
    assert {guess(heard, n) for n in range(WRONG + 3)} == {"ble-otp_not_genuine"}
    assert heard.reason() == "ble-otp_one_more"
    assert heard.reason() == "ble-otp_one_more"
    any_world.clock.advance(seconds=30)
    assert heard.reason() == "ok"
    any_world.clock.advance(seconds=WRONG_S)
    assert heard.reason() == "ok"


def test_a_stamp_unheard_for_a_year_is_not_guessed_and_is_read_within_half_a_minute(any_world: Any) -> None:
    heard = Passwords(any_world, error_ppm=150.0)
    any_world.clock.advance(days=365)
    rng = np.random.default_rng(5)
    assert {guess(heard, int(n)) for n in rng.integers(10**8, size=60)} == {"ble-otp_not_genuine"}
    answers = []
    for _ in range(2):
        answers.append(heard.reason())
        any_world.clock.advance(seconds=30)
    assert answers == ["ble-otp_one_more", "ok"]


@both
def test_a_beacon_is_known_anew_by_what_it_shows_and_that_is_written_down(any_world: Any, kind: Kind) -> None:
    heard = kind(any_world)
    any_world.clock.advance(days=3)
    clock_s = 70_000 if kind is Heard else heard.now_s
    heard.beacon.clock = BeaconClock(heard.now_s, clock_s)
    path, key = f"{heard.path}/reset", any_world.one.server_key
    if kind is Heard:
        assert heard.reason() in ("ble-eid_not_genuine", "ble-eid_out_of_time")
    body = {"frame": heard.frame(), "reason": "clock lost", "clock_s": 70_000}
    wrong = body | {"frame": heard.frame(ago_s=-50_000)}
    assert any_world.call("POST", path, key, json=wrong).status_code == 422
    any_world.ok("POST", path, key, json=body)
    assert heard.reason() == "ok"
    history = heard.path.partition("/credentials")[0] + "/history"
    assert "known anew: clock lost" in any_world.ok("GET", history, key)[-1]["reason"]


def test_the_clock_of_passwords_is_set_anew_with_the_battery(world: Any) -> None:
    heard = Passwords(world)
    world.clock.advance(hours=30)
    heard.beacon.clock = BeaconClock(heard.now_s, heard.now_s)
    heard.say_battery_changed()
    assert heard.reason() == "ok"


@both
def test_what_was_not_heard_near_by_is_too_weak(world: Any, kind: Kind) -> None:
    heard = kind(world)
    assert heard.reason(rssi_dbm="-76") == f"{heard.kind}_too_weak"
    assert heard.reason(rssi_dbm="-75") == "ok"


@both
def test_what_is_no_advertisement_of_its_kind_is_malformed(world: Any, kind: Kind) -> None:
    heard = kind(world)
    for frame in ("", "zz", "0f", Uid(bytes(10), bytes(6)).encoded.hex()):
        assert heard.reason(frame) == f"{heard.kind}_malformed"
    for rssi_dbm in ("", "near", "-5000"):
        assert heard.reason(rssi_dbm=rssi_dbm) == f"{heard.kind}_malformed"


@both
def test_the_beacon_of_another_stamp_is_refused_and_raises_an_alarm(world: Any, kind: Kind) -> None:
    heard = kind(world)
    other = world.one.stamps[1]
    assert heard.reason(stamp=other) == f"{heard.kind}_not_genuine"
    assert alarms(world) == ["cloned_pattern"]


@both
def test_a_beacon_belongs_to_one_stamp(world: Any, kind: Kind) -> None:
    kind(world)
    with pytest.raises(AssertionError, match="409"):
        kind(world, stamp=1)


def test_a_beacon_that_shows_something_else_is_not_paired(world: Any) -> None:
    heard = Heard(world)
    path = heard.path.rpartition("/")[0]
    for changes in (
        {"exponent": 7},
        {"clock_s": 0},
        {"beacon": ID[::-1]},
        {"frame": Eid(bytes(8)).encoded.hex()},
    ):
        body = {"kind": "ble-eid", "beacon": ID, "exponent": 6, "frame": heard.frame()} | changes
        answer = world.call("POST", path, world.one.server_key, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "frame")


def test_a_stamp_s_credentials_are_listed_without_keys(world: Any) -> None:
    path = Heard(world).path.rpartition("/")[0]
    (listed,) = world.ok("GET", path, world.one.server_key)
    assert listed == {"id": listed["id"], "kind": "ble-eid", "name": ID}


@both
def test_no_key_stands_in_the_database(world: Any, kind: Kind) -> None:
    heard = kind(world)
    heard.press()
    secret = world.service.settings.secret
    raw = world.service.database.engine.raw_connection()
    raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    content = Path(world.service.database.engine.url.database).read_bytes()
    assert bytes.fromhex(ID).hex().encode() in content
    for key in (secret, beacon_key(secret, ID).reveal(), password_key(secret, ID).reveal()):
        assert key not in content
        assert key.hex().encode() not in content


def alarms(world: Any) -> list[str]:
    path = f"/v1/merchants/{world.one.merchant_id}/alarms"
    return [alarm["kind"] for alarm in world.ok("GET", path, world.one.server_key)]
