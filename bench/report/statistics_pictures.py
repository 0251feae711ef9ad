"""Pictures of statistics: what a sequential test does, and the trade-off of two error rates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from stampbench.bench.report.pictures import CONTACT_COLOUR, SERIES_COLOURS, inline_svg, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from stampbench.bench.judging.sequential import SequentialTest
    from stampbench.bench.judging.statistics import DetCurve

_RATES_DRAWN = 48
_LEAST_RATE = 1e-5


def operating_characteristic_picture(test: SequentialTest, failures: list[int] | None = None) -> str:
    """Draw a sequential test as SVG text: its boundaries, its operating characteristic, its length.

    Args:
        test: what is drawn; its operating characteristic is exact, with its cap.
        failures: trials, from 1, that failed in the run whose path is drawn between the boundaries.
    """
    with new_figure(8.4, 2.8) as (figure, axes, svg):
        axes.remove()
        boundaries, acceptance, length = figure.subplots(1, 3, width_ratios=(5, 4, 4))
        rates = np.linspace(0.0, min(2.0 * test.p1, 0.999), _RATES_DRAWN + 1)[1:]
        outcomes = [test.outcome_at(float(p)) for p in rates]
        _draw_boundaries(boundaries, test, failures)
        accept = [one.accept for one in outcomes]
        acceptance.plot(100 * rates, accept, color=SERIES_COLOURS[0], lw=1.8, label="accept")
        if test.cap:
            undecided = [one.undecided for one in outcomes]
            acceptance.plot(100 * rates, undecided, "--", color=SERIES_COLOURS[1], lw=1.2, label="undecided")
        acceptance.legend(frameon=False, fontsize=7, loc="upper right", bbox_to_anchor=(1.08, 0.93))
        for rate, accepted, text in ((test.p0, 1 - test.alpha, "1 - alpha"), (test.p1, test.beta, "beta")):
            acceptance.plot(100 * rate, accepted, "o", mfc="none", mec=CONTACT_COLOUR, ms=6)
            acceptance.annotate(
                text, (100 * rate, accepted), (6, 1), textcoords="offset points", fontsize=8, color="#444a54"
            )
        acceptance.set_ylim(0, 1.02)
        acceptance.set_ylabel("probability")
        length.plot(100 * rates, [one.trials for one in outcomes], color=SERIES_COLOURS[0], lw=1.8)
        length.set_ylim(0, None)
        length.set_ylabel("expected presses")
        for axis in (acceptance, length):
            axis.set_xlim(0, 200 * test.p1)
            axis.set_xlabel("failure rate (%)")
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, "sequential test: boundaries, operating characteristic and expected length")


def _draw_boundaries(axes: Axes, test: SequentialTest, failures: list[int] | None) -> None:
    expected = max(test.outcome_at(test.p0).trials, test.outcome_at(test.p1).trials)
    last = max(10, min(math.ceil(2.0 * expected), test.cap or math.ceil(2.0 * expected)))
    trials = np.arange(0, last + 1)
    rejected = np.array([test.reject_at(int(n)) for n in trials])
    accepted = np.array([test.accept_at(int(n)) for n in trials])
    top = max(2, int(rejected[-1])) + 1
    axes.fill_between(trials, rejected, top, step="post", color=CONTACT_COLOUR, alpha=0.18, lw=0)
    axes.fill_between(trials, -1, accepted, step="post", color=SERIES_COLOURS[2], alpha=0.18, lw=0)
    axes.text(0.04, 0.94, "reject", transform=axes.transAxes, va="top", fontsize=8, color=CONTACT_COLOUR)
    axes.text(0.96, 0.04, "accept", transform=axes.transAxes, ha="right", fontsize=8, color=SERIES_COLOURS[2])
    if failures is not None:
        ends = min(test.trials, last)
        path = np.searchsorted(np.asarray(failures), np.arange(0, ends + 1), "right")
        axes.step(np.arange(0, ends + 1), path, where="post", color="#1b1b1b", lw=1.4)
        axes.plot(ends, path[-1], "o", color="#1b1b1b", ms=4)
    axes.set_xlim(0, last)
    axes.set_ylim(-0.3, top)
    axes.set_xlabel("presses")
    axes.set_ylabel("failures")


def det_picture(curve: DetCurve, title: str, *, unit: str = "mm", chosen: float | None = None) -> str:
    """Draw false rejection against false acceptance as SVG text, both as normal deviates.

    Args:
        curve: what is drawn, with the interval of false rejection as a band.
        title: what it is, for readers who cannot see it.
        unit: of the threshold.
        chosen: threshold in use, marked where it lies on the curve.
    """
    from scipy.special import ndtri

    # One error in so many presses is the least that can be seen; less is drawn on the rim, which is 0.
    most = max((max(point.frr.n, point.far.n) for point in curve.points), default=0)
    least = max(_LEAST_RATE, 0.3 / most) if most else _LEAST_RATE

    def deviate(rates: list[float]) -> list[float]:
        return [float(ndtri(min(max(rate, least), 0.5))) for rate in rates]

    with new_figure(3.6, 3.3) as (figure, axes, svg):
        far = deviate([point.far.estimate or 0.0 for point in curve.points])
        frr = deviate([point.frr.estimate or 0.0 for point in curve.points])
        axes.fill_between(
            far,
            deviate([point.frr.low for point in curve.points]),
            deviate([point.frr.high for point in curve.points]),
            color=SERIES_COLOURS[0],
            alpha=0.15,
            lw=0,
        )
        axes.plot(far, frr, color=SERIES_COLOURS[0], lw=1.8, clip_on=False)
        if chosen is not None and curve.points:
            point = min(curve.points, key=lambda one: abs(one.threshold - chosen))
            at = deviate([point.far.estimate or 0.0]), deviate([point.frr.estimate or 0.0])
            axes.plot(*at, "o", color=CONTACT_COLOUR, ms=5)
            axes.annotate(
                f"{point.threshold:.2f} {unit}",
                (at[0][0], at[1][0]),
                (6, 5),
                textcoords="offset points",
                fontsize=8,
            )
        ticks = [tick for tick in (1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if tick > 1.6 * least]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(deviate([least, *ticks]), ["0", *(f"{100 * tick:g}" for tick in ticks)])
        ends = deviate([least, 0.5])
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        axes.set_aspect("equal")
        axes.grid(color="#e4e7ec", lw=0.7)
        axes.set_xlabel("false acceptance (%)")
        axes.set_ylabel("false rejection (%)")
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, title)
