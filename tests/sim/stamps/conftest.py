from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from stampbench.sim.stamps import Catalogue, FaceGeometry
from stampbench.sim.stamps.geometry import enclosing_circle


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's cache of families."""
    monkeypatch.setenv("STAMPBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def admits() -> Callable[[FaceGeometry, np.ndarray], bool]:
    """Whether pads (n, 2) keep the spacing and fit in the face, wherever its centre is."""

    def keeps(geometry: FaceGeometry, pads: np.ndarray) -> bool:
        gaps = [math.dist(one, other) for one, other in itertools.combinations(pads, 2)]
        return min(gaps) >= geometry.spacing_mm and enclosing_circle(pads)[1] <= geometry.face_radius_mm

    return keeps


@pytest.fixture(scope="session")
def moved() -> Callable[..., np.ndarray]:
    """Pads somewhere on a panel: turned, shifted, shuffled, and with noise."""

    def move(pads: np.ndarray, rng: np.random.Generator, noise_mm: float = 0.0) -> np.ndarray:
        theta = rng.uniform(0.0, 2.0 * math.pi)
        turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
        placed = pads @ turn.T + rng.uniform(20.0, 60.0, 2) + rng.normal(0.0, noise_mm, pads.shape)
        return rng.permutation(placed)

    return move


@pytest.fixture(scope="session")
def random_catalogue() -> Callable[..., Catalogue]:
    """A catalogue of random stamps, pads 8 mm apart."""

    def make(size: int, pads: int = 5, seed: int = 0) -> Catalogue:
        stamps = FaceGeometry(pads, spacing_mm=8.0).random_pads(np.random.default_rng(seed))
        return Catalogue([f"s{k}" for k in range(size)], [next(stamps) for _ in range(size)])

    return make
