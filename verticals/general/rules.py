"""What is checked for ordinary goods: one question each. Every number's law and source is in the README beside this file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from aftersales.case import Fault
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.evidence import EvidenceKind
from aftersales.order import Line, OrderStatus
from aftersales.quote import SELLERS, completes, freight_due
from aftersales.vertical import Facts, Reason

MOST_KEPT = 900  # of a thousand: a return that gives nearly nothing back is none, whatever the term says
NO_REASON_DAYS = 7  # Consumer Rights Protection Law, art. 25
FAULT_DAYS = 15  # Rules on Repair, Replacement and Return of Certain Goods, art. 10
MOST_DAYS = 3 * 365  # the longest after-sale period the platforms know; a longer promise is read as this
LONG_SHIPPED = timedelta(days=7)  # seed rule RV-2

#: Measures, art. 6 and 7 (3): no no-reason return, opened or not. They count only with ``terms.no_return`` confirmed by the buyer.
NEVER_BACK = frozenset({"custom_made", "digital", "periodical", "near_expiry", "declared_flawed"})
#: Measures, art. 7 (1) and (2): no no-reason return once opened, activated or tried.
NOT_ONCE_OPENED = frozenset({"food", "health", "cosmetics", "underwear", "medical", "software", "activated_electronics"})

#: The price fell (see ``price``). The goods stay and are worth less now: they can be asked about again.
PRICE_DROPPED = "price_dropped"
PRICE_REASON = Reason(PRICE_DROPPED, Fault.NONE, requires=(), pieces_stay=True)

REFUND_REASONS = (
    Reason("changed_mind", Fault.BUYER),
    Reason("wrong_order", Fault.BUYER),
    Reason("late_shipping", Fault.SELLER),
    Reason("out_of_stock", Fault.SELLER),
    Reason("not_received", Fault.CARRIER),
    Reason("freight_overcharged", Fault.SELLER),
    PRICE_REASON,
)
FAULTY = (
    Reason("faulty", Fault.SELLER),
    Reason("not_as_described", Fault.SELLER),
    Reason("wrong_goods", Fault.SELLER),
    Reason("damaged", Fault.CARRIER),
)
RETURN_REASONS = (Reason("no_reason", Fault.BUYER), Reason("opened", Fault.BUYER), *FAULTY)
CLAIM_REASONS = (*FAULTY, Reason("pieces_missing", Fault.SELLER), PRICE_REASON)

FAULTS = {reason.code: reason.fault for reason in (*REFUND_REASONS, *RETURN_REASONS, *CLAIM_REASONS)}

Datum = str | int | float | bool


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"general.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, fails, lacks, doubts = (_says(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.MISSING, Verdict.UNSURE))


def fault(facts: Facts) -> Fault:
    """Who answers for the reason; nobody while none is given."""
    return FAULTS.get(facts.reason, Fault.NONE)


def freight_alone(facts: Facts) -> bool:
    """Whether no goods are asked about, only the freight (仅退运费)."""
    return facts.freight and not facts.items


def promised_days(line: Line) -> int:
    """The no-reason days the buyer confirmed for this line, 0 where the terms name none."""
    days = line.terms.get("window_days")
    return days if type(days) is int else 0


def last_instant(facts: Facts, days: int) -> tuple[datetime, str]:
    """The first instant after ``days`` whole days from the day after signing, and the last day in time as ``2026-11-27``."""
    return days_after(facts, facts.order.signed_at or facts.now, days)


def days_after(facts: Facts, start_at: datetime, days: int) -> tuple[datetime, str]:
    """The same, from the day after ``start_at``."""
    zone = facts.merchant.zone
    end = end_of_days(start_at, days, zone)
    return end, str((end - timedelta(seconds=1)).astimezone(zone).date())


def kept_permille(line: Line) -> int:
    """What the buyer agreed, when ordering, that the shop keeps back from opened goods; 0 where nothing was agreed."""
    share = line.terms.get("opened_keeps_permille")
    return share if type(share) is int and 0 < share <= MOST_KEPT else 0


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
    """Is the money asked for before the parcel was signed for? On its way a person has to stop it first."""
    if freight_alone(facts):
        return passes("not_signed", "pieces.freight_alone")
    if facts.reason == PRICE_DROPPED and not facts.order.is_signed:
        return passes("not_signed", "price.parcel_goes_on")
    signed_at = facts.order.signed_at
    if facts.order.is_signed and (signed_at is None or signed_at <= facts.applied_at):
        return fails("not_signed", "refund_only.signed")
    if facts.order.is_shipped:
        return doubts("not_signed", "refund_only.on_its_way")
    return passes("not_signed", "refund_only.not_shipped")


def arrived(facts: Facts) -> Finding:
    """Does the buyer have the goods? Long after shipping we believe so even when nobody told us."""
    if facts.order.is_signed:
        return passes("arrived", "arrived.signed")
    if not facts.order.is_shipped:
        return fails("arrived", "arrived.not_shipped")
    if shipped_long_ago(facts).verdict is Verdict.UNSURE:
        return passes("arrived", "arrived.long_on_its_way")
    return fails("arrived", "arrived.not_signed")


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


def no_return(facts: Facts) -> Finding:
    """Did the buyer confirm "no no-reason return" at order time, for goods where the law allows it?"""
    agreed = {line.category for line in facts.lines if line.terms.get("no_return") is True}
    never, opened = agreed & NEVER_BACK, agreed & NOT_ONCE_OPENED
    if not never and not opened:
        return passes("no_return", "no_return.void" if agreed else "no_return.none")
    if facts.reason == "opened" and not never and all(kept_permille(line) for line in facts.lines if line.category in opened):
        return passes("no_return", "no_return.opened_agreed", percent=max(kept_permille(line) for line in facts.lines) / 10)
    if facts.reason == "opened" or (facts.reason == "no_reason" and never):
        return fails("no_return", "no_return.agreed" if never else "no_return.opened")
    return passes("no_return", "no_return.unopened" if facts.reason == "no_reason" else "no_return.faults_only")


def claim_window(facts: Facts) -> Finding:
    """Is the damage told within the days in which a person looks at it?"""
    if facts.order.signed_at is None:
        return doubts("claim_window", "window.unknown") if facts.order.is_signed else passes("claim_window", "window.not_begun")
    days = min(max(FAULT_DAYS, facts.merchant.window_days), MOST_DAYS)
    end, last_day = last_instant(facts, days)
    if facts.applied_at < end:
        return passes("claim_window", "claim.in_time", days=days, last_day=last_day)
    return fails("claim_window", "claim.over", days=days, last_day=last_day)


# --- judged once it is handed in --------------------------------------------------------------------------------------
def shipped_long_ago(facts: Facts) -> Finding:
    """Was it shipped more than seven days before? Then a person looks at the return (RV-2)."""
    shipped_at = facts.order.shipped_at
    if shipped_at is not None and facts.applied_at - shipped_at > LONG_SHIPPED:
        return doubts("shipped_long_ago", "return.shipped_long_ago", days=LONG_SHIPPED.days)
    return passes("shipped_long_ago", "return.shipped_lately")


def fault_shown(facts: Facts) -> Finding:
    """Is there a photo or video of the fault, where the seller is to answer for it?"""
    if fault(facts) not in SELLERS:
        return passes("fault_shown", "return.no_photo_needed")
    if any(e.usable and e.kind in (EvidenceKind.PHOTO, EvidenceKind.VIDEO) for e in facts.evidence):
        return passes("fault_shown", "return.photo_given")
    return lacks("fault_shown", "return.photo_missing")


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
    """Who judges damage to ordinary goods? Always a person: no model here has learnt what is normal for them."""
    if facts.reason == PRICE_DROPPED:
        return passes("claim_by_person", "price.by_figures")
    return doubts("claim_by_person", "claim.person", photos=sum(e.usable for e in facts.evidence))
