"""What is checked for fresh produce: one question each. Every number's law and source is in the README beside this file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from aftersales.case import Fault
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.order import OrderStatus
from aftersales.quote import completes, freight_due, share
from aftersales.vertical import Facts, Reason

PROMPT = timedelta(hours=24)  # requirement VT-1; what most fresh shops promise
LAW_DAYS = 7  # Consumer Rights Protection Law, art. 24: a fault told within seven days of receipt

#: The check whose PASS says that a model saw the flaw, and the figure it gives for how much of the goods shows it, in [0, 1].
SEEN, SEEN_SHARE = "vision.spoilage", "spoiled_share"

REFUND_REASONS = (
    Reason("changed_mind", Fault.BUYER),
    Reason("wrong_order", Fault.BUYER),
    Reason("late_shipping", Fault.SELLER),
    Reason("out_of_stock", Fault.SELLER),
    Reason("not_received", Fault.CARRIER),
    Reason("freight_overcharged", Fault.SELLER),
)
RETURN_REASONS = (Reason("no_reason", Fault.BUYER),)
#: Flaws that a photo shows. The others are true or not whatever a photo of fruit looks like: a person decides.
VISIBLE = frozenset({"spoiled", "damaged"})
CLAIM_REASONS = (
    Reason("spoiled", Fault.SELLER),
    Reason("damaged", Fault.CARRIER),
    Reason("not_as_described", Fault.SELLER),
    Reason("short_weight", Fault.SELLER),
    Reason("wrong_goods", Fault.SELLER),
)

FAULTS = {reason.code: reason.fault for reason in (*REFUND_REASONS, *RETURN_REASONS, *CLAIM_REASONS)}

Datum = str | int | float | bool


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"fresh.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, fails, doubts = (_says(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.UNSURE))


def fault(facts: Facts) -> Fault:
    """Who answers for the reason; nobody while none is given."""
    return FAULTS.get(facts.reason, Fault.NONE)


def freight_alone(facts: Facts) -> bool:
    """Whether no goods are asked about, only the freight (仅退运费)."""
    return facts.freight and not facts.items


def law_days(facts: Facts, signed_at: datetime) -> tuple[datetime, str]:
    """The first instant after the statutory days, and the last day in time as ``2026-11-27``."""
    zone = facts.merchant.zone
    end = end_of_days(signed_at, LAW_DAYS, zone)
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
    """Is the money asked for before the parcel was signed for? On its way a person has to stop it first."""
    if freight_alone(facts):
        return passes("not_signed", "pieces.freight_alone")
    signed_at = facts.order.signed_at
    if facts.order.is_signed and (signed_at is None or signed_at <= facts.applied_at):
        return fails("not_signed", "refund_only.signed")
    if facts.order.is_shipped:
        return doubts("not_signed", "refund_only.on_its_way")
    return passes("not_signed", "refund_only.not_shipped")


def returnable(facts: Facts) -> Finding:
    """Can produce be sent back at all? Perishables are exempt; without the confirmed term a person decides."""
    terms = [line.terms.get("no_return") for line in facts.lines]
    if any(term is True for term in terms):
        return fails("returnable", "return.perishable")
    if terms and all(term is False for term in terms):
        return passes("returnable", "return.promised")
    return doubts("returnable", "return.not_confirmed")


def return_window(facts: Facts) -> Finding:
    """Was it signed for, and are the seven days of no-reason returns still running?"""
    signed_at = facts.order.signed_at
    if signed_at is None:
        return doubts("return_window", "window.unknown") if facts.order.is_signed else fails("return_window", "return.not_signed")
    end, last_day = law_days(facts, signed_at)
    if facts.applied_at < end:
        return passes("return_window", "return.in_time", last_day=last_day)
    return fails("return_window", "return.over", last_day=last_day)


def claim_window(facts: Facts) -> Finding:
    """Inside 24 hours the automatic lane; later but inside the law's seven days a person; after that no more."""
    signed_at = facts.order.signed_at
    if signed_at is None:
        return doubts("claim_window", "window.unknown") if facts.order.is_signed else fails("claim_window", "claim.not_signed")
    end, last_day = law_days(facts, signed_at)
    until = f"{(signed_at + PROMPT).astimezone(facts.merchant.zone):%Y-%m-%d %H:%M}"
    if facts.applied_at <= signed_at + PROMPT:
        return passes("claim_window", "claim.in_time", until=until)
    if facts.applied_at < end:
        return doubts("claim_window", "claim.late", until=until, last_day=last_day)
    return fails("claim_window", "claim.over", last_day=last_day)


# --- judged once it is handed in --------------------------------------------------------------------------------------
def photo_verified(facts: Facts) -> Finding:
    """Did verification see the flaw on a photo, and is it a flaw that a photo shows?"""
    if facts.reason not in VISIBLE:
        return doubts("photo_verified", "photo.person")
    if any(f.check == SEEN and f.verdict is Verdict.PASS for f in facts.findings):
        return passes("photo_verified", "photo.seen")
    return doubts("photo_verified", "photo.not_seen")


def share_agrees(facts: Facts) -> Finding:
    """Do the verified photos show at least half of the share that is claimed? A photo of the bad ones alone shows more."""
    if facts.reason not in VISIBLE:
        return passes("share_agrees", "share.not_visible")
    seen = [dict(f.data).get(SEEN_SHARE) for f in facts.findings if f.check == SEEN and f.verdict is Verdict.PASS]
    shown = max((s for s in seen if isinstance(s, int | float) and 0 <= s <= 1), default=None)
    if shown is None:
        return doubts("share_agrees", "share.not_measured")
    part, whole = share(facts)
    figures = {"claimed_percent": round(100 * part / whole), "shown_percent": round(100 * shown)}
    if 2 * shown * whole >= part:
        return passes("share_agrees", "share.agrees", **figures)
    return doubts("share_agrees", "share.differs", **figures)


def freight(facts: Facts) -> Finding:
    """Is freight asked for, and is it due?"""
    if not facts.freight:
        return passes("freight", "freight.not_asked")
    if freight_due(facts, fault(facts)):
        return passes("freight", "freight.included") if completes(facts) else doubts("freight", "freight.person")
    if freight_alone(facts) and facts.reason:
        return fails("freight", "freight.not_due_alone")
    return passes("freight", "freight.not_due")
