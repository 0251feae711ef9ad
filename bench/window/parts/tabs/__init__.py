"""What the tabs of the instrument panel show: stamps, second factors, noise, repeated presses, recording."""

from __future__ import annotations
