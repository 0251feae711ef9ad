"""Lots made up press by press, so that judging and certificates are tested on measurements of known truth."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from stampbench.bench.records.files import RunEnd
from stampbench.bench.validation.certificate.certificate import (
    Certificate,
    CertificateCorrection,
    CertificateSampling,
)
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.measuring.records import FILE_NAME, MeasuredPress, MeasurementHeader
from stampbench.bench.validation.plans import ValidationPlan, read_validation_plan

NOMINAL = np.array([[0.0, 18.0], [-15.0, 5.0], [-10.0, -14.0], [4.0, -9.0], [16.0, 8.0]])

ERROR_MM = 0.008

PLAN = """
[lot]
name = "made up"
part = "test stamp"
nominal = "p5-60k/11"
size = 500
cavities = 2
seed = 5

[sampling]
sample = 10
accept = 1

[measurement]
presses = 4
repeats = 2
gauge_stamps = 5

[tolerances]
position_mm = 0.3
level = [0.6, 1.4]
evenness = 0.4
flatness_mm = 0.15

[[appraisers]]
name = "rig A"
[[appraisers]]
name = "rig B"
[[appraisers]]
name = "rig C"
"""


@pytest.fixture(scope="session")
def plan(tmp_path_factory) -> ValidationPlan:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(PLAN)
    return read_validation_plan(path)


@pytest.fixture(scope="session")
def units() -> tuple[Unit, ...]:
    return tuple(Unit(f"S{n}", 1 + n % 2, "nominal", f"S{n}") for n in range(10))


@pytest.fixture(scope="session")
def press_lot(plan, units):
    """Presses of a lot; stamps and rigs differ as told.

    Args:
        stamps: by serial, offsets (5, 2) of its pads.
        missing: by serial, a pad from 1 that makes no contact.
        levels: by serial, a factor (5,) on its levels.
        rigs: by name, a function of true places (n, 2) and a generator, to what it reports.
    """

    def press(*, stamps=None, missing=None, levels=None, rigs=None, noise_mm=0.02, lost=(), seed=7):
        from stampbench.bench.validation.measuring.measuring import planned_presses

        rng = np.random.default_rng(seed)
        made = []
        for planned in planned_presses(plan, units, [one.name for one in plan.appraisers]):
            serial = planned.unit.serial
            pads = NOMINAL + (stamps or {}).get(serial, 0.0)
            level = 0.95 * np.ones(5) * (levels or {}).get(serial, 1.0) + 0.01 * rng.standard_normal(5)
            keep = np.arange(1, 6) != (missing or {}).get(serial, 0)
            angle = rng.uniform(-math.pi, math.pi)
            turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
            places = pads @ turn + rng.uniform(25, 35, 2) + noise_mm * rng.standard_normal((5, 2))
            order = rng.permutation(np.flatnonzero(keep))
            places, level = places[order], level[order]
            if rigs and planned.appraiser.name in rigs:
                places = rigs[planned.appraiser.name](places, rng)
                level = np.resize(level, len(places))
            made.append(
                MeasuredPress(
                    serial=serial,
                    appraiser=planned.appraiser.name,
                    repeat=planned.repeat,
                    press=planned.press,
                    kind=planned.kind,
                    contacts_mm=[tuple(map(float, place)) for place in places],
                    levels=[float(one) for one in level],
                    outcome="lost" if serial in lost else "measured",
                )
            )
        return made

    return press


@pytest.fixture(scope="session")
def measurement_header(plan, units) -> MeasurementHeader:
    from stampbench.bench.records.files import RigIdentity

    return MeasurementHeader(
        format=2,
        plan_path=str(plan.path),
        plan_text=plan.text,
        plan_sha256=hashlib.sha256(plan.text.encode()).hexdigest(),
        seed=plan.seed,
        station="station 1",
        versions={"stampbench": "0.1.0"},
        started_at="2026-03-04T05:06:07+00:00",
        units=[
            {"serial": unit.serial, "cavity": unit.cavity, "nominal": "nominal", "object": "o"}
            for unit in units
        ],
        rigs={
            appraiser.name: RigIdentity(port="virtual", virtual=True, profile="nexus-5", serial_number="VR")
            for appraiser in plan.appraisers
        },
    )


@pytest.fixture(scope="session")
def write_measurements(measurement_header):
    """Writes made-up presses as records into a directory and returns their path."""

    def write(presses, directory) -> Path:
        encoder = msgspec.json.Encoder()
        end = RunEnd(
            status="complete",
            presses=len(presses),
            seconds=1.0,
            prepare_seconds=0.0,
            finished_at="2026-03-04T06:00:00+00:00",
        )
        path = directory / FILE_NAME
        path.write_bytes(
            b"".join(encoder.encode(line) + b"\n" for line in (measurement_header, *presses, end))
        )
        return path

    return write


@pytest.fixture
def make_lot():
    """Makes the certificate of one lot; ``offsets`` by cavity, pad (from 1) are its true errors in x."""

    def make(number, *, offsets=None, decision="accept", suspects=(), rng=None):
        rng = rng or np.random.default_rng(number)
        corrections = [
            CertificateCorrection(
                cavity=cavity,
                pad=pad,
                offset_mm=(
                    (offsets or {}).get((cavity, pad), 0.0) + ERROR_MM * rng.standard_normal(),
                    ERROR_MM * rng.standard_normal(),
                ),
                correction_mm=(0.0, 0.0),
                uncertainty_mm=2 * ERROR_MM,
                n=20,
                significant=False,
                sentence="",
            )
            for cavity in (1, 2)
            for pad in range(1, 6)
        ]
        return Certificate(
            format=1,
            lot=f"L{number:03d}",
            part="stamp",
            vendor="",
            date="2026-01-01",
            measured_at=f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00+00:00",
            station="s",
            software={},
            decision=decision,
            reasons=["made up"],
            sampling=CertificateSampling(
                lot_size=500,
                aql=1.0,
                level="II",
                severity="normal",
                letter="H",
                sample=50,
                accept=1,
                reject=2,
            ),
            tolerances={"position_mm": 0.3, "gauge": 0.3},
            rigs=[],
            nominal_mm=[],
            stamps=[],
            dimensions=[],
            gauge=None,
            suspects=list(suspects),
            corrections=corrections,
            scatter_mm=0.03,
            systematic_mm=0.01,
            presses=0,
            lost=0,
            plan_sha256="",
            measurements_sha256="",
        )

    return make
