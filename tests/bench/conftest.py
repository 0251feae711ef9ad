"""Runs made up press by press, so that measurements and reports are tested on records of known truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import FILE_NAME, FORMAT, RecordWriter, RigIdentity, RunEnd, RunHeader
from stampbench.bench.records.presses import ContactRecord, Outcome, PressRecord, ReadingRecord, Timing

PLAN = """
[plan]
name = "made up"
family = "p5-60k"
seed = 4
profiles = ["nexus-5"]

[[cases]]
name = "held"
kind = "genuine"
presses = 4

[[cases]]
name = "foreign"
kind = "foreign"
stamps = ["coin"]
presses = 2

[[limits]]
measurement = "frr"
max = 0.5

[[limits]]
measurement = "far"
max = 0.5
confident = true
"""


def small_plan(*cases: dict[str, Any], profiles: Sequence[str] = ("nexus-5",), **tables: Any) -> Plan:
    """Return a plan of stamps of p5-60k on one panel, or some."""
    head = {"name": "made up", "family": "p5-60k", "profiles": list(profiles)}
    return Plan.of({"plan": head, "cases": list(cases), **tables}, Path("made-up.toml"))


def held(presses: int, **settings: Any) -> dict[str, Any]:
    """Return a case of stamps that are held as usual."""
    return {"name": "held", "kind": "genuine", "presses": presses, **settings}


def foreign(presses: int, *stamps: str, **settings: Any) -> dict[str, Any]:
    """Return a case of other objects: coins, if none are named."""
    named = list(stamps or ("coin",))
    return {"name": "foreign", "kind": "foreign", "stamps": named, "presses": presses, **settings}


MakePress = Callable[..., PressRecord]
WriteRun = Callable[..., Path]


@pytest.fixture
def make_press() -> MakePress:
    """Builds one press; by default a genuine one read as its code after 60 ms."""

    def make(
        number: int,
        *,
        kind: str = "genuine",
        case: str | None = None,
        profile: str = "nexus-5",
        code: int | None = 7,
        read: int | None = 7,
        verdict: str = "read",
        decided_ms: float | None = 60.0,
        distance_mm: float | None = 0.2,
        margin_mm: float | None = 1.5,
        outcome: Outcome | None = None,
        message: str = "",
    ) -> PressRecord:
        right = (verdict == "read" and read == code) if kind == "genuine" else verdict != "read"
        return PressRecord(
            press=number,
            profile=profile,
            case=case or ("held" if kind == "genuine" else "foreign"),
            kind=kind,  # type: ignore[arg-type]
            number=number,
            object=f"p5-60k/{code}" if kind == "genuine" else "coin",
            code=code if kind == "genuine" else None,
            seed=1000 + number,
            condition={"noise": 1.0},
            keyframes=[
                (0.0, 30.0, 50.0, 0.5, 0.0, 1.0, 0.0, 0.0),
                (2e5, 30.0, 50.0, 0.5, 1.0, 1.0, 0.0, 0.0),
            ],
            outcome=outcome or (Outcome.PASSED if right else Outcome.FAILED),
            message=message,
            reading=ReadingRecord(
                code=read if verdict == "read" else None,
                verdict=verdict,
                distance_mm=distance_mm,
                margin_mm=margin_mm,
                pose=(30.0, 50.0, 0.5) if verdict == "read" else None,
            ),
            timing=Timing(
                first_contact_us=20_000,
                all_pads_us=40_000,
                decided_us=None if decided_ms is None else 20_000 + round(decided_ms * 1000),
                reports=5,
            ),
            contacts=[ContactRecord(id=i, x_mm=20.0 + 5 * i, y_mm=45.0 + 2 * i) for i in range(5)],
            decisive_us=80_000,
        )

    return make


@pytest.fixture
def header() -> RunHeader:
    """Header of a made-up run of PLAN."""
    import hashlib

    return RunHeader(
        format=FORMAT,
        plan_path="made-up.toml",
        plan_text=PLAN,
        plan_sha256=hashlib.sha256(PLAN.encode()).hexdigest(),
        seed=4,
        versions={"stampbench": "0.1.0", "python": "3.11.0"},
        station="bench-1",
        profiles=["nexus-5"],
        rigs={"nexus-5": RigIdentity(port="virtual", virtual=True, serial_number="VR-1", profile="nexus-5")},
        workers=1,
        started_at="2026-01-02T03:04:05+00:00",
    )


@pytest.fixture
def write_run(tmp_path: Path, header: RunHeader) -> WriteRun:
    """Writes a made-up run into a directory and returns that directory."""

    def write(presses: Sequence[PressRecord], *, status: str | None = "complete", message: str = "") -> Path:
        (tmp_path / "run" / FILE_NAME).unlink(missing_ok=True)
        with RecordWriter(tmp_path / "run" / FILE_NAME) as writer:
            writer.write(header)
            for press in presses:
                writer.write(press)
            if status is not None:
                writer.write(
                    RunEnd(
                        status=status,  # type: ignore[arg-type]
                        presses=len(presses),
                        seconds=2.5,
                        prepare_seconds=1.0,
                        finished_at="2026-01-02T03:04:08+00:00",
                        message=message,
                    )
                )
        return tmp_path / "run"

    return write
