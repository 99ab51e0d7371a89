"""Unanswered: silence is nobody's yes where two persons have to agree. It asks them, and goes on asking.

::

    nobody answered ─┬─ one yes would do ──► approved by silence              (:mod:`functions.sweep`)
                     └─ it takes two ──► a second review without any yes so far: the next one is the first of two

The same holds for money in place of a thing that was promised and not given; and where a difference in price was not paid, unless
two persons had agreed to that exchange.
"""

from __future__ import annotations

from datetime import datetime

from aftersales.case import Event, State
from aftersales.change import Change
from aftersales.query import CaseFile, OrderFile
from aftersales.registry import Registry
from aftersales.remedy import Stage
from functions import promise, second
from functions.payout import facts_of, owed, timeouts
from functions.words import TWO_PERSONS

#: States in which silence would give money.
GIVES = frozenset({State.REVIEWING, State.AWAITING_PAYMENT})


def escalated(registry: Registry, file: CaseFile, meant: CaseFile, order: OrderFile, now: datetime) -> Change | None:
    """The change that asks two persons where silence would give ``meant``; None where silence may decide.

    The case stays as it was promised: whether it becomes money is for them to say. Yeses to what came before count no more.
    """
    if not asks_two(registry, file, meant, order, now):
        return None
    change = Change(file.case).then(
        Event.SECOND_PERSON_ASKED, "system", now, timeouts(registry, file.case), reason=TWO_PERSONS, state=str(file.case.state)
    )
    return change.with_case(approvals=())


def asks_two(registry: Registry, file: CaseFile, meant: CaseFile, order: OrderFile, now: datetime) -> bool:
    """Whether what silence would give needs two persons who have not agreed to it."""
    if file.case.state not in GIVES or (file.case.state is State.AWAITING_PAYMENT and second.agreed(file.case)):
        return False
    return second.needs_two(registry, owed(registry, meant, order, now), order)


def will_ask(registry: Registry, file: CaseFile, now: datetime) -> bool:
    """Whether silence will ask two persons about the case as it waits now, as people are told beforehand.

    Without a promise that needs no record but the case's own.
    """
    case = file.case
    if case.state not in GIVES:
        return False
    if case.promise is None or not case.promise.in_force:
        return second.above_limit(registry, case, case.payable)
    order = registry.store.order(case.merchant, case.order_id)
    if order is None:
        return False
    broken = case.state is State.AWAITING_PAYMENT or case.promise.stage is Stage.FAILED
    fee_permille = registry.merchant(case.merchant).fee_permille
    meant = promise.to_money(file, facts_of(registry, file, order, now), fee_permille) if broken else file
    return asks_two(registry, file, meant, order, now)
