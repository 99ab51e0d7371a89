"""What is checked: one question each. A rule looks at its facts only, never raises, and is UNSURE where it cannot know.

Every number's law or policy is in the README beside this file.
"""

from datetime import timedelta

from aftersales.case import Fault
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.order import OrderStatus
from aftersales.quote import SELLERS, freight_due, quote
from aftersales.vertical import Facts, Quote, Reason

NO_REASON_DAYS = 7
FAULT_DAYS = 15

REFUND_REASONS = (Reason("changed_mind", Fault.BUYER), Reason("late_shipping", Fault.SELLER))
FAULTY = (
    Reason("faulty", Fault.SELLER),
    Reason("wrong_goods", Fault.SELLER),
    Reason("not_as_certified", Fault.SELLER),
)
RETURN_REASONS = (Reason("no_reason", Fault.BUYER), Reason("wrong_size", Fault.BUYER), *FAULTY)
CLAIM_REASONS = (*FAULTY, Reason("stone_loose", Fault.SELLER))
FAULTS = {reason.code: reason.fault for reason in (*REFUND_REASONS, *RETURN_REASONS, *CLAIM_REASONS)}


def found(check: str, verdict: Verdict, reason: str, **data: int | str) -> Finding:
    """What a check saw; its text is ``reason`` in texts.toml, filled from ``data``."""
    return Finding(f"jewelry.{check}", verdict, reason, data=tuple(sorted(data.items())))


def fault(facts: Facts) -> Fault:
    """Who answers for the reason; nobody while none is chosen."""
    return FAULTS.get(facts.reason, Fault.NONE)


# --- can it be asked for? ---------------------------------------------------------------------------------------------
def paid(facts: Facts) -> Finding:
    """Has the order been paid, and not been cancelled?"""
    if facts.order.status is OrderStatus.UNPAID:
        return found("paid", Verdict.FAIL, "order.unpaid")
    if facts.order.status is OrderStatus.CANCELLED:
        return found("paid", Verdict.UNSURE, "order.cancelled")
    return found("paid", Verdict.PASS, "order.paid")


def pieces(facts: Facts) -> Finding:
    """Are the pieces asked about still free?"""
    if not facts.items:
        return found("pieces", Verdict.FAIL, "pieces.none")
    for item in facts.items:
        free = sum(stop - start for start, stop in facts.ledger.free_units(item.line_id))
        if not item.units and not 0 < item.pieces <= free:
            return found("pieces", Verdict.FAIL, "pieces.taken", free=free)
    return found("pieces", Verdict.PASS, "pieces.free")


def not_shipped(facts: Facts) -> Finding:
    """Is everything still at the shop?"""
    shipped = facts.order.is_shipped or facts.order.is_signed
    return found("not_shipped", *((Verdict.FAIL, "shipped.yes") if shipped else (Verdict.PASS, "shipped.no")))


def arrived(facts: Facts) -> Finding:
    """Does the buyer have the goods?"""
    return found("arrived", *((Verdict.PASS, "arrived.yes") if facts.order.is_signed else (Verdict.FAIL, "arrived.no")))


def window(facts: Facts) -> Finding:
    """Is it inside the days for returns, or, for a fault, inside those in which a person still looks?"""
    if facts.order.signed_at is None:
        return found("window", Verdict.UNSURE, "window.unknown")
    zone = facts.merchant.zone
    days = min(max(NO_REASON_DAYS, facts.merchant.window_days), 365)
    end = end_of_days(facts.order.signed_at, days, zone)
    last_day = str((end - timedelta(seconds=1)).astimezone(zone).date())
    if facts.applied_at < end:
        return found("window", Verdict.PASS, "window.open", days=days, last_day=last_day)
    late = end_of_days(facts.order.signed_at, max(days, FAULT_DAYS), zone)
    if facts.applied_at < late and (not facts.reason or fault(facts) in SELLERS):
        return found("window", Verdict.UNSURE, "window.faults_only", days=days, last_day=last_day)
    return found("window", Verdict.FAIL, "window.over", days=days, last_day=last_day)


def claim_window(facts: Facts) -> Finding:
    """Is the fault told within the days in which a person looks at it?"""
    if facts.order.signed_at is None:
        return found("claim_window", Verdict.UNSURE, "window.unknown")
    end = end_of_days(facts.order.signed_at, FAULT_DAYS, facts.merchant.zone)
    last_day = str((end - timedelta(seconds=1)).astimezone(facts.merchant.zone).date())
    inside = facts.applied_at < end
    verdict, reason = (Verdict.PASS, "claim.in_time") if inside else (Verdict.FAIL, "claim.over")
    return found("claim_window", verdict, reason, days=FAULT_DAYS, last_day=last_day)


def amount(facts: Facts) -> Quote:
    """What was paid for the pieces at their share, and the freight where it is due."""
    freight = freight_due(facts, fault(facts))
    return quote(facts, "amount.with_freight" if freight else "amount.pieces", freight=freight)
