"""The panel report: what the simulated panel does, beside what is known of real ones; one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from stampbench.bench.report.html import render
from stampbench.bench.touch.panel_pictures import curves_picture, effect_picture
from stampbench.sim.panel import Profile
from stampbench.sim.panel.effects import EFFECTS

if TYPE_CHECKING:
    from markupsafe import Markup
    from stampbench.sim.panel.curves import DerivedFigure


@dataclass(frozen=True, slots=True)
class Finding:
    """One simulated figure beside its fact.

    Attributes:
        profile, figure, curve, at: which figure it is, and where on its curve.
        fact, low, high: what it should be, and the spread of that.
        simulated: what it is.
        within: whether it lies within the spread.
    """

    profile: str
    figure: str
    curve: str
    at: float
    fact: float
    low: float
    high: float
    simulated: float
    within: bool


@dataclass(frozen=True, slots=True)
class _Row:
    curve: str
    at: str
    fact: str
    simulated: str
    within: bool


@dataclass(frozen=True, slots=True)
class _Plot:
    figure: DerivedFigure
    picture: Markup
    rows: tuple[_Row, ...]


@dataclass(frozen=True, slots=True)
class _EffectCard:
    name: str
    title: str
    look_for: str
    picture: Markup


@dataclass(frozen=True, slots=True)
class _PanelPart:
    name: str
    title: str
    facts: str
    plots: tuple[_Plot, ...]
    effects: tuple[_EffectCard, ...]


def findings(profile: Profile, figures: Iterable[DerivedFigure]) -> list[Finding]:
    """Return every fact of the figures, beside what was simulated."""
    return [
        Finding(
            profile.name, figure.name, curve.name, fact.at, fact.value, fact.low, fact.high, simulated, within
        )
        for figure in figures
        for curve in figure.curves
        for fact, simulated, within in curve.judged()
    ]


def render_panels(panels: Sequence[tuple[Profile, Sequence[DerivedFigure]]]) -> str:
    """Return the page, the same for the same profiles.

    Args:
        panels: each profile with its figures, see :data:`stampbench.sim.panel.derived.FIGURES`.
    """
    found = [finding for profile, figures in panels for finding in findings(profile, figures)]
    return render(
        Path(__file__).with_name("panel.html.j2"),
        panels=[_part(profile, figures) for profile, figures in panels],
        passed=all(finding.within for finding in found) if found else None,
        judged=len(found),
        outside=sum(not finding.within for finding in found),
        effect_width=max(_effect_width_px(profile) for profile, _ in panels),
        version=version("stampbench"),
    )


def _part(profile: Profile, figures: Sequence[DerivedFigure]) -> _PanelPart:
    grid, geometry = profile.grid, profile.geometry
    return _PanelPart(
        profile.name,
        profile.title,
        f"{grid.rows} x {grid.cols} nodes, {geometry.pitch_x_mm:.2f} x {geometry.pitch_y_mm:.2f} mm apart; "
        f"full touch {profile.flat.amplitude:g} counts, blur {profile.flat.psf_sd_mm:g} mm.",
        tuple(_plot(figure) for figure in figures),
        tuple(_effect_cards(profile)),
    )


def _plot(figure: DerivedFigure) -> _Plot:
    from markupsafe import Markup

    rows = tuple(
        _Row(
            curve.name,
            figure.categories[int(fact.at)] if figure.categories else f"{fact.at:g}",
            f"{fact.value:.3g} ({fact.low:.3g} to {fact.high:.3g})",
            f"{simulated:.3g}",
            within,
        )
        for curve in figure.curves
        for fact, simulated, within in curve.judged()
    )
    return _Plot(figure, Markup(curves_picture(figure)), rows)


def _effect_cards(profile: Profile) -> Iterable[_EffectCard]:
    from markupsafe import Markup

    for effect in EFFECTS:
        picture = effect_picture(
            effect.off.take(profile),
            effect.on.take(profile),
            profile.geometry,
            effect.full_scale * profile.flat.amplitude,
            f"{effect.title}: off and on",
        )
        yield _EffectCard(effect.name, effect.title, effect.look_for, Markup(picture))


def _effect_width_px(profile: Profile) -> int:
    """Return the width of a card: pictures of wide panels need wide cards."""
    return 320 if profile.grid.height_mm >= profile.grid.width_mm else 480
