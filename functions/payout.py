"""What follows once a case is decided: goods are awaited or the refund is reserved, or the pieces are free again.

Everything here turns one Change into a fuller one; nothing is stored and nobody is called. The approval and the reservation
of its money are therefore one transaction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import Case, Event, State
from aftersales.change import Change, Plain
from aftersales.deadline import Deadline
from aftersales.entry import Leg, Payout, Step
from aftersales.errors import BadPlugin, StaleVersion
from aftersales.evidence import EvidenceState
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.order import Order
from aftersales.parcel import PARCEL_TIMEOUTS, Parcel, ParcelEvent, ParcelState, advance_parcel
from aftersales.plan import Plan, plan
from aftersales.query import CaseFile, OrderFile
from aftersales.refund import Refund, RefundState, refund_key
from aftersales.registry import Registry
from aftersales.remedy import Stage
from aftersales.vertical import Facts, Merchant, Offer, Quote
from functions import beyond, carriage, guard, holiday, promise, reach, rest, restock

FIRST_LOOK = timedelta(minutes=1)  # when a reserved refund that nobody called is called by the schedule

#: The check of a decision that rests on an inspection's count; a parcel that was counted is not awaited again.
COUNTED = "goods.count"

Timeouts = dict[State, tuple[timedelta, str]]


def timeouts(registry: Registry, case: Case) -> Timeouts:
    """The waiting times in force for a case, each with its cause: the merchant's over the trade's over the defaults."""
    found: Timeouts = {s: (t, f"vertical:{case.vertical}") for s, t in registry.vertical(case.vertical).timeouts.items()}
    found.update({s: (t, "merchant") for s, t in registry.merchant(case.merchant).timeouts.items()})
    return found


def parcel_timeouts(registry: Registry, case: Case) -> dict[ParcelState, tuple[timedelta, str]]:
    """The waiting times in force for a case's parcel: the merchant's over the defaults."""
    return {s: (t, "merchant") for s, t in registry.merchant(case.merchant).parcel_timeouts.items()}


def offer_of(registry: Registry, case: Case) -> Offer:
    """The part of the trade a case was opened under. Raises BadPlugin when the trade no longer has it."""
    offer = registry.vertical(case.vertical).offer(case.kind)
    if offer is None:
        raise BadPlugin(f"The vertical {case.vertical} no longer offers {case.kind}.", vertical=case.vertical)
    return offer


def facts_of(registry: Registry, file: CaseFile, order: OrderFile, now: datetime) -> Facts:
    """What the rules may look at for this case."""
    case = file.case
    return Facts(
        order=order.order,
        ledger=order.ledger,
        merchant=registry.merchant(case.merchant),
        kind=case.kind,
        items=case.items,
        now=now,
        reason=case.reason,
        freight=case.freight,
        asked=case.asked,
        evidence=tuple(e for e in file.evidence if e.role is None),
        proofs=tuple(e for e in file.evidence if e.role is not None and e.state is not EvidenceState.AWAITING_UPLOAD),
        case=case,
        lookups=case.lookups,
        self_evident=offer_of(registry, case).is_self_evident(case.reason),
    )


def follow(registry: Registry, change: Change, order: OrderFile, by: str, now: datetime) -> Change:
    """The change with what its case's new state brings with it."""
    assert change.case is not None
    ledger = change.ledger or order.ledger
    change = _kept_out(registry, change, now)
    assert change.case is not None
    if change.case.state in (State.REJECTED, State.CLOSED):
        freed = ledger.free(change.case.case_id)
        return change if freed is ledger else replace(change, ledger=freed)
    if change.case.state is State.REVIEWING and is_appealed(change.case):  # back from evidence: still for somebody else
        return change.then(Event.SECOND_PERSON_ASKED, "system", now, timeouts(registry, change.case))
    if change.case.state is not State.APPROVED:
        return change
    offer = offer_of(registry, change.case)
    change = _let_in(registry, change, now)
    assert change.case is not None
    if promise.awaits_goods(change.case, offer) and change.parcel is None:
        waits = ParcelState.AWAITING_SHIPMENT
        length, cause = parcel_timeouts(registry, change.case).get(waits, (PARCEL_TIMEOUTS[waits], "default"))
        parcel = Parcel(change.case.case_id, waits, Deadline.after(now, length, cause), awaited_at=now)
        awaited = change.then(Event.GOODS_AWAITED, by, now, to=registry.merchant(change.case.merchant).return_address)
        return holiday.kept(registry, replace(awaited, parcel=parcel), now)
    given = promise.begun(change, offer, timeouts(registry, change.case), by, now)
    return given or reserve(registry, change, OrderFile(order.order, ledger, order.cases), by, now)


def is_appealed(case: Case) -> bool:
    """Whether an appeal is not decided yet; that what was promised since has failed is another question."""
    failed = case.promise is not None and case.promise.stage is Stage.FAILED
    return case.appealed and not (failed and case.approvals)


def _let_in(registry: Registry, change: Change, now: datetime) -> Change:
    """The change with goods accepted that are back although they were refused, or not all: they are not awaited again."""
    file = _back(registry, change)
    if file is None or file.parcel is None or file.parcel.state not in (ParcelState.REFUSED, ParcelState.INSPECTING):
        return change
    accepted = advance_parcel(file.parcel, ParcelEvent.ACCEPTED, now)
    return replace(change, parcel=restock.noted(registry, file, accepted, now))


def _kept_out(registry: Registry, change: Change, now: datetime) -> Change:
    """The change with goods refused of which not all were there, where a person says no to the whole."""
    file = _back(registry, change) if change.case is not None and change.case.state is State.REJECTED else None
    if file is None or file.parcel is None or file.parcel.state is not ParcelState.INSPECTING:
        return change
    return replace(change, parcel=advance_parcel(file.parcel, ParcelEvent.REFUSED, now))


def _back(registry: Registry, change: Change) -> CaseFile | None:
    """The stored case whose goods a person or an appeal decides about; None where it is neither, or the change says it itself."""
    case = change.case
    if case is None or change.parcel is not None:
        return None
    counted = case.decision is not None and any(f.check == COUNTED for f in case.decision.findings)
    return registry.store.case(case.case_id) if case.appealed or counted else None


def plan_of(ledger: Ledger, case: Case, merchant: Merchant) -> Plan:
    """The plan that paying this case follows. Raises OverRefund when the order's money does not cover it."""
    currency = case.amount.currency
    tax, freight, fee = (Money(minor, currency) for minor in (case.tax_minor, case.freight_minor, case.fee_minor))
    return plan(ledger, case.amount - tax - freight, freight, tax, fee, merchant.turn)


def owed(registry: Registry, file: CaseFile, order: OrderFile, now: datetime) -> Case:
    """The case at what paying it comes to: what was approved, and what other cases about parts of the same line left since."""

    def quote() -> Quote:
        vertical, offer = registry.vertical(file.case.vertical), offer_of(registry, file.case)
        return guard.quote(vertical, offer, facts_of(registry, file, order, now))

    return rest.added(file.case, order, registry.merchant(file.case.merchant), quote)


def _granted(registry: Registry, approved: Case, now: Case) -> Case:
    """The case as it is owed now, or as it was approved where only a second person could grant that much."""
    two = registry.merchant(approved.merchant).needs_two
    return approved if two(now.payable) and not two(approved.payable) else now


def reserve(registry: Registry, change: Change, order: OrderFile, by: str, now: datetime) -> Change:
    """The change with the case's amount reserved in the ledger as planned, one leg per payment, and the refunds to send.

    Raises OverRefund when the order's money does not cover it, StaleVersion when it is reserved already or its pieces were freed.
    A case worth nothing closes at once: nobody is called.
    """
    case = change.case
    assert case is not None
    case = _granted(registry, case, owed(registry, CaseFile(case, change.evidence), order, now))
    case, cost = carriage.borne(registry, replace(change, case=case), now)
    change, look = replace(change, case=case), Deadline.after(now, FIRST_LOOK, "poll")
    if not case.amount:
        if case.state is not State.FULFILLING:  # a thing is given: that it was ends the case
            change = change.then(Event.SETTLED, by, now, amount_minor=0)
        ledger = carriage.noted(rest.left(case, order.ledger), cost)
        change = change if ledger is order.ledger else replace(change, ledger=ledger)
        return beyond.added(registry, change, ledger, by, now, look)
    reserved = any(e.case_id == case.case_id and e.payout is Payout.REFUND for e in order.ledger.entries)
    if reserved or all(h.case_id != case.case_id for h in order.ledger.holds):  # decided between reading the case and its money
        raise StaleVersion("Somebody else decided this case meanwhile.", todo="Read it again.")
    refunds: list[Refund] = []
    ledger = order.ledger
    beside = sum(e.case_id == case.case_id and e.step is Step.RESERVED for e in ledger.entries)  # compensation paid before
    for number, leg in enumerate(plan_of(ledger, case, registry.merchant(case.merchant)).legs, beside + 1):
        key = refund_key(case.case_id, number)
        ledger = ledger.reserve(key, case.case_id, leg, now)
        pickup = 0 if refunds else case.pickup_minor  # told once, beside the first of several
        refund = replace(_refund(case, order.order, leg, key, number, now), kept=_is_kept(case), pickup_minor=pickup)
        refunds.append(reach.marked(registry, refund, order.order, order.ledger, now))
    data: dict[str, Plain] = {"amount_minor": case.amount.minor, "currency": case.amount.currency, "legs": len(refunds)}
    data |= {"pickup_minor": case.pickup_minor} if case.pickup_minor else {}
    change = change.then(Event.REFUND_RESERVED, by, now, None, **data)
    ledger = carriage.noted(rest.left(case, ledger.free_freight(case.case_id)), cost)
    return beyond.added(registry, replace(change, ledger=ledger, refunds=tuple(refunds)), ledger, by, now, look)


def _is_kept(case: Case) -> bool:
    """Whether money for this case may only go out while outside systems keep what it is for."""
    return case.promise is None and any(said.held for said in case.lookups)


def _refund(case: Case, order: Order, leg: Leg, key: str, number: int, now: datetime) -> Refund:
    return Refund(
        key=key,
        case_id=case.case_id,
        number=number,
        merchant=case.merchant,
        order_id=case.order_id,
        buyer_id=order.buyer.id,
        payment_id=leg.payment.payment_id,
        channel=leg.payment.channel,
        transaction_id=leg.payment.transaction_id,
        payment_minor=leg.payment.minor,
        goods_minor=leg.goods_minor,
        freight_minor=leg.freight_minor,
        tax_minor=leg.tax_minor,
        currency=case.amount.currency,
        state=RefundState.RESERVED,
        reserved_at=now,
        deadline=Deadline.after(now, FIRST_LOOK, "poll"),
        kind=case.kind,
        rule=case.decision.rule if case.decision else "",
        approvals=tuple(replace(a, reason="") for a in case.approvals),
    )
