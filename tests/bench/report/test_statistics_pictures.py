from __future__ import annotations

import re

import numpy as np
from stampbench.bench.judging.sequential import SequentialTest
from stampbench.bench.judging.statistics import det_curve
from stampbench.bench.report.statistics_pictures import det_picture, operating_characteristic_picture


def test_operating_characteristic_is_drawn_alike_each_time():
    test = SequentialTest(0.01, 0.05, cap=300)
    picture = operating_characteristic_picture(test)
    assert picture == operating_characteristic_picture(test)
    assert picture.startswith("<svg role")
    for label in ("probability", "expected presses", "failures", "accept", "reject"):
        assert label in picture
    assert len(picture) < 120_000


def test_path_of_a_run_lies_between_the_boundaries():
    test = SequentialTest(0.05, 0.3)
    failed = [2, 3, 4]
    for trial in range(1, 50):
        test.add(trial in failed)
    picture = operating_characteristic_picture(test, failed)
    assert len(picture) > len(operating_characteristic_picture(SequentialTest(0.05, 0.3)))


def test_trade_off_marks_the_threshold_in_use():
    rng = np.random.default_rng(1)
    curve = det_curve(np.abs(rng.normal(0.3, 0.1, 400)), np.abs(rng.normal(1.0, 0.3, 400)))
    picture = det_picture(curve, "trade-off", chosen=0.55)
    assert re.search(r"0\.5\d mm", picture)
    assert "false acceptance" in picture


def test_a_cap_shows_what_it_leaves_undecided():
    assert "undecided" in operating_characteristic_picture(SequentialTest(0.01, 0.05, cap=60))
    assert "undecided" not in operating_characteristic_picture(SequentialTest(0.01, 0.05))


def test_trade_off_draws_no_errors_as_none():
    curve = det_curve(np.linspace(0.1, 0.3, 100), np.linspace(0.2, 3.0, 100))
    assert re.findall(r">([\d.]+)</text>", det_picture(curve, "t"))[0] == "0"


def test_trade_off_of_nothing_is_an_empty_picture():
    assert "<svg" in det_picture(det_curve([], []), "nothing", chosen=0.5)
