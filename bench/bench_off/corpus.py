"""The corpus of a bench-off: presses as their reports were, in one file with a version and a SHA-256.

The file is JSON lines, compressed with xz: :class:`Header`, then a :class:`CorpusPress` a line. It holds
reports and no seeds, so that it stays what it is when the simulated panels change. Beside the presses of a
plan it holds those of recordings whose millimetres are sure.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct
from stampbench.bench.plans.draws import PressDrawer, check_plan
from stampbench.bench.plans.plan import Plan
from stampbench.bench.runs.progress import Progress
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.summary import PRESS_GAP_US
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, TouchReport

VERSION: Final = 1
"""Of the corpus that travels with the package."""
_FORMAT: Final = "stampbench-corpus"
SaidPlace: TypeAlias = tuple[int, int, float, float]
_RECORDED: Final = "recorded"
"""Condition of presses that come from recordings."""


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line.

    Attributes:
        format: of the file.
        name, version: of the corpus.
        family: whose stamps are genuine.
        sigma_mm: error per axis and pad that a genuine stamp may have.
        presses: lines that follow.
    """

    format: str
    name: str
    version: int
    family: str
    sigma_mm: float
    presses: int


class CorpusPress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One press: where and how it was made, what is true, and what the controller reported.

    Attributes:
        panel, width_mm, height_mm: that was pressed.
        condition: of panel and hand, by name.
        object: by name, or the recording.
        code: of the stamp; None for a foreign object.
        said: reports with contacts: time (us), and of each contact id, 1 if it touches and 2 if it was taken
            away, x and y (mm).
    """

    panel: str
    width_mm: float
    height_mm: float
    condition: str
    object: str
    code: int | None
    said: list[tuple[int, list[SaidPlace]]]

    @property
    def reports(self) -> list[TouchReport]:
        """The reports, with places in mm alone, and an empty one at the end."""
        reports = [
            TouchReport(
                t_us,
                tuple(
                    Contact(
                        id=number, tip=bool(flags & 1), x=0, y=0, x_mm=x, y_mm=y, cancelled=bool(flags & 2)
                    )
                    for number, flags, x, y in contacts
                ),
            )
            for t_us, contacts in self.said
        ]
        return [*reports, TouchReport(self.said[-1][0] + PRESS_GAP_US, ())] if self.said else reports


@dataclass(frozen=True, slots=True)
class Corpus:
    """A frozen corpus.

    Attributes:
        header: its first line.
        sha256: of the file.
        presses: in the order of the file.
    """

    header: Header
    sha256: str
    presses: tuple[CorpusPress, ...]


def own_corpus() -> Path:
    """Return the corpus that travels with the package."""
    return Path(str(files("stampbench.fixtures").joinpath("corpora"))) / f"bench-off-{VERSION}.jsonl.xz"


def read_corpus(path: Path) -> Corpus:
    """Read a corpus.

    Raises:
        InputError: it cannot be read, is none, or ends early.
    """
    try:
        data = path.read_bytes()
        lines = lzma.decompress(data).splitlines()
    except (OSError, lzma.LZMAError) as error:
        raise InputError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}: expected a corpus that "
            "stampbench bench-off --freeze wrote"
        ) from None
    number, presses = 1, []
    decoder = msgspec.json.Decoder(CorpusPress)
    try:
        header = msgspec.json.decode(lines[0] if lines else b"", type=Header)
        for line in lines[1:]:
            number += 1
            presses.append(decoder.decode(line))
    except msgspec.DecodeError as error:
        raise InputError(f"{path}:{number}: {error}: expected a line of a corpus") from None
    if header.format != _FORMAT or header.presses != len(presses):
        raise InputError(
            f"{path}: {header.format} of {len(presses)} presses: expected {_FORMAT} of {header.presses}"
        )
    return Corpus(header, hashlib.sha256(data).hexdigest(), tuple(presses))


def freeze(
    plan: Plan, path: Path, recordings: Sequence[str] = (), progress: Progress | None = None
) -> Corpus:
    """Make the presses of a plan, write their reports down as a corpus, and return it.

    Args:
        plan: what is pressed.
        path: of the corpus; there must be none yet.
        recordings: whose presses are added; ``FILE=CODE,CODE`` where stamps were pressed, else ``FILE``.
        progress: is told how it goes.

    Raises:
        InputError: the plan, a recording or the file cannot be used.
    """
    progress = progress or Progress()
    check_plan(plan)
    if plan.header.family is None or plan.decoder.sigma_mm is None or plan.dut is not None:
        raise InputError(f"{plan.path}: expected plan.family, decoder.sigma_mm and no [dut] for a corpus")
    if path.exists():
        raise InputError(f"{path}: there is one already: expected a new file")
    presses = [*_pressed(plan, progress), *(press for name in recordings for press in _recorded(name))]
    header = Header(
        format=_FORMAT,
        name=plan.header.name,
        version=VERSION,
        family=plan.header.family,
        sigma_mm=plan.decoder.sigma_mm,
        presses=len(presses),
    )
    lines = b"".join(msgspec.json.encode(line) + b"\n" for line in (header, *presses))
    try:
        path.write_bytes(lzma.compress(lines, preset=9))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}: expected a new file") from None
    return read_corpus(path)


def _pressed(plan: Plan, progress: Progress) -> Iterator[CorpusPress]:
    from stampbench.sim.device import Device
    from stampbench.sim.panel import Condition, load_profile

    drawer = PressDrawer(plan, plan.header.seed)
    devices = {name: Device(load_profile(name)) for name in plan.header.profiles}
    for planned in plan.presses():
        draw, device = drawer.draw(planned), devices[planned.profile]
        device.configure(Condition.from_mapping(plan.condition_of(planned.case)))
        identity = device.identity
        yield CorpusPress(
            panel=planned.profile,
            width_mm=identity.width_um / 1000,
            height_mm=identity.height_um / 1000,
            condition=planned.case.name.partition(" @ ")[2] or planned.case.name,
            object=draw.object,
            code=draw.code,
            said=_said(device.reports(draw.press, draw.seed)),
        )
        progress.pressed(1, 0)


def _recorded(named: str) -> Iterator[CorpusPress]:
    path, _, told = named.partition("=")
    codes = [int(code) if code.isdecimal() else -1 for code in told.split(",")] if told else []
    with open_recording(path) as recording:
        ruler = recording.ruler
        if ruler is None or ruler.coarse:
            raise InputError(
                f"{path}: its millimetres are not sure: expected a recording that tells its size"
            )
        presses = list(_parted(recording))
        if -1 in codes or (codes and len(codes) != len(presses)):
            raise InputError(f"{named}: expected FILE for foreign objects, or FILE= and {len(presses)} codes")
        for number, reports in enumerate(presses):
            yield CorpusPress(
                panel=recording.device,
                width_mm=ruler.width_mm,
                height_mm=ruler.height_mm,
                condition=_RECORDED,
                object=Path(path).name,
                code=codes[number] if codes else None,
                said=_said(reports),
            )


def _parted(reports: Iterable[TouchReport]) -> Iterator[list[TouchReport]]:
    """Yield the reports with contacts of one press after another: for a while, nothing is down between."""
    press: list[TouchReport] = []
    last_down_us = 0
    for report in reports:
        if report.down:
            if press and report.t_us - last_down_us > PRESS_GAP_US:
                yield press
                press = []
            last_down_us = report.t_us
        if report.contacts:
            press.append(report)
    if press:
        yield press


def _said(reports: Iterable[TouchReport]) -> list[tuple[int, list[SaidPlace]]]:
    """Return reports with contacts as a corpus has them; millimetres to a tenth of a micrometre."""
    return [
        (
            report.t_us,
            [
                (c.id, c.tip | c.cancelled << 1, round(c.x_mm, 4), round(c.y_mm, 4))
                for c in report.contacts
                if c.x_mm is not None and c.y_mm is not None
            ],
        )
        for report in reports
        if report.contacts
    ]
