"""Second: whose yes counts as the second one. It is another person than the first, with the right to it or in place of who has it.

::

    the last person's yes ─┬─ covers what is decided now ──► it is the first of two: somebody else gives the second
                           └─ was to less, or to a thing ──► it does not count: the next yes is the first of two

Persons are told apart by name (``sub``), whatever role their token gives them.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from aftersales.caller import Role
from aftersales.case import Approval, Case, Ending, State
from aftersales.change import Plain
from aftersales.delegation import Delegation
from aftersales.entry import Payout
from aftersales.errors import Forbidden, SecondPersonRequired
from aftersales.money import Money
from aftersales.query import CaseFile, DelegationsOf, OrderFile, StepsOf
from aftersales.registry import Registry
from aftersales.remedy import REPLACED, Remedy, Stage
from functions import promise, ruling
from functions.context import Context

#: Who may say a second yes by themselves.
ROLES = frozenset({Role.APPROVER, Role.ADMIN, Role.PLATFORM})

#: States of a case that somebody said yes to.
GRANTED = frozenset({State.APPROVED, State.SETTLING, State.AWAITING_PAYMENT, State.FULFILLING, State.CLOSED})


def person_of(by: str) -> str:
    """Whose name that is, in whatever role; "" for the system."""
    role, _, sub = by.partition(":")
    return "" if role == Role.SYSTEM else sub


def first_of(case: Case) -> Approval | None:
    """The first of two yeses that stands for what the case gives now; None where none does."""
    last = case.approvals[-1] if case.approvals else None
    if case.state is not State.SECOND_REVIEW or last is None or not person_of(last.by):
        return None
    return last if last.amount.currency == case.amount.currency and last.amount >= case.amount else None


def above_limit(registry: Registry, case: Case, amount: Money) -> bool:
    """Whether two persons have to agree to this amount for this case, by the limit in force now or by the merchant's own rules."""
    return registry.merchant(case.merchant).needs_two(amount) or ruling.asks_two(case.decision)


def needs_two(registry: Registry, case: Case, order: OrderFile, by: str = "") -> bool:
    """Whether two persons have to agree to what a yes gives away now, in money or as a thing.

    ``by`` is whose yes it would be: what that person alone granted in other cases of the order counts with it.
    """
    given = gives(case, order)
    if above_limit(registry, case, given) or not by:
        return above_limit(registry, case, given)
    things = _things(order)
    others = {h.case_id for h in order.ledger.holds} | {e.case_id for e in order.ledger.open_entries(Payout.REFUND)} | {*things}
    others -= {case.case_id, ""}
    most = sum(e.minor for e in order.ledger.open_entries(Payout.REFUND) if e.case_id in others)
    most += sum(sum(order.ledger.held_value(case_id)) + things.get(case_id, 0) for case_id in others)
    if not above_limit(registry, case, replace(given, minor=given.minor + most)):  # whoever granted that: nobody is read
        return False
    alone = sum(_granted_alone(registry.store.case(case_id), order, person_of(by)) for case_id in sorted(others))
    return above_limit(registry, case, replace(given, minor=given.minor + alone))


def gives(case: Case, order: OrderFile) -> Money:
    """What a yes to the case gives away."""
    return promise.gives(case, sum(order.ledger.held_value(case.case_id)) if case.promise else 0)


def told(behalf: str) -> dict[str, Plain]:
    """What goes on record with a word that is said in somebody's place."""
    return {"on_behalf": behalf} if behalf else {}


def agreed(case: Case) -> bool:
    """Whether two different persons said yes to it, one after the other."""
    return len({person_of(a.by) for a in case.approvals[-2:]} - {""}) == 2


def check(ctx: Context, case: Case, first: Approval | None) -> str:
    """In whose place the caller says the second word, "" for nobody's but their own.

    Raises Forbidden for who has neither the role nor stands in for somebody who has it; SecondPersonRequired for who said the
    first yes, or the no that was appealed against.
    """
    held = right(ctx, case.merchant)
    if first is not None and person_of(first.by) == ctx.caller.sub:
        raise SecondPersonRequired("The second approver is another person than the first.", todo="Ask a colleague.")
    said_no = person_of(_said_no(ctx, case.case_id)) if case.appealed else ""
    if said_no and said_no == ctx.caller.sub:
        raise SecondPersonRequired("Whoever said no does not decide on the appeal against it.", todo="Ask a colleague.")
    return in_place_of(held, {said_no, first.on_behalf if first else "", person_of(first.by) if first else ""})


def right(ctx: Context, merchant: str) -> tuple[Delegation, ...]:
    """By which delegations the caller may say the second yes; none for who has the role. Raises Forbidden for who has no right."""
    if ctx.caller.role in ROLES:
        return ()
    found = ctx.registry.store.find(DelegationsOf(merchant), None, 1).found
    held = found[0].held_by(ctx.caller.sub, ctx.now) if found else ()
    if not held:
        raise Forbidden(
            "The second decision is an approver's.",
            todo="Ask one, or whoever stands in for one.",
            expected=sorted(ROLES),
            found=ctx.caller.role,
        )
    return held


def in_place_of(held: tuple[Delegation, ...], barred: AbstractSet[str]) -> str:
    """In whose place the second yes is said, "" where none of ``held`` is needed.

    Nobody stands in for one of ``barred``, and none of them chooses who stands in for another: that is SecondPersonRequired.
    """
    if not held:
        return ""
    fit = next((d for d in held if not {d.of, person_of(d.by)} & barred), None)
    if fit is None:
        raise SecondPersonRequired("Nobody stands in for who said the first word.", todo="Ask another approver.")
    return fit.of


def _granted_alone(file: CaseFile | None, order: OrderFile, sub: str) -> int:
    """Minor units that this person, and nobody else, said yes to in a case that still stands."""
    if file is None or (file.case.merchant, file.case.order_id) != (order.order.merchant, order.order.order_id):
        return 0  # a mall tells facts in its own words
    if file.case.state not in GRANTED or file.case.ending not in (None, Ending.REFUNDED, Ending.FULFILLED):
        return 0
    persons = _who_granted(file.case)
    return max(gives(file.case, order).minor, _gave(file.case, order)) if persons == {sub} else 0


def _who_granted(case: Case) -> set[str]:
    """The persons whose yes covers what was granted in the end: one to less, or to a thing where it is money, does not."""
    last = case.approvals[-1].amount if case.approvals else case.amount
    covering = (a for a in case.approvals if a.amount.currency == last.currency and a.amount >= last)
    return {person_of(a.by) for a in covering} - {""}


def _things(order: OrderFile) -> dict[str, int]:
    """The order's cases that gave a new thing, each with what all pieces of its lines are worth: none of them gave more."""
    lines = {line.line_id: ((0, line.pieces),) for line in order.ledger.lines}
    found: dict[str, int] = {}
    for fact in order.order.facts:
        if fact.name == REPLACED and fact.line_id in lines:
            case_id = str(fact.get("case_id") or "")
            found[case_id] = found.get(case_id, 0) + sum(order.ledger.worth(fact.line_id, lines[fact.line_id]))
    return found


def _gave(case: Case, order: OrderFile) -> int:
    """Minor units that the thing was worth which a case gave: its pieces are free again, and it is given all the same."""
    promise = case.promise
    if promise is None or promise.remedy is not Remedy.REPLACEMENT or promise.stage is not Stage.DONE:
        return 0
    pieces = {line.line_id: line.pieces for line in order.ledger.lines}  # an order of which nothing is held may be told anew
    there = [(i.line_id, [(start, min(stop, pieces.get(i.line_id, 0))) for start, stop in i.units]) for i in case.items]
    found = ((line_id, tuple(run for run in runs if run[0] < run[1])) for line_id, runs in there)
    return sum(sum(order.ledger.worth(line_id, runs)) for line_id, runs in found if runs)


def _said_no(ctx: Context, case_id: str) -> str:
    """Who said the no that the buyer appealed against; decisions on the appeal itself stand in the case since."""
    by, cursor = "", None
    while True:
        page = ctx.registry.store.find(StepsOf(case_id), cursor, 100)
        by = next((s.by for s in reversed(page.found) if s.after is State.REJECTED and s.before is not State.REJECTED), by)
        cursor = page.cursor
        if cursor is None:
            return by
