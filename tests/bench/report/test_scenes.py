from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from stampbench.bench.records.files import read_run
from stampbench.bench.report.scenes import scene_of
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.running import run
from stampbench.firmware_emulator.errors import InputError

from tests.bench.conftest import foreign, held, small_plan

PLAN = small_plan(held(1), foreign(1, "finger"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("scenes")
    run(RunOrder(PLAN, directory, seed=2))
    return read_run(directory)


def test_counts_are_those_of_the_decisive_scan(made):
    scene = scene_of(made, made.presses[0], PLAN)
    assert scene.deltas.shape == (27, 15)
    for x_mm, y_mm in scene.contacts_mm:
        row = int(y_mm / scene.height_mm * 27)
        column = int(x_mm / scene.width_mm * 15)
        assert scene.deltas[row - 1 : row + 2, column - 1 : column + 2].max() > 60


def test_pads_of_object_and_code_stand_where_the_contacts_are(made):
    scene = scene_of(made, made.presses[0], PLAN)
    for points in (scene.pads_mm, scene.read_mm):
        gaps = np.linalg.norm(points[:, None] - scene.contacts_mm[None], axis=2).min(axis=1)
        assert gaps.max() < 1.0


def test_object_that_is_not_read_has_no_pads_of_a_code(made):
    scene = scene_of(made, made.presses[1], PLAN)
    assert scene.read_mm is None
    assert len(scene.pads_mm) == len(scene.contacts_mm) == 1


def test_press_that_this_version_simulates_otherwise_keeps_its_contacts_alone(made):
    other = msgspec.structs.replace(made.presses[0], seed=made.presses[0].seed + 1)
    scene = scene_of(made, other, PLAN)
    assert (scene.deltas, scene.pads_mm) == (None, None)
    assert len(scene.contacts_mm) == 5


def test_press_of_a_real_rig_keeps_its_contacts_alone(made):
    rig = msgspec.structs.replace(made.header.rigs["nexus-5"], virtual=False)
    header = msgspec.structs.replace(made.header, rigs={"nexus-5": rig})
    scene = scene_of(dataclasses.replace(made, header=header), made.presses[0], PLAN)
    assert (scene.deltas, scene.pads_mm) == (None, None)


def test_profile_that_is_gone_is_told(made):
    with pytest.raises(InputError, match="gone"):
        scene_of(made, msgspec.structs.replace(made.presses[0], profile="gone"), PLAN)
