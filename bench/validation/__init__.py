"""Vendor validation: lots of stamps measured, judged, certified, and watched over time."""
