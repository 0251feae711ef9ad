"""A shop with one beacon and the server that knows it, beside the oracle."""

from __future__ import annotations

from stampbench.bench.scenarios.oracle import NEAR_DBM, TOLERANCE, EidOracle
from stampbench.sim.credentials.ble.beacon import FIRST_CLOCK_S, BeaconClock, EidBeacon
from stampbench.sim.credentials.ble.factor import BleFactor, beacon_credential
from stampbench.sim.credentials.ble.resolver import Resolver
from stampbench.sim.credentials.guard import MemoryGuard
from stampbench.sim.credentials.policy import Action, Desk
from stampbench.sim.credentials.press import Evidence, Factor, Presented, StampBook, Touch
from stampbench.sim.credentials.secrets import Secret

CODE = 7


class Scene:
    """A shop with one beacon, known to the server since 0 s.

    Args:
        key: of the beacon.
        exponent: it rotates every 2**exponent seconds.
        clock_s: what its clock stands at, at 0 s.
        error_ppm: of its clock.
    """

    def __init__(
        self, key: Secret, exponent: int, clock_s: float = FIRST_CLOCK_S, error_ppm: float = 0.0
    ) -> None:
        oracle = EidOracle(key, exponent, 0.0, clock_s)
        self.oracle, self.window_of = oracle.right, oracle.window_of
        self.beacon = EidBeacon(key, exponent, BeaconClock(0.0, clock_s, error_ppm))
        self.resolver = Resolver(TOLERANCE)
        self.resolver.register("shop", key, exponent, 0.0, clock_s)
        stamps = StampBook()
        stamps.enrol("counter", CODE, beacon_credential("shop"))
        self._desk = Desk([BleFactor(self.resolver)], stamps, MemoryGuard())

    def shown(self, time_s: float) -> bytes:
        """What the beacon advertises."""
        return self.beacon.frame_at(time_s).encoded

    def accepts(
        self,
        data: bytes,
        time_s: float,
        member: str,
        action: Action = Action.COLLECT,
        rssi_dbm: int = NEAR_DBM,
    ) -> bool:
        """The server's decision about a press with this advertisement."""
        presented = Presented(Factor.BLE, data, time_s, rssi_dbm)
        return self._desk.decide(action, Evidence(member, time_s, Touch(CODE, time_s), presented)).accepted
