"""Goods: an inspection that counts line by line. What came is paid for; what did not come becomes a case of its own.

::

    counted ─┬─ every piece came ──► accepted, each where it goes                          (:mod:`functions.returns`)
             ├─ none came ──► refused, with what was found; the buyer may appeal
             ├─ some came, money is given ──► these are paid for at once; the others' pieces are held for another case,
             │                                 which is opened, refused, with what was found ──► free again, or appealed
             └─ some came, a thing is given ──► a second person; silence decides nothing

The other case is named by the one that it came from, so that it is opened once: by who inspected, else by the schedule.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from aftersales.case import Case, Event
from aftersales.change import Change, Plain
from aftersales.decision import Decision, Finding, Outcome
from aftersales.errors import Conflict, Invalid
from aftersales.goods import Apart, Count, lack_of, parted, split, sums
from aftersales.money import Money
from aftersales.parcel import Parcel, ParcelEvent, advance_parcel
from aftersales.query import CaseFile, Due, OrderFile
from aftersales.registry import Registry
from aftersales.rules import VERSION
from functions import apart, arrival, guard, price, restock, returns, ruling
from functions.body_goods import InspectionBody
from functions.context import Context, again, by_system
from functions.payout import COUNTED, facts_of, offer_of, timeouts
from functions.reply import CaseView
from functions.words import APART

log = logging.getLogger(__name__)

Told = dict[str, Plain]


def inspect(ctx: Context, case_id: str, body: InspectionBody) -> CaseView:
    """What the shop found: of the whole parcel, or line by line. Raises Invalid for counts that do not fit the case."""
    if body.lines is None:
        return returns.inspect(ctx, case_id, body)
    file, parcel = returns.with_parcel(ctx, case_id)
    ctx.unchanged(file.case.version)
    counts = _counted(file.case, body)
    moved = replace(returns.opened(parcel, ctx.now), counts=counts, photos=returns.photos(file, body.evidence), note=body.note)
    change = _found(ctx, file, moved, ctx.order_of(file.case.merchant, file.case.order_id))
    view = returns.stored_with(ctx, file, change)
    if change.parcel is not None and change.parcel.apart is not None:
        try:
            again(lambda: apart.opened(ctx.registry, case_id))
        except Exception:  # whatever it is: the inspection is stored, and the schedule opens it
            log.exception("the pieces of case %s that did not come have no case yet", case_id)
    return view


def due(registry: Registry, waiting: Due, now: datetime) -> bool:
    """The schedule's look at accepted goods: their other case is opened, and stock is told."""
    apart.opened(registry, waiting.case_id)
    file = registry.store.case(waiting.case_id)
    if file is None or file.parcel is None or file.parcel.deadline is None or not file.parcel.deadline.passed(now):
        return False
    order = by_system(registry).order_of(file.case.merchant, file.case.order_id)
    return restock.tell(registry, file, order.order, now)


# --- what is found ------------------------------------------------------------------------------------------------------
def _counted(case: Case, body: InspectionBody) -> tuple[Count, ...]:
    """The counts, in the order of the case's items. Raises Invalid for any that do not fit."""
    assert body.lines is not None
    counts, wanted = {c.line_id: c.count() for c in body.lines}, {i.line_id: i.pieces for i in case.items}
    if len(counts) != len(body.lines):
        raise Invalid("A line is counted once.", found=[c.line_id for c in body.lines])
    if counts.keys() != wanted.keys():
        raise Invalid("Every line of the case is counted, and no other.", expected=sorted(wanted), found=sorted(counts))
    for line_id, count in counts.items():
        if count.pieces != wanted[line_id]:
            where = f"lines.{line_id}"
            raise Invalid("The counts add up to the pieces of the case.", where=where, expected=wanted[line_id], found=count.pieces)
    if body.disposition is not None or body.opened:
        raise Invalid("Counted goods have their dispositions in the counts.", todo="Leave disposition and opened out.")
    found = tuple(counts[i.line_id] for i in case.items)
    if body.accepted is not None and body.accepted != any(c.came for c in found):
        todo = "Leave accepted out; refuse goods that came without lines."
        raise Invalid("What came is accepted, and what did not come is not.", todo=todo, found=body.accepted)
    if lack_of(found) and not body.note.strip():
        raise Invalid("A count that lacks pieces says how they were found.", todo="Send a note.")
    return found


def _found(ctx: Context, file: CaseFile, parcel: Parcel, order: OrderFile) -> Change:
    """The change that this count brings."""
    counts, by, now = parcel.counts, ctx.caller.name, ctx.now
    if lack_of(counts) is None:
        accepted = advance_parcel(parcel, ParcelEvent.ACCEPTED, now)
        return returns.inspected(ctx.registry, file, accepted, order, by, now, told=_told(parcel))
    lacking, scales = apart.finding(counts), apart.weighed(file, order, counts)
    reasons = apart.reasons_of(lacking, scales)
    told: Told = {**_told(parcel), **sums(counts)}
    if scales:
        file = replace(file, case=_with(file.case, scales))
    if not any(c.came for c in counts):
        refused = advance_parcel(parcel, ParcelEvent.REFUSED, now)
        told["reason"] = APART.join((*reasons, "goods.appeal"))
        return returns.inspected(ctx.registry, file, refused, order, by, now, lacking, told=told)
    if file.case.promise is not None:
        return _doubted(ctx, file, parcel, lacking, {**told, "reason": APART.join(reasons)})
    return _short(ctx, file, parcel, order, lacking, {**told, "reason": APART.join((*reasons, "goods.in_part"))})


def _short(ctx: Context, file: CaseFile, parcel: Parcel, order: OrderFile, lacking: Finding, told: Told) -> Change:
    """What came is paid for, at the trade's own price for it; the other pieces are held for the case that they will be."""
    case, registry, by = file.case, ctx.registry, ctx.caller.name
    came, others = parted(case.items, parcel.counts)
    other = Apart(apart.id_of(case.case_id), others, by)
    ledger = split(order.ledger, case.case_id, other.case_id, others)
    if case.asked is not None:
        weights = [sum(sum(order.ledger.worth(i.line_id, i.units)) for i in part) for part in (came, others)]
        mine, rest = case.asked.split(weights) if any(weights) else (case.asked, case.asked - case.asked)
        other = replace(other, asked=rest)
        case = replace(case, asked=mine)
    order = replace(order, ledger=ledger)
    case = _priced(registry, file, replace(case, items=came), order, ctx.now)
    case = _with(case, lacking)
    moved = replace(advance_parcel(parcel, ParcelEvent.ACCEPTED, ctx.now), apart=other)
    told = {**told, "amount_minor": case.amount.minor, "apart": other.case_id}
    change = returns.inspected(registry, replace(file, case=case), moved, order, by, ctx.now, told=told)
    return change if change.ledger is not None else replace(change, ledger=ledger)


def _priced(registry: Registry, file: CaseFile, case: Case, order: OrderFile, now: datetime) -> Case:
    """The case at what the trade says its pieces are worth, and never more than was agreed for all of them. Raises Conflict."""
    whole, vertical, offer = file.case.amount, registry.vertical(case.vertical), offer_of(registry, case)
    fee_permille = registry.merchant(case.merchant).fee_permille if file.case.fee_minor else 0

    def at(asked: Money | None) -> Case:
        quote = guard.quote(vertical, offer, facts_of(registry, replace(file, case=replace(case, asked=asked)), order, now))
        if not guard.knows(vertical, quote):
            raise Conflict("Nobody can say what a part of these goods is worth.", todo="Count them again once the trade answers.")
        return price.by(case, quote, case.fault, fee_permille)

    priced = at(case.asked)
    return priced if priced.amount <= whole else replace(at(whole), asked=whole)


def _doubted(ctx: Context, file: CaseFile, parcel: Parcel, lacking: Finding, told: Told) -> Change:
    """A thing is given for all pieces or for none: a second person decides, and silence does not."""
    case, by = file.case, ctx.caller.name
    reason = APART.join(part for part in (str(told["reason"]), parcel.note) if part)
    decision = ruling.overruled(case.decision, Decision(Outcome.PERSON, COUNTED, reason, (lacking,), by, VERSION))
    change = Change(replace(case, approvals=()), parcel=replace(parcel, deadline=None))
    told["note"], limits = parcel.note, timeouts(ctx.registry, case)
    change = change.decided(decision, Event.SECOND_PERSON_ASKED, by, ctx.now, limits, rule=COUNTED, **told)
    return arrival.settled(ctx.registry, file, change, ctx.now)


def _with(case: Case, found: Finding) -> Case:
    """The case with one more finding beside those that its decision rests on."""
    return replace(case, decision=ruling.with_finding(case.decision, found)) if case.decision else case


def _told(parcel: Parcel) -> Told:
    """What every inspection puts on record beside its counts."""
    return {"evidence": ", ".join(parcel.photos)} if parcel.photos else {}
