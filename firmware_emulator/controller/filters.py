"""From raw deltas to a clean signal: filter over frames, and what each line has in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel

Array = npt.NDArray[np.float64]


@kernel
def common_levels(lines: Array, noise: float, limit: float, levels: Array) -> None:
    """Fill ``levels`` with what the untouched nodes of each line have in common, counts; 0 if unknown.

    A stamp touches up to two thirds of a line, always upwards: the lower third still shows the level. Around
    it, the nodes within ``noise`` count, save those beside a touched one, which carry its foot.

    Args:
        lines: (n, m) counts, a line in each column: so one instruction serves several lines.
        noise: counts from the level within which a node is untouched.
        limit: largest level that is noise; beyond it the line carries an object.
        levels: (m,) filled.
    """
    n, m = lines.shape
    low, high, middle = lines[0].copy(), lines[0].copy(), np.empty(m)
    for i in range(1, n):
        for k in range(m):
            low[k] = min(low[k], lines[i, k])
            high[k] = max(high[k], lines[i, k])
    # Bisection for the lower third, to 1/64 of the span: no branch depends on the data, unlike in a sort.
    count = np.empty(m, np.int64)
    for _ in range(6):
        for k in range(m):
            middle[k] = 0.5 * (low[k] + high[k])
            count[k] = 0
        for i in range(n):
            for k in range(m):
                count[k] += 1 if lines[i, k] <= middle[k] else 0
        for k in range(m):
            enough = 3 * count[k] > n
            high[k] = middle[k] if enough else high[k]
            low[k] = low[k] if enough else middle[k]
    total = np.zeros(m)
    count[:] = 0
    for i in range(n):
        before, after = max(i - 1, 0), min(i + 1, n - 1)
        for k in range(m):
            touched = high[k] + 2.0 * noise
            quiet = (
                (abs(lines[i, k] - high[k]) <= noise)
                & (lines[before, k] <= touched)
                & (lines[after, k] <= touched)
            )
            total[k] += lines[i, k] if quiet else 0.0
            count[k] += 1 if quiet else 0
    for k in range(m):
        level = total[k] / count[k] if count[k] >= 3 else 0.0
        levels[k] = level if abs(level) <= limit else 0.0


@kernel
def condition(
    deltas: npt.NDArray[np.int16],
    baseline: Array,
    smooth: Array,
    signal: Array,
    noisy: npt.NDArray[np.bool_],
    params: npt.NDArray[np.void],
) -> None:
    """Fill ``signal`` with the deltas above the baseline, freed of what lines have in common.

    TX lines come first: all nodes of a TX line are read at one time, and share most of the noise (measured:
    common sd 1.04 counts per TX line, 0.67 per RX line, 1.26 residual; source: CapFingerId recordings of a
    Nexus 5).

    Args:
        deltas: (rows, cols) counts of this frame.
        baseline: (rows, cols) counts at rest.
        smooth: (rows, cols) state of the filter over frames, updated.
        signal: (rows, cols) filled.
        noisy: (cols,) filled: the RX line has a node far below rest, as charger noise leaves it.
        params: record of settings.parameters.
    """
    p = params[0]
    rows, cols = deltas.shape
    weight = p["raw_filter"]
    for r in range(rows):
        for c in range(cols):
            smooth[r, c] += weight * (float(deltas[r, c]) - smooth[r, c])
            signal[r, c] = smooth[r, c] - baseline[r, c]

    noise = p["noise_threshold"]
    limit = p["common_mode_limit"]
    if limit > 0.0:
        turned = np.empty((cols, rows))
        for r in range(rows):
            for c in range(cols):
                turned[c, r] = signal[r, c]
        levels = np.empty(rows)
        common_levels(turned, noise, limit, levels)
        for r in range(rows):
            for c in range(cols):
                signal[r, c] -= levels[r]

    lowest = np.zeros(cols)
    for r in range(rows):
        for c in range(cols):
            lowest[c] = min(lowest[c], signal[r, c])
    for c in range(cols):
        noisy[c] = lowest[c] < -p["rx_line_filter_threshold"]
    if p["rx_line_filter"] != 0:
        levels = np.empty(cols)
        common_levels(signal, noise, limit, levels)
        for r in range(rows):
            for c in range(cols):
                signal[r, c] -= levels[c]
