"""Threat 6 over HTTP: identifiers and one-time passwords that were relayed, recorded or guessed; bad clocks.

All right decisions are those of an oracle that knows when a beacon's clock was right, by how much it may err
and what was heard since: an advertisement is in time for the windows in which the clock may stand, one on
either side, and one before for the instant at which it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.beacons import Beacon, Passwords, Timeline
from stampbench.bench.scenarios.city_day.stage import Merchant, Stage
from stampbench.bench.scenarios.oracle import LARGEST_PPM
from stampbench.bench.scenarios.tally import Tally
from stampbench.sim.credentials.ble.frames import OTP_DIGITS, OtpStamp

RELAY: Final = "6 BLE identifier relayed or recorded"
HONEST: Final = "6 BLE, honest use: clocks that err, roll over, restart"
PASSWORD: Final = "6 BLE one-time password replayed or guessed"
EXACT: Final = "each decision exact"
_EXPONENTS: Final = (4, 6, 10)
_ERRORS_PPM: Final = (-LARGEST_PPM, 0.0, LARGEST_PPM)
_DAY_S: Final = 86_400.0
_ROLL_OVER_S: Final = 1 << 16
_EXPONENT: Final = 10
"""Of the beacons whose battery is changed."""
_STAMPS: Final = 20
"""Pressed in turn, second by second, so that none is pressed as often as the service calls a burst."""
_PAUSE_S: Final = 75.0
_RECENT_S, _OLD_S = 600.0, 26 * 3600.0
"""Half of the recordings are younger than the first, the other half up to the second."""


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of threat 6."""
    yield from _relayed(stage)
    yield from _recorded(stage)
    yield from _used_again(stage)
    yield _strengths(stage)
    for exponent in _EXPONENTS:
        yield from _rolled_over(stage, exponent)
    yield from _batteries(stage)
    yield from _passwords(stage)
    yield from _guessed(stage)


class _Relays(Tally):
    """Counts as well how many were in time: an identifier proves that somebody was near, and no more."""

    in_time = 0

    def presented(self, beacon: Beacon, ago_s: float) -> None:
        """What the beacon showed some time ago, presented now."""
        data = beacon.shown(ago_s)
        self.in_time += self.expect(beacon.right(data), beacon.accepts(data))

    def told(self) -> Trial:
        """What was counted."""
        return self.trial(f"{self.in_time} of {self.tries} in time, as the oracle says")


def _shop(stage: Stage, name: str, stamps: int, factor: str = "ble-eid") -> Merchant:
    return stage.merchant(name, stamps=stamps, factor=factor, policy={"suspend_automatically": False})


def _live(tally: Tally, beacon: Beacon) -> None:
    """Somebody beside the stamp: accepted, and rightly so."""
    data = beacon.shown()
    right, accepted = beacon.right(data), beacon.accepts(data)
    tally.expect(True, right and accepted)


def _relayed(stage: Stage) -> Iterator[Trial]:
    """Days of honest use; then an accomplice beside the stamp, and a phone elsewhere, all delays between."""
    rng, days, longest_s = stage.draws("relayed"), stage.settings.beacon_days, stage.settings.relay_s
    stage.tell.say(f"Bluetooth: {days} days of honest use, relays by 0 to {longest_s} s")
    merchant = _shop(stage, "Relayed", len(_EXPONENTS) * len(_ERRORS_PPM))
    stamps, timeline = iter(merchant.store.stamps), Timeline(stage)
    honest = Tally(HONEST, f"heard now and then for {days} days, -150 to +150 ppm: accepted")
    relays = []
    for exponent in _EXPONENTS:
        case = f"relayed by 0 to {longest_s} s, windows of {1 << exponent} s, -150 to +150 ppm: {EXACT}"
        relays.append(_Relays(RELAY, case))
        for error_ppm in _ERRORS_PPM:
            beacon = Beacon(stage, merchant, next(stamps), rng, exponent, error_ppm)
            for time_s in np.cumsum(rng.uniform(1.0, 40_000.0, 10 * days)).tolist():
                if time_s < days * _DAY_S:
                    timeline.at(beacon.now_s + time_s, partial(_live, honest, beacon))
            for delay_s in range(longest_s + 1):
                time_s = (days + 0.5) * _DAY_S + _PAUSE_S * delay_s + float(rng.random())
                timeline.at(beacon.now_s + time_s, partial(relays[-1].presented, beacon, delay_s))
    timeline.play()
    yield honest.trial()
    for relay in relays:
        yield relay.told()


def _recorded(stage: Stage) -> Iterator[Trial]:
    """Recordings up to 26 h old, among honest use every ten minutes."""
    rng, half = stage.draws("recorded"), stage.settings.recordings // 2
    ages_s = [*np.linspace(0.0, _RECENT_S, half, endpoint=False), *np.linspace(_RECENT_S, _OLD_S, half)]
    merchant, timeline = _shop(stage, "Recorded beacons", len(_EXPONENTS)), Timeline(stage)
    stage.tell.say("Bluetooth: recordings up to 26 h old")
    honest = Tally(HONEST, "heard every ten minutes, between recordings: accepted")
    recordings = []
    for exponent, stamp in zip(_EXPONENTS, merchant.store.stamps, strict=True):
        beacon = Beacon(stage, merchant, stamp, rng, exponent, float(rng.choice(_ERRORS_PPM)))
        tally = _Relays(RELAY, f"recorded 0 s to 26 h before, windows of {1 << exponent} s: {EXACT}")
        recordings.append(tally)
        for number, age_s in enumerate(map(float, ages_s)):
            time_s = beacon.now_s + 30 * 3600.0 + 600.0 * number + float(rng.random())
            timeline.at(time_s, partial(_live, honest, beacon))
            timeline.at(time_s + 1.0, partial(tally.presented, beacon, age_s))
    timeline.play()
    yield honest.trial()
    for tally in recordings:
        yield tally.told()


def _used_again(stage: Stage) -> Iterator[Trial]:
    """One identifier, for one member and for all."""
    rng, count, crowd = stage.draws("used again"), stage.settings.tokens, stage.settings.at_once
    merchant = _shop(stage, "Used again", 1)
    beacon = Beacon(stage, merchant, merchant.stamp, rng, 6)
    again = Tally(RELAY, "same identifier, same member again: refused")
    others = Tally(RELAY, "same identifier, another member in the shop: accepted")
    once = Tally(RELAY, f"same identifier of one member, {crowd} at once: one accepted")
    for number in range(count):
        stage.clock.advance(minutes=2)
        data, member = beacon.shown(), f"regular {number}"
        others.expect(True, beacon.accepts(data, member=member))
        again.expect(False, beacon.accepts(data, member=member))
        others.expect(True, beacon.accepts(data))
    for number in range(stage.settings.races):
        stage.clock.advance(minutes=11)
        data = beacon.shown()
        asks = [beacon.asked(data, member=f"hasty {number}") for _ in range(crowd)]
        accepted = sum(reply.accepted for reply in stage.driver.together(asks))
        for n in range(crowd):
            once.expect(n < 1, n < accepted)
    for tally in (again, others, once):
        yield tally.trial()


def _strengths(stage: Stage) -> Trial:
    """Whoever listens from afar."""
    rng, weakest = stage.draws("strengths"), stage.service.rules.beacon_dbm
    merchant = _shop(stage, "Far away", 1)
    beacon = Beacon(stage, merchant, merchant.stamp, rng, 6)
    tally = Tally(RELAY, f"heard at -95 to -31 dBm: accepted from {weakest} dBm on")
    for rssi_dbm in range(-95, -30):
        stage.clock.advance(seconds=30)
        tally.expect(rssi_dbm >= weakest, beacon.accepts(beacon.shown(), rssi_dbm=rssi_dbm))
    return tally.trial("as the phone says")


def _rolled_over(stage: Stage, exponent: int) -> Iterator[Trial]:
    """Second by second around the instant at which the temporary key changes."""
    rng, around_s = stage.draws(f"roll-over {exponent}"), stage.settings.relay_s
    window_s, stamps = 1 << exponent, min(_STAMPS, 2 * around_s)
    stage.tell.say(f"Bluetooth: clocks roll over, windows of {window_s} s")
    merchant, timeline = _shop(stage, f"Rolled over {exponent}", stamps), Timeline(stage)
    honest = Tally(HONEST, f"clock rolls over at 65,536 s, windows of {window_s} s: accepted")
    relays = _Relays(
        RELAY, f"relayed by 0 to 60 s over the roll-over at 65,536 s, windows of {window_s} s: {EXACT}"
    )
    begins_s = _ROLL_OVER_S - around_s - 60
    beacons = [
        Beacon(stage, merchant, stamp, rng, exponent, clock_s=begins_s) for stamp in merchant.store.stamps
    ]
    for second in range(60, 60 + 2 * around_s):
        beacon, time_s = beacons[second % stamps], beacons[0].now_s + second + 0.5
        timeline.at(time_s, partial(_live, honest, beacon))
        timeline.at(time_s + 0.25, partial(relays.presented, beacon, float(rng.integers(0, 61))))
    timeline.play()
    yield honest.trial()
    yield relays.told()


class _Batteries:
    """One beacon after another gets a new battery, all over the day that it loses by that."""

    def __init__(self, stage: Stage) -> None:
        self.timeline = Timeline(stage)
        self.unsaid = Tally(RELAY, f"battery changed, nobody said so: {EXACT}")
        self.played = Tally(RELAY, "battery changed: recordings of the day before refused")
        self.value = Tally(RELAY, "battery changed: redeems nothing until it has caught up, then again")
        self.said = Tally(HONEST, "battery changed and said so: accepted")
        self.after = Tally(HONEST, "the day and a half after a battery change: accepted")

    def change(self, beacon: Beacon, lost_s: float) -> None:
        """Plan what happens before, at and after the change of one battery, three days from now."""
        begun_s = beacon.now_s
        change_s = begun_s + 3.0 * _DAY_S + lost_s
        recordings: list[bytes] = []
        for time_s in np.arange(begun_s, change_s, 7.0 * 3600.0).tolist():
            self.timeline.at(time_s, partial(self._live, beacon))
        self.timeline.at(change_s, partial(self._changed, beacon, recordings))
        self.timeline.at(change_s + 60.0, partial(self._noticed, beacon, recordings))
        for time_s in np.arange(change_s + 3600.0, change_s + 1.5 * _DAY_S, 4.0 * 3600.0).tolist():
            self.timeline.at(time_s, partial(self._later, beacon, time_s - change_s - lost_s))

    @staticmethod
    def _live(beacon: Beacon) -> None:
        data = beacon.shown()
        beacon.right(data)
        beacon.accepts(data)

    @staticmethod
    def _changed(beacon: Beacon, recordings: list[bytes]) -> None:
        recordings += [beacon.shown(hours * 3600.0) for hours in (1.5, 2, 3, 5, 10, 20)]
        beacon.change_battery()

    def _noticed(self, beacon: Beacon, recordings: list[bytes]) -> None:
        data = beacon.shown()
        noticed = not self.unsaid.expect(beacon.right(data), beacon.accepts(data))
        beacon.say_battery_changed()
        self.said.expect(True, beacon.accepts(data))
        window = beacon.beacon.window_at(beacon.now_s)
        for old in recordings if noticed else ():
            if beacon.oracle.window_of(old, window - 4, window + 4) is None:
                self.played.expect(False, beacon.accepts(old))

    def _later(self, beacon: Beacon, ahead_s: float) -> None:
        data = beacon.shown()
        self.after.expect(True, beacon.accepts(data))
        # Within a few windows of having caught up either answer is right: its clock is not known so well.
        if abs(ahead_s) > 3.0 * (1 << _EXPONENT):
            self.value.expect(ahead_s > 0.0, beacon.accepts(data, purpose="redeem"))


def _batteries(stage: Stage) -> Iterator[Trial]:
    rng, count = stage.draws("batteries"), stage.settings.battery_changes
    stage.tell.say(f"Bluetooth: {count} batteries changed")
    merchant, batteries = _shop(stage, "Batteries", count), _Batteries(stage)
    for number, stamp in enumerate(merchant.store.stamps, 1):
        error_ppm = float(rng.uniform(-LARGEST_PPM, LARGEST_PPM))
        beacon = Beacon(stage, merchant, stamp, rng, _EXPONENT, error_ppm)
        batteries.change(beacon, _DAY_S * number / (count + 1))
    batteries.timeline.play()
    yield batteries.unsaid.trial("refused as any recording of that day, but where too little was lost")
    for tally in (batteries.played, batteries.value, batteries.said, batteries.after):
        yield tally.trial()


def _passwords(stage: Stage) -> Iterator[Trial]:
    """Passwords that come late, and are used again."""
    rng, longest_s = stage.draws("passwords"), 3 * stage.settings.relay_s
    stage.tell.say("Bluetooth: one-time passwords")
    merchant = _shop(stage, "Passwords", len(_ERRORS_PPM), "ble-otp")
    late = Tally(PASSWORD, f"0 to {longest_s} s late, -150 to +150 ppm: {EXACT}")
    again = Tally(PASSWORD, "same password, same member again: refused")
    beacons = [
        Passwords(stage, merchant, stamp, rng, error_ppm)
        for stamp, error_ppm in zip(merchant.store.stamps, _ERRORS_PPM, strict=True)
    ]
    stage.clock.advance(hours=7.0 * 24.0, seconds=float(rng.random()))
    for delay_s in range(longest_s + 1):
        beacon = beacons[delay_s % len(beacons)]
        data, step = beacon.shown()
        stage.clock.advance(seconds=delay_s)
        member = f"late {delay_s}"
        late.expect(beacon.right(step), beacon.accepts(data, member=member))
        again.expect(False, beacon.accepts(data, member=member))
        stage.clock.advance(seconds=41)
    yield late.trial("a step of 30 s tolerated")
    yield again.trial()


def _guessed(stage: Stage) -> Iterator[Trial]:
    """Somebody with a copied pattern, who tries one password after the other; the stamp itself among them."""
    rng, guesses = stage.draws("guessed"), 4 * stage.settings.tokens
    merchant = _shop(stage, "Guessed beacons", 1, "ble-otp")
    beacon = Passwords(stage, merchant, merchant.stamp, rng)
    # Of 10^8 passwords three are right at any time.
    tally = Tally(PASSWORD, "guessed at random: refused", allowed=1e-4)
    honest = Tally(PASSWORD, "the stamp itself among those guesses: accepted within a minute")
    for number in range(guesses):
        stage.clock.advance(seconds=31)
        guess = OtpStamp(beacon.id, f"{int(rng.integers(10**OTP_DIGITS)):0{OTP_DIGITS}d}").encoded
        tally.expect(False, beacon.accepts(guess))
        if number % 50 == 49 or number == guesses - 1:
            answers = []
            for _ in range(2):
                stage.clock.advance(seconds=30)
                answers.append(beacon.accepts(beacon.shown()[0], member=f"honest {number}"))
            honest.expect(True, any(answers))
    yield tally.trial()
    yield honest.trial("At its second password: one alone is not enough while many are wrong.")
