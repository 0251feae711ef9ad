"""Decoding times beside the baselines; run with ``pytest tests/benchmarks --benchmark-only``."""

from __future__ import annotations

import numpy as np
import pytest
from stampbench.bench.perf.decoder import Queries, readers
from stampbench.sim.decoder import Decoder
from stampbench.sim.stamps import load_family

BATCHES = {"ours": 500, "tree": 100, "brute": 5}
"""Queries of a round: compare times by the query, not by the round."""


@pytest.fixture(scope="module")
def decoder():
    return Decoder(load_family("p5-60k"))


@pytest.fixture(scope="module")
def table(decoder):
    return decoder.codebook.pads_of(np.arange(decoder.codebook.size))


@pytest.fixture(scope="module")
def queries(decoder, table):
    return Queries(table, decoder.sigma_mm)


@pytest.mark.benchmark(group="batch of complete stamps, p5-60k")
@pytest.mark.parametrize("reader", BATCHES)
def test_batch(benchmark, decoder, table, queries, reader):
    read, _ = readers(table, decoder)[reader]
    truth, points = queries.genuine(1.0)
    count = BATCHES[reader]
    benchmark.extra_info["queries"] = count
    codes, _ = benchmark(read, points[:count])
    assert np.mean(codes == truth[:count]) > 0.9


@pytest.mark.benchmark(group="one call, p5-60k")
def test_one_complete_stamp(benchmark, decoder, queries):
    truth, points = queries.genuine(0.5)
    assert benchmark(decoder.decode, points[0]).code == truth[0]


@pytest.mark.benchmark(group="one call, p5-60k")
def test_one_stamp_with_a_pad_missing(benchmark, decoder, queries):
    truth, points = queries.genuine(0.5)
    assert truth[0] in benchmark(decoder.decode, points[0, :4]).candidates


@pytest.mark.benchmark(group="one call, p5-60k")
def test_one_stamp_among_fifteen_fingers(benchmark, decoder, queries):
    benchmark(decoder.decode, queries.among_fingers(1, 15)[0])
