"""What a bench-off found, as a table, as JSON, and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stampbench.bench.bench_off.corpus import Corpus
from stampbench.bench.bench_off.running import Counts, Score
from stampbench.bench.judging.statistics import Rate
from stampbench.bench.report.pictures import SERIES_COLOURS, new_figure

COLUMNS: Final = ("recogniser", "not read", "95 % interval", "misread", "foreign read", "95 % interval")
"""What does not hang on the machine; the costs come after it."""
COSTS: Final = ("a press", "ready in", "memory")
_INCHES: Final = (8.2, 0.30)


def to_mapping(corpus: Corpus, scores: Sequence[Score]) -> dict[str, Any]:
    """Return all of it as JSON has it: rates as k, n, and the ends of their 95 % interval."""
    return {
        "corpus": {
            "name": corpus.header.name,
            "version": corpus.header.version,
            "sha256": corpus.sha256,
            "family": corpus.header.family,
            "sigma_mm": corpus.header.sigma_mm,
            "presses": len(corpus.presses),
        },
        "recognisers": {
            score.name: {
                **_rates(score.total),
                "conditions": {name: _rates(counts) for name, counts in score.conditions.items()},
                "press_ms": score.press_ms,
                "ready_s": score.ready_s,
                "memory_mb": score.memory_mb,
                "failure": score.failure,
            }
            for score in scores
        },
    }


def rows(scores: Sequence[Score]) -> list[tuple[str, ...]]:
    """Return a row a recogniser, under ``COLUMNS`` and ``COSTS``."""
    return [
        (
            score.name,
            _of(score.total.frr),
            _interval(score.total.frr),
            _of(score.total.misreads),
            _of(score.total.far),
            _interval(score.total.far),
            f"{score.press_ms:.2f} ms",
            f"{score.ready_s:.1f} s",
            "" if score.memory_mb is None else f"{score.memory_mb:.1f} MB",
        )
        for score in scores
    ]


def heading(corpus: Corpus) -> str:
    """Return what was read, in one line."""
    header = corpus.header
    return (
        f"{header.name} {header.version}: {len(corpus.presses):,} presses, {header.family}, "
        f"SHA-256 {corpus.sha256}"
    )


def conditions(scores: Sequence[Score]) -> list[tuple[str, ...]]:
    """Return a row a condition: its name, and how many stamps each recogniser did not read."""
    names = [name for name, counts in scores[0].conditions.items() if counts.genuine] if scores else []
    return [(name, *(_of(score.conditions[name].frr) for score in scores)) for name in names]


def picture(corpus: Corpus, scores: Sequence[Score]) -> str:
    """Return the text of an SVG: stamps not read by condition, and foreign objects read, with intervals."""
    names = [name for name, *_ in conditions(scores)]
    groups: list[tuple[str, list[Rate]]] = [
        (name, [score.conditions[name].frr for score in scores]) for name in names
    ]
    groups += [
        ("all stamps not read", [score.total.frr for score in scores]),
        ("foreign objects read", [score.total.far for score in scores]),
    ]
    with new_figure(_INCHES[0], 1.2 + _INCHES[1] * len(groups) * (1 + len(scores) / 4)) as (
        figure,
        axes,
        svg,
    ):
        for number, score in enumerate(scores):
            offset = (number - (len(scores) - 1) / 2) * 0.8 / max(len(scores), 1)
            places = [place + offset for place in range(len(groups))]
            rates = [found[number] for _, found in groups]
            middle = [100.0 * (found.estimate or 0.0) for found in rates]
            colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
            axes.hlines(
                places,
                [100.0 * found.low for found in rates],
                [100.0 * found.high for found in rates],
                colors=colour,
                linewidth=2.5,
                alpha=0.45,
            )
            axes.plot(middle, places, "o", color=colour, markersize=4.5, label=score.name)
        axes.set_yticks(range(len(groups)), [name for name, _ in groups])
        axes.axhline(len(groups) - 1.5, color="#8a8f98", linewidth=0.8)
        axes.invert_yaxis()
        axes.set_xlim(-1.0, 101.0)
        axes.set_xlabel(
            f"% of the presses, with its 95 % interval ({corpus.header.name} {corpus.header.version})"
        )
        axes.grid(axis="x", color="#e5e7eb", linewidth=0.7)
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper center", ncols=len(scores), frameon=False, fontsize=8)
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return svg.getvalue()


def _rates(counts: Counts) -> dict[str, Any]:
    return {
        **{
            name: {"k": found.k, "n": found.n, "low": found.low, "high": found.high}
            for name, found in (("frr", counts.frr), ("misread", counts.misreads), ("far", counts.far))
        },
        "errors": counts.errors,
    }


def _of(found: Rate) -> str:
    return f"{found.k} of {found.n}"


def _interval(found: Rate) -> str:
    return f"{100.0 * found.low:.1f} to {100.0 * found.high:.1f} %"
