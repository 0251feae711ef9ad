"""NFC as the second factor of a press: the URL of the stamp's tag."""

from __future__ import annotations

from stampbench.sim.credentials.guard import Advance, FirstUse
from stampbench.sim.credentials.nfc.challenge import TagAnswer, TagChallenger
from stampbench.sim.credentials.nfc.verifier import Genuine, Refusal, SunVerifier
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Proof, Reason

_REASONS = {Refusal.MALFORMED: Reason.MALFORMED, Refusal.NOT_GENUINE: Reason.NOT_GENUINE}


def credential_of(uid: bytes) -> str:
    """Return the name of a tag's credential."""
    return f"{Factor.NFC}:{uid.hex().upper()}"


class NfcFactor:
    """Checks what a tag shows, or what it answers.

    The URL of a tap counts once, for whoever comes first with it, and whenever: its age is the phone's word.
    The answer to the server's challenge is of this session.

    Args:
        verifier: of the stamps' URLs.
        challenger: of their tags; None: no challenge is ever given.
    """

    factor = Factor.NFC

    def __init__(self, verifier: SunVerifier, challenger: TagChallenger | None = None) -> None:
        self._verifier, self._challenger = verifier, challenger

    def check(self, presented: Presented, evidence: Evidence) -> Proof | Reason:
        """Return the proof, or why there is none."""
        text = presented.payload.decode("ascii", "replace")
        answer = TagAnswer.parse(text)
        if answer is not None and self._challenger is not None:
            if not self._challenger.is_answer(evidence.nonce, answer):
                return Reason.NOT_GENUINE
            credential = credential_of(answer.uid)
            ticket = FirstUse(f"{credential}/challenge/{evidence.nonce.hex()}")
            return Proof(credential, ticket, bound=True)
        found = self._verifier.verify(text)
        if not isinstance(found, Genuine):
            return _REASONS[found]
        credential = credential_of(found.tap.uid)
        return Proof(credential, Advance(credential, found.tap.counter), aged=False)
