"""Measuring a lot: every stamp pressed, its contacts and levels recorded press by press."""

from __future__ import annotations

import platform
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from stampbench.bench.records.files import RecordWriter, RigIdentity, RunEnd
from stampbench.bench.rig.opening import VIRTUAL, identity_of, open_rig
from stampbench.bench.runs.pressing import all_at_once
from stampbench.bench.runs.progress import Made, Progress
from stampbench.bench.runs.running import recording
from stampbench.bench.validation.measuring.lots import Unit, relative_object, stamps_sha256
from stampbench.bench.validation.measuring.pads import pad_levels
from stampbench.bench.validation.measuring.records import (
    FILE_NAME,
    FORMAT,
    REFERENCE,
    MeasuredPress,
    MeasurementHeader,
    RecordedLot,
    read_recorded,
)
from stampbench.bench.validation.plans import Appraiser, ValidationPlan
from stampbench.bench.validation.sampling.switching import Switching
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.sim.rig.error import RigError

if TYPE_CHECKING:
    from stampbench.bench.rig.opening import Rig
    from stampbench.firmware_emulator.touch import Frame, TouchReport
    from stampbench.sim.panel import Profile

Points: TypeAlias = npt.NDArray[np.float64]

ATTEMPTS = 3
"""Times that a press is tried which the link loses, or in which nothing touches."""
PROMPT_S = 120.0
"""How long an operator may take."""
QUIET_US = 500_000
"""A press by hand is over when nothing has touched for so long."""
PRESSED_FULLY = 0.9
"""A frame with less than this share of the largest signal belongs to approach or lift."""
_SEED_LIMIT = 2**53


@dataclass(frozen=True, slots=True)
class Planned:
    """One press to be made."""

    unit: Unit
    appraiser: Appraiser
    repeat: int
    press: int
    kind: Literal["stamp", "reference"] = "stamp"


@dataclass(slots=True)
class _Scans:
    """Scans of one press: contacts by the set of their numbers, and the frame of each."""

    together: dict[tuple[int, ...], list[list[tuple[float, float]]]] = field(default_factory=dict)
    frames: dict[tuple[int, ...], list[Frame]] = field(default_factory=dict)


def study_units(plan: ValidationPlan, units: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """Return those stamps of the sample that every appraiser measures repeatedly, spread over the sample."""
    count = min(plan.measurement.gauge_stamps, len(units))
    places = np.unique(np.linspace(0, len(units) - 1, count).round().astype(int))
    return tuple(units[place] for place in places)


def reference_of(plan: ValidationPlan, units: Sequence[Unit], *, virtual: bool) -> Unit | None:
    """Return the stamp that proves a rig: the plan's, or an ideal one in software; None without one."""
    named = plan.reference.object
    if named is None and not virtual:
        return None
    name = units[0].nominal if named is None else relative_object(named, plan.path)
    return Unit(REFERENCE, 0, name, name)


def planned_presses(
    plan: ValidationPlan, units: tuple[Unit, ...], virtual: Collection[str]
) -> Iterator[Planned]:
    """Yield every press of a validation, in order.

    Appraiser by appraiser the stamps are measured in an order drawn from the seed, so that a drift of the
    rig is no difference between stamps; the reference comes first and last, and every so many stamps.

    Args:
        plan: what is measured.
        units: the sample.
        virtual: appraisers whose rig is in software.
    """
    study = {unit.serial for unit in study_units(plan, units)}
    for number, appraiser in enumerate(plan.appraisers):
        measurements = [
            (unit, repeat)
            for unit in units
            if number == 0 or unit.serial in study
            for repeat in range(1, (plan.measurement.repeats if unit.serial in study else 1) + 1)
        ]
        order = np.random.default_rng([plan.seed, 2, number]).permutation(len(measurements))
        reference = reference_of(plan, units, virtual=appraiser.name in virtual)
        looks = 0
        for place in range(len(order) + 1):
            if reference is not None and (place % plan.reference.every == 0 or place == len(order)):
                looks += 1
                for press in range(1, (plan.reference.presses or plan.measurement.presses) + 1):
                    yield Planned(reference, appraiser, looks, press, "reference")
            if place < len(order):
                unit, repeat = measurements[order[place]]
                for press in range(1, plan.measurement.presses + 1):
                    yield Planned(unit, appraiser, repeat, press)


def measure_lot(
    plan: ValidationPlan,
    units: tuple[Unit, ...],
    directory: Path,
    ports: Mapping[str, str],
    progress: Progress | None = None,
    *,
    due: Switching | None = None,
    begin: Callable[[], object] = lambda: None,
    prompt: Callable[[str], None] = lambda text: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    resume: bool = False,
) -> RunEnd:
    """Press every stamp as planned and record what was measured; an interrupt ends it in order.

    Args:
        plan: what is measured.
        units: the sample.
        directory: for the records.
        ports: of the rig, by appraiser; :data:`~stampbench.bench.rig.opening.VIRTUAL` for one in software.
        progress: is told how it goes.
        due: how the lot is inspected, and why.
        begin: called once the rigs have answered, before anything is measured.
        prompt: tells an operator what to press, on rigs that cannot by themselves.
        now: wall clock.
        resume: goes on behind what is recorded in the directory already, by the plan and sample of
            :func:`interrupted`.

    Raises:
        InputError: a port, a profile, an object or the directory cannot be used; to be resumed, a measurement
            that is complete, or begun on other rigs.
        NoHardwareError: there is no such port.
    """
    progress = progress or Progress()
    begun_s = time.monotonic()
    path = directory / FILE_NAME
    if path.exists() and not resume:
        raise InputError(f"{path}: there is a measurement already: expected another directory")
    recorded = read_recorded(path) if resume else None
    rigs, resolution_mm = {}, {}
    for appraiser in plan.appraisers:
        with open_rig(ports[appraiser.name], appraiser.profile) as rig:
            rigs[appraiser.name] = identity_of(rig, ports[appraiser.name])
            resolution_mm[appraiser.name] = round(
                rig.identity.width_um / 1000.0 / (rig.identity.x_max + 1), 6
            )
    before = [] if recorded is None else recorded.presses
    if recorded is not None:
        virtual = {name for name, port in ports.items() if port == VIRTUAL}
        _check_same(path, recorded, rigs, planned_presses(plan, units, virtual))
    begin()
    made = (
        Made(line=measured, presses=1, failed=int(measured.outcome == "lost"))
        for measured in _all_presses(plan, units, ports, prompt, before)
    )
    with RecordWriter(path, after=0 if recorded is None else recorded.length) as writer:
        if recorded is None:
            writer.write(_header(plan, units, rigs, resolution_mm, now(), due))
        return all_at_once(recording(writer, made, progress, begun_s=begun_s, now=now))


def _check_same(
    path: Path, recorded: RecordedLot, rigs: Mapping[str, RigIdentity], planned: Iterator[Planned]
) -> None:
    """Check that what is recorded is the beginning of what is planned, and was made on these rigs."""
    for press, due in zip(recorded.presses, planned, strict=False):
        asked = (due.unit.serial, due.appraiser.name, due.repeat, due.press, due.kind)
        if (press.serial, press.appraiser, press.repeat, press.press, press.kind) != asked:
            raise InputError(
                f"{path}: press {press.press} of {press.serial} by {press.appraiser}: expected press "
                f"{due.press} of {due.unit.serial} by {due.appraiser.name}, as the plan asks"
            )
    for name, rig in recorded.header.rigs.items():
        for what in ("virtual", "serial_number", "firmware"):
            begun, today = getattr(rig, what), getattr(rigs[name], what)
            if begun != today:
                raise InputError(
                    f"{path}: {name}: begun with {what.replace('_', ' ')} {begun}, now {today}: expected the "
                    "same rig"
                )


def _header(
    plan: ValidationPlan,
    units: tuple[Unit, ...],
    rigs: dict[str, RigIdentity],
    resolution_mm: dict[str, float],
    started_at: datetime,
    due: Switching | None,
) -> MeasurementHeader:
    import hashlib

    return MeasurementHeader(
        format=FORMAT,
        plan_path=str(plan.path),
        plan_text=plan.text,
        plan_sha256=hashlib.sha256(plan.text.encode()).hexdigest(),
        seed=plan.seed,
        stamps_sha256=stamps_sha256(plan),
        resolution_mm=resolution_mm,
        station=platform.node(),
        versions={name: version(name) for name in ("stampbench", "numpy", "scipy")},
        started_at=started_at.isoformat(timespec="seconds"),
        units=[
            {
                "serial": unit.serial,
                "cavity": unit.cavity,
                "nominal": unit.nominal,
                "object": unit.object,
            }
            for unit in units
        ],
        rigs=rigs,
        switching=due,
    )


def _all_presses(
    plan: ValidationPlan,
    units: tuple[Unit, ...],
    ports: Mapping[str, str],
    prompt: Callable[[str], None],
    before: Sequence[MeasuredPress] = (),
) -> Iterator[MeasuredPress]:
    """Yield all presses behind those that were made before."""
    presses = list(planned_presses(plan, units, {name for name, port in ports.items() if port == VIRTUAL}))
    for appraiser in plan.appraisers:
        own = [press for press in before if press.appraiser == appraiser.name]
        waiting = [planned for planned in presses if planned.appraiser is appraiser]
        planned_in_all = len(waiting)
        waiting = waiting[len(own) :]
        failures = 0
        error, first = None, own[0] if own else None
        if ports[appraiser.name] == VIRTUAL:
            error = RigError.from_mapping(appraiser.error, f"{plan.path}: appraisers.error")
        while waiting:
            try:
                with open_rig(ports[appraiser.name], appraiser.profile) as rig:
                    measurer = _Measurer(plan, rig, appraiser, prompt)
                    while waiting:
                        measured = measurer.measure(waiting[0])
                        if error is not None:
                            elapsed = 1.0 - len(waiting) / planned_in_all
                            measured = _misread(measured, error, rig, elapsed, plan.seed)
                            first = first or measured
                            if error.stuck:
                                measured = _stuck(measured, first)
                        waiting.pop(0)
                        failures = 0
                        yield measured
            except LinkError as lost:
                failures += 1
                if failures == ATTEMPTS:
                    raise
                yield _lost(waiting.pop(0), str(lost))


def _misread(measured: MeasuredPress, error: RigError, rig: Rig, elapsed: float, seed: int) -> MeasuredPress:
    """Return a press as a rig with this error reads it."""
    if not measured.contacts_mm:
        return measured
    rng = np.random.default_rng([seed, 3, zlib.crc32(measured.appraiser.encode()), round(1e6 * elapsed)])
    places = error.misread(np.array(measured.contacts_mm), rig.identity.width_um / 1000.0, elapsed, rng)
    levels = measured.levels
    if levels is not None:
        levels = [round(float(one), 4) for one in error.misread_level(np.array(levels), elapsed)]
    contacts = [(round(float(x), 4), round(float(y), 4)) for x, y in places]
    return msgspec.structs.replace(measured, contacts_mm=contacts, levels=levels)


def _stuck(measured: MeasuredPress, first: MeasuredPress) -> MeasuredPress:
    """Return a press as a rig reads it that is stuck at its first one."""
    return msgspec.structs.replace(measured, contacts_mm=first.contacts_mm, levels=first.levels)


def _lost(planned: Planned, message: str) -> MeasuredPress:
    return MeasuredPress(
        serial=planned.unit.serial,
        appraiser=planned.appraiser.name,
        repeat=planned.repeat,
        press=planned.press,
        kind=planned.kind,
        outcome="lost",
        message=message,
    )


class _Measurer:
    """Measures stamps on one opened rig."""

    def __init__(
        self, plan: ValidationPlan, rig: Rig, appraiser: Appraiser, prompt: Callable[[str], None]
    ) -> None:
        from stampbench.firmware_emulator.link.messages import Capability
        from stampbench.sim.press import Hand, Handling

        self._plan, self._rig, self._appraiser, self._prompt = plan, rig, appraiser, prompt
        self._by_itself = Capability.PRESS in rig.identity.capabilities
        self._frames = Capability.RAW_FRAMES in rig.identity.capabilities
        self._hand = Hand(Handling.from_mapping(plan.handling, f"{plan.path}: handling"))
        self._profile: Profile | None = None
        if Capability.CONFIGURE in rig.identity.capabilities:
            rig.configure(appraiser.condition)

    def measure(self, planned: Planned) -> MeasuredPress:
        """Make one press, again if it is lost, and measure it.

        Raises:
            LinkError: the link died.
        """
        message = ""
        for attempt in range(ATTEMPTS):
            scans = self._scan(planned, attempt)
            if not self._rig.press_whole:
                message = "the link did not bring all reports"
            elif not scans.together:
                message = "nothing touched"
            else:
                return self._measured(planned, scans)
        if message == "nothing touched":  # that is the stamp's own doing, not the bench's
            return msgspec.structs.replace(_lost(planned, message), outcome="measured")
        return _lost(planned, message)

    def _scan(self, planned: Planned, attempt: int) -> _Scans:
        scans = _Scans()
        latest: list[Frame] = []
        reports: Iterator[TouchReport | None]
        if self._by_itself:
            reports = self._press(planned, attempt, latest)
        else:
            who = f"{self._appraiser.operator}: " if self._appraiser.operator else ""
            what = "the reference" if planned.kind == "reference" else f"stamp {planned.unit.serial}"
            self._prompt(
                f"{who}{what}, measurement {planned.repeat}, press {planned.press} of "
                f"{self._plan.measurement.presses}: press it somewhere, at another angle, then let go"
            )
            reports = self._rig.watch(first_contact_s=PROMPT_S, quiet_us=QUIET_US)
        for report in reports:
            if report is None:  # a rig that has nothing yet
                continue
            down = sorted((one for one in report.down if one.x_mm is not None), key=lambda one: one.id)
            if down:
                ids = tuple(contact.id for contact in down)
                places = [(contact.x_mm or 0.0, contact.y_mm or 0.0) for contact in down]
                scans.together.setdefault(ids, []).append(places)
                scans.frames.setdefault(ids, []).extend(latest[-1:])
        return scans

    def _press(self, planned: Planned, attempt: int, latest: list[Frame]) -> Iterator[TouchReport]:
        from stampbench.sim.panel import load_profile

        if self._profile is None:
            self._profile = load_profile(self._rig.identity.profile)
        names = (planned.unit.serial, self._appraiser.name)
        entropy = [
            self._plan.seed,
            *(zlib.crc32(name.encode()) for name in names),
            planned.repeat,
            planned.press,
            attempt,
        ]
        hand_seed, panel_seed = np.random.SeedSequence(entropy).spawn(2)
        press = self._hand.press(planned.unit.object, self._profile, np.random.default_rng(hand_seed))
        seed = int(panel_seed.generate_state(1, np.uint64)[0]) % _SEED_LIMIT
        on_frame = latest.append if self._frames else None
        return self._rig.press(press.rounded(), seed, on_frame=on_frame)

    def _measured(self, planned: Planned, scans: _Scans) -> MeasuredPress:
        most = max(scans.together, key=lambda ids: (len(ids), len(scans.together[ids])))
        if len(scans.together[most]) == 1 and len(scans.together) > 1:  # one scan alone may be a landing
            most = max(scans.together, key=lambda ids: (len(scans.together[ids]), len(ids)))
        places: Points = np.median(np.array(scans.together[most]), axis=0)
        return MeasuredPress(
            serial=planned.unit.serial,
            appraiser=planned.appraiser.name,
            repeat=planned.repeat,
            press=planned.press,
            kind=planned.kind,
            contacts_mm=[(round(float(x), 4), round(float(y), 4)) for x, y in places],
            levels=self._levels(scans.frames[most], places),
        )

    def _levels(self, frames: list[Frame], places: Points) -> list[float] | None:
        if not frames:
            return None
        signals = np.array([frame.deltas.sum(dtype=np.int64) for frame in frames])
        if signals.max() <= 0:  # as under a film of water: there is no pad to tell a level of
            return None
        full = [
            frame
            for frame, signal in zip(frames, signals, strict=True)
            if signal >= PRESSED_FULLY * signals.max()
        ]
        identity = self._rig.identity
        pitch = (
            identity.width_um / 1000.0 / identity.columns,
            identity.height_um / 1000.0 / identity.rows,
        )
        levels = pad_levels(
            full,
            places,
            pitch_mm=pitch,
            full_touch=self._plan.measurement.full_touch,
            pad_diameter_mm=self._plan.measurement.pad_diameter_mm,
        )
        return [round(float(level), 4) for level in levels]
