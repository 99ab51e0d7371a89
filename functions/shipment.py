"""Shipment: the buyer has handed the goods to a carrier and tells the waybill. From here on carriers are believed, not words."""

from __future__ import annotations

import re
from dataclasses import replace

from aftersales import waybill
from aftersales.case import Event
from aftersales.change import Change
from aftersales.errors import ClaimTaken, Conflict, Invalid, NotFound
from aftersales.order import Order
from aftersales.parcel import PARCEL_TERMINAL, Parcel, ParcelEvent, ParcelState, advance_parcel
from aftersales.query import CaseFile
from aftersales.text import text
from aftersales.tracking import Found
from functions import holiday, track, tracked
from functions.body import ParcelBody
from functions.context import Context
from functions.number import holding, names_of
from functions.payout import parcel_timeouts
from functions.reply import CaseView
from functions.returns import stored_with, with_parcel
from functions.view import case_view

#: Parcels whose goods somebody has looked at already, or never will.
OPENED = PARCEL_TERMINAL | {ParcelState.INSPECTING}

#: What can be a carrier's code, one of ours or not.
_CODE = re.compile(r"[a-z0-9_-]{2,32}")


def ship(ctx: Context, case_id: str, body: ParcelBody) -> CaseView:
    """A waybill serves one case (ClaimTaken otherwise), or several whose goods travel in one parcel; it can be corrected.

    Raises Invalid for a number that cannot be one of the carrier's, and for the one on which the goods were sent out.
    """
    file, parcel = with_parcel(ctx, case_id)
    order = ctx.order_of(file.case.merchant, file.case.order_id).order
    carrier, number = _carrier(body.carrier), waybill.number_of(body.number)
    _is_return(ctx, order, carrier, number)
    if parcel.state is ParcelState.IN_TRANSIT and (parcel.carrier, parcel.number) == (carrier, number):
        return ctx.commit(Change(), case_view(ctx, file))
    lead, late = _lead(ctx, file, body.with_case, carrier, number) if body.with_case else ("", False)
    due = parcel.deadline.due_at if parcel.deadline else None
    moved = replace(
        advance_parcel(parcel, ParcelEvent.SENT, ctx.now, parcel_timeouts(ctx.registry, file.case)),
        carrier=carrier,
        number=number,
        sent_at=ctx.now,
        ship_by=parcel.ship_by or due if parcel.state is ParcelState.IN_TRANSIT else due,
        turn=parcel.turn + 1,
    )
    trail = track.begun(ctx.registry, file, order, moved, ctx.now, lead=lead, elsewhere=late)
    change = Change(file.case, parcel=moved, trail=trail)
    change = change.then(Event.GOODS_SENT, ctx.caller.name, ctx.now, carrier=carrier, number=number)
    change = tracked.doubted(change, (), ctx.now) if trail else change
    change = holding(change, file, "" if lead else waybill.claim_of(carrier, number), _mistaken(file))
    try:
        return stored_with(ctx, file, holiday.kept(ctx.registry, change, ctx.now))
    except ClaimTaken as taken:
        raise _refused(ctx, ClaimTaken, "unique.elsewhere", number) from taken


def _carrier(said: str) -> str:
    """Our code of the carrier, however it was named. Raises Invalid for a name that nobody has a code for."""
    code = waybill.carrier_of(said)
    if not _CODE.fullmatch(code):
        todo = "Send its code, such as sf, yto or ems."
        raise Invalid("Nobody knows a carrier of this name.", where="carrier", todo=todo, found=said)
    return code


def _is_return(ctx: Context, order: Order, carrier: str, number: str) -> None:
    """Raise Invalid for the way out, and for what the carrier cannot have given: it is no number, or its check digit is wrong."""
    if order.shipment and waybill.number_of(order.shipment.number) == number:
        raise _refused(ctx, Invalid, "outbound.same", number)
    forms = [form for form in waybill.formats_of(number, carrier) if form.carrier == carrier]
    if forms and all(form.valid is False for form in forms):
        none = any(form.name == waybill.NO_NUMBER for form in forms)
        raise _refused(ctx, Invalid, "format.no_number" if none else "format.check_digit", number)


def _refused(ctx: Context, kind: type[Conflict | Invalid], why: str, number: str) -> Conflict | Invalid:
    """A number that is not taken, in the words that the check list has for it, in the reader's language."""
    said, todo = (text("functions", f"parcel.{why}{end}", ctx.locale) for end in ("", ".next"))
    return kind(said, todo=todo, where="number", found=number)


def _lead(ctx: Context, file: CaseFile, case_id: str, carrier: str, number: str) -> tuple[str, bool]:
    """The case in whose parcel these goods travel, and whether that is said only after the shop has opened it.

    Raises NotFound, and Invalid where its parcel is another one.
    """
    other = ctx.case(case_id)
    if (other.case.merchant, other.case.buyer_id) != (file.case.merchant, file.case.buyer_id) or case_id == file.case.case_id:
        raise NotFound("There is no such case.", where="with_case", todo="Name another case of the same buyer at this shop.")
    parcel: Parcel | None = other.parcel
    if parcel is None or (parcel.carrier, parcel.number) != (carrier, number):
        raise Invalid(
            "The goods of that case do not travel in this parcel.", where="with_case", todo="Tell its waybill there first."
        )
    if other.trail and other.trail.lead == file.case.case_id:
        raise Conflict("That case's goods travel in the parcel of this one.", where="with_case")
    lead = other.trail.lead if other.trail else ""
    first: Parcel | None = ctx.case(lead).parcel if lead else None
    return lead or case_id, any(each is not None and each.state in OPENED for each in (parcel, first))


def _mistaken(file: CaseFile) -> tuple[str, ...]:
    """The names of the number told before, where no carrier ever knew it: a slip of the pen stands in nobody's way."""
    trail = file.trail
    return () if trail is None or trail.lead or trail.found is Found.KNOWN else names_of(file)
