"""Parcel: the goods on their way back, what was found in them, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.deadline import Deadline
from aftersales.errors import IllegalTransition
from aftersales.goods import Apart, Count, Disposition, Restock


class ParcelState(StrEnum):
    """Where the parcel is."""

    AWAITING_SHIPMENT = "awaiting_shipment"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    INSPECTING = "inspecting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOST = "lost"  # the carrier says so: a person decides
    TURNED_BACK = "turned_back"  # it goes back to who sent it: refused at the shop's door, or recalled
    LAPSED = "lapsed"


class ParcelEvent(StrEnum):
    """What can happen to it."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOST = "lost"
    TURNED_BACK = "turned_back"
    FOUND = "found"  # it was lost, or turned back, and is on its way again
    NOT_FOUND = "not_found"  # the carrier knows no such parcel
    CANCELLED = "cancelled"
    ESCALATED = "escalated"  # silence may not decide: a person is asked again
    DEADLINE_PASSED = "deadline_passed"


S, E = ParcelState, ParcelEvent

PARCEL_TRANSITIONS: dict[tuple[ParcelState, ParcelEvent], ParcelState] = {
    (S.AWAITING_SHIPMENT, E.SENT): S.IN_TRANSIT,
    (S.AWAITING_SHIPMENT, E.OPENED): S.INSPECTING,  # it is on the bench, and nobody ever told a waybill
    (S.AWAITING_SHIPMENT, E.CANCELLED): S.LAPSED,
    (S.AWAITING_SHIPMENT, E.ESCALATED): S.AWAITING_SHIPMENT,  # a label was issued, and its carrier does not answer
    (S.AWAITING_SHIPMENT, E.DEADLINE_PASSED): S.LAPSED,  # the buyer did not send: the case lapses
    (S.IN_TRANSIT, E.SENT): S.IN_TRANSIT,  # a corrected waybill
    (S.IN_TRANSIT, E.DELIVERED): S.DELIVERED,
    (S.IN_TRANSIT, E.OPENED): S.INSPECTING,  # it is on the bench before the carrier says so
    (S.IN_TRANSIT, E.LOST): S.LOST,
    (S.IN_TRANSIT, E.TURNED_BACK): S.TURNED_BACK,
    (S.IN_TRANSIT, E.NOT_FOUND): S.AWAITING_SHIPMENT,  # another number is wanted
    (S.IN_TRANSIT, E.ESCALATED): S.IN_TRANSIT,
    (S.IN_TRANSIT, E.DEADLINE_PASSED): S.DELIVERED,  # no carrier can be asked: treat as arrived, the merchant's clock starts
    (S.DELIVERED, E.OPENED): S.INSPECTING,
    (S.DELIVERED, E.ESCALATED): S.DELIVERED,
    (S.DELIVERED, E.DEADLINE_PASSED): S.ACCEPTED,  # ten days of silence: accepted as sound
    (S.INSPECTING, E.ACCEPTED): S.ACCEPTED,
    (S.INSPECTING, E.REFUSED): S.REFUSED,
    (S.INSPECTING, E.ESCALATED): S.INSPECTING,
    (S.INSPECTING, E.DEADLINE_PASSED): S.ACCEPTED,
    (S.LOST, E.FOUND): S.IN_TRANSIT,
    (S.LOST, E.DELIVERED): S.DELIVERED,
    (S.LOST, E.TURNED_BACK): S.TURNED_BACK,
    (S.LOST, E.OPENED): S.INSPECTING,  # a person says what it comes to
    (S.LOST, E.ESCALATED): S.LOST,
    (S.LOST, E.DEADLINE_PASSED): S.ACCEPTED,  # the shop's own carrier lost it
    (S.TURNED_BACK, E.SENT): S.IN_TRANSIT,
    (S.TURNED_BACK, E.FOUND): S.IN_TRANSIT,  # not taken in at first, and carried there once more
    (S.TURNED_BACK, E.LOST): S.LOST,
    (S.TURNED_BACK, E.DELIVERED): S.DELIVERED,
    (S.TURNED_BACK, E.OPENED): S.INSPECTING,
    (S.TURNED_BACK, E.ESCALATED): S.TURNED_BACK,
    (S.TURNED_BACK, E.DEADLINE_PASSED): S.LAPSED,  # the buyer has it again, and does not send it
    (S.REFUSED, E.ACCEPTED): S.ACCEPTED,  # the buyer appealed against the refusal, and was right
}

#: The carrier's 20 days and the merchant's 10 are the defaults WeChat's shops know (field.md §4.2); both can be overridden.
PARCEL_TIMEOUTS: dict[ParcelState, timedelta] = {
    S.AWAITING_SHIPMENT: timedelta(days=7),
    S.IN_TRANSIT: timedelta(days=20),
    S.DELIVERED: timedelta(days=10),
    S.INSPECTING: timedelta(days=10),
    S.LOST: timedelta(days=3),
    S.TURNED_BACK: timedelta(days=7),
}

PARCEL_TERMINAL = frozenset({S.ACCEPTED, S.REFUSED, S.LAPSED})


@dataclass(frozen=True, slots=True)
class Parcel:
    """The parcel of one case that brings goods back. ``note`` is the inspector's; ``disposition`` is set once accepted.

    ``awaited_at`` is since when the goods are to be sent, ``ship_by`` until when they were; ``turn`` counts the waybills that were
    told for it (:class:`~aftersales.tracking.Trail`), ``claimed`` are the names of those that no other case may tell.

    ``counts`` are what was found, line by line, ``photos`` the shop's evidence of it. ``apart`` are the pieces that did not come,
    ``restock`` is what stock is told of those that did: once the parcel is accepted, its deadline is when that is looked at.
    """

    case_id: str
    state: ParcelState
    deadline: Deadline | None
    carrier: str = ""
    number: str = ""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    disposition: Disposition | None = None
    note: str = ""
    awaited_at: datetime | None = None
    ship_by: datetime | None = None
    turn: int = 0
    claimed: tuple[str, ...] = ()
    counts: tuple[Count, ...] = ()
    photos: tuple[str, ...] = ()
    apart: Apart | None = None
    restock: Restock | None = None
    version: int = 0


def advance_parcel(
    parcel: Parcel, event: ParcelEvent, now: datetime, timeouts: Mapping[ParcelState, tuple[timedelta, str]] | None = None
) -> Parcel:
    """The parcel after ``event``, its deadline set anew. Raises IllegalTransition if the table has no such row."""
    state = PARCEL_TRANSITIONS.get((parcel.state, event))
    if state is None:
        raise IllegalTransition(
            f"A parcel that is {parcel.state} cannot be {event.replace('_', ' ')}.", state=str(parcel.state), event=str(event)
        )
    length, cause = (timeouts or {}).get(state) or (PARCEL_TIMEOUTS.get(state), "default")
    moved = replace(parcel, state=state, deadline=Deadline.after(now, length, cause) if length else None)
    if state is S.DELIVERED:
        return replace(moved, delivered_at=now)
    if state is S.ACCEPTED and event is E.DEADLINE_PASSED:  # what was lost is nowhere, least of all for sale
        return replace(moved, disposition=Disposition.SCRAP if parcel.state is S.LOST else Disposition.SOUND)
    return moved
