from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.bench.plans.plan import Plan
from stampbench.firmware_emulator.errors import InputError

GOOD = """
[plan]
name = "demo"
family = "p5-60k"
seed = 4
profiles = ["nexus-5", "elan-11"]

[condition]
noise = 1.0

[handling]
grip = 1.0

[[cases]]
name = "held"
kind = "genuine"
presses = 3

[[cases]]
name = "not stamps"
kind = "foreign"
stamps = ["coin", "fingers/5"]
presses = 2
condition = { noise = 2.0 }

[[limits]]
measurement = "frr"
max = 0.02
"""


def plan(text: str):
    return Plan.parse(text, Path("demo.toml"))


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_presses_go_profile_by_profile_and_case_by_case():
    order = [(press.index, press.profile, press.case.name, press.number) for press in plan(GOOD).presses()]
    assert order[:5] == [
        (1, "nexus-5", "held", 1),
        (2, "nexus-5", "held", 2),
        (3, "nexus-5", "held", 3),
        (4, "nexus-5", "not stamps", 1),
        (5, "nexus-5", "not stamps", 2),
    ]
    assert len(order) == plan(GOOD).size == 10
    assert order[5][1] == "elan-11"


def test_settings_of_a_case_come_on_top_of_the_plans():
    demo = plan(GOOD)
    assert demo.condition_of(demo.case("held")) == {"noise": 1.0}
    assert demo.condition_of(demo.case("not stamps")) == {"noise": 2.0}
    assert demo.handling_of(demo.case("not stamps")) == {"grip": 1.0}


def test_catalogue_is_relative_to_the_plan():
    text = changed('family = "p5-60k"', 'catalogue = "stamps.toml"')
    expected = f"catalogue:{Path('plans/stamps.toml')}"
    assert Plan.parse(text, Path("plans/demo.toml")).codebook_name == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("presses = 3", "preses = 3", 'cases[0].preses: unknown key: did you mean "presses"?'),
        ("seed = 4", "sed = 4", 'plan.sed: unknown key: did you mean "seed"?'),
        (
            "[condition]",
            "[decoder]\nsigma = 1\n[condition]",
            'decoder.sigma: unknown key: did you mean "sigma_mm"?',
        ),
        ("[condition]", "[decoder]\nsigma_mm = 0\n[condition]", "decoder.sigma_mm = 0: expected float > 0.0"),
        ("[condition]", "[conditon]", 'conditon: unknown key: did you mean "condition"?'),
        ("[condition]", "[conditions]", "conditions[] = {'noise': 1.0}: expected a table by its name"),
        ("presses = 3", "presses = 3\nprompt = 3", "cases[0].prompt = 3: expected a text or a list of them"),
        ("seed = 4", "timeout_s = 0", "plan.timeout_s = 0: expected float > 0.0"),
        (
            "max = 0.02",
            "max = 0.02\ngood = 0.02",
            "limits[0].good = 0.02: expected a rate above 0 and below max",
        ),
        ("max = 0.02", "maxx = 0.02", 'limits[0].maxx: unknown key: did you mean "max"?'),
        ('name = "demo"\n', "", "plan.name: missing"),
        ("presses = 3", 'presses = "three"', "cases[0].presses = 'three': expected int"),
        ("presses = 3", "presses = 0", "cases[0].presses = 0: expected int >= 1"),
        ("presses = 3", "presses = 3.5", "cases[0].presses = 3.5: expected int"),
        ("presses = 3", "presses = true", "cases[0].presses = True: expected int"),
        ("seed = 4", "seed = -1", "plan.seed = -1: expected int >= 0"),
        ('kind = "genuine"', 'kind = "real"', 'cases[0].kind = \'real\': expected "genuine" or "foreign"'),
        ('stamps = ["coin", "fingers/5"]', 'stamps = "all"', "cases[1].stamps = 'all': expected \"random\""),
        ('stamps = ["coin", "fingers/5"]', "stamps = [7]", "cases[1].stamps[0] = 7: expected the name"),
        ('stamps = ["coin", "fingers/5"]', "stamps = [1.5]", "cases[1].stamps[0] = 1.5: expected int | str"),
        ("[condition]\nnoise = 1.0", "condition = 3", "plan.condition: unknown key"),
        (
            'profiles = ["nexus-5", "elan-11"]',
            "profiles = []",
            "plan.profiles = []: expected array of length >= 1",
        ),
        ('["nexus-5", "elan-11"]', '["elan-11", "elan-11"]', 'plan.profiles: "elan-11" stands there twice'),
        ('name = "not stamps"', 'name = "held"', 'cases.name: "held" stands there twice'),
        ('family = "p5-60k"\n', "", "plan.family, plan.catalogue: neither given"),
        ('family = "p5-60k"', 'family = "a"\ncatalogue = "b"', "plan.family, plan.catalogue: both given"),
        ('"frr"', '"fr"', 'limits[0].measurement = "fr": did you mean "frr"?'),
        ("max = 0.02", "", 'limits[0] ("frr"): no limit: expected min, max or both'),
        ("max = 0.02", "max = 2", 'limits[0].max = 2: expected a rate from 0 to 1, or unit = "%" beside it'),
        ("max = 0.02", 'max = 101\nunit = "%"', "limits[0].max = 101: expected a rate from 0 to 100"),
        ("max = 0.02", "max = -0.1", "limits[0].max = -0.1: expected a rate from 0 to 1"),
        ("max = 0.02", "max = nan", "limits[0].max = nan: expected a rate from 0 to 1"),
        ("max = 0.02", "min = 0.5\nmax = 0.02", "limits[0].min = 0.5 is above limits[0].max = 0.02"),
        (
            "max = 0.02",
            "marginal_max = 0.03\nmax = 0.02",
            "limits[0].marginal_max = 0.03 is above limits[0].max = 0.02",
        ),
        (
            "max = 0.02",
            "marginal_min = 0.01\nmax = 0.02",
            "limits[0].marginal_min = 0.01: expected min beside it",
        ),
        ("max = 0.02", 'max = 0.02\nunit = "mm"', 'limits[0].unit = "mm": expected one of 1, %'),
        ("max = 0.02", 'max = 0.02\ncase = "hold"', 'limits[0].case = "hold": did you mean "held"?'),
        ("max = 0.02", 'max = 0.02\ncase = "not stamps"', "expected a genuine case: held"),
        ("max = 0.02", 'max = 0.02\nprofile = "nexus"', 'did you mean "nexus-5"?'),
    ],
)
def test_bad_plan_is_told_by_key_value_and_what_would_be_right(old, new, expected):
    with pytest.raises(InputError) as caught:
        plan(changed(old, new))
    message = str(caught.value)
    assert message.startswith("demo.toml: ")
    assert expected in message
    assert "\n" not in message


def test_measurement_without_a_fitting_case_is_refused():
    with pytest.raises(InputError, match="expected a foreign case in the plan"):
        plan(
            GOOD.replace('kind = "foreign"\nstamps = ["coin", "fingers/5"]', 'kind = "genuine"').replace(
                "frr", "far"
            )
        )


def test_toml_syntax_is_told_by_line():
    with pytest.raises(InputError, match=r"demo.toml: not TOML: .*line 3"):
        plan("\n\nname =\n")


def test_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.toml: no such file"):
        Plan.read(tmp_path / "nothing.toml")


def test_directory_is_told(tmp_path):
    with pytest.raises(InputError, match="expected a plan in TOML"):
        Plan.read(tmp_path)


def test_bytes_that_are_no_text_are_told(tmp_path):
    (tmp_path / "plan.toml").write_bytes(b"[plan]\n\xff\x00")
    with pytest.raises(InputError, match="byte 7 is not UTF-8"):
        Plan.read(tmp_path / "plan.toml")


def test_plan_of_tables_is_the_plan_of_their_text():
    tables = tomllib.loads(GOOD)
    made = Plan.of(tables, Path("demo.toml"))
    assert (made.header, made.cases, made.limits) == (
        plan(GOOD).header, plan(GOOD).cases, plan(GOOD).limits,
    )  # fmt: skip
    assert Plan.parse(made.text, made.path) == made
    with pytest.raises(InputError, match="sead: unknown key"):
        Plan.of({**tables, "plan": {**tables["plan"], "sead": 1}}, Path("demo.toml"))


def test_plan_that_travels_with_the_package_is_read_by_its_name(project):
    assert Plan.read("quickstart").text == (project / "fixtures/plans/quickstart.toml").read_text()
    with pytest.raises(InputError, match='did you mean "quickstart"'):
        Plan.read("quikstart")


def test_file_comes_before_a_plan_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quickstart").write_text(GOOD)
    assert Plan.read("quickstart").header.name == "demo"


def test_fingerprint_is_of_the_text():
    assert plan(GOOD).sha256 == plan(GOOD).sha256 != plan(GOOD + "\n").sha256


@given(st.text(max_size=40))
def test_any_key_is_told_in_one_line(key):
    quoted = json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")
    with pytest.raises(InputError) as caught:
        plan(GOOD.replace("[plan]", f"[plan]\n{quoted} = 1", 1))
    assert "\n" not in str(caught.value)
