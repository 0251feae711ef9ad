from __future__ import annotations

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.text import to_toml
from stampbench.firmware_emulator.errors import InputError

BASE = """
[plan]
name = "base"
family = "p5-60k"
profiles = ["nexus-5"]

[condition]
noise = 1.0
stripe = 1.0

[[cases]]
name = "held"
kind = "genuine"
presses = 3
handling = { grip = 1.0 }

[[limits]]
measurement = "frr"
max = 0.02
"""


@pytest.fixture
def files(tmp_path):
    """Writes plans and returns the path of the first."""

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.toml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return tmp_path / f"{next(iter(texts))}.toml"

    return write


def test_tables_of_the_including_plan_lie_on_those_of_the_included(files):
    top = """
include = ["base.toml"]
[plan]
name = "top"
[condition]
noise = 2.0
[[cases]]
name = "held"
presses = 5
handling = { force = 1.0 }
[[cases]]
name = "other"
kind = "foreign"
presses = 1
[[limits]]
measurement = "frr"
max = 0.1
[[limits]]
measurement = "far"
max = 0.2
"""
    plan = Plan.read(files(top=top, base=BASE))
    assert (plan.header.name, plan.header.family) == ("top", "p5-60k")
    assert dict(plan.condition) == {"noise": 2.0, "stripe": 1.0}
    assert [(case.name, case.presses) for case in plan.cases] == [("held", 5), ("other", 1)]
    assert plan.cases[0].handling == {"grip": 1.0, "force": 1.0}
    assert [(limit.measurement, limit.max) for limit in plan.limits] == [("frr", 0.1), ("far", 0.2)]
    assert [path.name for path in plan.includes] == ["base.toml"]


def test_plan_in_a_circle_is_told_with_its_chain(files):
    path = files(a='include = ["b.toml"]', b='include = ["c.toml"]', c='include = ["a.toml"]')
    with pytest.raises(InputError, match=r"a\.toml includes .*b\.toml includes .*c\.toml includes .*a\.toml"):
        Plan.read(path)


def test_missing_include_is_told_with_its_chain(files):
    with pytest.raises(InputError, match=r"a\.toml includes .*none\.toml: no such file"):
        Plan.read(files(a='include = ["none.toml"]'))


def test_catalogue_stays_relative_to_the_file_that_names_it(files):
    base = BASE.replace('family = "p5-60k"', 'catalogue = "stamps.toml"')
    path = files(top='include = ["lots/base.toml"]', lots__base=base)
    assert Plan.read(path).catalogue_path == path.parent / "lots/stamps.toml"


def test_fingerprint_covers_what_is_included_and_set(files):
    path = files(top='include = ["base.toml"]', base=BASE)
    before = Plan.read(path)
    assert Plan.read(path, ["condition.noise=3"]).sha256 != before.sha256
    files(base=BASE.replace("presses = 3", "presses = 4"))
    assert Plan.read(path).sha256 != before.sha256


def test_text_of_a_plan_alone_is_the_file(files):
    path = files(base=BASE)
    assert Plan.read(path).text == BASE
    assert Plan.read(path).sha256 == Plan.parse(BASE, path).sha256


def test_resolved_text_says_the_same(files):
    plan = Plan.read(files(top='include = ["base.toml"]', base=BASE), ["plan.seed=9"])
    again = Plan.parse(plan.text, plan.path)
    assert (again.header, again.cases, again.limits, again.condition) == (
        plan.header,
        plan.cases,
        plan.limits,
        plan.condition,
    )
    assert again.sha256 == plan.sha256


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("plan.seed=9", lambda plan: plan.header.seed == 9),
        ("plan.family=p5-600k", lambda plan: plan.header.family == "p5-600k"),
        ('plan.profiles=["elan-11"]', lambda plan: plan.header.profiles == ["elan-11"]),
        ("cases.held.presses = 50", lambda plan: plan.cases[0].presses == 50),
        ("limits=[]", lambda plan: not plan.limits),
        ("limits.frr.max=0.5", lambda plan: plan.limits[0].max == 0.5),
        ("duts.7=SN-1", lambda plan: plan.duts == {"7": "SN-1"}),
    ],
)
def test_setting_of_the_command_line_comes_on_top(files, setting, value):
    plan = Plan.read(files(base=BASE), [setting])
    assert value(plan)
    assert plan.settings == (setting,)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("noise", "--set noise: expected KEY=VALUE"),
        ("=3", "--set =3: expected KEY=VALUE"),
        ("include=['a']", "expected KEY=VALUE"),
        ("cases.hold.presses=1", "expected cases.NAME.KEY=VALUE with one of held"),
        ("cases=[]", "cases = []: expected array of length >= 1"),
        ("plan.sed=1", 'plan.sed: unknown key: did you mean "seed"?'),
    ],
)
def test_setting_that_is_none_is_told(files, setting, expected):
    with pytest.raises(InputError) as caught:
        Plan.read(files(base=BASE), [setting])
    assert expected in str(caught.value)


texts = st.text(max_size=8)
values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_written_toml_reads_back_as_the_same(tables):
    assert _comparable(tomllib.loads(to_toml(tables))) == _comparable(tables)


def _comparable(value):
    """NaN is no number's equal: it is told by its name."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, "x = inf\n"), (-math.inf, "x = -inf\n"), (math.nan, "x = nan\n")]
)
def test_infinite_numbers_are_written_as_toml_has_them(value, text):
    """TOML 1.0.0, Float: "special float values", spelled inf and nan."""
    assert to_toml({"x": value}) == text


def test_what_toml_cannot_say_is_told():
    with pytest.raises(InputError, match="expected what TOML can say"):
        to_toml({"x": None})
