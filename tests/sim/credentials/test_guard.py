from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.sim.credentials.guard import Advance, FirstUse, MemoryGuard, SqliteGuard


@pytest.fixture(params=["memory", "sqlite"])
def guard(request, tmp_path):
    if request.param == "memory":
        yield MemoryGuard()
        return
    made = SqliteGuard(tmp_path / "guard.sqlite")
    yield made
    made.close()


def test_counter_must_grow_and_may_skip(guard):
    assert [guard.advance("tag", counter) for counter in (1, 2, 2, 1, 9, 5, 10)] == [
        True, True, False, False, True, False, True,
    ]  # fmt: skip
    assert guard.advance("another tag", 1)


def test_counter_zero_is_a_counter(guard):
    assert guard.advance("tag", 0)
    assert not guard.advance("tag", 0)


def test_name_is_used_once(guard):
    assert FirstUse("beacon/7/anna").claim(guard)
    assert not FirstUse("beacon/7/anna").claim(guard)
    assert FirstUse("beacon/7/bert").claim(guard)


def test_of_many_at_the_same_time_one_is_accepted(guard):
    threads = 16
    for counter in range(1, 11):
        barrier = threading.Barrier(threads)
        accepted = []

        def press(counter=counter, barrier=barrier, accepted=accepted):
            barrier.wait()
            accepted.append(Advance("tag", counter).claim(guard))
            accepted.append(FirstUse(f"name {counter}").claim(guard))

        running = [threading.Thread(target=press) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        assert sum(accepted) == 2


def test_what_was_accepted_is_remembered_by_the_file(tmp_path):
    path = tmp_path / "guard.sqlite"
    first = SqliteGuard(path)
    assert first.advance("tag", 7)
    first.close()
    again = SqliteGuard(path)
    assert not again.advance("tag", 7)
    again.close()


@given(st.lists(st.integers(0, 1 << 24)))
def test_memory_accepts_exactly_the_records_of_a_sequence(counters):
    guard, highest = MemoryGuard(), -1
    for counter in counters:
        assert guard.advance("tag", counter) is (counter > highest)
        highest = max(highest, counter)


def test_the_file_is_its_owner_s_alone_and_holds_no_names(tmp_path):
    path = tmp_path / "guard.sqlite"
    guard = SqliteGuard(path)
    assert guard.first_use("ble:shop/7/anna marker")
    assert guard.advance("nfc:04marker", 3)
    assert guard.first_use("a lone \ud800 surrogate")
    guard.close()
    assert path.stat().st_mode & 0o077 == 0
    assert b"marker" not in path.read_bytes()
