"""Hardened stamps: what a stamp proves beside the pattern of its pads, over NFC, Bluetooth LE or sound.

Needs the extra ``hardened``. Nothing in here keeps time or draws numbers by itself: clocks and generators are
handed in.
"""
