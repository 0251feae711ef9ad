"""Enrolment: presses found in reports or made on a rig, and the entry they give in a catalogue file."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.sources.summary import PRESS_GAP_US
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import checked_name
from stampbench.firmware_emulator.touch import TouchReport

if TYPE_CHECKING:
    from stampbench.bench.rig.opening import Rig
    from stampbench.sim.press import Press
    from stampbench.sim.stamps import Catalogue

Points: TypeAlias = npt.NDArray[np.float64]

MIN_DISTANCE_MM = 2.0
"""Least rigid distance to every other entry: an error of 0.2 mm per axis moves five pads by half of
it in one press of a thousand (chi with seven degrees of freedom, 4.93 sigma)."""
LARGEST_SPREAD_MM = 1.5
"""Presses farther apart than this are of two stamps, or not whole: errors of 0.2 mm per axis do that
to two presses of five pads less often than once in a thousand."""
FEWEST_REPORTS = 3
"""Reports in which all contacts of a press must be down."""
_PROMPT_S = 120.0
_QUIET_US = 500_000


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new entry of a catalogue.

    Attributes:
        pads_mm: pad centres, shape (n, 2), from the centre of the smallest circle round them.
        residual_mm: rigid distance of each press to them.
        sigma_mm: standard deviation of a contact on each axis; NaN for a single press.
        nearest: name and rigid distance (mm) of the entry that is nearest; None in a new catalogue.
    """

    name: str
    pads_mm: Points
    residual_mm: tuple[float, ...]
    sigma_mm: float
    nearest: tuple[str, float] | None


def press_shapes(reports: Iterable[TouchReport], *, pads: int | None = None) -> Iterator[Points]:
    """Yield contacts of each press in a stream of reports: one array (n, 2), mm, per press.

    A press ends when nothing has been down for a while. Its shape is the median position of the contacts that
    were down together most often while most were down, or while exactly ``pads`` were; presses too short to
    tell are left out.
    """
    together: dict[tuple[int, ...], list[list[tuple[float, float]]]] = {}
    last_down_us = 0
    for report in reports:
        down = [contact for contact in report.down if contact.x_mm is not None and contact.y_mm is not None]
        if not down:
            continue
        if together and report.t_us - last_down_us > PRESS_GAP_US:
            yield from _shape(together, pads)
            together = {}
        last_down_us = report.t_us
        down.sort(key=lambda contact: contact.id)
        places = [(contact.x_mm or 0.0, contact.y_mm or 0.0) for contact in down]
        together.setdefault(tuple(contact.id for contact in down), []).append(places)
    yield from _shape(together, pads)


def _shape(
    together: dict[tuple[int, ...], list[list[tuple[float, float]]]], pads: int | None
) -> Iterator[Points]:
    fitting = [ids for ids in together if pads in (None, len(ids))]
    if fitting:
        most = max(fitting, key=lambda ids: (len(ids), len(together[ids])))
        if len(together[most]) >= FEWEST_REPORTS:
            yield np.median(np.array(together[most]), axis=0)


def presses_on_rig(
    rig: Rig, object_name: str, presses: int, *, seed: int, prompt: Callable[[str], None]
) -> Iterator[Points]:
    """Yield shapes of presses by a rig, or an operator where it cannot, each at another place and angle.

    Args:
        rig: opened.
        object_name: what the rig presses; for an operator, what the prompt calls it.
        presses: how many.
        seed: from which places, angles and the noise of a simulated panel are drawn.
        prompt: tells the operator what to do.

    Raises:
        InputError: the rig knows no such object, or it does not fit.
        LinkError: the link died, or nobody pressed in time.
    """
    from stampbench.firmware_emulator.link.messages import Capability

    by_itself = Capability.PRESS in rig.identity.capabilities
    for number in range(1, presses + 1):
        reports: Iterator[TouchReport | None]
        if by_itself:
            hand_seed, panel_seed = np.random.SeedSequence([seed, number]).spawn(2)
            press = _press(rig.identity.profile, object_name, np.random.default_rng(hand_seed))
            reports = rig.press(press, int(panel_seed.generate_state(1, np.uint64)[0]))
        else:
            prompt(f"{number} of {presses}: press {object_name} somewhere, at another angle, then let go")
            reports = rig.watch(first_contact_s=_PROMPT_S, quiet_us=_QUIET_US)
        yield from press_shapes(report for report in reports if report is not None)


def _press(profile_name: str, object_name: str, rng: np.random.Generator) -> Press:
    from stampbench.sim.panel import load_profile
    from stampbench.sim.press import Hand

    return Hand().press(object_name, load_profile(profile_name), rng).rounded()


def enrol_stamp(
    path: Path, name: str, presses_mm: Iterable[Points], *, min_distance_mm: float = MIN_DISTANCE_MM
) -> Enrolled:
    """Average presses of one stamp into a new entry of the catalogue file, which is made if it is not there.

    Raises:
        InputError: the catalogue cannot be read or written, the name is taken or cannot be a name, the
            presses differ from each other, or the stamp is nearer than ``min_distance_mm`` to an entry.
    """
    from stampbench.sim.stamps import Catalogue, rigid_distance_mm
    from stampbench.sim.stamps.enrolment import enrol

    name = checked_name(name, "--name")
    if set(name) & set("#~"):
        raise InputError(f"--name {name!r}: expected a name without # and ~")
    catalogue = Catalogue.read(path) if path.exists() else None
    shapes = list(presses_mm)
    _check_presses(shapes, None if catalogue is None else catalogue.pads_per_stamp)
    enlarged, mean = enrol(catalogue, name, shapes, min_distance_mm=min_distance_mm)
    worst = int(np.argmax(mean.residual_mm))
    apart = [rigid_distance_mm(shape, shapes[worst]) for shape in shapes]
    farthest = int(np.argmax(apart))
    if apart[farthest] > LARGEST_SPREAD_MM:
        raise InputError(
            f"press {worst + 1} of {len(shapes)} is {apart[farthest]:.2f} mm from press {farthest + 1}:"
            f" expected at most {LARGEST_SPREAD_MM:g} mm; was it another stamp, or not whole on the glass?"
        )
    nearest = None
    if catalogue is not None:
        distances = [rigid_distance_mm(catalogue.pads(code), mean.pads_mm) for code in range(catalogue.size)]
        code = int(np.argmin(distances))
        nearest = catalogue.names[code], distances[code]
    _append(path, enlarged)
    return Enrolled(name, mean.pads_mm, mean.residual_mm, mean.sigma_mm, nearest)


def _check_presses(shapes: list[Points], pads: int | None) -> None:
    if not shapes:
        raise InputError("no press was found: expected at least one, whole, with positions in mm")
    if pads is None:
        pads = Counter(len(shape) for shape in shapes).most_common(1)[0][0]
        expected = f"{pads} as in most presses"
    else:
        expected = f"{pads} as in the catalogue"
    for number, shape in enumerate(shapes, start=1):
        if len(shape) != pads:
            raise InputError(
                f"press {number} of {len(shapes)} has {len(shape)} contacts: expected {expected}; "
                "was a pad off the glass, or a finger on it?"
            )


def _append(path: Path, enlarged: Catalogue) -> None:
    """Put the last entry at the end of the file, which is replaced at once by one that has been read back."""
    last = enlarged.size - 1
    entry = type(enlarged)(enlarged.names[last:], np.round(enlarged.pads(last), 4)[None])
    comma_separated = path.suffix.lower() == ".csv"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".enrol-") as folder:
            new = Path(folder) / path.name
            entry.write(new)
            text = new.read_text(encoding="utf-8")
            if before:
                text = "\n" + (text.partition("\n")[2] if comma_separated else f"\n{text}")
                text = before.rstrip() + text
            with new.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if not _reads_as(new, enlarged):
                enlarged.write(new)  # stamps written in another way than as [[stamp]] tables
            os.replace(new, path)
    except OSError as error:
        raise InputError(f"catalogue {path}: cannot be written: {error.strerror}") from None


def _reads_as(path: Path, enlarged: Catalogue) -> bool:
    try:
        return type(enlarged).read(path).names == enlarged.names
    except InputError:
        return False
