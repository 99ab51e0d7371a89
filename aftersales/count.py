"""Count: how many cases are in which bucket, kept by adding and taking away.

::

    case as stored ──► its buckets ─┐
                                    ├─► what to add and take ──► counters        in one transaction with
    counted before ──► its buckets ─┘                            counted         what it is counted in now

What to add follows from what the case was last *counted* in, never from what it was before: a word that comes twice adds nothing,
one that comes late is older than what was counted, and one that is lost is made good by the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Counted:
    """What a case was last counted in; ``seen`` is the version of the case that was looked at."""

    case_id: str
    merchant: str
    seen: int
    buckets: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """What is added to a merchant's counters, by bucket; ``case_id`` says to which part of them."""

    merchant: str
    case_id: str
    moves: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """A merchant's counters by bucket; those that are nothing are left out."""

    merchant: str
    sums: Mapping[str, int] = field(default_factory=dict)


def moved(before: Counted, buckets: tuple[str, ...]) -> Shift | None:
    """What counting the case in these buckets now adds and takes; None where it counts as it did."""
    change = Counter(buckets)
    change.subtract(before.buckets)
    moves = {name: by for name, by in sorted(change.items()) if by}
    return Shift(before.merchant, before.case_id, moves) if moves else None
