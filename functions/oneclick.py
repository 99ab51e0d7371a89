"""One click: small refunds that rules pay at once (一键退款), and how much one of the merchant's days pays so in all.

::

    a row for small amounts says yes ─┬─ the merchant's settings allow it, the day's sum covers it ──► paid, and counted with it
      and money leaves at once        └─ else ──► a person decides; never a no

Money for what is kept from being used is no such refund, and neither is money that waits for goods. What is paid and what is
counted is one transaction, so that no race pays more than the day's sum. A day gives nothing back: a refund that ends without being
paid was one of that day all the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Kind
from aftersales.change import Change
from aftersales.decision import Decision, Outcome, judge
from aftersales.entry import Payout
from aftersales.money import Money
from aftersales.registry import Registry
from aftersales.remedy import Remedy
from aftersales.rules import SMALL
from aftersales.ruling.book import BUILT_IN
from aftersales.text import text
from aftersales.ticket import Spend
from aftersales.vertical import Facts, Merchant, Offer, Vertical
from functions import guard
from functions.reply import OneClickView

#: Why one click does not pay: the decision's rule is then ``merchant.<why>``, its text ``threshold.<why>``.
NOT_MEANT, USED_UP = "one_click", "one_click_cap"


def closed(registry: Registry, before: Decision | None, change: Change, now: datetime) -> str:
    """Why one click does not pay what this change would pay by it; "" where it does, or nothing is paid that way.

    What a decision ``before`` gave to a person stays with that person: no other day pays it by itself.
    """
    paid, case = _paid(change), change.case
    if paid is None or case is None:
        return ""
    for why in (NOT_MEANT, USED_UP):
        if before is not None and before.rule == f"merchant.{why}":
            return why
    merchant = registry.merchant(case.merchant)
    if not merchant.one_click_day_minor:
        return USED_UP
    if not merchant.by_one_click(paid, case.reason):
        return NOT_MEANT
    spend = _spend(merchant, paid, now)
    return "" if spend.minor <= registry.spent.left(spend) else USED_UP


def counted(registry: Registry, change: Change, now: datetime) -> Change:
    """The change with what it pays by one click counted against its day."""
    paid = _paid(change)
    if paid is None or change.case is None:
        return change
    return replace(change, spends=(*change.spends, _spend(registry.merchant(change.case.merchant), paid, now)))


def offered(registry: Registry, vertical: Vertical, offer: Offer, facts: Facts, locale: str) -> OneClickView | None:
    """What one click would pay for this kind of case, at most and for which reasons; None where nothing is paid that way.

    Told for the built-in rules alone: what a merchant's own table says is known once it is run. Nothing is read for it: that a
    day's sum is used up is known as far as this process has met it, and so is nothing of the buyer's other cases.
    """
    merchant, nothing = facts.merchant, Money(0, facts.order.currency)
    if offer.remedy is not Remedy.MONEY or offer.goods_back or _version(registry, merchant, facts.now) != BUILT_IN:
        return None
    not_shipped = offer.kind is Kind.REFUND_ONLY and not facts.order.is_shipped
    limit = merchant.small_minor if merchant.one_click_minor is None else min(merchant.one_click_minor, merchant.small_minor)
    limit = min(limit, registry.spent.left(_spend(merchant, nothing, facts.now)))
    most: dict[str, Money] = {}
    for code in (r.code for r in offer.reasons if _is_simple(offer, r.code)):
        asked = replace(facts, reason=code, self_evident=offer.is_self_evident(code))
        worth = guard.quote(vertical, offer, asked).amount
        worth = worth if not_shipped else replace(worth, minor=min(worth.minor, limit))
        sound = judge(guard.findings(vertical, (*offer.when, *offer.rules), replace(asked, asked=worth))) is None
        if worth.minor > 0 and sound and (not_shipped or merchant.by_one_click(worth, code)):
            most[code] = worth
    if not most:
        return None
    highest = max(most.values())
    told = text("functions", "one_click.not_shipped" if not_shipped else "one_click.small", locale, amount=str(highest))
    return OneClickView(most_minor=highest.minor, reasons=list(most), text=told)


# --- inside -----------------------------------------------------------------------------------------------------------
def _is_simple(offer: Offer, code: str) -> bool:
    """Whether nothing has to be shown for that reason."""
    return offer.is_self_evident(code) if offer.kind is Kind.CLAIM else not offer.required(code)


def _paid(change: Change) -> Money | None:
    """What this change sends to the buyer because a row for small amounts said so; None for nothing."""
    decision = change.case.decision if change.case else None
    legs = [leg for leg in change.refunds if leg.payout is Payout.REFUND and not leg.kept]
    if decision is None or decision.rule != SMALL or decision.outcome is not Outcome.APPROVE or not legs:
        return None
    return Money(sum(leg.amount.minor for leg in legs), legs[0].currency)


def _spend(merchant: Merchant, paid: Money, now: datetime) -> Spend:
    """What it counts against: the day that it is where the merchant is."""
    day = now.astimezone(merchant.zone).date()
    return Spend(
        merchant.merchant, day.year, Payout.REFUND, paid.minor, merchant.one_click_day_minor, paid.currency, day.isoformat()
    )


def _version(registry: Registry, merchant: Merchant, now: datetime) -> int:
    return BUILT_IN if registry.tables is None else registry.rules.book(merchant.merchant).at(now)
