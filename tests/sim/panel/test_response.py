from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.panel.field import disc_coverage
from stampbench.sim.panel.reference import BORDER_MM, CELL_MM, disc_mask
from stampbench.sim.panel.response import response_table


def coverage(diameter_mm: float, radius_mm: float, sd_mm: float = 1.75) -> float:
    table = response_table(sd_mm)
    return disc_coverage(table.density, table.reach_mm, diameter_mm, radius_mm)


@pytest.mark.kernel
@pytest.mark.parametrize(("diameter_mm", "sd_mm"), [(4.0, 1.6), (6.0, 1.75), (8.1, 1.9), (24.0, 2.87)])
def test_the_table_agrees_with_a_mask_blurred_numerically(diameter_mm: float, sd_mm: float) -> None:
    from scipy.ndimage import gaussian_filter

    mask = disc_mask(np.array([[CELL_MM / 2, CELL_MM / 2, diameter_mm, 1.0]]), CELL_MM, CELL_MM)
    blurred = gaussian_filter(np.pad(mask, 100), sd_mm / CELL_MM, truncate=6.0)
    row = blurred[blurred.shape[0] // 2]
    x = (np.arange(len(row)) - 100) * CELL_MM - BORDER_MM
    got = [coverage(diameter_mm, abs(at), sd_mm) for at in x[::3]]
    assert got == pytest.approx(row[::3].tolist(), abs=2e-3)


@pytest.mark.kernel
def test_nothing_is_felt_of_no_contact_or_far_away() -> None:
    assert coverage(0.0, 0.0) == 0.0
    assert coverage(6.0, 3.0 + 4.5 * 1.75) == 0.0
    assert coverage(6.0, 1e6) == 0.0


@pytest.mark.kernel
def test_a_contact_wider_than_the_table_covers_wholly() -> None:
    assert coverage(500.0, 0.0) == pytest.approx(1.0)
