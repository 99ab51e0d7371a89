"""Apart: the pieces that did not come with a parcel, as a case of their own. It is refused with what was found, and open to appeal.

Its id is made of the case that they were in, and their pieces are held for it until it is there: opened twice it is one case, and
no piece is free, or in two cases, in between.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from aftersales.case import Case, Event, State
from aftersales.change import Change, Plain
from aftersales.decision import Decision, Finding, Outcome, Source, Verdict
from aftersales.goods import Apart, Count, lack_of, sums
from aftersales.money import Money
from aftersales.parcel import Parcel, ParcelState
from aftersales.query import CaseFile, OrderFile, StepsOf
from aftersales.registry import Registry
from aftersales.rules import VERSION
from functions import guard, price, ruling
from functions.context import by_system, commit
from functions.payout import COUNTED, facts_of, follow, offer_of, timeouts
from functions.words import APART

#: The check that the carrier's scales speak for the buyer, and which part of the whole weight a lack has to be to show on them.
WEIGHED, SHOWS_PERCENT = "goods.weight", 10


def id_of(case_id: str) -> str:
    """The id of the case about the pieces that did not come: a pure function of the one that they were in."""
    return hashlib.sha256(f"{case_id}:apart".encode()).hexdigest()[:32]


def finding(counts: tuple[Count, ...]) -> Finding:
    """What was counted, by a person, as a check that says how many pieces came and how many did not."""
    data = tuple(sorted(sums(counts).items()))
    return Finding(COUNTED, Verdict.FAIL, f"goods.{lack_of(counts)}", Source.PERSON, data=data)


def weighed(file: CaseFile, order: OrderFile, counts: tuple[Count, ...]) -> Finding | None:
    """That the carrier weighed as much as all the pieces weigh, where a lack would have shown; None where it says nothing.

    A parcel in which other goods travelled, too, tells nothing of these.
    """
    trail, each = file.trail, {c.line_id: order.order.line(c.line_id).weight_g for c in counts}
    if trail is None or trail.lead or not all(each.values()):
        return None
    whole = sum((each[c.line_id] or 0) * c.pieces for c in counts)
    lack = sum((each[c.line_id] or 0) * c.missing for c in counts)
    heaviest = max((scan.weight_g or 0 for scan in trail.scans), default=0)
    if not whole <= heaviest <= 2 * whole or lack * 100 < whole * SHOWS_PERCENT:
        return None
    return Finding(WEIGHED, Verdict.UNSURE, "goods.weighed", data=(("weighed_g", heaviest), ("whole_g", whole)))


def reasons_of(lacking: Finding, scales: Finding | None) -> tuple[str, ...]:
    """How the parcel falls short; what speaks for the buyer; and that other goods in it go back to their owner."""
    back = ("goods.goes_back",) if dict(lacking.data)["wrong"] else ()
    return (lacking.reason, *((scales.reason,) if scales else ()), *back)


def opened(registry: Registry, case_id: str) -> bool:
    """Open the case about the pieces that did not come; False where there are none, or it is there.

    Raises StaleVersion for who shall read again.
    """
    file = registry.store.case(case_id)
    other = file.parcel.apart if file and file.parcel else None
    if file is None or file.parcel is None or other is None or registry.store.case(other.case_id) is not None:
        return False
    now = registry.clock.now()
    order = by_system(registry).order_of(file.case.merchant, file.case.order_id)
    commit(registry, _refused(registry, file, _case(registry, file, other, order, now), other, order, now))
    return True


# --- inside -----------------------------------------------------------------------------------------------------------
def _case(registry: Registry, file: CaseFile, other: Apart, order: OrderFile, now: datetime) -> Case:
    """The draft of it, at what the trade says its pieces are worth; all they were paid where it cannot say."""
    was = file.case
    case = Case(
        case_id=other.case_id,
        merchant=was.merchant,
        order_id=was.order_id,
        buyer_id=was.buyer_id,
        kind=was.kind,
        vertical=was.vertical,
        vertical_version=was.vertical_version,
        reason=was.reason,
        items=other.items,
        amount=Money(0, was.amount.currency),
        state=State.DRAFT,
        opened_at=now,
        updated_at=now,
        note=was.note,
        asked=other.asked,
        fault=was.fault,
        tier=was.tier,
        rank=was.rank,
        category=order.order.line(other.items[0].line_id).category,
        locale=was.locale,
        submitted_at=was.submitted_at,
        pieces_stay=was.pieces_stay,
        lookups=tuple(replace(x, held=False) for x in was.lookups),
        apart_of=was.case_id,
        rules=was.rules,
    )
    quote = guard.quote(registry.vertical(case.vertical), offer_of(registry, case), facts_of(registry, CaseFile(case), order, now))
    return price.by(case, quote, case.fault, registry.merchant(case.merchant).fee_permille)


def _refused(registry: Registry, file: CaseFile, case: Case, other: Apart, order: OrderFile, now: datetime) -> Change:
    """The change that opens it, hands it in and refuses it, with the parcel's part of it; its pieces are free from then on."""
    assert file.parcel is not None
    counts = tuple(replace(c, sound=0, flawed=0, quarantine=0, scrap=0) for c in file.parcel.counts if c.apart)
    lacking, scales = finding(file.parcel.counts), weighed(file, order, file.parcel.counts)
    reason = APART.join((*reasons_of(lacking, scales), "goods.appeal"))
    findings = (lacking, scales) if scales else (lacking,)
    whole = APART.join((reason, file.parcel.note)) if file.parcel.note else reason
    change = Change.opened(
        case, other.by, now, **_agreed(registry, file), amount_minor=case.amount.minor, apart_of=file.case.case_id
    )
    change = change.then(Event.SUBMITTED, "system", now, timeouts(registry, case))
    version = file.case.decision.rules_version if file.case.decision else VERSION
    refusal = ruling.overruled(None, Decision(Outcome.REJECT, COUNTED, whole, findings, other.by, version))
    told: dict[str, Plain] = {"rule": COUNTED, "reason": whole, **sums(file.parcel.counts)}
    change = change.decided(refusal, Event.REJECTED, other.by, now, timeouts(registry, case), **told)
    parcel = Parcel(
        other.case_id,
        ParcelState.REFUSED,
        None,
        carrier=file.parcel.carrier,
        number=file.parcel.number,
        sent_at=file.parcel.sent_at,
        delivered_at=file.parcel.delivered_at,
        note=file.parcel.note,
        counts=counts,
        photos=file.parcel.photos,
    )
    return follow(registry, replace(change, parcel=parcel), order, other.by, now)


def _agreed(registry: Registry, file: CaseFile) -> dict[str, Plain]:
    """The terms under which the case was opened that the pieces were in: they hold for this one."""
    first = registry.store.find(StepsOf(file.case.case_id), None, 1).found
    return {name: value for name, value in first[0].data.items() if name != "amount_minor"} if first else {}
