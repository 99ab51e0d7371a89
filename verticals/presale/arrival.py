"""What is checked once the goods arrived: a presale that was delivered is a sale like any other."""

from __future__ import annotations

from datetime import datetime, timedelta

from aftersales.deadline import end_of_days
from aftersales.decision import Finding
from aftersales.evidence import EvidenceKind
from aftersales.quote import SELLERS
from aftersales.vertical import Facts
from verticals.presale.reasons import fault
from verticals.presale.rules import doubts, fails, lacks, passes

NO_REASON_DAYS = 7  # Consumer Rights Protection Law, art. 25
FAULT_DAYS = 15  # Rules on Repair, Replacement and Return of Certain Goods, art. 10
MOST_DAYS = 3 * 365  # the longest after-sale period the platforms know


def last_instant(facts: Facts, days: int) -> tuple[datetime, str]:
    """The first instant after ``days`` whole days from the day after signing, and the last day in time as ``2026-11-27``."""
    zone = facts.merchant.zone
    end = end_of_days(facts.order.signed_at or facts.now, days, zone)
    return end, str((end - timedelta(seconds=1)).astimezone(zone).date())


def arrived(facts: Facts) -> Finding:
    """Does the buyer have the goods? Before, the money is asked for without a return."""
    if facts.order.is_signed:
        return passes("arrived", "arrived.signed")
    return fails("arrived", "arrived.not_signed" if facts.order.is_shipped else "arrived.not_shipped")


def return_window(facts: Facts) -> Finding:
    """Is it inside the no-reason window, or, for a fault, inside the days in which a person still looks?"""
    if facts.order.signed_at is None:
        return doubts("return_window", "window.unknown") if facts.order.is_signed else passes("return_window", "window.not_begun")
    days = min(max(NO_REASON_DAYS, facts.merchant.window_days), MOST_DAYS)
    end, last_day = last_instant(facts, days)
    if facts.applied_at < end:
        return passes("return_window", "window.open", days=days, last_day=last_day)
    late, fault_day = last_instant(facts, max(days, FAULT_DAYS))
    if facts.applied_at < late and (not facts.reason or fault(facts) in SELLERS):
        return doubts("return_window", "window.faults_only", days=days, last_day=last_day, fault_day=fault_day)
    return fails("return_window", "window.over", days=days, last_day=last_day)


def claim_window(facts: Facts) -> Finding:
    """Is the damage told within the days in which a person looks at it?"""
    if facts.order.signed_at is None:
        return doubts("claim_window", "window.unknown") if facts.order.is_signed else passes("claim_window", "window.not_begun")
    days = min(max(FAULT_DAYS, facts.merchant.window_days), MOST_DAYS)
    end, last_day = last_instant(facts, days)
    if facts.applied_at < end:
        return passes("claim_window", "claim.in_time", days=days, last_day=last_day)
    return fails("claim_window", "claim.over", days=days, last_day=last_day)


def fault_shown(facts: Facts) -> Finding:
    """Is there a photo or video of the fault, where the seller is to answer for it?"""
    if fault(facts) not in SELLERS:
        return passes("fault_shown", "fault.no_photo_needed")
    if any(e.usable and e.kind in (EvidenceKind.PHOTO, EvidenceKind.VIDEO) for e in facts.evidence):
        return passes("fault_shown", "fault.photo_given")
    return lacks("fault_shown", "fault.photo_missing")


def claim_by_person(facts: Facts) -> Finding:
    """Who judges damage? Always a person: no model here has learnt what is normal for every kind of goods."""
    return doubts("claim_by_person", "claim.person", photos=sum(e.usable for e in facts.evidence))
