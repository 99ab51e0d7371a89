"""Returns: the parcel is sent, arrives, is inspected, and the goods get a disposition; then the money follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from aftersales.case import Event, Fault
from aftersales.change import Change, Plain
from aftersales.decision import Decision, Finding, Outcome, Verdict
from aftersales.errors import Conflict, Invalid
from aftersales.evidence import EvidenceState
from aftersales.failure import Failure
from aftersales.goods import Disposition
from aftersales.parcel import Parcel, ParcelEvent, ParcelState, advance_parcel
from aftersales.query import CaseFile, OrderFile
from aftersales.registry import Registry
from aftersales.rules import VERSION
from functions import arrival, guard, restock, ruling
from functions.body_goods import InspectionBody
from functions.context import Context
from functions.payout import facts_of, follow, offer_of, timeouts
from functions.reply import CaseView
from functions.view import stored
from functions.words import APART

#: The reason under which a trade is asked whether unsealed goods can go back.
OPENED = "opened"


def inspect(ctx: Context, case_id: str, body: InspectionBody) -> CaseView:
    """What the shop found: accepted with a disposition, and the refund begins; or refused with a note for the buyer."""
    file, parcel = with_parcel(ctx, case_id)
    ctx.unchanged(file.case.version)
    if body.accepted is None:
        raise Invalid("An inspection accepts, refuses, or counts line by line.", todo="Send accepted, or lines.")
    if body.accepted and body.disposition is None:
        raise Invalid("Accepted goods get a disposition.", expected=[str(d) for d in Disposition])
    if body.accepted and body.opened:
        raise Invalid("Goods are either accepted or refused because their seal is broken.", todo="Send one of the two.")
    if not body.accepted and not body.opened and not body.note.strip():
        raise Invalid("A refusal says what was found.", todo="Send a note.")
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    event = ParcelEvent.ACCEPTED if body.accepted else ParcelEvent.REFUSED
    moved = advance_parcel(opened(parcel, ctx.now), event, ctx.now)
    moved = replace(moved, disposition=body.disposition if body.accepted else None, note=body.note)
    moved = replace(moved, photos=photos(file, body.evidence))
    seal = unsealed(ctx, file, order) if body.opened else None
    change = inspected(ctx.registry, file, moved, order, ctx.caller.name, ctx.now, seal)
    return stored_with(ctx, file, change)


def opened(parcel: Parcel, now: datetime) -> Parcel:
    """The parcel on the bench, where it may be already. Raises IllegalTransition for one that was inspected."""
    return parcel if parcel.state is ParcelState.INSPECTING else advance_parcel(parcel, ParcelEvent.OPENED, now)


def photos(file: CaseFile, named: Iterable[str]) -> tuple[str, ...]:
    """The shop's evidence of this case that an inspection names. Raises Invalid for what is none, or is not handed in yet."""
    handed_in = {e.evidence_id for e in file.evidence if e.role is not None and e.state is not EvidenceState.AWAITING_UPLOAD}
    found = tuple(dict.fromkeys(named))
    strange = [one for one in found if one not in handed_in]
    if strange:
        todo = "Add the photos to this case and hand them in first."
        raise Invalid(
            "An inspection names the shop's own evidence of this case.", todo=todo, expected=sorted(handed_in), found=strange
        )
    return found


def unsealed(ctx: Context, file: CaseFile, order: OrderFile) -> Finding:
    """What the trade says against taking these goods back unsealed.

    Raises Conflict where it says nothing: opening goods to look at them ends no return, and a fault has to be answered for.
    """
    case, offer = file.case, offer_of(ctx.registry, file.case)
    facts = replace(facts_of(ctx.registry, file, order, ctx.now), reason=OPENED)
    vertical = ctx.registry.vertical(case.vertical)
    known = vertical.failures
    against = (f for f in guard.findings(vertical, offer.when, facts) if f.verdict is Verdict.FAIL)
    found = next((f for f in against if known.get(f.reason) is Failure.OPENED_GOODS), None)
    if found is None or case.fault is not Fault.BUYER:
        raise Conflict(
            "A broken seal is no reason to refuse these goods.",
            todo="Accept them, or refuse them without it and say what else you found.",
            fault=str(case.fault),
        )
    return found


def inspected(
    registry: Registry,
    file: CaseFile,
    parcel: Parcel,
    order: OrderFile,
    by: str,
    now: datetime,
    seal: Finding | None = None,
    told: Mapping[str, Plain] | None = None,
) -> Change:
    """The change that an inspected parcel brings: the refund reserved and stock to be told, or the case rejected, its pieces free.

    A refusal is the decision that stands, with ``seal``, the check that an unsealed product, or a count, failed. ``told`` goes on
    record with the step.
    """
    accepted, case = parcel.state is ParcelState.ACCEPTED, file.case
    data = {**({"reason": seal.reason} if seal else {}), **(told or {})}
    parcel = restock.noted(registry, file, parcel, now, silent=by == "system") if accepted else parcel
    refusal = None if accepted else _refusal(case.decision, str(data.get("reason") or ""), parcel.note, seal, by)
    data |= {"rule": refusal.rule} if refusal else {}
    data = {"disposition": parcel.disposition, "note": parcel.note, **data}
    change, limits = Change(case, parcel=parcel), timeouts(registry, case)
    if refusal is not None:
        change = change.decided(refusal, Event.GOODS_REFUSED, by, now, limits, **data)
    else:
        change = change.then(Event.GOODS_ACCEPTED, by, now, limits, **data)
    return arrival.settled(registry, file, follow(registry, change, order, by, now), now)


def _refusal(before: Decision | None, found: str, note: str, seal: Finding | None, by: str) -> Decision:
    """The decision that goods were refused, with what the rules had said of the case beside it."""
    reason, rule = APART.join(part for part in (found, note) if part), seal.check if seal else "person"
    return ruling.overruled(before, Decision(Outcome.REJECT, rule, reason, (seal,) if seal else (), by, VERSION))


def with_parcel(ctx: Context, case_id: str) -> tuple[CaseFile, Parcel]:
    """The case and the parcel that brings its goods back. Raises Conflict where none does."""
    file = ctx.case(case_id)
    if file.parcel is None:
        raise Conflict("No goods come back in this case.", state=file.case.state)
    return file, file.parcel


def stored_with(ctx: Context, file: CaseFile, change: Change) -> CaseView:
    """Store the change of a case and its parcel; gives the case as it is then."""
    assert change.case is not None
    after = replace(
        file, case=change.case, parcel=change.parcel, trail=change.trail or file.trail, refunds=(*file.refunds, *change.refunds)
    )
    return ctx.commit(change, stored(ctx, after))
