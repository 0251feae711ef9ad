from __future__ import annotations

from pathlib import Path

import pytest
from stampbench.bench.plans.draws import PressDrawer, check_plan
from stampbench.bench.plans.plan import Plan
from stampbench.firmware_emulator.errors import InputError

TEXT = """
[plan]
name = "draws"
family = "p5-60k"
profiles = ["nexus-5", "elan-11"]

[[cases]]
name = "any"
kind = "genuine"
presses = 40

[[cases]]
name = "these"
kind = "genuine"
stamps = [3, 8]
presses = 4

[[cases]]
name = "foreign"
kind = "foreign"
stamps = ["coin", "fingers/5", "random-stamp", "random-stamp/12", "fingers/4/9"]
presses = 5
"""


def draws(case: str, text: str = TEXT, seed: int = 1, profile: str = "nexus-5"):
    plan = Plan.parse(text, Path("draws.toml"))
    drawer = PressDrawer(plan, seed)
    return [
        drawer.draw(press) for press in plan.presses() if press.case.name == case and press.profile == profile
    ]


def test_random_stamps_and_seeds_differ_from_press_to_press():
    drawn = draws("any")
    assert len({draw.code for draw in drawn}) > 30
    assert len({draw.seed for draw in drawn}) == 40
    assert len({draw.press.keyframes for draw in drawn}) == 40


def test_draws_depend_on_seed_profile_and_case_only():
    assert draws("any") == draws("any", TEXT.replace("presses = 4\n", "presses = 9\n"))
    assert draws("any") != draws("any", seed=2)
    assert draws("any") != draws("any", profile="elan-11")


def test_given_stamps_are_gone_through_in_turn():
    drawn = draws("these")
    assert [draw.code for draw in drawn] == [3, 8, 3, 8]
    assert [draw.object for draw in drawn[:2]] == ["p5-60k/3", "p5-60k/8"]


def test_seed_that_an_object_leaves_open_is_drawn():
    names = [draw.object for draw in draws("foreign")]
    assert names[0] == "coin"
    assert names[1].startswith("fingers/5/")
    assert names[2].startswith("random-stamp/")
    assert names[3:] == ["random-stamp/12", "fingers/4/9"]
    assert {draw.code for draw in draws("foreign")} == {None}


def test_press_is_drawn_as_the_link_carries_it():
    for draw in draws("any")[:5]:
        assert draw.press.rounded() == draw.press


def test_seeds_stay_whole_in_every_json_reader():
    assert all(0 <= draw.seed < 2**53 for draw in draws("any"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("p5-60k", "p5-60", "plan.family: "),
        ("elan-11", "elan-12", "plan.profiles[1]: "),
        ("[3, 8]", "[3, 60000]", "cases[1].stamps[1]: 60000 is no code of p5-60k"),
        ("[3, 8]", '["three"]', "cases[1].stamps[0]: 'three' is no code of p5-60k"),
        ('"coin"', '"corn"', "cases[2].stamps[0]: object 'corn'"),
        ('"fingers/5"', '"fingers/11"', "cases[2].stamps[1]: object 'fingers/11/0'"),
        (
            "presses = 40",
            "presses = 40\ncondition = { nois = 1 }",
            "cases[0].condition: unknown key",
        ),
        ("presses = 40", "presses = 40\nhandling = { grip = [1, 0] }", "cases[0].handling: grip"),
    ],
)
def test_what_a_plan_names_and_nobody_has_is_told_by_key(old, new, expected):
    assert old in TEXT
    with pytest.raises(InputError) as caught:
        check_plan(Plan.parse(TEXT.replace(old, new), Path("draws.toml")))
    assert str(caught.value).startswith(f"draws.toml: {expected}")


def test_missing_catalogue_is_told():
    text = TEXT.replace('family = "p5-60k"', 'catalogue = "none.toml"')
    with pytest.raises(InputError, match=r"draws.toml: plan.catalogue: .*none\.toml"):
        check_plan(Plan.parse(text, Path("draws.toml")))


def test_given_press_is_made_as_it_stands():
    text = """
[plan]
name = "given"
family = "p5-60k"
profiles = ["nexus-5"]

[[cases]]
name = "frozen"
kind = "genuine"
stamps = [777]
presses = 2
keyframes = [[0, 30.0, 50.0, 0.5, 0.0, 1.0, 0.0, 0.0], [200000, 30.0, 50.0, 0.5, 1.0, 1.0, 0, 0]]
noise_seed = 41
"""
    plan = Plan.parse(text, Path("given.toml"))
    check_plan(plan)
    first, second = (PressDrawer(plan, 5).draw(press) for press in plan.presses())
    assert (first.object, first.code, first.seed, second.seed) == ("p5-60k/777", 777, 41, 42)
    assert first.press == second.press
    assert [keyframe.t_us for keyframe in first.press.keyframes] == [0, 200000]
    backwards = Plan.parse(text.replace("200000", "0"), Path("given.toml"))
    with pytest.raises(InputError, match=r"cases\[0\].keyframes: .*expected rising times"):
        check_plan(backwards)
