"""Which codes of a family to make for a panel: ranked by the share of presses that each is likely to lose.

Where the pitch of a panel is wide, pads that are close make one contact, whatever the code. So what a code
loses depends on its closest pads: on the soft minimum of the distances of its pads, softened by
:data:`SOFT_MM`, since two pairs that are close lose more than one. Presses of codes from the whole range of
it, at any place and rotation, give the share lost as a normal distribution function of that distance; then
the list is checked by other presses.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from stampbench.bench.judging.statistics import Rate, rate
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.firmware_emulator.outside import beside

if TYPE_CHECKING:
    from stampbench.sim.stamps import Family

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SOFT_MM = 1.0
"""Softness of the minimum: what of 0.3 to 2 mm explains presses on a 7 mm pitch best."""
LARGEST_LOSS = 0.001
"""Share of presses lost up to which a code is worth making, unless told otherwise."""
WORST = 100
"""Codes at the end of the list that are pressed to check it."""
_PIECE = 65_536
_HEADER = ("code", "predicted_loss", "soft_gap_mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Codes of a family, those first that a panel loses least.

    Attributes:
        profile: of the panel.
        family: whose codes.
        noise: scale of the panel's noise.
        largest_loss: share of presses lost up to which a code is worth making.
        codes: all codes (size,), best first.
        losses: predicted share of presses lost, for each of them, rising.
        gaps_mm: soft minimum of the distances of their pads.
        checked: presses of codes within ``largest_loss`` that were lost; None where there is no such code.
        worst: presses of the last codes that were lost.
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
        presses: for the prediction; half as many check it.
        sigma_mm: error per axis that the decoder is made for; None: what the family allows.
        largest_loss: share of presses lost up to which a code is worth making.
        seed: of all draws.
        progress: is told how it goes.

    Raises:
        InputError: no such profile or family, or a stamp that does not fit the panel.
    """
    from stampbench.sim.stamps import load_family

    progress = progress or Progress()
    codebook = load_family(family)
    gaps_mm = soft_gaps_mm(codebook)
    losing = _Losing(profile, codebook, noise, sigma_mm, seed)
    rng = np.random.default_rng(seed)
    by_gap = np.argsort(gaps_mm)
    # Evenly over the range of gaps: most codes have close pads, and the question is where losses end.
    wanted = rng.uniform(float(gaps_mm.min()), float(gaps_mm.max()), presses)
    pressed = by_gap[np.minimum(np.searchsorted(gaps_mm[by_gap], wanted), len(by_gap) - 1)]
    progress.say(
        f"{presses:,} presses of codes whose pads are {wanted.min():.1f} to {wanted.max():.1f} mm apart"
    )
    lost = np.array([losing.lost(int(code)) for code in pressed])
    progress.pressed(presses, 0)
    losses = _fitted_losses(gaps_mm[pressed], lost, gaps_mm)
    order = np.argsort(losses, kind="stable")
    good = int(np.searchsorted(losses[order], largest_loss, side="right"))
    checks = max(1, presses // 2)
    progress.say(f"{checks:,} presses of the {good:,} good codes, and as many of the worst")
    checked = None
    if good:
        checked = rate(sum(losing.lost(int(code)) for code in rng.choice(order[:good], checks)), checks)
        progress.pressed(checks, 0)
    worst = rate(sum(losing.lost(int(code)) for code in rng.choice(order[-WORST:], checks)), checks)
    progress.pressed(checks, 0)
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
    )


def soft_gaps_mm(family: Family) -> Floats:
    """Return the soft minimum of the distances of the pads of every code, shape (size,), mm."""
    first, second = np.triu_indices(family.pads_per_stamp, 1)
    gaps_mm = np.empty(family.size)
    for start in range(0, family.size, _PIECE):
        codes = np.arange(start, min(start + _PIECE, family.size))
        pads = family.pads_of(codes)
        apart = np.hypot(*np.moveaxis(pads[:, first] - pads[:, second], 2, 0))
        least = apart.min(axis=1, keepdims=True)
        soft = least[:, 0] - SOFT_MM * np.log(np.exp((least - apart) / SOFT_MM).sum(axis=1))
        gaps_mm[codes] = soft
    return gaps_mm


class _Losing:
    """Presses codes on a panel, and says which presses are lost."""

    def __init__(self, profile: str, family: Family, noise: float, sigma_mm: float | None, seed: int) -> None:
        from stampbench.sim.decoder import Decoder
        from stampbench.sim.device import Device
        from stampbench.sim.panel import Condition, load_profile
        from stampbench.sim.press import Hand

        self._profile = load_profile(profile)
        self._device = Device(self._profile, Condition.from_mapping({"noise": noise}))
        self._hand = Hand()
        self._family = family
        self._decoder = Decoder(family, sigma_mm=sigma_mm)
        self._seed = seed
        self._made = 0

    def lost(self, code: int) -> bool:
        """Press a code once, anywhere and at any rotation; whether it was not read as itself."""
        from stampbench.bench.records.readings import listen

        hand_seed, panel_seed = np.random.SeedSequence([self._seed, self._made]).generate_state(2)
        self._made += 1
        name = self._family.stamp(code).name
        press = self._hand.press(name, self._profile, np.random.default_rng(hand_seed))
        reports = self._device.reports(press.rounded(), int(panel_seed))
        heard = listen(
            self._decoder, reports, cancel_limit=self._device.identity.cancel_limit, until_decided=True
        )
        return heard.decision.reading.code != code


def _fitted_losses(pressed_mm: Floats, lost: npt.NDArray[np.bool_], gaps_mm: Floats) -> Floats:
    """Return the share lost at each gap, by the normal distribution function likeliest after the presses."""
    from scipy.optimize import minimize
    from scipy.special import log_ndtr

    middle = float(pressed_mm.mean())

    def unlikelihood(line: Any) -> float:
        at = line[0] - math.exp(line[1]) * (pressed_mm - middle)  # losses fall with the gap
        return -float(np.where(lost, log_ndtr(at), log_ndtr(-at)).sum())

    line = minimize(unlikelihood, [0.0, -0.5], method="Nelder-Mead").x
    losses: Floats = np.exp(log_ndtr(line[0] - math.exp(line[1]) * (gaps_mm - middle)))
    return losses


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
