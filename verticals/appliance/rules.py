"""What is checked for large appliances: one question each. Every number's law and source is in the README beside this file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from aftersales.case import Fault
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.order import OrderStatus
from aftersales.vertical import Facts, Reason
from verticals.appliance import guarantee

CLAIM_DAYS = 7  # damage has to be told soon after it was signed for; README
LOOKED_AT_ONCE = timedelta(hours=48)

REFUND_REASONS = (
    Reason("changed_mind", Fault.BUYER),
    Reason("wrong_order", Fault.BUYER),
    Reason("late_shipping", Fault.SELLER),
    Reason("out_of_stock", Fault.SELLER),
    Reason("not_received", Fault.CARRIER),
    Reason("freight_overcharged", Fault.SELLER),
)
FAULTY = (
    Reason("faulty", Fault.SELLER),
    Reason("not_as_described", Fault.SELLER),
    Reason("wrong_goods", Fault.SELLER),
    Reason("damaged", Fault.CARRIER),
)
TWICE = Reason("repaired_twice", Fault.SELLER)
RETURN_REASONS = (Reason("no_reason", Fault.BUYER), Reason("cannot_install", Fault.SELLER), *FAULTY, TWICE)
EXCHANGE_REASONS = (Reason("other_model", Fault.BUYER), *FAULTY, TWICE)
REPAIR_REASONS = (Reason("faulty", Fault.SELLER), Reason("main_part", Fault.SELLER))
CLAIM_REASONS = (Reason("damaged", Fault.CARRIER), Reason("pieces_missing", Fault.SELLER))
FAULTS = {r.code: r.fault for r in (*REFUND_REASONS, *RETURN_REASONS, *EXCHANGE_REASONS, *REPAIR_REASONS, *CLAIM_REASONS)}
WISHES = frozenset({"no_reason", "other_model"})  # nothing is wrong with the machine

Datum = str | int | float | bool


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"appliance.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, fails, lacks, doubts = (_says(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.MISSING, Verdict.UNSURE))


def fault(facts: Facts) -> Fault:
    """Who answers for the reason; nobody while none is given."""
    return FAULTS.get(facts.reason, Fault.NONE)


def freight_alone(facts: Facts) -> bool:
    """Whether no goods are asked about, only the freight (仅退运费)."""
    return facts.freight and not facts.items


def last_day(end: datetime, facts: Facts) -> str:
    """The last day before ``end`` where the merchant is, as ``2026-11-27``."""
    return str((end - timedelta(seconds=1)).astimezone(facts.merchant.zone).date())


def wish_days(facts: Facts) -> int:
    """The days of a return without a reason: the law's seven, or the merchant's longer promise."""
    return min(max(guarantee.RETURN_DAYS, facts.merchant.window_days), guarantee.MOST_DAYS)


def days_over(facts: Facts, days: int) -> datetime | None:
    """When so many days of guarantee are over for the first of the machines asked about; None where nobody knows."""
    starts = [guarantee.begins(facts, line) for line in facts.lines]
    ends = [end_of_days(start, days, facts.merchant.zone) for start in starts if start is not None]
    return min(ends) if ends and len(ends) == len(starts) else None


def months_over(facts: Facts, *, part: bool) -> datetime | None:
    """When the guarantee is over for the first of the machines asked about, of the whole or of its main parts; None: unknown."""
    zone, ends = facts.merchant.zone, []
    for line in facts.lines:
        start = guarantee.begins(facts, line)
        if start is None:
            return None
        ends.append(guarantee.end_of_months(start, guarantee.months_of(line, part=part), zone))
    return min(ends, default=None)


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
    """Is the money asked for before the machine was signed for? On its way a person has to stop it first."""
    if freight_alone(facts):
        return passes("not_signed", "pieces.freight_alone")
    signed_at = facts.order.signed_at
    if facts.order.is_signed and (signed_at is None or signed_at <= facts.applied_at):
        return fails("not_signed", "refund_only.signed")
    if facts.order.is_shipped:
        return doubts("not_signed", "refund_only.on_its_way")
    return passes("not_signed", "refund_only.not_shipped")


def arrived(facts: Facts) -> Finding:
    """Does the buyer have the machine?"""
    if facts.order.is_signed:
        return passes("arrived", "arrived.signed")
    return fails("arrived", "arrived.not_signed" if facts.order.is_shipped else "arrived.not_shipped")


def return_window(facts: Facts) -> Finding:
    """Is a return owed by the day: seven for a wish, fifteen for a fault, the whole guarantee after two repairs?"""
    days, zone, signed_at = wish_days(facts), facts.merchant.zone, facts.order.signed_at
    end = end_of_days(signed_at, days, zone) if signed_at else None
    late, year = days_over(facts, guarantee.EXCHANGE_DAYS), months_over(facts, part=False)
    if end is None or late is None or year is None:
        return doubts("return_window", "window.unknown")
    now, by_fault = facts.applied_at, max(end, late)
    if now < end:
        return passes("return_window", "window.open", days=days, last_day=last_day(end, facts))
    if facts.reason in ("repaired_twice", "cannot_install") or (not facts.reason and now >= by_fault):
        if now >= year:
            return fails("return_window", "window.over", last_day=last_day(year, facts))
        return (passes if facts.reason else doubts)("return_window", "window.guarantee", last_day=last_day(year, facts))
    if now < by_fault and facts.reason not in WISHES:
        known = passes if facts.reason else doubts
        return known("return_window", "window.faults_only", days=days, last_day=last_day(by_fault, facts))
    key = "window.wish_over" if facts.reason in WISHES else "window.repair_first"
    return fails("return_window", key, days=days, last_day=last_day(end if facts.reason in WISHES else by_fault, facts))


def exchange_window(facts: Facts) -> Finding:
    """Is an exchange owed by the day: seven for another model, fifteen for a fault, the whole guarantee after two repairs?"""
    days, signed_at = wish_days(facts), facts.order.signed_at
    late, year = days_over(facts, guarantee.EXCHANGE_DAYS), months_over(facts, part=False)
    if late is None or year is None or signed_at is None:
        return doubts("exchange_window", "window.unknown")
    wish, now = end_of_days(signed_at, days, facts.merchant.zone), facts.applied_at
    if facts.reason in WISHES:
        say, key = (passes, "exchange.wish") if now < wish else (fails, "window.wish_over")
        return say("exchange_window", key, days=days, last_day=last_day(wish, facts))
    late = max(late, wish)
    if now < late:
        return passes("exchange_window", "exchange.open", last_day=last_day(late, facts))
    if now < year and facts.reason in ("", "repaired_twice"):
        known = passes if facts.reason else doubts
        return known("exchange_window", "window.guarantee", last_day=last_day(year, facts))
    key = "window.repair_first" if now < year else "window.over"
    return fails("exchange_window", key, days=days, last_day=last_day(late if now < year else year, facts))


def repair_window(facts: Facts) -> Finding:
    """Is the machine, or the main part that is at fault, still under guarantee?"""
    whole, part = months_over(facts, part=False), months_over(facts, part=True)
    if whole is None or part is None:
        return doubts("repair_window", "window.unknown")
    now, part = facts.applied_at, max(whole, part)
    if now < whole:
        return passes("repair_window", "repair.whole", last_day=last_day(whole, facts))
    if now < part and facts.reason in ("", "main_part"):
        known = passes if facts.reason else doubts
        return known("repair_window", "repair.main_part", last_day=last_day(part, facts))
    return fails("repair_window", "repair.over", last_day=last_day(part if now >= part else whole, facts))


def claim_window(facts: Facts) -> Finding:
    """Is damage on delivery told soon enough to be told from damage at home?"""
    signed_at = facts.order.signed_at
    if signed_at is None:
        return doubts("claim_window", "window.unknown")
    end = end_of_days(signed_at, CLAIM_DAYS, facts.merchant.zone)
    if facts.applied_at >= end:
        return fails("claim_window", "claim.over", last_day=last_day(end, facts))
    return passes("claim_window", "claim.open", last_day=last_day(end, facts))
