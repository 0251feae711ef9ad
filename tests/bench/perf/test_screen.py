from __future__ import annotations

from stampbench.bench.perf.screen import measure


def test_the_window_is_measured_as_it_is_drawn() -> None:
    figures = measure(seconds=0.2, taps=1)
    assert {"drawn_fps", "core_share", "input_to_contact_ms"} <= figures.keys()
    assert all(figure.value > 0.0 for figure in figures.values())
    assert figures["session_share"].value < figures["core_share"].value
