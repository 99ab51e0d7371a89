"""Notices: what a buyer is told at each step, in their language, once."""

from __future__ import annotations

from collections.abc import Iterable

from aftersales.case import Case, State
from aftersales.order import Order
from aftersales.ports import Notice, Seen
from aftersales.registry import Registry
from aftersales.text import text
from functions import words
from functions.context import Context
from functions.reply import NoticePage, NoticeView


def listed(ctx: Context, cursor: str | None = None, limit: int = 50) -> NoticePage:
    """The caller's own notices, newest first."""
    page = ctx.registry.inbox.told(ctx.caller.merchant, ctx.caller.sub, cursor, limit)
    views = [NoticeView(key=n.key, case_id=n.case_id, order_id=n.order_id, text=n.text, at=n.at) for n in page.found]
    return NoticePage(notices=views, cursor=page.cursor)


def due(registry: Registry, seen: Iterable[Seen]) -> list[Notice]:
    """The notices these records call for. The key is a function of what happened, so telling again changes nothing."""
    found = []
    for record in seen:
        if isinstance(record.after, Case):
            found += _of_case(registry, record.before, record.after)
        elif isinstance(record.after, Order):
            found += _of_order(registry, record.before, record.after)
    return found


def _of_case(registry: Registry, before: object, case: Case) -> list[Notice]:
    was = before.state if isinstance(before, Case) else None
    if case.state is was or case.state is State.DRAFT:
        return []
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
    return [Notice(f"{case.case_id}:{case.seq}", case.merchant, case.buyer_id, case.case_id, case.order_id, told, case.updated_at)]


def _of_order(registry: Registry, before: object, order: Order) -> list[Notice]:
    if order.signed_at is None or (isinstance(before, Order) and before.signed_at is not None):
        return []
    found = []
    for name in sorted({line.vertical for line in order.lines}):
        vertical = registry.vertical(name)
        if vertical.on_signing:
            told = text(vertical.package, vertical.on_signing, order.buyer.locale, order_id=order.order_id)
            key = f"{order.order_id}:signed:{name}"
            found.append(Notice(key, order.merchant, order.buyer.id, "", order.order_id, told, order.signed_at))
    return found
