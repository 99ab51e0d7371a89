"""Returns: the parcel is sent, arrives, is inspected, and the goods get a disposition; then the money follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Event
from aftersales.change import Change
from aftersales.errors import Conflict, Invalid
from aftersales.parcel import Disposition, Parcel, ParcelEvent, ParcelState, advance_parcel
from aftersales.ports import CaseFile, OrderFile
from aftersales.registry import Registry
from functions.body import InspectionBody, ParcelBody
from functions.context import Context
from functions.payout import follow, parcel_timeouts, timeouts
from functions.reply import CaseView
from functions.view import stored


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
    if not body.accepted and not body.note.strip():
        raise Invalid("A refusal says what was found.", todo="Send a note.")
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    opened = parcel if parcel.state is ParcelState.INSPECTING else advance_parcel(parcel, ParcelEvent.OPENED, ctx.now)
    event = ParcelEvent.ACCEPTED if body.accepted else ParcelEvent.REFUSED
    moved = advance_parcel(opened, event, ctx.now)
    moved = replace(moved, disposition=body.disposition if body.accepted else None, note=body.note)
    change = inspected(ctx.registry, file, moved, order, ctx.caller.name, ctx.now)
    return _stored(ctx, file, change)


def inspected(registry: Registry, file: CaseFile, parcel: Parcel, order: OrderFile, by: str, now: datetime) -> Change:
    """The change that an inspected parcel brings: the refund reserved, or the case rejected and its pieces free."""
    event = Event.GOODS_ACCEPTED if parcel.state is ParcelState.ACCEPTED else Event.GOODS_REFUSED
    change = Change(file.case, parcel=parcel).then(
        event, by, now, timeouts(registry, file.case), disposition=parcel.disposition, note=parcel.note
    )
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
