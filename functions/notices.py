"""Notices: what a buyer is told at each step, in their language, stored with the step itself."""

from __future__ import annotations

from aftersales.case import Case, State
from aftersales.change import Change, Notice
from aftersales.order import Order
from aftersales.registry import Registry
from aftersales.text import text
from functions import words


def of_change(registry: Registry, change: Change) -> tuple[Notice, ...]:
    """The notice that a change of a case calls for: one when it moved to another state, however many steps it took."""
    case = change.case
    if case is None or not change.steps or case.state in (change.steps[0].before, State.DRAFT):
        return ()
    return (_of_case(registry, case),)


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


def _of_case(registry: Registry, case: Case) -> Notice:
    key = f"notice.{case.state}.{case.ending}" if case.ending else f"notice.{case.state}"
    due_at = case.deadline.due_at if case.deadline else None
    zone = registry.merchant(case.merchant).zone
    vertical, decision = registry.vertical(case.vertical), case.decision
    told = text(
        "functions",
        key,
        case.locale,
        order_id=case.order_id,
        amount=str(case.amount),
        reason=words.of_reason(vertical, decision.reason, case.locale, decision.findings) if decision else "",
        due=due_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if due_at else "",
    )
    return Notice(f"{case.case_id}:{case.seq}", case.merchant, case.buyer_id, case.case_id, case.order_id, told, case.updated_at)
