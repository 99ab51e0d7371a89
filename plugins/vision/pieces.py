"""Pieces: how many are on a photo, and how many of them are bad. What several photos say together is `aftersales.shown`'s."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.vision.session import card
from plugins.vision.sight import NAME

if TYPE_CHECKING:
    from plugins.vision.sight import Sight

#: Fewest and most, both included.
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spot:
    """One piece: its middle in cells of the sight, how sure it is one, and how surely it is bad; both in [0, 1]."""

    x: float
    y: float
    sure: float
    bad: float


def spots(seen: Sight) -> tuple[Spot, ...]:
    """The peaks of the middles, surest first: each higher than everything around it."""
    import cv2
    import numpy as np

    limits = card(NAME)["pieces"]
    smooth = cv2.GaussianBlur(seen.middle, (0, 0), 0.7)
    top = cv2.dilate(smooth, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((smooth >= top) & (smooth > float(limits["peak"])))
    order = np.argsort(-smooth[rows, columns], kind="stable")[:80]
    found: list[tuple[float, float, float]] = []
    for at in order:
        x, y = float(columns[at]), float(rows[at])
        if all((x - a) ** 2 + (y - b) ** 2 > 4.0 for a, b, _ in found):
            found.append((x, y, float(smooth[rows[at], columns[at]])))
    return _graded(seen, found)


def _graded(seen: Sight, found: Sequence[tuple[float, float, float]]) -> tuple[Spot, ...]:
    """The peaks with how bad their piece is: the bad part of the goods that are nearest to them."""
    import numpy as np

    if not found:
        return ()
    high, wide = seen.goods.shape
    rows, columns = np.mgrid[:high, :wide].astype(np.float32)
    far = np.stack([(columns - x) ** 2 + (rows - y) ** 2 for x, y, _ in found])
    owner = far.argmin(axis=0)
    goods = seen.goods > 0.5
    reach = 1.6 * goods.sum() / len(found) / np.pi
    near = goods & (far.min(axis=0) < max(4.0, 1.5 * float(reach)))
    made = []
    for at, (x, y, sure) in enumerate(found):
        mine = near & (owner == at)
        bad = float(seen.bad[mine].mean()) if mine.any() else float(seen.bad[int(y), int(x)])
        made.append(Spot(x + 0.5, y + 0.5, sure, bad))
    return tuple(made)


def counted(found: Sequence[Spot]) -> Range | None:
    """How many pieces these are; None where none is seen, where it is not clear what is one, or where the range says nothing."""
    limits = card(NAME)["pieces"]
    count = expected(found, float(limits["counts"]))
    if count == 0 or unclear(found, float(limits["counts"])):
        return None
    low, high = stretched(count, limits)
    return (max(1, low), high) if high - low <= max(2.0, float(limits["widest"]) * count) else None


def counted_bad(found: Sequence[Spot], pieces: Range | None, *, seen: bool) -> Range | None:
    """How many of them are bad: any number where spoilage is not ``seen``, else at least one; None where nothing was counted."""
    if pieces is None:
        return None
    if not seen:
        return 0, pieces[1]
    limits = card(NAME)["bad_pieces"]
    middle, width = expected_bad(found, float(card(NAME)["pieces"]["counts"]))
    low, high = _whole(middle + float(limits["low"]) * width), _whole(middle + float(limits["high"]) * width)
    most = max(1, min(pieces[1], high))
    return min(max(1, low), most), most


def expected_bad(found: Sequence[Spot], counts: float) -> tuple[float, float]:
    """How many pieces are bad, by how surely each of them is, and how far that may be off: the pieces in doubt make it wide."""
    bad = [spot.bad for spot in found if spot.sure > counts]
    return sum(bad), math.sqrt(0.25 + sum(share * (1 - share) for share in bad))


def expected(found: Sequence[Spot], counts: float) -> int:
    """The number of peaks that count as pieces: those higher than ``counts``."""
    return sum(spot.sure > counts for spot in found)


def unclear(found: Sequence[Spot], counts: float) -> bool:
    """Whether many more peaks nearly count: what is one piece cannot be told, as in a heap."""
    return expected(found, counts / 2) > 1.4 * expected(found, counts) + 1


def stretched(count: float, limits: dict[str, Any]) -> Range:
    """The range that holds nine times in ten: the count less and plus so many widths, measured in calibration."""
    width = float(limits["width"]) + float(limits["per_piece"]) * count
    low, high = count + float(limits["low"]) * width, count + float(limits["high"]) * width
    return _whole(low), _whole(high)


def _whole(count: float) -> int:
    return max(0, int(count + 0.5))
