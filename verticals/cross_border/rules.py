"""What is checked for goods from abroad: one question each. Every number's law and source is in the README beside this file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from aftersales.case import Fault, Kind
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.evidence import EvidenceKind
from aftersales.money import Money
from aftersales.order import Line, OrderStatus
from aftersales.quote import SELLERS, completes, freight_due, picked
from aftersales.vertical import Facts
from verticals.cross_border.duty import last_days
from verticals.cross_border.levy import Days, buyer_bears, days_of, levied, tax_kept
from verticals.cross_border.regime import bears, regime_of
from verticals.cross_border.standing import clearance, released_on

MOST_DAYS = 3 * 365  # the longest after-sale period the platforms know; a longer promise is read as this
LONG_SHIPPED = timedelta(days=30)  # our own: parcels from abroad take weeks; after a month silence is no sign of being on its way

Datum = str | int | float | bool


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"cross_border.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, fails, lacks, doubts = (_says(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.MISSING, Verdict.UNSURE))


def fault(facts: Facts) -> Fault:
    """Who answers: the seller for a parcel that customs did not let in, unless the buyer agreed to bear that reason's freight."""
    said = bears(facts)
    agreed = said.failed_freight == "terms" and any(x.terms.get("freight_failed") == "buyer" for x in facts.lines)
    if facts.kind is Kind.REFUND_ONLY and clearance(facts) == "failed":
        return Fault.BUYER if agreed else Fault.SELLER
    return said.fault


def freight_alone(facts: Facts) -> bool:
    """Whether no goods are asked about, only the freight (仅退运费)."""
    return facts.freight and not facts.items


def freight_back(facts: Facts) -> bool:
    """Whether the freight comes back: by fault, and under some laws with the last of the goods whatever the reason."""
    if facts.lines and all(regime_of(line).freight_with_all for line in facts.lines) and completes(facts):
        return True
    return freight_due(facts, fault(facts))


def last_instant(facts: Facts, days: int) -> tuple[datetime, str]:
    """The first instant after ``days`` whole days from the day after signing, and the last day in time as ``2026-11-27``."""
    zone = facts.merchant.zone
    end = end_of_days(facts.order.signed_at or facts.now, days, zone)
    return end, str((end - timedelta(seconds=1)).astimezone(zone).date())


def _days(facts: Facts, name: str) -> int:
    """The fewest days of that name that the law of any line gives; 0 without lines."""
    return min((int(getattr(regime_of(line), name)) for line in facts.lines), default=0)


def _promised(line: Line) -> int:
    days = line.terms.get("window_days")
    return days if type(days) is int else 0


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


def not_delivered(facts: Facts) -> Finding:
    """Is the money asked for before the parcel was signed for? One that customs did not let in never comes."""
    if freight_alone(facts):
        return passes("not_delivered", "pieces.freight_alone")
    signed_at = facts.order.signed_at
    if facts.order.is_signed and (signed_at is None or signed_at <= facts.applied_at):
        return fails("not_delivered", "refund_only.signed")
    if clearance(facts) == "failed":
        return passes("not_delivered", "clearance.failed")
    if facts.order.is_shipped:
        return doubts("not_delivered", "refund_only.on_its_way")
    return passes("not_delivered", "refund_only.not_shipped")


def arrived(facts: Facts) -> Finding:
    """Does the buyer have the goods? A month after shipping a person asks, even when nobody told us."""
    if facts.order.is_signed:
        return passes("arrived", "arrived.signed")
    if not facts.order.is_shipped:
        return fails("arrived", "arrived.not_shipped")
    shipped_at = facts.order.shipped_at
    if shipped_at is not None and facts.applied_at - shipped_at > LONG_SHIPPED:
        return doubts("arrived", "arrived.long_on_its_way", days=LONG_SHIPPED.days)
    return fails("arrived", "arrived.not_signed")


def return_window(facts: Facts) -> Finding:
    """Is it inside the no-reason window of the law it was sold under, or, for a fault, while a person still looks?"""
    if facts.order.signed_at is None:
        return doubts("return_window", "window.unknown") if facts.order.is_signed else passes("return_window", "window.not_begun")
    own = min((_promised(line) for line in facts.lines), default=0)
    days = min(max(_days(facts, "no_reason_days"), facts.merchant.window_days, own), MOST_DAYS)
    end, last_day = last_instant(facts, days)
    if facts.applied_at < end:
        return passes("return_window", "window.open", days=days, last_day=last_day)
    late, fault_day = last_instant(facts, max(days, _days(facts, "fault_days")))
    if facts.applied_at < late and (not facts.reason or bears(facts).fault in SELLERS):
        return doubts("return_window", "window.faults_only", days=days, last_day=last_day, fault_day=fault_day)
    return fails("return_window", "window.over", days=days, last_day=last_day)


def no_return(facts: Facts) -> Finding:
    """Did the buyer confirm "no no-reason return" at order time, for goods where the law of the line allows it?"""
    agreed = [line for line in facts.lines if line.terms.get("no_return") is True]
    never = [line for line in agreed if line.category in regime_of(line).never_back]
    opened = [line for line in agreed if line.category in regime_of(line).not_once_opened]
    if not never and not opened:
        return passes("no_return", "no_return.void" if agreed else "no_return.none")
    if facts.reason == "opened" or (facts.reason == "no_reason" and never):
        return fails("no_return", "no_return.agreed" if never else "no_return.opened")
    return passes("no_return", "no_return.unopened" if facts.reason == "no_reason" else "no_return.faults_only")


def claim_window(facts: Facts) -> Finding:
    """Is the damage told within the days in which a person looks at it?"""
    if facts.order.signed_at is None:
        return doubts("claim_window", "window.unknown") if facts.order.is_signed else passes("claim_window", "window.not_begun")
    days = min(max(_days(facts, "fault_days"), facts.merchant.window_days), MOST_DAYS)
    end, last_day = last_instant(facts, days)
    if facts.applied_at < end:
        return passes("claim_window", "claim.in_time", days=days, last_day=last_day)
    return fails("claim_window", "claim.over", days=days, last_day=last_day)


# --- judged once it is handed in --------------------------------------------------------------------------------------
def cleared(facts: Facts) -> Finding:
    """What does customs say? Only a clear word lets money go by itself."""
    status = clearance(facts)
    if freight_alone(facts):
        return passes("cleared", "pieces.freight_alone")
    if status is None:
        return doubts("cleared", "clearance.no_word")
    if status in ("waiting", "error"):
        return doubts("cleared", f"clearance.{status}")
    if facts.reason in ("clearance_failed", "details_wrong") and status != "failed":
        return (fails if status == "released" else doubts)("cleared", f"clearance.not_failed_{status}")
    return passes("cleared", f"clearance.{status}")


def customs_days(facts: Facts) -> Finding:
    """Does customs take its taxes back? Released is day 0; day 30 to apply and day 45 to be back are in time."""
    found = {line.line_id: days_of(facts, line) for line in facts.lines}
    if Days.UNKNOWN in found.values():
        return doubts("customs_days", "days.unknown")
    late = [facts.order.line(i) for i, days in found.items() if days in (Days.LATE, Days.REFUSED)]
    if not late:
        return _in_time(facts, set(found.values()))
    borne = [line for line in late if buyer_bears(facts, line)]
    if not borne:
        return passes("customs_days", "days.late_merchant")
    if any(levied(facts, line) is None for line in borne):
        return doubts("customs_days", "days.tax_unknown")
    return passes("customs_days", "days.late_buyer", tax=str(Money(tax_kept(facts, picked(facts)), facts.order.currency)))


def _in_time(facts: Facts, found: set[Days]) -> Finding:
    if Days.CONFIRMED in found:
        return passes("customs_days", "days.confirmed")
    released = min((day for line in facts.lines if (day := released_on(facts, line))), default=None)
    if Days.IN_TIME not in found or released is None:
        return passes("customs_days", "days.not_levied")
    apply_by, arrive_by = last_days(released)
    return passes("customs_days", "days.in_time", apply_by=str(apply_by), arrive_by=str(arrive_by))


def fault_shown(facts: Facts) -> Finding:
    """Is there a photo or video of the fault, where the seller is to answer for it?"""
    if bears(facts).fault not in SELLERS:
        return passes("fault_shown", "return.no_photo_needed")
    shown = any(e.usable and e.kind in (EvidenceKind.PHOTO, EvidenceKind.VIDEO) for e in facts.evidence)
    return passes("fault_shown", "return.photo_given") if shown else lacks("fault_shown", "return.photo_missing")


def freight(facts: Facts) -> Finding:
    """Is freight asked for, and is it due?"""
    if not facts.freight:
        return passes("freight", "freight.not_asked")
    if freight_back(facts):
        return passes("freight", "freight.included") if completes(facts) else doubts("freight", "freight.person")
    if freight_alone(facts) and facts.reason:
        return fails("freight", "freight.not_due_alone")
    return passes("freight", "freight.not_due")


def claim_by_person(facts: Facts) -> Finding:
    """Who judges damage? Always a person: no model here has learnt what is normal for these goods."""
    return doubts("claim_by_person", "claim.person", photos=sum(e.usable for e in facts.evidence))
