from __future__ import annotations

import json
import re
import shutil

import msgspec
import numpy as np
import pytest
from stampbench.bench.validation.certificate.certificate import certificate_bytes
from stampbench.bench.validation.certificate.chart_pictures import draw_charts
from stampbench.bench.validation.certificate.seal import sealed
from stampbench.bench.validation.watching import BASELINE_LOTS, CERTIFICATE_NAME, PATIENCE, Station, Watcher
from stampbench.firmware_emulator.errors import InputError


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
    for number in range(20):
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


def test_a_corrected_cavity_is_told_as_nearer_to_nominal_and_inside_its_limit(make_lot, put, tmp_path):
    watcher = Watcher(tmp_path)
    for number in range(8):
        put(make_lot(number, offsets={(2, 4): 0.45 if number < 5 else 0.1}))
        alarms = watcher.look()
    assert [alarm.kind for alarm in alarms] == ["drift"]
    assert alarms[0].text.endswith("mm from where it was, nearer to nominal")


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
    assert alarms[3].text.startswith(
        "inspection of the next lot is tightened: 2 of 3 lots in a row not accepted"
    )


def test_a_lot_inspected_less_strictly_than_was_due_is_an_alarm(make_lot, put, tmp_path):
    for number in (0, 1):
        put(make_lot(number, decision="reject"))
    put(make_lot(2))
    alarms = Watcher(tmp_path).look()
    assert alarms[-1].subject == "L002"
    assert alarms[-1].text == "it was inspected normal, but tightened inspection was due"


def test_vendors_of_the_same_part_are_followed_apart(make_lot, put, tmp_path):
    for number in range(4):
        lot = make_lot(number, offsets={(1, 1): 0.1 * (number % 2)})
        put(msgspec.structs.replace(lot, vendor="AB"[number % 2]))
    watcher = Watcher(tmp_path)
    assert watcher.look() == []
    names = [series.name for series in watcher.station.series()]
    assert names[0] == "stamp, A: cavity 1, pad 1 x"
    assert len(names) == 2 * 20


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
    from stampbench.bench.records.files import RecordWriter, RunEnd

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
    from stampbench.bench.records.files import RecordWriter

    with RecordWriter(tmp_path / "run" / "records.jsonl") as writer:
        writer.write(header)
        writer.write(make_press(1))
    watcher = Watcher(tmp_path)
    watcher.look()
    assert watcher.station.runs == 0


def test_summary_is_json(make_lot, put, tmp_path):
    from stampbench.bench.cli.watch import _summary

    put(make_lot(0))
    put(make_lot(1))
    watcher = Watcher(tmp_path)
    answer = json.loads(json.dumps(_summary(watcher, watcher.look())))
    assert (answer["lots"], len(answer["series"]), answer["alarms"]) == (2, 20, [])


def test_a_station_in_control_alarms_seldom_although_four_lots_tell_its_scatter(make_lot):
    # Thirty-seven lots at one false alarm in 370: one station in ten, give or take three standard errors.
    alarmed = 0
    for station_number in range(30):
        station, rng = Station(), np.random.default_rng(station_number)
        offsets = {(cavity, pad): 0.02 * rng.standard_normal() for cavity in (1, 2) for pad in range(1, 6)}
        found = [
            alarm
            for number in range(37)
            for alarm in station.add_lot(make_lot(number, offsets=offsets, rng=rng), "here")
        ]
        alarmed += any(alarm.kind == "drift" for alarm in found)
    assert alarmed / 30 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 30)


def standing(watcher):
    """All that is alarming now, as one look at the end would tell it."""
    return sorted((one.kind, one.subject, one.text) for one in watcher.look(last=True))


def test_certificates_in_any_order_in_pieces_changed_and_copied_end_as_one_look_does(make_lot, tmp_path):
    lots = [make_lot(n, offsets={(2, 4): 0.02 * max(0, n - 6)}) for n in range(14)]
    lots[3] = make_lot(3, decision="reject")
    contents = [sealed(certificate_bytes(lot), ".jsonl") for lot in lots]
    changed = sealed(certificate_bytes(make_lot(9, decision="reject")), ".jsonl")
    for seed in range(6):
        rng = np.random.default_rng(seed)
        directory = tmp_path / str(seed)
        directory.mkdir()
        followed = Watcher(directory)
        told = set()
        for number in rng.permutation(len(lots)):
            path = directory / f"L{number}" / CERTIFICATE_NAME
            path.parent.mkdir()
            for part in (rng.integers(1, len(contents[number])), len(contents[number])):
                path.write_bytes(contents[number][:part])
                told |= {(one.kind, one.subject, one.text) for one in followed.look()}
            if rng.random() < 0.3:
                copy = directory / "backup" / f"L{number}" / CERTIFICATE_NAME
                copy.parent.mkdir(parents=True)
                copy.write_bytes(contents[number])
        path = directory / "L9" / CERTIFICATE_NAME
        shutil.rmtree(directory / "backup" / "L9", ignore_errors=True)
        path.write_bytes(changed[:100])
        followed.look()
        path.write_bytes(changed)
        told |= {(one.kind, one.subject, one.text) for one in followed.look(last=True)}
        at_once = standing(Watcher(directory))
        assert set(at_once) <= told
        assert followed.station.lots == len(lots)
        assert ("lot", "L009", "reject: made up") in at_once
        assert not any(kind == "seal" for kind, _, _ in told)
        assert [one.values_mm.tolist() for one in followed.station.series()] == [
            one.values_mm.tolist()
            for one in (lambda w: (w.look(), w.station)[1])(Watcher(directory)).series()
        ]


def test_a_certificate_that_never_becomes_whole_is_an_alarm_after_some_looks(make_lot, put, tmp_path):
    path = put(make_lot(0))
    path.write_bytes(path.read_bytes()[:-30])
    watcher = Watcher(tmp_path)
    looks = [len(watcher.look()) for _ in range(PATIENCE + 3)]
    assert looks == [0] * PATIENCE + [1, 0, 0]
    assert [one.kind for one in Watcher(tmp_path).look(last=True)] == ["seal"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tolerances": {}}, "tolerances.position_mm: None"),
        ({"tolerances": {"position_mm": [], "gauge": 0.3}}, r"tolerances.position_mm: \[\]"),
        ({"scatter_mm": 1e308}, "scatter_mm: 1e.308 is beyond"),
        ({"decision": "perhaps"}, "decision: 'perhaps'"),
    ],
)
def test_a_sealed_certificate_that_says_what_none_says_is_an_alarm(make_lot, put, tmp_path, changes, says):
    put(msgspec.structs.replace(make_lot(0), **changes))
    (alarm,) = Watcher(tmp_path).look()
    assert alarm.kind == "seal"
    assert re.search(says, alarm.text)


def test_a_damaged_run_is_an_alarm(tmp_path, header, make_press):
    from stampbench.bench.records.files import RecordWriter, RunEnd

    path = tmp_path / "run" / "records.jsonl"
    with RecordWriter(path) as writer:
        writer.write(header)
        for place in range(1, 4):
            writer.write(make_press(place))
        writer.write(
            RunEnd(status="complete", presses=3, seconds=1, prepare_seconds=0, finished_at="2026-01-01")
        )
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"line":"press"', b'"line":"p\xffess"', 1))
    assert [one.kind for one in Watcher(tmp_path).look()] == ["run"]
    path.write_bytes(whole[: len(whole) // 2])
    watcher = Watcher(tmp_path)
    assert watcher.look() == []
    assert ["is not whole" in one.text for one in watcher.look(last=True)] == [True]
