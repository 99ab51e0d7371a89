"""Carriage: what it costs to fetch a case's goods, and who bears it. The shop's account pays the carrier.

::

    booked ───► the buyer agreed to a price, or the shop was told one
    collected ► the cost is in the order's books
    reserved ─► the buyer's part is kept back from the refund of the goods: at most what was agreed, and what it cost

Where the seller or the carrier answers for the reason, all of it is the shop's. What was cancelled or refused costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Case, Fault, State
from aftersales.change import Change
from aftersales.entry import Cost
from aftersales.ledger import Ledger
from aftersales.parcel import Parcel
from aftersales.pickup import Pickup, PickupState
from aftersales.registry import Registry
from aftersales.waybill import number_of


def keepable(case: Case, minor: int, currency: str) -> int:
    """How much of a price can be kept back from the refund of the goods, as the case stands."""
    goods = case.amount.minor - case.tax_minor - case.freight_minor
    return max(0, min(minor, goods)) if currency == case.amount.currency else 0


def kept_of(case: Case, pickup: Pickup) -> int:
    """What is kept back for this pickup: what was, once the money is reserved; before that what would be.

    Nothing where the buyer does not bear it, and for one that will not happen.
    """
    if case.pickup_minor or case.terminal or case.state in (State.SETTLING, State.REJECTED):
        return case.pickup_minor
    if pickup.agreed is None or case.fault is not Fault.BUYER or not (pickup.alive or pickup.state is PickupState.COLLECTED):
        return 0
    price = pickup.agreed if pickup.minor is None else min(pickup.agreed, pickup.minor)
    return keepable(case, price, pickup.currency)


def less(case: Case, pickup: Pickup | None) -> Case:
    """The case at what is left of its amount once the buyer's part of the pickup was kept back; this very one where that is all."""
    kept = kept_of(case, pickup) if pickup is not None and not case.pickup_minor else 0
    return replace(case, amount=replace(case.amount, minor=case.amount.minor - kept), pickup_minor=kept) if kept else case


def borne(registry: Registry, change: Change, now: datetime) -> tuple[Case, Cost | None]:
    """The case of a change whose money is about to be reserved, less the buyer's part; and the cost, where there is one."""
    case = change.case
    assert case is not None
    file = registry.store.case(case.case_id) if case.has_pickup else None
    pickup = change.pickup or (file.pickup if file else None)
    if pickup is None or not _served(pickup, change.parcel or (file.parcel if file else None)):
        return case, None
    lessened = less(case, pickup)
    return lessened, _cost(pickup, lessened.pickup_minor, now)


def told(registry: Registry, change: Change, now: datetime) -> Change:
    """The change with what it cost to collect the goods in the order's books: the shop's, until money is reserved."""
    pickup = change.pickup
    cost = _cost(pickup, 0, now) if pickup is not None and pickup.state is PickupState.COLLECTED else None
    if change.case is None or cost is None:
        return change
    order = None if change.ledger else registry.store.order(change.case.merchant, change.case.order_id)
    ledger = change.ledger or (order.ledger if order else None)
    if ledger is None or any(c.key == cost.key for c in ledger.costs):
        return change
    return replace(change, ledger=ledger.bear(cost))


def noted(ledger: Ledger, cost: Cost | None) -> Ledger:
    """The ledger with the cost, where there is one."""
    return ledger.bear(cost) if cost else ledger


def _served(pickup: Pickup, parcel: Parcel | None) -> bool:
    """Whether the goods travelled by it, also where the carrier's word of that is still to come."""
    return pickup.state is PickupState.COLLECTED or bool(parcel and pickup.waybill and parcel.number == number_of(pickup.waybill))


def _cost(pickup: Pickup, kept: int, now: datetime) -> Cost | None:
    if pickup.minor is None or pickup.minor < kept:
        return None
    return Cost(pickup.key, pickup.case_id, pickup.minor, pickup.currency or "CNY", kept, now)
