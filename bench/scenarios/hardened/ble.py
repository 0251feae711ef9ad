"""Threat 6: a beacon's identifier, or a one-time password, relayed, recorded or guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from stampbench.bench.records.findings import Figure, Finding, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.hardened.amounts import Settings
from stampbench.bench.scenarios.hardened.scene import CODE, Scene
from stampbench.bench.scenarios.oracle import NEAR_DBM, TOLERANCE
from stampbench.bench.scenarios.tally import Draws, Tally
from stampbench.sim.credentials.ble.air import Air, AirSettings, Node, Reception, relay
from stampbench.sim.credentials.ble.beacon import BeaconClock, OtpBeacon
from stampbench.sim.credentials.ble.factor import BleFactor, password_credential
from stampbench.sim.credentials.ble.frames import Eid, OtpStamp
from stampbench.sim.credentials.ble.passwords import FOLLOWS_S, WRONG, WRONG_S, PasswordVerifier
from stampbench.sim.credentials.ble.resolver import Resolver
from stampbench.sim.credentials.ble.virtual_time import run_virtual
from stampbench.sim.credentials.guard import MemoryGuard
from stampbench.sim.credentials.otp import STEP_S
from stampbench.sim.credentials.policy import Action, Desk
from stampbench.sim.credentials.press import Evidence, Factor, Presented, StampBook, Touch
from stampbench.sim.credentials.secrets import Secret

RELAY = "6 BLE identifier relayed or recorded"
PASSWORD = "6 BLE one-time password replayed or guessed"
EXACT = "each decision exact"
"""As that of the oracle, which knows where the beacon's clock stands."""
EXPONENTS = (4, 6, 10)
_DAY_S = 86_400.0
_SHOP_M, _FAR_M = (0.0, 0.0), (5000.0, 0.0)

Decides = Callable[[bytes, float, str], bool]
"""The server's decision about an advertisement, at a time, of a member."""


def trials(settings: Settings, draws: Draws, directory: Path, tell: Progress) -> Iterator[Finding]:
    """All trials of threat 6 but those of clocks."""
    tell.say("Bluetooth: beacons on a virtual air, relays and recordings")
    for exponent in EXPONENTS:
        yield from _relayed(exponent, settings, draws(f"relay {exponent}"), tell)
    yield from _used_again(settings, draws("again"))
    for exponent in EXPONENTS:
        yield _recorded(exponent, draws(f"recorded {exponent}"))
    yield _slow_motion(draws("slow motion"))
    yield _guessed(settings, draws("guessed"))
    yield _password_late(draws("late password"))
    yield _password_guessed(settings, draws("guessed password"))
    yield from _password_unheard(settings, draws("unheard password"))


def _relayed(exponent: int, settings: Settings, rng: np.random.Generator, tell: Progress) -> Iterator[Trial]:
    """An accomplice in the shop, a phone 5 km away, and all delays between."""
    window_s, delays_s = 1 << exponent, range(settings.relay_s + 1)
    tally = Tally(RELAY, f"relayed by 0 to {settings.relay_s} s, windows of {window_s} s: {EXACT}")
    paying = Tally(RELAY, f"paying with it, windows of {window_s} s: refused")
    accepted = 0
    for delay_s in delays_s:
        scene = Scene(Secret(rng.bytes(16)), exponent, float(rng.integers(60_000, 70_000)))
        heard = run_virtual(_relay_scene(scene, delay_s, np.random.default_rng(rng.integers(2**32))))
        paying.expect(False, scene.accepts(heard.data, heard.time_s, "thief", Action.PAY, heard.rssi_dbm))
        right = scene.oracle(heard.data, heard.time_s)
        found = scene.accepts(heard.data, heard.time_s, "thief", rssi_dbm=heard.rssi_dbm)
        accepted += tally.expect(right, found)
        tell.tried(delay_s, settings.relay_s)
    yield tally.trial(
        f"{accepted} of {len(delays_s)} in time, as an oracle says that knows the beacon's clock. An "
        "identifier proves that somebody was near in its window, and no more."
    )
    yield paying.trial()


async def _relay_scene(scene: Scene, delay_s: float, rng: np.random.Generator) -> Reception:
    """The first advertisement that a phone far away hears through the relay."""
    air = Air(rng, AirSettings(loss=0.2, delay_s=0.02, shadowing_db=2.0))
    beacon, phone = await air.node("beacon", _SHOP_M), await air.node("phone", _FAR_M)
    heard: asyncio.Future[Reception] = asyncio.get_running_loop().create_future()
    await phone.listen(lambda one: None if heard.done() else heard.set_result(one))
    await relay(air, (1.0, 0.0), (_FAR_M[0] + 1.0, 0.0), delay_s)
    showing = asyncio.ensure_future(_show(beacon, scene))
    found = await heard
    showing.cancel()
    return found


async def _show(node: Node, scene: Scene) -> None:
    await node.rotate(scene.shown, scene.beacon.address_at)


def _used_again(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    again = Tally(RELAY, "same identifier, same member again: refused")
    others = Tally(RELAY, "same identifier, another member in the shop: accepted")
    for _ in range(settings.stamps):
        scene = Scene(Secret(rng.bytes(16)), 10)
        # Every third window: the one on the air may be that of a window before.
        for time_s in range(0, settings.taps * 3 * 1024, 3 * 1024):
            data = scene.shown(time_s)
            scene.accepts(data, time_s, "anna")
            again.expect(False, scene.accepts(data, time_s + 1, "anna"))
            others.expect(True, scene.accepts(data, time_s + 2, "bert"))
    yield again.trial()
    yield others.trial()


def _recorded(exponent: int, rng: np.random.Generator) -> Trial:
    """Recordings 0 s to 26 h old, among honest use every ten minutes."""
    tally = Tally(RELAY, f"recorded 0 s to 26 h before, windows of {1 << exponent} s: {EXACT}")
    scene = Scene(Secret(rng.bytes(16)), exponent)
    ages_s = (*range(0, 4200, 20), *range(4200, 26 * 3600, 600))
    accepted = 0
    for number, age_s in enumerate(ages_s):
        now_s = 30 * 3600.0 + 600.0 * number + 0.5
        live, old = scene.shown(now_s), scene.shown(now_s - age_s)
        tally.expect(scene.oracle(live, now_s), scene.accepts(live, now_s, f"honest {number}"))
        right = scene.oracle(old, now_s + 0.25)
        accepted += tally.expect(right, scene.accepts(old, now_s + 0.25, f"thief {number}"))
    return tally.trial(f"{accepted} of {len(ages_s)} recordings were still in time, beside honest use.")


def _slow_motion(rng: np.random.Generator) -> Trial:
    """Recordings played ever later, each within its tolerance, to draw the server's belief back."""
    window_s = 1 << 4
    # Two windows on the air, one tolerated, and one for what is not known of the clock.
    oldest_s = 4 * window_s
    tally = Tally(RELAY, f"recordings played ever later: none accepted that is older than {oldest_s} s")
    for pace in (1.1, 1.25, 1.5, 2.0):
        scene = Scene(Secret(rng.bytes(16)), 4)
        for step in range(500):
            recorded_s = 4.0 * step
            played_s = recorded_s * pace + 0.5
            accepted = scene.accepts(scene.shown(recorded_s), played_s, f"thief {step}")
            tally.expect(False, accepted and played_s - recorded_s > oldest_s)
    return tally.trial()


def _guessed(settings: Settings, rng: np.random.Generator) -> Trial:
    tally, scene = Tally(RELAY, "identifiers guessed at random: refused"), Scene(Secret(rng.bytes(16)), 10)
    for number in range(settings.guesses):
        tally.expect(False, scene.accepts(Eid(rng.bytes(8)).encoded, 1000.0, f"thief {number}"))
    return tally.trial()


def password_stamp(rng: np.random.Generator, error_ppm: float = 0.0) -> tuple[OtpBeacon, Decides]:
    """A stamp with one-time passwords, and the decisions of the server that knows it since 0 s."""
    beacon, decides, _ = _password_stamp(rng, error_ppm)
    return beacon, decides


def _password_stamp(
    rng: np.random.Generator, error_ppm: float = 0.0
) -> tuple[OtpBeacon, Decides, PasswordVerifier]:
    stamp, key = rng.bytes(8), Secret(rng.bytes(16))
    stamps, passwords = StampBook(), PasswordVerifier(TOLERANCE)
    stamps.enrol("counter", CODE, password_credential(stamp))
    passwords.register(stamp, key, 0.0, 0.0)
    desk = Desk([BleFactor(Resolver(), passwords)], stamps, MemoryGuard())

    def decides(data: bytes, time_s: float, member: str) -> bool:
        presented = Presented(Factor.BLE, data, time_s, NEAR_DBM)
        evidence = Evidence(member, time_s, Touch(CODE, time_s), presented)
        return desk.decide(Action.COLLECT, evidence).accepted

    return OtpBeacon(stamp, key, BeaconClock(0.0, 0.0, error_ppm)), decides, passwords


def _password_late(rng: np.random.Generator) -> Trial:
    tally = Tally(PASSWORD, "0 to 180 s late: one step tolerated, a second use refused")
    for delay_s in range(181):
        beacon, decides = password_stamp(rng)
        shown_s = 600.5
        data, used_s = beacon.frame_at(shown_s).encoded, shown_s + delay_s
        # The clock may stand in the step before, too, for all that is known of it.
        earliest = int(used_s * (1.0 - 150e-6)) // STEP_S
        right = earliest - int(shown_s) // STEP_S <= TOLERANCE
        tally.expect(right, decides(data, used_s, "anna"))
        tally.expect(False, decides(data, used_s, "anna"))
    return tally.trial()


def _password_guessed(settings: Settings, rng: np.random.Generator) -> Trial:
    # Three of 10^8 are right at any time.
    tally = Tally(PASSWORD, "guessed at random: refused", allowed=1e-4)
    beacon, decides = password_stamp(rng)
    for number in range(settings.guesses // 10):
        guess = OtpStamp(beacon.stamp, f"{int(rng.integers(10**8)):08d}").encoded
        tally.expect(False, decides(guess, 1000.0, f"thief {number}"))
    return tally.trial()


def _password_unheard(settings: Settings, rng: np.random.Generator) -> Iterator[Finding]:
    """A stamp that nobody heard for long: its clock may stand in many steps, which helps no guess."""
    for days in (0, 30, 365):
        beacon, _, passwords = _password_stamp(rng)
        right = passwords.right_alone(beacon.stamp, days * _DAY_S)
        yield Figure(
            f"passwords that one guess alone may be, stamp unheard for {days} days",
            right,
            "of 10^8",
            note=f"While fewer than {WRONG} were wrong within {WRONG_S / 60:g} min; then two in a row within "
            f"{FOLLOWS_S:g} s are needed.",
        )
    guessed = Tally(PASSWORD, f"{settings.guesses:,} guesses, stamp unheard for a year: refused")
    honest = Tally(PASSWORD, f"the stamp itself among those guesses: read within {FOLLOWS_S:g} s")
    for error_ppm in (-150.0, 150.0):
        beacon, decides, _ = _password_stamp(rng, error_ppm)
        now_s = 365.0 * _DAY_S
        each = settings.guesses // 2
        for number in range(each):
            guess = OtpStamp(beacon.stamp, f"{int(rng.integers(10**8)):08d}").encoded
            guessed.expect(False, decides(guess, now_s + number / 1000.0, f"thief {number}"))
        now_s += each / 1000.0
        shown = [
            decides(beacon.frame_at(now_s + after_s).encoded, now_s + after_s, "anna")
            for after_s in np.arange(0.0, FOLLOWS_S, STEP_S)
        ]
        honest.expect(True, any(shown))
    yield guessed.trial()
    yield honest.trial("At its second password, 30 s after the first.")
