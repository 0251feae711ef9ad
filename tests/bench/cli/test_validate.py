from __future__ import annotations

import json
from pathlib import Path

import pytest
from stampbench.bench.validation.measuring.lots import draw_sample
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
presses = 2
repeats = 2
gauge_stamps = 2

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


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def test_a_lot_is_measured_judged_certified_and_verified(stampbench, plan, tmp_path):
    lot = tmp_path / "lot"
    ended = stampbench("validate", plan, "--out", lot, "--json")
    certificate = json.loads(ended.out)
    assert ended.status == 0, ended.err
    assert certificate["decision"] == "accept"
    assert [stamp["decision"] for stamp in certificate["stamps"]] == ["accept"] * 4
    assert certificate["presses"] == 4 * 2 + 2 * 2 + 2 * 2 * 2
    assert certificate["gauge"]["of_tolerance"] < 0.3
    assert all(0.7 < level < 1.2 for stamp in certificate["stamps"] for level in stamp["levels"])

    files = [lot / f"certificate.{suffix}" for suffix in ("jsonl", "html", "pdf")]
    assert stampbench("certificate", "verify", *files).status == 0
    files[1].write_bytes(files[1].read_bytes().replace(b"accept", b"ACCEPT", 1))
    ended = stampbench("certificate", "verify", *files, "--json")
    assert ended.status == 1
    assert [check["holds"] for check in json.loads(ended.out)] == [True, False, True]

    key = tmp_path / "key.pem"
    public = stampbench("certificate", "key", key).out.strip()
    ended = stampbench("validate", plan, "--out", lot, "--judge-again", "--sign", key)
    assert (ended.status, "lot virtual lot: accept" in ended.out) == (0, True)
    assert stampbench("certificate", "verify", *files, "--public-key", public).status == 0


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
