"""Notices: what a buyer is told at each step, in their language, stored with the step itself."""

from __future__ import annotations

from aftersales.case import Case, Event, State
from aftersales.change import Change, Notice, Step
from aftersales.money import Money
from aftersales.order import Order
from aftersales.refund import Cause
from aftersales.registry import Registry
from aftersales.text import text
from functions import words


def of_change(registry: Registry, change: Change) -> tuple[Notice, ...]:
    """The notice that a change of a case calls for: one when it moved to another state, however many steps it took.

    A refund that waits for its buyer is told too: it came back, or the account it goes to is closed.
    """
    case = change.case
    if case is None or not change.steps:
        return ()
    for step in change.steps:
        if key := _key_of(step):
            return (_of_case(registry, case, key, Money(_minor(step), case.amount.currency)),)
    if case.state in (change.steps[0].before, State.DRAFT):
        return ()
    key, amount = f"notice.{case.state}.{case.ending}" if case.ending else f"notice.{case.state}", case.amount
    if change.steps[-1].event is Event.SETTLED and _minor(change.steps[-1]) != case.amount.minor:
        key, amount = "notice.closed.given_up", Money(_minor(change.steps[-1]), case.amount.currency)
    return (_of_case(registry, case, key, amount),)


def _key_of(step: Step) -> str:
    """The text that one step calls for by itself."""
    if step.event is Event.REFUND_BOUNCED:
        return "notice.refund_bounced"
    abnormal = step.event is Event.REFUND_FAILED and step.data.get("cause") == Cause.ACCOUNT_ABNORMAL
    return "notice.account_needed" if abnormal else ""


def _minor(step: Step) -> int:
    minor = step.data.get("amount_minor")
    return minor if isinstance(minor, int) else 0


def of_signing(registry: Registry, order: Order) -> tuple[Notice, ...]:
    """What the trades of an order say when its parcel was signed for."""
    found = []
    for name in sorted({line.vertical for line in order.lines}):
        vertical = registry.vertical(name)
        if vertical.on_signing and order.signed_at:
            told = text(vertical.package, vertical.on_signing, order.buyer.locale, order_id=order.order_id)
            key = f"{order.order_id}:signed:{name}"
            found.append(Notice(key, order.merchant, order.buyer.id, "", order.order_id, told, order.signed_at))
    return tuple(found)


def _of_case(registry: Registry, case: Case, key: str, amount: Money) -> Notice:
    due_at = case.deadline.due_at if case.deadline else None
    zone = registry.merchant(case.merchant).zone
    vertical, decision = registry.vertical(case.vertical), case.decision
    told = text(
        "functions",
        key,
        case.locale,
        order_id=case.order_id,
        amount=str(amount),
        reason=words.of_reason(vertical, decision.reason, case.locale, decision.findings) if decision else "",
        due=due_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if due_at else "",
    )
    return Notice(f"{case.case_id}:{case.seq}", case.merchant, case.buyer_id, case.case_id, case.order_id, told, case.updated_at)
