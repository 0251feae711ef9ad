"""Keys that do not show themselves."""

from __future__ import annotations

import hmac
from typing import NoReturn

from stampbench.firmware_emulator.errors import InputError

AES_KEY_BYTES = 16


class Secret:
    """A key. Printed, formatted, logged or recorded it is ``Secret(***)``; it cannot be pickled.

    Raises:
        InputError: the key is not as long as it should be.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes, length: int | None = AES_KEY_BYTES) -> None:
        if length is not None and len(value) != length:
            raise InputError(f"key of {len(value)} bytes: expected {length} bytes")
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Return the key itself, for a cipher and nothing else."""
        return self._value

    @property
    def is_factory(self) -> bool:
        """True for the key that chips are delivered with, all zeros; takes the same time for every key."""
        return hmac.compare_digest(self._value, bytes(len(self._value)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret stays in its process")
