"""Beacons in stamps, phones beside them or far away, and when each of them does what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from stampbench.bench.scenarios.city_day.driving import Ask, Reply
from stampbench.bench.scenarios.city_day.stage import Merchant, PressOf, Stage, Stamp
from stampbench.bench.scenarios.oracle import NEAR_DBM, ClockOracle, EidOracle
from stampbench.sim.credentials.ble.beacon import FIRST_CLOCK_S, BeaconClock, EidBeacon, OtpBeacon
from stampbench.sim.credentials.otp import STEP_S
from stampbench.sim.service.clock import SECOND_US
from stampbench.sim.service.presses.beacons import BLE_EID, BLE_OTP, beacon_key, password_key

_SIGMA_MM = 0.05
"""Presses are read for certain: what is tried is the beacon."""


class Timeline:
    """What is done when; played in the order of time, however it was put together."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._events: list[tuple[float, int, Callable[[], object]]] = []

    def at(self, time_s: float, do: Callable[[], object]) -> None:
        """Do this at that time, seconds since 1970."""
        self._events.append((time_s, len(self._events), do))

    def play(self) -> None:
        """Do it all; the clock stands at the last of it then."""
        for number, (time_s, _, do) in enumerate(sorted(self._events, key=lambda event: event[:2])):
            self._stage.clock.at_us = max(self._stage.clock.at_us, round(time_s * SECOND_US))
            self._stage.tell.tried(number, len(self._events))
            do()


class Heard:
    """A stamp with something in it that advertises itself, as the phones of members hear it."""

    kind = ""

    def __init__(self, stage: Stage, merchant: Merchant, stamp: Stamp, rng: np.random.Generator) -> None:
        self.stage, self._merchant, self._stamp, self._rng = stage, merchant, stamp, rng
        self.path = f"{merchant.path}/stamps/{stamp.number}/credentials"

    @property
    def now_s(self) -> float:
        """Seconds since 1970."""
        return self.stage.clock.at_us / SECOND_US

    def pair(self, body: dict[str, Any]) -> None:
        """Let it belong to the stamp."""
        made = self.stage.need("POST", self.path, self._merchant.server_key, {"kind": self.kind} | body)
        self.path = f"{self.path}/{made['id']}"

    def asked(
        self, data: bytes, *, member: str = "", purpose: str = "stamp", rssi_dbm: int = NEAR_DBM
    ) -> Ask:
        """A press with an advertisement, of a member (a new one unless named) with a new phone."""
        number = self.stage.number()
        values = {"frame": data.hex(), "rssi_dbm": str(rssi_dbm)}
        press = PressOf(
            self.stage.hands.press(self._stamp.code, self._rng, sigma_mm=_SIGMA_MM),
            member or f"member {number}",
            f"phone {number}",
            purpose=purpose,
            more={"credentials": [{"kind": self.kind, "values": values}]},
        )
        return self.stage.asked(self._merchant, press)

    def press(self, data: bytes, **told: Any) -> Reply:
        """Press with it."""
        return self.stage.driver.ask(self.asked(data, **told))

    def accepts(self, data: bytes, **told: Any) -> bool:
        """Whether the press is accepted."""
        return self.press(data, **told).accepted


class Beacon(Heard):
    """A beacon with a rotating identifier, and the oracle that knows when its clock was right."""

    kind = BLE_EID

    def __init__(
        self,
        stage: Stage,
        merchant: Merchant,
        stamp: Stamp,
        rng: np.random.Generator,
        exponent: int,
        error_ppm: float = 0.0,
        clock_s: int = FIRST_CLOCK_S,
    ) -> None:
        super().__init__(stage, merchant, stamp, rng)
        name = rng.bytes(8).hex()
        key = beacon_key(stage.secret, name)
        self.beacon = EidBeacon(key, exponent, BeaconClock(self.now_s, clock_s, error_ppm))
        self.oracle = EidOracle(key, exponent, self.now_s, clock_s)
        self.pair({"beacon": name, "exponent": exponent, "clock_s": clock_s, "frame": self.shown().hex()})

    def shown(self, ago_s: float = 0.0) -> bytes:
        """What it advertises, or did some time ago."""
        return self.beacon.frame_at(self.now_s - ago_s).encoded

    def right(self, data: bytes) -> bool:
        """The right decision, now."""
        return self.oracle.right(data, self.now_s)

    def change_battery(self) -> None:
        """Take the old one out; half a minute later the beacon goes on."""
        self.beacon.clock.change_battery(self.now_s, self.now_s + 30.0)

    def say_battery_changed(self) -> None:
        """Tell the service."""
        body = {"reason": "battery changed by staff"}
        self.stage.need("POST", f"{self.path}/battery", self._merchant.server_key, body)


class Passwords(Heard):
    """A beacon with one-time passwords, and the oracle of its clock."""

    kind = BLE_OTP

    def __init__(
        self,
        stage: Stage,
        merchant: Merchant,
        stamp: Stamp,
        rng: np.random.Generator,
        error_ppm: float = 0.0,
    ) -> None:
        super().__init__(stage, merchant, stamp, rng)
        self.id = rng.bytes(8)
        key = password_key(stage.secret, self.id.hex())
        self.beacon = OtpBeacon(self.id, key, BeaconClock(self.now_s, self.now_s, error_ppm))
        self._oracle = ClockOracle(self.now_s, self.now_s, STEP_S)
        self.pair({"frame": self.shown()[0].hex()})

    def shown(self) -> tuple[bytes, int]:
        """What it advertises, and the step whose password that is."""
        return self.beacon.frame_at(self.now_s).encoded, int(self.beacon.clock.at(self.now_s)) // STEP_S

    def right(self, step: int) -> bool:
        """The right decision about the password of a step, now, for a member who has not used it."""
        first, last = self._oracle.allowed(self.now_s)
        if first <= step <= last:
            self._oracle.accepted(step, self.now_s)
            return True
        return False
