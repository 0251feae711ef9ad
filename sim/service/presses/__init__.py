"""Presses: what is sent, what it proves, how it is decided."""
