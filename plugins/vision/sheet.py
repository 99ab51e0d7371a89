"""Sheets: what is written on a photo, as one waybill and one label: whether they are there, how surely, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aftersales.decision import Region
from plugins.vision.personal import Personal, flat, kinds
from plugins.vision.reading import Line, Text
from plugins.vision.waybill import of_code, weight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: From this confidence on a line is taken at its word.
SURE = 0.8
#: So many lines and characters that are surely read make a label, whatever they say.
LABEL_LINES, LABEL_CHARACTERS = 3, 15
#: Where no words can be read, so many marks in rows beside bars make one.
LABEL_MARKS = 12
#: What stands on the labels of goods.
_LABEL = re.compile(
    r"净含量|净重|毛重|规格|等级|配料|保质期|生产日期|贮存|储存|保存|产地|产品名|品名|品种|执行标准|生产商|经销商|厂名|条码|批号|有机|营养成分"
    r"|net\s*w|ingredients|nutrition|best\s*before|use\s*by|exp\b|product\s*of|class\s*[i1]|organic|store\s*in|batch",
    re.IGNORECASE,
)
#: What belongs to one sheet lies no farther from the rest of it than so many lines are high.
REACH = 2.5
#: Where nothing could be read the rectangle around all print is taken to be larger by this share of its long side.
SPREAD = 0.2
#: Rows of fewer marks are seeds and spots as often as letters.
LONG_ROW = 6


@dataclass(frozen=True, slots=True)
class Sheets:
    """``label`` and ``waybill`` are how surely each is there, in [0, 1], 0.5 and more is "seen".

    ``label_regions`` are lines and codes that show the label; ``waybill_region`` is what the waybill covers, None where none is
    seen or nothing tells where.
    """

    label: float = 0.0
    waybill: float = 0.0
    label_regions: tuple[Region, ...] = ()
    waybill_region: Region | None = None

    @property
    def has_label(self) -> bool:
        """Whether a label of goods is seen."""
        return self.label >= 0.5

    @property
    def has_waybill(self) -> bool:
        """Whether a waybill is seen."""
        return self.waybill >= 0.5


def look(text: Text, scene: Mapping[str, float] | None = None) -> Sheets:
    """The sheets among what is written. ``scene``: probabilities in [0, 1] of another judge, by "label" and "waybill"."""
    guess = scene or {}
    waybill, signs = _waybill(text)
    label, shown = _label(text, {id(sign) for sign in signs})
    waybill = max(waybill, float(guess.get("waybill", 0.0)))
    region = around([*_regions(signs), *([] if signs else _everything(text))], text) if waybill >= 0.5 else None
    return Sheets(max(label, float(guess.get("label", 0.0))), waybill, tuple(_regions(shown))[:12], region)


def _waybill(text: Text) -> tuple[float, list[object]]:
    """How surely there is a waybill, and the lines and codes that say so. An address alone may be the maker's, on a label."""
    lines = [(weight(line.text), line) for line in text.lines if line.confidence >= SURE - 0.2]
    people = [line for _, line in lines if kinds(line.text) & {Personal.PHONE, Personal.ADDRESS}]
    strong: list[object] = [code for code in text.codes if of_code(code.kind, code.text)]
    strong += [line for points, line in lines if points == 2]
    carriers = [line for points, line in lines if points == 1]
    if strong:
        return min(0.99, 0.7 + 0.08 * len(strong)), [*strong, *carriers, *people]
    return (0.75, [*carriers, *people]) if carriers and people else (0.0, [])


def _label(text: Text, taken: set[int]) -> tuple[float, list[object]]:
    """How surely there is a label of goods, and the lines and codes that show it; what belongs to a waybill does not count."""
    codes: list[object] = [
        c for c in text.codes if id(c) not in taken and (c.kind.startswith(("EAN", "UPC", "DataBar")) or not taken)
    ]
    lines = [line for line in text.lines if line.confidence >= SURE and id(line) not in taken]
    named = [line for line in lines if _LABEL.search(flat(line.text))]
    characters = sum(len(re.sub(r"\W", "", line.text)) for line in lines)
    if codes:
        return 0.99, [*codes, *named]
    if named:
        return 0.95, list(named)
    if not taken and len(lines) >= LABEL_LINES and characters >= LABEL_CHARACTERS:
        return min(0.9, 0.6 + 0.03 * len(lines)), list(lines)
    if not text.read and text.letters.bars and text.letters.marks >= LABEL_MARKS:
        return 0.6, []
    return 0.0, []


def _regions(things: Sequence[object]) -> list[Region]:
    return [thing.region for thing in things if isinstance(thing, Line) or hasattr(thing, "region")]


def _everything(text: Text) -> list[Region]:
    """All that looks like print, where nothing says what it is: the longest row and the largest bars, to grow from."""
    return [*(code.region for code in text.codes), *(row.region for row in text.letters.rows[:1]), *text.letters.bars[:1]]


def pieces(text: Text) -> list[Region]:
    """Every place that carries print: lines, codes, long rows of marks, bars."""
    rows = [row.region for row in text.letters.rows if row.marks >= LONG_ROW]
    return [*(line.region for line in text.lines), *(code.region for code in text.codes), *rows, *text.letters.bars]


def around(seeds: Sequence[Region], text: Text) -> Region | None:
    """The outline of the seeds and of all print near to them, near to that, and so on."""
    import cv2
    import numpy as np

    if not seeds:
        return None
    scale = np.array([text.shape[1], text.shape[0]], dtype=np.float64)
    inside = [_points(seed, scale) for seed in seeds]
    waiting = [_points(piece, scale) for piece in pieces(text)]
    reach = REACH * min(float(np.median([_height(p) for p in inside])), 0.04 * max(text.shape))
    grown = True
    while grown and waiting:
        near = [any(_gap(p, q) <= reach for q in inside) for p in waiting]
        grown = any(near)
        inside += [p for p, is_near in zip(waiting, near, strict=True) if is_near]
        waiting = [p for p, is_near in zip(waiting, near, strict=True) if not is_near]
    hull = cv2.convexHull(np.concatenate(inside).astype(np.float32)).reshape(-1, 2)
    hull = hull if len(hull) <= 16 else cv2.boxPoints(cv2.minAreaRect(hull))
    return tuple((_share(x / scale[0]), _share(y / scale[1])) for x, y in hull.tolist())


def everything(text: Text, seed: Region) -> Region:
    """The rectangle around the seed and all print of the picture, and a little more."""
    import cv2
    import numpy as np

    scale = np.array([text.shape[1], text.shape[0]], dtype=np.float64)
    points = np.concatenate([_points(piece, scale) for piece in (seed, *pieces(text))]).astype(np.float32)
    middle, (wide, high), turn = cv2.minAreaRect(points)
    more = SPREAD * max(wide, high)
    corners = cv2.boxPoints((middle, (wide + more, high + more), turn))
    return tuple((_share(x / scale[0]), _share(y / scale[1])) for x, y in corners.tolist())


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 3)


def _points(region: Region, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(np.array(region) * scale)


def _height(points: NDArray[np.float64]) -> float:
    """The short side of the rectangle around the points."""
    import cv2
    import numpy as np

    return float(min(cv2.minAreaRect(points.astype(np.float32))[1]))


def _gap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """How far two polygons are apart, 0 where their boxes overlap; by their upright boxes."""
    import numpy as np

    apart = np.maximum(np.maximum(a.min(axis=0) - b.max(axis=0), b.min(axis=0) - a.max(axis=0)), 0)
    return float(np.hypot(*apart))
