"""Replies about batches: how far one is, and what became of each case."""

from __future__ import annotations

from datetime import datetime

from aftersales.batch import Act, BatchState, Result
from functions.reply_base import View


class TotalView(View):
    """How many cases came to ``result``, and the amounts they are about together, in minor units of ``currency``."""

    result: Result
    currency: str
    cases: int
    minor: int


class ChoiceView(View):
    """Which cases were asked for; "" and 0 ask for nothing."""

    state: str
    kind: str
    vertical: str
    category: str
    evidence: str
    lane: str
    clerk: str
    min_minor: int
    max_minor: int
    late: bool


class BatchView(View):
    """A batch. ``done`` of ``selected`` cases need nothing more; ``totals`` say what became of them.

    ``foreseen`` is what a dry run says would become of them; ``pending`` there means that an outside system is asked first.
    ``previewed`` waits until its maker says run, ``waiting`` until another person does: it pays more than the shop lets one
    person pay in a batch. ``go_by`` is that person. ``named``: its cases were named one by one, not by ``choice``.
    """

    batch_id: str
    action: Act
    reason: str
    to: str
    take_over: bool
    state: BatchState
    dry_run: bool
    by: str
    go_by: str
    opened_at: datetime
    updated_at: datetime
    named: int
    choice: ChoiceView
    selected: int
    done: int
    totals: list[TotalView]
    foreseen: list[TotalView]
    version: int


class BatchPage(View):
    """Some batches, newest first; ``cursor`` asks for more."""

    batches: list[BatchView]
    cursor: str | None


class ItemView(View):
    """One case of a batch. ``foreseen`` is what a dry run said; ``code`` and ``text`` say why it is not done."""

    case_id: str
    result: Result
    foreseen: Result | None
    code: str
    text: str
    amount_minor: int
    currency: str


class ItemPage(View):
    """Some cases of a batch, in order; ``cursor`` asks for more. It may hold fewer than asked for, and none, and have a cursor."""

    items: list[ItemView]
    cursor: str | None
