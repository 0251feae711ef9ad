"""Threat 6, the clocks: beacons that err, roll over, or go on from yesterday after a battery change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.hardened.amounts import Settings
from stampbench.bench.scenarios.hardened.ble import EXACT, EXPONENTS, RELAY, password_stamp
from stampbench.bench.scenarios.hardened.scene import Scene
from stampbench.bench.scenarios.oracle import LARGEST_PPM
from stampbench.bench.scenarios.tally import Draws, Tally
from stampbench.sim.credentials.policy import Action
from stampbench.sim.credentials.secrets import Secret

HONEST = "6 BLE, honest use: clocks that err, roll over, restart"
_DAY_S = 86_400.0
_WINDOW_S = 1024.0
"""Of the beacons whose battery is changed."""
_ERRORS_PPM = (-LARGEST_PPM, -75.0, 0.0, 75.0, LARGEST_PPM)


def trials(settings: Settings, draws: Draws, directory: Path, tell: Progress) -> Iterator[Finding]:
    """All trials of clocks."""
    tell.say("Bluetooth: clocks that err, roll over, restart")
    yield _heard_live(settings, draws("live"))
    yield _unheard(draws("unheard"))
    yield _passwords(settings, draws("passwords"))
    for name, at_s in (("65,536 s", 1 << 16), ("2^32 s", 1 << 32)):
        yield _rolled_over(name, at_s, draws(f"roll-over {name}"))
        yield _relayed_over(name, at_s, draws(f"relayed over {name}"))
    yield from _battery_changed(settings, draws("battery"), tell)
    yield from _recording_first(settings, draws("recording first"))


def _heard_live(settings: Settings, rng: np.random.Generator) -> Trial:
    tally = Tally(HONEST, f"heard now and then for {settings.days} days, -150 to +150 ppm: accepted")
    for exponent in EXPONENTS:
        for error_ppm in _ERRORS_PPM:
            scene = Scene(Secret(rng.bytes(16)), exponent, error_ppm=error_ppm)
            time_s = 0.0
            while time_s < settings.days * _DAY_S:
                tally.expect(True, scene.accepts(scene.shown(time_s), time_s, f"member {tally.tries}"))
                time_s += float(rng.uniform(1.0, 40_000.0))
    return tally.trial()


def _unheard(rng: np.random.Generator) -> Trial:
    tally = Tally(HONEST, "heard by nobody for 1 to 365 days, -150 to +150 ppm: accepted")
    for exponent in (*EXPONENTS, 15):
        for error_ppm in _ERRORS_PPM:
            for days in (1, 7, 30, 90, 365):
                scene = Scene(Secret(rng.bytes(16)), exponent, error_ppm=error_ppm)
                time_s = days * _DAY_S + float(rng.uniform(0.0, 3600.0))
                tally.expect(True, scene.accepts(scene.shown(time_s), time_s, "member"))
    return tally.trial()


def _passwords(settings: Settings, rng: np.random.Generator) -> Trial:
    tally = Tally(HONEST, f"one-time password for {settings.days} days, -150 to +150 ppm: accepted")
    for error_ppm in _ERRORS_PPM:
        beacon, decides = password_stamp(rng, error_ppm)
        for time_s in np.arange(0.0, settings.days * _DAY_S, 7001.0):
            shown = beacon.frame_at(time_s).encoded
            tally.expect(True, decides(shown, float(time_s), f"member {tally.tries}"))
    return tally.trial()


def _rolled_over(name: str, at_s: int, rng: np.random.Generator) -> Trial:
    tally = Tally(HONEST, f"clock rolls over at {name}, second by second: accepted")
    for exponent in (0, *EXPONENTS, 15):
        scene = Scene(Secret(rng.bytes(16)), exponent, at_s - 200.0)
        for second in range(400):
            live, now_s = scene.shown(second + 0.5), second + 0.5
            tally.expect(True, scene.accepts(live, now_s, f"member {second}"))
            tally.expect(True, scene.oracle(live, now_s))
    return tally.trial("Half of the tries are the oracle's own.")


def _relayed_over(name: str, at_s: int, rng: np.random.Generator) -> Trial:
    tally = Tally(RELAY, f"relayed by 0 to 60 s while the clock rolls over at {name}: {EXACT}")
    for exponent in (0, *EXPONENTS):
        scene = Scene(Secret(rng.bytes(16)), exponent, at_s - 100.0)
        for second in range(60, 200):
            now_s = second + 0.5
            old = scene.shown(now_s - float(rng.integers(0, 61)))
            tally.expect(scene.oracle(old, now_s), scene.accepts(old, now_s, f"thief {second}"))
    return tally.trial()


def _battery_changed(settings: Settings, rng: np.random.Generator, tell: Progress) -> Iterator[Trial]:
    """All over a day: the beacon goes on from what it saved when the day began."""
    unsaid = Tally(RELAY, f"battery changed, nobody said so: {EXACT}")
    played = Tally(RELAY, "battery changed: recordings of the day before refused")
    value = Tally(RELAY, "battery changed: no redeeming until the beacon has caught up, then again")
    said = Tally(HONEST, "battery changed and said so: accepted")
    after = Tally(HONEST, "the day and a half after a battery change: accepted")
    for number in range(1, settings.battery_changes + 1):
        lost_s = _DAY_S * number / (settings.battery_changes + 1)
        change_s = 3.0 * _DAY_S + lost_s
        scene = Scene(Secret(rng.bytes(16)), 10, error_ppm=float(rng.uniform(-LARGEST_PPM, LARGEST_PPM)))
        for time_s in np.arange(0.0, change_s, 7.0 * _WINDOW_S):
            _heard_by_both(scene, float(time_s))
        # Younger ones are of windows that could still be on the air, had no battery been changed.
        ages_s = range(5 * 1024, 20 * 3600, 1024)
        recordings = [scene.shown(change_s - age_s) for age_s in ages_s]
        scene.beacon.clock.change_battery(change_s, change_s + 30.0)
        heard_s = change_s + 60.0
        data = scene.shown(heard_s)
        right = scene.oracle(data, heard_s)
        noticed = not unsaid.expect(right, scene.accepts(data, heard_s, "before it was said"))
        scene.resolver.battery_changed("shop", heard_s)
        said.expect(True, scene.accepts(data, heard_s, "when it was said"))
        window = scene.beacon.window_at(heard_s)
        for place, old in enumerate(recordings if noticed else ()):
            if scene.window_of(old, window - 4, window + 4) is None:
                played.expect(False, scene.accepts(old, heard_s + 1.0, f"thief {place}"))
        for time_s in np.arange(heard_s + _WINDOW_S, heard_s + 1.5 * _DAY_S, 5000.0):
            live, now_s = scene.shown(time_s), float(time_s)
            after.expect(True, scene.accepts(live, now_s, f"after {time_s}"))
            ahead_s = now_s - (change_s + lost_s)
            if abs(ahead_s) > 3 * _WINDOW_S:
                redeems = scene.accepts(live, now_s + 1.0, f"value {time_s}", Action.REDEEM)
                value.expect(ahead_s > 0.0, redeems)
        tell.tried(number, settings.battery_changes)
    yield unsaid.trial("Refused like any recording of that day, but where too little was lost to be noticed.")
    for tally in (played, value, said, after):
        yield tally.trial()


def _recording_first(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    """A new battery was announced, and a thief plays a recording of the day before the beacon is heard."""
    back = Tally(HONEST, "battery changed, a recording was quicker: said once more, the beacon is heard")
    later = Tally(HONEST, "day and a half to a year after that: accepted")
    value = Tally(RELAY, "recordings of before the change, when a recording was quicker: no redeeming")
    for number in range(1, settings.battery_changes + 1):
        lost_s = _DAY_S * number / (settings.battery_changes + 1)
        change_s = 3.0 * _DAY_S + lost_s
        scene = Scene(Secret(rng.bytes(16)), 10, error_ppm=float(rng.uniform(-LARGEST_PPM, LARGEST_PPM)))
        for time_s in np.arange(0.0, change_s, 7.0 * _WINDOW_S):
            scene.accepts(scene.shown(float(time_s)), float(time_s), f"before {time_s}")
        recordings = [scene.shown(change_s - age_s) for age_s in rng.uniform(600.0, _DAY_S, 5)]
        scene.beacon.clock.change_battery(change_s, change_s + 30.0)
        heard_s = change_s + 60.0
        scene.resolver.battery_changed("shop", heard_s)
        scene.accepts(recordings[0], heard_s, "thief")
        if not scene.accepts(scene.shown(heard_s + 1.0), heard_s + 1.0, "first"):
            scene.resolver.battery_changed("shop", heard_s + 2.0)
        back.expect(True, scene.accepts(scene.shown(heard_s + 3.0), heard_s + 3.0, "again"))
        for place, old in enumerate(recordings):
            redeems = scene.accepts(old, heard_s + 10.0 + place, f"thief {place}", Action.REDEEM)
            value.expect(False, redeems)
        for days in (1.5, 2.0, 30.0, 365.0):
            now_s = heard_s + days * _DAY_S
            later.expect(True, scene.accepts(scene.shown(now_s), now_s, f"after {days} days"))
    for tally in (back, later, value):
        yield tally.trial()


def _heard_by_both(scene: Scene, time_s: float) -> None:
    """Honest use, seen by the server and by the oracle."""
    data = scene.shown(time_s)
    scene.accepts(data, time_s, f"before {time_s}")
    scene.oracle(data, time_s)
