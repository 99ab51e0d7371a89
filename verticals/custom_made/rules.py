"""What is checked for goods made to order: one question each. Every number's law and source is in the README beside this file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from aftersales.case import Fault
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.evidence import EvidenceKind
from aftersales.order import Line, OrderStatus
from aftersales.quote import SELLERS, completes, freight_due
from aftersales.remedy import REPLACED
from aftersales.vertical import Facts, Reason
from verticals.custom_made.making import Stage, kept_permille, made_to_order, spec, stage_of

NO_REASON_DAYS = 7  # Consumer Rights Protection Law, art. 25
FAULT_DAYS = 15  # Rules on Repair, Replacement and Return of Certain Goods, art. 10
MOST_DAYS = 3 * 365  # the longest after-sale period the platforms know; a longer promise is read as this

CANCEL_REASONS = (
    Reason("changed_mind", Fault.BUYER),
    Reason("wrong_spec", Fault.BUYER),
    Reason("late_making", Fault.SELLER),
    Reason("cannot_make", Fault.SELLER),
    Reason("not_received", Fault.CARRIER),
    Reason("freight_overcharged", Fault.SELLER),
)
FAULTY = (
    Reason("faulty", Fault.SELLER),
    Reason("not_as_agreed", Fault.SELLER),
    Reason("wrong_goods", Fault.SELLER),
    Reason("damaged", Fault.CARRIER),
)
RETURN_REASONS = (Reason("no_reason", Fault.BUYER), *FAULTY)
REMAKE_REASONS = FAULTY
CLAIM_REASONS = (*FAULTY, Reason("pieces_missing", Fault.SELLER))

FAULTS = {reason.code: reason.fault for reason in (*CANCEL_REASONS, *RETURN_REASONS, *CLAIM_REASONS)}

Datum = str | int | float | bool


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"custom_made.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, fails, lacks, doubts = (_says(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.MISSING, Verdict.UNSURE))


def fault(facts: Facts) -> Fault:
    """Who answers for the reason; nobody while none is given."""
    return FAULTS.get(facts.reason, Fault.NONE)


def freight_alone(facts: Facts) -> bool:
    """Whether no goods are asked about, only the freight (仅退运费)."""
    return facts.freight and not facts.items


def received_at(facts: Facts) -> datetime | None:
    """When the buyer got the goods, one that was made anew counting from then; None while that is not known."""
    got = [told.at for line in facts.lines if (told := facts.order.told(REPLACED, line.line_id))]
    signed_at = facts.order.signed_at
    return min(got) if signed_at and got and len(got) == len(facts.lines) else signed_at


def last_instant(facts: Facts, days: int) -> tuple[datetime, str]:
    """The first instant after ``days`` whole days from the day after receipt, and the last day in time as ``2026-11-27``."""
    zone = facts.merchant.zone
    end = end_of_days(received_at(facts) or facts.now, days, zone)
    return end, str((end - timedelta(seconds=1)).astimezone(zone).date())


# --- can it be asked for? ---------------------------------------------------------------------------------------------
def paid(facts: Facts) -> Finding:
    """Has the order been paid, and not been cancelled?"""
    if facts.order.status is OrderStatus.UNPAID:
        return fails("paid", "order.unpaid")
    if facts.order.status is OrderStatus.CANCELLED:
        return doubts("paid", "order.cancelled")  # its money may be on its way back already
    return passes("paid", "order.paid")


def pieces(facts: Facts) -> Finding:
    """Are the pieces asked about still free?"""
    if not facts.items:
        return fails("pieces", "pieces.none")
    for item in facts.items:
        free = sum(stop - start for start, stop in facts.ledger.free_units(item.line_id))
        if not item.units and not 0 < item.pieces <= free:
            return fails("pieces", "pieces.taken", free=free)
    return passes("pieces", "pieces.free")


def pieces_or_freight(facts: Facts) -> Finding:
    """Are the pieces free, or is only the freight asked for?"""
    return passes("pieces", "pieces.freight_alone") if freight_alone(facts) else pieces(facts)


def not_signed(facts: Facts) -> Finding:
    """Is it cancelled before the parcel was signed for? On its way a person has to stop it first."""
    if freight_alone(facts):
        return passes("not_signed", "pieces.freight_alone")
    signed_at = facts.order.signed_at
    if facts.order.is_signed and (signed_at is None or signed_at <= facts.applied_at):
        return fails("not_signed", "cancel.signed")
    if facts.order.is_shipped:
        return doubts("not_signed", "cancel.on_its_way")
    return passes("not_signed", "cancel.not_shipped")


def arrived(facts: Facts) -> Finding:
    """Does the buyer have the goods?"""
    if facts.order.is_signed:
        return passes("arrived", "arrived.signed")
    return fails("arrived", "arrived.on_its_way" if facts.order.is_shipped else "arrived.not_shipped")


def return_window(facts: Facts) -> Finding:
    """Is it inside the no-reason window, or, for a fault, inside the days in which a person still looks?"""
    if facts.order.signed_at is None:
        return doubts("return_window", "window.unknown") if facts.order.is_signed else passes("return_window", "window.not_begun")
    own = min((promised_days(line) for line in facts.lines), default=0)
    days = min(max(NO_REASON_DAYS, facts.merchant.window_days, own), MOST_DAYS)
    end, last_day = last_instant(facts, days)
    if facts.applied_at < end:
        return passes("return_window", "window.open", days=days, last_day=last_day)
    late, fault_day = last_instant(facts, max(days, FAULT_DAYS))
    if facts.applied_at < late and (not facts.reason or fault(facts) in SELLERS):
        return doubts("return_window", "window.faults_only", days=days, last_day=last_day, fault_day=fault_day)
    return fails("return_window", "window.over", days=days, last_day=last_day)


def promised_days(line: Line) -> int:
    """The no-reason days the buyer confirmed for this line, 0 where the terms name none."""
    days = line.terms.get("window_days")
    return days if type(days) is int else 0


def no_return(facts: Facts) -> Finding:
    """Did the buyer confirm "no no-reason return" when ordering, for goods really made to the buyer's wishes?"""
    agreed = [line for line in facts.lines if line.terms.get("no_return") is True]
    made = [line for line in agreed if made_to_order(line)]
    if not made:
        return passes("no_return", "no_return.void" if agreed else "no_return.none")
    told = " / ".join(dict.fromkeys(spec(line) for line in made))
    if facts.reason == "no_reason":
        return fails("no_return", "no_return.agreed", spec=told)
    return passes("no_return", "no_return.faults_only", spec=told)


def fault_window(facts: Facts) -> Finding:
    """Is the fault, or the difference from what was agreed, told within the days in which a person looks at it?"""
    if facts.order.signed_at is None:
        return doubts("fault_window", "window.unknown") if facts.order.is_signed else passes("fault_window", "window.not_begun")
    days = min(max(FAULT_DAYS, facts.merchant.window_days), MOST_DAYS)
    end, last_day = last_instant(facts, days)
    if facts.applied_at < end:
        return passes("fault_window", "fault.in_time", days=days, last_day=last_day)
    return fails("fault_window", "fault.over", days=days, last_day=last_day)


def making(facts: Facts) -> Finding:
    """How far is it made, and what was agreed about cancelling then?"""
    if freight_alone(facts):
        return passes("making", "pieces.freight_alone")
    if fault(facts) in SELLERS:
        return passes("making", "making.sellers")
    stages = {stage_of(facts, line) for line in facts.lines}
    if Stage.FINISHED in stages:
        return doubts("making", "making.finished")
    if Stage.STARTED not in stages:
        return passes("making", "making.not_started")
    shares = {kept_permille(line) for line in facts.lines if stage_of(facts, line) is Stage.STARTED}
    if None in shares:
        return doubts("making", "making.nothing_agreed")
    if facts.reason and shares == {1000} and stages == {Stage.STARTED}:
        return fails("making", "making.all_kept")
    percent = " / ".join(f"{share / 10:g}" for share in sorted(s for s in shares if s is not None))
    return passes("making", "making.started", kept_percent=percent)


# --- judged once it is handed in --------------------------------------------------------------------------------------
def fault_shown(facts: Facts) -> Finding:
    """Is there a photo or video of the fault, where the seller is to answer for it?"""
    if fault(facts) not in SELLERS:
        return passes("fault_shown", "shown.not_needed")
    if any(e.usable and e.kind in (EvidenceKind.PHOTO, EvidenceKind.VIDEO) for e in facts.evidence):
        return passes("fault_shown", "shown.given")
    return lacks("fault_shown", "shown.missing")


def as_agreed(facts: Facts) -> Finding:
    """Where the goods differ from what was agreed: is it on record what that was? A person compares."""
    if facts.reason != "not_as_agreed":
        return passes("as_agreed", "agreed.not_asked")
    specs = [spec(line) for line in facts.lines]
    if specs and all(specs):
        return doubts("as_agreed", "agreed.compare", spec=" / ".join(dict.fromkeys(specs)))
    if any(e.usable and e.kind is EvidenceKind.CHAT for e in facts.evidence):
        return doubts("as_agreed", "agreed.chat")
    return lacks("as_agreed", "agreed.missing")


def freight(facts: Facts) -> Finding:
    """Is freight asked for, and is it due?"""
    if not facts.freight:
        return passes("freight", "freight.not_asked")
    if freight_due(facts, fault(facts)):
        return passes("freight", "freight.included") if completes(facts) else doubts("freight", "freight.person")
    if freight_alone(facts) and facts.reason:
        return fails("freight", "freight.not_due_alone")
    return passes("freight", "freight.not_due")


def claim_by_person(facts: Facts) -> Finding:
    """Who judges what something made once is worth with a flaw? Always a person."""
    return doubts("claim_by_person", "claim.person", photos=sum(e.usable for e in facts.evidence))
