from __future__ import annotations

from stampbench.bench.perf import sound


def test_figures_and_error_rates_beside_the_peer(monkeypatch):
    monkeypatch.setattr(sound, "PACKETS", 2)
    monkeypatch.setattr(sound, "ROUNDS", 1)
    monkeypatch.setattr(sound, "SNRS_DB", (0, -14))
    figures = sound.measure(trials=2)
    assert figures["real_time_factor"].value > 1.0
    assert figures["fast.per_0_db"].value == 0.0
    assert figures["normal.per_-14_db"].value == 0.0
    for name in ("real_time_factor", "normal.per_-14_db"):
        if figures[name].baseline is not None:
            assert figures[name].baseline_name == "ggwave"
