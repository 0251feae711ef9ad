"""What a panel loses of a stamp, by how close its pads are."""

from __future__ import annotations

import itertools
import math
import tomllib

import numpy as np
import pytest
from stampbench.bench.capacity.losses import LossCurve, loss_curves, write_loss_curves
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import profile_names
from stampbench.sim.stamps import FaceGeometry

WIDE = LossCurve((1.0, 0.5, 0.02))


def stamps(count: int) -> np.ndarray:
    return np.array(list(itertools.islice(FaceGeometry().random_pads(np.random.default_rng(0)), count)))


def test_every_pair_of_pads_adds_to_the_hazard() -> None:
    pads = np.array([[[0.0, 0.0], [12.0, 0.0], [0.0, 16.0]]])
    hazard = sum(math.exp(1.0 - 0.5 * x - 0.02 * x * x) for x in (2.0, 6.0, 10.0))
    assert WIDE.losses(pads)[0] == pytest.approx(1.0 - math.exp(-hazard))


def test_the_curve_of_presses_is_found_again() -> None:
    pads = stamps(4_000)
    losses = WIDE.losses(pads)
    lost = np.random.default_rng(1).random(len(pads)) < losses
    assert np.abs(LossCurve.fitted(pads, lost).losses(pads) - losses).max() < 0.05


def test_few_that_are_lost_are_not_taken_for_a_cliff() -> None:
    pads = stamps(1_000)
    lost = np.zeros(len(pads), np.bool_)
    assert LossCurve.fitted(pads, lost).losses(pads).max() < 1e-9
    lost[np.argsort(-WIDE.losses(pads))[:2]] = True
    assert 0.002 < LossCurve.fitted(pads, lost).losses(pads).max() < 0.5


def test_every_built_in_panel_has_a_curve_and_a_wide_pitch_loses_most() -> None:
    curves = loss_curves()
    assert curves.keys() == {*profile_names()}
    pads = stamps(200)
    means = {name: float(curve.losses(pads).mean()) for name, curve in curves.items()}
    assert {*sorted(means, key=means.get)[-2:]} == {"raspberry-pi-7", "cypress-gen4-9"}
    assert means["nexus-5"] < 0.001


def test_curves_are_written_as_they_are_read(tmp_path) -> None:
    path = tmp_path / "curves.toml"
    write_loss_curves({"wide": (WIDE, 2_000)}, path)
    assert tomllib.loads(path.read_text()) == {"wide": {"terms": [1.0, 0.5, 0.02], "presses": 2_000}}
    with pytest.raises(InputError, match="cannot be written"):
        write_loss_curves({}, tmp_path / "nowhere" / "curves.toml")
