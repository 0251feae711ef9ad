from __future__ import annotations

from pathlib import Path

import pytest
from stampbench.bench.records.findings import Figure, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.rig_faults import FAULTS, Settings, run
from stampbench.bench.scenarios.tally import draws_of
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.rig.error import RigError


@pytest.fixture
def tried(tmp_path):
    """Tries some faults with a few lots each; the findings."""

    def tried(*faults, lots=2):
        settings = Settings(lots=lots, coverage_lots=1, faults=list(faults))
        return list(run(settings, seed=1, directory=tmp_path, tell=Progress()))

    return tried


def test_sound_rigs_accept_good_lots_and_reject_bad_ones(tried):
    notes = {one.case: one.note for one in tried("none") if isinstance(one, Trial)}
    for rigs in ("1 rig", "2 rigs"):
        assert notes[f"{rigs}, good lots"] == "2 accept"
        assert notes[f"{rigs}, bad lots"] == "2 reject"
        assert notes[f"{rigs}, shrunk lots"] == "2 reject"


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.named])
def test_a_bad_rig_neither_condemns_good_lots_nor_hides_bad_ones(tried, fault):
    findings = tried(fault, lots=1)
    assert [one.wrong for one in findings if isinstance(one, Trial)] == [0] * 8
    named = next(one for one in findings if isinstance(one, Figure))
    assert (named.name, named.value) == ("faulty rigs named and measured again", 1.0)


def test_there_are_a_dozen_kinds_of_fault_and_more():
    assert sum(bool(fault.named) for fault in FAULTS.values()) >= 12


def test_a_fault_that_a_plan_misspells_is_named(tried):
    with pytest.raises(InputError, match='"mirrored": did you mean "mirror"'):
        tried("mirrored")
    with pytest.raises(InputError, match="unknown field `scal`"):
        RigError.from_mapping({"scal": 0.02}, "lot.toml: appraisers.error")


def test_the_matrix_travels_as_a_plan(project: Path):
    from stampbench.bench.plans.plan import Plan

    plan = Plan.read(project / "fixtures" / "plans" / "rig-faults.toml")
    assert plan.header.scenario == "rig-faults"
    assert draws_of(1)("a").random() == draws_of(1)("a").random()
