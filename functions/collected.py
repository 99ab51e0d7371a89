"""Collected: what a carrier's word about a pickup changes: the pickup, its case, and the parcel once the goods are on their way."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aftersales import waybill
from aftersales.case import Event, State
from aftersales.change import Change, Plain
from aftersales.deadline import Deadline
from aftersales.parcel import ParcelEvent, ParcelState, advance_parcel
from aftersales.pickup import (
    WORDS,
    Booking,
    Pickup,
    PickupEvent,
    PickupState,
    Refusal,
    Slot,
    advance_pickup,
)
from aftersales.query import CaseFile
from aftersales.registry import Registry
from aftersales.text import text
from aftersales.ticket import Ticket, TicketKind
from functions import carriage, tickets, track, tracked
from functions.context import Context
from functions.number import held, holding
from functions.payout import parcel_timeouts
from functions.reply_parcel import PickupView

log = logging.getLogger(__name__)
S, E = PickupState, PickupEvent

#: After how long without a carrier's answer a person is told.
HOPELESS = timedelta(hours=24)

#: How long after the last hour of a pickup that stands its carrier may still say that it has the goods: a label is looked at every
#: six hours, and scans come late. For how long at most nobody knows whether one stands, and the cause of the deadline that waits.
LATE, UNKNOWN, STANDS = timedelta(days=1), timedelta(days=7), "pickup"


def wanted(file: CaseFile) -> bool:
    """Whether goods still wait to be collected for this case; also where the buyer told the very waybill of its pickup already."""
    if file.case.state is not State.APPROVED or file.parcel is None:
        return False
    ours = file.pickup.waybill if file.pickup else ""
    return file.parcel.state is ParcelState.AWAITING_SHIPMENT or bool(ours and file.parcel.number == ours)


def said(file: CaseFile, pickup: Pickup, zone: ZoneInfo, now: datetime, by: str = "system") -> Change:
    """The change of a pickup that was cancelled, told where nothing has to be asked of the carrier."""
    if pickup.alive:
        return Change(pickup=pickup)
    return Change(file.case, pickup=pickup).then(Event.PICKUP_CANCELLED, by, now, None, **in_words(pickup, zone))


def by(registry: Registry, file: CaseFile, pickup: Pickup, word: Booking, now: datetime, *, free: bool = True) -> Change:
    """The change that a carrier's word about the booking brings. ``free``: no other case has its waybill."""
    goes_on, event = wanted(file), WORDS[word.status]
    number = word.number.upper()
    if event is E.COLLECTED and goes_on and not (number or pickup.waybill):
        event = E.CONFIRMED  # the waybill is told later, and the parcel needs it
    known = replace(
        pickup,
        ref=word.ref or pickup.ref,
        company=word.company.lower() or pickup.company,
        waybill=number or pickup.waybill,
        minor=pickup.minor if word.minor is None else word.minor,
        refusal=(word.refusal or Refusal.OTHER) if event is E.REFUSED else None,
    )
    after = advance_pickup(known, event, now)
    zone, name = registry.merchant(file.case.merchant).zone, f"system:{pickup.carrier}"
    if after.state is S.BOOKED:
        change = _stands(file, pickup, after, zone, now, name)
        return _held(change, file, after) if free and goes_on else change
    if after.state is S.CANCELLED and pickup.wanted and goes_on:
        fresh = replace(after, slot=pickup.wanted, wanted=None, moved=True)
        return Change(pickup=advance_pickup(fresh, E.ASKED_AGAIN, now))
    if after.state is S.COLLECTED:
        return _collected(registry, file, after, now, name, free=free)
    if after.alive:
        return Change(pickup=after)
    told = Event.PICKUP_FAILED if after.state is S.FAILED else Event.PICKUP_CANCELLED
    data = in_words(pickup, zone)
    if after.state is S.FAILED:
        data["reason"] = f"pickup.{after.refusal}"
    ended = replace(after, sender=None, wanted=None)
    return Change(file.case, pickup=ended).then(told, name if pickup.state is not S.CANCELLING else "system", now, None, **data)


def put_off(file: CaseFile, now: datetime) -> Change | None:
    """What becomes of the end of the time to send while a carrier may have the goods already; None where that may count."""
    pickup, parcel = file.pickup, file.parcel
    if pickup is None or parcel is None or parcel.state is not ParcelState.AWAITING_SHIPMENT:
        return None
    if pickup.state is S.COLLECTED:  # its number is not the parcel's: goods that we have count never as not sent
        if file.trail is not None:
            return None  # a person is asked (:mod:`functions.arrival`)
        until = now + UNKNOWN  # a ticket says it
    elif pickup.state is S.BOOKED:
        until = min(pickup.slot.end, now) + LATE
    elif pickup.alive and (pickup.state is not S.CANCELLING or pickup.wanted):  # called, and no answer yet
        until = min(pickup.slot.end + UNKNOWN, now + LATE)
    else:
        return None
    if until <= now:
        return None
    change = Change(file.case, parcel=replace(parcel, deadline=Deadline(until, STANDS)))
    return change.then(Event.DEADLINE_MOVED, "system", now, reason="silence.pickup", due_at=until.isoformat())


def silent(registry: Registry, file: CaseFile, pickup: Pickup, now: datetime) -> Change:
    """The change of a pickup about which a carrier says nothing; after a day a person is told."""
    if now - pickup.since < HOPELESS or pickup.state is S.BOOKED:
        return Change(pickup=pickup)
    return Change(pickup=pickup, tickets=_ticket(registry, file, pickup, now))


def answered(registry: Registry, pickup: Pickup, change: Change, now: datetime) -> Change:
    """The change with the ticket closed that said that the carrier gives no answer about the pickup."""
    if now - pickup.since < HOPELESS or pickup.state is S.BOOKED or change.tickets:
        return change
    name = tickets.name_of(TicketKind.PICKUP, pickup.key)
    return replace(change, tickets=tickets.closed(registry, (name,), "The carrier has answered.", now))


def in_words(pickup: Pickup, zone: ZoneInfo, slot: Slot | None = None) -> dict[str, Plain]:
    """The day and the hours of its slot, or of another one, as people there read them; of a label the end alone."""
    slot = slot or pickup.slot
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    if pickup.drop_off:
        return {"day": end.date().isoformat(), "slot": f"{end:%H:%M}", "drop_off": True}
    return {"day": start.date().isoformat(), "slot": f"{start:%H:%M}-{end:%H:%M}"}


def view_of(ctx: Context, file: CaseFile) -> PickupView | None:
    """The pickup as everybody concerned may read it: of the door only what reminds its owner."""
    pickup = file.pickup
    if pickup is None:
        return None
    told = in_words(pickup, ctx.registry.merchant(file.case.merchant).zone, pickup.wanted)
    kind = ".drop_off" if pickup.drop_off and not pickup.refusal else ""
    key = f"pickup.{pickup.refusal}" if pickup.refusal else f"pickup.{pickup.state}{kind}"
    after = f"{key}.next"
    further = text("functions", after, ctx.locale) if pickup.refusal else ""
    return PickupView(
        state=pickup.state,
        company=pickup.company,
        start=pickup.slot.start,
        end=pickup.slot.end,
        wanted_start=pickup.wanted.start if pickup.wanted else None,
        wanted_end=pickup.wanted.end if pickup.wanted else None,
        at=pickup.sender.shown() if pickup.sender else "",
        number=pickup.waybill,
        price_minor=pickup.minor,
        currency=pickup.currency,
        payer=pickup.payer,
        kept_minor=carriage.kept_of(file.case, pickup),
        drop_off=pickup.drop_off,
        refusal=pickup.refusal,
        text=text("functions", key, ctx.locale, **told, company=pickup.company, number=pickup.waybill),
        next=further,
    )


# --- inside -----------------------------------------------------------------------------------------------------------
def _stands(file: CaseFile, before: Pickup, after: Pickup, zone: ZoneInfo, now: datetime, name: str) -> Change:
    """It stands: news when it did not before, or stands at another time now."""
    if before.state is S.BOOKED:
        return Change(pickup=after)
    given = before.wanted if before.state is S.MOVING and before.wanted else before.slot
    event = Event.PICKUP_MOVED if before.state is S.MOVING or before.moved else Event.PICKUP_BOOKED
    after = replace(after, slot=given, wanted=None, moved=False)
    if file.case.terminal:
        return Change(pickup=after)  # it ended meanwhile: the next step cancels
    told = {**in_words(after, zone, given), "company": after.company} | ({"number": after.waybill} if after.drop_off else {})
    return Change(file.case, pickup=after).then(event, name, now, None, **told)


def _held(change: Change, file: CaseFile, pickup: Pickup) -> Change:
    """The change with the number of our label held from the day it is known: whoever reads it cannot tell it for other goods."""
    name = waybill.claim_of(pickup.company, pickup.waybill)
    if not pickup.waybill or file.parcel is None or name in held(file):
        return change
    return holding(replace(change, parcel=file.parcel), file, name)


def _collected(registry: Registry, file: CaseFile, pickup: Pickup, now: datetime, name: str, *, free: bool) -> Change:
    """The goods are with the courier: their waybill is the parcel's, once and for this case alone."""
    pickup = replace(pickup, wanted=None, sender=None)
    told: dict[str, Plain] = {"carrier": pickup.company, "number": pickup.waybill}
    told |= {"drop_off": True} if pickup.drop_off else {}
    change = Change(file.case, pickup=pickup).then(Event.PICKUP_COLLECTED, name, now, None, **told)
    carrier, number = waybill.carrier_of(pickup.company), waybill.number_of(pickup.waybill)
    if file.parcel is not None and file.parcel.number == number:  # the buyer told it before the carrier did
        return replace(change, trail=replace(file.trail, label=True)) if file.trail else change
    if not free:
        change = replace(change, tickets=_ticket(registry, file, pickup, now))
    if not wanted(file) or file.parcel is None or not (free or registry.tracers):
        log.error("%s was collected, and its waybill cannot be the parcel's", pickup.key)
        return replace(change, tickets=_ticket(registry, file, pickup, now))
    parcel = advance_parcel(file.parcel, ParcelEvent.SENT, now, parcel_timeouts(registry, file.case))
    due = file.parcel.deadline.due_at if file.parcel.deadline else None
    parcel = replace(parcel, carrier=carrier, number=number, sent_at=now, ship_by=due, turn=file.parcel.turn + 1)
    trail = track.begun(registry, file, tracked.order_of(registry, file), parcel, now, label=True, elsewhere=not free)
    sent = replace(change.then(Event.GOODS_SENT, name, now, None, **told), parcel=parcel, trail=trail)
    return holding(sent, file, waybill.claim_of(carrier, number) if free else "")


def _ticket(registry: Registry, file: CaseFile, pickup: Pickup, now: datetime) -> tuple[Ticket, ...]:
    ticket = Ticket(
        tickets.name_of(TicketKind.PICKUP, pickup.key),
        TicketKind.PICKUP,
        pickup.merchant,
        now,
        order_id=file.case.order_id,
        case_id=pickup.case_id,
        key=pickup.key,
        channel=pickup.carrier,
        channel_id=pickup.ref,
        about={"state": str(pickup.state), "number": pickup.waybill},
    )
    return tickets.opened(registry, ticket, now)
