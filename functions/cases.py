"""Cases: a draft is opened, edited, handed in, withdrawn, reopened; and read."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from aftersales.case import TIMEOUTS, Case, Event, Item, Kind, State
from aftersales.change import Change, Step
from aftersales.deadline import Deadline
from aftersales.errors import Conflict, IncompleteEvidence, Invalid, NotOffered
from aftersales.evidence import missing
from aftersales.failure import Failure
from aftersales.money import Money
from aftersales.order import Order
from aftersales.parcel import ParcelEvent, advance_parcel
from aftersales.query import CaseFile, NoticesOf, OfBuyer, OrderFile, StepsOf
from aftersales.vertical import Facts, Offer, Quote, Rule, Vertical
from functions import asked, guard, pledges, price, promise, proofs, ruling, terms
from functions import evidence as evidences
from functions.body import CaseBody, CasePatch, ItemBody
from functions.context import Context
from functions.judgement import judge
from functions.orders import why_not
from functions.payout import facts_of, follow, timeouts
from functions.reply import CasePage, CaseView, NoticePage, NoticeView, TimelineView
from functions.view import case_view, needs, row, stored, timeline

#: The value of a line's data that says how many smaller units a piece holds.
UNIT_HOLDS = "unit_holds"
MOST_CASES = 200  # they lie beside the order and are read with it


def open_case(ctx: Context, body: CaseBody) -> CaseView:
    """Open a draft; with ``submit`` hand it in at once, all in one transaction.

    Raises NotOffered with every reason why, Invalid for an unknown reason or an amount above what these pieces are worth.
    """
    order = ctx.order(body.order_id)
    change = begun(ctx, order, body, uuid4().hex)
    assert change.case is not None
    if body.submit:
        change = handed_in(ctx, change, CaseFile(change.case), order, ctx.registry.vertical(change.case.vertical))
    assert change.case is not None
    return ctx.commit(change, stored(ctx, CaseFile(change.case, change.evidence, change.parcel, change.refunds)))


def begun(ctx: Context, order: OrderFile, body: CaseBody, case_id: str) -> Change:
    """The change that opens the draft."""
    if len(order.cases) >= MOST_CASES:
        raise Conflict(
            f"An order takes {MOST_CASES} cases, drafts included.", todo="Go on with one of them.", found=len(order.cases)
        )
    vertical = _trade(ctx, order.order, body.items)
    items = tuple(pieces_of(order.order, i) for i in body.items)
    case = Case(
        case_id=case_id,
        merchant=order.order.merchant,
        order_id=body.order_id,
        buyer_id=order.order.buyer.id,
        kind=body.kind,
        vertical=vertical.name,
        vertical_version=vertical.version,
        reason=body.reason,
        items=items,
        amount=Money(0, order.order.currency),
        state=State.DRAFT,
        opened_at=ctx.now,
        updated_at=ctx.now,
        note=body.note,
        freight=body.freight,
        asked=Money(body.asked_minor, order.order.currency) if body.asked_minor else None,
        tier=order.order.buyer.tier,
        rank=ctx.registry.merchant(order.order.merchant).rank(order.order.buyer.tier),
        category=next((order.order.line(i.line_id).category for i in items), ""),
        locale=order.order.buyer.locale,
    )
    length, cause = timeouts(ctx.registry, case).get(State.DRAFT, (TIMEOUTS[State.DRAFT], "default"))
    case = replace(case, deadline=Deadline.after(ctx.now, length, cause))
    case = priced(ctx, order, vertical, case, body.wanted)
    agreed = terms.frozen(vertical, case, (order.order.line(i.line_id) for i in items), ctx.registry.merchant(case.merchant))
    told = {"order_id": case.order_id, "kind": case.kind, "amount_minor": case.amount.minor, **agreed}
    return Change.opened(case, ctx.caller.name, ctx.now, **told)


def edit(ctx: Context, case_id: str, body: CasePatch) -> CaseView:
    """Change a draft. ``If-Match`` names the version that was read; another one is a conflict and nothing is lost."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    case = file.case
    items = tuple(pieces_of(order.order, i) for i in body.items) if body.items is not None else case.items
    case = replace(
        case,
        items=items,
        category=next((order.order.line(i.line_id).category for i in items), ""),
        reason=case.reason if body.reason is None else body.reason,
        freight=case.freight if body.freight is None else body.freight,
        note=case.note if body.note is None else body.note,
        asked=case.asked if body.asked_minor is None else Money(body.asked_minor, case.amount.currency),
    )
    case = priced(ctx, order, ctx.registry.vertical(case.vertical), case, body.wanted)
    change = Change(case).then(Event.EDITED, ctx.caller.name, ctx.now, amount_minor=case.amount.minor)
    assert change.case is not None
    return ctx.commit(change, stored(ctx, replace(file, case=change.case)))


def submit(ctx: Context, case_id: str) -> CaseView:
    """Hand the case in: its pieces are held, its evidence is fixed, and it is judged or sent to verification.

    Raises IncompleteEvidence listing what is missing, PiecesTaken when another case was faster, NotOffered when time ran out.
    """
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    vertical = ctx.registry.vertical(file.case.vertical)
    change = handed_in(ctx, Change(file.case), file, order, vertical)
    assert change.case is not None
    known = {e.evidence_id: e for e in (*file.evidence, *change.evidence)}
    after = CaseFile(change.case, tuple(known.values()), change.parcel or file.parcel, (*file.refunds, *change.refunds))
    return ctx.commit(change, stored(ctx, after))


def handed_in(ctx: Context, change: Change, file: CaseFile, order: OrderFile, vertical: Vertical) -> Change:
    """The change with its case submitted and moved on as far as what is known allows."""
    assert change.case is not None
    fixed = evidences.fixed(ctx, file.evidence)
    offer = _offer(vertical, change.case.kind)
    _complete(ctx, vertical, offer, replace(file, evidence=fixed))
    held = any(h.case_id == change.case.case_id for h in order.ledger.holds)
    case = change.case if held else priced(ctx, order, vertical, change.case)  # what it is worth now, not when it was drafted
    case = ruling.marked(ctx.registry, asked.begun(case), ctx.now)
    change = replace(change, case=case).then(Event.SUBMITTED, ctx.caller.name, ctx.now, timeouts(ctx.registry, case))
    if not held:
        ledger, items = order.ledger.hold(case.case_id, case.items, case.freight_minor)
        order = replace(order, ledger=ledger)
        change = replace(change, ledger=ledger).with_case(items=items)
    fresh = (*(e for e in fixed if e not in file.evidence), *proofs.of_order(order, replace(file, case=case)))
    change = replace(change, evidence=fresh).with_case(has_files=case.has_files or bool(fresh))
    if evidences.awaits_look(fixed) or asked.left(ctx.registry, case):
        change = change.then(Event.VERIFICATION_STARTED, "system", ctx.now, timeouts(ctx.registry, case), pieces=len(fixed))
    else:
        change = judge(ctx.registry, change, replace(file, evidence=fixed), order, ctx.now)
    return pledges.promised(ctx.registry, change, ctx.now)


def withdraw(ctx: Context, case_id: str) -> CaseView:
    """The buyer takes the case back. Not once goods are on their way or money is: then it runs its course."""
    file = ctx.case(case_id)
    if file.parcel and file.parcel.sent_at:
        raise Conflict("The goods are on their way back already.", todo="Wait for the inspection.", state=file.parcel.state)
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    change = Change(file.case).then(Event.WITHDRAWN, ctx.caller.name, ctx.now)
    if file.parcel:
        change = replace(change, parcel=advance_parcel(file.parcel, ParcelEvent.CANCELLED, ctx.now))
    change = follow(ctx.registry, change, order, ctx.caller.name, ctx.now)
    assert change.case is not None
    return ctx.commit(change, stored(ctx, replace(file, case=change.case, parcel=change.parcel or file.parcel)))


def reopen(ctx: Context, case_id: str) -> CaseView:
    """A case that lapsed while evidence was awaited goes on, as long as its kind is still offered. Its pieces are held again."""
    file = ctx.case(case_id)
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    vertical = ctx.registry.vertical(file.case.vertical)
    change = Change(file.case).then(Event.REOPENED, ctx.caller.name, ctx.now, timeouts(ctx.registry, file.case))
    # The window counts from now, not from the first application, and so does what the pieces are worth.
    today = replace(file.case, submitted_at=None, items=tuple(replace(i, units=()) for i in file.case.items))
    today = priced(ctx, order, vertical, today)
    ledger, items = order.ledger.hold(case_id, today.items, today.freight_minor)
    change = replace(change, ledger=ledger).with_case(
        items=items,
        amount=today.amount,
        tax_minor=today.tax_minor,
        freight_minor=today.freight_minor,
        fee_minor=today.fee_minor,
        beyond_minor=today.beyond_minor,
        promise=today.promise,
        reopened=file.case.reopened + 1,
    )
    assert change.case is not None
    return ctx.commit(change, stored(ctx, replace(file, case=change.case)))


def get(ctx: Context, case_id: str) -> CaseView:
    """A case with everything its reader may see."""
    return case_view(ctx, ctx.case(case_id))


def history(ctx: Context, case_id: str) -> TimelineView:
    """The timeline of a case."""
    file = ctx.case(case_id)
    steps: list[Step] = []
    cursor = None
    while True:
        page = ctx.registry.store.find(StepsOf(case_id), cursor, 100)
        steps += page.found
        cursor = page.cursor
        if cursor is None:
            return timeline(ctx, file, tuple(steps))


def mine(ctx: Context, cursor: str | None = None, limit: int = 50) -> CasePage:
    """The caller's own cases, newest first."""
    page = ctx.registry.store.find(OfBuyer(ctx.caller.merchant, ctx.caller.sub), cursor, limit)
    return CasePage(cases=[row(c) for c in page.found], cursor=page.cursor)


def told(ctx: Context, cursor: str | None = None, limit: int = 50) -> NoticePage:
    """The caller's own notices, newest first."""
    page = ctx.registry.store.find(NoticesOf(ctx.caller.merchant, ctx.caller.sub), cursor, limit)
    views = [NoticeView(key=n.key, case_id=n.case_id, order_id=n.order_id, text=n.text, at=n.at) for n in page.found]
    return NoticePage(notices=views, cursor=page.cursor)


# --- what is asked for ------------------------------------------------------------------------------------------------
def priced(ctx: Context, order: OrderFile, vertical: Vertical, case: Case, wanted: str | None = None) -> Case:
    """The case with its amount, fault and promise. Raises NotOffered, or Invalid when more is asked than it is worth.

    ``wanted`` is the sku that an exchange shall give; None: as the case says.
    """
    offer = _offer(vertical, case.kind)
    known = case.promise.wanted.sku if case.promise and case.promise.wanted else ""
    case = promise.made(case, offer, _facts(ctx, order, case), known if wanted is None else wanted)
    facts = _facts(ctx, order, case)
    case = promise.priced(case, facts)
    _offered(ctx, vertical, offer, facts)
    reason = offer.reason(case.reason)
    if reason is None:
        raise Invalid(f"{case.reason} is no reason for this.", expected=[r.code for r in offer.reasons], found=case.reason)
    worth: Quote = guard.quote(vertical, offer, replace(facts, asked=None))
    if case.asked is not None and case.asked > worth.amount:
        raise Invalid(
            f"{case.asked} is more than these pieces are worth.",
            expected=f"at most {worth.amount.minor}",
            found=case.asked.minor,
            failure=Failure.CAP,
        )
    if not worth.amount and any(facts.value) and case.promise is None:
        _offered(ctx, vertical, offer, facts, offer.rules)  # which of them says why it is worth nothing
        if not any(line.part for line in facts.lines):  # a part may be worth nothing until the others come back
            raise Invalid("This share of the pieces is worth less than the smallest coin.", todo="Ask for a larger share.", found=0)
    quote = guard.quote(vertical, offer, facts)
    return replace(price.by(case, quote, reason.fault, facts.merchant.fee_permille), pieces_stay=reason.pieces_stay)


def pieces_of(order: Order, body: ItemBody) -> Item:
    """What is asked about one line. Raises Invalid for units of pieces that hold none, or more bad ones than there are."""
    if body.bad is None:
        return Item(body.line_id, body.pieces, body.share_percent)
    holds = order.line(body.line_id).data.get(UNIT_HOLDS)
    if type(holds) is not int or holds < 1:
        where = f"items.{body.line_id}"
        raise Invalid("A piece of this line holds no smaller units.", todo="Say it with share_percent.", where=where)
    of = holds * body.pieces
    if body.bad > of:
        raise Invalid("More is bad than there is.", where=f"items.{body.line_id}.bad", expected=f"at most {of}", found=body.bad)
    return Item(body.line_id, body.pieces, bad=body.bad, of=of)


def _trade(ctx: Context, order: Order, items: list[ItemBody]) -> Vertical:
    ids = [i.line_id for i in items]
    if len(set(ids)) != len(ids):
        raise Invalid("A line is named once.", found=ids)
    names = {order.line(i).vertical for i in ids} or {order.lines[0].vertical}
    if len(names) > 1:
        raise Invalid("One case is about goods of one trade.", todo="Open a case for each.", found=sorted(names))
    return ctx.registry.vertical(names.pop())


def _offer(vertical: Vertical, kind: Kind) -> Offer:
    offer = vertical.offer(kind)
    if offer is None:
        raise NotOffered(
            f"{vertical.name} offers no {kind}.", todo="Ask the order's options.", reasons=[{"code": "kind_not_offered"}]
        )
    return offer


def _facts(ctx: Context, order: OrderFile, case: Case) -> Facts:
    if not case.items and not case.freight:
        raise Invalid("A case is about some pieces, or about the freight.", todo="Name items, or set freight.")
    for item in case.items:
        if not item.units:
            order.ledger.pick(item)  # raises PiecesTaken
    return facts_of(ctx.registry, CaseFile(case), order, ctx.now)


def _offered(ctx: Context, vertical: Vertical, offer: Offer, facts: Facts, rules: tuple[Rule, ...] | None = None) -> None:
    """Raise NotOffered, with every reason, where one of the rules (of the offer's ``when``) speaks against it."""
    reasons = why_not(ctx, vertical, offer.when if rules is None else rules, facts)
    if reasons:
        known = next(({"failure": r.failure.code} for r in reasons if r.failure), {})
        raise NotOffered(
            "; ".join(r.text for r in reasons),
            todo="Ask the order's options for what is possible.",
            reasons=[{"code": r.code, "text": r.text} for r in reasons],
            **known,
        )


def _complete(ctx: Context, vertical: Vertical, offer: Offer, file: CaseFile) -> None:
    lacking = missing(offer.required(file.case.reason), file.evidence)
    if lacking:
        raise IncompleteEvidence(
            "; ".join(n.text for n in needs(ctx, vertical, lacking)),
            todo="Add the evidence, upload its file, then submit again.",
            missing=[{"kinds": [str(k) for k in r.kinds], "at_least": r.at_least} for r in lacking],
        )
