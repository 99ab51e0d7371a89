"""Trial: a draft of rules on a merchant's past cases: what it would have decided otherwise, in cases and in money.

::

    open cases, state by state ─► month by month: closed without a refund ─► month by month: with a refund     (page after page)

A case is judged on what is stored of it: the findings that it was decided on, and its order as it is now. What became of an order
since (that it was signed for, say) is therefore known to the draft; times count from the application all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from aftersales.case import Case, State
from aftersales.decision import Decision, Outcome
from aftersales.errors import BadPlugin, Conflict, Invalid, NotFound
from aftersales.money import Money
from aftersales.query import CaseFile, ClosedOf, OfMerchant, Query, RefundsOf
from aftersales.quote import weight
from aftersales.ruling.table import Table
from functions import ruleset, words
from functions.body_rules import TrialBody
from functions.context import Context
from functions.payout import facts_of, offer_of
from functions.reply_rules import TrialCase, TrialCount, TrialMoney, TrialView
from functions.ruling import run

#: Open cases that were judged may be in any of these.
OPEN = tuple(state for state in State if state not in (State.DRAFT, State.CLOSED))
#: A trial goes back so far at most.
MOST_MONTHS = 36


@dataclass(frozen=True, slots=True)
class _Tried:
    """A case as the rules decided it, and as the draft does; ``paid`` and ``pays`` without a person."""

    case: Case
    was: Decision
    would: Decision
    paid: Money
    pays: Money
    row: int

    @property
    def has_changed(self) -> bool:
        return (self.was.word.outcome, self.paid) != (self.would.outcome, self.pays)


def trial(ctx: Context, body: TrialBody) -> TrialView:
    """Try a draft, or a stored version, on the cases opened since. Nothing is stored, and nothing follows from it.

    Raises BadTable, Conflict where nothing runs tables, Invalid for a start that lies ahead or too far back.
    """
    if ctx.registry.tables is None:
        raise Conflict("Nothing runs rules of merchants at this stage.", todo="Ask the operator to switch a table engine on.")
    table = _draft(ctx, body)
    files, cursor = _page(ctx, body)
    tried, left_out = [], 0
    for file in files:
        try:
            found = _tried(ctx, table, file)
        except (BadPlugin, NotFound):  # the trade is gone, or offers it no longer
            left_out += 1
            continue
        tried += [found] if found else []
    counts = Counter((one.was.word.outcome, one.would.outcome) for one in tried if one.has_changed)
    return TrialView(
        cases=len(tried),
        left_out=left_out,
        changed=[_view(ctx, one) for one in tried if one.has_changed],
        counts=[TrialCount(was=was, would=would, cases=number) for (was, would), number in sorted(counts.items())],
        money=_money(tried),
        cursor=cursor,
    )


# --- inside -----------------------------------------------------------------------------------------------------------
def _draft(ctx: Context, body: TrialBody) -> Table:
    content = bytes(body.table)
    if bool(content) == (body.version is not None):
        raise Invalid("A trial is of a table, or of a version.", where="$.table", expected="one of the two")
    return ruleset.read(ctx, content) if body.version is None else ruleset.stored_table(ctx, body.version)


def _page(ctx: Context, body: TrialBody) -> tuple[list[CaseFile], str | None]:
    """The cases of one page: one request to the store's lists, then each case; the cursor names the list and where in it."""
    places = list(_places(ctx.caller.merchant, body.since, ctx.now))
    number, cursor = _opened(body.cursor, len(places))
    while number < len(places):
        place: Query[Any] = places[number]
        page = ctx.registry.store.find(place, cursor, body.limit)
        ids = [one.case_id for one in page.found if isinstance(one, Case) or one.number == 1]
        refunded = isinstance(places[number], RefundsOf)
        read = [file for case_id in ids if (file := ctx.registry.store.case(case_id)) is not None]
        files = [f for f in read if f.case.opened_at >= body.since and f.case.decision and _is_here(f, refunded=refunded)]
        after = f"{number}:{page.cursor}" if page.cursor else f"{number + 1}:" if number + 1 < len(places) else None
        if files or page.cursor or after is None:
            return files, after
        number, cursor = number + 1, None
    return [], None


def _is_here(file: CaseFile, *, refunded: bool) -> bool:
    """Whether this list is the case's: one with a refund is found by the first of them alone, wherever it has gone meanwhile."""
    return refunded or not file.refunds


def _places(merchant: str, since: datetime, now: datetime) -> Iterator[OfMerchant | ClosedOf | RefundsOf]:
    yield from (OfMerchant(merchant, state) for state in OPEN)
    months = list(_months(since, now))
    yield from (ClosedOf(merchant, month) for month in months)
    yield from (RefundsOf(merchant, month) for month in months)


def _months(since: datetime, now: datetime) -> Iterator[str]:
    if since > now:
        raise Invalid("A trial looks back.", where="$.since", found=since.isoformat())
    first, last = since.astimezone(UTC), now.astimezone(UTC)
    number, until = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    if until - number >= MOST_MONTHS:
        raise Invalid(f"A trial looks back {MOST_MONTHS} months at most.", where="$.since", found=since.isoformat())
    yield from (f"{one // 12:04}-{one % 12 + 1:02}" for one in range(number, until + 1))


def _opened(cursor: str, places: int) -> tuple[int, str | None]:
    if not cursor:
        return 0, None
    number, _, rest = cursor.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 4 and int(number) < places):
        raise Invalid("This cursor is not one of ours.", todo="Start again without a cursor.", found=cursor[:80])
    return int(number), rest or None


def _tried(ctx: Context, table: Table, file: CaseFile) -> _Tried | None:
    case = file.case
    if case.decision is None:
        return None
    order = ctx.registry.store.order(case.merchant, case.order_id)
    if order is None:
        raise NotFound("There is no such order.")
    offer = offer_of(ctx.registry, case)
    facts = facts_of(ctx.registry, file, order, case.submitted_at or case.opened_at)
    amount = weight(facts, offer.remedy, case.payable)
    whole = replace(amount, minor=case.decision.priced_minor or amount.minor)  # before a row gave less
    found = run(ctx.registry, table, "draft", facts, case.decision.judged_on, whole)
    nothing = Money(0, amount.currency)
    paid = amount if case.decision.word.outcome is Outcome.APPROVE else nothing
    pays = found.amount if found.decision.outcome is Outcome.APPROVE else nothing
    return _Tried(case, case.decision, found.decision, paid, pays, found.row or 0)


def _view(ctx: Context, one: _Tried) -> TrialCase:
    vertical = ctx.registry.vertical(one.case.vertical)
    return TrialCase(
        case_id=one.case.case_id,
        order_id=one.case.order_id,
        version=one.was.rules_version,
        was=one.was.word.outcome,
        was_rule=one.was.word.rule,
        was_minor=one.paid.minor,
        would=one.would.outcome,
        would_rule=one.would.rule,
        would_minor=one.pays.minor,
        currency=one.paid.currency,
        row=one.row,
        text=words.of_reason(vertical, one.would.reason, ctx.locale, one.would.findings),
        by=one.was.by,
    )


def _money(tried: list[_Tried]) -> list[TrialMoney]:
    currencies = sorted({one.paid.currency for one in tried})
    return [
        TrialMoney(
            currency=currency,
            was_minor=sum(one.paid.minor for one in tried if one.paid.currency == currency),
            would_minor=sum(one.pays.minor for one in tried if one.pays.currency == currency),
        )
        for currency in currencies
    ]
