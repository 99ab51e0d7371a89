"""Terms: the rules in force, as people read them; and those under which a case was opened, frozen in its first step.

The first step of a case is hashed into its chain: neither the shop nor a new version of the trade changes what was agreed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from aftersales.case import Case, Kind
from aftersales.change import Plain
from aftersales.errors import NotFound
from aftersales.order import Line
from aftersales.query import StepsOf
from aftersales.vertical import Merchant, Vertical
from functions import words
from functions.context import Context
from functions.reply import Choice, Need
from functions.reply_base import View
from functions.view import needs


class KindRules(View):
    """One kind of case of a trade: its rules, the reasons to choose from, and what has to be shown."""

    kind: Kind
    rules: str
    reasons: list[Choice]
    evidence: list[Need]
    goods_back: bool


class TradeRules(View):
    """The rules of a trade that are in force now, in the reader's language."""

    vertical: str
    version: str
    kinds: list[KindRules]


class CaseRules(View):
    """The rules under which a case was opened, word for word as they were shown, and what the buyer had confirmed when ordering.

    ``terms`` are by line.
    """

    case_id: str
    vertical: str
    version: str
    agreed_at: datetime
    locale: str
    rules: str
    terms: dict[str, dict[str, str | int | bool]]


def of_trade(ctx: Context, vertical: str) -> TradeRules:
    """The rules of a trade for the caller's merchant. Raises NotFound for one that is not active."""
    trade = ctx.registry.vertical(vertical)
    merchant = ctx.registry.merchant(ctx.caller.merchant)
    kinds = [
        KindRules(
            kind=offer.kind,
            rules=_rules(trade, offer.kind, ctx.locale, merchant),
            reasons=[Choice(code=r.code, text=trade.text(f"reason.{r.code}", ctx.locale), fault=r.fault) for r in offer.reasons],
            evidence=needs(ctx, trade, offer.requires),
            goods_back=offer.goods_back,
        )
        for offer in trade.offers
    ]
    return TradeRules(vertical=trade.name, version=trade.version, kinds=kinds)


def of_case(ctx: Context, case_id: str) -> CaseRules:
    """The rules that a case is judged by. Raises NotFound for a case that was opened before they were kept."""
    case = ctx.case(case_id).case
    first = ctx.registry.store.find(StepsOf(case_id), None, 1).found
    kept = first[0].data if first else {}
    if "rules" not in kept:
        raise NotFound("The rules of this case were not kept.", todo="Read those in force now.", found=case_id)
    return CaseRules(
        case_id=case_id,
        vertical=case.vertical,
        version=case.vertical_version,
        agreed_at=first[0].at,
        locale=case.locale,
        rules=str(kept["rules"]),
        terms=json.loads(str(kept["terms"])),
    )


def frozen(vertical: Vertical, case: Case, lines: Iterable[Line], merchant: Merchant) -> dict[str, Plain]:
    """What the first step of a case keeps: the rules in the buyer's language, and the terms of its lines."""
    agreed = {line.line_id: dict(line.terms) for line in lines if line.terms}
    return {
        "rules": _rules(vertical, case.kind, case.locale, merchant),
        "terms": json.dumps(agreed, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        "version": vertical.version,
    }


def _rules(vertical: Vertical, kind: Kind, locale: str, merchant: Merchant) -> str:
    return words.of_rules(vertical, kind, locale, merchant)
