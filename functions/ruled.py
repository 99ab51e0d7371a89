"""Ruled: for the people of a shop, which row of its rules decided a case, and on what."""

from __future__ import annotations

from typing import Any

from aftersales.decision import Decision
from aftersales.errors import Invalid
from aftersales.ruling.replay import plain, seen
from aftersales.vertical import Vertical
from functions import words
from functions.context import Context
from functions.reply import WordView
from functions.ruling import number_of


def trace_of(ctx: Context, vertical: Vertical, merchant: str, decision: Decision) -> dict[str, Any]:
    """Row, facts and the rules' word as a view has them; nothing for buyers, who read the sentence."""
    if not ctx.caller.is_staff or not (decision.row or decision.ruled):
        return {}
    word = decision.ruled
    text = words.of_reason(vertical, word.reason, ctx.locale, decision.findings) if word else ""
    return {
        "row": decision.row,
        "seen": _seen(ctx, merchant, decision),
        "ruled": WordView(outcome=word.outcome, rule=word.rule, text=text) if word else None,
    }


def _seen(ctx: Context, merchant: str, decision: Decision) -> dict[str, Any]:
    try:
        table = ctx.registry.rules.table(merchant, number_of(decision.rules_version))
        return {name: plain(value) for name, value in seen(table, decision.seen).items()}
    except Invalid:  # a version that cannot be read any more
        return {}
