"""Growth: an order whose goods are paid for in steps gets a further payment, while a case is open on it.

Nothing that was paid may change, and no money may have gone back: then what each payment gives was decided on the old sum. The one
case that speaks for pieces is priced anew in the same transaction, and judged anew where a person has not decided yet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Case, State
from aftersales.change import Change
from aftersales.entry import BACK, Payout
from aftersales.errors import OrderFrozen
from aftersales.ledger import Ledger
from aftersales.order import Order
from aftersales.query import CaseFile, OrderFile
from aftersales.registry import Registry
from functions import lookups
from functions.judgement import judge_anew

#: States in which nobody has agreed to an amount yet.
UNDECIDED = frozenset({State.VERIFYING, State.REVIEWING, State.AWAITING_EVIDENCE})


def of(registry: Registry, known: OrderFile, order: Order, ledger: Ledger, now: datetime) -> Change:
    """The change that stores an order whose money is another than it was, with what that means for its open case.

    Raises OrderFrozen where cases or refunds stand in its way.
    """
    spoken = {h.case_id for h in known.ledger.holds}
    if not spoken and not known.ledger.entries:
        return Change(order=order, ledger=ledger)
    if known.ledger.open_entries(*BACK, Payout.COMPENSATION) or not _grows(known.ledger, ledger):
        raise OrderFrozen(
            "This order has after-sales cases; what was paid for it cannot change any more.",
            todo="Push the amounts as they were; later payments belong to an order of their own.",
        )
    files = [file for case_id in sorted(spoken) if (file := registry.store.case(case_id)) and not file.case.terminal]
    if len(files) > 1 or any(not _undecided(file.case) for file in files):
        raise OrderFrozen(
            "A case on this order is being decided for what was paid before.",
            todo="Push this payment again once the case is decided or withdrawn.",
            cases=[file.case.case_id for file in files],
        )
    change = Change(files[0].case if files else None, order=order, ledger=ledger)
    return _repriced(registry, change, files[0], OrderFile(order, ledger, known.cases), now) if files else change


def agreed(known: OrderFile, order: Order) -> None:
    """Raise OrderFrozen for a line that is sold as another thing, or under other terms, than cases are decided by."""
    if not known.ledger.holds and not known.ledger.entries:
        return
    before = {line.line_id: (line.vertical, dict(line.terms), dict(line.data), line.part) for line in known.order.lines}
    for line in order.lines:
        said = (line.vertical, dict(line.terms), dict(line.data), line.part)
        if before.get(line.line_id, said) != said:
            raise OrderFrozen(
                "This order has after-sales cases; what was agreed about its lines cannot change any more.",
                todo="Push vertical, terms, data and parts as they were; tell what happened since as facts.",
                where=f"lines.{line.line_id}",
            )


def _grows(before: Ledger, after: Ledger) -> bool:
    """Whether only payments came on top: the same lines and pieces, none of them worth less, and every known payment as it was."""
    worth = {line.line_id: line for line in after.lines}
    if set(worth) != {line.line_id for line in before.lines} or after.freight_minor < before.freight_minor:
        return False
    for line in before.lines:
        grown, pieces = worth[line.line_id], ((0, line.pieces),)
        less = grown.goods_of(pieces) < line.goods_of(pieces) or grown.tax_of(pieces) < line.tax_of(pieces)
        if grown.pieces != line.pieces or less:
            return False
    return after.payments[: len(before.payments)] == before.payments and not before.added


def _undecided(case: Case) -> bool:
    return case.state in UNDECIDED and all(a.by.startswith("system") for a in case.approvals)


def _repriced(registry: Registry, change: Change, file: CaseFile, order: OrderFile, now: datetime) -> Change:
    fresh = lookups.priced(registry, change, file, order, now)
    if fresh is change:
        return replace(change, case=None)
    return judge_anew(registry, fresh, file, order, now) if file.case.state is State.REVIEWING else fresh
