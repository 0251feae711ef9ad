"""How fast and how right the decoder is, beside two others that read the same queries.

The others: brute force in Numba (every code fitted, its matchings searched depth first within the radius),
and a kd-tree on sorted pair distances whose nearest 32 codes are fitted rigidly, which is the usual way. All
accept the same radius. Rates are per second of one core's time, so that a busy machine does not change them;
single calls are timed by the clock.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import Progress
from stampbench.bench.bench_off.recognisers import (
    NEIGHBOURS,
    KdTreeReader,
    pads_of_all,
    sorted_lengths,
)
from stampbench.bench.perf import Figure
from stampbench.sim.decoder import Decoder
from stampbench.sim.decoder.constellations import FaceLimits
from stampbench.sim.decoder.matching import fit_each
from stampbench.sim.decoder.unknowns import GRID, with_missing_pad
from stampbench.sim.stamps import load_family
from stampbench.sim.stamps.index import index_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Reader = Callable[[Floats], tuple[Ints, Floats]]

FAMILIES = ("p5-60k", "p5-600k", "p5-6m")
NOISES = (0.5, 1.0, 1.5)
"""Error per axis and pad, in units of the noise that the family is designed for."""
QUERIES = 50_000
KD_TREE_QUERIES = 1_000
BRUTE_CODES = 6_000_000
"""Codes that the brute force looks at in all, whatever the family: sets its number of queries."""
CALLS = 2_000
MISSING = 40
"""Stamps with a missing pad that are timed."""
SEED = 20_261


@dataclass(frozen=True, slots=True)
class Score:
    """What one reader made of the queries at one noise.

    Attributes:
        per_s: queries per second.
        correct: share read as their code.
        wrong: share read as another code.
    """

    per_s: float
    correct: float
    wrong: float


def measure(families: Sequence[str] | None = None) -> dict[str, Figure]:
    """Return all figures of the decoder; builds a family first if it is not in the cache.

    Args:
        families: names of families; None: the three that come with stampbench.

    Raises:
        InputError: a family that does not exist.
    """
    names = FAMILIES if families is None else tuple(families)
    figures: dict[str, Figure] = {}
    with Progress(console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("decoder", total=len(names) * (len(NOISES) + 2))
        for name in names:
            progress.update(task, description=name)
            load_family(name)  # builds it, if it has to be
            start = time.perf_counter()
            family = load_family(name)
            decoder = Decoder(family)
            figures[f"{name}.open_s"] = Figure(time.perf_counter() - start, "s")
            table = pads_of_all(family)
            queries = Queries(table, decoder.sigma_mm)
            others = readers(table, decoder)
            progress.advance(task)
            for noise in NOISES:
                figures |= _scores(name, noise, queries, others)
                progress.advance(task)
            figures |= _single(name, decoder, queries)
            progress.advance(task)
    if {"p5-60k", "p5-6m"} <= {*names}:
        rates = [figures[f"{name}.decodes_per_s"].value for name in ("p5-60k", "p5-6m")]
        figures["cost_growth_60k_to_6m"] = Figure(rates[0] / rates[1], "times")
    return figures


def _scores(
    name: str, noise: float, queries: Queries, others: dict[str, tuple[Reader, int]]
) -> dict[str, Figure]:
    """Time every reader on the same queries, as far as it gets."""
    truth, points = queries.genuine(noise)
    scores = {which: _score(reader, truth[:most], points[:most]) for which, (reader, most) in others.items()}
    ours, tree, brute = (scores[which] for which in ("ours", "tree", "brute"))
    tree_name = f"kd-tree on sorted distances, rigid fit of {NEIGHBOURS}"
    brute_name = "brute force in Numba"
    at = f"{name}.noise_{noise:g}"
    figures = {
        f"{at}.decodes_per_s": Figure(ours.per_s, "1/s", tree.per_s, tree_name),
        f"{at}.decodes_per_s_against_brute": Figure(ours.per_s, "1/s", brute.per_s, brute_name),
        f"{at}.correct": Figure(ours.correct, "share", tree.correct, tree_name),
        f"{at}.wrong": Figure(ours.wrong, "share", tree.wrong, tree_name),
        f"{at}.correct_by_brute": Figure(brute.correct, "share"),
        f"{at}.wrong_by_brute": Figure(brute.wrong, "share"),
    }
    if noise == 1.0:
        figures[f"{name}.decodes_per_s"] = figures[f"{at}.decodes_per_s"]
    return figures


def _score(reader: Reader, truth: Ints, points: Floats) -> Score:
    reader(points[:8])  # compiles, and brings the first pages in
    start = time.process_time()
    codes, _ = reader(points)
    taken = time.process_time() - start
    return Score(
        len(points) / taken,
        float(np.mean(codes == truth)),
        float(np.mean((codes != truth) & (codes >= 0))),
    )


def _single(name: str, decoder: Decoder, queries: Queries) -> dict[str, Figure]:
    """Time one call at a time, strangers, and stamps among fingers."""
    _, points = queries.genuine(1.0)
    strangers = queries.strangers(QUERIES // 10)
    among = queries.among_fingers(100, 15)
    start = time.process_time()
    codes, _ = decoder.decode_batch(strangers)
    taken = time.process_time() - start
    one_core_s, all_cores_s = (_quickest_s(decoder, points, threads) for threads in (1, 0))
    limits = FaceLimits.measure(decoder.codebook.pads_of(np.arange(min(decoder.codebook.size, 1_000))))
    fewer = np.ascontiguousarray(points[:MISSING, :-1])
    return {
        f"{name}.decode_call_us": Figure(_median_call_us(decoder, points[:CALLS]), "us"),
        f"{name}.foreign_decodes_per_s": Figure(len(strangers) / taken, "1/s"),
        f"{name}.foreign_read": Figure(float(np.mean(codes >= 0)), "share"),
        f"{name}.threads_decodes_per_s": Figure(
            len(points) / all_cores_s, "1/s", len(points) / one_core_s, "one thread, by the clock as well"
        ),
        f"{name}.one_missing_us": Figure(
            _median_call_us(decoder, fewer),
            "us",
            _median_us(lambda contacts: _by_whole_stamps(decoder, limits, contacts), fewer),
            "whole stamps looked up, the missing pad at each place of a grid",
        ),
        f"{name}.twenty_contacts_ms": Figure(_median_call_us(decoder, among) / 1e3, "ms"),
    }


def _median_call_us(decoder: Decoder, contacts: Floats) -> float:
    return _median_us(decoder.decode, contacts)


def _median_us(call: Callable[[Floats], object], contacts: Floats) -> float:
    call(contacts[0])  # compiles
    taken = []
    for each in contacts:
        start = time.perf_counter_ns()
        call(each)
        taken.append(time.perf_counter_ns() - start)
    return float(np.median(taken)) / 1e3


def _quickest_s(decoder: Decoder, points: Floats, threads: int) -> float:
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        decoder.decode_batch(points, threads)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _by_whole_stamps(decoder: Decoder, limits: FaceLimits, contacts: Floats) -> Ints:
    """Return the codes of which all pads but one fit the contacts, as any index finds them."""
    radius = decoder.acceptance.partial_radius_mm()
    tried = with_missing_pad(contacts, limits, radius)
    codes, _ = index_of(decoder.codebook).within_any(tried, math.hypot(1.0, GRID) * radius)
    return codes


def readers(table: Floats, decoder: Decoder) -> dict[str, tuple[Reader, int]]:
    """Return ours and the baselines, each with the number of queries that it gets through in some seconds."""
    radius = decoder.acceptance.radius_mm
    return {
        "ours": (decoder.decode_batch, QUERIES),
        "tree": (KdTreeReader(table, radius), KD_TREE_QUERIES),
        "brute": (_brute_reader(table, radius), max(BRUTE_CODES // len(table), 3)),
    }


def _brute_reader(table: Floats, radius_mm: float) -> Reader:
    squares = np.empty(len(table))

    def read(points: Floats) -> tuple[Ints, Floats]:
        codes = np.full(len(points), -1, np.int64)
        distances = np.full(len(points), math.inf)
        for i, contacts in enumerate(points):
            fit_each(contacts, table, radius_mm, 1.0, 1.0, squares)
            squares[squares < 0.0] = math.inf
            best = int(squares.argmin())
            if squares[best] < math.inf:
                codes[i], distances[i] = best, math.sqrt(squares[best])
        return codes, distances

    return read


class Queries:
    """Presses of a table's stamps, of strangers, and of stamps among fingers; the same for every reader."""

    def __init__(self, table: Floats, sigma_mm: float) -> None:
        self._table = table
        self._sigma_mm = sigma_mm

    def genuine(self, noise: float) -> tuple[Ints, Floats]:
        """Return codes (m,) and their contacts (m, n, 2), with this many times the design noise."""
        rng = np.random.default_rng([SEED, round(100 * noise)])
        truth = rng.integers(len(self._table), size=QUERIES)
        return truth, _pressed(self._table[truth], noise * self._sigma_mm, rng)

    def strangers(self, count: int) -> Floats:
        """Return admissible objects of no code, drawn evenly: 12 mm between pads, all in a disc of 22 mm."""
        rng = np.random.default_rng([SEED, 1])
        drawn: list[Floats] = []
        while len(drawn) < count:
            radius = 22.0 * np.sqrt(rng.uniform(size=(65_536, 5)))
            angle = rng.uniform(0.0, math.tau, (65_536, 5))
            pads = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2)
            drawn.extend(pads[sorted_lengths(pads)[:, 0] >= 12.0])
        return np.array(drawn[:count])

    def among_fingers(self, count: int, fingers: int) -> Floats:
        """Return stamps on a phone-sized panel, 62 x 110 mm, covered with fingers 12 mm or more apart."""
        rng = np.random.default_rng([SEED, 2])
        pressed = []
        for contacts in self.genuine(1.0)[1][:count]:
            placed = [*(contacts - contacts.mean(axis=0) + (31.0, 40.0))]
            gap = 12.0
            while len(placed) < len(contacts) + fingers:
                finger = rng.uniform((0.0, 0.0), (62.0, 110.0))
                if min(math.dist(finger, other) for other in placed) >= gap:
                    placed.append(finger)
                gap *= 0.999  # a full panel takes no more at the full distance
            pressed.append(rng.permutation(np.array(placed)))
        return np.array(pressed)


def _pressed(pads: Floats, sigma_mm: float, rng: np.random.Generator) -> Floats:
    """Return contacts of stamps (m, n, 2): turned, moved, in any order, each off by the noise."""
    angle = rng.uniform(0.0, math.tau, len(pads))
    cos, sin = np.cos(angle)[:, np.newaxis], np.sin(angle)[:, np.newaxis]
    x, y = pads[..., 0], pads[..., 1]
    contacts = np.stack([cos * x - sin * y, sin * x + cos * y], axis=2)
    contacts += rng.uniform(20.0, 60.0, (len(pads), 1, 2)) + rng.normal(0.0, sigma_mm, pads.shape)
    return rng.permuted(contacts.view(np.complex128), axis=1).view(np.float64).reshape(pads.shape)
