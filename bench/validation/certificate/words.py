"""What a certificate says, in words: the same on the page, on the sheet and in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stampbench.bench.validation.judging.gauge import FEWEST_CATEGORIES
from stampbench.bench.validation.judging.mould import FEWEST_STAMPS
from stampbench.bench.validation.sampling.sampling import OWN_NUMBERS

if TYPE_CHECKING:
    from stampbench.bench.validation.certificate.certificate import Certificate


def to_apply(certificate: Certificate) -> list[str]:
    """Return corrections to apply to the mould, the largest first."""
    significant = [one for one in certificate.corrections if one.significant]
    significant.sort(key=lambda one: -(one.offset_mm[0] ** 2 + one.offset_mm[1] ** 2))
    return [one.sentence for one in significant]


def unknown(certificate: Certificate) -> str:
    """Return cavities of which nothing is known, in words; empty for none."""
    cavities = certificate.unknown_cavities
    if not cavities:
        return ""
    names = f"cavit{'y' if len(cavities) == 1 else 'ies'} {', '.join(map(str, cavities))}"
    return f"{names}: fewer than {FEWEST_STAMPS} whole stamps in the sample, nothing can be said"


def gauge_said(certificate: Certificate) -> str:
    """Return what measuring takes of the tolerance and of the total variation, and its grade."""
    gauge = certificate.gauge
    if gauge is None:
        return "not studied"
    few = f", fewer than {FEWEST_CATEGORIES}" if gauge.categories < FEWEST_CATEGORIES else ""
    one = "; one appraiser: reproducibility not studied" if gauge.appraisers == 1 else ""
    return (
        f"{100.0 * gauge.of_tolerance:.1f} % of tolerance ({100.0 * gauge.of_tolerance_low:.1f} to "
        f"{100.0 * gauge.of_tolerance_high:.1f} %): {gauge.grade}; worst {gauge.worst_dimension} with "
        f"{100.0 * gauge.worst_of_tolerance:.1f} %; {percent(gauge.of_total)} of total, "
        f"ndc {gauge.categories}{few}{one}"
    )


def rigs_said(certificate: Certificate) -> list[str]:
    """Return what the reference says of each rig."""
    said = []
    for rig in certificate.rigs:
        if rig.faults:
            said.append(f"{rig.name}: not proven: {'; '.join(rig.faults)}")
            continue
        gain = "" if rig.level_gain is None else f", level {rig.level_gain:.2f}"
        presses = f"{rig.reference_whole} of {rig.reference_presses} presses"
        ruler = f"scale {100.0 * rig.scale:+.2f} %, drift {100.0 * rig.drift:+.2f} %"
        said.append(
            f"{rig.name}: proven by {presses} of the reference ({certificate.reference}): {ruler}{gain}"
        )
    return said


def weak_said(certificate: Certificate) -> list[str]:
    """Return on which panels stamps are weak by their design, and which stamps."""
    return [
        f"{one.panel}: {100.0 * one.loss:.2g} % of presses expected lost"
        + (f", of {_few(one.serials)}" if one.serials else "")
        for one in certificate.weak
    ]


def _few(serials: list[str], shown: int = 3) -> str:
    more = f" and {len(serials) - shown} more" if len(serials) > shown else ""
    return ", ".join(serials[:shown]) + more


def uncertainty_said(certificate: Certificate) -> list[str]:
    """Return the budget of the uncertainty in words: its parts, and what they give together."""
    budget = certificate.budget
    if budget is None:
        return ["nothing was measured"]
    parts = ", ".join(f"{part.name} {part.u_mm:.4f} ({_freedom(part.freedom)})" for part in budget.parts)
    return [
        f"GUM, mm (degrees of freedom): {parts}",
        f"together {budget.standard_mm:.4f} ({_freedom(budget.freedom)}), k = {budget.coverage:.2f}, "
        f"U = {budget.expanded_mm:.3f} mm at 95 %; {certificate.rule}",
    ]


def _freedom(freedom: float | None) -> str:
    return "\N{INFINITY}" if freedom is None else f"{freedom:.0f}"


def attempts_said(certificate: Certificate) -> list[str]:
    """Return which attempts at the lot were made; none for the only one."""
    if len(certificate.attempts) < 2:
        return []
    return [
        f"attempt {one.attempt} of {one.started_at}: {one.decision or 'ended without a decision'}"
        for one in certificate.attempts
    ]


def allowed(certificate: Certificate) -> list[str]:
    """Return every tolerance that was judged, in words."""
    limits = certificate.tolerances
    said = [f"position \N{PLUS-MINUS SIGN} {limits['position_mm']:g} mm"]
    if isinstance(level := limits["level"], list):
        said.append(f"level {level[0]:g} to {level[1]:g}")
    if isinstance(evenness := limits["evenness"], float):
        said.append(f"evenness {percent(evenness)}")
    if isinstance(flatness := limits["flatness_mm"], float):
        said.append(f"flatness {flatness:g} mm")
    if isinstance(cpk := limits["cpk"], float):
        said.append(f"Cpk {cpk:g}")
    if isinstance(ppk := limits["ppk"], float):
        said.append(f"Ppk {ppk:g}")
    return said


def sampled(certificate: Certificate) -> str:
    """Say by which plan of the standard the lot was sampled."""
    sampling = certificate.sampling
    plan = f"Ac {sampling.accept}, Re {sampling.reject}"
    if sampling.letter == OWN_NUMBERS:
        return f"{sampling.sample} stamps, {plan}: not a plan of ISO 2859-1"
    if sampling.k is not None and sampling.largest_share is not None:
        return (
            f"ISO 3951-1, s method, with the risks of ISO 2859-1, AQL {sampling.aql:g} %, letter "
            f"{sampling.letter}, {sampling.severity}: {sampling.sample} stamps, k = {sampling.k:.3f}, "
            f"estimated share at most {100.0 * sampling.largest_share:.3g} %"
        )
    inspection = f"AQL {sampling.aql:g} %, level {sampling.level}, {sampling.severity}"
    return f"ISO 2859-1:1999, {inspection}: letter {sampling.letter}, {plan}"


def drawn(certificate: Certificate) -> str:
    """Return how many stamps were measured, and by which seed they were drawn."""
    count = len(certificate.stamps)
    short = "" if count == certificate.sampling.sample else f" of {certificate.sampling.sample} called for"
    return f"{count}{short} drawn at random by cavity, seed {certificate.seed}"


def risks(certificate: Certificate) -> str:
    """Return how often a good and a bad lot pass such a sample."""
    sampling = certificate.sampling
    if sampling.pass_at_aql is None or sampling.limiting_quality is None:
        return "-"
    return (
        f"{100.0 * sampling.pass_at_aql:.0f} % of lots with {sampling.aql:g} % bad stamps pass, "
        f"10 % of those with {100.0 * sampling.limiting_quality:.2g} % "
        f"({'binomial' if sampling.k is None else 'noncentral t'})"
    ) + (
        ""
        if sampling.limiting_bad is None
        else f"; this lot with {sampling.limiting_bad} bad stamps at most 10 % (hypergeometric)"
    )


def percent(share: float | None) -> str:
    """Return a share in whole percent, or a dash."""
    return "-" if share is None else f"{100.0 * share:.0f} %"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number, or a dash."""
    return "-" if value is None else f"{value:.{digits}f}"
