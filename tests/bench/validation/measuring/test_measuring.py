from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from stampbench.bench.validation.measuring.measuring import (
    FILE_NAME,
    measure_lot,
    planned_presses,
    read_measurements,
    study_units,
)
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.link.messages import Capability, Identity
from stampbench.firmware_emulator.touch import Contact, TouchReport

from ..conftest import NOMINAL

PLACE = np.array([30.0, 50.0])


class RigByHand:
    """A rig without an actuator: what is pressed comes from outside."""

    def __init__(self, world):
        self._world = world
        self.press_whole = True
        self.identity = Identity(
            "SN-7", "nexus-5", "test rig", "1.0", contact_limit=10, x_max=1000, y_max=1000,
            width_um=60_000, height_um=100_000, frame_interval_us=10_000, rows=27, columns=15,
            capabilities=Capability(0),
        )  # fmt: skip

    def watch(self, *, first_contact_s, quiet_us):
        self._world.presses += 1
        fate = self._world.fates.get(self._world.presses, "pressed")
        if fate == "link":
            raise LinkError("the cable was pulled")
        self.press_whole = fate != "torn"
        pads = NOMINAL + PLACE if fate != "nothing" else np.empty((0, 2))
        for scan in range(6):
            # Pads land one after the other; the last scans have them all.
            down = pads[: scan + 1] if scan < 3 else pads
            yield TouchReport(
                10_000 * scan,
                tuple(Contact(k, True, 0, 0, float(x), float(y)) for k, (x, y) in enumerate(down)),
            )


class World:
    """How many presses were made, and what becomes of some."""

    def __init__(self):
        self.presses, self.fates, self.opened = 0, {}, 0


@pytest.fixture
def world(monkeypatch):
    world = World()

    @contextmanager
    def open_rig(port, profile):
        world.opened += 1
        yield RigByHand(world)

    monkeypatch.setattr("stampbench.bench.validation.measuring.measuring.open_rig", open_rig)
    return world


@pytest.fixture
def measured(plan, units, world, tmp_path):
    """Measures two stamps by hand and reads the records."""
    import dataclasses

    small = dataclasses.replace(plan, appraisers=plan.appraisers[:1])
    prompts = []

    def measured(**fates):
        world.fates = {int(name[1:]): fate for name, fate in fates.items()}
        ports = {appraiser.name: "/dev/ttyX" for appraiser in small.appraisers}
        end = measure_lot(small, units[:2], tmp_path, ports, prompt=prompts.append)
        header, presses, _ = read_measurements(tmp_path)
        return header, presses, end, prompts

    return measured


def test_an_operator_is_told_what_to_press(measured):
    header, presses, end, prompts = measured()
    assert (end.status, end.presses, len(presses)) == ("complete", 16, 16)
    assert sorted(prompts)[0].startswith("stamp S0, measurement 1, press 1 of 4: press it somewhere")
    assert header.rigs["rig A"].serial_number == "SN-7"
    assert np.allclose(sorted(presses[0].contacts_mm), sorted((NOMINAL + PLACE).tolist()))
    assert presses[0].levels is None  # this rig sends no raw frames


def test_a_press_that_the_link_tore_is_made_again(measured, world):
    _, presses, _, _ = measured(p3="torn")
    assert world.presses == 17
    assert all(press.outcome == "measured" for press in presses)


def test_a_press_that_is_torn_each_time_is_lost_and_said_so(measured):
    _, presses, _, _ = measured(p3="torn", p4="torn", p5="torn")
    assert (presses[2].outcome, presses[2].message) == ("lost", "the link did not bring all reports")
    assert presses[3].outcome == "measured"


def test_a_stamp_that_touches_nothing_is_measured_as_that(measured):
    _, presses, _, _ = measured(p3="nothing", p4="nothing", p5="nothing")
    assert (presses[2].outcome, presses[2].contacts_mm) == ("measured", [])


def test_after_a_dead_link_the_rig_is_opened_anew(measured, world):
    _, presses, end, _ = measured(p5="link")
    assert (end.status, len(presses)) == ("complete", 16)
    assert (presses[4].outcome, presses[4].message) == ("lost", "the cable was pulled")
    assert world.opened == 3  # once to ask who it is, once, and once again


def test_a_link_that_stays_dead_ends_the_measurement_with_its_records(measured):
    _, presses, end, _ = measured(p5="link", p6="link", p7="link")
    assert (end.status, end.message) == ("error", "the cable was pulled")
    assert len(presses) == 6


def test_only_the_study_is_measured_by_everybody(plan, units):
    study = {unit.serial for unit in study_units(plan, units)}
    presses = list(planned_presses(plan, units, ()))
    assert len(study) == 5
    assert {one.unit.serial for one in presses if one.appraiser.name == "rig C"} == study
    assert len(presses) == 4 * (5 * 2 * 3 + 5)


@pytest.mark.parametrize("content", ["", "{}\n", '{"line":"press","serial":"1"}\n'])
def test_what_is_no_record_of_a_validation_is_refused(tmp_path, content):
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(InputError, match="the records of stampbench validate"):
        read_measurements(tmp_path)
