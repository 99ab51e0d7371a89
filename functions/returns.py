"""Returns: the parcel is sent, arrives, is inspected, and the goods get a disposition; then the money follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Event, Fault
from aftersales.change import Change
from aftersales.decision import Decision, Finding, Outcome, Verdict
from aftersales.errors import Conflict, Invalid
from aftersales.failure import Failure
from aftersales.parcel import Disposition, Parcel, ParcelEvent, ParcelState, advance_parcel
from aftersales.ports import CaseFile, OrderFile
from aftersales.registry import Registry
from aftersales.rules import VERSION
from functions import guard
from functions.body import InspectionBody, ParcelBody
from functions.context import Context
from functions.payout import facts_of, follow, offer_of, parcel_timeouts, timeouts
from functions.reply import CaseView
from functions.view import stored
from functions.words import APART

#: The reason under which a trade is asked whether unsealed goods can go back.
OPENED = "opened"


def ship(ctx: Context, case_id: str, body: ParcelBody) -> CaseView:
    """The buyer has handed the goods to a carrier. One waybill serves one case (ClaimTaken otherwise); it can be corrected."""
    file, parcel = _with_parcel(ctx, case_id)
    order = ctx.order_of(file.case.merchant, file.case.order_id).order
    number, carrier = body.number.upper(), body.carrier.lower()
    if order.shipment and order.shipment.number.upper() == number:
        raise Invalid("That is the waybill on which the goods were sent out.", todo="Send the number of the return parcel.")
    moved = advance_parcel(parcel, ParcelEvent.SENT, ctx.now, parcel_timeouts(ctx.registry, file.case))
    moved = replace(moved, carrier=carrier, number=number, sent_at=ctx.now)
    change = Change(file.case).then(Event.GOODS_SENT, ctx.caller.name, ctx.now, carrier=carrier, number=number)
    claims = () if parcel.number == number else (f"waybill#{carrier}#{number}",)
    return _stored(ctx, file, replace(change, parcel=moved, claims=claims))


def inspect(ctx: Context, case_id: str, body: InspectionBody) -> CaseView:
    """What the shop found: accepted with a disposition, and the refund begins; or refused with a note for the buyer."""
    file, parcel = _with_parcel(ctx, case_id)
    ctx.unchanged(file.case.version)
    if body.accepted and body.disposition is None:
        raise Invalid("Accepted goods get a disposition.", expected=[str(d) for d in Disposition])
    if body.accepted and body.opened:
        raise Invalid("Goods are either accepted or refused because their seal is broken.", todo="Send one of the two.")
    if not body.accepted and not body.opened and not body.note.strip():
        raise Invalid("A refusal says what was found.", todo="Send a note.")
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    opened = parcel if parcel.state is ParcelState.INSPECTING else advance_parcel(parcel, ParcelEvent.OPENED, ctx.now)
    event = ParcelEvent.ACCEPTED if body.accepted else ParcelEvent.REFUSED
    moved = advance_parcel(opened, event, ctx.now)
    moved = replace(moved, disposition=body.disposition if body.accepted else None, note=body.note)
    seal = unsealed(ctx, file, order) if body.opened else None
    change = inspected(ctx.registry, file, moved, order, ctx.caller.name, ctx.now, seal)
    return _stored(ctx, file, change)


def unsealed(ctx: Context, file: CaseFile, order: OrderFile) -> Finding:
    """What the trade says against taking these goods back unsealed.

    Raises Conflict where it says nothing: opening goods to look at them ends no return, and a fault has to be answered for.
    """
    case, offer = file.case, offer_of(ctx.registry, file.case)
    facts = replace(facts_of(ctx.registry, file, order, ctx.now), reason=OPENED)
    vertical = ctx.registry.vertical(case.vertical)
    known = vertical.failures
    against = (f for f in guard.findings(vertical, offer.when, facts) if f.verdict is Verdict.FAIL)
    found = next((f for f in against if known.get(f.reason) is Failure.OPENED_GOODS), None)
    if found is None or case.fault is not Fault.BUYER:
        raise Conflict(
            "A broken seal is no reason to refuse these goods.",
            todo="Accept them, or refuse them without it and say what else you found.",
            fault=str(case.fault),
        )
    return found


def inspected(
    registry: Registry, file: CaseFile, parcel: Parcel, order: OrderFile, by: str, now: datetime, seal: Finding | None = None
) -> Change:
    """The change that an inspected parcel brings: the refund reserved, or the case rejected and its pieces free.

    A refusal is the decision that stands, with ``seal``, the check that an unsealed product failed.
    """
    accepted, case = parcel.state is ParcelState.ACCEPTED, file.case
    data = {"reason": seal.reason} if seal else {}
    change = Change(case, parcel=parcel).then(
        Event.GOODS_ACCEPTED if accepted else Event.GOODS_REFUSED,
        by,
        now,
        timeouts(registry, case),
        disposition=parcel.disposition,
        note=parcel.note,
        **data,
    )
    if not accepted:
        before = case.decision.findings if case.decision else ()
        reason = APART.join(part for part in (seal.reason if seal else "", parcel.note) if part)
        refusal = Decision(
            Outcome.REJECT, seal.check if seal else "person", reason, (*before, seal) if seal else before, by, VERSION
        )
        change = change.with_case(decision=refusal)
    return follow(registry, change, order, by, now)


def _with_parcel(ctx: Context, case_id: str) -> tuple[CaseFile, Parcel]:
    file = ctx.case(case_id)
    if file.parcel is None:
        raise Conflict("No goods come back in this case.", state=file.case.state)
    return file, file.parcel


def _stored(ctx: Context, file: CaseFile, change: Change) -> CaseView:
    assert change.case is not None
    after = replace(file, case=change.case, parcel=change.parcel, refunds=(*file.refunds, *change.refunds))
    return ctx.commit(change, stored(ctx, after))
