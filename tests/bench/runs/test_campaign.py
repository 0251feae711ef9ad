from __future__ import annotations

import pytest
from stampbench.bench.records.files import read_run
from stampbench.bench.runs.campaign import campaign
from stampbench.bench.runs.merging import merge_records
from stampbench.bench.runs.orders import RunOrder, Shard
from stampbench.bench.runs.pressing import SimulatedPresser
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.running import run
from stampbench.firmware_emulator.errors import InputError

from tests.bench.conftest import foreign, held, small_plan

PLAN = small_plan(
    held(3),
    foreign(3, "random-stamp", "fingers/5", "coin", condition={"noise": 2.0}),
    profiles=["nexus-5", "elan-11"],
)


@pytest.fixture
def make(tmp_path):
    """Makes the presses of the plan one way or another, and reads the records."""

    def make(how, name, *, seed=3, workers=1, presses=None, progress=None):
        plan = PLAN if presses is None else PLAN.with_presses(presses)
        how(RunOrder(plan, tmp_path / name, seed, workers=workers, presses_per_case=presses), progress)
        return read_run(tmp_path / name)

    return make


def lines(run):
    return run.path.read_bytes().splitlines()[1:-1]


def test_campaign_reads_what_a_run_reads_over_the_link(make):
    over_link, in_memory = make(run, "run"), make(campaign, "campaign")
    assert in_memory.digest == over_link.digest
    for result, record in zip(in_memory.presses, over_link.presses, strict=True):
        assert (result.press, result.code, result.outcome) == (record.press, record.code, record.outcome)
        assert (result.timing, result.verdict) == (record.timing, record.verdict)
        assert result.reading.distance_mm == record.reading.distance_mm


def test_press_of_a_campaign_is_made_again_whole(make):
    recorded = make(run, "run")
    presser = SimulatedPresser(PLAN, 3)
    for index in (2, 5, 12):
        again = presser.press(PLAN.press(index))
        assert again.fingerprint == recorded.press(index).fingerprint
        assert again.keyframes == recorded.press(index).keyframes


def test_other_seed_reads_others(make):
    assert make(campaign, "a", presses=1).digest != make(campaign, "b", presses=1, seed=4).digest


def test_number_of_presses_leaves_each_press_as_it_was(make):
    three, two = make(campaign, "three"), make(campaign, "two", presses=2)
    assert two.header.presses_per_case == 2
    assert len(two.presses) == 8
    by_place = {(press.profile, press.case, press.number): press.reading for press in three.presses}
    assert all(by_place[press.profile, press.case, press.number] == press.reading for press in two.presses)


def test_chunks_are_of_one_case_on_one_profile(make, monkeypatch):
    monkeypatch.setattr("stampbench.bench.runs.campaign.CHUNK", 2)
    recorded = make(campaign, "out")
    assert len(lines(recorded)) == 8  # 2 + 1 presses, of two cases on two profiles
    assert [press.press for press in recorded.presses] == list(range(1, 13))


class Stopping(Progress):
    """Presses Ctrl-C after the first chunk."""

    def pressed(self, presses, failed):
        raise KeyboardInterrupt


def test_interrupted_campaign_keeps_what_was_made(make):
    recorded = make(campaign, "out", progress=Stopping())
    assert recorded.end.status == "interrupted"
    assert len(recorded.presses) == 3


@pytest.mark.slow
def test_result_is_the_same_for_two_workers_as_for_one(make, monkeypatch):
    monkeypatch.setattr("stampbench.bench.runs.campaign.CHUNK", 2)
    assert lines(make(campaign, "one")) == lines(make(campaign, "two", workers=2))


@pytest.mark.parametrize("chunk", [2, 5])
def test_parts_of_a_campaign_are_together_the_whole(make, tmp_path, monkeypatch, chunk):
    monkeypatch.setattr("stampbench.bench.runs.campaign.CHUNK", chunk)
    whole = make(campaign, "whole")
    for number in (1, 2, 3):
        campaign(RunOrder(PLAN, tmp_path / f"part{number}", 3, shard=Shard(number, 3)))
    joined = merge_records([tmp_path / f"part{number}" for number in (1, 2, 3)], tmp_path / "joined")
    assert read_run(joined).digest == whole.digest


def test_a_campaign_has_no_line_that_faults_could_befall(tmp_path):
    plan = small_plan(held(3), rig={"faults": {"drop_byte": 0.01}})
    with pytest.raises(InputError, match=r"rig\.faults: a campaign has no link"):
        campaign(RunOrder(plan, tmp_path / "run", 3))
