"""What pieces of a set are worth to a case: what was paid for them, or what was paid for the set less what is kept of it.

Piece ``n`` of a part belongs to set ``n // each``: the ledger hands pieces out in order, so parts of one set meet again. Of a set
``owed(back)`` is due in all once the pieces ``back`` are with the shop; a case gets what it adds to that::

    paid for the set 100: mug 57.14, tea 42.86; alone 80 and 60; "alone" was agreed
    owed(mug) = 100 - 60 = 40      the first case gets 40
    owed(mug, tea) = 100           the second one 60: in the end exactly what was paid, in whatever order
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from aftersales.case import Fault, Kind
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.order import Line, LineShare, Runs
from aftersales.part import Part, beside, over_of
from aftersales.quote import SELLERS, picked
from aftersales.vertical import Facts, Offer

Piece = tuple[str, int]  # line id, index of the piece

PROPORTIONAL, ALONE, KEEP = "proportional", "alone", "keep"


@dataclass(frozen=True, slots=True)
class Bought:
    """One set: what is left of what was paid for each piece, what each costs alone, and which go with this case or went before.

    ``alone``: what is kept costs what it costs alone. ``owes_gifts``: a gift that is kept costs what it costs alone.
    """

    paid: Mapping[Piece, int]
    price: Mapping[Piece, int]
    gifts: frozenset[Piece]
    own: frozenset[Piece]
    gone: frozenset[Piece]
    alone: bool
    owes_gifts: bool

    @property
    def goods(self) -> frozenset[Piece]:
        """All pieces but the gifts."""
        return frozenset(self.paid) - self.gifts

    @property
    def kept(self) -> frozenset[Piece]:
        """What stays with the buyer once this case is over, or is in another case that was not paid yet."""
        return frozenset(self.paid) - self.own - self.gone

    @property
    def gifts_kept(self) -> frozenset[Piece]:
        """The gifts that would have to go back with what goes."""
        return self.kept & self.gifts if self.owes_gifts and (self.own | self.gone) & self.goods else frozenset()

    def owed(self, back: frozenset[Piece]) -> int:
        """What is due in all once these pieces are back. More pieces back never make it less."""
        goods = self.goods
        due = sum(self.paid[p] for p in goods & back)
        if self.alone:
            kept = sum(max(self.price[p], self.paid[p]) for p in goods - back)
            due = max(0, sum(self.paid[p] for p in goods) - kept)
        cost = sum(self.price[p] for p in self.gifts - back) if self.owes_gifts and goods & back else 0
        return sum(self.paid[p] for p in self.gifts & back) + max(0, due - cost)

    @property
    def kept_price(self) -> int:
        """What the goods that stay cost alone, and never less than what was paid for them."""
        return sum(max(self.price[p], self.paid[p]) for p in self.kept - self.gifts)

    @property
    def own_paid(self) -> int:
        """What was paid for the pieces of this case."""
        return sum(self.paid[p] for p in self.own)

    @property
    def added(self) -> int:
        """What this case adds to what is due."""
        return self.owed(self.gone | self.own) - self.owed(self.gone)


#: The sets of a case by the mall's line and the number of the set, each with what its pieces here are worth.
Due = dict[tuple[str, int], tuple[Bought, int]]


def sets_of(facts: Facts) -> dict[tuple[str, int], Bought]:
    """The sets that this case has pieces of, by the mall's line and the number of the set.

    Those of which nothing was agreed but their price are left out: their parts are worth what was paid for them.
    """
    parts: dict[str, list[Line]] = {}
    for line in facts.order.lines:
        if part := _part(line):
            parts.setdefault(part.of, []).append(line)
    agreed = {of for of, lines in parts.items() if any(_matters(line) for line in lines)}
    lines = {line.line_id: part for of in agreed for line in parts[of] if (part := _part(line))}
    units = [(i.line_id, n) for i in picked(facts) if i.line_id in lines for start, stop in i.units for n in range(start, stop)]
    own, gone = set(units), _gone(facts) if units else set()
    touched = {(lines[line_id].of, n // lines[line_id].each) for line_id, n in own}
    return {(of, number): _bought(facts, parts[of], number, own, gone) for of, number in sorted(touched)}


def _matters(line: Line) -> bool:
    """Whether it matters for the worth of the other parts that this one is kept."""
    return line.part is not None and (line.part.gift or line.terms.get("together") == ALONE)


def _part(line: Line) -> Part | None:
    return line.part if line.part and line.part.each > 0 else None


def _gone(facts: Facts) -> set[Piece]:
    """The pieces of other cases that are over; for those that cost nothing it is enough to be asked about."""
    own = facts.case.case_id if facts.case else ""
    over = over_of(facts.ledger)
    others = [h for h in facts.ledger.holds if h.case_id != own and h.line_id and not h.taken]
    held = [h for h in others if h.case_id in over or not any(facts.ledger.worth(h.line_id, h.units))]
    return {(h.line_id, n) for h in held for start, stop in h.units for n in range(start, stop)}


def _bought(facts: Facts, lines: list[Line], number: int, own: set[Piece], gone: set[Piece]) -> Bought:
    pieces = {
        (line.line_id, n): part
        for line in lines
        if (part := _part(line))
        for n in range(number * part.each, min((number + 1) * part.each, line.pieces))
    }
    prices = {p: part.worth_minor for p, part in pieces.items()}
    gifts = frozenset(p for p, part in pieces.items() if part.gift)
    kept = pieces.keys() - gifts - own - gone
    terms = lines[0].terms
    return Bought(
        paid={p: facts.ledger.worth(p[0], ((p[1], p[1] + 1),))[0] for p in pieces},
        price=prices,
        gifts=gifts,
        own=frozenset(own & pieces.keys()),
        gone=frozenset(gone & pieces.keys() - own),
        alone=terms.get("together") == ALONE and all(prices[p] for p in kept),
        owes_gifts=terms.get("gift") != KEEP and (facts.order.is_signed or facts.kind is Kind.RETURN_REFUND),
    )


def answers(facts: Facts, offer: Offer) -> bool:
    """Whether the buyer has to bear what the set makes of it: not for a reason that the shop or the carrier answers for."""
    reason = offer.reason(facts.reason)
    return reason is not None and reason.fault not in SELLERS and reason.fault is not Fault.NONE


def due(facts: Facts, offer: Offer) -> Due:
    """The sets of this case, each with what its pieces here are worth: never more than the ledger can pay."""
    found, bears, reason = sets_of(facts), answers(facts, offer), offer.reason(facts.reason)
    if reason and reason.pieces_stay:  # nothing goes back, so nothing of the set is broken up
        return {key: (one, one.own_paid) for key, one in found.items()}
    rest = beside(facts.ledger, {of for of, _ in found}, facts.case.case_id if facts.case else "")
    worth = {}
    for key, one in found.items():
        wanted = one.added if bears else max(one.added, one.own_paid)
        extra = min(max(0, wanted - one.own_paid), rest)
        rest -= extra
        worth[key] = (one, min(wanted, one.own_paid) + extra)
    return worth


def changed(worth: Due) -> int:
    """How much more (or, below 0, less) the pieces of this case are worth than what was paid for them."""
    return sum(minor - one.own_paid for one, minor in worth.values())


def revalued(facts: Facts, worth: Due) -> Facts:
    """The facts with what was paid shared out anew among the pieces of each set; these very facts where nothing moves."""
    moved: dict[Piece, int] = {}
    for one, minor in worth.values():
        if minor != one.own_paid:
            moved |= _moves(one, minor, facts.order.currency)
    return replace(facts, ledger=_with(facts.ledger, moved)) if moved else facts


def _moves(one: Bought, minor: int, currency: str) -> dict[Piece, int]:
    """What each piece is worth more or less, so that those of this case are worth ``minor`` and the set what it was."""
    own = sorted(one.own)
    weights = [one.paid[p] for p in own]
    shares = Money(minor, currency).split(weights if any(weights) else [1] * len(own))
    moves = {p: share.minor - one.paid[p] for p, share in zip(own, shares, strict=True)}
    rest = one.own_paid - minor  # above 0: the rest of the set costs that much more
    for piece in sorted(one.gone) if rest < 0 else sorted(one.kept)[:1]:
        moves[piece] = max(rest, -one.paid[piece])
        rest -= moves[piece]
    return moves


def _with(ledger: Ledger, moves: Mapping[Piece, int]) -> Ledger:
    return replace(ledger, lines=tuple(_moved(line, moves) for line in ledger.lines))


def _moved(line: LineShare, moves: Mapping[Piece, int]) -> LineShare:
    if all(line_id != line.line_id for line_id, _ in moves):
        return line
    values = [value for count, value in line.goods for _ in range(count)]
    fresh = (value + moves.get((line.line_id, n), 0) for n, value in enumerate(values))
    runs: Runs = tuple((len(list(same)), value) for value, same in groupby(fresh))
    return replace(line, goods=runs)
