"""Canonical coordinates: pad sets without position, angle and pad order, as points of flat space.

A pad set z in C^n, centred on its centroid, is laid over a fixed template m of unit norm. Its score in a pad
order is ``s = |<m, z>|``; the canonical order has the greatest score, the canonical angle makes ``<m, z>``
real and positive. In a unitary basis (m, v_1, ... v_{n-2}) of the centred sets the first coordinate is then s
and the others are complex: 2 n - 3 real numbers, (s, Re c_1, Im c_1, Re c_2, ...).

For a the coordinates of one set and b those of another, the squared rigid distance in these pad orders is
``|a - b|^2 - 2 Im^2 / (Re + |<a, b>|)``, Re and Im those of ``<a, b>``: nearly Euclidean, shortened in the
one direction in which turning moves a. Scores are 1-Lipschitz in the rigid distance; hence a set within r of
z has its canonical order among those in which z scores at least its best score minus 2 r.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.stamp import Floats

Complexes = npt.NDArray[np.complex128]

TEMPLATES: Final[dict[int, tuple[complex, ...]]] = {
    3: (700 + 0j, -200 + 300j, -500 - 300j),
    4: (700 + 100j, 0 - 150j, -300 + 350j, -400 - 300j),
    5: (716 + 119j, 62 - 63j, -137 + 336j, -410 - 63j, -231 - 329j),
    6: (700 + 150j, 80 - 60j, -150 + 400j, -420 + 50j, -260 - 360j, 50 - 180j),
    7: (700 + 150j, 130 - 60j, -150 + 420j, -450 + 60j, -300 - 330j, 40 - 390j, 30 + 150j),
    8: (700 + 150j, 180 - 80j, -150 + 430j, -470 + 90j, -340 - 300j, 10 - 440j, 40 + 170j, 30 - 20j),
}
"""Asymmetric figures, found by a random search for five pads: high scores, and best orders far apart."""


class Frame(NamedTuple):
    """The template, basis and pad orders for n pads, as arrays that kernels take.

    ``basis_re``, ``basis_im``: shape (n - 1, n), its first row the template; ``orders``: (n!, n) int8,
    identity first.
    """

    basis_re: Floats
    basis_im: Floats
    orders: npt.NDArray[np.int8]


@functools.lru_cache(maxsize=8)
def canonical_frame(pads: int) -> Frame:
    """Return the frame for 3 to 8 pads. Only + - * / and square roots: the same bits on every machine."""
    template = list(TEMPLATES[pads])
    ones = [1.0 + 0j] * pads
    rows: list[list[complex]] = [_unit(ones)]
    candidates = [template, *([0j] * k + [1.0 + 0j] + [0j] * (pads - k - 1) for k in range(pads - 2))]
    for candidate in candidates:
        vector = list(candidate)
        for _ in range(2):  # the second pass removes what rounding left
            for row in rows:
                along = _inner(row, vector)
                vector = [v - along * r for v, r in zip(vector, row, strict=True)]
        rows.append(_unit(vector))
    basis = np.array(rows[1:])
    orders = np.array(list(itertools.permutations(range(pads))), np.int8)
    return Frame(np.ascontiguousarray(basis.real), np.ascontiguousarray(basis.imag), orders)


def _inner(a: list[complex], b: list[complex]) -> complex:
    total = 0j
    for x, y in zip(a, b, strict=True):
        total += x.conjugate() * y
    return total


def _unit(vector: list[complex]) -> list[complex]:
    norm = math.sqrt(sum(v.real * v.real + v.imag * v.imag for v in vector))
    return [complex(v.real / norm, v.imag / norm) for v in vector]


@kernel
def centred(points: Floats, out: Floats) -> float:
    """Fill ``out`` (n, 2) with the points from their centroid; return the squared norm (mm^2)."""
    n = points.shape[0]
    mean_x = 0.0
    mean_y = 0.0
    for k in range(n):
        mean_x += points[k, 0]
        mean_y += points[k, 1]
    mean_x /= n
    mean_y /= n
    square = 0.0
    for k in range(n):
        out[k, 0] = points[k, 0] - mean_x
        out[k, 1] = points[k, 1] - mean_y
        square += out[k, 0] * out[k, 0] + out[k, 1] * out[k, 1]
    return square


@kernel
def score_orders(frame: Frame, centred_points: Floats, scores: Floats) -> float:
    """Fill ``scores`` (n!,) with the score in every pad order (mm); return the best."""
    n = centred_points.shape[0]
    real = np.empty((n, n))
    imaginary = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            x = centred_points[j, 0]
            y = centred_points[j, 1]
            real[i, j] = frame.basis_re[0, i] * x + frame.basis_im[0, i] * y
            imaginary[i, j] = frame.basis_re[0, i] * y - frame.basis_im[0, i] * x
    best = 0.0
    for p in range(frame.orders.shape[0]):
        re = 0.0
        im = 0.0
        for i in range(n):
            j = frame.orders[p, i]
            re += real[i, j]
            im += imaginary[i, j]
        square = re * re + im * im
        scores[p] = square
        best = max(best, square)
    for p in range(frame.orders.shape[0]):
        scores[p] = math.sqrt(scores[p])
    return math.sqrt(best)


@kernel
def coordinates_in_order(frame: Frame, centred_points: Floats, order: int, out: Floats) -> None:
    """Fill ``out`` (2 n - 3,) with the coordinates in one pad order, turned to a real first."""
    n = centred_points.shape[0]
    cos = 1.0
    sin = 0.0
    for row in range(n - 1):
        re = 0.0
        im = 0.0
        for i in range(n):
            j = frame.orders[order, i]
            x = centred_points[j, 0]
            y = centred_points[j, 1]
            re += frame.basis_re[row, i] * x + frame.basis_im[row, i] * y
            im += frame.basis_re[row, i] * y - frame.basis_im[row, i] * x
        if row == 0:
            score = math.sqrt(re * re + im * im)
            out[0] = score
            if score > 0.0:
                cos = re / score
                sin = -im / score
        else:
            out[2 * row - 1] = cos * re - sin * im
            out[2 * row] = cos * im + sin * re


@kernel
def pads_from_coordinates(frame: Frame, coordinates: Floats, out: Floats) -> None:
    """Fill ``out`` (n, 2) with the centred pads of canonical coordinates (2 n - 3,)."""
    n = out.shape[0]
    for i in range(n):
        x = coordinates[0] * frame.basis_re[0, i]
        y = coordinates[0] * frame.basis_im[0, i]
        for row in range(1, n - 1):
            re = coordinates[2 * row - 1]
            im = coordinates[2 * row]
            x += re * frame.basis_re[row, i] - im * frame.basis_im[row, i]
            y += re * frame.basis_im[row, i] + im * frame.basis_re[row, i]
        out[i, 0] = x
        out[i, 1] = y


@kernel
def squared_distance(a: Floats, b: Floats) -> float:
    """Return the squared rigid distance (mm^2) of two sets of canonical coordinates, in that order."""
    size = a[0] * a[0]
    difference = b[0] - a[0]
    square = difference * difference
    re = size + a[0] * difference
    im = 0.0
    for k in range(1, a.shape[0], 2):
        dx = b[k] - a[k]
        dy = b[k + 1] - a[k + 1]
        square += dx * dx + dy * dy
        re += a[k] * b[k] + a[k + 1] * b[k + 1]
        im += a[k] * dy - a[k + 1] * dx
    length = re + math.sqrt(re * re + im * im)
    if length > 0.0:
        square -= 2.0 * im * im / length
    return max(0.0, square)


@kernel
def fill_canonical(frame: Frame, points: Floats, out: Floats) -> None:
    """Fill ``out`` (m, 2 n - 3) with the canonical coordinates of pad sets (m, n, 2)."""
    middle = np.empty(points.shape[1:])
    scores = np.empty(frame.orders.shape[0])
    for row in range(points.shape[0]):
        centred(points[row], middle)
        best = score_orders(frame, middle, scores)
        order = 0
        while scores[order] < best:
            order += 1
        coordinates_in_order(frame, middle, order, out[row])


def canonical_coordinates(points_mm: npt.ArrayLike) -> Floats:
    """Return canonical coordinates of pad sets (m, n, 2), shape (m, 2 n - 3), mm."""
    points = np.ascontiguousarray(points_mm, np.float64)
    out = np.empty((len(points), 2 * points.shape[1] - 3))
    fill_canonical(canonical_frame(points.shape[1]), points, out)
    return out


def centred_pads(coordinates_mm: Floats) -> Floats:
    """Return pads of canonical coordinates (m, 2 n - 3), centred on their centroid; shape (m, n, 2), mm."""
    coordinates = np.atleast_2d(coordinates_mm)
    frame = canonical_frame((coordinates.shape[1] + 3) // 2)
    c = coordinates.astype(np.complex128)[:, ::2].copy()
    c[:, 1:] = coordinates[:, 1::2] + 1j * coordinates[:, 2::2]
    z = c @ (frame.basis_re + 1j * frame.basis_im)
    return np.stack([z.real, z.imag], axis=-1)
