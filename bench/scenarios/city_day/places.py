"""Threats 8 and 10: stamps away from their store, one stamp in two places, places that were made up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.stage import Merchant, Place, PressOf, Stage, Stamp, Store, located
from stampbench.bench.scenarios.tally import Tally
from stampbench.sim.service.seed import moved

STOLEN: Final = "8 Stolen stamp used elsewhere, one pattern in two places"
MOCKED: Final = "10 Mock GPS, rooted or emulated phone"
_STORES: Final = 10
_NEAREST_M, _TWO_PLACES_M, _FARTHEST_M = 600.0, 2_000.0, 15_000.0
_MISSED: Final = 0.01
"""Of the thefts, share that may be missed: stated before the run."""


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of places."""
    yield from _thefts(stage)
    yield _disabled(stage)
    yield _mocked(stage)


def _thefts(stage: Stage) -> Iterator[Trial]:
    """Detected: the second press at the latest is not accepted, and an alarm names it.

    The stamp is suspended when a second person is far away with it.
    """
    tries = stage.settings.thefts
    stage.tell.say(f"stolen stamps: {tries} used elsewhere, {tries} in two places")
    for case, name, least_m in (
        ("stolen, used 0.6 to 15 km away", "Stolen", _NEAREST_M),
        ("copied, used in its store and 2 to 15 km away", "Two places", _TWO_PLACES_M),
    ):
        rng, merchant = stage.draws(name), stage.merchant(name, stores=_STORES)
        missed = 0
        for n in range(tries):
            stage.tell.tried(n, tries)
            if n % _STORES == 0:
                # Two days, so that no press of an earlier theft of this stamp confirms the next one.
                stage.next_morning()
                stage.next_morning()
            store = merchant.stores[n % _STORES]
            far = _elsewhere(store, rng, least_m)
            where = (far, far) if name == "Stolen" else (store.place_deg, far, far)
            missed += not _detected(stage, merchant, store.stamps[0], where, rng)
            _clear(stage, merchant)
        yield Trial(
            STOLEN,
            f"{case}: detected by the second press",
            tries,
            missed,
            _MISSED,
            "no press of the two days before confirms another; stated before the run",
            surely=True,
        )


def _detected(
    stage: Stage,
    merchant: Merchant,
    stamp: Stamp,
    where: Sequence[tuple[float, float]],
    rng: np.random.Generator,
) -> bool:
    """Presses by several people, minutes apart: the second is stopped, and an alarm names the last."""
    replies = []
    for step, deg in enumerate(where):
        stage.clock.advance(minutes=float(rng.uniform(0.2, 4.0)))
        who = f"thief {stage.number()} {step}"
        place = located(rng, deg)
        replies.append(stage.press(merchant, PressOf(stage.hands.press(stamp.code, rng), who, who, place)))
    last = replies[-1]
    return (
        not replies[1].accepted and not last.accepted and _alarmed(stage, merchant, stamp, last.body["press"])
    )


def _elsewhere(store: Store, rng: np.random.Generator, least_m: float) -> tuple[float, float]:
    away_m = math.exp(rng.uniform(math.log(least_m), math.log(_FARTHEST_M)))
    return moved(store.place_deg, away_m, rng.uniform(0.0, 2.0 * math.pi))


def _alarmed(stage: Stage, merchant: Merchant, stamp: Stamp, press: int) -> bool:
    """Whether an alarm explains itself with this press, or one did before, and the stamp is suspended."""
    alarms = stage.need("GET", f"{merchant.path}/alarms", merchant.server_key)
    mine = [one for one in alarms if one["stamp"] == stamp.number and one["state"] == "open"]
    stamps = stage.need("GET", f"{merchant.path}/stamps", merchant.server_key)
    suspended = any(one["id"] == stamp.number and one["state"] == "suspended" for one in stamps)
    behind = [
        one["id"]
        for alarm in mine
        for one in stage.need("GET", f"{merchant.path}/alarms/{alarm['id']}", merchant.server_key)["presses"]
    ]
    return suspended and bool(behind) and (press in behind or max(behind) < press)


def _clear(stage: Stage, merchant: Merchant) -> None:
    """The vendor looks at the alarms and gives the stamps back."""
    for alarm in stage.need("GET", f"{merchant.path}/alarms", merchant.server_key):
        if alarm["state"] == "open":
            path = f"{merchant.path}/alarms/{alarm['id']}/decision"
            stage.need("POST", path, stage.vendor_key, {"dismiss": True, "reason": "stamp was returned"})


def _disabled(stage: Stage) -> Trial:
    """A stamp that was disabled or revoked is refused from the next press on."""
    rng = stage.draws("disabled")
    merchant = stage.merchant("Disabled", stamps=20)
    tally = Tally(STOLEN, "disabled or revoked: refused from the next press on")
    for n, stamp in enumerate(merchant.store.stamps):
        stage.clock.advance(minutes=20)
        for step in range(2):
            press = PressOf(stage.hands.press(stamp.code, rng), f"d{n}", f"d{n}")
            tally.expect(step == 0, stage.press(merchant, press).accepted)
            if step == 0:
                state = {"state": ("disabled", "revoked")[n % 2], "reason": "lost"}
                path = f"{merchant.path}/stamps/{stamp.number}/state"
                stage.need("POST", path, merchant.server_key, state)
    return tally.trial()


def _mocked(stage: Stage) -> Trial:
    """Every combination of what a phone says of its place and what the merchant asks, against a table."""
    rng, tally = stage.draws("mocked"), Tally(MOCKED, "decision table: place, accuracy, hours, policy")
    opening = (8 * 60, 22 * 60)
    for required in (False, True):
        merchant = stage.merchant(
            f"Mocked {required}", stores=9, policy={"require_place": required}, opening=opening
        )
        for open_now in (True, False):
            for n, (kind, accepted, refused) in enumerate(_TABLE):
                store = merchant.stores[n]
                stage.next_morning(12 * 60 if open_now else 3 * 60)
                press = PressOf(
                    stage.hands.press(store.stamps[0].code, rng), f"{kind}", f"{kind}", _place(kind, store)
                )
                expected = "accepted" if accepted and open_now else "review"
                if kind == "none" and required:
                    expected = "review"
                if refused:
                    expected = "refused"
                found = stage.press(merchant, press).body["outcome"]
                tally.expect(True, found == expected)
    return tally.trial(
        "place none, mocked, near, far, coarse or at the edge; open or closed; place asked for or not"
    )


_TABLE: Final = (
    ("none", True, False),
    ("mocked at the store", False, False),
    ("mocked elsewhere", False, False),
    ("at the store", True, False),
    ("at the edge", True, False),
    ("beyond the edge", False, True),
    ("far", False, True),
    ("far by a coarse fix", True, False),
    ("near by a coarse fix", True, False),
)
"""What a phone says of its place; whether accepted in opening hours; whether refused at any time."""


def _place(kind: str, store: Store) -> Place | None:
    """A place of that kind; the store's radius is 150 m, and twice the accuracy is allowed beyond."""
    away_m = {
        "mocked elsewhere": 5_000.0,
        "at the edge": 169.0,
        "beyond the edge": 171.0 + 1.0,
        "far": 5_000.0,
        "far by a coarse fix": 2_900.0,
        "near by a coarse fix": 1_000.0,
    }.get(kind, 0.0)
    accuracy_m = 2_500.0 if "coarse" in kind else 10.0
    if kind == "none":
        return None
    return Place(moved(store.place_deg, away_m, 1.0), accuracy_m, mocked="mocked" in kind)
