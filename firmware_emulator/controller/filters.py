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
        lines: (m, n) counts, a line in each row.
        noise: counts from the level within which a node is untouched.
        limit: largest level that is noise; beyond it the line carries an object.
        levels: (m,) filled.
    """
    m, n = lines.shape
    for k in range(m):
        line = lines[k]
        low = high = line[0]
        for i in range(1, n):
            low, high = min(low, line[i]), max(high, line[i])
        # Bisection for the lower third, to 1/64 of the span: no branch depends on a node, unlike in a sort.
        for _ in range(6):
            middle = 0.5 * (low + high)
            count = 0
            for i in range(n):
                count += 1 if line[i] <= middle else 0
            if 3 * count > n:
                high = middle
            else:
                low = middle
        touched = high + 2.0 * noise
        total = 0.0
        count = 0
        for i in range(n):
            near = abs(line[i] - high) <= noise
            if near and line[max(i - 1, 0)] <= touched and line[min(i + 1, n - 1)] <= touched:
                total += line[i]
                count += 1
        level = total / count if count >= 3 else 0.0
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
        levels = np.empty(rows)
        common_levels(signal, noise, limit, levels)
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
        turned = np.empty((cols, rows))
        for r in range(rows):
            for c in range(cols):
                turned[c, r] = signal[r, c]
        levels = np.empty(cols)
        common_levels(turned, noise, limit, levels)
        for r in range(rows):
            for c in range(cols):
                signal[r, c] -= levels[c]
