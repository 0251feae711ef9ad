from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import FaceGeometry, Family
from stampbench.sim.stamps.construction import build_coordinates
from stampbench.sim.stamps.proof import closest_pairs, self_close
from stampbench.sim.stamps.reference import exhaustive_distances_mm
from stampbench.sim.stamps.specification import FamilySpec

SIZES = {3: (20, 3.0), 4: (40, 4.0), 5: (40, 5.0), 6: (40, 5.0), 7: (20, 5.0), 8: (12, 5.0)}
"""Size and minimum distance for each number of pads."""


def spec_of(pads, size, min_distance_mm, face_radius_mm=24.0, seed=3):
    geometry = FaceGeometry(pads, face_radius_mm=face_radius_mm)
    return FamilySpec(f"p{pads}", size, min_distance_mm, geometry, seed=seed)


@pytest.mark.parametrize("pads", SIZES)
def test_a_family_of_so_many_pads_keeps_its_distance(pads, admits):
    spec = spec_of(pads, *SIZES[pads])
    family = Family(spec, build_coordinates(spec))
    table = family.pads_of(np.arange(family.size))
    assert len(table) == spec.size
    assert all(admits(FaceGeometry(pads, face_radius_mm=24.0 + 1e-9), stamp) for stamp in table)
    nearest = closest_pairs(family, 1)[0]
    assert nearest.distance_mm >= spec.min_distance_mm
    apart = exhaustive_distances_mm(table[nearest.first], table)
    assert np.sort(apart)[1] == pytest.approx(nearest.distance_mm, abs=1e-6)
    assert self_close(family, spec.min_distance_mm) == []


def test_the_family_is_the_same_for_any_number_of_workers():
    spec = spec_of(5, 600, 4.0)
    assert build_coordinates(spec, workers=3).tobytes() == build_coordinates(spec).tobytes()


def test_another_seed_gives_another_family():
    third, fourth = (build_coordinates(spec_of(4, 5, 4.0, seed=seed)) for seed in (3, 4))
    assert third.tobytes() != fourth.tobytes()


def test_a_killed_insertion_goes_on_where_it_was(tmp_path):
    class KilledError(Exception):
        pass

    def kill(stage: str, done: int, total: int) -> None:
        if len(list(tmp_path.iterdir())) == 2:
            raise KilledError

    spec = spec_of(5, 2000, 3.0)
    with pytest.raises(KilledError):
        build_coordinates(spec, tmp_path, progress=kill)
    first = tmp_path / "codes-0000.npy"
    (tmp_path / "codes-0001.npy").write_bytes(b"cut")
    written = first.stat().st_mtime_ns
    assert build_coordinates(spec, tmp_path).tobytes() == build_coordinates(spec).tobytes()
    assert first.stat().st_mtime_ns == written


def test_a_size_that_cannot_be_reached_says_how_far_it_got():
    with pytest.raises(InputError, match=r"p3: size = 5000: of the last \d+ stamps drawn \d+ found a"):
        build_coordinates(spec_of(3, 5000, 9.0))


def test_a_face_too_small_for_its_pads_is_refused():
    with pytest.raises(InputError, match="8 pads 12 mm apart hardly ever fit in a face of radius 14 mm"):
        build_coordinates(spec_of(8, 5, 2.0, face_radius_mm=14.0))
