"""Captions: every word of the window in each of its languages, from ``captions.toml``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stampbench.firmware_emulator.errors import InputError

LANGUAGES: Final = ("en", "ko")


@functools.cache
def _table() -> dict[str, dict[str, str]]:
    """Read the captions by key, language by language."""
    document = tomllib.loads((Path(__file__).parent / "captions.toml").read_text(encoding="utf-8"))
    return {
        language: {
            f"{group}.{name}": texts[place]
            for group, names in document.items()
            for name, texts in names.items()
        }
        for place, language in enumerate(LANGUAGES)
    }


class Captions:
    """The words of one language.

    Raises:
        InputError: there is no such language.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise InputError(f"language {language!r}: expected one of {', '.join(LANGUAGES)}")
        self.language = language
        self._texts = _table()[language]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the caption of ``key`` with its ``{placeholders}`` filled in."""
        text = self._texts[key]
        return text.format_map(values) if values else text

    def get(self, key: str, values: Mapping[str, object], default: str) -> str:
        """Return as a call does, but a default for a key or value that the table does not know."""
        text = self._texts.get(key)
        if text is None:
            return default
        try:
            return text.format_map(values)
        except (KeyError, ValueError):
            return default

    def __contains__(self, key: str) -> bool:
        return key in self._texts


def caption_keys() -> frozenset[str]:
    """Return all keys of the table."""
    return frozenset(_table()[LANGUAGES[0]])
