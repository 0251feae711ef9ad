from __future__ import annotations

from pathlib import Path

import pytest
from stampbench.bench.judging.assessment import assess
from stampbench.bench.plans.draws import check_plan
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.presets import CONDITIONS, HANDLINGS
from stampbench.bench.records.files import read_run
from stampbench.bench.report.subject import plan_of
from stampbench.firmware_emulator.errors import InputError

TEXT = """
[plan]
name = "matrix"
family = "p5-60k"
profiles = ["nexus-5", "elan-11"]

[condition]
noise = 1.5

[conditions.tram]
charger_v = 1.0
noise = 2.0

[handlings.careless]
tilt_deg = [0.5, 1.0]

[[cases]]
name = "held"
kind = "genuine"
stamps = [7, 11, 13]
presses_per_stamp = 2
conditions = ["ordinary", "tram"]
handlings = ["ordinary", "careless", "brief"]
condition = { drift = 3.0 }

[[cases]]
name = "coins"
kind = "foreign"
stamps = ["coin"]
presses = 4

[[limits]]
measurement = "frr"
case = "held"
max = 0.5

[[limits]]
measurement = "frr"
case = "held @ tram, brief"
max = 0.6
"""
PLAN = Plan.parse(TEXT, Path("matrix.toml"))


def changed(old: str, new: str):
    assert old in TEXT
    return Plan.parse(TEXT.replace(old, new), Path("matrix.toml"))


def test_case_is_made_in_every_combination_of_its_presets():
    assert [case.name for case in PLAN.cases] == [
        "held @ ordinary, ordinary",
        "held @ ordinary, careless",
        "held @ ordinary, brief",
        "held @ tram, ordinary",
        "held @ tram, careless",
        "held @ tram, brief",
        "coins",
    ]
    assert {case.group for case in PLAN.cases} == {"held", "coins"}
    assert PLAN.size == 2 * (6 * 3 * 2 + 4)


def test_settings_lie_on_one_another_plan_preset_case():
    ordinary, tram = PLAN.case("held @ ordinary, brief"), PLAN.case("held @ tram, brief")
    assert PLAN.condition_of(ordinary) == {"noise": 1.5, "drift": 3.0}
    assert PLAN.condition_of(tram) == {"noise": 2.0, "charger_v": 1.0, "drift": 3.0}
    assert PLAN.handling_of(tram) == {"dwell_ms": [40.0, 80.0]}


def test_preset_of_the_plan_comes_before_the_built_in_one():
    plan = changed("[conditions.tram]", "[conditions.ordinary]\nnoise = 9\n[conditions.tram]")
    assert plan.condition_of(plan.cases[0]) == {"noise": 9, "drift": 3.0}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '"ordinary", "tram"',
            '"ordinary", "trams"',
            'cases[0].conditions[1] = "trams": did you mean "tram"?',
        ),
        ('"ordinary", "tram"', '"tram", "tram"', 'cases[0].conditions: "tram" stands there twice'),
        ('"careless", "brief"', '"careles"', 'cases[0].handlings[1] = "careles": did you mean "careless"?'),
        ("presses = 4", "", "cases[1].presses: missing: expected exactly one of presses, presses_per_stamp"),
        ("presses_per_stamp = 2", "presses_per_stamp = 2\npresses = 1", "stands beside presses_per_stamp"),
        ("stamps = [7, 11, 13]", "", "cases[0].presses_per_stamp = 2: expected a list of stamps"),
        ('case = "held"', 'case = "held @ trams"', 'limits[0].case = "held @ trams": did you mean'),
        ("[conditions.tram]", "[conditions.wet]\nwater = 1\n[conditions.tram]", "conditions.wet: "),
    ],
)
def test_bad_matrix_is_told_by_key(old, new, expected):
    with pytest.raises(InputError) as caught:
        check_plan(changed(old, new))
    assert str(caught.value).startswith("matrix.toml: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("drift = 3.0", "drft = 3.0", "cases[0].condition: "),
        ("[[limits]]", "[duts]\n99999 = 'SN'\n[[limits]]", "duts.99999: 99999 is no code of p5-60k"),
        ("[[limits]]", "[rig]\nfaults = { drop_paket = 0.1 }\n[[limits]]", "rig: faults"),
    ],
)
def test_names_that_do_not_exist_are_told_by_key(old, new, expected):
    with pytest.raises(InputError) as caught:
        check_plan(Plan.parse(TEXT.replace(old, new, 1), Path("matrix.toml")))
    assert expected in str(caught.value)


def test_built_in_presets_are_settings_that_exist():
    conditions, handlings = ([f'"{name}"' for name in names] for names in (CONDITIONS, HANDLINGS))
    text = TEXT.replace('"ordinary", "tram"', ", ".join(conditions)).replace(
        '"ordinary", "careless", "brief"', ", ".join(handlings)
    )
    plan = Plan.parse(text[: text.rindex("[[limits]]")], Path("matrix.toml"))
    check_plan(plan)
    assert len(plan.cases) == len(CONDITIONS) * len(HANDLINGS) + 1


def test_limit_on_a_written_case_takes_all_it_became(make_press, header, write_run, monkeypatch):
    import msgspec
    from stampbench.bench.records import files as records

    made = [
        make_press(n, case=case.name, read=7 if case.name != "held @ tram, brief" else 8)
        for n, case in enumerate(PLAN.members("held"), start=1)
    ]
    path = write_run(made) / records.FILE_NAME
    head = msgspec.structs.replace(header, plan_text=TEXT, plan_sha256=PLAN.sha256)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(msgspec.json.encode(head) + b"\n" + b"".join(lines[1:]))
    run = read_run(path)
    first, second = assess(plan_of(run), run).limits[:2]
    assert (first.measured.k, first.measured.n) == (1, 6)
    assert (second.measured.k, second.measured.n) == (1, 1)


def test_matrix_of_a_run_shows_each_combination_by_panel(make_press, header, write_run):
    import dataclasses

    from stampbench.bench.report.matrix_rows import matrices

    names = [case.name for case in PLAN.members("held")]
    made = [
        make_press(n, case=name, profile=profile, read=7 if (name, profile) != (names[2], "elan-11") else 8)
        for n, (profile, name) in enumerate(
            ((profile, name) for profile in ("nexus-5", "elan-11") for name in names), start=1
        )
    ]
    run = dataclasses.replace(read_run(write_run(made)), presses=tuple(made))
    (matrix,) = matrices(PLAN, assess(PLAN, run))
    assert (matrix.group, matrix.measurement, matrix.profiles) == ("held", "frr", ("nexus-5", "elan-11"))
    assert [row.name for row in matrix.rows][:3] == [
        "ordinary, ordinary",
        "ordinary, careless",
        "ordinary, brief",
    ]
    bad = matrix.rows[2].cells[1]
    assert (bad.counted, bad.shade > 0.5) == ("1 of 1", True)
    assert matrix.rows[2].cells[0].shade == 0.0


def test_plan_of_the_fixtures_lies_on_the_quickstart():
    path = Path(__file__).parents[3] / "fixtures/plans/in-hand.toml"
    plan = Plan.read(path)
    check_plan(plan)
    assert [include.name for include in plan.includes] == ["quickstart.toml"]
    assert len(plan.members("held stamp")) == 20
    assert plan.case("held stamp @ tram, brief").prompts[1] == "rotate it by 90 degrees"
