"""Letters: where a photo seems to carry print, told in some milliseconds and without reading any of it.

Two kinds of print are looked for. Rows of marks: small dark or light specks of like height that stand side by side, as letters do.
Bars: patches whose light changes strongly in one direction and hardly in the other, as bar codes do. Skins, seeds and leaves make
specks too, but seldom rows of them. What is found is a reason to read, and what is masked where nothing can read.
``python -m plugins.vision.measure reading`` prints what it finds and where it is fooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aftersales.decision import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Numbers = NDArray[np.int64]

#: The long side of what is looked at, in pixels; letters of 6 to 45 px of height are seen. At the finer one small print is seen.
SIDE, FINE_SIDE = 640, 1024
#: On a picture that is smaller than this on one side nothing can be written.
LEAST_SIDE = 12
#: A mark differs from its surroundings of 13 px by this much light.
CONTRAST = 24
#: So many marks make a row; fewer are chance. A mark covers so many pixels at least.
ROW, MARK = 4, 8
#: At half that size, light steps by this much from pixel to pixel at the edge of a bar, and so much of a bar code are edges: up,
#: and as many down, in 255.
STEEP, DENSE = 24, 45.9
#: More marks than this are texture: the largest are kept.
MOST_MARKS = 400

#: Turns in degrees after which rows of any tilt are seen: a row may run askew by 15 degrees, across or down.
TURNS = (0, -45, -22, 22, 45)

#: (left, top, right, bottom) in fractions of width and height.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """So many ``marks`` side by side, and the four corners around them."""

    marks: int
    region: Region


@dataclass(frozen=True, slots=True)
class Letters:
    """``rows`` of marks, those with most marks first, and patches of ``bars``, four corners each."""

    rows: tuple[Row, ...] = ()
    bars: tuple[Region, ...] = ()

    @property
    def marks(self) -> int:
        """How many marks stand in rows."""
        return sum(row.marks for row in self.rows)

    @property
    def seen(self) -> bool:
        """Whether the photo is worth reading: a long row, several rows, or bars."""
        return bool(self.bars) or self.marks >= 2 * ROW or any(row.marks > ROW for row in self.rows)


def look(rgb: NDArray[np.uint8], turns: Sequence[int] = (0,), side: int = SIDE) -> Letters:
    """Where an (H, W, 3) uint8 picture seems to carry print, after each of the turns in degrees, at that long side in pixels."""
    import cv2
    import numpy as np

    from plugins.vision.quality import fitted

    grey = np.asarray(cv2.cvtColor(fitted(rgb, side), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    height, width = grey.shape
    if min(height, width) < LEAST_SIDE:
        return Letters()
    rows: list[Row] = []
    bars: list[Region] = []
    for turn in turns:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1)
        turned = np.asarray(cv2.warpAffine(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
        back = cv2.invertAffineTransform(matrix)
        rows += [Row(marks, _region(box, back, width, height)) for marks, box in _print(turned)]
        bars += [_region(box, back, width, height) for box in _bars(turned)]
    return Letters(tuple(sorted(rows, key=lambda row: -row.marks)[:60]), tuple(bars))


def corners(box: Box) -> Region:
    """The four corners of a box."""
    left, top, right, bottom = (round(min(1.0, max(0.0, side)), 3) for side in box)
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _region(box: Box, back: NDArray[np.generic], width: int, height: int) -> Region:
    """The corners of a box that was found on the turned picture, on the picture itself."""
    import numpy as np

    there = np.array([(x * width, y * height, 1.0) for x, y in corners(box)]) @ np.asarray(back, dtype=np.float64).T
    shares = np.clip(there / (width, height), 0, 1).round(3).tolist()
    return tuple((x, y) for x, y in shares)


def _print(grey: Grey) -> list[tuple[int, Box]]:
    """The rows of dark and of light marks, across and down."""
    import cv2
    import numpy as np

    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (13, 13))
    found: list[tuple[int, Box]] = []
    for operation in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        specks = cv2.threshold(cv2.morphologyEx(grey, operation, kernel), CONTRAST, 1, cv2.THRESH_BINARY)[1]
        covered = cv2.countNonZero(specks)
        if covered < ROW * MARK:
            continue
        numbers = cv2.CV_16U if covered < 2**16 else cv2.CV_32S  # the short ones take two thirds of the time
        stats = cv2.connectedComponentsWithStats(specks, connectivity=8, ltype=numbers)[2][1:].astype(np.int64)
        found += _rows(stats[:, (0, 1, 2, 3, 4)], grey.shape, upright=False)
        found += _rows(stats[:, (1, 0, 3, 2, 4)], grey.shape[::-1], upright=True)
    return found


def _rows(specks: Numbers, shape: tuple[int, ...], *, upright: bool) -> list[tuple[int, Box]]:
    """The rows among specks, (N, 5) of left, top, width, height and area; turned by the caller where rows run downwards."""
    import numpy as np

    width, height, area = specks[:, 2], specks[:, 3], specks[:, 4]
    letters = (height >= 6) & (height <= 45) & (width <= 1.8 * height + 4) & (area >= MARK) & (area < 0.9 * width * height + 8)
    marks = specks[letters]
    if len(marks) > MOST_MARKS:
        marks = marks[np.argsort(-marks[:, 3], kind="stable")[:MOST_MARKS]]
    marks = marks[np.argsort(marks[:, 0], kind="stable")]
    if len(marks) < ROW:
        return []
    rows = [chain for chain in _chains(_next(marks)) if len(chain) >= ROW]
    return [(len(chain), _box(marks[chain], shape, upright=upright)) for chain in rows]


def _next(marks: Numbers) -> NDArray[np.intp]:
    """For each mark, sorted from left to right, the nearest that could follow it in its row; -1 for none."""
    import numpy as np

    left, height = marks[:, 0], marks[:, 3]
    right, middle = left + marks[:, 2], marks[:, 1] + height / 2
    large, small = np.maximum(height[:, None], height[None]), np.minimum(height[:, None], height[None])
    gap = left[None] - right[:, None]
    follows = (left[None] > left[:, None]) & (gap > -0.3 * large) & (gap < 0.9 * large) & (large <= 1.7 * small)
    follows &= np.abs(middle[None] - middle[:, None]) < 0.35 * large
    near = np.where(follows, gap, 10_000)
    nearest = near.argmin(axis=1)
    return np.where(near[np.arange(len(marks)), nearest] < 10_000, nearest, -1)


def _chains(following: NDArray[np.intp]) -> list[list[int]]:
    """The chains that the links make, longest first, each mark in one of them."""
    length, before = [1] * len(following), [-1] * len(following)
    for i, j in enumerate(following.tolist()):
        if j >= 0 and length[i] + 1 > length[j]:
            length[j], before[j] = length[i] + 1, i
    chains, taken = [], [False] * len(following)
    for end in sorted(range(len(following)), key=lambda i: -length[i]):
        chain, at = [], end
        while at >= 0 and not taken[at]:
            taken[at] = True
            chain.append(at)
            at = before[at]
        chains.append(chain)
    return chains


def _box(marks: Numbers, shape: tuple[int, ...], *, upright: bool) -> Box:
    left, top = float(marks[:, 0].min() / shape[1]), float(marks[:, 1].min() / shape[0])
    right = float((marks[:, 0] + marks[:, 2]).max() / shape[1])
    bottom = float((marks[:, 1] + marks[:, 3]).max() / shape[0])
    return (top, left, bottom, right) if upright else (left, top, right, bottom)


def _bars(grey: Grey) -> tuple[Box, ...]:
    """The patches that look like bar codes, at most eight, largest first."""
    import cv2
    import numpy as np

    small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    height, width = small.shape
    across, down = (
        _alternating(np.asarray(cv2.Sobel(small, cv2.CV_16S, *way, ksize=1), dtype=np.int16)) for way in ((1, 0), (0, 1))
    )
    found: list[tuple[int, Box]] = []
    for strong, weak in ((across, down), (down, across)):
        if strong.max() <= DENSE:
            continue
        patch = ((strong > DENSE) & (strong > 2.5 * weak)).astype(np.uint8)
        for left, top, wide, high, area in cv2.connectedComponentsWithStats(patch, connectivity=4)[2][1:].tolist():
            if min(wide, high) >= 8 and area >= max(200, 0.004 * small.size, 0.55 * wide * high):
                found.append((area, (left / width, top / height, (left + wide) / width, (top + high) / height)))
    return tuple(box for _, box in sorted(found, reverse=True)[:8])


def _alternating(step: NDArray[np.int16]) -> Grey:
    """How much of the 11 px around each place are steps up and as many steps down, in [0, 255]: an outline has only one of them."""
    import cv2
    import numpy as np

    up, down = ((side.view(np.uint8) * np.uint8(255)) for side in (step > STEEP, step < -STEEP))
    return np.asarray(cv2.min(cv2.blur(up, (11, 11)), cv2.blur(down, (11, 11))), dtype=np.uint8)
