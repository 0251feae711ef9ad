"""NFC as the second factor of a press: the URL of the stamp's tag."""

from __future__ import annotations

from stampbench.sim.credentials.guard import Advance
from stampbench.sim.credentials.nfc.verifier import Genuine, Refusal, SunVerifier
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Proof, Reason

_REASONS = {Refusal.MALFORMED: Reason.MALFORMED, Refusal.NOT_GENUINE: Reason.NOT_GENUINE}


def credential_of(uid: bytes) -> str:
    """Return the name of a tag's credential."""
    return f"{Factor.NFC}:{uid.hex().upper()}"


class NfcFactor:
    """Checks URLs; every tap counts once, for whoever comes first with it.

    Args:
        verifier: of the stamps' URLs.
    """

    factor = Factor.NFC

    def __init__(self, verifier: SunVerifier) -> None:
        self._verifier = verifier

    def check(self, presented: Presented, evidence: Evidence) -> Proof | Reason:
        """Return the proof, or why there is none."""
        found = self._verifier.verify(presented.payload.decode("ascii", "replace"))
        if not isinstance(found, Genuine):
            return _REASONS[found]
        credential = credential_of(found.tap.uid)
        return Proof(credential, Advance(credential, found.tap.counter))
