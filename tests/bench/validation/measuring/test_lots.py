from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from stampbench.bench.validation.measuring.lots import draw_sample, make_lot, nominal_pads_mm
from stampbench.bench.validation.plans import CavityFault
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue


@pytest.fixture
def changed(plan):
    """The plan with other keys in some tables."""

    def changed(seed=0, **tables):
        return dataclasses.replace(
            plan,
            seed=seed,
            **{name: msgspec.structs.replace(getattr(plan, name), **keys) for name, keys in tables.items()},
        )

    return changed


def test_sample_is_drawn_at_random_and_by_the_seed_alone(changed):
    first, again = draw_sample(changed(seed=1)), draw_sample(changed(seed=1))
    assert first == again != draw_sample(changed(seed=2))
    serials = [int(unit.serial) for unit in first]
    assert serials == sorted(serials)
    assert len(set(serials)) == 10
    assert all(unit.cavity == 1 + (int(unit.serial) - 1) % 2 for unit in first)


def test_every_stamp_of_a_lot_is_drawn_alike(changed):
    drawn = [int(unit.serial) for seed in range(200) for unit in draw_sample(changed(seed=seed))]
    assert np.histogram(drawn, 5, (1, 501))[0] == pytest.approx([400] * 5, abs=80)


@pytest.mark.parametrize("sizes", [(40, 40, 40), (90, 20, 10), (3, 60, 1)])
def test_each_cavity_gives_its_share_of_the_sample(changed, plan, sizes):
    lines = [f"C{cavity}-{n},{cavity}\n" for cavity, size in enumerate(sizes, 1) for n in range(size)]
    (plan.path.parent / "shares.csv").write_text("serial,cavity\n" + "".join(lines))
    lot = {"stamps": "shares.csv", "cavities": 3, "size": len(lines)}
    drawn = np.array(
        [
            np.bincount([unit.cavity for unit in draw_sample(changed(seed=seed, lot=lot))], minlength=4)
            for seed in range(400)
        ]
    )[:, 1:]
    exact = 10 * np.array(sizes) / sum(sizes)
    assert (abs(drawn - exact) < 1).all()
    assert drawn.mean(axis=0) == pytest.approx(exact, abs=0.1)


def test_stamps_may_be_listed_with_cavity_and_nominal(changed, plan):
    lines = "".join(f"A{n},{1 + n % 2},p5-60k/{n}\n" for n in range(12))
    (plan.path.parent / "lot.csv").write_text("serial,cavity,nominal\n" + lines)
    units = draw_sample(changed(lot={"stamps": "lot.csv", "size": 12}))
    assert len(units) == 10
    assert all(unit.nominal == f"p5-60k/{unit.serial[1:]}" for unit in units)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("serial\nA\n", "line 1: columns serial"),
        ("serial,cavity\nA,3\n", "line 2: cavity '3': expected 1 to 2"),
        ("serial,cavity\nA#,1\n", "line 2: serial 'A#'"),
        ("serial,cavity\nA,1\nA,2\n", '"A" stands there twice'),
        ("serial,cavity\nA,1\nB,2\n", "has 2 stamps, lot.size is 500"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(changed, plan, text, said):
    (plan.path.parent / "wrong.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        draw_sample(changed(lot={"stamps": "wrong.csv"}))


def test_a_made_lot_differs_from_nominal_as_told(changed, tmp_path):
    plan = changed(
        lot={"size": 400},
        sampling={"sample": 400},
        made={
            "scatter_mm": 0.05,
            "missing": 0.1,
            "cavities": [CavityFault(cavity=2, pad=3, offset_mm=(0.2, -0.1))],
        },
    )
    units = make_lot(plan, draw_sample(plan), tmp_path)
    catalogue = Catalogue.read(tmp_path / "made.toml")
    off = np.array([catalogue.pads(code) for code in range(400)]) - nominal_pads_mm(units[0].nominal)
    second = np.array([unit.cavity == 2 for unit in units])
    assert off[~second].std() == pytest.approx(0.05, rel=0.05)
    assert off[second].mean(axis=0)[2] == pytest.approx((0.2, -0.1), abs=0.015)
    assert sum("missing=" in unit.object for unit in units) == pytest.approx(40, abs=18)
    assert make_lot(plan, draw_sample(plan), tmp_path) == units


def test_a_fault_of_a_pad_that_is_not_there_is_refused(changed, tmp_path):
    plan = changed(made={"cavities": [CavityFault(cavity=1, pad=6, offset_mm=(0.1, 0.0))]})
    with pytest.raises(InputError, match="pad 6: p5-60k/11 has 5 pads"):
        make_lot(plan, draw_sample(plan), tmp_path)
