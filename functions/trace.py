"""Trace: who approved which refund, when, how much, through which channel, when it arrived; by month, days, order or phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from aftersales.errors import Invalid
from aftersales.query import OrdersOfPhone, RefundsOf
from aftersales.refund import Refund
from functions.body import RefundQuery
from functions.context import Context
from functions.reply import ApprovalView
from functions.reply_money import PartsView, RefundPage, RefundRow

#: What one search looks at: more would be another search.
LONGEST = timedelta(days=366)

#: Pages that one request looks through before it hands back an empty one with a cursor.
MOST_LOOKS = 20

APART = "|"  # between the month and the store's own cursor


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: an order's refunds, a phone's, or those reserved in a span of time; of one channel, state or payout."""

    since: datetime
    until: datetime
    order: str = ""
    phone: str = ""
    channel: str = ""
    state: str = ""
    payout: str = ""

    def fits(self, refund: Refund) -> bool:
        """Whether the refund is one of them. An order or a phone is looked for at any time."""
        timely = bool(self.order or self.phone) or self.since <= refund.reserved_at < self.until
        asked = ((self.channel, refund.channel), (self.state, refund.state), (self.payout, refund.payout))
        return timely and all(not want or want == has for want, has in asked)

    @property
    def months(self) -> list[str]:
        """The calendar months (UTC) that the span touches, in order."""
        first, last = self.since.astimezone(UTC), (self.until - timedelta(microseconds=1)).astimezone(UTC)
        numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [f"{n // 12}-{n % 12 + 1:02}" for n in numbers]


def search(ctx: Context, query: RefundQuery) -> Search:
    """What a request looks for; days count in the merchant's zone, both included. Without any, this month. Raises Invalid."""
    zone = ctx.registry.merchant(ctx.caller.merchant).zone
    first, last = _span(ctx.now.astimezone(zone).date(), query)
    if last - first > LONGEST:
        raise Invalid("A search spans at most 366 days.", todo="Ask for fewer days.", found=(last - first).days)
    begins, ends = (datetime.combine(d, time(), zone).astimezone(UTC) for d in (first, last + timedelta(days=1)))
    return Search(begins, ends, query.order, query.phone, query.channel, query.state or "", query.payout or "")


def listed(ctx: Context, query: RefundQuery, cursor: str | None = None, limit: int = 50) -> RefundPage:
    """The merchant's refunds and compensations, oldest first.

    A page may hold fewer than ``limit``; ``cursor`` says whether there are more.
    """
    asked = search(ctx, query)
    if asked.order or asked.phone:
        return RefundPage(refunds=[row(r) for r in _of_orders(ctx, asked)], cursor=None)
    found: list[Refund] = []
    for _ in range(MOST_LOOKS):  # until something fits: pages in between may hold only others
        found, cursor = _page(ctx, asked, cursor, limit)
        if found or cursor is None:
            break
    return RefundPage(refunds=[row(r) for r in found], cursor=cursor)


def _page(ctx: Context, asked: Search, cursor: str | None, limit: int) -> tuple[list[Refund], str | None]:
    """What fits of one page of one month, and where to go on."""
    here, _, inner = (cursor or "").partition(APART)
    months = [m for m in asked.months if m >= here]
    if not months:
        return [], None
    page = ctx.registry.store.find(RefundsOf(ctx.caller.merchant, months[0]), inner or None, limit)
    after = f"{months[0]}{APART}{page.cursor}" if page.cursor else f"{months[1]}{APART}" if len(months) > 1 else None
    return [r for r in page.found if asked.fits(r)], after


def every(ctx: Context, asked: Search) -> Iterator[Refund]:
    """All that is looked for, read as it is taken."""
    if asked.order or asked.phone:
        yield from _of_orders(ctx, asked)
        return
    for month in asked.months:
        cursor = None
        while True:
            page = ctx.registry.store.find(RefundsOf(ctx.caller.merchant, month), cursor, 500)
            yield from (r for r in page.found if asked.fits(r))
            cursor = page.cursor
            if cursor is None:
                break


def row(refund: Refund) -> RefundRow:
    """One refund as the books want it."""
    return RefundRow(
        key=refund.key,
        case_id=refund.case_id,
        order_id=refund.order_id,
        buyer_id=refund.buyer_id,
        kind=refund.kind,
        payout=refund.payout,
        amount_minor=refund.amount.minor,
        components=PartsView(goods=refund.goods_minor, freight=refund.freight_minor, tax=refund.tax_minor),
        pickup_minor=refund.pickup_minor,
        payer_minor=refund.payer_minor,
        currency=refund.currency,
        channel=refund.channel,
        transaction_id=refund.transaction_id,
        channel_id=refund.channel_id,
        account=refund.account,
        state=refund.state,
        cause=refund.cause,
        overdue=refund.overdue,
        replaces=refund.replaces,
        rule=refund.rule,
        approvals=[
            ApprovalView(by=a.by, at=a.at, amount_minor=a.amount.minor, reason=a.reason, on_behalf=a.on_behalf or None)
            for a in refund.approvals
        ],
        reserved_at=refund.reserved_at,
        accepted_at=refund.accepted_at,
        settled_at=refund.settled_at,
    )


def _of_orders(ctx: Context, asked: Search) -> list[Refund]:
    """The refunds of one order, or of all orders of a phone."""
    store, merchant = ctx.registry.store, ctx.caller.merchant
    ids = [asked.order] if asked.order else orders_of(ctx, asked.phone)
    orders = [store.order(merchant, order_id) for order_id in ids]
    files = [store.case(case_id) for order in orders if order for case_id in order.cases]
    found = [r for file in files if file for r in file.refunds if asked.fits(r)]
    return sorted(found, key=lambda r: (r.reserved_at, r.key))


def orders_of(ctx: Context, phone: str) -> list[str]:
    """The ids of all orders of a buyer's phone at this merchant, newest first."""
    found: list[str] = []
    cursor = None
    while True:
        page = ctx.registry.store.find(OrdersOfPhone(ctx.caller.merchant, phone), cursor, 100)
        found += page.found
        cursor = page.cursor
        if cursor is None:
            return found


def _span(today: date, query: RefundQuery) -> tuple[date, date]:
    """The first and the last day."""
    if query.month:
        first = _day(f"{query.month}-01", "month", "2026-11")
        return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    last = _day(query.until, "until", "2026-11-30") if query.until else today
    first = _day(query.since, "since", "2026-11-01") if query.since else last.replace(day=1)
    if first > last:
        raise Invalid("The first day lies after the last.", found=[str(first), str(last)])
    return first, last


def _day(text: str, name: str, example: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{name} is written like {example}.", found=text) from error
    if not 2000 <= found.year < 2200:
        raise Invalid(f"{name} lies in the years 2000 to 2199.", found=text)
    return found
