"""Devices under test: presses go out to somebody's recogniser, and its own answer comes back."""
