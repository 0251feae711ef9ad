from __future__ import annotations

from stampbench.bench.perf.press import measure


def test_the_figures_that_are_promised_are_measured() -> None:
    figures = measure(frames=20, presses=1)
    assert {"frames_per_s", "presses_per_s", "held_read_per_s", "foreign_read_per_s"} <= set(figures)
    assert all(figure.value > 0 for figure in figures.values())
    shares = [figure.value for name, figure in figures.items() if name.endswith("_share")]
    assert sum(shares) > 0.99
    assert figures["frames_per_s"].ratio is not None
