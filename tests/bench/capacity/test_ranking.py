"""Codes ranked by what a panel loses of each."""

from __future__ import annotations

import numpy as np
import pytest
from stampbench.bench.capacity.ranking import rank_codes, read_ranking
from stampbench.firmware_emulator.errors import InputError


@pytest.fixture(scope="module")
def wide_pitch():
    return rank_codes("raspberry-pi-7", "p5-60k", presses=120, largest_loss=0.02, seed=4)


def test_on_a_wide_pitch_codes_with_close_pads_are_the_worst_and_few_are_good(wide_pitch):
    assert np.all(np.diff(wide_pitch.losses) >= 0.0)
    assert wide_pitch.gaps_mm[0] > 20.0
    assert wide_pitch.gaps_mm[-1] < 12.5  # the least is 12 mm
    assert 20 < wide_pitch.good < 6_000
    assert wide_pitch.worst.low > 0.5
    assert wide_pitch.checked.low <= 0.02


def test_a_list_that_was_written_is_read_again(wide_pitch, tmp_path):
    path = tmp_path / "codes.csv"
    wide_pitch.write(path)
    listed = list(read_ranking(path, 60_000))
    assert [code for code, _ in listed] == wide_pitch.codes.tolist()
    assert sum(enough for _, enough in listed) == pytest.approx(wide_pitch.good, rel=0.02)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no list of codes"),
        ("code,loss\n1,2\n", "no list of codes"),
        (
            "# a, largest_loss = 0.1\ncode,predicted_loss,nearest_pads_mm\n70000,0.1,12\n",
            "line 3: '70000,0.1,12'",
        ),
        ("# a, largest_loss = 0.1\ncode,predicted_loss,nearest_pads_mm\n7,much,12\n", "line 3: '7,much,12'"),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "codes.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        list(read_ranking(path, 60_000))
