"""Goods: what an inspection found of each line, which pieces did not come, and what stock is told of those that did.

::

    a case's pieces ─┬─ came: sound, flawed, quarantine, scrap ──► accepted, paid for ──► stock is told once, by line and place
                     └─ missing, or other goods in their place ──► a case of their own, refused with what was found, to appeal
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from aftersales.case import Item
from aftersales.entry import Hold
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.order import Runs


class Disposition(StrEnum):
    """Where accepted goods go; flawed goods are never sold as new."""

    SOUND = "sound"
    FLAWED = "flawed"
    QUARANTINE = "quarantine"
    SCRAP = "scrap"


class Lack(StrEnum):
    """How a parcel falls short of what was to come back."""

    SHORT = "short"  # some pieces are not in it
    WRONG = "wrong"  # other goods are in it, in the place of some or all
    EMPTY = "empty"  # none of the pieces is in it


@dataclass(frozen=True, slots=True)
class Count:
    """What was found of one line: each of the case's pieces is counted once."""

    line_id: str
    sound: int = 0
    flawed: int = 0
    quarantine: int = 0
    scrap: int = 0
    missing: int = 0
    wrong: int = 0

    @property
    def came(self) -> int:
        """Pieces that are there, in whatever state."""
        return self.sound + self.flawed + self.quarantine + self.scrap

    @property
    def apart(self) -> int:
        """Pieces that are not there, whatever lay in their place."""
        return self.missing + self.wrong

    @property
    def pieces(self) -> int:
        """All of them."""
        return self.came + self.apart

    def of(self, disposition: Disposition) -> int:
        """Pieces that go there."""
        return int(getattr(self, disposition))


def all_of(items: Iterable[Item], disposition: Disposition) -> tuple[Count, ...]:
    """The count of a parcel in which every piece came, all to one place."""
    return tuple(Count(i.line_id, *(i.pieces if to is disposition else 0 for to in Disposition)) for i in items)


def lack_of(counts: Iterable[Count]) -> Lack | None:
    """How the parcel falls short; None when every piece came."""
    known = tuple(counts)
    missing, wrong = sum(c.missing for c in known), sum(c.wrong for c in known)
    if wrong and not (missing and any(c.came for c in known)):
        return Lack.WRONG
    if missing:
        return Lack.SHORT if any(c.came for c in known) else Lack.EMPTY
    return None


# --- pieces that did not come -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Apart:
    """What has to be known of the pieces that did not come until they are a case of their own: ``case_id`` is its id.

    ``asked`` is their part of an amount that the buyer lowered or agreed to, ``by`` is who counted them.
    """

    case_id: str
    items: tuple[Item, ...]
    by: str
    asked: Money | None = None


def parted(items: Iterable[Item], counts: Iterable[Count]) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """The items that came and those that did not, each with its very pieces: the first ones of a line count as those that came.

    The first pieces of a line are worth the cent that the last ones may lack. Smaller units that were bad are spread in proportion,
    a rest to those that came.
    """
    known = {c.line_id: c.came for c in counts}
    came, apart = [], []
    for item in items:
        first, rest = _cut(item.units, known[item.line_id])
        one, other = _share(item, known[item.line_id])
        if one.pieces:
            came.append(replace(one, units=first))
        if other.pieces:
            apart.append(replace(other, units=rest))
    return tuple(came), tuple(apart)


def split(ledger: Ledger, case_id: str, other: str, items: Iterable[Item]) -> Ledger:
    """The ledger with these of the case's pieces held for the ``other`` case instead. No piece is free in between."""
    away, holds = {i.line_id: i.units for i in items}, []
    for hold in ledger.holds:
        units = away.get(hold.line_id, ())
        if hold.case_id != case_id or hold.taken or not units:
            holds.append(hold)
            continue
        kept = _without(hold.units, units)
        holds += [replace(hold, units=kept)] if kept else []
        holds.append(Hold(other, hold.line_id, units))
    return replace(ledger, holds=tuple(holds))


def _share(item: Item, pieces: int) -> tuple[Item, Item]:
    """The item as two: of so many pieces, and of the others."""
    others = item.pieces - pieces
    of, bad = item.of * pieces // item.pieces, -(-item.bad * pieces // item.pieces)
    return replace(item, pieces=pieces, of=of, bad=bad), replace(item, pieces=others, of=item.of - of, bad=item.bad - bad)


def _cut(units: Runs, pieces: int) -> tuple[Runs, Runs]:
    """The first so many pieces of these ranges, and the others."""
    first, rest = [], []
    for start, stop in units:
        take = min(pieces, stop - start)
        pieces -= take
        if take:
            first.append((start, start + take))
        if start + take < stop:
            rest.append((start + take, stop))
    return tuple(first), tuple(rest)


def _without(units: Runs, away: Runs) -> Runs:
    """The pieces of these ranges that are not among the others, in order."""
    left = [n for start, stop in units for n in range(start, stop) if all(not a <= n < b for a, b in away)]
    runs: list[tuple[int, int]] = []
    for n in left:
        if runs and runs[-1][1] == n:
            runs[-1] = (runs[-1][0], n + 1)
        else:
            runs.append((n, n + 1))
    return tuple(runs)


# --- stock ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Back:
    """Pieces of a line that stock is told of; ``told_at`` is when it took them in."""

    line_id: str
    disposition: Disposition
    pieces: int
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Restock:
    """What stock is to be told of one parcel, on record before it is called. ``reported``: a ticket says that it is not told."""

    since: datetime
    backs: tuple[Back, ...]
    reported: bool = False

    @property
    def done(self) -> bool:
        """Whether it was told all."""
        return all(b.told_at for b in self.backs)


def restock(counts: Iterable[Count], now: datetime) -> Restock | None:
    """What stock is to be told of these pieces; None of a parcel in which nothing came."""
    backs = tuple(Back(c.line_id, to, c.of(to)) for c in counts for to in Disposition if c.of(to))
    return Restock(now, backs) if backs else None


def restock_key(case_id: str, line_id: str, disposition: Disposition) -> str:
    """A pure function of what is told: whoever tells it again tells the same."""
    return f"{case_id}-{line_id}-back-{disposition}"


def sums(counts: Iterable[Count]) -> Mapping[str, int]:
    """The pieces that ``came``, are ``missing`` and are ``wrong``, of all lines together."""
    known = tuple(counts)
    return {"came": sum(c.came for c in known), "missing": sum(c.missing for c in known), "wrong": sum(c.wrong for c in known)}
