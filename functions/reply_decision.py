"""Replies about the decisions on a case, each made again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from aftersales.decision import Outcome
from functions.reply import WordView
from functions.reply_base import View


class Replay(StrEnum):
    """What came of making a decision again from what is stored of it."""

    SAME = "same"
    DIFFERS = "differs"
    PERSON = "person"  # a person's, of what no rules had looked at: there is nothing to make again
    NOT_KEPT = "not_kept"  # from before a step kept what the decision in its place replaces


class DifferenceView(View):
    """Where the replay is not what is stored: version, row, outcome, rule, reason or amount, or a table that cannot be read."""

    what: str
    stored: str
    again: str


class MadeView(View):
    """A decision: ``seq`` is the step that made it, ``by`` whoever did, ``amount_minor`` the case's amount with it, where it says.

    ``rules_version``, ``row`` (0: findings decided) and ``seen``, by fact, are the rules'. ``ruled`` is what they had said where
    something or somebody decided otherwise. ``replay`` is of the rules' word, ``differs`` all that it differs in.
    """

    seq: int
    at: datetime
    by: str
    outcome: Outcome
    rule: str
    reason: str
    amount_minor: int | None
    rules_version: str
    row: int
    seen: dict[str, str | int | bool | None]
    ruled: WordView | None
    replay: Replay
    differs: list[DifferenceView]


class DecisionsView(View):
    """Every decision on a case, in order. ``intact``: no step of the case was altered, left out or put in."""

    case_id: str
    intact: bool
    decisions: list[MadeView]
