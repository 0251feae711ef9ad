from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import msgspec
import pytest
from stampbench.bench.records.files import FILE_NAME, read_run
from stampbench.bench.records.presses import Outcome
from stampbench.bench.records.readings import judged, listen, press_of, reports_of
from stampbench.bench.runs.changes import changes
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.rereading import Reader, read_again, reread_order
from stampbench.bench.runs.running import run
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.device import Device
from stampbench.sim.panel import Condition, load_profile

from tests.bench.conftest import held, small_plan

PLAN = small_plan(held(4), decoder={"sigma_mm": 0.15})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("rereading")
    run(RunOrder(PLAN, directory, seed=2))
    return read_run(directory)


@pytest.fixture(scope="module")
def reader():
    return Reader(PLAN, 2, {"nexus-5": True})


def again(made, tmp_path, *settings):
    order = dataclasses.replace(reread_order(made.path, settings), directory=tmp_path / "again")
    read_again(order, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    return read_run(order.directory)


def test_same_decoder_reads_the_same(made, tmp_path):
    found = again(made, tmp_path)
    assert found.digest == made.digest
    assert found.header.replay_of == str(made.path.resolve())
    assert found.end.link == {"reread_simulated": 4}
    assert changes(made, found).changed == 0


def test_presses_that_an_older_decoder_read_otherwise_are_told(made, tmp_path):
    old = made.presses[1]
    misread = msgspec.structs.replace(
        old,
        reading=msgspec.structs.replace(old.reading, code=old.code + 1),
        outcome=Outcome.FAILED,
    )
    lines = made.path.read_bytes().splitlines(keepends=True)
    lines[2] = msgspec.json.encode(misread) + b"\n"
    (tmp_path / FILE_NAME).write_bytes(b"".join(lines))
    older = read_run(tmp_path)
    found = again(older, tmp_path, "decoder.sigma_mm=0.16")
    told = changes(older, found)
    assert (told.presses, told.changed) == (4, 1)
    assert told.kinds == {("misread", "read rightly"): 1}
    (change,) = told.first
    assert (change.press, change.before, change.after) == (
        2,
        f"read as {old.code + 1}",
        f"read as {old.code}",
    )
    assert found.header.settings == ["decoder.sigma_mm=0.16"]


def test_recorded_reports_are_read_rather_than_simulated(made, reader):
    """What a real rig said is in its records; nothing of it is made again."""
    old = made.presses[0]
    device = Device(load_profile("nexus-5"), condition=Condition.from_mapping(old.condition))
    said = listen(reader._decoder, device.reports(press_of(old), old.seed), keep=True)
    real = msgspec.structs.replace(judged(old, said), keyframes=[])
    assert reports_of(real)[0].t_us == 0
    found, source = reader.reread(real)
    assert (source, found.reading, found.timing) == ("reports", old.reading, old.timing)


def test_press_that_is_simulated_otherwise_is_read_from_its_contacts(made, reader):
    old = msgspec.structs.replace(made.presses[0], seed=made.presses[0].seed + 1)
    found, source = reader.reread(old)
    assert (source, found.read_right) == ("contacts", True)
    assert found.message == "read from its decisive contacts alone"


def test_press_lost_to_the_bench_stays_lost(reader, make_press):
    lost = make_press(1, outcome=Outcome.ERROR)
    assert reader.reread(lost) == (lost, "kept")


def test_settings_that_change_the_presses_are_refused(made):
    with pytest.raises(InputError, match="other cases: expected the presses of"):
        reread_order(made.path, ["cases.held.kind=foreign"])
