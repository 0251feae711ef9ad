"""The decoder: contacts or raw frames to codes, exactly, with a margin, and one decision per press."""

from __future__ import annotations

from stampbench.sim.decoder.acceptance import Acceptance
from stampbench.sim.decoder.decoder import Decoder
from stampbench.sim.decoder.press import PressDecision, PressDecoder
from stampbench.sim.decoder.reading import Pose, Reading, Verdict
from stampbench.sim.decoder.tracking import StampTracker, TrackedStamp

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
