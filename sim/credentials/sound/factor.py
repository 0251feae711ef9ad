"""Sound as the second factor of a press."""

from __future__ import annotations

from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.guard import FirstUse
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Proof, Reason
from stampbench.sim.credentials.sound.token import MAX_NONCE_BYTES, SoundToken, SoundVerifier


def sound_credential(stamp: bytes) -> str:
    """Return the name of the credential of a stamp that sounds tokens."""
    return f"{Factor.SOUND}:{stamp.hex()}"


class SoundFactor:
    """Checks tokens; each may be used once, by whomever.

    It goes by the time at which the server received them, and by the nonce that the server gave.

    Args:
        verifier: that knows the stamps.
    """

    factor = Factor.SOUND

    def __init__(self, verifier: SoundVerifier) -> None:
        self._verifier = verifier

    def check(self, presented: Presented, evidence: Evidence) -> Proof | Reason:
        """Return the proof, or why there is none."""
        try:
            token = SoundToken.parse(presented.payload)
        except ProtocolError:
            return Reason.MALFORMED
        if len(evidence.nonce) > MAX_NONCE_BYTES:
            return Reason.MALFORMED
        found = self._verifier.verify(token, evidence.received_s, evidence.nonce)
        if found is None:
            return Reason.NOT_GENUINE
        credential = sound_credential(found.stamp)
        return Proof(credential, FirstUse(f"{credential}/{found.window}/{found.number}"), bound=found.bound)
