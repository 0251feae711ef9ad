"""Pictures of capacity: rates of each family on a panel, and the codes that every panel can carry."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from stampbench.bench.capacity.predicting import Capacity, FamilyCapacity
from stampbench.bench.judging.statistics import Rate
from stampbench.bench.report.pictures import SERIES_COLOURS, STYLE
from stampbench.firmware_emulator.errors import InputError, expect_new

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from stampbench.bench.capacity.ranking import Ranking

_LEAST = 1e-9
"""Rates below are drawn there."""


def draw_capacity(capacity: Capacity, path: Path) -> None:
    """Draw a capacity into a file, SVG, PNG or PDF by its suffix.

    On the left false rejection against the position error, with a decoder made for that error; on the right
    false acceptance. Full marks with their 95 % interval are simulated, hollow ones predicted; an arrow
    stands for none in all presses.

    Raises:
        InputError: the file is there already or cannot be written, or its suffix names no picture.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(8.2, 3.6), layout="constrained")
        rejected, accepted = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_rejection(rejected, capacity)
        _draw_acceptance(accepted, capacity)
        figure.suptitle(f"{capacity.profile} at {capacity.noise:g} times its noise", fontsize=10)
        _save(figure, path)


def draw_panels(rankings: Sequence[Ranking], path: Path) -> None:
    """Draw how many codes each panel can carry into a file, SVG, PNG or PDF by its suffix.

    Raises:
        InputError: the file cannot be written, or its suffix names no picture.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    panels = list(dict.fromkeys(one.profile for one in rankings))
    families = list(dict.fromkeys(one.family for one in rankings))
    with rc_context(STYLE):
        figure = Figure(figsize=(8.2, 0.9 + 0.3 * len(rankings)), layout="constrained")
        axes = figure.subplots()
        for one in rankings:
            place = panels.index(one.profile) + 0.8 * (families.index(one.family) + 0.5) / len(families) - 0.4
            colour = SERIES_COLOURS[families.index(one.family) % len(SERIES_COLOURS)]
            axes.barh(place, max(one.good, 1), height=0.7 / len(families), left=0.9, color=colour)
            axes.annotate(
                f"{one.good:,}", (max(one.good, 1), place), (4, 0), textcoords="offset points", va="center"
            )
        axes.set_xscale("log")
        axes.set_xlim(0.9, 8.0 * max(len(one.codes) for one in rankings))
        axes.set_yticks(range(len(panels)), panels)
        axes.invert_yaxis()
        axes.set_xlabel(
            f"codes of {', '.join(families)} that lose at most "
            f"{100.0 * rankings[0].largest_loss:g} % of presses"
        )
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    if path.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise InputError(f"-o {path}: expected a file name that ends in .svg, .png or .pdf")
    expect_new(path)
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    try:
        figure.savefig(path, dpi=160, metadata=metadata)
    except OSError as error:
        raise InputError(f"-o {path}: cannot be written: {error.strerror}") from None


def _draw_rejection(axes: Axes, capacity: Capacity) -> None:
    from stampbench.bench.capacity.predicting import predicted_rejection

    here_mm = capacity.error.sigma_mm
    top_mm = 1.4 * max(here_mm, *(family.sigma_allowed_mm for family in capacity.families))
    sigmas_mm = np.linspace(top_mm / 400, top_mm, 400)
    series = zip(capacity.families, SERIES_COLOURS, strict=False)
    for place, (family, colour) in enumerate(series):
        rates = [predicted_rejection(family, sigma_mm) for sigma_mm in sigmas_mm]
        axes.plot(sigmas_mm, rates, color=colour, lw=1.6, label=family.family, zorder=3 - place / 10)
        if family.simulated is not None:
            # Side by side: on one panel all families have the same position error.
            _mark(axes, here_mm + 0.012 * top_mm * place, family.simulated.frr, colour)
    axes.axvline(here_mm, color="#8a8f98", lw=1.0, ls=(0, (3, 3)), zorder=0)
    axes.axhline(capacity.largest_frr, color="#c3c8d0", lw=0.8, ls=(0, (2, 3)), zorder=0)
    axes.annotate("this panel", (here_mm, 1.0), (3, -3), textcoords="offset points", fontsize=8, va="top")
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 1.0)
    axes.set_xlim(0.0, top_mm)
    axes.set_xlabel("position error of a contact, per axis (mm)")
    axes.set_ylabel("false rejection (FRR)")
    axes.legend(frameon=False, loc="lower right")


def _draw_acceptance(axes: Axes, capacity: Capacity) -> None:
    families = capacity.families[: len(SERIES_COLOURS)]
    for place, (family, colour) in enumerate(zip(families, SERIES_COLOURS, strict=False)):
        axes.plot(place, max(_LEAST, family.predicted.far), "o", mfc="none", mec=colour, ms=8)
        if family.simulated is not None:
            _mark(axes, place, family.simulated.far, colour)
    axes.set_yscale("log")
    axes.set_ylim(_bottom(families), 1.0)
    axes.set_xlim(-0.5, len(families) - 0.5)
    axes.set_xticks(range(len(families)), [family.family for family in families])
    axes.set_ylabel("false acceptance (FAR)")


def _bottom(families: tuple[FamilyCapacity, ...]) -> float:
    least = min(family.predicted.far for family in families)
    return max(_LEAST, 10.0 ** math.floor(math.log10(max(_LEAST, least)) - 0.3))


def _mark(axes: Axes, x: float, rate: Rate, colour: str) -> None:
    """Draw a simulated rate with its interval; none in all presses is an arrow down from its end."""
    if rate.k:
        estimate = rate.k / rate.n
        errors = [[estimate - rate.low], [rate.high - estimate]]
        axes.errorbar(x, estimate, errors, fmt="o", color=colour, ms=5, capsize=3)
    else:
        axes.errorbar(x, rate.high, 0.6 * rate.high, fmt="_", color=colour, uplims=True, ms=8)
