"""Promise: what is given in place of money, as changes of a case. Nothing is stored here and nobody is called.

::

    approved, goods here ─► (dearer: awaiting_payment ─► paid) ─► fulfilling ─► sent ─► done ─► the difference, if it was cheaper
    failed, late, not paid ─► a person tries again or gives money; silence gives money (to_money)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import TIMEOUTS, Case, Event, State
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.errors import Invalid
from aftersales.fact import OrderFact
from aftersales.money import Money
from aftersales.order import Order
from aftersales.parcel import ParcelState
from aftersales.plan import fee_of
from aftersales.query import CaseFile
from aftersales.quote import freight_due, quote, worth
from aftersales.remedy import EXCHANGEABLE, KEPT_AS, Promise, Remedy, Stage, Wanted
from aftersales.vertical import Facts, Offer

Limits = Mapping[State, tuple[timedelta, str]]


def made(case: Case, offer: Offer, facts: Facts, sku: str) -> Case:
    """The case with what it is promised; money needs no promise. ``sku`` is what the buyer wants in exchange, "" for the same.

    Raises Invalid for a thing that the mall did not offer for this line, and for a part of a piece: it goes back or is
    repaired whole.
    """
    if offer.remedy is Remedy.MONEY:
        if sku:
            raise Invalid("Only an exchange gives another thing.", where="wanted", found=sku)
        return replace(case, promise=None)
    in_part = next((i for i in case.items if i.share[0] < i.share[1]), None)
    if in_part:
        raise Invalid("A piece is exchanged or repaired whole.", todo="Leave the share out.", where=f"items.{in_part.line_id}")
    return replace(case, promise=Promise(offer.remedy, wanted=_wanted(offer, facts, sku)))


def _wanted(offer: Offer, facts: Facts, sku: str) -> Wanted | None:
    if not sku:
        return None
    lines = facts.lines
    if offer.remedy is not Remedy.REPLACEMENT or len(lines) != 1:
        raise Invalid("Another thing is given in exchange for pieces of one line.", where="wanted", found=sku)
    offered = [f for f in facts.order.facts if (f.name, f.line_id) == (EXCHANGEABLE, lines[0].line_id)]
    latest = {str(f.get("sku")): f for f in sorted(offered, key=lambda f: f.at)}
    price = latest[sku].get("price_minor") if sku in latest else None
    if type(price) is not int:
        raise Invalid("The shop does not offer that in exchange.", where="wanted", expected=sorted(latest), found=sku)
    return Wanted(sku, str(latest[sku].get("title") or sku), price)


def priced(case: Case, facts: Facts) -> Case:
    """The case with what its buyer pays on top, for a dearer thing than the pieces were bought for."""
    promise = case.promise
    if promise is None or promise.wanted is None:
        return case
    goods, tax = worth(facts)
    dearer = promise.wanted.price_minor * sum(i.pieces for i in case.items) - goods.minor - tax.minor
    return replace(case, promise=replace(promise, extra_minor=max(0, dearer)))


def awaits_goods(case: Case, offer: Offer) -> bool:
    """Whether the goods have to come back first: as the trade says, and before money is given in place of a thing."""
    promise = case.promise
    if promise is None:
        return offer.goods_back
    return not promise.goods_here and (offer.goods_back or promise.stage is Stage.MONEY)


def begun(change: Change, offer: Offer, limits: Limits, by: str, now: datetime) -> Change | None:
    """The change with the promised thing begun, or its difference awaited; None when money is to be given."""
    case = change.case
    assert case is not None
    promise = case.promise
    if promise is None or not promise.in_force:
        return None
    promise = replace(promise, goods_here=promise.goods_here or offer.goods_back, reason="")
    if promise.extra_minor and not promise.payment_id:
        currency = case.amount.currency
        change = change.with_case(promise=promise)
        return change.then(Event.PAYMENT_AWAITED, by, now, limits, amount_minor=promise.extra_minor, currency=currency)
    change = change.with_case(promise=replace(promise, stage=Stage.PROMISED, carrier="", number="", sent_at=None))
    return change.then(Event.REMEDY_STARTED, by, now, limits, remedy=str(promise.remedy))


def sent(case: Case, limits: Limits, by: str, now: datetime, carrier: str = "", number: str = "") -> Change:
    """The case with the thing on its way, and the whole time again for it to arrive."""
    assert case.promise is not None
    change = Change(case).then(Event.REMEDY_SENT, by, now, carrier=carrier, number=number)
    length, cause = limits.get(State.FULFILLING, (TIMEOUTS[State.FULFILLING], "default"))
    promise = replace(case.promise, stage=Stage.SENT, carrier=carrier, number=number, sent_at=now)
    return change.with_case(promise=promise, deadline=Deadline.after(now, length, cause))


def failed(case: Case, limits: Limits, by: str, now: datetime, reason: str) -> Change:
    """The case back with a person, who decides anew."""
    assert case.promise is not None
    change = Change(replace(case, promise=replace(case.promise, stage=Stage.FAILED, reason=reason)))
    return change.then(Event.REMEDY_FAILED, by, now, limits, reason=reason)


def remembered(case: Case, order: Order, now: datetime) -> Order:
    """The order with the fact that its pieces were replaced or repaired, from which guarantees are counted."""
    assert case.promise is not None
    data = {"case_id": case.case_id, "reason": case.reason}
    facts = (OrderFact(KEPT_AS[case.promise.remedy], now, item.line_id, "", data) for item in case.items)
    return replace(order, facts=(*order.facts, *facts))


def to_money(file: CaseFile, facts: Facts, fee_permille: int) -> CaseFile:
    """The file with money promised in place of the thing: all that the pieces are worth, freight by fault, as for any refund."""
    case = file.case
    assert case.promise is not None
    facts = replace(facts, asked=None)
    whole = quote(facts, "", freight=freight_due(facts, case.fault))
    fee = fee_of(whole.goods, case.fault, fee_permille)
    case = replace(
        case,
        amount=whole.amount - fee,
        asked=None,
        tax_minor=whole.tax.minor,
        freight_minor=whole.freight.minor,
        fee_minor=fee.minor,
        promise=replace(case.promise, stage=Stage.MONEY),
    )
    return replace(file, case=case)


def gives(case: Case, ledger_worth: int) -> Money:
    """What a yes gives away: a replacement is worth as much as the pieces it is given for."""
    promise = case.promise
    if promise is None or not promise.in_force or promise.remedy is not Remedy.REPLACEMENT:
        return case.payable
    return max(case.payable, Money(ledger_worth, case.amount.currency))


def keeps_goods(file: CaseFile) -> bool:
    """Whether the shop has the goods, or the buyer's payment for a dearer thing: then a no is no answer any more."""
    promise, parcel = file.case.promise, file.parcel
    return promise is not None and (bool(promise.payment_id) or (parcel is not None and parcel.state is ParcelState.ACCEPTED))


def awaits_a_person(file: CaseFile) -> bool:
    """Whether goods that should be exchanged or repaired were counted, and not all were there: no rule decides about them."""
    parcel = file.parcel
    return parcel is not None and parcel.state is ParcelState.INSPECTING and bool(parcel.counts)
