"""Bluetooth as a second factor: rotating identifiers (Eddystone-EID) and one-time passwords.

Everybody in the shop hears the same advertisement: each member may use it once. What is believed of a
beacon's clock stands in the database, and is locked while a press is judged by it: all workers believe the
same.
"""

from __future__ import annotations

import hmac
import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.ble.belief import BeaconBelief
from stampbench.sim.credentials.ble.clocks import ClockBounds
from stampbench.sim.credentials.ble.eid import window_of
from stampbench.sim.credentials.ble.frames import OTP_DIGITS, Eid, Frame, OtpStamp, parse_frame
from stampbench.sim.credentials.ble.passwords import PasswordBelief
from stampbench.sim.credentials.otp import STEP_S, find_counter
from stampbench.sim.credentials.secrets import AES_KEY_BYTES, Secret
from stampbench.sim.service.clock import SECOND_US
from stampbench.sim.service.presses.credentials import (
    ANYBODY,
    MALFORMED,
    NOT_GENUINE,
    OUT_OF_TIME,
    Checked,
    Claim,
    pair,
    spend,
)
from stampbench.sim.service.presses.evidence import Purpose
from stampbench.sim.service.problems import ConflictError, MalformedError, NotFoundError
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.store.database import insert
from stampbench.sim.service.tables.presses import BeaconClock, StampCredential
from stampbench.sim.service.tables.tenants import Stamp, StampEvent

if TYPE_CHECKING:
    from stampbench.sim.service.service import Service
    from stampbench.sim.service.store.database import AnyRow

BLE_EID: Final = "ble-eid"
BLE_OTP: Final = "ble-otp"
SMALLEST_EXPONENT: Final = 4
"""Beacons that rotate faster would have too many identifiers in a day to be looked through at a press."""
ONE_MORE: Final = "one_more"
"""A right password that is believed together with the next one alone: 30 s later."""
_LATE_STEPS: Final = 120
"""How far back a password is known as an old one; it is no sign of a copied pattern then."""
_RSSI: Final = re.compile(r"-?[0-9]{1,3}", re.ASCII)


def beacon_key(secret: bytes, beacon: str) -> Secret:
    """Return the identity key of a beacon, by its id in hexadecimal."""
    return Secret(hmac.digest(secret, f"beacon-key:{beacon}".encode(), "sha256")[:AES_KEY_BYTES])


def password_key(secret: bytes, beacon: str) -> Secret:
    """Return the key of a beacon's one-time passwords, by its id in hexadecimal."""
    return Secret(hmac.digest(secret, f"password-key:{beacon}".encode(), "sha256"), 32)


class EidCheck:
    """Checks the advertisement of a beacon with a rotating identifier.

    After its battery was changed, a beacon shows windows of the day before once more. Nothing tells them from
    recordings: until it has caught up they do for presses, and not for those that redeem.
    """

    def __init__(self, secret: bytes, rules: Rules) -> None:
        self._secret, self._rules = secret, rules

    def check(self, connection: sa.Connection, claim: Claim, values: Mapping[str, str]) -> Checked:
        """Check ``values["frame"]`` (hexadecimal), heard with ``values["rssi_dbm"]``."""
        frame = _heard(values, self._rules)
        if isinstance(frame, Checked):
            return frame
        if not isinstance(frame, Eid):
            return Checked(False, MALFORMED)
        for row in _locked(connection, claim.stamp_id, BLE_EID):
            belief = _belief(row, self._rules)
            key = beacon_key(self._secret, row.name)
            window = _window(frame.identifier, key, belief, claim.now_s)
            judged = None if window is None else belief.judge(window, claim.now_s)
            if window is None or judged is None:
                continue
            if not judged.in_time:
                return Checked(False, OUT_OF_TIME)
            _keep(connection, row.clock_id, belief.clock, belief)
            if judged.repeated and claim.purpose is Purpose.REDEEM:
                return Checked(False, "repeated")
            return spend(connection, row.id, window, claim.member_id or ANYBODY, claim.now_us)
        return Checked(False, NOT_GENUINE)


class OtpCheck:
    """Checks the advertisement of a beacon with one-time passwords."""

    def __init__(self, secret: bytes, rules: Rules) -> None:
        self._secret, self._rules = secret, rules

    def check(self, connection: sa.Connection, claim: Claim, values: Mapping[str, str]) -> Checked:
        """Check ``values["frame"]`` (hexadecimal), heard with ``values["rssi_dbm"]``."""
        frame = _heard(values, self._rules)
        if isinstance(frame, Checked):
            return frame
        if not isinstance(frame, OtpStamp):
            return Checked(False, MALFORMED)
        name = frame.stamp.hex()
        row = next((row for row in _locked(connection, claim.stamp_id, BLE_OTP) if row.name == name), None)
        if row is None:
            return Checked(False, NOT_GENUINE)
        belief, key = _passwords(row, self._rules), password_key(self._secret, name)
        first, last = belief.window(claim.now_s)
        step = belief.step_of(key, frame.password, claim.now_s)
        _keep_passwords(connection, row.clock_id, belief)
        if step is not None:
            return spend(connection, row.id, step, claim.member_id or ANYBODY, claim.now_us)
        if find_counter(key, frame.password, first, last, OTP_DIGITS) is not None:
            return Checked(False, ONE_MORE)
        old = find_counter(key, frame.password, first - _LATE_STEPS, first - 1, OTP_DIGITS)
        return Checked(False, NOT_GENUINE if old is None else OUT_OF_TIME)


def pair_beacon(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    stamp_id: int,
    *,
    beacon: str,
    exponent: int,
    clock_s: int,
    frame: str,
) -> int:
    """Let a beacon belong to a stamp; what it advertises now proves its key and its clock.

    Raises:
        NotFoundError: no such stamp.
        ConflictError: it belongs to one already.
        MalformedError: the frame is not what this beacon shows when its clock stands so.
    """
    now_us = service.clock.now_us()
    clock = ClockBounds(now_us / 1e6, clock_s, 1 << exponent, service.rules.beacon_tolerance, late=1)
    shown, key = _parsed(frame), beacon_key(service.settings.secret, beacon)
    if not isinstance(shown, Eid) or (
        window_of(shown.identifier, key, exponent, *clock.allowed(now_us / 1e6)) is None
    ):
        raise MalformedError(
            "frame", f"frame: not what beacon {beacon} shows: expected that of its clock at {clock_s} s"
        )
    credential_id = pair(connection, merchant_id, stamp_id, BLE_EID, beacon)
    _begin(connection, credential_id, 1 << exponent, clock_s, now_us)
    return credential_id


def pair_passwords(
    service: Service, connection: sa.Connection, merchant_id: int, stamp_id: int, *, frame: str
) -> int:
    """Return the same for a beacon with one-time passwords; its clock is set to the time of day.

    Raises:
        NotFoundError: no such stamp.
        ConflictError: it belongs to one already.
        MalformedError: the frame is not what this beacon shows now.
    """
    wrong = MalformedError("frame", "frame: expected id and password that a beacon of ours shows now")
    shown, now_us = _parsed(frame), service.clock.now_us()
    if not isinstance(shown, OtpStamp):
        raise wrong
    now_s, name = now_us / 1e6, shown.stamp.hex()
    if not _shows_now(service.settings.secret, shown, name, service.rules, now_s):
        raise wrong
    credential_id = pair(connection, merchant_id, stamp_id, BLE_OTP, name)
    _begin(connection, credential_id, STEP_S, now_s, now_us)
    return credential_id


def reset_beacon(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    stamp_id: int,
    credential_id: int,
    *,
    clock_s: int,
    frame: str,
    reason: str,
    key_id: int,
) -> None:
    """Know a beacon anew, as when it was paired: what it shows now proves its key and its clock.

    What it may have shown before stays repeated.

    Raises:
        NotFoundError: no such stamp or credential.
        ConflictError: it has no clock.
        MalformedError: the frame is not what it shows when its clock stands so.
    """
    row, state = _beacon(connection, merchant_id, stamp_id, credential_id)
    rules, now_us = service.rules, service.clock.now_us()
    now_s, secret = now_us / 1e6, service.settings.secret
    shown = _parsed(frame)
    wrong = MalformedError("frame", "frame: not what this beacon shows now: expected that of its clock")
    if row.kind == BLE_EID:
        clock = ClockBounds(now_s, clock_s, row.window_s, rules.beacon_tolerance, late=1)
        before = _belief(row, rules)
        belief = BeaconBelief(before.exponent, clock, max(before.repeats_to, before.clock.allowed(now_s)[1]))
        key = beacon_key(secret, row.name)
        if not isinstance(shown, Eid) or (
            window_of(shown.identifier, key, belief.exponent, *clock.allowed(now_s)) is None
        ):
            raise wrong
        _keep(connection, row.clock_id, belief.clock, belief)
    else:
        if not isinstance(shown, OtpStamp) or not _shows_now(secret, shown, row.name, rules, now_s):
            raise wrong
        _keep_passwords(connection, row.clock_id, _new_passwords(rules, now_s))
    note = f"credential {credential_id} known anew: {reason}"[:200]
    insert(connection, StampEvent, stamp_id=stamp_id, state=state, key_id=key_id, reason=note, at_us=now_us)


def _shows_now(secret: bytes, shown: OtpStamp, name: str, rules: Rules, now_s: float) -> bool:
    allowed = ClockBounds(now_s, now_s, STEP_S, rules.beacon_tolerance).allowed(now_s)
    key = password_key(secret, name)
    return shown.stamp.hex() == name and find_counter(key, shown.password, *allowed, OTP_DIGITS) is not None


def battery_changed(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    stamp_id: int,
    credential_id: int,
    *,
    reason: str,
    key_id: int,
) -> None:
    """Note that a beacon's battery was changed by somebody who is there.

    A rotating identifier of the day before is taken as its own, once and within the hour. The clock of a
    beacon with passwords was set to the time of day again.

    Raises:
        NotFoundError: no such stamp or credential.
        ConflictError: it has no battery.
    """
    its, state = _beacon(connection, merchant_id, stamp_id, credential_id)
    rules, now_us = service.rules, service.clock.now_us()
    now_s = now_us / 1e6
    if its.kind == BLE_EID:
        belief = _belief(its, rules)
        belief.battery_changed(now_s)
        _keep(connection, its.clock_id, belief.clock, belief)
    else:
        _keep_passwords(connection, its.clock_id, _new_passwords(rules, now_s))
    note = f"battery of credential {credential_id} changed: {reason}"[:200]
    insert(connection, StampEvent, stamp_id=stamp_id, state=state, key_id=key_id, reason=note, at_us=now_us)


def _beacon(
    connection: sa.Connection, merchant_id: int, stamp_id: int, credential_id: int
) -> tuple[AnyRow, str]:
    """Return a beacon with its clock, locked, and the state of its stamp."""
    row = connection.execute(
        sa.select(StampCredential.kind, Stamp.state)
        .join(Stamp, Stamp.id == StampCredential.stamp_id)
        .where(
            StampCredential.id == credential_id,
            StampCredential.stamp_id == stamp_id,
            Stamp.merchant_id == merchant_id,
        )
    ).first()
    if row is None:
        raise NotFoundError("credential", f"no credential {credential_id} of stamp {stamp_id}")
    if row.kind not in (BLE_EID, BLE_OTP):
        raise ConflictError("no-battery", f"credential {credential_id} is no beacon: it has no battery")
    its = next(one for one in _locked(connection, stamp_id, row.kind) if one.id == credential_id)
    return its, row.state


def _heard(values: Mapping[str, str], rules: Rules) -> Frame | Checked:
    """Return the frame that a phone heard near by; or why it is none."""
    frame, rssi = _parsed(values.get("frame", "")), values.get("rssi_dbm", "")
    if frame is None or not _RSSI.fullmatch(rssi):
        return Checked(False, MALFORMED)
    return frame if int(rssi) >= rules.beacon_dbm else Checked(False, "too_weak")


def _parsed(text: str) -> Frame | None:
    try:
        return parse_frame(bytes.fromhex(text))
    except (ValueError, ProtocolError):
        return None


def _window(heard: bytes, key: Secret, belief: BeaconBelief, now_s: float) -> int | None:
    """Return the window of an identifier: of now, and where it is not, of the day before."""
    present = belief.present(now_s)
    window = window_of(heard, key, belief.exponent, *present)
    if window is None:
        first, _ = belief.since_yesterday(now_s)
        window = window_of(heard, key, belief.exponent, first, present[0] - 1)
    return window


def _locked(connection: sa.Connection, stamp_id: int, kind: str) -> list[AnyRow]:
    """Return a stamp's beacons of one kind; nobody else reads their clocks until this transaction ends."""
    rows = (
        sa.select(
            StampCredential.id,
            StampCredential.name,
            StampCredential.kind,
            BeaconClock.id.label("clock_id"),
            BeaconClock.window_s,
            BeaconClock.known_us,
            BeaconClock.earliest_s,
            BeaconClock.latest_s,
            BeaconClock.repeats_to,
            BeaconClock.back_until_us,
            BeaconClock.set_back,
            BeaconClock.passwords,
        )
        .join(BeaconClock, BeaconClock.credential_id == StampCredential.id)
        .where(StampCredential.stamp_id == stamp_id, StampCredential.kind == kind)
        .order_by(BeaconClock.id)
        .with_for_update(of=BeaconClock)
    )
    return list(connection.execute(rows).all())


def _clock(row: AnyRow, rules: Rules, late: int = 0) -> ClockBounds:
    known_s = row.known_us / 1e6
    return ClockBounds(
        known_s, row.earliest_s, row.window_s, rules.beacon_tolerance, late, latest_s=row.latest_s
    )


def _belief(row: AnyRow, rules: Rules) -> BeaconBelief:
    # The identifier changes at an instant drawn within its window: what is on the air may lag by one.
    back_until_s = -math.inf if row.back_until_us is None else row.back_until_us / 1e6
    exponent = row.window_s.bit_length() - 1
    set_back = [
        ClockBounds(known_s, earliest_s, row.window_s, rules.beacon_tolerance, 1, latest_s)
        for known_s, earliest_s, latest_s in json.loads(row.set_back)
    ]
    return BeaconBelief(exponent, _clock(row, rules, late=1), row.repeats_to, back_until_s, set_back)


def _new_passwords(rules: Rules, now_s: float) -> PasswordBelief:
    clock = ClockBounds(now_s, now_s, STEP_S, rules.beacon_tolerance)
    return PasswordBelief(clock, (now_s, now_s / STEP_S))


def _passwords(row: AnyRow, rules: Rules) -> PasswordBelief:
    clock, kept = _clock(row, rules), json.loads(row.passwords)
    seen = kept.get("seen", (row.known_us / 1e6, row.earliest_s / STEP_S))
    return PasswordBelief(clock, tuple(seen), kept.get("wrong", ()), kept.get("firsts", ()))


def _keep_passwords(connection: sa.Connection, clock_id: int, belief: PasswordBelief) -> None:
    kept = {"seen": belief.seen, "wrong": belief.wrong_s, "firsts": belief.firsts}
    _keep(connection, clock_id, belief.clock, passwords=json.dumps(kept))


def _begin(connection: sa.Connection, credential_id: int, window_s: int, clock_s: float, now_us: int) -> None:
    insert(
        connection,
        BeaconClock,
        credential_id=credential_id,
        window_s=window_s,
        known_us=now_us,
        earliest_s=clock_s,
        latest_s=clock_s,
        repeats_to=-1,
    )


def _keep(
    connection: sa.Connection,
    clock_id: int,
    clock: ClockBounds,
    belief: BeaconBelief | None = None,
    passwords: str = "{}",
) -> None:
    """Write down what is believed now."""
    known_s, earliest_s, latest_s = clock.known
    values: dict[str, float | str | None] = {
        "known_us": round(known_s * SECOND_US),
        "earliest_s": earliest_s,
        "latest_s": latest_s,
        "passwords": passwords,
    }
    if belief is not None:
        back = belief.back_until_s
        values["repeats_to"] = belief.repeats_to
        values["set_back"] = json.dumps([clock.known for clock in belief.set_back])
        values["back_until_us"] = round(back * SECOND_US) if math.isfinite(back) else None
    connection.execute(sa.update(BeaconClock).where(BeaconClock.id == clock_id).values(values))
