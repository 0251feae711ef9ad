"""The recognisers of a bench-off: ours, and those of others, rebuilt from what they publish.

The others get the best that their methods allow: millimetres, the mean over the longest stretch of reports
in which the same contacts are down, and a limit on their own measure of likeness at which they lose no more
stamps than ours at the stated noise (``FRR``). None of them reads a stamp with a missing pad, and but for the
kd-tree none tries choices among more contacts than pads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from stampbench.bench.dut.python import Recogniser
from stampbench.bench.records.readings import listen
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder import Decoder
from stampbench.sim.decoder.matching import best_matching, pair_distances
from stampbench.sim.stamps.canonical import centred_pads
from stampbench.sim.stamps.codebook import Codebook

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FRR: Final = 0.001
"""Share of genuine stamps, at the stated noise, that every recogniser's limit may lose."""
NEIGHBOURS: Final = 32
"""Codes of the kd-tree that are fitted rigidly."""
_MOST_CONTACTS: Final = 10
_NOISY_STAMPS: Final = 4000
_SEED: Final = 20_261


class Ours:
    """The press decoder of stampbench, report by report."""

    def __init__(self, codebook: Codebook, sigma_mm: float) -> None:
        self._decoder = Decoder(codebook, sigma_mm=sigma_mm)

    def __call__(self, reports: Sequence[TouchReport]) -> int | None:
        """Read one press."""
        return listen(self._decoder, reports, until_decided=True).decision.reading.code


class KdTree:
    """Sorted pair distances in a kd-tree; the nearest codes of every choice of contacts are fitted."""

    def __init__(self, codebook: Codebook, sigma_mm: float) -> None:
        self._count = codebook.pads_per_stamp
        radius_mm = Decoder(codebook, sigma_mm=sigma_mm).acceptance.radius_mm
        self._find = KdTreeReader(pads_of_all(codebook), radius_mm)

    def __call__(self, reports: Sequence[TouchReport]) -> int | None:
        """Read one press."""
        held = held_contacts(reports)
        count = self._count
        if not count <= len(held) <= _MOST_CONTACTS:
            return None
        chosen = np.array(list(itertools.combinations(range(len(held)), count)))
        codes, distances_mm = self._find(held[chosen])
        best = int(distances_mm.argmin())
        return None if codes[best] < 0 else int(codes[best])


class CyclicShifts:
    """As TouchTokens reads (CHI 2016): every cyclic shift of the contacts against every stamp.

    Contacts are sorted round their middle and turned until the first lies on the x axis; the stamp with the
    least mean squared distance over all shifts is the answer.
    """

    def __init__(self, codebook: Codebook, sigma_mm: float) -> None:
        pads = pads_of_all(codebook)
        self._count = pads.shape[1]
        # Any shift of a stamp stands for it; turned by its outermost pad, noise turns it least.
        order = _round_the_middle(pads)
        sizes = np.linalg.norm(_taken(pads, order), axis=2)
        order = _rolled(order, sizes.argmax(axis=1))
        self._stamps = _turned(_taken(pads, order)).reshape(len(pads), -1).astype(np.float32)
        self._squares = np.square(self._stamps).sum(axis=1)
        truth, contacts = noisy(pads, sigma_mm)
        off = _turned(_taken(contacts, order[truth])).reshape(len(truth), -1) - self._stamps[truth]
        self._limit = float(np.quantile(np.square(off).sum(axis=1), 1.0 - FRR))

    def __call__(self, reports: Sequence[TouchReport]) -> int | None:
        """Read one press."""
        held = held_contacts(reports)
        if len(held) != self._count:
            return None
        shifts = _shifts(held).reshape(self._count, -1).astype(np.float32)
        squares = self._squares - 2.0 * (shifts @ self._stamps.T).max(axis=0) + np.square(shifts[0]).sum()
        best = int(squares.argmin())
        return best if squares[best] <= self._limit else None


class FarthestPair:
    """In SnowShoe's manner: the farthest pair sets place and turn, the others must lie in boxes.

    Every stamp is looked at. Where two pairs are nearly the longest each is tried, and both ends of each; of
    several stamps in whose boxes all contacts lie, the nearest is the answer.
    """

    def __init__(self, codebook: Codebook, sigma_mm: float) -> None:
        pads = pads_of_all(codebook)
        self._count = pads.shape[1]
        lengths, others = _on_longest(pads)
        self._codes = lengths.argsort()
        self._lengths, self._others = lengths[self._codes], others[self._codes]
        self._sums = self._others.sum(axis=1)
        self._box_mm = _box_mm(pads, sigma_mm)

    def __call__(self, reports: Sequence[TouchReport]) -> int | None:
        """Read one press."""
        held = held_contacts(reports)
        if len(held) != self._count:
            return None
        best, nearest = None, math.inf
        for length, others in _nearly_longest(held, self._box_mm):
            reach = length - 2.0 * self._box_mm, length + 2.0 * self._box_mm
            first, last = np.searchsorted(self._lengths, reach)
            # Whatever their order, contacts in their boxes have a sum that is near the pads' own.
            off = np.abs(self._sums[first:last] - others.sum(axis=0)).max(axis=1)
            near = first + np.flatnonzero(off <= len(others) * self._box_mm)
            gaps = np.abs(self._others[near, np.newaxis] - others[:, np.newaxis])
            inside = np.asarray((gaps <= self._box_mm).all(axis=3))
            squares = np.square(gaps).sum(axis=3)
            for order in itertools.permutations(range(len(others))):
                pairs = (slice(None), range(len(others)), order)
                fits = np.flatnonzero(inside[pairs].all(axis=1))
                if fits.size:
                    sums = squares[pairs][fits].sum(axis=1)
                    least = int(sums.argmin())
                    if sums[least] < nearest:
                        best, nearest = int(self._codes[near[fits[least]]]), float(sums[least])
        return best


class LongestPairGrid:
    """As tangible-touch reads: the longest pair sets a grid, and the cells of the others are the code.

    A stamp is looked up by its cells, without a look at any other. A contact near the edge of a cell is
    looked for in the next one, too; where the cells stand for several stamps, none is read.
    """

    def __init__(self, codebook: Codebook, sigma_mm: float) -> None:
        pads = pads_of_all(codebook)
        self._count = pads.shape[1]
        self._box_mm = _box_mm(pads, sigma_mm)
        self._pitch_mm = 2.0 * self._box_mm
        lengths, others = _on_longest(pads)
        cells = np.floor(others / self._pitch_mm).astype(np.int64) + 128
        keys = _keys(np.floor(lengths / self._pitch_mm).astype(np.int64), cells[..., 0] * 256 + cells[..., 1])
        self._codes = keys.argsort(kind="stable")
        self._sorted = keys[self._codes]

    def __call__(self, reports: Sequence[TouchReport]) -> int | None:
        """Read one press."""
        held = held_contacts(reports)
        if len(held) != self._count:
            return None
        looked_up = [self._cells(length, others) for length, others in _nearly_longest(held, self._box_mm)]
        keys = np.unique(np.concatenate(looked_up))
        first, last = (np.searchsorted(self._sorted, keys, side) for side in ("left", "right"))
        found = {int(code) for a, b in zip(first, last, strict=True) for code in self._codes[a:b]}
        return found.pop() if len(found) == 1 else None

    def _cells(self, length: float, others: Floats) -> Ints:
        """Return the keys of all cells in which length and contacts may lie."""
        values = np.concatenate([[[length, 0.0]], others])
        low, high = (np.floor((values + side * self._box_mm) / self._pitch_mm) for side in (-1.0, 1.0))
        ends = np.stack([low, high], axis=-1).astype(np.int64)
        (lengths, _), *places = [[np.unique(axis) for axis in place] for place in ends]
        ids = [((x[:, np.newaxis] + 128) * 256 + y + 128).ravel() for x, y in places]
        *grid, all_lengths = np.meshgrid(*ids, lengths, indexing="ij")
        return _keys(all_lengths.ravel(), np.stack([one.ravel() for one in grid], axis=1))


BUILT_IN: Final[Mapping[str, Callable[[Codebook, float], Recogniser]]] = {
    "stampbench": Ours,
    "kd-tree, rigid fit": KdTree,
    "farthest pair, boxes": FarthestPair,
    "cyclic shifts": CyclicShifts,
    "longest-pair grid": LongestPairGrid,
}
"""Makes each for a codebook and its noise (mm per axis and pad)."""


def held_contacts(reports: Sequence[TouchReport]) -> Floats:
    """Return mean places (n, 2), mm, over the longest stretch of reports with the most contacts."""
    most = max((len(report.down) for report in reports), default=0)
    if most == 0:
        return np.empty((0, 2))
    best: list[Floats] = []
    stretch: list[Floats] = []
    ids: tuple[int, ...] = ()
    for report in reports:
        down = sorted(report.down)
        here = tuple(contact.id for contact in down)
        if here != ids:
            stretch, ids = [], here
        stretch.append(np.array([(c.x_mm, c.y_mm) for c in down], np.float64).reshape(-1, 2))
        if len(here) == most and len(stretch) > len(best):
            best = stretch.copy()
    # The first report after a landing may hold a pad that is not fully down.
    mean: Floats = np.mean(best[1:] or best, axis=0)
    return mean


def pads_of_all(codebook: Codebook) -> Floats:
    """Return pads of every code about their centroid, (size, n, 2), mm, made in pieces to spare memory."""
    table = np.empty((codebook.size, codebook.pads_per_stamp, 2))
    for start in range(0, codebook.size, 65_536):
        piece = slice(start, start + 65_536)
        table[piece] = centred_pads(np.asarray(codebook.coordinates[piece], np.float64) * codebook.unit_mm)
    return table


def noisy(pads: Floats, sigma_mm: float) -> tuple[Ints, Floats]:
    """Return codes (m,) and contacts (m, n, 2) of stamps with this noise; always the same ones."""
    rng = np.random.default_rng(_SEED)
    truth = rng.integers(len(pads), size=_NOISY_STAMPS)
    return truth, pads[truth] + rng.normal(0.0, sigma_mm, (_NOISY_STAMPS, *pads.shape[1:]))


def sorted_lengths(pads: Floats) -> npt.NDArray[np.float32]:
    """Return distances between the pads (m, n, 2) of each stamp, ascending, shape (m, n (n - 1) / 2)."""
    first, second = np.triu_indices(pads.shape[1], 1)
    lengths = np.hypot(*np.moveaxis(pads[:, first] - pads[:, second], 2, 0))
    return np.sort(lengths.astype(np.float32), axis=1)


class KdTreeReader:
    """Reads contacts by a kd-tree on sorted pair distances, and fits the nearest codes rigidly.

    Args:
        table: pads of every code, (size, n, 2), mm.
        radius_mm: largest rigid distance that is read.
    """

    def __init__(self, table: Floats, radius_mm: float) -> None:
        pieces = range(0, len(table), 65_536)
        lengths = np.concatenate([sorted_lengths(table[start : start + 65_536]) for start in pieces])
        self._table = table
        self._radius_mm = radius_mm
        self._tree = cKDTree(lengths, balanced_tree=False, compact_nodes=False)
        # Sorted distances differ by at most sqrt(n) times the rigid distance: nothing farther is asked for.
        self._bound = math.sqrt(table.shape[1]) * radius_mm + 1e-3

    def __call__(self, points: Floats) -> tuple[Ints, Floats]:
        """Return codes (m,), -1 where none is near enough, and distances (m,), mm, of contacts (m, n, 2)."""
        table, count = self._table, self._table.shape[1]
        codes, distances = np.full(len(points), -1, np.int64), np.full(len(points), math.inf)
        lengths, wanted = sorted_lengths(points), np.arange(1, NEIGHBOURS + 1)
        near = np.asarray(self._tree.query(lengths, k=wanted, distance_upper_bound=self._bound)[1])
        own, other = np.empty((count, count)), np.empty((count, count))
        matching, motion = np.empty(count, np.int64), np.empty(5)
        for i, contacts in enumerate(points):
            if near[i, 0] == len(table):  # nothing within the bound
                continue
            pair_distances(contacts, own)
            radius = self._radius_mm
            for code in near[i]:
                if code == len(table):
                    break
                pair_distances(table[code], other)
                square = best_matching(contacts, own, table[code], other, radius, 1.0, 1.0, matching, motion)
                if square >= 0.0:
                    radius = math.sqrt(square)
                    codes[i], distances[i] = code, radius
        return codes, distances


def _round_the_middle(contacts: Floats) -> Ints:
    """Return the order (m, n) of contacts (m, n, 2) by their angles round their middle."""
    centred = contacts - contacts.mean(axis=1, keepdims=True)
    return np.arctan2(centred[..., 1], centred[..., 0]).argsort(axis=1)


def _taken(contacts: Floats, order: Ints) -> Floats:
    """Return contacts (m, n, 2) about their middle, in an order (m, n)."""
    centred = contacts - contacts.mean(axis=1, keepdims=True)
    taken: Floats = np.take_along_axis(centred, order[..., np.newaxis], axis=1)
    return taken


def _rolled(order: Ints, first: Ints) -> Ints:
    """Return orders (m, n) that begin at the place ``first`` (m,) of each."""
    count = order.shape[1]
    return np.take_along_axis(order, (first[:, np.newaxis] + np.arange(count)) % count, axis=1)


def _turned(contacts: Floats) -> Floats:
    """Return contacts (..., n, 2) about the origin turned until the first lies on the x axis."""
    z = contacts @ np.array([1.0, 1.0j])
    first = z[..., :1]
    turned = z * np.conj(first) / np.maximum(np.abs(first), 1e-12)
    return np.stack([turned.real, turned.imag], axis=-1)


def _shifts(contacts: Floats) -> Floats:
    """Return contacts (n, 2) in each cyclic order, turned by its first one: (n, n, 2)."""
    order = _round_the_middle(contacts[np.newaxis])[0]
    orders = np.array([np.roll(order, -shift) for shift in range(len(order))])
    return _turned(_taken(np.broadcast_to(contacts, (len(order), *contacts.shape)), orders))


def _on_longest(pads: Floats) -> tuple[Floats, Floats]:
    """Return of stamps (m, n, 2) the length of the longest pair, and the other pads beside it.

    Returns:
        lengths (m,); places (m, n - 2, 2) from the middle of the pair, x along it.
    """
    first, second = np.triu_indices(pads.shape[1], 1)
    gaps = np.hypot(*np.moveaxis(pads[:, first] - pads[:, second], 2, 0))
    longest = gaps.argmax(axis=1)
    others = np.empty((len(pads), pads.shape[1] - 2, 2))
    for pair in range(len(first)):
        chosen = longest == pair
        others[chosen] = _beside(pads[chosen], int(first[pair]), int(second[pair]))
    return gaps.max(axis=1), others


def _beside(pads: Floats, first: int, second: int) -> Floats:
    """Return the other pads of stamps (m, n, 2), from the middle of a pair, x along it."""
    z = pads @ np.array([1.0, 1.0j])
    along = z[:, second] - z[:, first]
    rest = np.delete(z, (first, second), axis=1) - ((z[:, first] + z[:, second]) / 2.0)[:, np.newaxis]
    rest = rest * np.conj(along / np.maximum(np.abs(along), 1e-12))[:, np.newaxis]
    return np.stack([rest.real, rest.imag], axis=-1)


def _nearly_longest(contacts: Floats, box_mm: float) -> list[tuple[float, Floats]]:
    """Return length and other contacts for each pair that may be the longest, each with both ends first."""
    pairs = list(itertools.permutations(range(len(contacts)), 2))
    lengths = [math.dist(contacts[a], contacts[b]) for a, b in pairs]
    return [
        (length, _beside(contacts[np.newaxis], a, b)[0])
        for (a, b), length in zip(pairs, lengths, strict=True)
        if length >= max(lengths) - box_mm
    ]


def _box_mm(pads: Floats, sigma_mm: float) -> float:
    """Return half the box that holds all contacts beside the longest pair of all stamps but ``FRR``."""
    truth, contacts = noisy(pads, sigma_mm)
    first, second = np.triu_indices(pads.shape[1], 1)
    stamps = pads[truth]
    longest = np.hypot(*np.moveaxis(stamps[:, first] - stamps[:, second], 2, 0)).argmax(axis=1)
    worst = np.empty(len(truth))
    for pair in range(len(first)):
        chosen = longest == pair
        ends = int(first[pair]), int(second[pair])
        gaps = np.abs(_beside(contacts[chosen], *ends) - _beside(stamps[chosen], *ends))
        worst[chosen] = gaps.max(axis=(1, 2), initial=0.0)
    return float(np.quantile(worst, 1.0 - FRR))


def _keys(lengths: Ints, cells: Ints) -> Ints:
    """Return one number for each length (m,) and set of cells (m, n), whatever their order."""
    keys = lengths.copy()
    for column in np.sort(cells, axis=1).T:
        keys = keys << 16 | column
    return keys
