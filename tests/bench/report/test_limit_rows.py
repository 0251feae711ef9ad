from __future__ import annotations

import pytest
from stampbench.bench.report.limit_rows import interval, number, probability


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (0.001, 0.02, "1", "0.100 \N{EN DASH} 2.00 %"),
        (-0.1, 0.2, "mm", "\N{MINUS SIGN}0.100 to 0.200 mm"),
        (None, 0.2, "mm", "at most 0.200 mm"),
        (0.1, None, "mm", "at least 0.100 mm"),
        (None, None, "mm", "\N{EN DASH}"),
    ],
)
def test_interval_has_one_unit_and_no_doubtful_dash(low, high, unit, text):
    assert interval(low, high, unit).replace("\u202f", " ") == text


def test_difference_has_its_sign():
    assert number(0.5, "mm", signed=True).replace("\u202f", " ") == "+0.500 mm"
    assert number(-0.5, "mm", signed=True).replace("\u202f", " ") == "\N{MINUS SIGN}0.500 mm"


def test_tiny_p_is_not_told_exactly():
    assert (probability(1e-9), probability(0.0421), probability(None)) == ("< 0.001", "0.042", "\N{EN DASH}")
