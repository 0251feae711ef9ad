"""A machine in this process presses a stamp on a glass in this process; time passes as it is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from stampbench.bench.rig.report_checks import ReportChecker
from stampbench.bench.robot.machine import Machine, RobotFault
from stampbench.bench.robot.pressing import RobotRig, refuse_what_no_machine_can
from stampbench.bench.robot.setup import Setup, read_setup, write_setup
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.gcode import MachineFaults
from stampbench.firmware_emulator.link.packets import LinkCounters
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder import Decoder
from stampbench.sim.device import Device
from stampbench.sim.hold import Hold
from stampbench.sim.panel import load_profile
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.robot import RobotWorld, VirtualLine, machine_in_software, station_of
from stampbench.sim.stamps import load_family

CODE = 20406
OBJECT = f"p5-60k/{CODE}"


class Glass:
    """A rig in this process that hears what stands on it; time passes from scan to scan."""

    def __init__(self, world: RobotWorld, advance) -> None:
        self._device = Device(load_profile("nexus-5"))
        self._world, self._advance, self._t_us = world, advance, 0
        self.identity = self._device.identity
        self.press_counters = self.counters = LinkCounters()
        self.press_reports = ReportChecker(self.identity).counters
        self.press_whole = True

    def watch(self, *, first_contact_s, quiet_us, meanwhile, on_frame=None) -> Iterator[TouchReport]:
        begun_us, touched_us = self._t_us, None
        while touched_us is None or self._t_us - touched_us <= quiet_us:
            meanwhile()
            self._t_us += self.identity.frame_interval_us
            self._advance(self.identity.frame_interval_us / 1e6)
            _, report = self._device.scan(self._t_us, self._world.standing())
            if report.down:
                touched_us = self._t_us
            elif touched_us is None and self._t_us - begun_us > first_contact_s * 1e6:
                raise LinkError("nobody pressed")
            yield report

    def configure(self, condition) -> None: ...
    def reset(self) -> None: ...
    def settle(self) -> None: ...


class Loop:
    """The whole loop: world, machine, its driver, the rig that hears."""

    def __init__(self, speaks: str = "grbl", faults: MachineFaults | None = None, **world: object) -> None:
        self.now_s = 0.0
        firmware = machine_in_software(speaks, faults, clock=lambda: self.now_s)
        tables = station_of(speaks, OBJECT)
        keys = ("origin", "touch_z", "depth_mm")
        self.world = RobotWorld(
            motion=firmware.motion, object=OBJECT, **{key: tables[key] for key in keys}, **world
        )
        self.setup = Setup(**{key: tuple(v) if isinstance(v, list) else v for key, v in tables.items()})
        self.machine = Machine(VirtualLine(firmware, self.advance), speaks, lambda: self.now_s)
        self.rig = RobotRig(Glass(self.world, self.advance), self.machine, self.setup)

    def advance(self, seconds: float) -> None:
        self.now_s += seconds

    def ready(self) -> RobotRig:
        with self.machine:
            self.machine.home()
        self.rig.register()
        return self.rig


def press_at(x_mm: float, y_mm: float, theta_rad: float = 0.3, **hold: float) -> Press:
    down = Hold(x_mm, y_mm, theta_rad, **hold)
    up = dataclasses.replace(down, force=0.0)
    return Press(
        OBJECT, (Keyframe(0, up), Keyframe(30_000, down), Keyframe(230_000, down), Keyframe(260_000, up))
    )


def code_of(reports: list[TouchReport]) -> int | None:
    full = [report for report in reports if len(report.down) == 5]
    points = [(contact.x_mm, contact.y_mm) for contact in full[len(full) // 2].down]
    return Decoder(load_family("p5-60k")).decode(points).code


@pytest.mark.parametrize("speaks", ["grbl", "marlin"])
def test_a_press_is_heard_where_it_was_asked_for(speaks):
    rig = Loop(speaks).ready()
    reports = list(rig.press(press_at(30.0, 60.0), 0))
    assert code_of(reports) == CODE
    assert not reports[-1].down


def test_registration_finds_a_phone_that_lies_crooked():
    loop = Loop(rotation_deg=1.5)
    found = loop.ready().registration
    assert found.rotation_deg.value == pytest.approx(1.5, abs=1.5 * found.rotation_deg.u95)
    assert found.residual_mm < 0.1
    loop.rig._check_place(press_at(28.0, 50.0), list(loop.rig.press(press_at(28.0, 50.0), 0)))


@pytest.mark.parametrize(
    ("faults", "world"),
    [
        (MachineFaults(lost_mm=0.6, lost_at_move=63), {}),
        (MachineFaults(), {"slip_at_press": 22, "slip_mm": 0.6}),
    ],
    ids=["steps lost", "phone nudged"],
)
def test_what_moves_the_place_is_a_fault_within_one_press_and_none_of_the_stamp(faults, world):
    rig = Loop(faults=faults, **world).ready()  # twenty presses, of three moves each
    press = press_at(30.0, 60.0)
    if world:
        list(rig.press(press, 0))
    with pytest.raises(RobotFault, match="nudged, or the machine lost steps"):
        list(rig.press(press, 0))


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (MachineFaults(stuck_limit=True), "ALARM:8"),
        (MachineFaults(cut_after_lines=60), "port is gone"),
    ],
    ids=["limit switch stuck", "port cut"],
)
def test_a_machine_that_fails_says_what_it_was(faults, said):
    with pytest.raises(LinkError, match=said):
        Loop(faults=faults).ready()


def test_a_head_that_fails_is_lifted():
    loop = Loop()
    rig = loop.ready()
    reports = rig.press(press_at(30.0, 60.0), 0)
    while not next(reports).down:
        pass
    reports.close()
    assert loop.world.motion.position()["z"] == pytest.approx(loop.setup.clear_z)


def test_opening_a_port_moves_nothing():
    loop = Loop()
    with loop.machine:
        assert loop.machine.firmware == "grbl"
    assert not loop.world.motion.busy
    assert set(loop.world.motion.position().values()) == {0.0}


@pytest.mark.parametrize(
    ("press", "change", "said"),
    [
        (Press("finger", press_at(30.0, 60.0).keyframes), {}, "the head carries p5-60k/20406"),
        (press_at(30.0, 60.0, tilt_x_rad=0.01), {}, "cannot tilt its head"),
        (press_at(30.0, 60.0, theta_rad=1.0), {"a": None}, "no fourth axis"),
    ],
    ids=["another stamp", "tilt", "turn"],
)
def test_what_no_machine_can_do_is_refused_by_name(press, change, said):
    tables = {**station_of("grbl", OBJECT), **change}
    setup = Setup(**{key: tuple(v) if isinstance(v, list) else v for key, v in tables.items()})
    with pytest.raises(InputError, match=said):
        refuse_what_no_machine_can(press, setup)


class TestStationFile:
    def test_it_reads_back_as_written(self, tmp_path):
        write_setup(tmp_path / "robot.toml", station_of("marlin", OBJECT))
        assert read_setup(tmp_path / "robot.toml").object == OBJECT

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("touch_z = 15.0", "touch_z = 59.0", "lies outside robot.z"),
            ("touch_z = 15.0", "", "missing required field"),
            ("depth_mm = 1.0", "depth_mm = 1.0\nspeed = 3", "unknown field `speed`"),
            ("[robot]", "[[robot", "robot.toml: "),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, tmp_path, old, new, said):
        path = tmp_path / "robot.toml"
        write_setup(path, station_of("marlin", OBJECT))
        path.write_text(path.read_text().replace(old, new))
        with pytest.raises(InputError, match=said):
            read_setup(path)

    def test_it_is_not_written_over_another(self, tmp_path):
        write_setup(tmp_path / "robot.toml", station_of("grbl", OBJECT))
        with pytest.raises(InputError, match="is there already"):
            write_setup(tmp_path / "robot.toml", station_of("grbl", OBJECT))

    @pytest.mark.parametrize("target", [{"x": 1.0}, {"z": -61.0}, {"b": 0.0}])
    def test_a_move_beyond_the_limits_is_refused(self, target):
        tables = station_of("grbl", OBJECT)
        setup = Setup(**{key: tuple(v) if isinstance(v, list) else v for key, v in tables.items()})
        with pytest.raises((InputError, AttributeError)):
            setup.check(target)
