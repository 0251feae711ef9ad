from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from stampbench.bench.records.files import FILE_NAME, read_run
from stampbench.bench.runs import running as runs
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.pressing import made_press
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.running import run
from stampbench.firmware_emulator.errors import InputError, LinkError

from tests.bench.conftest import held, small_plan


@pytest.fixture
def order(tmp_path):
    return RunOrder(small_plan(held(4)), tmp_path / "out", seed=3)


class Stopping(Progress):
    """Presses Ctrl-C after some presses."""

    def __init__(self, after):
        self.left = after

    def pressed(self, presses, failed):
        self.left -= presses
        if self.left == 0:
            raise KeyboardInterrupt


def test_header_and_end_tell_when_from_the_clocks_handed_in(order):
    clock = itertools.count(100.0, 2.0)
    end = run(order, clock=lambda: next(clock), now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    recorded = read_run(order.directory)
    assert recorded.header.started_at == "2026-01-02T03:04:05+00:00"
    assert (end.prepare_seconds, end.seconds, end.status) == (2.0, 2.0, "complete")
    assert recorded.end == end
    assert end.link["packets"] > 0


def test_interrupted_run_ends_in_order(order):
    end = run(order, Stopping(after=2))
    assert (end.status, end.presses) == ("interrupted", 2)
    assert len(read_run(order.directory).presses) == 2


def test_bench_that_breaks_ends_the_run_with_what_was_made(order, monkeypatch, make_press):
    def breaking(*_):
        yield made_press(make_press(1), {"lost": 1})
        raise LinkError("the rig is gone")

    monkeypatch.setattr(runs, "_all_presses", breaking)
    end = run(order)
    assert (end.status, end.message, end.presses, end.link) == ("error", "the rig is gone", 1, {"lost": 1})


def test_directory_that_cannot_be_written_is_told(order, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(InputError, match=f"{FILE_NAME}: cannot be written"):
        run(order)


def test_chunks_keep_the_order_and_do_not_mix_profiles():
    plan = small_plan(held(50), profiles=["nexus-5", "elan-11"])
    chunks = list(runs.chunked(plan.presses(), runs.CHUNK, lambda press: press.profile))
    assert [press.index for chunk in chunks for press in chunk] == list(range(1, 101))
    assert all(len({press.profile for press in chunk}) == 1 for chunk in chunks)
    assert max(map(len, chunks)) == runs.CHUNK
