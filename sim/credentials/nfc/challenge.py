"""A tag that answers a challenge of the server: it is there now, and not on a tap that somebody kept.

What a tag shows at a tap says that it was tapped once, and never when: nobody but the phone knows. So the
server opens the chip's mutual authentication itself (NT4H2421Gx, section 9.1.5), with the phone carrying
commands and answers between the two. Its random number follows from the challenge and stays with it; the
answer of the tag holds that number again, and only the tag's key makes it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.aes import BLOCK
from stampbench.sim.credentials.nfc.authentication import answer_text, challenge_in, conclude
from stampbench.sim.credentials.nfc.sdm import UID_BYTES
from stampbench.sim.credentials.nfc.verifier import TagKeys

PRESENCE_KEY: Final = 3
"""Number of the key of a stamp's tag that answers challenges."""
_PROOF_BYTES: Final = 2 * BLOCK
_MARK: Final = "tag:"


@dataclass(frozen=True, slots=True)
class TagAnswer:
    """What a tag said to a challenge.

    Attributes:
        uid: of the tag.
        proof: that it knows the server's random number, 32 bytes.
    """

    uid: bytes
    proof: bytes

    @property
    def text(self) -> str:
        """As it travels."""
        return _MARK + (self.uid + self.proof).hex()

    @classmethod
    def parse(cls, text: str) -> TagAnswer | None:
        """Return the answer in a text; None if it is none."""
        try:
            content = bytes.fromhex(text.removeprefix(_MARK))
        except ValueError:
            return None
        if not text.startswith(_MARK) or len(content) != UID_BYTES + _PROOF_BYTES:
            return None
        return cls(content[:UID_BYTES], content[UID_BYTES:])


class TagChallenger:
    """The server's half; it keeps nothing between the two commands.

    Args:
        keys: of the issuer's tags.
        secret: from which its random numbers follow, with the challenge.
    """

    def __init__(self, keys: TagKeys, secret: bytes) -> None:
        self._keys, self._secret = keys, secret

    def command(self, uid: bytes, nonce: bytes, first: bytes) -> bytes:
        """Return what the tag is told after its first answer.

        Raises:
            ProtocolError: that answer has another length.
        """
        key = self._keys.of(uid, PRESENCE_KEY)
        rnd_b = challenge_in(key, first, lrp=False)
        if rnd_b is None:
            raise ProtocolError(f"tag: challenge of {len(first)} bytes: expected {BLOCK}")
        return answer_text(key, self._random(uid, nonce), rnd_b, lrp=False)

    def is_answer(self, nonce: bytes, answer: TagAnswer) -> bool:
        """Return whether the tag of this UID made the answer, to this challenge."""
        key = self._keys.of(answer.uid, PRESENCE_KEY)
        if not nonce or key.is_factory:
            return False
        # The tag's own number only makes keys of a session, and there is none.
        its_own, random = bytes(BLOCK), self._random(answer.uid, nonce)
        return conclude(key, random, its_own, answer.proof, None, lrp=False) is not None

    def _random(self, uid: bytes, nonce: bytes) -> bytes:
        return hmac.digest(self._secret, b"tag-challenge:" + uid + nonce, "sha256")[:BLOCK]
