from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from bench.report.chart_pictures import draw_charts
from bench.validation.certificate import (
    Certificate,
    CertificateCorrection,
    CertificateSampling,
    certificate_bytes,
)
from bench.validation.seal import sealed
from bench.validation.watching import BASELINE_LOTS, CERTIFICATE_NAME, Watcher
from firmware_emulator.errors import InputError

ERROR_MM = 0.008


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


@pytest.fixture
def put(tmp_path):
    """Writes a lot into the station's directory."""

    def put(certificate):
        path = tmp_path / "lots" / certificate.lot / CERTIFICATE_NAME
        path.parent.mkdir(parents=True)
        path.write_bytes(sealed(certificate_bytes(certificate), ".jsonl"))
        return path

    return put


def test_good_lots_raise_no_alarm(make_lot, put, tmp_path):
    for number in range(20):
        put(make_lot(number))
    watcher = Watcher(tmp_path)
    assert watcher.look() == []
    assert (watcher.station.lots, len(watcher.station.series())) == (20, 20)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_drifting_pad_is_heard_before_its_limit_is_crossed(make_lot, put, tmp_path, sign):
    watcher = Watcher(tmp_path)
    first = None
    for number in range(30):
        drift = sign * 0.01 * max(0, number - 8)
        put(make_lot(number, offsets={(2, 4): drift}))
        if alarms := watcher.look():
            first = number
            break
    assert first is not None
    assert abs(drift) < 0.12  # the limit is 0.3 less three times the scatter: 0.21
    assert [alarm.kind for alarm in alarms] == ["drift"]
    assert "cavity 2, pad 4 x moves" in alarms[0].text
    assert "lots away at this pace" in alarms[0].text


def test_a_cavity_that_always_was_off_is_no_drift(make_lot, put, tmp_path):
    for number in range(15):
        put(make_lot(number, offsets={(1, 3): 0.12}))
    assert Watcher(tmp_path).look() == []


def test_rejected_lots_tighten_inspection(make_lot, put, tmp_path):
    put(make_lot(0))
    put(make_lot(1, decision="reject"))
    put(make_lot(2, decision="measure again"))
    put(make_lot(3, decision="reject", suspects=["rig B scatters"]))
    alarms = Watcher(tmp_path).look()
    assert [(alarm.kind, alarm.subject) for alarm in alarms] == [
        ("lot", "L001"),
        ("lot", "L002"),
        ("lot", "L003"),
        ("inspection", "L003"),
        ("gauge", "L003"),
    ]
    assert alarms[3].text == "inspection of the next lot is tightened"


def test_only_what_is_new_is_looked_at(make_lot, put, tmp_path):
    watcher = Watcher(tmp_path)
    assert watcher.look() == []
    put(make_lot(0, decision="reject"))
    assert len(watcher.look()) == 1
    assert watcher.look() == []


def test_a_changed_certificate_is_an_alarm(make_lot, put, tmp_path):
    path = put(make_lot(0))
    path.write_bytes(path.read_bytes().replace(b"made up", b"made it"))
    alarms = Watcher(tmp_path).look()
    assert [(alarm.kind, "a byte was changed" in alarm.text) for alarm in alarms] == [("seal", True)]


def test_lots_are_taken_in_the_order_in_which_they_were_measured(make_lot, put, tmp_path):
    for number in (5, 1, 3):
        put(make_lot(number))
    watcher = Watcher(tmp_path)
    watcher.look()
    assert watcher.station.series()[0].lots == ("L001", "L003", "L005")


def test_a_directory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        Watcher(tmp_path / "none")


def test_charts_are_drawn_with_the_farthest_first(make_lot, put, tmp_path):
    for number in range(BASELINE_LOTS + 8):
        put(make_lot(number, offsets={(2, 4): 0.02 * max(0, number - 5)}))
    watcher = Watcher(tmp_path)
    watcher.look()
    draw_charts(watcher.station.series(), tmp_path / "charts.svg")
    text = (tmp_path / "charts.svg").read_text()
    assert text.index("cavity 2, pad 4 x") < text.index("cavity 1")
    with pytest.raises(InputError, match="expected a file name that ends in"):
        draw_charts([], tmp_path / "charts.gif")


def test_a_run_worse_than_those_before_it_is_an_alarm(tmp_path, header, make_press):
    from bench.records.files import RecordWriter, RunEnd

    for number, missed in enumerate((0, 1, 12)):
        with RecordWriter(tmp_path / f"run{number}" / "records.jsonl") as writer:
            writer.write(msgspec.structs.replace(header, started_at=f"2026-01-0{number + 1}T00:00:00+00:00"))
            for place in range(1, 61):
                bad = {"verdict": "foreign", "read": None} if place <= missed else {}
                writer.write(make_press(place, **bad))
            writer.write(
                RunEnd(status="complete", presses=60, seconds=1, prepare_seconds=0, finished_at="2026-01-01")
            )
    alarms = Watcher(tmp_path).look()
    assert [(alarm.kind, alarm.subject) for alarm in alarms] == [("run", "run2")]
    assert "frr is 12 of 60, before 1 of 120" in alarms[0].text


def test_a_run_that_goes_on_is_waited_for(tmp_path, header, make_press):
    from bench.records.files import RecordWriter

    with RecordWriter(tmp_path / "run" / "records.jsonl") as writer:
        writer.write(header)
        writer.write(make_press(1))
    watcher = Watcher(tmp_path)
    watcher.look()
    assert watcher.station.runs == 0


def test_summary_is_json(make_lot, put, tmp_path):
    from bench.cli.watch import _summary

    put(make_lot(0))
    put(make_lot(1))
    watcher = Watcher(tmp_path)
    answer = json.loads(json.dumps(_summary(watcher, watcher.look())))
    assert (answer["lots"], len(answer["series"]), answer["alarms"]) == (2, 20, [])
