"""Whole: everything about an order's after-sales in one reading, line by line and case by case, and the sum."""

from __future__ import annotations

from aftersales.case import State
from aftersales.entry import Payout
from aftersales.ledger import Ledger
from aftersales.order import Line
from aftersales.query import CaseFile
from aftersales.refund import RefundState
from functions.context import Context
from functions.reply import ItemView
from functions.reply_together import WholeCase, WholeLine, WholeView
from functions.view import deadline_view

#: What was promised: the money is on its way, or waits for goods or for the thing that is given first.
PROMISED = frozenset({State.APPROVED, State.AWAITING_PAYMENT, State.FULFILLING, State.SETTLING})


def of_order(ctx: Context, order_id: str) -> WholeView:
    """The order's lines and parts, each with the cases about it, every case with its money and next deadline, and the sums."""
    file, store = ctx.order(order_id), ctx.registry.store
    found = [case for case_id in file.cases if (case := store.case(case_id)) is not None]
    cases = [_case(ctx, one) for one in found]
    open_ones = [c for c, one in zip(cases, found, strict=True) if not one.case.terminal and c.state is not State.REJECTED]
    promised = [c for c in open_ones if c.state in PROMISED]
    return WholeView(
        order_id=order_id,
        currency=file.order.currency,
        paid_minor=file.ledger.paid.minor,
        refundable_minor=max(0, file.ledger.refundable.minor),
        asked_minor=sum(c.amount_minor for c in open_ones if c.state not in PROMISED),
        on_its_way_minor=sum(max(0, c.amount_minor - c.refunded_minor) for c in promised),
        refunded_minor=sum(c.refunded_minor for c in cases),
        lines=[_line(file.ledger, line, found) for line in file.order.lines],
        cases=cases,
    )


def _line(ledger: Ledger, line: Line, found: list[CaseFile]) -> WholeLine:
    share = ledger.line(line.line_id)
    whole = ((0, share.pieces),)
    return WholeLine(
        line_id=line.line_id,
        part_of=line.part.of if line.part else "",
        title=line.title,
        vertical=line.vertical,
        pieces=share.pieces,
        pieces_free=sum(stop - start for start, stop in ledger.free_units(line.line_id)),
        paid_minor=share.goods_of(whole) + share.tax_of(whole),
        cases=[one.case.case_id for one in found if any(i.line_id == line.line_id for i in one.case.items)],
    )


def _case(ctx: Context, file: CaseFile) -> WholeCase:
    case = file.case
    arrived = [r for r in file.refunds if r.payout is Payout.REFUND and r.state is RefundState.SETTLED]
    return WholeCase(
        case_id=case.case_id,
        vertical=case.vertical,
        kind=case.kind,
        state=case.state,
        ending=case.ending,
        items=[ItemView(line_id=i.line_id, pieces=i.pieces, share_percent=i.share_percent, bad=i.bad or None) for i in case.items],
        amount_minor=case.amount.minor,
        refunded_minor=sum(r.amount.minor for r in arrived),
        next=deadline_view(ctx, file),
    )
