"""Which codes of a family to make for a panel: ranked by the share of presses that each is likely to lose.

Presses of codes from the whole range of how close pads are, at any place and rotation, give the share lost
(:mod:`stampbench.bench.capacity.losses`); as many again look where losses end; then other presses check the
list. Codes that do not fit the panel come last.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from stampbench.bench.capacity.losses import LossCurve, least_gaps_mm
from stampbench.bench.judging.statistics import Rate, rate
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.firmware_emulator.outside import beside

if TYPE_CHECKING:
    from stampbench.sim.panel import Profile
    from stampbench.sim.stamps import Family

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LARGEST_LOSS = 0.001
"""Share of presses lost up to which a code is worth making, unless told otherwise."""
WORST = 100
"""Codes at the end of the list that are pressed to check it."""
PRESSES = 4
"""Halves of its ``presses`` that :func:`rank_codes` makes: two to predict, two to check."""
SEEN_LOSS = 0.1
"""Share lost up to which presses tell where losses end."""
TURNS = 60
"""Rotations of a quarter turn at which a code may fit a panel; one in :data:`FITTING` must."""
FITTING = 20
_PIECE = 65_536
_HEADER = ("code", "predicted_loss", "nearest_pads_mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Codes of a family, those first that a panel loses least.

    Attributes:
        profile: of the panel.
        family: whose codes.
        noise: scale of the panel's noise.
        largest_loss: share of presses lost up to which a code is worth making.
        codes: all codes (size,), best first.
        losses: predicted share of presses lost, for each of them, rising; 1 for codes that do not fit.
        gaps_mm: least distance of two of their pads.
        checked: presses of codes within ``largest_loss`` that were lost; None where there is no such code.
        worst: presses of the last codes that fit, and were lost.
        curve: how losses depend on the distances of pads.
        made: presses that it rests on.
    """

    profile: str
    family: str
    noise: float
    largest_loss: float
    codes: Ints
    losses: Floats
    gaps_mm: Floats
    checked: Rate | None
    worst: Rate
    curve: LossCurve
    made: int

    @property
    def good(self) -> int:
        """How many codes lose no more than ``largest_loss``: the first so many."""
        return int(np.searchsorted(self.losses, self.largest_loss, side="right"))

    def write(self, path: Path) -> None:
        """Write the list as CSV, best first, for ``family export --avoid``.

        Raises:
            InputError: the file is there already or cannot be written.
        """
        expect_new(path)
        try:
            with beside(path) as opened, io.TextIOWrapper(opened, "utf-8", newline="") as file:
                file.write(f"# {self.family} on {self.profile}, largest_loss = {self.largest_loss!r}\n")
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(_HEADER)
                for code, loss, gap in zip(self.codes, self.losses, self.gaps_mm, strict=True):
                    writer.writerow([int(code), f"{loss:.3g}", f"{gap:.3f}"])
        except OSError as error:
            raise InputError(f"codes {path}: {error.strerror}") from error


def rank_codes(
    profile: str,
    family: str,
    *,
    noise: float = 1.0,
    presses: int = 1_200,
    sigma_mm: float | None = None,
    largest_loss: float = LARGEST_LOSS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Ranking:
    """Rank the codes of a family by what they lose on a panel.

    Args:
        profile: of the panel.
        family: by name or recipe; built where it is not yet.
        noise: scale of the panel's noise.
        presses: for the prediction; half as many of good codes, and of the worst, check it.
        sigma_mm: error per axis that the decoder is made for; None: what the family allows.
        largest_loss: share of presses lost up to which a code is worth making.
        seed: of all draws.
        progress: is told how it goes.

    Raises:
        InputError: no such profile or family, or no stamp of it fits the panel.
    """
    from stampbench.sim.stamps import load_family

    progress = progress or Progress()
    codebook = load_family(family)
    losing = _Losing(profile, codebook, noise, sigma_mm, seed)
    gaps_mm, fits = _gaps_and_fits(codebook, losing.profile)
    by_gap = np.argsort(gaps_mm, kind="stable")
    by_gap = by_gap[fits[by_gap]]
    if not len(by_gap):
        raise InputError(f"family {family!r}: none of its codes fits panel {profile!r}")
    rng = np.random.default_rng(seed)

    half = max(1, presses // 2)
    low_mm, high_mm = gaps_mm[by_gap[[0, -1]]].tolist()
    progress.say(f"{half:,} presses of codes whose pads are {low_mm:.1f} to {high_mm:.1f} mm apart")
    # Evenly over the range: most codes have close pads.
    first = _evenly(gaps_mm, by_gap, half, rng)
    lost = [losing.lost(code) for code in first]
    progress.pressed(half, 0)
    losses = _losses(codebook, LossCurve.fitted(codebook.pads_of(first), np.array(lost)))
    ends = by_gap[(losses[by_gap] <= SEEN_LOSS) & (losses[by_gap] >= largest_loss / 5.0)]
    if not len(ends):
        ends = by_gap[: -(-len(by_gap) // 10)]
    progress.say(f"{half:,} presses of codes of which few are lost")
    by_loss = ends[np.argsort(losses[ends], kind="stable")]
    then = _evenly(np.log(np.maximum(losses, 1e-30)), by_loss, half, rng)
    lost += [losing.lost(code) for code in then]
    progress.pressed(half, 0)
    curve = LossCurve.fitted(codebook.pads_of(np.concatenate([first, then])), np.array(lost))
    losses = np.where(fits, _losses(codebook, curve), 1.0)
    order = np.lexsort((-gaps_mm, losses))
    good = int(np.searchsorted(losses[order], largest_loss, side="right"))
    progress.say(f"{half:,} presses of the {good:,} good codes, and as many of the worst")
    checked = None
    if good:
        checked = rate(sum(losing.lost(code) for code in rng.choice(order[:good], half)), half)
        progress.pressed(half, 0)
    by_loss = by_gap[np.argsort(losses[by_gap], kind="stable")]
    worst = rate(sum(losing.lost(code) for code in rng.choice(by_loss[-WORST:], half)), half)
    progress.pressed(half, 0)
    return Ranking(
        profile=profile,
        family=codebook.name,
        noise=noise,
        largest_loss=largest_loss,
        codes=order,
        losses=losses[order],
        gaps_mm=gaps_mm[order],
        checked=checked,
        worst=worst,
        curve=curve,
        made=len(lost),
    )


def _evenly(values: Floats, codes: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Draw codes whose values lie evenly in the range of those of ``codes``, which rise."""
    of_codes = values[codes]
    places = np.searchsorted(of_codes, rng.uniform(of_codes[0], of_codes[-1], count))
    return codes[np.minimum(places, len(codes) - 1)]


def _losses(family: Family, curve: LossCurve) -> Floats:
    """Return the share lost of each code of a family, (size,)."""
    pieces = [np.arange(start, min(start + _PIECE, family.size)) for start in range(0, family.size, _PIECE)]
    return np.concatenate([curve.losses(family.pads_of(codes)) for codes in pieces])


def _gaps_and_fits(family: Family, profile: Profile) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the least distance of two pads of each code, mm, and whether it fits the panel."""
    from stampbench.sim.press import Handling

    gaps_mm, fits = np.empty(family.size), np.ones(family.size, np.bool_)
    panel, handling, pad_mm = profile.geometry, Handling(), family.geometry.pad_diameter_mm
    rooms_mm = [
        length_mm - 2.0 * (handling.margin_pitch * pitch_mm + handling.slide_mm[1]) - pad_mm
        for length_mm, pitch_mm in (
            (panel.width_mm, panel.pitch_x_mm),
            (panel.height_mm, panel.pitch_y_mm),
        )
    ]
    turns = np.exp(0.5j * math.pi * np.arange(TURNS) / TURNS)
    for start in range(0, family.size, _PIECE):
        codes = np.arange(start, min(start + _PIECE, family.size))
        pads = family.pads_of(codes)
        gaps_mm[codes] = least_gaps_mm(pads)
        if 2.0 * family.geometry.face_radius_mm <= min(rooms_mm):
            continue
        fitting = np.zeros(len(codes), np.int64)
        for turn in turns:
            turned = pads @ (1, 1j) * turn
            wide, high = np.ptp(turned.real, axis=1), np.ptp(turned.imag, axis=1)
            upright = (wide <= rooms_mm[0]) & (high <= rooms_mm[1])
            lying = (high <= rooms_mm[0]) & (wide <= rooms_mm[1])
            fitting += upright.astype(np.int64) + lying
        fits[codes] = fitting * FITTING >= 2 * TURNS
    return gaps_mm, fits


class _Losing:
    """Presses codes on a panel, and says which presses are lost."""

    def __init__(self, profile: str, family: Family, noise: float, sigma_mm: float | None, seed: int) -> None:
        from stampbench.sim.decoder import Decoder
        from stampbench.sim.device import Device
        from stampbench.sim.panel import Condition, load_profile
        from stampbench.sim.press import Hand

        self.profile = load_profile(profile)
        self._device = Device(self.profile, Condition.from_mapping({"noise": noise}))
        self._hand = Hand()
        self._family = family
        self._decoder = Decoder(family, sigma_mm=sigma_mm)
        self._seed = seed
        self._made = 0

    def lost(self, code: int | np.int64) -> bool:
        """Press a code once, anywhere and at any rotation; whether it was not read as itself."""
        from stampbench.bench.records.readings import listen

        hand_seed, panel_seed = np.random.SeedSequence([self._seed, self._made]).generate_state(2)
        self._made += 1
        name = self._family.stamp(int(code)).name
        press = self._hand.press(name, self.profile, np.random.default_rng(hand_seed))
        reports = self._device.reports(press.rounded(), int(panel_seed))
        heard = listen(
            self._decoder, reports, cancel_limit=self._device.identity.cancel_limit, until_decided=True
        )
        return heard.decision.reading.code != int(code)


def read_ranking(path: Path, size: int) -> Iterator[tuple[int, bool]]:
    """Yield the codes of a list of :meth:`Ranking.write`, best first, and whether each is good enough.

    Raises:
        InputError: the file cannot be read, is no such list, or names a code that the family has not.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"codes {path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from error
    limit = _number(lines[0].rpartition(" = ")[2]) if lines else math.nan
    if len(lines) < 2 or tuple(lines[1].split(",")) != _HEADER or math.isnan(limit):
        raise InputError(f"codes {path}: no list of codes; expected one that capacity --codes wrote")
    for number, line in enumerate(lines[2:], start=3):
        code, _, rest = line.partition(",")
        loss = _number(rest.partition(",")[0])
        if not (code.isascii() and code.isdigit() and int(code) < size) or math.isnan(loss):
            raise InputError(
                f"codes {path}: line {number}: {line!r}: expected a code below {size} and its loss"
            )
        yield int(code), loss <= limit


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
