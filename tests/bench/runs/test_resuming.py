from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from stampbench.bench.judging.assessment import assess
from stampbench.bench.records.files import FILE_NAME, read_run
from stampbench.bench.report.subject import plan_of
from stampbench.bench.runs.orders import RunOrder, Shard
from stampbench.bench.runs.pressing import made_press
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.resuming import resumed
from stampbench.bench.runs.running import record_run
from stampbench.firmware_emulator.errors import InputError

from tests.bench.conftest import foreign, held, small_plan

PLAN = small_plan(held(5), foreign(2), profiles=["nexus-5", "elan-11"])


@pytest.fixture
def run_up(make_press):
    """Runs an order whose presses are made up; their readings depend on plan, seed and number alone."""

    def run(order):
        made = (
            made_press(
                make_press(
                    planned.index,
                    kind=planned.case.kind,
                    verdict="read" if planned.case.kind == "genuine" else "foreign",
                    profile=planned.profile,
                    distance_mm=planned.index / 100,
                ),
                {"packets": 3},
            )
            for planned in order.presses()
        )
        clock = iter(range(1000))
        record_run(
            order,
            {},
            made,
            Progress(),
            begun_s=0.0,
            clock=lambda: float(next(clock)),
            now=lambda: datetime(2026, 1, 2, tzinfo=UTC),
        )
        return order.directory

    return run


def assessed(directory):
    run = read_run(directory)
    return assess(plan_of(run), run)


def presses(directory):
    lines = (directory / FILE_NAME).read_bytes().splitlines()
    return [line for line in lines if b'"line":"press"' in line]


def test_run_that_was_killed_anywhere_goes_on_to_the_same_records(run_up, tmp_path):
    whole = run_up(RunOrder(PLAN, tmp_path / "whole", seed=4))
    text = (whole / FILE_NAME).read_bytes()
    head = text.index(b"\n") + 1
    for length in range(head, len(text) - 300, 397):
        (tmp_path / "cut").mkdir(exist_ok=True)
        (tmp_path / "cut" / FILE_NAME).write_bytes(text[:length])
        run_up(resumed(tmp_path / "cut", port="virtual"))
        assert presses(tmp_path / "cut") == presses(whole)
        run = read_run(tmp_path / "cut")
        assert run.end is not None
        assert (run.end.status, run.sessions, run.cut) == ("complete", 2, False)


def test_interrupted_run_goes_on_and_adds_up_its_sessions(run_up, tmp_path):
    whole = run_up(RunOrder(PLAN, tmp_path / "whole", seed=4))
    lines = (whole / FILE_NAME).read_bytes().splitlines(keepends=True)
    end = lines[-1].replace(b'"complete"', b'"interrupted"').replace(b'"presses":14', b'"presses":3')
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / FILE_NAME).write_bytes(b"".join([*lines[:4], end]))
    run_up(resumed(tmp_path / "cut", port="virtual"))
    run = read_run(tmp_path / "cut")
    assert presses(tmp_path / "cut") == presses(whole)
    assert run.end is not None
    assert (run.end.presses, run.sessions) == (14, 2)
    assert run.end.link == {"packets": 14 * 3 + 11 * 3}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"plan": small_plan(held(6))}, "begun with plan"),
        ({"seed": 5}, "begun with seed 4, now 5: expected the same"),
    ],
)
def test_changed_plan_or_seed_is_refused(run_up, tmp_path, change, expected):
    directory = run_up(RunOrder(PLAN, tmp_path / "run", seed=4))
    path = directory / FILE_NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    before = path.read_bytes()
    with pytest.raises(InputError, match=expected):
        resumed(directory, port="virtual", **change)
    assert path.read_bytes() == before


def test_run_of_another_version_is_refused(run_up, tmp_path):
    directory = run_up(RunOrder(PLAN, tmp_path / "run", seed=4))
    path = directory / FILE_NAME
    header = msgspec.structs.replace(read_run(directory).header, versions={"stampbench": "0.0.1"})
    path.write_bytes(msgspec.json.encode(header) + b"\n")
    with pytest.raises(InputError, match=r"begun with stampbench 0\.0\.1, now"):
        resumed(directory, port="virtual")


def test_complete_run_is_refused(run_up, tmp_path):
    with pytest.raises(InputError, match="the run is complete"):
        resumed(run_up(RunOrder(PLAN, tmp_path / "run", seed=4)), port="virtual")


def test_other_rig_is_refused(run_up, tmp_path, header):
    from stampbench.bench.runs.resuming import reopened

    directory = run_up(RunOrder(PLAN, tmp_path / "run", seed=4))
    path = directory / FILE_NAME
    begun = msgspec.structs.replace(read_run(directory).header, rigs=header.rigs)
    path.write_bytes(msgspec.json.encode(begun) + b"\n")
    other = {"nexus-5": msgspec.structs.replace(header.rigs["nexus-5"], serial_number="VR-2")}
    with pytest.raises(InputError, match="begun with a rig whose serial number is VR-1, now VR-2"):
        reopened(resumed(directory, port="virtual"), other, lambda: datetime(2026, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("of", [1, 2, 3, 20])
def test_parts_hold_every_press_once(of, block, tmp_path):
    shards = [Shard(number, of, block) for number in range(1, of + 1)]
    for total in (0, 1, 5, 6, 7, 14):
        taken = [[index for index in range(1, total + 1) if shard.takes(index)] for shard in shards]
        assert sorted(index for part in taken for index in part) == list(range(1, total + 1))
        assert [shard.size(total) for shard in shards] == [len(part) for part in taken]
    orders = [RunOrder(PLAN, tmp_path, seed=4, shard=shard) for shard in shards]
    assert [order.size for order in orders] == [len(list(order.presses())) for order in orders]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0", "1", "1/2/3", "a/b", "-1/2", "1 / 2"])
def test_part_that_is_none_is_told(text):
    with pytest.raises(InputError, match=r"expected I/N with 1 <= I <= N, such as 2/3"):
        Shard.parse(text)


def test_joined_parts_are_the_whole_run(run_up, tmp_path):
    from stampbench.bench.runs.merging import merge_records

    whole = run_up(RunOrder(PLAN, tmp_path / "whole", seed=4))
    parts = [
        run_up(RunOrder(PLAN, tmp_path / f"part-{number}", seed=4, shard=Shard(number, 3)))
        for number in (1, 2, 3)
    ]
    merge_records([parts[2], parts[0], parts[1]], tmp_path / "joined")
    assert presses(tmp_path / "joined") == presses(whole)
    joined, unbroken = read_run(tmp_path / "joined"), read_run(whole)
    assert joined.digest == unbroken.digest
    assert joined.end is not None
    assert (joined.end.status, joined.end.presses) == ("complete", 14)
    assessment = assessed(tmp_path / "joined")
    assert assessment.planned == 14


def test_run_of_which_a_part_is_missing_is_no_whole(run_up, tmp_path):
    from stampbench.bench.runs.merging import merge_records

    part = run_up(RunOrder(PLAN, tmp_path / "part", seed=4, shard=Shard(2, 3)))
    merge_records([part], tmp_path / "joined")
    assessment = assessed(tmp_path / "joined")
    assert assessment.reason == "stopped after 5 of 14 presses"


def test_part_alone_is_reported_as_the_part_it_is(run_up, tmp_path):
    part = run_up(RunOrder(PLAN, tmp_path / "part", seed=4, shard=Shard(3, 3)))
    assessment = assessed(part)
    assert (assessment.planned, assessment.verdict.value) == (4, "passed")


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (RunOrder(PLAN, Path("b"), seed=5, shard=Shard(2, 2)), "seed 5, in .* 4: expected parts of one run"),
        (RunOrder(PLAN, Path("b"), seed=4, shard=Shard(2, 3)), "part 2 of 3, but .* is one of 2"),
        (RunOrder(PLAN, Path("b"), seed=4, shard=Shard(1, 2)), "part 1 of 2, as .*: expected each once"),
    ],
)
def test_parts_of_different_runs_are_refused(run_up, tmp_path, second, expected):
    import dataclasses

    from stampbench.bench.runs.merging import merge_records

    parts = [
        run_up(RunOrder(PLAN, tmp_path / "a", seed=4, shard=Shard(1, 2))),
        run_up(dataclasses.replace(second, directory=tmp_path / "b")),
    ]
    with pytest.raises(InputError, match=expected):
        merge_records(parts, tmp_path / "joined")
    with pytest.raises(InputError, match="one of the parts lies there"):
        merge_records(parts[:1], tmp_path / "a")
