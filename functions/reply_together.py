"""Replies: several cases of one order side by side, and the whole of an order."""

from __future__ import annotations

from aftersales.case import Ending, Kind, State
from functions.reply import CaseView, DeadlineView, ItemView, Why
from functions.reply_base import View


class RefusedView(View):
    """Why no case was opened for these lines."""

    code: str
    text: str
    todo: str
    retry: bool
    reasons: list[Why]


class OpenedView(View):
    """What became of some of the lines: the case that was opened, or why there is none."""

    line_ids: list[str]
    case: CaseView | None
    refused: RefusedView | None


class TogetherView(View):
    """What became of every line that was asked about."""

    order_id: str
    results: list[OpenedView]


class WholeLine(View):
    """One line of the order, or one part of a line that was sold as one: what was paid for it, and the cases about it."""

    line_id: str
    part_of: str
    title: str
    vertical: str
    pieces: int
    pieces_free: int
    paid_minor: int
    cases: list[str]


class WholeCase(View):
    """How far one case is: its money, and what it waits for. ``refunded_minor`` is what has arrived."""

    case_id: str
    vertical: str
    kind: Kind
    state: State
    ending: Ending | None
    items: list[ItemView]
    amount_minor: int
    refunded_minor: int
    next: DeadlineView | None


class WholeView(View):
    """Everything about an order's after-sales in one reading.

    ``asked_minor`` is what open cases ask for, ``on_its_way_minor`` what was promised and has not arrived, ``refunded_minor`` what
    has.
    """

    order_id: str
    currency: str
    paid_minor: int
    refundable_minor: int
    asked_minor: int
    on_its_way_minor: int
    refunded_minor: int
    lines: list[WholeLine]
    cases: list[WholeCase]
