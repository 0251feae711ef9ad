"""Dialogs: the key table, lists to choose from, a stamp to be drawn, the card for calibration."""

from __future__ import annotations
