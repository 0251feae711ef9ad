"""A profile is near its own frames, and far from those of a noisier panel, in the effect that differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, Panel, PlacedObject, Profile, load_profile
from stampbench.sim.panel.fit.comparison import AS_MEASURED, Compared, compare
from stampbench.sim.stamps.objects import resolve_object

NEXUS = load_profile("nexus-5")


def frames_of(profile: Profile, condition: Condition = AS_MEASURED) -> np.ndarray:
    panel, rng = Panel(profile, condition, seed=9), np.random.default_rng(9)
    finger = resolve_object("finger")
    places = [[] for _ in range(300)] + [
        [PlacedObject(finger, Hold(rng.uniform(15, 45), rng.uniform(25, 85)))] for _ in range(30)
    ]
    return np.array([panel.frame(n * 10_000, placed).deltas for n, placed in enumerate(places)])


def verdicts(found: list[Compared]) -> dict[str, str]:
    return {one.effect: one.verdict for one in found}


def test_a_profile_is_near_frames_of_its_own() -> None:
    assert set(verdicts(compare(NEXUS, frames_of(NEXUS))).values()) == {"near"}


def test_twice_the_noise_is_far_and_touches_stay_near() -> None:
    found = verdicts(compare(NEXUS, frames_of(NEXUS, replace(AS_MEASURED, noise=2.0))))
    assert found["noise of a node (counts)"] == "far"
    assert found["highest node of a touch (counts)"] == "near"


def test_a_weaker_touch_is_far_and_noise_stays_near() -> None:
    finger = replace(NEXUS.finger, drive=400.0, saturation=150.0)
    found = verdicts(compare(NEXUS, frames_of(replace(NEXUS, finger=finger))))
    assert found["highest node of a touch (counts)"] == "far"
    assert found["noise of a node (counts)"] == "near"


def test_frames_of_another_grid_are_refused() -> None:
    with pytest.raises(InputError, match="frames of 21 x 12 nodes: nexus-5 has 27 x 15"):
        compare(NEXUS, np.random.default_rng(0).normal(0, 2, (20, 21, 12)).round())


def test_the_recorded_noise_split_and_touches_are_near(real: Path) -> None:
    from stampbench.bench.sources.frame_files import read_frames

    recorded = read_frames(real / "capfingerid" / "CapMatrix_P15_index_right.subset.txt").frames
    found = verdicts(compare(NEXUS, recorded))
    for effect in ("noise of a node (counts)", "common noise of TX lines (counts)"):
        assert found[effect] == "near"
    assert found["highest node of a touch (counts)"] == "near"
