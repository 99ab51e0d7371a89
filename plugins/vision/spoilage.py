"""Spoilage: how much of the visible goods is rotten, where, on how many pieces, and how sure that is.

A trained network looks (``sight``); what its answers are worth was measured on photos that it was not trained on, and stands in
``models/spoilage/card.toml``. It supports a claim or says that it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aftersales.decision import Finding, Source, Verdict
from plugins.vision import pieces
from plugins.vision.session import card
from plugins.vision.sight import HALF, NAME, Margin, Sight, look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aftersales.decision import Region
    from plugins.vision.pieces import Range

#: Goods that fill less than this part of what was looked at are too little to judge by.
LEAST_GOODS = 0.02
#: At most this many regions, of at most this many points, in fractions of the picture with three decimals.
REGIONS, POINTS = 12, 16


@dataclass(frozen=True, slots=True)
class Spoilage:
    """What a picture shows of spoilage.

    ``share`` of the goods' visible surface is rotten, in [0, 1]; nine times in ten between ``share_low`` and ``share_high``.
    ``confidence`` is the probability that spoiled goods are to be seen. ``sure``: that they are, or that they are not, can be said.
    ``seen``: spoilage is clearly visible. ``pieces`` and ``bad_pieces`` are (fewest, most), None where they could not be counted.
    ``regions`` surround rot, ``outlines`` lie on the counted pieces, bad ones first; both in fractions of the picture.
    """

    share: float
    share_low: float
    share_high: float
    confidence: float
    sure: bool = False
    seen: bool = False
    regions: tuple[Region, ...] = ()
    pieces: Range | None = None
    bad_pieces: Range | None = None
    outlines: tuple[Region, ...] = ()


NOTHING = Spoilage(0.0, 0.0, 1.0, 0.0)


def estimate(rgb: NDArray[np.uint8]) -> Spoilage:
    """The spoilage on an (H, W, 3) uint8 RGB picture; NOTHING, with no confidence, where no goods are found. Deterministic."""
    return judged(look(rgb))


def judged(seen: Sight) -> Spoilage:
    """What the maps say."""
    figures = Figures.of(seen)
    if figures.goods < LEAST_GOODS:
        return NOTHING
    limits = card(NAME)["decision"]
    confidence = chance(figures, limits)
    clear = confidence >= float(limits["seen_from"]) and not figures.torn(limits)
    share, low, high = span(figures, card(NAME)["share"])
    found = pieces.spots(seen)
    count = pieces.counted(found)
    bad = pieces.counted_bad(found, count, seen=clear)
    return Spoilage(
        round(share, 3),
        round(low, 3),
        round(high, 3),
        round(confidence, 3),
        sure=clear or confidence <= float(limits["sound_to"]),
        seen=clear,
        regions=_regions(seen),
        pieces=count,
        bad_pieces=bad,
        outlines=_circles(seen, found) if count else (),
    )


def findings(seen: Spoilage) -> tuple[Finding, Finding]:
    """``vision.spoilage`` and ``vision.pieces``. They support a claim or leave it to a person; they never speak against a buyer.

    The share and its range (``spoiled_share``, ``share_low``, ``share_high`` in [0, 1], ``spoiled_percent``) are told only where
    spoilage is seen: what is not seen may still be there, and a low share would be a guess.
    """
    verdict = Verdict.PASS if seen.seen else Verdict.UNSURE
    reason = "vision.spoiled" if seen.seen else "vision.not_seen" if seen.sure else "vision.unsure"
    share: dict[str, float] = {}
    if seen.seen:
        share = {"share_high": seen.share_high, "share_low": seen.share_low}
        share |= {"spoiled_percent": round(100 * seen.share), "spoiled_share": seen.share}
    regions = seen.regions if seen.seen or not seen.sure else ()
    spoiled = Finding(
        "vision.spoilage", verdict, reason, Source.MODEL, seen.confidence, tuple(sorted(share.items())), regions=regions
    )
    if seen.pieces is None or seen.bad_pieces is None:
        return spoiled, Finding("vision.pieces", Verdict.PASS, "vision.not_counted", Source.MODEL, 0.0)
    (least, most), (bad_least, bad_most) = seen.pieces, seen.bad_pieces
    counts: dict[str, int | str] = {"pieces": _told(seen.pieces), "pieces_max": most, "pieces_min": least}
    if seen.seen:
        counts |= {"bad": _told(seen.bad_pieces), "bad_max": bad_most, "bad_min": bad_least}
    counted = "vision.counted" if seen.seen else "vision.counted_alone"
    holds, data = float(card(NAME)["pieces"]["holds"]), tuple(sorted(counts.items()))
    return spoiled, Finding("vision.pieces", Verdict.PASS, counted, Source.MODEL, holds, data, regions=seen.outlines)


def _told(count: Range) -> str:
    """A range in figures that every language reads: "3", or "3-5"."""
    return str(count[0]) if count[0] == count[1] else f"{count[0]}-{count[1]}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What the decision is made of: the rotten and the bad share of the goods, the worst places, and the margins of both looks."""

    goods: float
    rot: float
    bad: float
    worst_rot: float
    worst_bad: float
    margins: tuple[Margin, Margin]

    @classmethod
    def of(cls, seen: Sight) -> Figures:
        """The figures of the maps. ``goods`` is the goods' part of the window."""
        import cv2
        import numpy as np

        area = float(seen.goods.sum()) + 1e-6
        rot, bad = seen.rot * seen.goods, seen.bad * seen.goods
        worst_rot, worst_bad = (float(np.asarray(cv2.blur(plane, (3, 3))).max()) for plane in (rot, bad))
        here = float((seen.goods > HALF).mean())
        return cls(here, float(rot.sum()) / area, float(bad.sum()) / area, worst_rot, worst_bad, seen.margins)

    def terms(self) -> tuple[float, ...]:
        """The terms of the logistic regression: both looks' margins over sound, the lesser one, the worst places as log odds."""
        first, second = (max(-8.0, min(8.0, margin.sound)) for margin in self.margins)
        return first + second, min(first, second), _odds(self.worst_bad), _odds(self.worst_rot)

    def torn(self, limits: Mapping[str, Any]) -> bool:
        """Whether the two looks disagree: one of them alone would have called it sound, or only blemished."""
        return min(margin.alone for margin in self.margins) < float(limits["each_from"])


def chance(figures: Figures, limits: Mapping[str, Any]) -> float:
    """The calibrated probability that spoiled goods are to be seen."""
    weights = limits["weights"]
    odds = float(limits["bias"]) + sum(float(w) * term for w, term in zip(weights, figures.terms(), strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def span(figures: Figures, limits: Mapping[str, Any]) -> tuple[float, float, float]:
    """(share, low, high): the rotten share of the goods and the range that holds nine times in ten."""
    share = max(0.0, min(1.0, figures.rot))
    width = float(limits["width"]) + math.sqrt(share * (1 - share))
    low = max(0.0, share + float(limits["low"]) * width)
    high = min(1.0, share + float(limits["high"]) * width)
    return share, low, max(high, min(1.0, figures.bad))


def _odds(probability: float) -> float:
    inside = max(0.003, min(0.997, probability))
    return math.log(inside / (1 - inside))


def _regions(seen: Sight) -> tuple[Region, ...]:
    """The outlines of rot, largest first; of bad pieces where no rot stands out."""
    import numpy as np

    goods = seen.goods > HALF
    rot = (seen.rot > HALF) & goods
    marked = rot if rot.sum() >= 3 else (seen.bad > HALF) & goods
    return _outlined(seen, np.asarray(marked))


def _outlined(seen: Sight, marked: NDArray[np.bool_]) -> tuple[Region, ...]:
    import cv2
    import numpy as np

    large = cv2.resize(marked.astype(np.float32), None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    outlines, _ = cv2.findContours((large > HALF).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    sized = sorted(((cv2.contourArea(line), line) for line in outlines), key=lambda pair: -pair[0])
    found: list[Region] = []
    for area, line in sized[:REGIONS]:
        if area < 24:
            break
        found.append(tuple(_rounded(*seen.place(float(x + 0.5) / 4, float(y + 0.5) / 4)) for x, y in _simple(line)))
    return tuple(found)


def _simple(line: Any) -> Any:
    """The outline with at most POINTS points."""
    import cv2

    slack = 1.0
    while True:
        simple = cv2.approxPolyDP(line, slack, closed=True).reshape(-1, 2)
        if len(simple) <= POINTS:
            return simple
        slack *= 1.4


def _circles(seen: Sight, found: tuple[pieces.Spot, ...]) -> tuple[Region, ...]:
    """A small diamond on each counted piece, the bad ones first."""
    limits = card(NAME)["pieces"]
    size = 0.35 * math.sqrt(float((seen.goods > HALF).sum()) / max(1, len(found)))
    made: list[Region] = []
    for spot in sorted(found, key=lambda spot: -spot.bad):
        if spot.sure > float(limits["counts"]) and len(made) < REGIONS:
            corners = ((0, -size), (size, 0), (0, size), (-size, 0))
            made.append(tuple(_rounded(*seen.place(spot.x + dx, spot.y + dy)) for dx, dy in corners))
    return tuple(made)


def _rounded(x: float, y: float) -> tuple[float, float]:
    return round(max(0.0, min(1.0, x)), 3), round(max(0.0, min(1.0, y)), 3)
