"""What the source of entitlements says about a line, and what is left of it. Statuses and values: the source's own README."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from aftersales.fact import Field, FieldKind, instant_of
from aftersales.lookup import Ask, Lookup
from aftersales.order import Line
from aftersales.vertical import Facts

SOURCE = "entitlements"

#: What rules can judge: nothing used, some of it, all of it, a membership that runs, one that ran out by itself.
JUDGED = ("unused", "partly_used", "used", "active", "expired")
#: What a person looks at: made void already, kept by somebody else, nothing that fits together.
DOUBTED = ("void", "locked", "unclear")

ASKS = (
    Ask(
        SOURCE,
        (*JUDGED, *DOUBTED),
        holds=True,
        fields=(
            Field("ids"),
            Field("left"),
            Field("used_at", FieldKind.INSTANT),
            Field("since", FieldKind.INSTANT),
            Field("expired_at", FieldKind.INSTANT),
            Field("held_until", FieldKind.INSTANT),
            Field("later", FieldKind.WHOLE),
            Field("why"),
        ),
    ),
)

#: Goods that begin when they are bought, and that a buyer cannot give back once they began, if that was agreed.
BEGUN_ON_PURCHASE = frozenset({"membership", "download", "recharge"})

NEEDS = (
    Field("entitlement", text="needs.entitlement"),
    Field("goods", one_of=("code", "membership", "download", "recharge"), text="needs.goods"),
    Field("days", FieldKind.WHOLE, text="needs.days"),
    Field("renews", FieldKind.YES_NO, text="needs.renews"),
)


def answer(facts: Facts, line: Line) -> Lookup | None:
    """What the source said, None while it has not answered."""
    return facts.lookup(SOURCE, line.line_id)


def status(facts: Facts, line: Line) -> str:
    """The status that it said, "" while it has not answered."""
    said = answer(facts, line)
    return said.status if said else ""


def begins_on_purchase(line: Line) -> bool:
    """Whether the goods are of a kind that begins when it is bought."""
    return line.data.get("goods") in BEGUN_ON_PURCHASE


def consented(line: Line) -> bool:
    """Whether the buyer confirmed, for this purchase, that it begins at once and cannot be given back then."""
    return line.terms.get("activated_on_purchase_consent") is True


def instant(facts: Facts, line: Line, name: str) -> datetime | None:
    """An instant that the source told, None where it told none that can be read."""
    said = answer(facts, line)
    return instant_of(said.get(name)) if said and said.get(name) else None


def local(facts: Facts, at: datetime | None) -> str:
    """The instant as people of the shop's zone read it, ``2026-11-12 10:00``; "?" for none."""
    return at.astimezone(facts.merchant.zone).strftime("%Y-%m-%d %H:%M") if at else "?"


def days_begun(facts: Facts, line: Line) -> int | None:
    """Days of the shop's zone that a membership had begun when the buyer applied, the first one included; None where unknown."""
    since, zone = instant(facts, line, "since"), facts.merchant.zone
    if since is None:
        return None
    return max(0, (facts.applied_at.astimezone(zone).date() - since.astimezone(zone).date()).days + 1)


def days_sold(line: Line) -> int:
    """For how many days a membership was sold, 0 where the line does not say."""
    days = line.data.get("days")
    return days if type(days) is int else 0


def uses_left(facts: Facts, line: Line) -> tuple[Fraction, ...]:
    """Of each piece that goes back the part that is left, none where that cannot be read: ``7/10 1/1``."""
    said = answer(facts, line)
    parts = str(said.get("left") or "").split() if said else []
    pairs = [tuple(part.split("/")) for part in parts]
    if not all(len(pair) == 2 and all(n.isascii() and n.isdigit() and len(n) < 9 for n in pair) for pair in pairs):
        return ()
    found = [(int(left), int(whole)) for left, whole in pairs]
    return tuple(Fraction(left, whole) for left, whole in found) if all(whole and left <= whole for left, whole in found) else ()


def part_left(facts: Facts, line: Line) -> tuple[Fraction, ...]:
    """The part of each piece's price that goes back, the last one for all further pieces; (1,) where nothing lowers it."""
    said = status(facts, line)
    if said == "partly_used":
        return uses_left(facts, line) or (Fraction(1),)
    begun, sold = days_begun(facts, line), days_sold(line)
    if said == "active" and begun is not None and sold:
        return (Fraction(max(0, sold - begun), sold),)
    return (Fraction(1),)
