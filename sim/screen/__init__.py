"""The touchscreen emulator: a phone with stamps on it, live, and instruments that say why they are read."""

from __future__ import annotations

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # stdout belongs to results
