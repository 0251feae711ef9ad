from __future__ import annotations

import re
from pathlib import Path

import pytest
from stampbench.bench.rig.check import Finding, Outcome, RigCheck, clauses, closing_line
from stampbench.firmware_emulator.errors import NoHardwareError
from stampbench.firmware_emulator.link.faults import Faults
from stampbench.sim.device import Device, RigDevice
from stampbench.sim.panel import load_profile
from stampbench.sim.rig import RigFaults, VirtualRig, open_channel, served, warmed_up
from stampbench.sim.rig.channels import Channel

from stampbench import firmware_emulator


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tests on a busy machine must not blame the rig for it."""
    monkeypatch.setattr("stampbench.bench.rig.check.TOLERANCE_S", 30.0)


def nexus() -> Device:
    return warmed_up(Device(load_profile("nexus-5")))


def findings(faults: Faults | None = None) -> dict[str, Outcome]:
    device: RigDevice = nexus()
    channel: Channel = open_channel()
    if faults is not None:
        device, channel = RigFaults(faults, seed=3).befall(device, channel)
    with served(device, channel) as port:
        return {finding.clause: finding.outcome for finding in RigCheck(port).run()}


def test_virtual_rig_keeps_every_clause_that_can_be_tried() -> None:
    found = findings()
    assert [clause for clause, outcome in found.items() if outcome is not Outcome.KEPT] == ["S2", "T3"]
    text = (Path(firmware_emulator.__file__).parent / "PROTOCOL.md").read_text(encoding="utf-8")
    assert set(found) == set(re.findall(r"\*\*([A-Z]\d+)\*\*", text))


def test_a_rig_that_was_checked_can_be_checked_again() -> None:
    with served(nexus(), open_channel()) as port:
        first, second = ([finding.outcome for finding in RigCheck(port).run()] for _ in range(2))
    assert Outcome.BROKEN not in first
    assert second == first


def test_broken_clauses_are_named() -> None:
    found = findings(Faults(lose_lift=1.0, repeat_packet=0.2, clock_jump=0.05))
    assert {clause for clause, outcome in found.items() if outcome is Outcome.BROKEN} - {"R7"} == {
        "R2",  # the lift of the last contact is not told
        "R5",
        "S3",
        "T1",
    }


def test_answer_that_never_comes_breaks_its_clauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VirtualRig, "_answer", lambda rig, packet, status, text="": None)
    monkeypatch.setattr("stampbench.bench.rig.check.ANSWER_WITHIN_S", 0.2)
    found = findings()
    assert {found["C1"], found["C3"], found["C5"], found["C8"]} == {Outcome.BROKEN}


def test_port_that_does_not_exist_is_missing_hardware(tmp_path: Path) -> None:
    with pytest.raises(NoHardwareError):
        RigCheck(str(tmp_path / "none")).run()


def test_a_clause_is_explained_in_the_words_of_the_protocol() -> None:
    assert clauses()["P3"] == "A packet before coding must be at most 32768 bytes."
    assert set("PSTRC") == {clause[0] for clause in clauses()}


def test_the_closing_line_counts_and_names_what_is_broken() -> None:
    kept, broken = Finding("P1", Outcome.KEPT), Finding("R3", Outcome.BROKEN, "twice")
    assert closing_line([kept]) == (
        "1 kept, 0 broken, 0 untried: the rig keeps the protocol as far as it was tried"
    )
    assert closing_line([kept, broken]).startswith("1 kept, 1 broken, 0 untried: the rig breaks R3")


def test_what_a_rig_refuses_to_press_is_no_broken_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stampbench.bench.rig.check.OBJECTS", ("p5-60k/no-such",))
    monkeypatch.setattr("stampbench.bench.rig.check.SEVERAL", ("p5-60k/no-such",))
    found = findings()
    assert {found["C8"], found["C10"], found["R2"]} == {Outcome.UNTRIED}
    assert Outcome.BROKEN not in found.values()
