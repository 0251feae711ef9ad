"""The decoder: contacts to codes, exactly, with a margin, and one decision per press."""

from __future__ import annotations

from sim.decoder.acceptance import Acceptance
from sim.decoder.decoder import Decoder
from sim.decoder.press import PressDecision, PressDecoder
from sim.decoder.reading import Pose, Reading, Verdict
from sim.decoder.tracking import StampTracker, TrackedStamp

__all__ = [
    "Acceptance",
    "Decoder",
    "Pose",
    "PressDecision",
    "PressDecoder",
    "Reading",
    "StampTracker",
    "TrackedStamp",
    "Verdict",
]
