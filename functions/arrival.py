"""Arrival: what silence means for goods on their way back. Nobody's silence pays for a parcel that no carrier vouches for.

Where carriers can be asked, silence accepts only what is whole on the check list (:mod:`aftersales.genuine`); else a person is
asked again and again, and decides by inspecting. Where a stage asks nobody, silence counts as ever.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import Event
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.decision import Verdict
from aftersales.genuine import NECESSARY
from aftersales.goods import Disposition
from aftersales.parcel import PARCEL_TIMEOUTS, Parcel, ParcelEvent, ParcelState, advance_parcel
from aftersales.pickup import PickupState
from aftersales.query import CaseFile, OrdersOfPhone, StepsOf
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from aftersales.tracking import Passage, Trail
from aftersales.waybill import number_of
from functions import beside, silence, tickets, tracked
from functions.payout import parcel_timeouts

S, E = ParcelState, ParcelEvent

#: How long a person has before they are asked again.
AGAIN = timedelta(days=3)


def passed(registry: Registry, file: CaseFile, parcel: Parcel, now: datetime) -> Parcel:
    """The parcel after its deadline has passed: as the table says, or asked about again."""
    timeouts = parcel_timeouts(registry, file.case)
    asked = _is_collected(file, parcel) or (file.trail is not None and is_open(parcel, file.trail))
    if file.trail is not None and (asked or _is_refuted(registry, file, parcel, file.trail)):
        return advance_parcel(parcel, E.ESCALATED, now, {parcel.state: (AGAIN, silence.ASKED)})
    moved = advance_parcel(parcel, E.DEADLINE_PASSED, now, timeouts)
    if moved.state is S.ACCEPTED and file.trail is not None:
        return replace(moved, disposition=_disposition(moved, file.trail))
    return moved


def put_off(registry: Registry, file: CaseFile, now: datetime) -> Change | None:
    """What becomes of the time to send goods again that turned back, while they are still on their way home; None where it is over.

    It is as long as ever from the last that was heard of them: who has not got them cannot send them.
    """
    parcel, last = file.parcel, file.trail.last if file.trail else None
    if parcel is None or parcel.state is not S.TURNED_BACK or file.trail is None or last is None or is_open(parcel, file.trail):
        return None
    wait, cause = parcel_timeouts(registry, file.case).get(S.TURNED_BACK, (PARCEL_TIMEOUTS[S.TURNED_BACK], "default"))
    until = min(last.at, now) + wait
    if until <= now:
        return None
    change = Change(file.case, parcel=replace(parcel, deadline=Deadline(until, cause)))
    return change.then(Event.DEADLINE_MOVED, "system", now, reason="silence.home", due_at=until.isoformat())


def escalated(registry: Registry, file: CaseFile, parcel: Parcel, now: datetime) -> Change:
    """The change of a parcel about which a person is asked again."""
    trail = file.trail
    assert trail is not None
    doubts = [f.reason for f in trail.checks[:-1] if f.verdict is Verdict.FAIL] or [
        f.reason for f in trail.checks[:-1] if f.verdict is Verdict.UNSURE and f.check.removeprefix("parcel.") in NECESSARY
    ]
    ticket = Ticket(
        _name(file),
        TicketKind.PARCEL,
        file.case.merchant,
        now,
        order_id=file.case.order_id,
        case_id=file.case.case_id,
        key=trail.key,
        channel=trail.carrier,
        channel_id=trail.number,
        about={"state": str(parcel.state), "doubts": "; ".join(doubts[:4])},
    )
    change = Change(file.case, parcel=parcel, tickets=tickets.opened(registry, ticket, now))
    return change.then(Event.GOODS_ESCALATED, "system", now, None, state=str(parcel.state), reason="; ".join(doubts))


def settled(registry: Registry, file: CaseFile, change: Change, now: datetime) -> Change:
    """The change that decides about the goods, the ticket closed that asked for it."""
    if file.trail is None:
        return change
    done = tickets.closed(registry, (_name(file),), "Nothing is left to decide about the goods.", now)
    return replace(change, tickets=(*change.tickets, *done))


def is_open(parcel: Parcel, trail: Trail) -> bool:
    """Whether silence may not decide."""
    if parcel.state is S.IN_TRANSIT or (parcel.state in silence.OUT and trail.silent_since is not None):
        return True
    if parcel.state in (S.DELIVERED, S.INSPECTING):
        return tracked.verdict(trail) is not Verdict.PASS
    if parcel.state is S.LOST:
        return not trail.label or tracked.verdict(trail) is Verdict.FAIL  # the shop's own carrier is the shop's risk
    if parcel.state is S.TURNED_BACK:
        return any(scan.state is Passage.REJECTED for scan in trail.scans)  # the shop did not take it in
    return parcel.state is S.AWAITING_SHIPMENT and trail.label and trail.silent_since is not None


def _is_collected(file: CaseFile, parcel: Parcel) -> bool:
    """Whether our courier has the goods, though another number was told for them since, which nobody knows."""
    return parcel.state is S.AWAITING_SHIPMENT and file.pickup is not None and file.pickup.state is PickupState.COLLECTED


def _is_refuted(registry: Registry, file: CaseFile, parcel: Parcel, trail: Trail) -> bool:
    """Whether something has come up since the check list passed.

    That the goods went out under this number; of other cases with goods in this parcel that somebody has opened it, or that more
    was heard there that is doubtful.
    """
    if parcel.state not in (S.DELIVERED, S.INSPECTING):
        return False
    if trail.elsewhere or _brought_goods(registry, file, trail.number):
        return True
    return any(_is_told_more(registry, other, trail) for other in beside.others(registry, file, trail.number))


def _brought_goods(registry: Registry, file: CaseFile, number: str) -> bool:
    """Whether goods went out to this buyer under the number, of this order or another one of late."""
    order = tracked.order_of(registry, file)
    phone, shop = order.buyer.phone, file.case.merchant
    ids = registry.store.find(OrdersOfPhone(shop, phone), None, beside.MOST).found if phone else ()
    found = (registry.store.order(shop, one) for one in ids if one != order.order_id)
    orders = (order, *(one.order for one in found if one is not None))
    return any(one.shipment is not None and number_of(one.shipment.number) == number for one in orders)


def _is_told_more(registry: Registry, other: CaseFile, trail: Trail) -> bool:
    """Whether a person has looked into the parcel for the other case, or a carrier has said more there that is doubtful."""
    state, known = other.parcel.state if other.parcel else None, other.trail
    if state in (S.REFUSED, S.INSPECTING) or (state is S.ACCEPTED and not _by_silence(registry, other)):
        return True
    return known is not None and known.scans != trail.scans and tracked.verdict(known) is not Verdict.PASS


def _by_silence(registry: Registry, file: CaseFile) -> bool:
    """Whether nobody has looked at goods that were accepted."""
    cursor = None
    while True:
        page = registry.store.find(StepsOf(file.case.case_id), cursor, 100)
        if any(step.event is Event.GOODS_ACCEPTED and step.by == "system" for step in page.found):
            return True
        cursor = page.cursor
        if cursor is None:
            return False


def means(parcel: Parcel, trail: Trail) -> str:
    """What silence means where it may not decide: that nothing has arrived so far, or that a person is asked again."""
    was_asked = parcel.deadline is not None and parcel.deadline.cause == silence.ASKED
    doubted = was_asked or tracked.verdict(trail) is Verdict.FAIL
    return "on_its_way" if parcel.state is S.IN_TRANSIT and not doubted else "asked"


def _disposition(parcel: Parcel, trail: Trail) -> Disposition | None:
    """Where goods go that silence accepted: damaged ones are never sold as new, lost ones not at all."""
    if trail.last is not None and trail.last.state is Passage.LOST:
        return Disposition.SCRAP
    return Disposition.FLAWED if any(scan.state is Passage.DAMAGED for scan in trail.scans) else parcel.disposition


def _name(file: CaseFile) -> str:
    return tickets.name_of(TicketKind.PARCEL, file.case.case_id)
