"""Earlier lots of the same part: their certificates say how severely the next one is inspected."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from stampbench.bench.validation.certificate.certificate import NAME, Certificate, read_certificate
from stampbench.bench.validation.plans import ValidationPlan
from stampbench.bench.validation.sampling.sampling import SamplingPlan, Severity
from stampbench.bench.validation.sampling.switching import InspectedLot, Inspection, Switching, switching
from stampbench.firmware_emulator.errors import InputError

CERTIFICATE_NAME = f"{NAME}.jsonl"

_DECIDED = "accept", "reject"

LotKind = tuple[str, str, float, str]
"""Part, vendor, AQL and inspection level: lots that agree in them follow each other."""


def kind_of(certificate: Certificate) -> LotKind:
    """Return which lots a lot belongs to."""
    sampling = certificate.sampling
    return certificate.part, certificate.vendor, sampling.aql, sampling.level


def inspected_lots(certificates: Iterable[Certificate]) -> list[InspectedLot]:
    """Return those lots that were decided, in the order they were measured, each at its first inspection.

    The rules know no lot that must be measured again, nor one that is offered a second time. A stamp to be
    measured again counts as nonconforming.
    """
    lots: dict[str, InspectedLot] = {}
    for one in sorted(certificates, key=lambda certificate: certificate.measured_at):
        if one.decision == "measure again" or one.lot in lots:
            continue
        sampling = one.sampling
        plan = SamplingPlan(
            sampling.lot_size,
            sampling.aql,
            sampling.level,
            Severity(sampling.severity),
            sampling.letter,
            sampling.sample,
            sampling.accept,
        )
        bad = len(one.stamps) - one.count("accept")
        # A certificate names the attempts before its own, whose certificates may not be there.
        decided = [attempt.decision for attempt in one.attempts if attempt.decision in _DECIDED]
        first = decided[0] if decided else one.decision
        lots[one.lot] = InspectedLot(one.lot, plan, bad, first == "accept", sampling.resumed)
    return list(lots.values())


def read_history(
    directory: Path, kind: LotKind, *, except_lot: str = "", keys: Collection[str] = ()
) -> list[Certificate]:
    """Return the certificates of a kind of lot below a directory, in the order they were measured.

    Args:
        directory: of the certificates.
        kind: of lot.
        except_lot: one that is left out.
        keys: public keys, base64, one of which must have signed each certificate; empty: any, or none.

    Raises:
        InputError: no such directory, or a certificate in it that cannot be trusted.
    """
    if not directory.is_dir():
        raise InputError(
            f"{directory}: no such folder: expected that of the certificates of earlier lots, an empty one "
            "for the first lot"
        )
    found = [read_certificate(path, keys) for path in sorted(directory.rglob(CERTIFICATE_NAME))]
    own = [one for one in found if kind_of(one) == kind and one.lot != except_lot]
    return sorted(own, key=lambda certificate: certificate.measured_at)


def due_inspection(plan: ValidationPlan) -> Switching:
    """Return how the lot of a plan is to be inspected, and why.

    Raises:
        InputError: as :func:`read_history`, or inspection is discontinued.
    """
    sampling = plan.sampling
    if sampling.history is None:
        ground = "" if sampling.severity is None else "set in the plan"
        return Switching(Inspection(plan.inspection), ground)
    kind = plan.lot.part, plan.lot.vendor, sampling.aql, sampling.level
    earlier = read_history(
        plan.path.parent / sampling.history, kind, except_lot=plan.lot.name, keys=sampling.keys
    )
    due = switching(inspected_lots(earlier), reduced=sampling.reduced, resumed=sampling.resumed)
    if due.inspection is Inspection.DISCONTINUED:
        raise InputError(
            f"{plan.path}: inspection of {plan.lot.part or 'this part'} is discontinued: {due.ground}: "
            'expected sampling.resumed = "what the vendor has done"'
        )
    return due


def inspected_as_due(plan: ValidationPlan, due: Switching) -> ValidationPlan:
    """Return the plan with the severity that is due."""
    return replace(plan, inspection=Severity(due.inspection))
