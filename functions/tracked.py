"""Tracked: what a carrier's word about a parcel changes: its trail, the check list, the parcel, and what its case has on record.

A word only adds: told twice, late or out of order the trail is the same, and nothing happens again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales import genuine, waybill
from aftersales.case import Case, Event
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.decision import Finding, Verdict
from aftersales.errors import AftersalesError
from aftersales.genuine import Returned
from aftersales.order import Order
from aftersales.parcel import Parcel, ParcelEvent, ParcelState, advance_parcel
from aftersales.place import Place, place_of
from aftersales.query import CaseFile
from aftersales.registry import Registry
from aftersales.tracking import CARRIED, Found, Party, Passage, Scan, Trace, Trail
from functions import holiday, number, pace, silence
from functions.payout import parcel_timeouts

S, E, P = ParcelState, ParcelEvent, Passage

#: How long a carrier may know nothing of a number before it counts as one that does not exist. Who tells by itself gives a
#: number up, or names the company that really has it, after those three days: that is waited for.
YOUNG, TOLD = timedelta(days=3), timedelta(days=1)

#: What speaks against a number in whose place another one is wanted.
_RENUMBERED = frozenset({"parcel.exists.never", "parcel.exists.not_found", "parcel.exists.cancelled", "parcel.course.turned_back"})

#: Scans after which goods are with whoever sent them, or on the way there.
BACK = frozenset({P.REJECTED, P.RETURNING, P.RETURNED, P.CANCELLED})


def heard(registry: Registry, file: CaseFile, trace: Trace, asked_as: Party | None, now: datetime) -> Change:
    """The change that a carrier's word brings; without a case where it is none to the case."""
    before = file.trail
    assert before is not None
    trail = _by_phone(registry, before, _proved(before.told(trace, now), trace, asked_as))
    trail = replace(trail, deadline=pace.next_look(registry, trail, now) if silence.is_out(file) else None)
    if file.parcel is None or not (silence.is_out(file) or silence.has_arrived(file)):
        return Change(trail=trail)
    if file.parcel.state is S.AWAITING_SHIPMENT and not _is_carried(trail):
        trail = replace(trail, deadline=pace.given_up(now))
    change = silence.over(Change(file.case, parcel=file.parcel, trail=trail), now)
    if _is_news(before, trail) or not _is_carried(trail):  # of what nobody has taken yet, time alone says more
        trail = replace(trail, checks=checks(registry, file, order_of(registry, file), trail, now))
        change = _claimed(replace(change, trail=trail), file)
        change = _pressing(_moved(registry, doubted(change, before.checks, now), file, now), before, now)
    if change.steps:
        moved = change.parcel is not None and change.parcel.state is not file.parcel.state
        change = holiday.kept(registry, change, now) if moved else change
        return change if silence.is_out(_after(file, change)) else replace(change, trail=_rests(change.trail))
    return replace(change, case=None, parcel=change.parcel if change.claims else None)


def checks(registry: Registry, file: CaseFile, order: Order, trail: Trail, now: datetime) -> tuple[Finding, ...]:
    """The check list as it stands, the verdict of all of it last."""
    parcel, shop, sent = file.parcel, registry.merchant(file.case.merchant), order.shipment
    assert parcel is not None
    found = genuine.checks(
        Returned(
            carrier=parcel.carrier,
            number=trail.number,
            now=now,
            approved_at=parcel.awaited_at,
            ship_by=parcel.ship_by,
            told_at=trail.since,
            outbound=(sent.carrier, sent.number) if sent else None,
            home=_home(file, order, trail),
            home_tail=order.buyer.phone[-4:],
            shop_tail=shop.return_phone[-4:],
            shop=place_of(shop.return_address) if shop.return_address else None,
            expected_g=expected_g(file.case, order),
            scans=trail.scans,
            found=trail.found,
            corrected=trail.carrier if trail.carrier != parcel.carrier else "",
            frozen=trail.frozen,
            over=trail.over,
            proved=trail.proved,
            denied=trail.denied,
            elsewhere=trail.elsewhere,
            declared=bool(trail.lead) and not trail.elsewhere,
            label=trail.label,
            also=shop.neighbours,
        )
    )
    return (*found, genuine.overall(found))


def _home(file: CaseFile, order: Order, trail: Trail) -> Place | None:
    """Where the parcel should begin: the city that was named for our label, else where the goods were sent to."""
    named = file.pickup.origin if trail.label and file.pickup else None
    return named if named and named.city else order.ship_to


def order_of(registry: Registry, file: CaseFile) -> Order:
    """The order of a case: one request."""
    found = registry.store.order(file.case.merchant, file.case.order_id)
    if found is None:
        raise AftersalesError("The order of this case is gone.", case_id=file.case.case_id)
    return found.order


def expected_g(case: Case, order: Order) -> int | None:
    """What the goods of a case weigh, in grams; None where that is not known of all of them."""
    lines = [(order.line(item.line_id).weight_g, item.pieces) for item in case.items]
    return sum((each or 0) * pieces for each, pieces in lines) if lines and all(each for each, _ in lines) else None


def verdict(trail: Trail | None) -> Verdict:
    """What the whole check list says: unsure while there is none."""
    return trail.checks[-1].verdict if trail and trail.checks else Verdict.UNSURE


def doubted(change: Change, before: tuple[Finding, ...], now: datetime) -> Change:
    """The change with what newly speaks against the parcel on record, unless another number is wanted, which says it all."""
    trail = change.trail
    assert trail is not None
    known = {f.check for f in before if f.verdict is Verdict.FAIL}
    wanted = _RENUMBERED if change.parcel and change.parcel.state in silence.OUT and not trail.label else frozenset()
    against = [f for f in trail.checks[:-1] if f.verdict is Verdict.FAIL and f.reason not in wanted]
    fresh = [f for f in against if f.check not in known]
    if not fresh:
        return change
    return change.then(Event.GOODS_DOUBTED, _by(trail), now, None, reason="; ".join(f.reason for f in fresh))


# --- inside -----------------------------------------------------------------------------------------------------------
def _proved(trail: Trail, trace: Trace, asked_as: Party | None) -> Trail:
    """The trail with what the answer says about the phone that was named in the question."""
    if asked_as is None or trace.found not in (Found.KNOWN, Found.OTHER_PARTY):
        return trail
    proved, denied = set(trail.proved), set(trail.denied)
    (denied if trace.found is Found.OTHER_PARTY else proved).add(asked_as)
    return replace(trail, proved=tuple(sorted(proved)), denied=tuple(sorted(denied - proved)))


def _by_phone(registry: Registry, before: Trail, trail: Trail) -> Trail:
    """The trail asked about, not waited for, where it goes with a company that tells parties only, and was told of without one."""
    if trail.carrier == before.carrier or not trail.tracer:
        return trail
    wants = registry.tracer(trail.tracer).wants_phone
    if not wants(trail.carrier) or wants(before.carrier):
        return trail
    return replace(trail, subscribed=False, asked_at=trail.asked_at or trail.heard_at)  # a second subscription changes nothing


def _is_news(before: Trail, after: Trail) -> bool:
    def what(trail: Trail) -> tuple[object, ...]:
        return trail.scans, trail.found, trail.frozen, trail.over, trail.carrier, trail.proved, trail.denied

    return what(before) != what(after) or not before.checks


def _after(file: CaseFile, change: Change) -> CaseFile:
    return replace(file, case=change.case or file.case, parcel=change.parcel, trail=change.trail)


def _rests(trail: Trail | None) -> Trail | None:
    """The trail about which nobody is asked any more."""
    return replace(trail, deadline=None) if trail else None


def _claimed(change: Change, file: CaseFile) -> Change:
    """The change with the number claimed for who really carries it, where the carrier was corrected."""
    trail, before = change.trail, file.trail
    assert trail is not None
    assert before is not None
    if trail.lead or trail.elsewhere or trail.carrier == before.carrier:
        return change
    return number.holding(change, file, waybill.claim_of(trail.carrier, trail.number))


def _moved(registry: Registry, change: Change, file: CaseFile, now: datetime) -> Change:
    """The change with the parcel where its scans say that it is."""
    trail, parcel, case, before = change.trail, change.parcel, change.case, file.trail
    assert trail is not None
    assert before is not None
    assert parcel is not None
    assert case is not None
    last, was = trail.last, before.last
    if parcel.state is S.AWAITING_SHIPMENT and _is_carried(trail):
        change = _sent(registry, change, file, now)
        assert change.parcel is not None
        parcel = change.parcel
    event = _event(parcel, trail, now)
    if last is not None and (was is None or was.state is not last.state or event is E.FOUND):
        again = {"parcel": str(S.IN_TRANSIT)} if event is E.FOUND else {}
        change = change.then(Event.GOODS_MOVED, _by(trail), now, None, **_said(last, trail), **again)
    if event is None:
        return change
    moved = advance_parcel(parcel, event, now, parcel_timeouts(registry, case))
    if event is E.NOT_FOUND:
        moved = replace(moved, carrier="", number="", sent_at=None, ship_by=None)
    data = {"carrier": trail.carrier, "number": trail.number}
    due = _due(moved)
    change = replace(change, parcel=moved)
    if event is E.FOUND:
        return change
    if event is E.NOT_FOUND:
        change = replace(change, trail=replace(trail, deadline=pace.given_up(now)))
        change = number.holding(change, file, gone=number.names_of(file))
    return change.then(WORDS[event], _by(trail), now, None, **data, due_at=due.isoformat() if due else None)


def _sent(registry: Registry, change: Change, file: CaseFile, now: datetime) -> Change:
    """The change with a parcel of our own label on its way: its carrier has the goods."""
    trail, parcel, case = change.trail, change.parcel, change.case
    assert trail is not None
    assert parcel is not None
    assert case is not None
    sent = advance_parcel(parcel, E.SENT, now, parcel_timeouts(registry, case))
    sent = replace(sent, carrier=trail.carrier, number=trail.number, sent_at=now, ship_by=_due(parcel))
    change = replace(change, parcel=sent)
    if not (trail.lead or trail.elsewhere):
        change = number.holding(change, file, waybill.claim_of(trail.carrier, trail.number))
    return change.then(Event.GOODS_SENT, _by(trail), now, None, carrier=trail.carrier, number=trail.number)


def _pressing(change: Change, before: Trail, now: datetime) -> Change:
    """The change with a person asked at once where a doubtful parcel was signed for: it lies on somebody's table by now."""
    trail, parcel = change.trail, change.parcel
    assert trail is not None

    def lies_there(each: Trail) -> bool:
        return each.last is not None and each.last.state is P.SIGNED and verdict(each) is Verdict.FAIL

    if parcel is None or parcel.state is not S.IN_TRANSIT or not lies_there(trail) or lies_there(before):
        return change
    return replace(change, parcel=replace(parcel, deadline=Deadline.after(now, timedelta(0), "doubted")))


#: What a case has on record of what happened to its parcel.
WORDS = {
    E.DELIVERED: Event.GOODS_DELIVERED,
    E.LOST: Event.GOODS_LOST,
    E.TURNED_BACK: Event.GOODS_TURNED_BACK,
    E.NOT_FOUND: Event.GOODS_NOT_FOUND,
}


def _event(parcel: Parcel, trail: Trail, now: datetime) -> ParcelEvent | None:
    """What the scans do to the parcel; None where it stays as it is."""
    last = trail.last
    if parcel.state is S.AWAITING_SHIPMENT:
        return None
    if last is None or not _is_carried(trail):
        gone = trail.found is Found.NEVER or (last is not None and last.state is P.CANCELLED)
        late = trail.found is Found.NOT_YET and now - trail.since >= YOUNG + (TOLD if trail.subscribed else timedelta(0))
        ours = trail.label  # our courier has the goods, whatever is known of the number: a person looks for them
        return E.NOT_FOUND if parcel.state is S.IN_TRANSIT and (gone or late) and not ours else None
    return _LEADS.get((parcel.state, _where(trail, last)))


#: What happens to a parcel that is in one state, and by its scans in another.
_LEADS = {
    (S.IN_TRANSIT, S.DELIVERED): E.DELIVERED,
    (S.IN_TRANSIT, S.LOST): E.LOST,
    (S.IN_TRANSIT, S.TURNED_BACK): E.TURNED_BACK,
    (S.LOST, S.IN_TRANSIT): E.FOUND,
    (S.LOST, S.DELIVERED): E.DELIVERED,
    (S.LOST, S.TURNED_BACK): E.TURNED_BACK,
    (S.TURNED_BACK, S.IN_TRANSIT): E.FOUND,
    (S.TURNED_BACK, S.DELIVERED): E.DELIVERED,
    (S.TURNED_BACK, S.LOST): E.LOST,
}


def _where(trail: Trail, last: Scan) -> ParcelState:
    """Where a parcel is that its carrier has had, by its scans alone: in whatever order they were told.

    What turned back stays so although it moves: it moves back. Signed for, with something that speaks against it, is not delivered.
    """
    if last.state is P.SIGNED and verdict(trail) is not Verdict.FAIL:
        return S.DELIVERED
    if last.state is P.LOST:
        return S.LOST
    turned = last.state in BACK or any(scan.state in (P.RETURNING, P.RETURNED) for scan in trail.scans)
    return S.TURNED_BACK if turned else S.IN_TRANSIT


def _is_carried(trail: Trail) -> bool:
    """Whether a carrier has, or had, the goods."""
    return any(scan.state in CARRIED for scan in trail.scans)


def _due(parcel: Parcel) -> datetime | None:
    return parcel.deadline.due_at if parcel.deadline else None


def _by(trail: Trail) -> str:
    return f"system:{trail.tracer}" if trail.tracer else "system"


def _said(scan: Scan, trail: Trail) -> dict[str, str]:
    return {"passage": str(scan.state), "city": scan.city, "at": scan.at.isoformat(), "number": trail.number}
