"""Orders: the snapshot a mall pushes, the facts that follow, and what a buyer may ask for."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from aftersales.caller import Role
from aftersales.case import Item
from aftersales.change import Change, Notice
from aftersales.decision import Verdict
from aftersales.errors import Conflict, Forbidden, Invalid, OrderFrozen
from aftersales.fact import OrderFact
from aftersales.failure import Failure
from aftersales.ledger import Ledger
from aftersales.order import Line, Order, OrderStatus, Shipment
from aftersales.query import OrderFile
from aftersales.registry import Registry
from aftersales.text import text
from aftersales.vertical import Facts, Offer, Rule, Vertical
from functions import failures, growth, guard, left_out, oneclick, parts, told, watch, words
from functions.body import FactBody, OrderBody
from functions.context import Context, commit
from functions.gate import limits_of
from functions.notices import of_signing
from functions.reply import Choice, CostView, LineMoney, LineOptions, OfferView, OptionsView, OrderView, Why
from functions.view import failure_view, needs

#: The instant a fact sets, where it sets one.
INSTANT = {OrderStatus.PAID: "paid_at", OrderStatus.SHIPPED: "shipped_at", OrderStatus.SIGNED: "signed_at"}


def put(ctx: Context, order_id: str, body: OrderBody) -> OrderView:
    """Store the snapshot, its money allocated to the minor unit.

    The same snapshot can be pushed again, late too: it takes back no fact that was told since. Once a case or refund exists, its
    money, its buyer and what was agreed about its lines cannot be rewritten (OrderFrozen); it grows until money went back
    (:mod:`functions.growth`).
    """
    if body.order_id != order_id:
        raise Invalid("The order id in the path and in the body differ.", expected=order_id, found=body.order_id)
    if body.merchant != ctx.caller.merchant:
        raise Forbidden("This token pushes orders of another merchant.", expected=ctx.caller.merchant, found=body.merchant)
    order, fresh = body.order(), Ledger.open(body.order())
    _known(order, ctx.registry.verticals, ctx.registry.channels)
    left_out.refuse(ctx.registry, order)
    parts.check_trades(ctx.registry, order)
    told.check_lines(ctx.registry, order)
    _refundable(order, ctx.registry)
    known = ctx.registry.store.order(order.merchant, order_id)
    if known is None:
        file = watch.watched(ctx.registry, OrderFile(order, fresh), ctx.now)
        ctx.registry.store.commit(Change(order=file.order, ledger=fresh))
        return _view(replace(file, order=replace(order, version=1)))
    ledger = fresh.after(known.ledger)
    if order.buyer.id != known.order.buyer.id and known.cases:
        raise OrderFrozen("This order has after-sales cases; it cannot become another buyer's.", todo="Push the buyer as it was.")
    growth.agreed(known, order)
    order = watch.watched(ctx.registry, OrderFile(_since(order, known.order), ledger, known.cases), ctx.now).order
    change = Change(order=order) if ledger == known.ledger else growth.of(ctx.registry, known, order, ledger, ctx.now)
    if change.ledger or order != known.order:
        commit(ctx.registry, change)
        order = replace(order, version=order.version + 1)
    return _view(OrderFile(order, change.ledger or ledger, known.cases))


def add_fact(ctx: Context, order_id: str, body: FactBody) -> OrderView:
    """Record that the order was shipped, signed for, finished or cancelled, or what else its trades understand.

    A state is told once; another time for it is refused.
    """
    file = ctx.order(order_id)
    if body.at > ctx.now:
        raise Invalid("A fact lies in the past.", expected=f"at most {ctx.now.isoformat()}", found=body.at.isoformat())
    if body.fact not in set(OrderStatus):
        fact = OrderFact(body.fact, body.at, body.line_id, "", body.data)
        return _told(ctx, file, told.with_fact(ctx.registry, file.order, fact))
    status = OrderStatus(body.fact)
    name = INSTANT.get(status)
    known = getattr(file.order, name) if name else None
    if known is not None and known != body.at:
        raise Conflict(
            f"This order was {status} at {known.isoformat()} already.", expected=known.isoformat(), found=body.at.isoformat()
        )
    order = replace(file.order, status=max(file.order.status, status, key=list(OrderStatus).index))
    if name:
        order = replace(order, **{name: body.at})  # type: ignore[arg-type]  # the three names of INSTANT are instants
    if body.shipment:
        order = replace(order, shipment=Shipment(body.shipment.carrier, body.shipment.number))
    first = status is OrderStatus.SIGNED and known is None
    return _told(ctx, file, order, of_signing(ctx.registry, order) if first else ())


def _told(ctx: Context, file: OrderFile, order: Order, notices: tuple[Notice, ...] = ()) -> OrderView:
    order = watch.watched(ctx.registry, replace(file, order=order), ctx.now).order
    view = _view(replace(file, order=replace(order, version=order.version + 1)))
    return ctx.commit(Change(order=order, notices=notices), view)


def get(ctx: Context, order_id: str) -> OrderView:
    """An order with its money and cases; what carriers cost the shop is for the shop to read."""
    view = _view(ctx.order(order_id))
    return msgspec.structs.replace(view, pickups=[]) if ctx.caller.role is Role.BUYER else view


def options(ctx: Context, order_id: str) -> OptionsView:
    """What a buyer may ask for, per line, and why not the rest.

    Each kind comes with its reasons, the evidence it needs, the most that can be refunded and its rules as text.
    """
    file = ctx.order(order_id)
    return OptionsView(
        order_id=order_id,
        currency=file.order.currency,
        refundable_minor=max(0, file.ledger.refundable.minor),
        freight_minor=file.ledger.freight_left,
        lines=[_line(ctx, file, line) for line in file.order.lines],
    )


def why_not(ctx: Context, vertical: Vertical, rules: tuple[Rule, ...], facts: Facts) -> list[Why]:
    """What each rule says that speaks against it, in words; nothing when none does."""
    failed = [f for f in guard.findings(vertical, rules, facts) if f.verdict is Verdict.FAIL]
    return [
        Why(
            code=f.check,
            text=vertical.text(f.reason, ctx.locale, **dict(f.data)),
            failure=failure_view(failures.of_findings(vertical, (f,), ctx.locale, ctx.audience)),
        )
        for f in failed
    ]


def _since(order: Order, known: Order) -> Order:
    """The snapshot with what is known beyond it: a state comes after another, and an instant is corrected but not forgotten."""
    return replace(
        order,
        version=known.version,
        status=max(known.status, order.status, key=list(OrderStatus).index),
        paid_at=order.paid_at or known.paid_at,
        shipped_at=order.shipped_at or known.shipped_at,
        signed_at=order.signed_at or known.signed_at,
        shipment=order.shipment or known.shipment,
        ship_to=order.ship_to or known.ship_to,
        facts=known.facts,
        watch_at=known.watch_at,
    )


def _known(order: Order, verticals: tuple[str, ...], channels: tuple[str, ...]) -> None:
    """Raise Invalid for a trade or payment channel that is not switched on: its cases could not be judged, its refunds not sent."""
    for line in order.lines:
        if not set(line.vertical.split(":")) <= set(verticals):
            raise Invalid("This trade is not active.", where=f"lines.{line.line_id}", expected=list(verticals), found=line.vertical)
    for paid in order.payments:
        if paid.channel not in channels:
            raise Invalid(
                "No refund channel is switched on for this payment.",
                where=f"payments.{paid.payment_id}",
                expected=list(channels),
                found=paid.channel,
            )


def _refundable(order: Order, registry: Registry) -> None:
    """Raise Invalid for a payment in a currency that its channel cannot send back: it would show only when a buyer waits for it."""
    for paid in order.payments:
        currencies = limits_of(registry, paid.channel).currencies
        if currencies and order.currency not in currencies:
            raise Invalid(
                f"The channel {paid.channel} cannot refund {order.currency}.",
                todo="Push the order in the currency that was paid, or switch on a channel that refunds it.",
                where=f"payments.{paid.payment_id}",
                expected=sorted(currencies),
                found=order.currency,
            )


def _line(ctx: Context, file: OrderFile, line: Line) -> LineOptions:
    vertical = ctx.registry.vertical(line.vertical)
    free = sum(stop - start for start, stop in file.ledger.free_units(line.line_id))
    offers = [_offer(ctx, file, vertical, offer, line, free) for offer in vertical.offers]
    return LineOptions(
        line_id=line.line_id,
        title=line.title,
        vertical=vertical.name,
        pieces_free=free,
        agreed=words.of_terms(vertical, line, ctx.locale),
        offers=offers,
    )


def _offer(ctx: Context, file: OrderFile, vertical: Vertical, offer: Offer, line: Line, free: int) -> OfferView:
    items, merchant = (Item(line.line_id, free),) if free else (), ctx.registry.merchant(file.order.merchant)
    facts = Facts(file.order, file.ledger, merchant, offer.kind, items, ctx.now)
    cap = failure_view(failures.worded(Failure.CAP, ctx.locale, ctx.audience))
    taken = Why(code="pieces_taken", text=text("functions", "why.pieces_taken", ctx.locale), failure=cap)
    reasons = why_not(ctx, vertical, offer.when, facts) if free else [taken]
    offered = not reasons
    most = guard.quote(vertical, offer, facts).amount.minor if offered else 0
    return OfferView(
        kind=offer.kind,
        offered=offered,
        why_not=reasons,
        reasons=[Choice(code=r.code, text=vertical.text(f"reason.{r.code}", ctx.locale), fault=r.fault) for r in offer.reasons],
        evidence=needs(ctx, vertical, offer.requires),
        max_minor=most,
        goods_back=offer.goods_back,
        remedy=offer.remedy,
        rules=words.of_rules(vertical, offer.kind, ctx.locale, facts.merchant),
        one_click=oneclick.offered(ctx.registry, vertical, offer, facts, ctx.locale) if offered else None,
    )


def _view(file: OrderFile) -> OrderView:
    ledger = file.ledger
    lines = [
        LineMoney(
            line_id=line.line_id,
            goods_minor=line.goods_of(((0, line.pieces),)),
            tax_minor=line.tax_of(((0, line.pieces),)),
            pieces=line.pieces,
            pieces_free=sum(stop - start for start, stop in ledger.free_units(line.line_id)),
        )
        for line in ledger.lines
    ]
    return OrderView(
        order_id=file.order.order_id,
        merchant=file.order.merchant,
        status=file.order.status,
        version=file.order.version,
        currency=file.order.currency,
        paid_minor=ledger.paid.minor,
        refundable_minor=max(0, ledger.refundable.minor),  # more may have left than came in
        freight_minor=ledger.freight_minor,
        lines=lines,
        cases=list(file.cases),
        pickups=[
            CostView(key=c.key, case_id=c.case_id, cost_minor=c.minor, currency=c.currency, kept_minor=c.kept_minor, at=c.at)
            for c in ledger.borne()
        ],
        watch_at=file.order.watch_at,
    )
