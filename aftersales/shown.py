"""Shown: what all photos of a case show together, no piece counted twice and none made up.

Two photos may show the same piece from two sides, and nobody can always tell. So what is certain is the most that one photo shows,
and what is possible is all of them together, never more than was ordered. Ranges are kept as ranges until a person or a rule needs
one figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aftersales.decision import Finding, Verdict
from aftersales.evidence import Evidence

SPOILAGE, PIECES, PRODUCT, REUSED = "vision.spoilage", "vision.pieces", "vision.product", "vision.reused"


@dataclass(frozen=True, slots=True)
class View:
    """What one photo shows: pieces and bad pieces as (at least, at most), and the bad share of what is visible as (low, high).

    None where that photo does not tell it.
    """

    pieces: tuple[int, int] | None = None
    bad: tuple[int, int] | None = None
    share: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the photos show together. ``share`` is of what was ordered, in [0, 1]; None where no photo tells it."""

    pieces: tuple[int, int] | None
    bad: tuple[int, int] | None
    share: tuple[float, float] | None


def view(findings: Iterable[Finding]) -> View:
    """What one photo's findings say; figures that make no sense count as not told."""
    told = {f.check: dict(f.data) for f in findings if f.verdict is Verdict.PASS}
    counted, spoiled = told.get(PIECES, {}), told.get(SPOILAGE, {})
    point = _number(spoiled.get("spoiled_share"))
    low, high = _number(spoiled.get("share_low")), _number(spoiled.get("share_high"))
    share = None
    if low is not None and high is not None and 0 <= low <= high <= 1:
        share = (low, high)
    elif point is not None and 0 <= point <= 1:
        share = (point / 2, min(1.0, 2 * point))  # a lone estimate: half or double of it is what it has been off by
    bad = _pair(counted, "bad")
    if bad is not None:  # where a flaw is seen one piece is bad at least; where none is seen nothing is known of bad ones
        bad = (max(1, bad[0]), max(1, bad[1])) if share else None
    return View(_pair(counted, "pieces"), bad, share)


def views_of(evidence: Iterable[Evidence]) -> tuple[View, ...]:
    """What the usable pieces show, one of several copies of a picture alone: the first that tells a share."""
    given = [e for e in evidence if e.usable]
    doubted = of_anything(given)
    usable = sorted((e for e in given if e.evidence_id not in doubted), key=lambda e: view(e.findings).share is None)
    taken: list[Evidence] = []
    for number, piece in enumerate(usable):
        if not any(_are_copies(piece, earlier) for earlier in usable[:number]):
            taken.append(piece)
    return tuple(view(e.findings) for e in taken)


def of_anything(evidence: Sequence[Evidence]) -> frozenset[str]:
    """Pieces on which the goods cannot be told, while another shows what was ordered: a flaw on them may be one of anything.

    Where no piece shows what was ordered that doubt is said by itself, and a person looks.
    """
    told = {e.evidence_id: [f.verdict for f in e.findings if f.check == PRODUCT] for e in evidence}
    if not any(Verdict.PASS in verdicts for verdicts in told.values()):
        return frozenset()
    return frozenset(evidence_id for evidence_id, verdicts in told.items() if verdicts and Verdict.PASS not in verdicts)


def _are_copies(one: Evidence, other: Evidence) -> bool:
    """Whether either was found to be a copy of the other; of two that are looked at in one moment, one may not know."""
    if one.sha256 is not None and one.sha256 == other.sha256:
        return True
    return other.evidence_id in _copies(one) or one.evidence_id in _copies(other)


def _copies(piece: Evidence) -> list[str]:
    told = (str(dict(f.data).get("copies", "")) for f in piece.findings if f.check == REUSED)
    return [evidence_id for copies in told for evidence_id in copies.split(", ") if evidence_id]


def together(views: Iterable[View], ordered: int = 0) -> Shown:
    """What different photos of one case show together; ``ordered`` pieces, 0 when that is not known.

    Photos that are copies of one another must be given once (:func:`views_of`). Pieces are what was ordered as long as no photo
    shows more of them than that; else (a box of five jin shows fifty berries) what the photo with most pieces shows stands for all.
    """
    given = tuple(views)
    pieces = _bounds([v.pieces for v in given], ordered)
    bad = _bounds([v.bad for v in given if v.share or (v.bad and v.bad[1])], ordered)
    if pieces and bad:
        bad = (min(bad[0], pieces[1]), min(bad[1], pieces[1]))
    return Shown(pieces, bad, _share(given, bad, ordered))


def _share(views: tuple[View, ...], bad: tuple[int, int] | None, ordered: int) -> tuple[float, float] | None:
    widest = max((v for v in views if v.pieces), key=lambda v: v.pieces or (0, 0), default=None)
    if ordered and bad and widest and widest.pieces and widest.pieces[0] <= ordered:
        return min(1.0, bad[0] / ordered), min(1.0, bad[1] / ordered)
    if widest and widest.pieces and widest.bad and widest.share and widest.pieces[0] > 1:
        (fewest, most), (least_bad, most_bad) = widest.pieces, widest.bad
        return min(1.0, least_bad / most), min(1.0, most_bad / fewest)
    told = [v.share for v in views if v.share]
    if not told or (ordered > 1 and widest is None):  # of several pieces, a part of what is visible says little about the order
        return None
    return max(low for low, _ in told), max(high for _, high in told)


def _bounds(counts: Iterable[tuple[int, int] | None], ordered: int) -> tuple[int, int] | None:
    """At least the most that one photo shows for certain, at most all together: ``ordered`` at most, unless one shows more."""
    told = [c for c in counts if c is not None]
    if not told:
        return None
    least, most = max(low for low, _ in told), sum(high for _, high in told)
    if ordered and ordered >= least:
        most = min(most, ordered)
    return least, max(least, most)


def _pair(data: dict[str, str | int | float | bool], name: str) -> tuple[int, int] | None:
    low, high = data.get(f"{name}_min"), data.get(f"{name}_max")
    if isinstance(low, int) and isinstance(high, int) and 0 <= low <= high:
        return int(low), int(high)
    return None


def _number(given: object) -> float | None:
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else None
