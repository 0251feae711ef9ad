from __future__ import annotations

import dataclasses
from contextlib import contextmanager

import numpy as np
import pytest
from stampbench.bench.validation.measuring.measuring import measure_lot, planned_presses, study_units
from stampbench.bench.validation.measuring.records import FILE_NAME, interrupted, read_measurements
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


@pytest.fixture
def broken_off(measured, plan, units, world, tmp_path):
    """Breaks a measurement off after its sixth press, and goes on with it as told."""
    measured(p7="link", p8="link", p9="link")
    records = tmp_path / FILE_NAME
    records.write_bytes(records.read_bytes().rpartition(b'{"line":"end"')[0] + b'{"line":"press","se')
    world.fates = {}

    def resume(**ports):
        small, sample, made = interrupted(tmp_path)
        assert (made, len(sample), small.seed) == (8, 2, plan.seed)
        small = dataclasses.replace(small, appraisers=plan.appraisers[:1])
        return measure_lot(small, sample, tmp_path, {"rig A": "/dev/ttyX"} | ports, resume=True)

    return resume


def test_an_interrupted_measurement_goes_on_behind_its_last_whole_line(broken_off, measured, tmp_path):
    first_session = (tmp_path / FILE_NAME).read_bytes().rpartition(b"\n")[0]
    end = broken_off()
    _, presses, last = read_measurements(tmp_path)
    assert (end.status, end.presses, last) == ("complete", 8, end)
    asked = [(press.serial, press.repeat, press.press) for press in presses]
    assert len(set(asked)) == len(asked) == 16
    assert (tmp_path / FILE_NAME).read_bytes().startswith(first_session)


def test_a_whole_measurement_is_not_gone_on_with(measured, tmp_path):
    measured()
    with pytest.raises(InputError, match="the measurement is complete"):
        interrupted(tmp_path)


def test_another_rig_does_not_go_on_with_a_measurement(broken_off, world, monkeypatch):
    sound = RigByHand.__init__

    def another(rig, its_world):
        sound(rig, its_world)
        rig.identity = dataclasses.replace(rig.identity, serial_number="SN-8")

    monkeypatch.setattr(RigByHand, "__init__", another)
    with pytest.raises(InputError, match="begun with serial number SN-7, now SN-8: expected the same rig"):
        broken_off()


def test_records_that_do_not_follow_the_plan_are_not_gone_on_with(broken_off, tmp_path):
    records = tmp_path / FILE_NAME
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    with pytest.raises(InputError, match="as the plan asks"):
        broken_off()


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
