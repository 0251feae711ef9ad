"""Lattice points that are stamps: the raw material of a dense family.

The lattice is construction A (Conway and Sloane, Sphere Packings, Lattices and Groups, chapter 5): integer
vectors whose parities are a word of a binary linear code. For five pads, in 7 dimensions, the [7, 3, 4] code
gives E7, the densest lattice there (density 0.295). Of its points those are kept whose pads are admissible
and in canonical order; they are found by halving boxes of integer vectors and dropping what cannot hold any.

Decisions use + - * / and square roots alone, hence the same points come out on every machine.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.canonical import Frame, canonical_frame, pads_from_coordinates
from stampbench.sim.stamps.geometry import FaceGeometry
from stampbench.sim.stamps.specification import FamilySpec
from stampbench.sim.stamps.stamp import Floats, Ints

Words = npt.NDArray[np.int8]
Points = npt.NDArray[np.int8]

BLOCK_LOG2: Final = 3
"""Boxes of 2^3 units a side are the blocks in which the search is divided among workers."""
LARGEST: Final = 127
"""Coordinates are kept as int8."""


def code_words(dimensions: int) -> tuple[Words, float]:
    """Return words of the code, shape (words, dimensions), and the lattice's minimum distance in units.

    Even weight up to 5 dimensions (D3, D5), then the shortened extended Hamming code of distance 4.
    """
    words = np.array(list(itertools.product((0, 1), repeat=dimensions)), np.int8)
    even = words.sum(axis=1) % 2 == 0
    if dimensions <= 5:
        return words[even], math.sqrt(2.0)
    positions = np.arange(dimensions)
    checks = np.array([(positions >> bit) & 1 for bit in range(4)], np.int8)
    return np.ascontiguousarray(words[even & ((words @ checks.T) % 2 == 0).all(axis=1)]), 2.0


def lattice_unit_mm(spec: FamilySpec) -> float:
    """Return the unit of a family's integer coordinates (mm); 1 where it is not cut from a lattice."""
    if spec.lattice_mm is None:
        return 1.0
    return spec.lattice_mm / code_words(2 * spec.geometry.pads - 3)[1]


@kernel
def fits_face(pads: Floats, radius: float) -> bool:
    """Return whether the pads (n, 2) fit in a disc of that radius: as all triples do (Helly's theorem)."""
    square = radius * radius
    for i in range(pads.shape[0]):
        for j in range(i):
            a = (pads[i, 0] - pads[j, 0]) ** 2 + (pads[i, 1] - pads[j, 1]) ** 2
            if a > 4.0 * square:
                return False
            for k in range(j):
                b = (pads[i, 0] - pads[k, 0]) ** 2 + (pads[i, 1] - pads[k, 1]) ** 2
                c = (pads[j, 0] - pads[k, 0]) ** 2 + (pads[j, 1] - pads[k, 1]) ** 2
                longest = max(a, b, c)
                if a + b + c <= 2.0 * longest:
                    continue  # obtuse: its longest side is the diameter
                cross = (pads[i, 0] - pads[j, 0]) * (pads[i, 1] - pads[k, 1])
                cross -= (pads[i, 1] - pads[j, 1]) * (pads[i, 0] - pads[k, 0])
                if a * b * c > 4.0 * cross * cross * square:
                    return False
    return True


@kernel
def keeps_spacing(pads: Floats, spacing: float) -> bool:
    """Return whether all pads (n, 2) are at least ``spacing`` apart."""
    for i in range(pads.shape[0]):
        for j in range(i):
            if (pads[i, 0] - pads[j, 0]) ** 2 + (pads[i, 1] - pads[j, 1]) ** 2 < spacing * spacing:
                return False
    return True


@kernel
def _rivals(
    frame: Frame, pads: Floats, lead: float, orders: Ints, count: int, out: Ints, products: Floats
) -> int:
    """List pad orders that may score more than the first less ``lead``.

    Return how many, -1 if one surely does.

    One surely does where it scores at least ``lead`` more. ``lead`` = 0 asks about the pads themselves.
    """
    n = pads.shape[0]
    score = 0.0
    for i in range(n):
        for j in range(n):
            x = pads[j, 0]
            y = pads[j, 1]
            products[i, j] = frame.basis_re[0, i] * x + frame.basis_im[0, i] * y
            products[i + n, j] = frame.basis_re[0, i] * y - frame.basis_im[0, i] * x
        score += products[i, i]
    if score + lead <= 0.0:
        return -1
    upper = (score + lead) * (score + lead)
    lower = max(0.0, score - lead) * max(0.0, score - lead)
    kept = 0
    for place in range(count):
        order = orders[place]
        re = 0.0
        im = 0.0
        for i in range(n):
            j = frame.orders[order, i]
            re += products[i, j]
            im += products[i + n, j]
        square = re * re + im * im
        if square >= upper:
            return -1
        if square > lower:
            out[kept] = order
            kept += 1
    return kept


@kernel
def surviving_boxes(
    frame: Frame,
    low: Ints,
    size_log2: int,
    leaf_log2: int,
    unit: float,
    spacing: float,
    radius: float,
    boxes: npt.NDArray[np.int16],
) -> int:
    """Halve a box from 2^size_log2 down to 2^leaf_log2 integers a side; list the boxes that may hold stamps.

    Boxes are given by their low corners. ``boxes`` (room, dimensions) receives as many as there is room for;
    returns how many there are.
    A pad moves by at most the distance that the coordinates move, two pads apart by sqrt(2) of it, and scores
    change by at most as much.
    """
    dimensions = low.shape[0]
    n = frame.orders.shape[1]
    depth_limit = dimensions * (size_log2 - leaf_log2) + 1
    lows = np.empty((depth_limit + 1, dimensions), np.int64)
    levels = np.empty(depth_limit + 1, np.int64)
    rivals = np.empty((depth_limit + 1, frame.orders.shape[0]), np.int64)
    rival_counts = np.empty(depth_limit + 1, np.int64)
    centre = np.empty(dimensions)
    pads = np.empty((n, 2))
    products = np.empty((2 * n, n))
    passed = np.empty(frame.orders.shape[0], np.int64)
    for axis in range(dimensions):
        lows[0, axis] = low[axis]
    levels[0] = 0
    for place in range(frame.orders.shape[0] - 1):
        rivals[0, place] = place + 1
    rival_counts[0] = frame.orders.shape[0] - 1
    top = 1
    found = 0
    while top > 0:
        top -= 1
        # Level l has halved axes 0 .. dimensions - 1 in turn, l times in all.
        level = levels[top]
        reach = 0.0
        for axis in range(dimensions):
            log2 = size_log2 - (level + dimensions - 1 - axis) // dimensions
            half = 0.5 * ((1 << log2) - 1)
            centre[axis] = (lows[top, axis] + half) * unit
            reach += half * half
        reach = math.sqrt(reach) * unit * (1.0 + 1e-9)
        pads_from_coordinates(frame, centre, pads)
        if spacing > 1.4142135624 * reach and not keeps_spacing(pads, spacing - 1.4142135624 * reach):
            continue
        if not fits_face(pads, radius + reach):
            continue
        kept = _rivals(frame, pads, 2.0 * reach, rivals[top], rival_counts[top], passed, products)
        if kept < 0:
            continue
        if level == dimensions * (size_log2 - leaf_log2):
            if found < boxes.shape[0]:
                for axis in range(dimensions):
                    boxes[found, axis] = lows[top, axis]
            found += 1
            continue
        axis = level % dimensions
        half_size = 1 << (size_log2 - level // dimensions - 1)
        for other in range(dimensions):
            lows[top + 1, other] = lows[top, other]
        lows[top, axis] += half_size  # the lower half, on top, is looked at first
        for place in range(top, top + 2):
            levels[place] = level + 1
            rival_counts[place] = kept
            for k in range(kept):
                rivals[place, k] = passed[k]
        top += 2
    return found


@kernel
def points_in_boxes(
    frame: Frame,
    boxes: npt.NDArray[np.int16],
    words: Words,
    unit: float,
    spacing: float,
    radius: float,
    points: Points,
) -> int:
    """List the admissible lattice points in boxes of side 2, those in canonical order; return their number.

    ``points`` (room, dimensions) must have room for one point for each word and box.
    """
    dimensions = boxes.shape[1]
    n = frame.orders.shape[1]
    rivals = np.empty(frame.orders.shape[0] - 1, np.int64)
    for place in range(rivals.shape[0]):
        rivals[place] = place + 1
    passed = np.empty(rivals.shape[0], np.int64)
    products = np.empty((2 * n, n))
    coordinates = np.empty(dimensions)
    pads = np.empty((n, 2))
    found = 0
    for box in range(boxes.shape[0]):
        for word in range(words.shape[0]):
            for axis in range(dimensions):
                coordinates[axis] = (boxes[box, axis] + words[word, axis]) * unit
            pads_from_coordinates(frame, coordinates, pads)
            if (
                keeps_spacing(pads, spacing)
                and fits_face(pads, radius)
                and _rivals(frame, pads, 0.0, rivals, rivals.shape[0], passed, products) == 0
            ):
                for axis in range(dimensions):
                    points[found, axis] = boxes[box, axis] + words[word, axis]
                found += 1
    return found


def blocks(geometry: FaceGeometry, unit_mm: float) -> npt.NDArray[np.int16]:
    """Return low corners (boxes, 2 n - 3) of the boxes of 2^BLOCK_LOG2 units that may hold stamps."""
    frame = canonical_frame(geometry.pads)
    # Pads in a disc of radius R have a norm of at most sqrt(n) R about their centroid.
    largest = math.sqrt(geometry.pads) * geometry.face_radius_mm / unit_mm
    size_log2 = max(BLOCK_LOG2, math.ceil(math.log2(largest)) + 1)
    low = np.full(2 * geometry.pads - 3, -(1 << (size_log2 - 1)), np.int64)
    return _boxes(frame, low, size_log2, BLOCK_LOG2, geometry, unit_mm)


def lattice_points(geometry: FaceGeometry, unit_mm: float, block_lows: npt.NDArray[np.int16]) -> Points:
    """Return lattice points in blocks that are stamps, (points, 2 n - 3), in the order of the search."""
    frame = canonical_frame(geometry.pads)
    words, _ = code_words(block_lows.shape[1])
    found = [np.empty((0, block_lows.shape[1]), np.int8)]
    for low in block_lows:
        boxes = _boxes(frame, low.astype(np.int64), BLOCK_LOG2, 1, geometry, unit_mm)
        points = np.empty((len(boxes) * len(words), block_lows.shape[1]), np.int8)
        count = points_in_boxes(
            frame, boxes, words, unit_mm, geometry.spacing_mm, geometry.face_radius_mm, points
        )
        found.append(points[:count].copy())
    return np.concatenate(found)


def _boxes(
    frame: Frame, low: Ints, size_log2: int, leaf_log2: int, geometry: FaceGeometry, unit_mm: float
) -> npt.NDArray[np.int16]:
    room = 4096
    while True:
        boxes = np.empty((room, len(low)), np.int16)
        count = surviving_boxes(
            frame, low, size_log2, leaf_log2, unit_mm, geometry.spacing_mm, geometry.face_radius_mm, boxes
        )
        if count <= room:
            return boxes[:count]
        room = count
