"""A small codebook in memory, and presses of its stamps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pytest
from stampbench.sim.stamps.canonical import canonical_coordinates
from stampbench.sim.stamps.index_arrays import IndexArrays, grid_arrays

Floats = npt.NDArray[np.float64]
Press = Callable[..., Floats]


@dataclass(frozen=True, eq=False)
class MemoryCodebook:
    """Random stamps, 12 mm between pads, face radius 22 mm, kept apart by ``min_distance_mm``."""

    table: Floats
    min_distance_mm: float
    name: str = "memory"

    @property
    def size(self) -> int:
        return len(self.table)

    @property
    def pads_per_stamp(self) -> int:
        return self.table.shape[1]

    @property
    def unit_mm(self) -> float:
        return 1.0

    @cached_property
    def coordinates(self) -> Floats:
        return canonical_coordinates(self.table)

    def index_arrays(self) -> IndexArrays:
        return grid_arrays(self.coordinates, self.unit_mm)

    def pads(self, code: int) -> Floats:
        return self.table[code]

    def pads_of(self, codes: npt.NDArray[np.int64]) -> Floats:
        return self.table[codes]


def random_stamps(count: int, *, pads: int = 5, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    stamps: list[Floats] = []
    while len(stamps) < count:
        radius = 22.0 * np.sqrt(rng.uniform(size=(4096, pads)))
        angle = rng.uniform(0.0, 2.0 * np.pi, (4096, pads))
        drawn = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2)
        apart = np.hypot(*np.moveaxis(drawn[:, :, None] - drawn[:, None], 3, 0))
        apart[:, range(pads), range(pads)] = np.inf
        stamps += list(drawn[apart.min(axis=(1, 2)) >= 12.0])
    return np.array(stamps[:count])


def codebook_of(count: int, *, pads: int = 5, min_distance_mm: float = 2.7, seed: int = 0) -> MemoryCodebook:
    from stampbench.sim.decoder.reference import exhaustive_distances_mm

    kept: list[Floats] = []
    for stamp in random_stamps(2 * count, pads=pads, seed=seed):
        if not kept or exhaustive_distances_mm(stamp, np.array(kept)).min() >= min_distance_mm:
            kept.append(stamp)
        if len(kept) == count:
            break
    return MemoryCodebook(np.array(kept), min_distance_mm)


def press_of(pads: Floats, rng: np.random.Generator, sigma_mm: float = 0.0) -> Floats:
    """The contacts of a stamp pressed somewhere at some angle, in any order."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    contacts = pads @ turn.T + rng.uniform(20.0, 60.0, 2) + rng.normal(0.0, sigma_mm, pads.shape)
    return contacts[rng.permutation(len(contacts))]


@pytest.fixture(scope="session")
def codebook() -> MemoryCodebook:
    return codebook_of(150)


@pytest.fixture
def press() -> Press:
    return press_of


@pytest.fixture(scope="session")
def make_codebook() -> Callable[..., MemoryCodebook]:
    return codebook_of


@pytest.fixture
def stamps() -> Callable[..., Floats]:
    return random_stamps
