"""Replies about a merchant's rules: versions, what is wrong with a table, what a trial found."""

from __future__ import annotations

from datetime import datetime

import msgspec

from aftersales.decision import Outcome
from aftersales.ruling.fact import FactType
from functions.reply_base import View


class RulesNote(View):
    """Something about a table that its author may want to know, and that does not keep it from being stored."""

    code: str
    row: int | None
    column: str
    text: str
    todo: str


class RulesView(View):
    """One version of the rules. ``latest`` is the newest version, which If-Match names; ``in_force`` says whether this one is now.

    Version 0 is the set that every shop starts with. ``table`` is JDM.
    """

    version: int
    latest: int
    in_force: bool
    author: str
    note: str
    effective_at: datetime | None
    created_at: datetime | None
    digest: str
    notes: list[RulesNote]
    table: msgspec.Raw


class RulesRow(View):
    """A version in the list; its table is read by its number."""

    version: int
    in_force: bool
    author: str
    note: str
    effective_at: datetime
    created_at: datetime
    digest: str


class RulesPage(View):
    """Some versions, newest first; ``cursor`` asks for more."""

    versions: list[RulesRow]
    cursor: str | None


class RowView(View):
    """A row of a table: what its cells ask of which fact, and what follows."""

    row: int
    conditions: list[str]
    outcome: Outcome
    reason: str
    rule: str
    up_to: str | None
    share_percent: int | None


class CompareView(View):
    """What two versions have not in common, and whether the rows that both have stand in another order."""

    first: int
    second: int
    removed: list[RowView]
    added: list[RowView]
    reordered: bool


class FactView(View):
    """A fact that a table may look at. ``unknown``: it can be null."""

    name: str
    type: FactType
    unit: str
    values: list[str]
    unknown: bool
    text: str


class FactsView(View):
    """Every fact that a table may look at."""

    facts: list[FactView]


class TrialCase(View):
    """A case that the draft would have decided otherwise, or at another amount. ``row`` is the draft's, 0 where findings decide.

    ``was_minor`` and ``would_minor`` are what the rules pay without a person; ``by`` is who decided it in the end.
    """

    case_id: str
    order_id: str
    version: str
    was: Outcome
    was_rule: str
    was_minor: int
    would: Outcome
    would_rule: str
    would_minor: int
    currency: str
    row: int
    text: str
    by: str


class TrialCount(View):
    """So many cases from one outcome to another."""

    was: Outcome
    would: Outcome
    cases: int


class TrialMoney(View):
    """What the rules paid without a person, and what they would have paid, over all cases looked at."""

    currency: str
    was_minor: int
    would_minor: int


class TrialView(View):
    """What would have changed, of one page of cases. ``left_out`` could not be judged any more: their trade is gone.

    Sums and counts are of this page; ``cursor`` asks for the next one, null after the last.
    """

    cases: int
    left_out: int
    changed: list[TrialCase]
    counts: list[TrialCount]
    money: list[TrialMoney]
    cursor: str | None
