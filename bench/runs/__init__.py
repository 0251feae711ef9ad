"""Runs: the presses of a plan made, on rigs, in memory or again from records."""
