"""What is checked for virtual goods: one question each. Every number's law and source is in the README beside this file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from aftersales.case import Fault
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.order import Line, OrderStatus
from aftersales.vertical import Facts, Reason
from verticals.virtual.answer import (
    DOUBTED,
    JUDGED,
    answer,
    begins_on_purchase,
    consented,
    days_begun,
    days_sold,
    instant,
    local,
    status,
    uses_left,
)

LEAST_DAYS = 7  # Consumer Rights Protection Law, art. 25
FAULT_DAYS = 15  # as ordinary goods have it
MOST_DAYS = 3 * 365  # the longest after-sale period the platforms know; a longer promise is read as this

REFUND_REASONS = (
    Reason("changed_mind", Fault.BUYER),
    Reason("wrong_order", Fault.BUYER),
    Reason("not_needed", Fault.BUYER),
    Reason("ran_out", Fault.BUYER),
    Reason("not_received", Fault.SELLER),
)
CLAIM_REASONS = (
    Reason("not_working", Fault.SELLER),
    Reason("not_received", Fault.SELLER),
    Reason("not_as_described", Fault.SELLER),
    Reason("used_by_another", Fault.SELLER),
)

FAULTS = {reason.code: reason.fault for reason in (*REFUND_REASONS, *CLAIM_REASONS)}

Datum = str | int | float | bool

_HARD = (Verdict.FAIL, Verdict.MISSING, Verdict.UNSURE, Verdict.PASS)


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"virtual.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, fails, doubts = (_says(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.UNSURE))


def gravest(findings: Iterable[Finding], otherwise: Finding) -> Finding:
    """The one that says most against the case, the first of several; ``otherwise`` where there is none."""
    return min(findings, key=lambda f: _HARD.index(f.verdict), default=otherwise)


def fault(facts: Facts) -> Fault:
    """Who answers for the reason; nobody while none is given."""
    return FAULTS.get(facts.reason, Fault.NONE)


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


def bought_at(facts: Facts) -> datetime | None:
    """When it was paid for: the last payment, None where nobody said."""
    told = [payment.paid_at for payment in facts.order.payments if payment.paid_at]
    return facts.order.paid_at or max(told, default=None)


def last_instant(facts: Facts, bought: datetime, days: int) -> tuple[datetime, str]:
    """The first instant after ``days`` whole days from the day after the purchase, and the last day in time as ``2026-11-27``."""
    zone = facts.merchant.zone
    end = end_of_days(bought, days, zone)
    return end, str((end - timedelta(seconds=1)).astimezone(zone).date())


def promised_days(line: Line) -> int:
    """The days the buyer was promised for this line, 0 where the terms name none."""
    days = line.terms.get("window_days")
    return days if type(days) is int else 0


def window(facts: Facts) -> Finding:
    """Is it inside the days from the purchase? What ran out unused is judged later where its terms promise it back."""
    bought = bought_at(facts)
    if bought is None:
        return doubts("window", "window.unknown")
    own = min((promised_days(line) for line in facts.lines), default=0)
    days = min(max(LEAST_DAYS, facts.merchant.window_days, own), MOST_DAYS)
    end, last_day = last_instant(facts, bought, days)
    if facts.applied_at < end:
        return passes("window", "window.open", days=days, last_day=last_day)
    promised = bool(facts.lines) and all(line.terms.get("refund_expired") is True for line in facts.lines)
    if promised and all(status(facts, line) in ("", "expired") for line in facts.lines):
        return passes("window", "window.once_expired", days=days, last_day=last_day)
    return fails("window", "window.over", days=days, last_day=last_day)


def claim_window(facts: Facts) -> Finding:
    """Is the trouble told within the days in which a person looks at it?"""
    bought = bought_at(facts)
    if bought is None:
        return doubts("claim_window", "window.unknown")
    own = min((promised_days(line) for line in facts.lines), default=0)
    days = min(max(FAULT_DAYS, facts.merchant.window_days, own), MOST_DAYS)
    end, last_day = last_instant(facts, bought, days)
    if facts.applied_at < end:
        return passes("claim_window", "claim.in_time", days=days, last_day=last_day)
    return fails("claim_window", "claim.over", days=days, last_day=last_day)


def not_told_used(facts: Facts) -> Finding:
    """Did anybody tell that it is used up? Once the source has answered, that is what counts, and a difference is for a person."""
    for line in facts.lines:
        told = facts.order.told("redeemed", line.line_id)
        if told is None or told.get("left") != 0 or line.pieces != 1 or begins_on_purchase(line):
            continue
        if not answer(facts, line):
            return fails("not_told_used", "told.used", at=local(facts, told.at))
        if status(facts, line) != "used":
            return doubts("not_told_used", "told.otherwise", at=local(facts, told.at))
    return passes("not_told_used", "told.nothing")


# --- judged once the source has answered -------------------------------------------------------------------------------
def answered(facts: Facts) -> Finding:
    """Does the source know what was sold, and say something that can be judged?"""
    for line in facts.lines:
        said = status(facts, line)
        if said in DOUBTED:
            return doubts("answered", f"answer.{said}")
        if said not in JUDGED:
            return doubts("answered", "answer.none" if not said else "answer.unheard")
    return passes("answered", "answer.given")


def left(facts: Facts) -> Finding:
    """Is anything left of it that can go back?"""
    return gravest((_left(facts, line) for line in facts.lines), passes("left", "left.unused"))


def _left(facts: Facts, line: Line) -> Finding:
    said, at = status(facts, line), local(facts, instant(facts, line, "used_at"))
    if said == "used":
        return passes("left", "left.begun") if begins_on_purchase(line) else fails("left", "left.used", at=at)
    if said == "partly_used":
        parts = uses_left(facts, line)
        if not parts:
            return doubts("left", "left.unreadable")
        return passes("left", "left.partly", at=at) if any(parts) else fails("left", "left.used", at=at)
    if said == "active":
        begun, sold = days_begun(facts, line), days_sold(line)
        if begun is None or not sold:
            return doubts("left", "left.days_unknown")
        if begun >= sold:
            return fails("left", "left.days_over", days=sold)
        return passes("left", "left.days", days=sold, left=sold - begun, used=begun)
    return passes("left", "left.unused")


def consent(facts: Facts) -> Finding:
    """Where it began with the purchase: did the buyer confirm that it cannot be given back then?"""
    return gravest((_consent(facts, line) for line in facts.lines), passes("consent", "consent.not_begun"))


def _consent(facts: Facts, line: Line) -> Finding:
    said = status(facts, line)
    if said == "active" and consented(line):
        return fails("consent", "consent.given_running", at=local(facts, instant(facts, line, "since")))
    if said == "used" and begins_on_purchase(line):
        at = local(facts, instant(facts, line, "used_at"))
        return fails("consent", "consent.given", at=at) if consented(line) else doubts("consent", "consent.lacking", at=at)
    return passes("consent", "consent.by_days" if said == "active" else "consent.not_begun")


def expired(facts: Facts) -> Finding:
    """Did it run out unused, and do the terms say that it is lost then?"""
    gone = [line for line in facts.lines if status(facts, line) == "expired"]
    if not gone:
        return passes("expired", "expired.not")
    at = local(facts, instant(facts, gone[0], "expired_at"))
    if any(line.terms.get("refund_expired") is False for line in gone):
        return fails("expired", "expired.lost", at=at)
    return passes("expired", "expired.unused", at=at)


def latest(facts: Facts) -> Finding:
    """Is it the last one of its renewals, and, where it renews, not begun?"""
    for line in facts.lines:
        said = answer(facts, line)
        later = said.get("later") if said else 0
        if type(later) is int and later > 0:
            return fails("latest", "latest.later", later=later)
        if line.data.get("renews") is True and said and said.status in ("active", "used", "partly_used"):
            began = instant(facts, line, "since") or instant(facts, line, "used_at")
            return fails("latest", "latest.begun", at=local(facts, began))
    return passes("latest", "latest.last")


def kept(facts: Facts) -> Finding:
    """Does the source keep it as it is, so that nobody uses it while its money is on its way?"""
    for line in facts.lines:
        said = answer(facts, line)
        if said is not None and said.status in JUDGED and said.status != "used" and not said.held:
            return doubts("kept", "kept.not")
    return passes("kept", "kept.until_paid")


def claim_by_person(facts: Facts) -> Finding:
    """Who judges that something does not work? Always a person, who sees what the source says of it."""
    found = [status(facts, line) for line in facts.lines]
    used = next((instant(facts, line, "used_at") for line in facts.lines if status(facts, line) == "used"), None)
    if used:
        return doubts("claim_by_person", "claim.person_used", at=local(facts, used))
    return doubts("claim_by_person", "claim.person_unused" if "unused" in found else "claim.person")
