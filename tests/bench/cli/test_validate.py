from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest
from stampbench.bench.validation.attempts import Attempt, append_attempt, read_attempts
from stampbench.bench.validation.measuring.lots import draw_sample
from stampbench.bench.validation.measuring.records import MeasurementHeader
from stampbench.bench.validation.plans import read_validation_plan

PLAN = """
[lot]
name = "virtual lot"
nominal = "p5-60k/4711"
size = 50
cavities = 2
seed = 3

[sampling]
sample = 4

[measurement]
presses = 8
repeats = 2
gauge_stamps = 4

[reference]
presses = 4

[tolerances]
position_mm = 0.3
level = [0.6, 1.4]

[[appraisers]]
name = "rig A"
profile = "nexus-5"
[[appraisers]]
name = "rig B"
profile = "elan-11"

[made]
scatter_mm = 0.02
"""


@pytest.fixture(autouse=True)
def station_key(tmp_path, monkeypatch):
    """The station's key is one of this test alone."""
    path = tmp_path / "station" / "station.pem"
    monkeypatch.setenv("STAMPBENCH_STATION_KEY", str(path))
    return path


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def test_a_lot_is_measured_judged_certified_and_verified(stampbench, plan, tmp_path, station_key):
    lot = tmp_path / "lot"
    ended = stampbench("validate", plan, "--out", lot, "--json")
    certificate = json.loads(ended.out)
    assert ended.status == 0, ended.err
    assert certificate["decision"] == "accept"
    assert [stamp["decision"] for stamp in certificate["stamps"]] == ["accept"] * 4
    assert certificate["presses"] == certificate["planned"] == 2 * (4 * 2 * 8) + 2 * (2 * 4)
    assert certificate["gauge"]["of_tolerance_high"] < 0.3
    assert certificate["seed"] == 3
    assert all(0.8 < level < 1.2 for stamp in certificate["stamps"] for level in stamp["levels"])
    assert station_key.stat().st_mode & 0o777 == 0o600

    killed = tmp_path / "killed"
    killed.mkdir()
    records = (lot / "measurements.jsonl").read_bytes().splitlines(keepends=True)
    (killed / "measurements.jsonl").write_bytes(b"".join(records[:-12]) + b'{"line":"press","ser')
    begun = (lot / "attempts.jsonl").read_bytes().splitlines(keepends=True)[0]
    (killed / "attempts.jsonl").write_bytes(begun)
    assert stampbench("validate", plan, "--out", killed).status == 4
    ended = stampbench("validate", plan, "--out", killed, "--resume", "--json")
    assert json.loads(ended.out)["stamps"] == certificate["stamps"]
    assert [one.event for one in read_attempts(killed)] == ["begun", "resumed", "certified"]
    assert stampbench("certificate", "verify", killed / "certificate.jsonl").status == 0
    assert stampbench("validate", plan, "--out", killed, "--resume").status == 4

    files = [lot / f"certificate.{suffix}" for suffix in ("jsonl", "html", "pdf")]
    verified = stampbench("certificate", "verify", *files, "--public-key", certificate["station_key"])
    assert verified.status == 0
    assert "as sealed and recomputed" in verified.out
    files[1].write_bytes(files[1].read_bytes().replace(b"accept", b"ACCEPT", 1))
    ended = stampbench("certificate", "verify", *files, "--json")
    assert ended.status == 1
    assert [check["holds"] for check in json.loads(ended.out)] == [True, False, True]

    before = files[0].read_bytes()
    plan.write_text(plan.read_text().replace("position_mm = 0.3", "position_mm = 0.001"))
    ended = stampbench("validate", plan, "--out", lot, "--judge-again")
    assert (ended.status, "lot virtual lot: accept" in ended.out) == (0, True)
    assert "judged by the recorded plan" in ended.err
    ended = stampbench("validate", plan, "--out", lot, "--judge-again", "--other-plan")
    assert ended.status == 3  # no gauge is good enough for such a tolerance
    assert "judged by another plan than the lot was measured by" in ended.err
    assert files[0].read_bytes() == before
    again = [lot / f"certificate-{number}.jsonl" for number in (2, 3)]
    assert stampbench("certificate", "verify", *again).status == 0


def test_records_of_an_interrupted_lot_are_gone_on_with_as_they_were_left(stampbench, plan, tmp_path):
    lot = tmp_path / "lot"
    lot.mkdir()
    begun = Attempt(attempt=1, event="begun", directory=".", started_at="", plan_sha256="")
    append_attempt(lot, begun)
    append_attempt(lot, msgspec.structs.replace(begun, event="interrupted", measurements_sha256="e" * 64))
    header = MeasurementHeader(
        format=2, plan_path=str(plan), plan_text=PLAN, plan_sha256="", seed=3, station="", units=[], rigs={},
        versions={"stampbench": version("stampbench")}, started_at="",
    )  # fmt: skip
    (lot / "measurements.jsonl").write_bytes(msgspec.json.encode(header) + b"\n")
    ended = stampbench("validate", plan, "--out", lot, "--resume")
    assert ended.status == 4
    assert "the records of attempt 1 were changed since they were interrupted" in ended.err


def test_a_second_attempt_stands_beside_the_first_and_in_its_certificate(stampbench, plan, tmp_path):
    lot = tmp_path / "lot"
    made = plan.read_text()
    plan.write_text(made.replace("scatter_mm = 0.02", "scatter_mm = 0.6"))
    assert stampbench("validate", plan, "--out", lot).status == 1
    before = {path: path.read_bytes() for path in sorted(lot.iterdir()) if path.name != "attempts.jsonl"}
    plan.write_text(made)
    ended = stampbench("validate", plan, "--out", lot)
    assert ended.status == 4
    assert "holds attempt 1 at this lot (reject): expected --attempt" in ended.err
    ended = stampbench("validate", plan, "--out", lot, "--attempt", "--json")
    certificate = json.loads(ended.out)
    assert (ended.status, certificate["attempt"]) == (0, 2)
    assert [one["decision"] for one in certificate["attempts"]] == ["reject", "accept"]
    assert all(path.read_bytes() == data for path, data in before.items())
    assert [one.event for one in read_attempts(lot)] == ["begun", "certified"] * 2

    second = lot / "attempt-2" / "certificate.jsonl"
    assert stampbench("certificate", "verify", second).status == 0
    records = second.with_name("measurements.jsonl")
    lines = records.read_text()
    every = lines.splitlines(keepends=True)
    serials = [f'"serial":"{stamp["serial"]}"' for stamp in certificate["stamps"]]
    for told, tampered in (
        ("plan_sha256 is", lines.replace("position_mm = 0.3", "position_mm = 3.0", 1)),
        ("the sample is not the one that seed 3 draws", lines.replace(serials[0], '"serial":"00"')),
        ("planned presses are not on record", "".join([*every[:9], every[-1]])),
    ):
        records.write_text(tampered)
        ended = stampbench("certificate", "verify", second)
        assert (ended.status, told in ended.out) == (1, True), ended.out
    records.write_text(lines)
    assert stampbench("certificate", "verify", second).status == 0

    records.write_text(lines.replace('"contacts_mm":[[', '"contacts_mm":[[9', 1))
    ended = stampbench("validate", plan, "--out", lot, "--judge-again")
    assert ended.status == 4
    assert "the records of attempt 2 were changed since they were certified" in ended.err
    records.write_text(lines)

    log = lot / "attempts.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[2:]))
    ended = stampbench("certificate", "verify", second)
    assert ended.status == 1
    assert "the log was changed" in ended.out


@pytest.mark.parametrize(
    ("error", "named"),
    [
        ("{ scale = 0.02 }", "rig A: scale +2"),
        ("{ mirror_x = true }", "rig A: an axis is mirrored"),
        ("{ level_gain = 0.5 }", "rig A: level 0.4"),
        ("{ stuck = true }", "rig A: stuck"),
    ],
)
def test_a_rig_that_is_wrong_on_purpose_is_named_and_the_lot_measured_again(
    stampbench, plan, tmp_path, error, named
):
    plan.write_text(PLAN.replace('profile = "nexus-5"', f'profile = "nexus-5"\nerror = {error}'))
    ended = stampbench("validate", plan, "--out", tmp_path / "lot")
    assert ended.status == 3
    assert named in ended.out


def test_a_list_that_is_not_the_whole_lot_is_no_ground_for_a_sample(stampbench, plan, tmp_path):
    (tmp_path / "lot.csv").write_text("serial,cavity\n" + "".join(f"A{n},1\n" for n in range(13)))
    plan.write_text(PLAN.replace("size = 50", 'size = 50\nstamps = "lot.csv"'))
    ended = stampbench("validate", plan, "--out", tmp_path / "lot")
    assert ended.status == 4
    assert "has 13 stamps, lot.size is 50" in ended.err


def test_without_a_seed_nobody_foresees_the_sample(plan):
    text = PLAN.replace("seed = 3\n", "").replace("size = 50", "size = 50000")
    plan.write_text(text)
    first, second = (draw_sample(read_validation_plan(plan)) for _ in range(2))
    assert first != second


def test_the_next_lot_is_inspected_as_earlier_certificates_say(stampbench, plan, tmp_path):
    sampling = '[sampling]\naql = 6.5\nhistory = "lots"\n'
    text = PLAN.replace("[sampling]\nsample = 4\n", sampling).replace("size = 50", "size = 8")
    (tmp_path / "lots").mkdir()
    bad = "[made]\nmissing = 1.0"
    for number, (made, ground) in enumerate(
        [
            (bad, "normal inspection: no earlier lot"),
            (bad, "normal inspection: switching score 0 of 30; 1 earlier lot"),
            ("[made]", "tightened inspection: 2 of 2 lots in a row not accepted (lot 1, lot 2)"),
        ],
        start=1,
    ):
        lot = text.replace("virtual lot", f"lot {number}").replace("[made]\nscatter_mm = 0.02", made)
        plan.write_text(lot)
        out = tmp_path / "lots" / str(number)
        ended = stampbench("validate", plan, "--out", out)
        assert ground in ended.out, ended.err
    again = stampbench("validate", plan, "--out", out, "--judge-again", "--json")
    sampling = json.loads(again.out)["sampling"]
    assert (sampling["severity"], sampling["letter"], sampling["sample"]) == ("tightened", "B", 3)
    assert (sampling["earlier_lots"], sampling["ground"].count("lot 1")) == (2, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("size = 50", "size = 1"), "lot.size = 1"),
        (("position_mm = 0.3", "position_mmm = 0.3"), 'did you mean "position_mm"'),
        (('name = "rig B"', 'name = "rig A"'), '"rig A" stands there twice'),
        (("sample = 4", "aql = 0.9"), "sampling.aql = 0.9"),
        (("p5-60k/4711", "p5-60k/999999999"), "lot.nominal"),
    ],
)
def test_a_wrong_plan_is_one_line_of_error(stampbench, plan, change, said):
    plan.write_text(PLAN.replace(*change))
    ended = stampbench("validate", plan)
    assert ended.status == 4
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_fixtures_are_validation_plans():
    lots = sorted((Path(__file__).parents[3] / "fixtures" / "lots").glob("*.toml"))
    assert lots
    for path in lots:
        assert draw_sample(read_validation_plan(path))


def test_a_rig_for_nobody_is_refused(stampbench, plan):
    ended = stampbench("validate", plan, "--rig", "rig X=/dev/ttyACM0")
    assert (ended.status, "no appraiser 'rig X'" in ended.err) == (4, True)


def test_a_missing_port_is_no_hardware(stampbench, plan, tmp_path):
    assert stampbench("validate", plan, "--rig", "/dev/ttyNONE", "--out", tmp_path / "x").status == 77
