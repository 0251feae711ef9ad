from __future__ import annotations

import os

import pytest
from stampbench.bench.perf import link

NAMES = {
    "packets_per_s",
    "framing_packets_per_s",
    "raw_frames_mb_per_min",
    "rig_packets_per_s",
    "replug_ms",
    "replay_late_p99_ms",
}
LATENCIES = {"latency_p50_ms", "latency_p99_ms", "write_latency_p99_ms"}


def test_every_figure_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("PACKETS", 400), ("FRAMES", 20), ("LATENCY_REPORTS", 20), ("REPLAYED_REPORTS", 5)):
        monkeypatch.setattr(link, name, count)
    figures = link.measure()
    assert figures.keys() == NAMES | (LATENCIES if hasattr(os, "openpty") else set())
    assert all(figure.value > 0 for figure in figures.values())
    ratio = figures["packets_per_s"].ratio
    assert ratio is not None
    assert ratio > 1
