"""From raw deltas to a clean signal: filter over frames, and what each line has in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from firmware_emulator.kernels import kernel

Array = npt.NDArray[np.float64]


@kernel
def common_level(line: Array, noise: float, limit: float) -> float:
    """Return what the untouched nodes of a line have in common, counts; 0 where it cannot be told.

    A stamp touches up to two thirds of a line, always upwards: the lower third still shows the level. Around
    it, the nodes within ``noise`` count, save those beside a touched one, which carry its foot.

    Args:
        line: (n,) counts.
        noise: counts from the level within which a node is untouched.
        limit: largest level that is noise; beyond it the line carries an object.
    """
    n = line.shape[0]
    low = line[0]
    high = line[0]
    for i in range(1, n):
        low = min(low, line[i])
        high = max(high, line[i])
    # Bisection for the lower third, to 1/64 of the span: no branch depends on the data, unlike in a sort.
    for _ in range(6):
        middle = 0.5 * (low + high)
        below = 0
        for i in range(n):
            below += 1 if line[i] <= middle else 0
        enough = 3 * below > n
        high = middle if enough else high
        low = low if enough else middle
    touched = high + 2.0 * noise
    total = 0.0
    count = 0
    for i in range(n):
        left = line[max(i - 1, 0)]
        right = line[min(i + 1, n - 1)]
        quiet = (abs(line[i] - high) <= noise) & (left <= touched) & (right <= touched)
        total += line[i] if quiet else 0.0
        count += 1 if quiet else 0
    if count < 3:
        return 0.0
    level = total / count
    return level if abs(level) <= limit else 0.0


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
        for r in range(rows):
            level = common_level(signal[r], noise, limit)
            for c in range(cols):
                signal[r, c] -= level

    line = np.empty(rows)
    for c in range(cols):
        lowest = 0.0
        for r in range(rows):
            line[r] = signal[r, c]
            lowest = min(lowest, line[r])
        noisy[c] = lowest < -p["rx_line_filter_threshold"]
        if p["rx_line_filter"] != 0:
            level = common_level(line, noise, limit)
            for r in range(rows):
                signal[r, c] = line[r] - level
