"""Lookup: what an outside system says about pieces of a line, asked before a case is decided, and how it is kept that way.

::

    submitted ──► (hold is on record) ──► hold: nobody uses it up any more, and this is its state ──► judged
                                              ├─ money out ──► consume: it is void for good
                                              └─ anything else ends the case ──► release: it is as before
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aftersales.fact import Field, OrderFact, Plain
from aftersales.order import Line, Order

#: The status of what was about to be asked: nobody knows yet whether the outside system heard of it.
ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Ask:
    """A source that a trade wants asked. ``statuses`` are those its rules know; any other one is no answer they could judge.

    ``holds``: the thing is kept as it is from then on, until the money is out or the case has ended otherwise.
    ``fields`` are the values beside the status that the rules read.
    """

    source: str
    statuses: tuple[str, ...]
    holds: bool = False
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a source is asked about: ``pieces`` of a line of an order, for a case. ``key`` is the same in every call about it."""

    key: str
    case_id: str
    order: Order
    line: Line
    pieces: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a source answered about a line. ``held``: it is kept for this case, and has to be consumed or released.

    ``data`` are (name, value) pairs sorted by name, such as when it was used.
    """

    source: str
    line_id: str
    status: str
    asked_at: datetime
    held: bool = False
    data: tuple[tuple[str, Plain], ...] = ()

    def get(self, name: str) -> Plain | None:
        """The value of that name, None where the source did not say."""
        return dict(self.data).get(name)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a source told by itself: facts about orders, and the answer that it wants to hear."""

    facts: tuple[HeardFact, ...]
    status: int = 200
    reply: bytes = b""
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class HeardFact:
    """A fact about the order of that merchant."""

    merchant: str
    order_id: str
    fact: OrderFact


def pairs(data: Mapping[str, Plain]) -> tuple[tuple[str, Plain], ...]:
    """The values as a Lookup keeps them."""
    return tuple(sorted(data.items()))
