"""What the facts are for one case: pure, total, the same each time. No amount passes through a binary fraction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from aftersales.decision import Finding, Source, Verdict
from aftersales.evidence import SHOWING
from aftersales.lookup import ASKED
from aftersales.money import EXPONENTS, Money
from aftersales.ruling.fact import NAMED, Figures, Plain
from aftersales.vertical import Facts

#: A text that is longer is cut: nobody's rule names it, and it costs a look at every row.
MOST_CHARACTERS = 200
#: The worst first.
WORST = (Verdict.FAIL, Verdict.MISSING, Verdict.UNSURE, Verdict.PASS)
#: Checks that are neither of a trade nor of its sources.
BESIDE = ("vision.", "parcel.", "risk.", "text.")


def figures(facts: Facts, findings: tuple[Finding, ...], amount: Money) -> Figures:
    """Every fact of :data:`~aftersales.ruling.fact.FACTS`, by name.

    ``findings`` are all of the case's, those of risk and of the buyer's words among them; ``amount`` is what a yes pays. Amounts
    are ``Decimal`` in main units, exact, or whole minor units; a negative one counts as none. Times count from the application
    (:attr:`~aftersales.vertical.Facts.applied_at`) in full days of 24 hours, None where they are not known or lie ahead.
    """
    return {
        **_asked(facts),
        **_ordered(facts),
        **_money(facts, amount),
        **_found(facts, findings),
        **_buyer(facts, findings),
        **_words(findings),
    }


def main_units(money: Money) -> Decimal:
    """``CNY 19.90`` as ``Decimal("19.90")``; below nothing is nothing."""
    return Decimal(max(0, money.minor)).scaleb(-EXPONENTS[money.currency])


def flaw_seen(facts: Facts) -> bool:
    """Whether verification saw the flaw that is claimed."""
    passed = (f for f in facts.findings if f.source is Source.MODEL and f.verdict is Verdict.PASS)
    return any(f.check.endswith(".spoilage") for f in passed)


def kept_outside(facts: Facts) -> bool:
    """Whether outside systems keep everything that is asked about as it is until the money is out."""
    held = {said.line_id for said in facts.lookups if said.held and said.status != ASKED}
    return bool(facts.items) and {item.line_id for item in facts.items} <= held


def _asked(facts: Facts) -> dict[str, Plain]:
    ids = {item.line_id for item in facts.items}
    lines = [line for line in facts.order.lines if line.line_id in ids]
    local = facts.applied_at.astimezone(facts.merchant.zone)
    return {
        "kind": str(facts.kind),
        "chosen_reason": _text(facts.reason),
        "vertical": _text(_only(line.vertical for line in lines)),
        "category": _text(_only(line.category for line in lines)),
        "lines": len(ids),
        "pieces": sum(max(0, item.pieces) for item in facts.items),
        "freight_asked": facts.freight,
        "hour": local.hour,
        "weekday": local.isoweekday(),
    }


def _ordered(facts: Facts) -> dict[str, Plain]:
    order = facts.order
    return {
        "order_status": str(order.status),
        "is_shipped": order.is_shipped,
        "is_signed": order.is_signed,
        "days_since_paid": _days(order.paid_at, facts.applied_at),
        "days_since_shipping": _days(order.shipped_at, facts.applied_at),
        "days_since_signing": _days(order.signed_at, facts.applied_at),
    }


def _money(facts: Facts, amount: Money) -> dict[str, Plain]:
    merchant, own = facts.merchant, amount.currency == facts.merchant.currency
    paid = facts.ledger.paid
    return {
        "currency": amount.currency,
        "own_currency": own,
        "amount": main_units(amount) if own else None,
        "amount_minor": max(0, amount.minor) if own else None,
        "amount_in_order_currency": main_units(amount),
        "paid": main_units(paid) if paid.currency == merchant.currency else None,
        "amount_is_small": merchant.is_small(amount),
        "amount_needs_two": merchant.needs_two(amount),
    }


def _found(facts: Facts, findings: tuple[Finding, ...]) -> dict[str, Plain]:
    return {
        "verdict": _worst(findings),
        "photo_verdict": _worst(f for f in findings if f.check.startswith("vision.")),
        "parcel_verdict": _worst(f for f in findings if f.check.startswith("parcel.")),
        "trade_verdict": _worst(f for f in findings if not f.check.startswith(BESIDE)),
        "photos": sum(e.usable and e.kind in SHOWING for e in facts.evidence),
        "flaw_seen": flaw_seen(facts),
        "self_evident": facts.self_evident,
        "kept_outside": kept_outside(facts),
    }


def _buyer(facts: Facts, findings: tuple[Finding, ...]) -> dict[str, Plain]:
    told = _data(findings, "risk.history")
    tier = (facts.case.tier if facts.case else "") or facts.order.buyer.tier
    return {
        "tier": _text(tier),
        "buyer_refunds": _count(told, "refunds"),
        "buyer_kept": _count(told, "kept"),
        "buyer_reused_photos": _count(told, "reused"),
        "buyer_rejected": _count(told, "rejected"),
        "risk_points": _count(told, "points"),
    }


def _words(findings: tuple[Finding, ...]) -> dict[str, Plain]:
    told = _data(findings, "text.reason")
    read = next((f for f in findings if f.check == "text.reason"), None)
    known = NAMED["complaint"].values
    first, second, sure = told.get("reason"), told.get("second"), told.get("sure")
    percent = int(Decimal(str(read.confidence)) * 100) if read and 0 <= read.confidence <= 1 else None
    return {
        "complaint": first if isinstance(first, str) and first in known else None,
        "complaint_second": second if isinstance(second, str) and second in known else None,
        "complaint_confidence": percent,
        "complaint_sure": sure if isinstance(sure, bool) else None,
    }


def _worst(findings: Iterable[Finding]) -> str:
    seen = {f.verdict for f in findings}
    return next((str(verdict) for verdict in WORST if verdict in seen), "none")


def _data(findings: tuple[Finding, ...], check: str) -> Mapping[str, Plain | float]:
    return next((dict(f.data) for f in findings if f.check == check), {})


def _count(told: Mapping[str, Plain | float], name: str) -> int | None:
    value = told.get(name)
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else None


def _days(since: datetime | None, until: datetime) -> int | None:
    """Full days of 24 hours between the two; None where ``since`` is not known, or is later."""
    return (until - since) // timedelta(days=1) if since is not None and since <= until else None


def _only(values: Iterable[str]) -> str:
    """The value where all are the same, else ""."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _text(value: str) -> str | None:
    whole = value[:MOST_CHARACTERS].encode("utf-8", "replace").decode()  # half of a pair is no text anywhere else
    return whole or None
