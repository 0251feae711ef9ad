"""Search of a lattice family for codes of which one pad has no contact: kernel.

The missing pad is tried at the places of a grid, one of which is within g of the true one; a code within r of
the contacts is then within R = sqrt(r^2 + g^2) of contacts and place together, for the motion that fits the
contacts can be kept. So every such code is among the lattice points that ``lattice_search`` would look up for
that place.

What makes this quick: coordinates are linear in the place w. In a pad order in which the missing pad has slot
j, row k of the basis gives A_k + w conj(b_kj), where A belongs to the contacts and is computed once. And of
the lattice points within reach only those are looked up that lie within r of the contacts themselves: with
the direction of slot j projected out of both, the squared distance is |v|^2 + |a|^2 - 2 |<a, v>|.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.index_arrays import ROUNDING_MM, IndexArrays, middle_of_search, squared_reach
from stampbench.sim.stamps.lattice import Words
from stampbench.sim.stamps.lattice_search import Room, code_at, new_room
from stampbench.sim.stamps.stamp import Floats, Ints


class PlaceLimits(NamedTuple):
    """Where a missing pad can be: its distance from every contact, and the disc that holds all pads (mm)."""

    nearest_mm: float
    farthest_mm: float
    face_radius_mm: float


class _Orders(NamedTuple):
    """The contacts in every pad order.

    The slot of the missing pad, what its place is multiplied by in the first row, the rows with it at 0, and
    the rows without what it could add to them.
    """

    slots: Ints
    first_real: Floats
    first_imaginary: Floats
    real: Floats
    imaginary: Floats
    own_real: Floats
    own_imaginary: Floats


@kernel
def _in_orders(arrays: IndexArrays, contacts: Floats) -> _Orders:
    """Compute the rows of the contacts (n - 1, 2), which are about their centroid."""
    frame = arrays.frame
    count, n = frame.orders.shape
    rows = n - 1
    slots = np.empty(count, np.int64)
    real, imaginary = np.zeros((count, rows)), np.zeros((count, rows))
    own_real, own_imaginary = np.empty((count, rows)), np.empty((count, rows))
    first_real, first_imaginary = np.empty(count), np.empty(count)
    for order in range(count):
        for slot in range(n):
            contact = frame.orders[order, slot]
            if contact == rows:
                slots[order] = slot
                continue
            x = contacts[contact, 0]
            y = contacts[contact, 1]
            for row in range(rows):
                real[order, row] += frame.basis_re[row, slot] * x + frame.basis_im[row, slot] * y
                imaginary[order, row] += frame.basis_re[row, slot] * y - frame.basis_im[row, slot] * x
        # The part along conj(b_j), whose square is (n - 1) / n.
        along_re = along_im = 0.0
        slot = slots[order]
        for row in range(rows):
            re, im = frame.basis_re[row, slot], -frame.basis_im[row, slot]
            along_re += re * real[order, row] + im * imaginary[order, row]
            along_im += re * imaginary[order, row] - im * real[order, row]
        along_re *= n / rows
        along_im *= n / rows
        for row in range(rows):
            re, im = frame.basis_re[row, slot], -frame.basis_im[row, slot]
            own_real[order, row] = real[order, row] - (re * along_re - im * along_im)
            own_imaginary[order, row] = imaginary[order, row] - (re * along_im + im * along_re)
        first_real[order] = frame.basis_re[0, slot]
        first_imaginary[order] = -frame.basis_im[0, slot]
    return _Orders(slots, first_real, first_imaginary, real, imaginary, own_real, own_imaginary)


@kernel
def _middle_of_faces(contacts: Floats, radius: float) -> tuple[float, float, float]:
    """Return a disc x, y, radius that holds the middles of all faces of that radius round the contacts.

    The middles are the lens common to discs round the contacts; its corners are where two rims cross within
    the others, and its sides bulge at most by the sagitta. A negative radius: there is no such face.
    """
    n = contacts.shape[0]
    corners = np.empty((n * (n - 1), 2))
    count = 0
    for i in range(n):
        for j in range(i):
            dx = contacts[i, 0] - contacts[j, 0]
            dy = contacts[i, 1] - contacts[j, 1]
            half = math.sqrt(dx * dx + dy * dy) / 2.0
            if half > radius or half == 0.0:
                continue
            rise = math.sqrt(radius * radius - half * half) / (2.0 * half)
            for side in (-1.0, 1.0):
                x = contacts[j, 0] + dx / 2.0 - side * rise * dy
                y = contacts[j, 1] + dy / 2.0 + side * rise * dx
                inside = True
                for k in range(n):
                    ex = contacts[k, 0] - x
                    ey = contacts[k, 1] - y
                    if ex * ex + ey * ey > radius * radius + 1e-6:
                        inside = False
                if inside:
                    corners[count, 0] = x
                    corners[count, 1] = y
                    count += 1
    if count == 0:
        return 0.0, 0.0, -1.0
    x = corners[:count, 0].mean()
    y = corners[:count, 1].mean()
    reach = 0.0
    for k in range(count):
        reach = max(reach, math.hypot(corners[k, 0] - x, corners[k, 1] - y))
    bulge = radius - math.sqrt(max(0.0, radius * radius - reach * reach))
    return x, y, reach + bulge + 1e-6


@kernel
def _own_distance(
    room: Room, orders: _Orders, order: int, arrays: IndexArrays, square: float, limit: float
) -> float:
    """Return the distance (mm) of the contacts to ``stored`` without its missing pad; -1 if beyond."""
    rows = orders.real.shape[1]
    n = rows + 1
    slot = orders.slots[order]
    size = along_re = along_im = re = im = 0.0
    for row in range(rows):
        v_re = room.stored[0] if row == 0 else room.stored[2 * row - 1]
        v_im = 0.0 if row == 0 else room.stored[2 * row]
        b_re, b_im = arrays.frame.basis_re[row, slot], -arrays.frame.basis_im[row, slot]
        a_re, a_im = orders.own_real[order, row], orders.own_imaginary[order, row]
        size += v_re * v_re + v_im * v_im
        along_re += b_re * v_re + b_im * v_im
        along_im += b_re * v_im - b_im * v_re
        re += a_re * v_re + a_im * v_im
        im += a_re * v_im - a_im * v_re
    along = n / rows
    size -= along * (along_re * along_re + along_im * along_im)
    product = math.sqrt(re * re + im * im)
    if size + square - 2.0 * product > limit * limit + 1e-6:
        return -1.0
    # Summed over the rows: the closed form cancels, and loses half the digits.
    cos = re / product if product > 0.0 else 1.0
    sin = im / product if product > 0.0 else 0.0
    total = 0.0
    for row in range(rows):
        v_re = room.stored[0] if row == 0 else room.stored[2 * row - 1]
        v_im = 0.0 if row == 0 else room.stored[2 * row]
        b_re, b_im = arrays.frame.basis_re[row, slot], -arrays.frame.basis_im[row, slot]
        v_re -= along * (b_re * along_re - b_im * along_im)
        v_im -= along * (b_re * along_im + b_im * along_re)
        a_re, a_im = orders.own_real[order, row], orders.own_imaginary[order, row]
        d_re = v_re - (cos * a_re - sin * a_im)
        d_im = v_im - (cos * a_im + sin * a_re)
        total += d_re * d_re + d_im * d_im
    distance = math.sqrt(total)
    return distance if distance <= limit else -1.0


@kernel
def _coordinates(
    arrays: IndexArrays, orders: _Orders, order: int, w_x: float, w_y: float, out: Floats
) -> None:
    """Fill ``out`` with the canonical coordinates in that order, the missing pad at w."""
    slot = orders.slots[order]
    cos = sin = 0.0
    for row in range(orders.real.shape[1]):
        b_re, b_im = arrays.frame.basis_re[row, slot], -arrays.frame.basis_im[row, slot]
        re = orders.real[order, row] + b_re * w_x - b_im * w_y
        im = orders.imaginary[order, row] + b_re * w_y + b_im * w_x
        if row == 0:
            out[0] = math.sqrt(re * re + im * im)
            cos = re / out[0] if out[0] > 0.0 else 1.0
            sin = -im / out[0] if out[0] > 0.0 else 0.0
        else:
            out[2 * row - 1] = cos * re - sin * im
            out[2 * row] = cos * im + sin * re


@kernel
def _shift_of(off: float, step: int) -> int:
    """Return the way from the nearest point at a step outwards: 0, 2, -2, 4, ... to the query first."""
    shift = step + 1 if step % 2 == 1 else -step
    return shift if off >= 0.0 else -shift


@kernel
def _next_point(steps: Ints, off: Floats, cost: float, limit: float) -> float:
    """Step on to another point within ``limit``: its squared distance in units; -1 if there is none left.

    Args:
        steps: taken on each axis, updated.
        off: what the query is off the nearest point on each axis, in units.
        cost: squared distance of the point that the steps lead to.
        limit: of squared distances.
    """
    for axis in range(off.shape[0] - 1, -1, -1):
        here = off[axis]
        before = here - _shift_of(here, steps[axis])
        after = here - _shift_of(here, steps[axis] + 1)
        further = cost + after * after - before * before
        if further <= limit:
            steps[axis] += 1
            return further
        steps[axis] = 0
        cost += here * here - before * before
    return -1.0


@kernel
def search_missing(
    arrays: IndexArrays,
    words: Words,
    points: Floats,
    limits: PlaceLimits,
    radius_mm: float,
    grid_mm: float,
    codes: Ints,
    distances: Floats,
) -> int:
    """List every code of which all pads but one lie within the radius of the points (n - 1, 2).

    ``codes`` and ``distances`` (mm) receive them, perhaps repeatedly; returns how many, also beyond the room.
    """
    known = points.shape[0]
    contacts = np.empty((known, 2))
    mean_x = points[:, 0].mean()
    mean_y = points[:, 1].mean()
    square = 0.0
    for k in range(known):
        contacts[k, 0] = points[k, 0] - mean_x
        contacts[k, 1] = points[k, 1] - mean_y
        square += contacts[k, 0] ** 2 + contacts[k, 1] ** 2
    face_x, face_y, face_reach = _middle_of_faces(contacts, limits.face_radius_mm)
    if face_reach < 0.0:
        return 0
    face_reach += limits.face_radius_mm
    orders = _in_orders(arrays, contacts)
    room = new_room(arrays)
    axes = room.query.shape[0]
    near, offs = np.empty((2, axes), np.int64), np.empty((2, axes))
    nearest, off, steps = np.empty(axes, np.int64), np.empty(axes), np.empty(axes, np.int64)
    middle = np.empty(axes)
    unit = arrays.unit_mm
    # Once the centroid has followed, a pad that moves by g moves the stamp by sqrt((n - 1) / n) g.
    radius = math.sqrt(radius_mm * radius_mm + known / (known + 1.0) * grid_mm * grid_mm) + ROUNDING_MM
    contacts_x = np.ascontiguousarray(orders.real[:, 0])
    contacts_y = np.ascontiguousarray(orders.imaginary[:, 0])
    step = math.sqrt(3.0) * grid_mm  # of a hexagonal grid, which covers the plane with the fewest places
    count = 0
    lines = math.ceil((face_reach + grid_mm) / (1.5 * grid_mm))
    columns = math.ceil((face_reach + grid_mm) / step) + 1
    for line in range(-lines, lines + 1):
        w_y = face_y + line * 1.5 * grid_mm
        for column in range(-columns, columns + 1):
            w_x = face_x + (column + 0.5 * (line % 2)) * step
            if (w_x - face_x) ** 2 + (w_y - face_y) ** 2 > (face_reach + grid_mm) ** 2:
                continue
            possible = True
            for k in range(known):
                apart = (w_x - contacts[k, 0]) ** 2 + (w_y - contacts[k, 1]) ** 2
                if apart < limits.nearest_mm**2 or apart > limits.farthest_mm**2:
                    possible = False
                    break
            if not possible:
                continue
            best = 0.0
            for order in range(room.scores.shape[0]):
                re = contacts_x[order] + orders.first_real[order] * w_x - orders.first_imaginary[order] * w_y
                im = contacts_y[order] + orders.first_real[order] * w_y + orders.first_imaginary[order] * w_x
                room.scores[order] = re * re + im * im
            for order in range(room.scores.shape[0]):
                best = max(best, room.scores[order])
            best = math.sqrt(best)
            least = best - radius - ROUNDING_MM
            enough = max(0.0, best - 2.0 * radius) ** 2
            norm = math.sqrt(square + known / (known + 1.0) * (w_x * w_x + w_y * w_y))
            for order in range(room.scores.shape[0]):
                if room.scores[order] < enough:
                    continue
                _coordinates(arrays, orders, order, w_x, w_y, room.query)
                gap = middle_of_search(room.query, least, middle)
                limit = squared_reach(norm, room.query[0], radius, gap) / (unit * unit)
                for axis in range(axes):
                    position = middle[axis] / unit
                    for parity in range(2):
                        place = parity + 2 * math.floor((position - parity) / 2.0 + 0.5)
                        near[parity, axis] = place
                        offs[parity, axis] = position - place
                for word in range(words.shape[0]):
                    cost = 0.0
                    for axis in range(axes):
                        cost += offs[words[word, axis], axis] * offs[words[word, axis], axis]
                    if cost > limit:
                        continue
                    for axis in range(axes):
                        nearest[axis] = near[words[word, axis], axis]
                        off[axis] = offs[words[word, axis], axis]
                        steps[axis] = 0
                    while cost >= 0.0:
                        for axis in range(axes):
                            room.places[axis] = nearest[axis] + _shift_of(off[axis], steps[axis])
                            room.stored[axis] = room.places[axis] * unit
                        if room.stored[0] >= least:
                            distance = _own_distance(room, orders, order, arrays, square, radius_mm)
                            if distance >= 0.0:
                                code = code_at(arrays, room.places)
                                if code >= 0:
                                    if count < codes.shape[0]:
                                        codes[count] = code
                                        distances[count] = distance
                                    count += 1
                        cost = _next_point(steps, off, cost, limit)
    return count
