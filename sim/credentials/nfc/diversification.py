"""Each tag its own keys: AES-128 key diversification (NXP AN10922, section 2.2)."""

from __future__ import annotations

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.aes import BLOCK, cmac
from stampbench.sim.credentials.secrets import Secret

APPLICATION = bytes.fromhex("D2760000850101")
"""DF name of the NDEF application (NFC Forum Type 4 Tag)."""
_CONSTANT = b"\x01"


def diversify(master: Secret, uid: bytes, application: bytes, system: bytes) -> Secret:
    """Return the key of one tag.

    The note pads its input to two blocks, which is what CMAC does by itself where the input is longer than
    one; shorter input is refused.

    Args:
        master: known to the issuer alone.
        uid: of the tag, 7 bytes.
        application: identifier of the application, and the number of the key where it has several.
        system: identifier of the issuer.

    Raises:
        InputError: UID, application and system together are not 16 to 31 bytes.
    """
    parts = uid + application + system
    if not BLOCK <= len(parts) < 2 * BLOCK:
        raise InputError(
            f"diversification input of {len(parts)} bytes: expected {BLOCK} to {2 * BLOCK - 1} bytes of UID, "
            "application and system together"
        )
    return Secret(cmac(master.reveal(), _CONSTANT + parts))
