"""Desk: what waits for the shop's people: a page of it, how much of it there is, and with whom."""

from __future__ import annotations

from collections import Counter, defaultdict

from aftersales.case import QUEUED, WAITS, State
from aftersales.errors import Invalid
from aftersales.query import CountsOf, OfMerchant
from aftersales.queue import NOBODY
from functions import claims
from functions.body_queue import ME, CaseQuery
from functions.context import Context
from functions.reply import CasePage
from functions.reply_queue import BucketView, CountsView, LoadView, WorkloadView
from functions.trace import orders_of
from functions.view import shop_row


def listed(ctx: Context, query: CaseQuery, cursor: str | None = None, limit: int = 50) -> CasePage:
    """The merchant's open cases, most urgent first; or all cases of one order, or of one phone's orders.

    A page may hold fewer than ``limit``; ``cursor`` says whether there are more.
    """
    store = ctx.registry.store
    if query.order or query.phone:
        ids = [query.order] if query.order else orders_of(ctx, query.phone or "")
        files = [store.case(case_id) for order_id in ids if order_id for case_id in ctx.order(order_id).cases]
        return CasePage(cases=[shop_row(f.case) for f in files if f], cursor=None)
    page = store.find(asked(ctx, query), cursor, limit)
    return CasePage(cases=[shop_row(c) for c in page.found], cursor=page.cursor)


def asked(ctx: Context, query: CaseQuery) -> OfMerchant:
    """What a store is asked for that. Raises Invalid for a state that there is none of."""
    somebodys = query.clerk not in ("", NOBODY)
    state = query.state or ("" if somebodys else str(State.REVIEWING))
    if state and state not in set(State):
        raise Invalid(f"{state} is no state of a case.", expected=[str(s) for s in State], found=state)
    return OfMerchant(
        ctx.caller.merchant,
        state,
        kind=query.kind or "",
        vertical=query.vertical,
        category=query.category,
        evidence=query.evidence or "",
        lane=query.lane or "",
        clerk=ctx.caller.sub if query.clerk == ME else query.clerk,
        min_minor=query.min_minor,
        max_minor=query.max_minor,
        late=query.late,
        claims_since=claims.since(ctx.registry, ctx.caller.merchant, ctx.now),
    )


def counts(ctx: Context) -> CountsView:
    """How many open cases there are, by state and by what a list can be narrowed to; no case is looked at for it."""
    sums = _sums(ctx)
    return CountsView(states={str(state): _bucket(sums, state) for state in sorted(QUEUED)})


def workload(ctx: Context) -> WorkloadView:
    """How many cases each of the shop's people has claimed."""
    sums = _sums(ctx)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for state in WAITS:
        for clerk, number in _bucket(sums, state).clerk.items():
            found[clerk][str(state)] = number
    loads = [LoadView(clerk=clerk, open=states.total(), states=dict(sorted(states.items()))) for clerk, states in found.items()]
    open_ = sum(max(sums.get(str(state), 0), 0) for state in WAITS)
    loads.sort(key=lambda load: (-load.open, load.clerk))
    return WorkloadView(clerks=loads, unclaimed=max(open_ - sum(load.open for load in loads), 0))


def _sums(ctx: Context) -> dict[str, int]:
    return dict(ctx.registry.store.find(CountsOf(ctx.caller.merchant)).found[0].sums)


def _bucket(sums: dict[str, int], state: State) -> BucketView:
    """What is counted of one state; ``{state}/{facet}/{value}`` is one bucket, and the value may hold anything."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, number in sums.items():
        of, _, facet = name.partition("/")
        facet, _, value = facet.partition("/")
        if of == state and number > 0:
            found[facet][value] = number
    facets = {name: dict(sorted(found[name].items())) for name in ("kind", "vertical", "evidence", "lane", "clerk")}
    return BucketView(total=found[""].get("", 0), late=found["late"].get("", 0), **facets)
