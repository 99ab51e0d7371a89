"""Dispatch: the merchant's photos from before the parcel left beside the buyer's: the same goods, and worse than they were?

The two may show other pieces of one box, from other sides. So nothing here speaks against a buyer: at most a person compares, and
sees both pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aftersales.decision import Finding, Source, Verdict

#: From this likeness of marks on (cosine), two photos are taken to show goods of one kind, whatever the kinds are called.
ALIKE = 0.5
#: Shares of visible spoilage that lie further apart than this are not the same goods as they left.
WORSE_BY = 0.1


@dataclass(frozen=True, slots=True)
class Side:
    """What one photo shows: its goods' kind ("none" for nothing that has a name), their mark, and the spoiled share, 0 for none."""

    kind: str
    mark: tuple[float, ...]
    spoiled: float = 0.0

    def alike(self, other: Side) -> float:
        """How alike the goods are, in [-1, 1]."""
        return sum(a * b for a, b in zip(self.mark, other.mark, strict=True))


def judge(here: Side, before: Sequence[Side]) -> tuple[Finding, ...]:
    """``vision.dispatch``: the buyer's photo beside the merchant's, of which the most alike counts; none without one."""
    if not before:
        return ()
    nearest = max(before, key=here.alike)
    alike = here.alike(nearest)
    same = alike >= ALIKE or here.kind == nearest.kind != "none"
    data = (
        ("alike", round(alike, 3)),
        ("before_percent", round(100 * nearest.spoiled)),
        ("now_percent", round(100 * here.spoiled)),
    )
    if not same:
        return (_found(Verdict.UNSURE, "unlike_dispatched", 1 - max(0.0, alike), data),)
    worse = here.spoiled - nearest.spoiled > WORSE_BY
    return (_found(Verdict.PASS, "worse_than_dispatched" if worse else "as_dispatched", max(0.5, alike), data),)


def _found(verdict: Verdict, reason: str, sure: float, data: tuple[tuple[str, float], ...]) -> Finding:
    return Finding("vision.dispatch", verdict, f"vision.{reason}", Source.MODEL, round(min(1.0, sure), 3), data)
