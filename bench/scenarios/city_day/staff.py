"""Threat 11: staff who stamp their own cards, or a friend's, among colleagues who do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.stage import Merchant, PressOf, Stage
from stampbench.bench.scenarios.tally import Tally

THREAT: Final = "11 Staff stamping themselves, buddy punching"
_STAFF: Final = 6
_MISSED: Final = 0.05
_REVIEWS: Final = frozenset({"staff_self_stamping", "device_of_many_members", "device_burst", "stamp_burst"})


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of staff."""
    yield from _self_stamping(stage)
    yield _corrections(stage)


def _self_stamping(stage: Stage) -> Iterator[Trial]:
    """Days of colluding and honest staff, mixed: recall and precision by the day."""
    rng, days = stage.draws("staff"), stage.settings.staff_days
    merchant = stage.merchant("Staffed", stamps=_STAFF, program={"stamps_per_day": 20})
    for n in range(_STAFF):
        _hire(stage, merchant, f"clerk {n}")
    stage.tell.say(f"staff: {days} days of colluding ones, {days} of honest ones")
    found = {True: 0, False: 0}
    plan = [True] * days + [False] * days
    for d, colludes in enumerate(plan[i] for i in rng.permutation(2 * days)):
        if d % _STAFF == 0:
            stage.next_morning(8 * 60 + 24 * 60)
        n = d % _STAFF
        noticed = False
        presses = int(rng.integers(4, 8)) if colludes else int(rng.integers(0, 3))
        one_phone = colludes and rng.random() < 0.5
        for step in range(presses):
            stage.clock.advance(minutes=float(rng.uniform(12.0, 25.0)))
            # Either the own card again and again, or one phone for the cards of friends.
            member = f"friend {n} {step}" if one_phone else f"clerk {n}"
            stamp = merchant.store.stamps[n]
            press = PressOf(stage.hands.press(stamp.code, rng), member, f"phone of clerk {n}")
            reply = stage.press(merchant, press)
            noticed |= reply.reason in _REVIEWS
        found[colludes] += noticed
    caught, blamed = found[True], found[False]
    precision = caught / (caught + blamed) if caught + blamed else 0.0
    note = f"recall {caught / days:.3f}, precision {precision:.3f}"
    yield Trial(THREAT, "days of colluding staff that are not noticed", days, days - caught, _MISSED, note)
    yield Trial(
        THREAT, "days of honest staff, up to two own stamps, that are suspected", days, blamed, _MISSED, note
    )
    alarms = stage.need("GET", f"{merchant.path}/alarms", merchant.server_key)
    silent = 0
    for alarm in alarms:
        whole = stage.need("GET", f"{merchant.path}/alarms/{alarm['id']}", merchant.server_key)
        silent += not (whole["presses"] and whole["explanation"])
    yield Trial(THREAT, "alarms without an explanation or the presses behind them", len(alarms), silent)


def _hire(stage: Stage, merchant: Merchant, who: str) -> int:
    body = {"store": merchant.store.number, "member": who, "number": who, "hourly_wage": 10_320}
    return int(stage.need("POST", f"{merchant.path}/staff", merchant.server_key, body)["id"])


def _corrections(stage: Stage) -> Trial:
    """A correction needs a reason and two people; staff cannot be punched in by somebody else's press."""
    merchant = stage.merchant("Corrected")
    rng, clerk = stage.draws("corrections"), _hire(stage, merchant, "clerk")
    tally = Tally(
        THREAT, "correction without a reason, by one person, or of the future: refused; whole: done"
    )
    path = f"{merchant.path}/staff/{clerk}/corrections"
    whole = {
        "direction": "in",
        "at": "2026-10-01T00:00:00Z",
        "reason": "forgot",
        "asked_by": "clerk",
        "agreed_by": "manager",
    }
    spoilt = (
        {"reason": ""},
        {"reason": "   "},
        {"agreed_by": "clerk"},
        {"agreed_by": " clerk "},
        {"asked_by": ""},
        {"at": "2100-01-01T00:00:00Z"},
        {"at": None},
    )
    for change in spoilt:
        tally.expect(False, stage.ask("POST", path, merchant.server_key, whole | change).ok)
    without = {name: value for name, value in whole.items() if name != "reason"}
    tally.expect(False, stage.ask("POST", path, merchant.server_key, without).ok)
    tally.expect(False, stage.ask("POST", path, merchant.app_key, whole).ok)
    tally.expect(True, stage.ask("POST", path, merchant.server_key, whole).ok)
    before = len(stage.need("GET", f"{merchant.path}/staff/{clerk}/punches", merchant.server_key))
    press = PressOf(stage.hands.press(merchant.stamp.code, rng), "buddy", "buddy", purpose="check-in")
    stage.press(merchant, press)
    after = len(stage.need("GET", f"{merchant.path}/staff/{clerk}/punches", merchant.server_key))
    tally.expect(True, before == after)
    return tally.trial()
