"""Usage and invoices."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from stampbench.sim.service.api.access import (
    Amount,
    Body,
    Id,
    Moment,
    Month,
    PageDep,
    PathId,
    Short,
    TransactionRouter,
    VendorDep,
    moment_us,
    shown,
)
from stampbench.sim.service.api.answers import Check, InvoiceRow, Told, many
from stampbench.sim.service.billing.invoices import close_month, invoices_of, verify
from stampbench.sim.service.billing.usage import Usage, record_usage

router = TransactionRouter(prefix="/v1/vendors/{vendor_id}", tags=["billing"])


class UsageBody(Body):
    """Something that costs; told twice it counts once."""

    event: Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[\x21-\x7e]+$")]
    merchant: Id
    kind: Short
    quantity: Amount = 1
    at: Moment


class UsageBatch(Body):
    """Events in any order; all are written or none."""

    events: Annotated[list[UsageBody], Field(min_length=1, max_length=1000)]


@router.post("/usage", response_model=Told)
def post_usage(vendor_id: PathId, body: UsageBatch, access: VendorDep) -> dict[str, int]:
    """Tell usage events; how many were new and how many known."""
    events = [
        Usage(one.event, one.merchant, one.kind, one.quantity, moment_us(one.at, "at")) for one in body.events
    ]
    count = record_usage(access.connection, vendor_id, events, now_us=access.now_us, calendar=access.calendar)
    return {"new": count.new, "known": count.known}


@router.get("/invoices", response_model=many(InvoiceRow))
def get_invoices(vendor_id: PathId, access: VendorDep, page: PageDep) -> list[dict[str, Any]]:
    """Return a vendor's invoices, oldest first."""
    return page.of(invoices_of(access.connection, vendor_id, page.cut))


@router.post("/invoices/{month}", response_model=InvoiceRow)
def post_invoice(vendor_id: PathId, month: Month, access: VendorDep) -> dict[str, Any]:
    """Write a month's invoice; the same one again unless events came since."""
    invoice_id = close_month(
        access.connection, vendor_id, month, now_us=access.now_us, calendar=access.calendar
    )
    return next(shown(one) for one in invoices_of(access.connection, vendor_id) if one["id"] == invoice_id)


@router.get("/invoices-check", response_model=Check)
def get_check(vendor_id: PathId, access: VendorDep) -> dict[str, Any]:
    """Recompute all invoices from the events, and their chain; what does not agree, in sentences."""
    findings = verify(access.connection, vendor_id, access.calendar)
    return {"agrees": not findings, "findings": findings}
