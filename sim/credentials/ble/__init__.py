"""Bluetooth LE: frames, rotating identifiers and who resolves them, and the air between."""
