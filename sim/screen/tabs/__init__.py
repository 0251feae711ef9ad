"""What the tabs of the instrument panel show: stamps, conditions, repeated presses, recording."""

from __future__ import annotations
