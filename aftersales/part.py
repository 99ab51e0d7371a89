"""Part: a line that a mall sold together with others as one, and the money that the parts of one share.

What was paid for parts of one line is one sum. What a case that was paid left of its pieces' worth, because other parts stayed with
the buyer, may go to the case that brings those back: together they never get more than was paid for the parts of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aftersales.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Part:
    """What a line is of the line ``of`` that the mall sold: ``each`` pieces in every piece of that one.

    ``worth_minor`` is what one piece costs alone, as the buyer was told when ordering (of a ``gift``: what it costs to keep it);
    0 where nobody said.
    """

    of: str
    each: int = 1
    gift: bool = False
    worth_minor: int = 0


def beside(ledger: Ledger, of: Iterable[str], case_id: str = "") -> int:
    """Minor units of goods that cases which are over left of the parts of these lines, for another case about them.

    A case about parts of two lines ties both together. ``case_id`` is the case that asks: its own refunds do not count here.
    """
    whose = {line.line_id: line.part_of for line in ledger.lines if line.part_of}
    over = over_of(ledger) - {case_id}
    about: dict[str, set[str]] = {}
    for hold in ledger.holds:
        if hold.case_id in over and not hold.taken and hold.line_id in whose:
            about.setdefault(hold.case_id, set()).add(whose[hold.line_id])
    reached, tied = set(of), set[str]()
    while found := {c for c in about if c not in tied and about[c] & reached}:
        tied |= found
        reached |= set().union(*(about[c] for c in found))
    given = sum(e.goods_minor for e in ledger.open_entries() if e.case_id in tied)
    given += sum(ledger.kept(case) for case in tied)
    return max(0, sum(ledger.held_value(case)[0] for case in tied) - given)


def over_of(ledger: Ledger) -> set[str]:
    """The cases whose pieces are gone for good: their money went out or is about to, or there was none."""
    return {h.case_id for h in ledger.holds if h.gone}


def sold_as(ledger: Ledger, case_id: str) -> set[str]:
    """The lines of the mall whose parts the case holds."""
    held = {h.line_id for h in ledger.holds if h.case_id == case_id}
    return {line.part_of for line in ledger.lines if line.line_id in held and line.part_of}
