"""What is checked for fresh produce: one question each. Every number's law and source is in the README beside this file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from aftersales.case import Fault
from aftersales.deadline import end_of_days
from aftersales.decision import Finding, Verdict
from aftersales.fact import Field, FieldKind
from aftersales.order import Line, OrderStatus
from aftersales.quote import completes, freight_due, share, worth
from aftersales.shown import SPOILAGE, Shown, together, views_of
from aftersales.vertical import Facts, Reason

PROMPT = timedelta(hours=24)  # requirement VT-1; what most fresh shops promise
LAW_DAYS = 7  # Consumer Rights Protection Law, art. 24: a fault told within seven days of receipt

#: Goods sold by weight: "5 斤", "2.5kg", "500 g", "per pound". One piece of such a line is a unit of weight, not one fruit.
WEIGHED = re.compile(
    r"[\d一二两三四五六七八九十百半每/]\s*(?:市?斤|公斤|千克|克(?!拉)|两)"
    r"|(?:\d|/|\bper\b|\ba\b)\s*-?\s*(?:kg|g|kilo(?:gram)?s?|gram(?:me)?s?|jin|lbs?|pounds?|oz|ounces?)(?![a-z])",
    re.IGNORECASE,
)

#: Goods sold by the box. A piece of such a line is a box of who knows how many.
BOXED = re.compile(r"[箱盒篮筐袋]|\b(?:box|tray|punnet|basket|crate|carton|pack|bag)(?:e?s)?\b", re.IGNORECASE)

#: What a mall may tell of a line: the unit that buyers count in, and how many of it one piece of the line holds.
PIECE = "piece"
NEEDS = (
    Field("unit", FieldKind.TEXT, one_of=("jin", "kg", "g", PIECE), text="data.unit"),
    Field("unit_holds", FieldKind.WHOLE, text="data.unit_holds"),
)

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
    if any(f.check == SPOILAGE and f.verdict is Verdict.PASS for f in facts.findings):
        return passes("photo_verified", "photo.seen")
    return doubts("photo_verified", "photo.not_seen")


def share_agrees(facts: Facts) -> Finding:
    """Is the share that is claimed within what the photos together can show? More than that a person compares."""
    if facts.reason not in VISIBLE:
        return passes("share_agrees", "share.not_visible")
    shown = shown_of(facts).share
    if shown is None:
        return doubts("share_agrees", "share.not_measured")
    part, whole = share(facts)
    low, high = (round(100 * s) for s in shown)
    figures = {"claimed_percent": round(100 * part / whole), "shown_percent": low, "shown_most_percent": high}
    if part <= shown[1] * whole:
        if _is_close_up(facts):
            return doubts("share_agrees", "share.close_up")
        return passes("share_agrees", "share.agrees", **figures)
    return doubts("share_agrees", "share.differs", **figures)


def shown_of(facts: Facts) -> Shown:
    """What the photos show together of what was ordered."""
    return together(views_of(facts.evidence), ordered_pieces(facts))


def _is_close_up(facts: Facts) -> bool:
    """Whether one piece is all that is seen of goods by weight or box, and more money than is small is asked for it."""
    pieces_seen = shown_of(facts).pieces
    goods, tax = worth(facts)
    alone = pieces_seen is not None and pieces_seen[0] <= 1
    more = not ordered_pieces(facts) or any(BOXED.search(line.title) and "unit" not in line.data for line in facts.lines)
    return alone and more and not facts.merchant.is_small(goods + tax)


def ordered_pieces(facts: Facts) -> int:
    """How many pieces were ordered that a photo can show one by one; 0 for goods sold by weight: those pieces are jin.

    What the mall tells of a line's unit counts; where it tells nothing, the title is read.
    """
    counted = [_countable(line) for line in facts.lines]
    return 0 if 0 in counted else sum(counted)


def _countable(line: Line) -> int:
    unit, holds = line.data.get("unit"), line.data.get("unit_holds")
    if unit is None:
        return 0 if WEIGHED.search(line.title) else line.pieces
    inside = holds if type(holds) is int and holds > 0 else 1
    return line.pieces * inside if unit == PIECE else 0


def freight(facts: Facts) -> Finding:
    """Is freight asked for, and is it due?"""
    if not facts.freight:
        return passes("freight", "freight.not_asked")
    if freight_due(facts, fault(facts)):
        return passes("freight", "freight.included") if completes(facts) else doubts("freight", "freight.person")
    if freight_alone(facts) and facts.reason:
        return fails("freight", "freight.not_due_alone")
    return passes("freight", "freight.not_due")
