"""Asked: which outside systems a case still waits for, and what each is asked about."""

from __future__ import annotations

from dataclasses import replace

from aftersales.case import Case
from aftersales.lookup import ASKED, Ask, Subject
from aftersales.query import OrderFile
from aftersales.registry import Registry
from aftersales.remedy import Stage
from functions.payout import offer_of


def begun(case: Case) -> Case:
    """The case as it is handed in: all is asked anew, since it may have changed. What may be kept for it stays on record."""
    return replace(case, lookups=tuple(replace(x, status=ASKED) for x in case.lookups if x.held))


def left(registry: Registry, case: Case, *, once_more: bool = False) -> tuple[tuple[Ask, str], ...]:
    """Who is still to be asked about which line of the case; with ``once_more`` also who should keep something and does not."""
    known = {(x.source, x.line_id): x for x in case.lookups if x.status != ASKED}
    found = []
    for ask in offer_of(registry, case).asks:
        for item in case.items:
            said = known.get((ask.source, item.line_id))
            if said is None or (once_more and ask.holds and not said.held):
                found.append((ask, item.line_id))
    return tuple(found)


def unheld(registry: Registry, case: Case) -> bool:
    """Whether something that has to be kept for the case is not, or nobody knows: silence must not approve it."""
    if case.promise and case.promise.stage in (Stage.FAILED, Stage.MONEY):
        return False  # money is given in its place
    return any(ask.holds for ask, _ in left(registry, case, once_more=True))


def subject_of(case: Case, order: OrderFile, line_id: str) -> Subject:
    """What a source is asked about; the same key for the same line of the same case, until the case is reopened.

    A call to let go that was under way when it was ends nothing that is kept for it since.
    """
    pieces, line = sum(item.pieces for item in case.items if item.line_id == line_id), order.order.line(line_id)
    if case.promise and case.promise.wanted:  # another thing in its place
        line = replace(line, sku=case.promise.wanted.sku, title=case.promise.wanted.title)
    again = f"-{case.reopened}" if case.reopened else ""
    return Subject(f"{case.case_id}-{line_id}{again}", case.case_id, order.order, line, pieces)
