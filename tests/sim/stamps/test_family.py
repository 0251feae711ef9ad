from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from stampbench.sim.stamps import Codebook, FaceGeometry, Family, load_family, rigid_distance_mm
from stampbench.sim.stamps.construction import build_coordinates
from stampbench.sim.stamps.family_cache import cache_folder, is_built
from stampbench.sim.stamps.index import index_of
from stampbench.sim.stamps.proof import closest_pairs, pairs_within, self_close
from stampbench.sim.stamps.reference import exhaustive_distances_mm
from stampbench.sim.stamps.specification import BUILT_IN, FamilySpec, find_spec

SMALL = FamilySpec("small", 400, 4.0, FaceGeometry(4, 5.0, 9.0, 18.0), lattice_mm=4.5)
"""A lattice family that is built in a second."""

RECIPE = """
pads = 4
pad_diameter_mm = 5
spacing_mm = 9
face_radius_mm = 20
size = 60
min_distance_mm = 4.0
seed = 7
"""


@pytest.fixture(scope="module")
def small() -> Family:
    return Family(SMALL, build_coordinates(SMALL))


def test_p5_60k_is_a_codebook_of_sixty_thousand():
    family = load_family("p5-60k")
    assert isinstance(family, Codebook)
    assert (family.size, family.pads_per_stamp) == (60_000, 5)
    assert family.min_distance_mm >= 3.0


def test_p5_60k_has_the_bytes_it_was_published_with():
    assert load_family("p5-60k").sha256() == BUILT_IN["p5-60k"].sha256


def test_every_stamp_of_p5_60k_is_admissible_about_its_own_centre():
    family = load_family("p5-60k")
    pads = family.pads_of(np.arange(family.size))
    assert np.hypot(pads[..., 0], pads[..., 1]).max() <= family.geometry.face_radius_mm + 1e-9
    gaps = np.hypot(*(pads[:, :, None] - pads[:, None]).transpose(3, 0, 1, 2))
    assert gaps[:, *np.triu_indices(5, 1)].min() >= family.geometry.spacing_mm - 1e-9


@pytest.mark.slow
def test_no_two_codes_of_p5_60k_are_nearer_than_guaranteed():
    family = load_family("p5-60k")
    closest = closest_pairs(family, 1, start_mm=1.003 * family.min_distance_mm, workers=2)
    assert closest[0].distance_mm >= family.min_distance_mm
    assert self_close(family, family.min_distance_mm) == []


def test_samples_of_p5_60k_keep_the_distance_by_exhaustive_search():
    family = load_family("p5-60k")
    table = family.pads_of(np.arange(family.size))
    for code in np.random.default_rng(0).integers(family.size, size=8):
        assert np.sort(exhaustive_distances_mm(table[code], table))[1] >= family.min_distance_mm - 1e-6


@pytest.mark.parametrize("code", [-1, 60_000])
def test_a_code_outside_the_family_is_refused(code):
    with pytest.raises(InputError, match=f"code {code}: expected 0 to 59999"):
        load_family("p5-60k").pads(code)


def test_an_unknown_family_is_refused_by_name():
    with pytest.raises(InputError, match="no-such-family"):
        load_family("no-such-family")


def test_a_lattice_family_keeps_its_distance(small):
    table = small.pads_of(np.arange(small.size))
    least = min(np.sort(exhaustive_distances_mm(pads, table))[1] for pads in table[::5])
    assert least >= SMALL.min_distance_mm - 1e-9
    assert self_close(small, SMALL.min_distance_mm) == []


def test_a_lattice_family_is_the_same_for_any_number_of_workers(small):
    assert build_coordinates(SMALL, workers=3).tobytes() == small.coordinates.tobytes()


def test_a_killed_build_goes_on_where_it_was(small, tmp_path):
    class KilledError(Exception):
        pass

    def kill(stage: str, done: int, total: int) -> None:
        if stage == "conflicts" and done == 5:
            raise KilledError

    with pytest.raises(KilledError):
        build_coordinates(SMALL, tmp_path, progress=kill)
    (tmp_path / "points-03.npy").write_bytes(b"cut")
    stages: list[str] = []
    again = build_coordinates(SMALL, tmp_path, progress=lambda stage, done, total: stages.append(stage))
    assert again.tobytes() == small.coordinates.tobytes()


def test_the_closest_pairs_are_those_of_exhaustive_search(small):
    table = small.pads_of(np.arange(small.size))
    every = sorted(
        (float(distance), first, second)
        for first in range(small.size)
        for second, distance in enumerate(exhaustive_distances_mm(table[first], table))
        if second > first
    )
    found = pairs_within(small, every[30][0] + 1e-7)
    assert [(pair.first, pair.second) for pair in found] != []
    assert [pair.distance_mm for pair in found][:30] == pytest.approx(
        [row[0] for row in every[:30]], abs=1e-6
    )
    assert {(pair.first, pair.second) for pair in found} >= {row[1:] for row in every[:30]}


def test_a_recipe_gives_a_family_that_keeps_what_it_says(tmp_path, admits):
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE)
    family = load_family(str(path))
    assert (family.name, family.size, family.pads_per_stamp) == ("mine", 60, 4)
    table = family.pads_of(np.arange(60))
    assert min(np.sort(exhaustive_distances_mm(pads, table))[1] for pads in table) >= 4.0
    assert all(admits(FaceGeometry(4, 5.0, 9.0, 20.0 + 1e-9), pads) for pads in table)
    codes, _ = index_of(family).nearest(table + 3.0, 1.0)
    assert codes.tolist() == list(range(60))


def test_a_family_is_built_once_it_was_loaded(tmp_path):
    path = tmp_path / "later.toml"
    path.write_text(RECIPE)
    assert not is_built(find_spec(str(path)))
    load_family(str(path))
    assert is_built(find_spec(str(path)))
    assert is_built(BUILT_IN["p5-60k"])
    assert not is_built(BUILT_IN["p5-6m"])


def test_a_code_off_the_lattice_or_out_of_order_is_not_taken_for_proven(small):
    for change in (1, -9):
        coordinates = small.coordinates.copy()
        coordinates[7, 0] += change
        with pytest.raises(StampbenchError, match="small: code 7 is not found at its own coordinates"):
            pairs_within(Family(SMALL, coordinates, small.index_arrays().starts), 4.0)


def test_a_damaged_cache_is_noticed_and_built_again(tmp_path, caplog):
    path = tmp_path / "damaged.toml"
    path.write_text(RECIPE)
    before = load_family(str(path)).sha256()
    stored = next(cache_folder().glob("damaged-*/coordinates.npy"))
    damaged = bytearray(stored.read_bytes())
    damaged[-9] ^= 1
    stored.write_bytes(damaged)
    assert load_family(str(path)).sha256() == before
    assert "damaged" in caplog.text
    assert stored.read_bytes() != bytes(damaged)


def test_a_recipe_that_cannot_be_filled_says_how_far_it_got(tmp_path):
    path = tmp_path / "full.toml"
    path.write_text("pads = 3\nspacing_mm = 12\nface_radius_mm = 10\nsize = 5000\nmin_distance_mm = 5\n")
    with pytest.raises(InputError, match=r"size = 5000: .* from \d+ codes"):
        load_family(str(path))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("pads = 9", r"pads = 9: expected 3 to 8"),
        ("pads = 4.5", r"pads = 4.5: expected a whole number"),
        ("pads = true", r"pads = True: expected a whole number"),
        ("colour = 1", r"unknown key 'colour'"),
        ("face_radius_mm = 3", r"face_radius_mm = 3: 4 pads 9 mm apart do not fit"),
        ("min_distance_mm = nan", r"min_distance_mm = nan: expected 0.1 to 1000"),
        ("spacing_mm = 4", r"spacing_mm = 4: expected at least the pad diameter"),
        ("seed = -1", r"seed = -1: expected 0"),
    ],
)
def test_a_wrong_recipe_names_file_key_and_value(tmp_path, line, said):
    path = tmp_path / "wrong.toml"
    key = line.split(" =")[0]
    kept = [old for old in RECIPE.splitlines() if not old.startswith(f"{key} =")]
    path.write_text("\n".join([*kept, line]))
    with pytest.raises(InputError, match=rf"wrong\.toml: {said}"):
        load_family(str(path))


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "/tmp/evil",
        "a/b",
        "..",
        "C:\\\\evil",
        ".hidden",
        "",
        " ",
        "evil.",
        "x" * 81,
        "nul\\u0000",
    ],
)
def test_a_name_that_is_no_plain_word_is_refused_and_nothing_is_written(tmp_path, monkeypatch, name):
    monkeypatch.setenv("STAMPBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "wrong.toml"
    path.write_text(f'{RECIPE}name = "{name}"\n')
    with pytest.raises(InputError, match=r"wrong\.toml: name = .*: expected at most 80 letters"):
        load_family(str(path))
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_size_that_cannot_be_reached_is_refused_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setenv("STAMPBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "huge.toml"
    path.write_text(
        "pads = 5\nspacing_mm = 12\nface_radius_mm = 22\nsize = 10_000_000\nmin_distance_mm = 3\n"
    )
    with pytest.raises(InputError, match=r"size = 10000000: about \d+ codes 3 mm apart fill the face"):
        load_family(str(path))
    assert not list(tmp_path.glob("cache/**/*.npy"))


def test_a_recipe_without_a_key_names_it(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text("pads = 4")
    with pytest.raises(InputError, match="spacing_mm is missing"):
        load_family(str(path))


def test_distances_of_codes_are_rigid_distances(small):
    pair = closest_pairs(small, 1)[0]
    exact = rigid_distance_mm(small.pads(pair.first), small.pads(pair.second))
    assert pair.distance_mm == pytest.approx(exact, abs=1e-9)
