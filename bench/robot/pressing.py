"""Presses of a plan made by a machine while a rig hears: a fault of the machine never counts for a stamp."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from stampbench.bench.rig.opening import Opener, Rig, open_rig
from stampbench.bench.rig.port import SerialPort
from stampbench.bench.robot.machine import BAUDRATE, Machine, RobotFault, move_line
from stampbench.bench.robot.registration import Points, Registration
from stampbench.bench.robot.setup import Setup
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.hold import Hold
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.stamps.objects import resolve_object

if TYPE_CHECKING:
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.rig.opening import OnFrame
    from stampbench.bench.rig.report_checks import ReportCounters
    from stampbench.firmware_emulator.link.messages import Identity
    from stampbench.firmware_emulator.link.packets import LinkCounters
    from stampbench.firmware_emulator.touch import TouchReport
    from stampbench.sim.rig import RigFaults

GRID: Final = (4, 5)
"""Places at which the phone is found: columns and rows."""
REGISTER_DWELL_S: Final = 0.25
QUIET_US: Final = 300_000
PATIENCE_S: Final = 8.0
"""How long after its planned length a press may still not have been heard."""
_EDGE_MM: Final = 3.0
_TILT_RAD: Final = 1e-4
_TURN_DEG: Final = 0.5
_UNCHECKED: Final = 3
"""Presses in a row whose place could not be checked, after which the phone is found anew."""


class RobotRig:
    """A rig that hears, and a machine that presses: together a :class:`stampbench.bench.rig.opening.Rig`.

    Args:
        rig: that hears.
        machine: that presses; it has found its home.
        setup: of the station.

    Attributes:
        registration: where the phone lies; found by :meth:`register`.
    """

    def __init__(self, rig: Rig, machine: Machine, setup: Setup) -> None:
        self.rig = rig
        self.machine = machine
        self.setup = setup
        self.registration = Registration.rough(setup.origin, setup.rotation_deg, mirrored=setup.mirrored)
        self._pads: Points = resolve_object(setup.object).pads
        self._presses = self._unchecked = 0

    @property
    def identity(self) -> Identity:
        """Who hears."""
        return self.rig.identity

    @property
    def counters(self) -> LinkCounters:
        """What the link of the rig did."""
        return self.rig.counters

    @property
    def press_counters(self) -> LinkCounters:
        """What the link of the rig did during the last press."""
        return self.rig.press_counters

    @property
    def press_reports(self) -> ReportCounters:
        """What was odd about the reports of the last press."""
        return self.rig.press_reports

    @property
    def press_whole(self) -> bool:
        """Whether all reports of the last press arrived."""
        return self.rig.press_whole

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the condition of a simulated panel."""
        self.rig.configure(condition)

    def reset(self) -> None:
        """Lift the head, whatever it does, and end the press of the rig."""
        self.machine.lift({"z": self.setup.clear_z}, self.setup.travel_mm_s)
        self.rig.reset()

    def settle(self) -> None:
        """Let what the line lost last show in the counters."""
        self.rig.settle()

    def watch(self, **options: Any) -> Iterator[TouchReport | None]:
        """Yield the reports of a press by hand."""
        return self.rig.watch(**options)

    def register(self) -> Registration:
        """Find the phone: press a grid of places, hear where they are, and fit the map between both.

        Raises:
            RobotFault: pads were not heard, or the places do not fit a flat glass under a straight machine.
        """
        theta = math.radians(self.setup.turned_deg)
        left, right, top, bottom = resolve_object(self.setup.object).extent_mm(theta)
        identity = self.identity
        columns = np.linspace(_EDGE_MM - left, identity.width_um / 1e3 - _EDGE_MM - right, GRID[0])
        rows = np.linspace(_EDGE_MM - top, identity.height_um / 1e3 - _EDGE_MM - bottom, GRID[1])
        if columns[0] > columns[-1] or rows[0] > rows[-1]:
            raise InputError(
                f"{self.setup.object} is larger than the glass of {identity.width_um / 1e3:g} x "
                f"{identity.height_um / 1e3:g} mm: expected a smaller one in the head"
            )
        machine, glass = [], []
        for x_mm in columns:
            for y_mm in rows:
                hold = Hold(float(x_mm), float(y_mm), theta)
                dwell_us = round(1e6 * REGISTER_DWELL_S)
                press = Press(self.setup.object, (Keyframe(0, hold), Keyframe(dwell_us, hold)))
                heard = _centre(list(self._pressed(press, None)), len(self._pads))
                if heard is None:
                    raise RobotFault(
                        f"registration: pressed at ({x_mm:.1f}, {y_mm:.1f}) mm of the glass, and not all of "
                        f"{len(self._pads)} pads were heard: see origin, touch_z and depth_mm of the station"
                    )
                machine.append(self.registration.to_machine([hold.x_mm, hold.y_mm]))
                glass.append(heard - Hold(0.0, 0.0, theta).place(self._pads).mean(axis=0))
        found = Registration.fit(np.array(machine), np.array(glass))
        if found.residual_mm > self.setup.tolerance_mm:
            raise RobotFault(
                f"registration leaves {found.residual_mm:.3f} mm, more than tolerance_mm = "
                f"{self.setup.tolerance_mm:g}: the phone moved, or the machine loses steps"
            )
        self.registration = found
        self._presses = self._unchecked = 0
        return found

    def press(self, press: Press, seed: int, *, on_frame: OnFrame | None = None) -> Iterator[TouchReport]:
        """Press by the machine, and yield what the rig hears.

        Args:
            press: what to press, and how; it must be what the head carries.
            seed: not used: a real panel draws its own noise.
            on_frame: called with every raw frame.

        Raises:
            InputError: the machine cannot do that.
            RobotFault: it was not heard where it was pressed, or the machine failed.
            LinkError: the rig's link failed.
        """
        refuse_what_no_machine_can(press, self.setup)
        if self._presses >= self.setup.register_every or self._unchecked >= _UNCHECKED:
            self.register()
        self._presses += 1
        heard: list[TouchReport] = []
        for report in self._pressed(press, on_frame):
            heard.append(report)
            yield report
        self._check_place(press, heard)

    def _pressed(self, press: Press, on_frame: OnFrame | None) -> Iterator[TouchReport]:
        """Let the machine go through a press while the rig is heard; a head that fails is lifted."""
        lines = self._lines(press)
        try:
            self.machine.start(lines)
            patience_s = PATIENCE_S + press.duration_us / 1e6
            reports = self.rig.watch(
                first_contact_s=patience_s, quiet_us=QUIET_US, meanwhile=self._go_on, on_frame=on_frame
            )
            for report in reports:
                if report is not None:
                    yield report
            while not self.machine.pump(wait=True):
                pass
        except BaseException:
            self.machine.lift({"z": self.setup.clear_z}, self.setup.travel_mm_s)
            raise

    def _go_on(self) -> None:
        self.machine.pump()

    def _lines(self, press: Press) -> list[str]:
        """Return the lines of a press: above its place, down, dwell or slide, up."""
        setup = self.setup
        first, last = _full(press)
        begin, end = self._place(first.hold), self._place(last.hold)
        down = {"z": setup.touch_z - setup.depth_mm * first.hold.force}
        for target in (begin, end, down):
            setup.check(target, f"press of {press.object}")
        seconds = (last.t_us - first.t_us) / 1e6
        way = math.dist((begin["x"], begin["y"]), (end["x"], end["y"]))
        stay = (
            move_line(end, way / seconds)
            if way > 0.01 and seconds > 0.0
            else self.machine.dwell_line(seconds)
        )
        return [
            move_line({"z": setup.clear_z}, setup.travel_mm_s),
            move_line(begin, setup.travel_mm_s),
            move_line(down, setup.approach_mm_s),
            stay,
            move_line({"z": setup.clear_z}, setup.travel_mm_s),
        ]

    def _place(self, hold: Hold) -> dict[str, float]:
        """Return where the axes stand for a pose on the glass."""
        x, y = self.registration.to_machine([hold.x_mm, hold.y_mm])
        place = {"x": float(x), "y": float(y)}
        if self.setup.a is not None:
            handed = 1.0 if np.linalg.det(self.registration.matrix) > 0.0 else -1.0
            place["a"] = handed * math.remainder(math.degrees(hold.theta_rad) - self.setup.turned_deg, 360.0)
        return place

    def _check_place(self, press: Press, heard: list[TouchReport]) -> None:
        """See that a press was heard where it was made: a nudged phone and lost steps show here.

        Raises:
            RobotFault: it was not.
        """
        if not any(report.down for report in heard):
            self.machine.home()
            self.register()  # fails if it is the machine, the phone or its place: then it was not the stamp
            return
        centre = _centre(heard, len(self._pads))
        if centre is None:
            self._unchecked += 1
            return
        self._unchecked = 0
        first, last = _full(press)
        places = [hold.place(self._pads).mean(axis=0) for hold in (first.hold, last.hold)]
        slid_mm = float(np.hypot(*(places[1] - places[0])))
        off_mm = float(np.hypot(*(centre - 0.5 * (places[0] + places[1]))))
        if off_mm > self.setup.tolerance_mm + 0.5 * slid_mm:
            raise RobotFault(
                f"heard {off_mm:.2f} mm from where it was pressed (tolerance_mm = "
                f"{self.setup.tolerance_mm:g}): the phone was nudged, or the machine lost steps"
            )


def _full(press: Press) -> tuple[Keyframe, Keyframe]:
    """Return when a press is at its full force first and last."""
    most = max(hold.force for _, hold in press.keyframes)
    full = [keyframe for keyframe in press.keyframes if keyframe.hold.force >= 0.999 * most]
    return full[0], full[-1]


def _centre(heard: list[TouchReport], pads: int) -> Points | None:
    """Return the middle of all pads, over the reports that have all of them; None: none has."""
    whole = [report.down for report in heard if len(report.down) == pads]
    places = [
        [(contact.x_mm, contact.y_mm) for contact in down]
        for down in whole
        if all(contact.x_mm is not None for contact in down)
    ]
    return np.asarray(places, np.float64).mean(axis=(0, 1)) if places else None


def refuse_what_no_machine_can(press: Press, setup: Setup, where: str = "") -> None:
    """Refuse a press that the head cannot make.

    Raises:
        InputError: another object, a tilt, or a turn without an axis for it; the message says what would do.
    """
    said = f"{where}: " if where else ""
    if press.object != setup.object:
        raise InputError(
            f"{said}{press.object}: the head carries {setup.object}: expected a plan that presses it alone, "
            "such as stamps = [CODE], or another stamp in the head and in the station file"
        )
    for _, hold in press.keyframes:
        if max(abs(hold.tilt_x_rad), abs(hold.tilt_y_rad)) > _TILT_RAD:
            raise InputError(
                f"{said}a tilt of {math.degrees(math.hypot(hold.tilt_x_rad, hold.tilt_y_rad)):.2f} degrees: "
                "a machine cannot tilt its head: expected handling = { tilt_deg = [0, 0], "
                "landing_tilt_deg = [0, 0] }"
            )
        off = math.remainder(math.degrees(hold.theta_rad) - setup.turned_deg, 360.0)
        if setup.a is None and abs(off) > _TURN_DEG:
            turned = setup.turned_deg
            raise InputError(
                f"{said}a turn of {math.degrees(hold.theta_rad):.1f} degrees: the machine has no fourth "
                f"axis, and the stamp is mounted at {turned:g}: expected handling = {{ rotation_deg = "
                f"[{turned:g}, {turned:g}] }}, or a station file with robot.a"
            )


def check_plan(plan: Plan, setup: Setup, seed: int) -> None:
    """See before anything moves that the machine can make every press of a plan.

    Raises:
        InputError: it cannot; the message names the case.
    """
    from stampbench.bench.plans.draws import PressDrawer

    drawer = PressDrawer(plan, seed)
    rough = Registration.rough(setup.origin, setup.rotation_deg, mirrored=setup.mirrored)
    for planned in plan.presses():
        press = drawer.draw(planned).press
        where = f"{plan.path}: case {planned.case.name}"
        refuse_what_no_machine_can(press, setup, where)
        for _, hold in press.keyframes:
            x, y = rough.to_machine([hold.x_mm, hold.y_mm])
            setup.check({"x": float(x), "y": float(y)}, where)


def robot_opener(port: str, setup: Setup, tell: Callable[[str], None] = lambda text: None) -> Opener:
    """Return what opens a rig with a machine that presses on it: it goes home, then the phone is found."""

    @contextmanager
    def opened(rig_port: str, profile: str, faults: RigFaults | None = None) -> Iterator[Rig]:
        with open_rig(rig_port, profile, faults) as rig, open_machine(port) as machine:
            tell(f"robot: {machine.greeting}, going home")
            machine.home()
            pressing = RobotRig(rig, machine, setup)
            try:
                found = pressing.register()
                tell(
                    f"robot: phone found; {found.residual_mm:.3f} mm left, scale "
                    f"{found.scale_x.value:.5f} +- {found.scale_x.u95:.5f}, {found.scale_y.value:.5f} +- "
                    f"{found.scale_y.u95:.5f}, turned {found.rotation_deg.value:.2f} degrees"
                )
                yield pressing
            finally:
                machine.lift({"z": setup.clear_z}, setup.travel_mm_s)

    opening: Callable[[str, str, RigFaults | None], AbstractContextManager[Rig]] = opened
    return opening


@contextmanager
def open_machine(port: str) -> Iterator[Machine]:
    """Open a machine on a port.

    Raises:
        NoHardwareError: there is no such port.
        InputError: it is in use.
        RobotFault: no machine answers there.
    """
    with Machine(SerialPort(port, baudrate=BAUDRATE), port) as machine:
        yield machine
