"""A recogniser as a function that an installed package brings along."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from stampbench.bench.dut import python
from stampbench.bench.judging.assessment import Verdict, assess
from stampbench.bench.records.presses import Outcome

import stampbench as sb

THEIRS = """
import stampbench as sb
decoder = sb.Decoder(sb.load_family("p5-60k"), sigma_mm=0.15)
calls = 0
def read(reports):
    global calls
    calls += 1
    fullest = max(reports, key=lambda report: len(report.down))
    code = decoder.decode([(c.x_mm, c.y_mm) for c in fullest.down]).code
    return {}
"""


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str, name: str) -> None:
    """Install a package with one recogniser, as far as the bench can see."""
    (folder / f"{name}.py").write_text(THEIRS.format(answer))
    monkeypatch.syspath_prepend(str(folder))
    entry_point = EntryPoint("theirs", f"{name}:read", python.ENTRY_POINT_GROUP)
    monkeypatch.setattr(python, "installed_recognisers", lambda: {"theirs": entry_point})


def plan(**dut: object) -> sb.Plan:
    return sb.Plan.of(
        {
            "plan": {"name": "dut", "family": "p5-60k", "seed": 3, "profiles": ["nexus-5"]},
            "decoder": {"sigma_mm": 0.15},
            "dut": {"kind": "python", "recogniser": "theirs", "timeout_s": 20.0, **dut},
            "cases": [{"name": "held", "kind": "genuine", "presses": 4}],
            "limits": [{"measurement": "frr", "max": 0.5}],
        }
    )


def test_its_answers_are_judged(monkeypatch, tmp_path) -> None:
    installed(monkeypatch, tmp_path, "code", "theirs_reads")
    run = sb.run(plan(), out=tmp_path / "run")
    assert all(press.read_right for press in run.presses)
    assert assess(plan(), run).verdict is Verdict.PASSED


def test_names_of_stamps_become_codes(monkeypatch, tmp_path) -> None:
    installed(monkeypatch, tmp_path, '"S1"', "theirs_names")
    run = sb.run(plan(codes={"S1": 7}), out=tmp_path / "run")
    assert [press.reading.code for press in run.presses] == [7] * 4


def test_one_that_raises_fails_no_stamp_and_is_begun_anew(monkeypatch, tmp_path) -> None:
    installed(monkeypatch, tmp_path, "code if calls != 2 else 1 / 0", "theirs_raises")
    run = sb.run(plan(), out=tmp_path / "run")
    assert [press.outcome for press in run.presses] == [
        Outcome.PASSED,
        Outcome.ERROR,
        Outcome.PASSED,
        Outcome.PASSED,
    ]
    assert "the recogniser raised ZeroDivisionError" in run.presses[1].message


@pytest.mark.parametrize("answer", ["True", "-3", "2.5", "[1]"])
def test_what_is_no_code_is_a_fault_of_the_bench(monkeypatch, tmp_path, answer) -> None:
    installed(monkeypatch, tmp_path, answer, f"theirs_says_{len(answer)}{answer[0].strip('-[')}")
    run = sb.run(plan(), out=tmp_path / "run")
    assert {press.outcome for press in run.presses} == {Outcome.ERROR}


def test_one_that_is_not_installed_is_told_ahead_of_the_run(tmp_path) -> None:
    with pytest.raises(sb.InputError, match="recogniser 'theirs': no entry point of"):
        sb.run(plan(), out=tmp_path / "run")
