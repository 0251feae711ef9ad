"""A profile written from a recording is one that the panel runs, and says where each figure is from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Panel, PlacedObject, load_profile
from stampbench.sim.panel.fit import fit_panel
from stampbench.sim.panel.fit.profile_text import profile_text
from stampbench.sim.stamps.objects import resolve_object

NEXUS = load_profile("nexus-5")


def recorded(rest: int, touched: int) -> np.ndarray:
    panel = Panel(NEXUS, seed=1)
    frames = [panel.frame(n * 10_000).deltas for n in range(rest)]
    rng = np.random.default_rng(0)
    for n in range(rest, rest + touched):
        finger = PlacedObject(resolve_object("finger"), Hold(rng.uniform(15, 45), rng.uniform(20, 90)))
        frames.append(panel.frame(n * 10_000, [finger]).deltas)
    return np.array(frames)


@pytest.fixture(scope="module")
def text() -> str:
    frames = recorded(rest=120, touched=40)
    fit = fit_panel(frames, 4.1)
    return profile_text(fit, (27, 15), 4.1, load_profile("elan-11"), 'a "recording".npy')


def test_a_fitted_profile_has_the_noise_and_the_touch_of_the_recording(text: str, tmp_path: Path) -> None:
    path = tmp_path / "my-phone.toml"
    path.write_text(text)
    profile = load_profile(path)
    for part in ("residual_sd", "tx_line_sd", "rx_line_sd"):
        assert getattr(profile.noise, part) == pytest.approx(getattr(NEXUS.noise, part), rel=0.15), part
    assert profile.flat.amplitude == pytest.approx(222.0, rel=0.05)  # the peak of a 7 mm fingertip
    assert Panel(profile, seed=1).frame(0).deltas.shape == (27, 15)


def test_every_figure_says_whether_it_was_fitted_or_assumed(text: str) -> None:
    figures = [line for line in text.splitlines() if "=" in line and not line.startswith(("title", "#"))]
    assert len(figures) > 25
    for line in figures:
        assert any(word in line for word in ("fitted", "assumed from elan-11", "as given")), line
    assert 'title = "fitted to a recording.npy"' in text
    assert next(line for line in figures if line.startswith("residual_sd")).count("+/-") == 1


def test_a_recording_without_rest_or_touch_leaves_those_figures_assumed(tmp_path: Path) -> None:
    text = profile_text(fit_panel(recorded(40, 0), 4.1), (27, 15), 4.1, NEXUS, "rest.npy")
    path = tmp_path / "rest.toml"
    path.write_text(text)
    assert load_profile(path).flat.amplitude == NEXUS.flat.amplitude
    assert "amplitude = 225.0  # assumed from nexus-5" in text
