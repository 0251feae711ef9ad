"""Bluetooth as the second factor of a press: a rotating identifier, or a one-time password."""

from __future__ import annotations

from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.ble.frames import Eid, OtpStamp, parse_frame
from stampbench.sim.credentials.ble.passwords import PasswordVerifier
from stampbench.sim.credentials.ble.resolver import Resolver
from stampbench.sim.credentials.guard import FirstUse
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Proof, Reason


def beacon_credential(beacon: str) -> str:
    """Return the name of the credential of a beacon with a rotating identifier."""
    return f"{Factor.BLE}:{beacon}"


def password_credential(stamp: bytes) -> str:
    """Return the name of the credential of a stamp with one-time passwords."""
    return f"{Factor.BLE}:otp-{stamp.hex()}"


class BleFactor:
    """Checks advertisements; everybody in the shop hears the same one, and each member may use it once.

    It goes by the time at which the server received them: what the phone says could be chosen to fit.

    Args:
        resolver: of rotating identifiers.
        passwords: of stamps with one-time passwords; None: there are none.
    """

    factor = Factor.BLE

    def __init__(self, resolver: Resolver, passwords: PasswordVerifier | None = None) -> None:
        self._resolver, self._passwords = resolver, passwords or PasswordVerifier()

    def check(self, presented: Presented, evidence: Evidence) -> Proof | Reason:
        """Return the proof, or why there is none; frames that never change prove nothing."""
        try:
            frame = parse_frame(presented.payload)
        except ProtocolError:
            return Reason.MALFORMED
        if isinstance(frame, Eid):
            found = self._resolver.resolve(frame.identifier, evidence.received_s)
            if found is None:
                return Reason.NOT_GENUINE
            if not found.in_time:
                return Reason.OUT_OF_TIME
            credential = beacon_credential(found.beacon)
            ticket = FirstUse(f"{credential}/{found.window}/{evidence.member}")
            return Proof(credential, ticket, repeated=found.repeated)
        if isinstance(frame, OtpStamp):
            step = self._passwords.step_of(frame, evidence.received_s)
            if step is None:
                return Reason.NOT_GENUINE
            credential = password_credential(frame.stamp)
            return Proof(credential, FirstUse(f"{credential}/{step}/{evidence.member}"))
        return Reason.NOT_GENUINE
