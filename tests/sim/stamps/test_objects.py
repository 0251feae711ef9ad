from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps.objects import NAME_FORMS, Conductor, resolve_object


def test_a_code_of_a_family_is_its_pads_joined_to_one_ground() -> None:
    from stampbench.sim.stamps import load_family

    stamp = resolve_object("p5-60k/12345")
    assert np.allclose(stamp.pads, load_family("p5-60k").pads(12345))
    assert (stamp.grounds, stamp.conductor) == (1, Conductor.FLAT)
    assert set(stamp.discs[:, 4]) == {6.0}


def test_a_code_of_a_family_of_ones_own_goes_by_the_path_of_its_recipe(tmp_path: Path) -> None:
    from stampbench.sim.stamps import load_family

    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        "pads = 4\nspacing_mm = 12.0\nface_radius_mm = 22.0\nsize = 20\nmin_distance_mm = 6.0\n"
    )
    family = load_family(str(recipe))
    assert np.array_equal(resolve_object(f"{recipe}/7").pads, family.pads(7))
    recipe.unlink()  # read once, however many of its stamps are pressed
    assert np.array_equal(resolve_object(f"{recipe}/8").pads, family.pads(8))


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**63])
def test_a_random_stamp_is_admissible(seed: int) -> None:
    pads = resolve_object(f"random-stamp/{seed}").pads
    assert pads.shape == (5, 2)
    assert pdist(pads).min() >= 12.0
    assert np.hypot(*pads.T).max() <= 22.0


def test_a_random_stamp_is_the_same_every_time_and_another_for_another_seed() -> None:
    first = resolve_object("random-stamp/7").pads
    resolve_object.cache_clear()
    assert np.array_equal(resolve_object("random-stamp/7").pads, first)
    assert not np.array_equal(resolve_object("random-stamp/8").pads, first)


@pytest.mark.parametrize("count", range(1, 11))
def test_fingers_stand_apart_and_each_has_its_own_ground(count: int) -> None:
    for seed in range(20):
        fingers = resolve_object(f"fingers/{count}/{seed}")
        assert fingers.pads.shape == (count, 2)
        assert fingers.grounds == count
        assert fingers.conductor is Conductor.SKIN
        if count > 1:
            assert pdist(fingers.pads).min() >= 15.0


@pytest.mark.parametrize(("name", "pads", "grounds"), [("finger", 1, 1), ("palm", 1, 1), ("coin", 1, 1)])
def test_single_objects_exist(name: str, pads: int, grounds: int) -> None:
    body = resolve_object(name)
    assert (len(body.pads), body.grounds, body.name) == (pads, grounds, name)


def test_the_extent_turns_with_the_object() -> None:
    palm = resolve_object("palm")
    left, right, top, bottom = palm.extent_mm(0.0)
    turned = palm.extent_mm(np.pi / 2)
    assert right - left > 1.5 * (bottom - top)
    assert turned == pytest.approx((-bottom, -top, left, right))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "thumb",
        "finger/2",
        "random-stamp",
        "random-stamp/1/2",
        "fingers/3",
        "catalogue:stamps.toml",
        "catalogue:#x",
    ],
)
def test_an_unknown_form_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InputError) as raised:
        resolve_object(name)
    assert repr(name) in str(raised.value)
    assert all(form in str(raised.value) for form in NAME_FORMS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("p5-60k/60000", "0 to 59999"),
        ("p5-60k/-1", "CODE = '-1'"),
        ("p5-60k/x", "CODE = 'x'"),
        ("random-stamp/1.5", "SEED = '1.5'"),
        ("fingers/0/1", "1 to 10 fingers"),
        ("fingers/11/1", "1 to 10 fingers"),
        ("fingers/two/1", "N = 'two'"),
    ],
)
def test_a_bad_number_is_refused_with_what_would_be_right(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        resolve_object(name)
