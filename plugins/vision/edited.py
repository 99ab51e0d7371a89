"""Edited: was the photo changed after it was taken. Three signs that are sure enough to ask a person, and none that is not.

- *program*: the file names a program that changes pictures. Easily removed, never there by chance.
- *copied*: a part of the picture stands in it a second time, pixel by pixel. Repeated goods are alike but never the same; patterns
  (trays, print, cloth) fit in several places and are passed over.
- *painted*: a patch of one colour without any grain, in a picture whose grain is everywhere else.

Signs in the compression (blocks, error levels) are not used: messengers and scaling make them in honest photos.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aftersales.decision import Finding, Region, Source, Verdict
from plugins.vision.intake import Picture
from plugins.vision.quality import fitted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

#: Programs that change what a picture shows. Cameras' own programs, galleries and messengers are not among them.
_PROGRAMS = re.compile(
    r"photoshop(?! lightroom)|gimp|snapseed|picsart|美图|meitu|醒图|xingtu|facetune|pixelmator|affinity photo|paint\.net|photopea"
    r"|pixlr|fotor|canva|photoscape|polarr|黄油相机|轻颜|天天p图|touchretouch|photodirector|airbrush|inpaint|cleanup\.pictures"
    r"|corel|paintshop|krita|luminar|remini|stable diffusion|midjourney|firefly|dall",
    re.IGNORECASE,
)
#: The long side at which all is looked at, the area of a copy there in pixels, and how alike it is (correlation of 13 x 13).
SIDE, COPIED_FROM, ALIKE = 640, 600, 0.94
#: A part and its copy have the same light: less than this apart in the mean of 13 x 13, of 255.
LIGHT_APART = 4
#: Corners are compared with the nearest two of others that differ from them in so many of 256 bits at most.
NEAREST, BITS_APART = 2, 32
#: Of a painted patch: its range of values in 5 x 5, its least and largest share of the picture (grounds are larger), what may be
#: as flat elsewhere, and the range around it.
PLAIN, PAINTED_FROM, PAINTED_UP_TO, FLAT_ELSEWHERE, GRAIN = 1, 0.006, 0.15, 0.005, 8.0
_WINDOW = (13, 13)
_CONFIDENCE = {"program": 0.9, "copied": 0.8, "painted": 0.7}


def look(picture: Picture) -> Finding:
    """``vision.edited``: ``edited`` (UNSURE), ``data`` has the first ``sign`` found; or ``not_edited``, which promises little."""
    program = _PROGRAMS.search(picture.exif.software)
    if program:
        return _edited("program", (), (("program", program.group().lower()),))
    rgb = fitted(picture.rgb, SIDE)
    for sign, find in (("copied", copied), ("painted", painted)):
        regions = find(rgb)
        if regions:
            return _edited(sign, regions)
    return Finding("vision.edited", Verdict.PASS, "vision.not_edited", Source.MODEL, 0.6)


def _edited(sign: str, regions: tuple[Region, ...], more: tuple[tuple[str, str], ...] = ()) -> Finding:
    data = tuple(sorted((("sign", sign), *more)))
    return Finding("vision.edited", Verdict.UNSURE, "vision.edited", Source.MODEL, _CONFIDENCE[sign], data, regions=regions)


def copied(rgb: Bytes) -> tuple[Region, ...]:
    """The two places of a part that stands in the picture twice; () when there is none or it stands there more often."""
    import cv2
    import numpy as np

    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    soft = np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.7), dtype=np.float32)
    shifts = _shifts(grey, soft)
    if not shifts:
        return ()
    corners = _corners(soft)
    found = sorted(((_same(soft, corners, shift), shift) for shift in shifts), key=lambda each: -int(each[0].sum()))
    areas = [int(place.sum()) for place, _ in found]
    if areas[0] < COPIED_FROM or any(area > 0.3 * areas[0] for area in areas[1:]):
        return ()
    place, shift = found[0]
    return _box(place, (0, 0)), _box(place, shift)


def _shifts(grey: Bytes, soft: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The shifts (right, down) by which most corners find their like elsewhere, at most 6, each found 4 times or more."""
    import cv2
    import numpy as np

    finder = cv2.ORB.create(2000, nlevels=1, fastThreshold=6, edgeThreshold=16, patchSize=24)
    points, marks = finder.detectAndCompute(grey, None)
    if len(points) < 20:
        return []
    at = np.array([point.pt for point in points])
    right, down = np.round(at).astype(int).T
    one, other = _pairs(np.asarray(marks, np.uint8), np.asarray(cv2.blur(soft, _WINDOW))[down, right])
    apart = at[other] - at[one]
    apart[(apart[:, 1] < 0) | ((apart[:, 1] == 0) & (apart[:, 0] < 0))] *= -1  # each pair one way only
    apart = apart[np.hypot(*apart.T) > 32]
    chosen: list[tuple[int, int]] = []
    rough, counts = (
        np.unique(np.round(apart / 3).astype(int), axis=0, return_counts=True) if len(apart) else (apart, np.zeros(0, int))
    )
    for n in np.argsort(-counts)[:6]:
        near = apart[np.abs(apart - rough[n] * 3).max(1) <= 3]
        if len(near) < 4:
            break
        x, y = (int(v) for v in np.round(np.median(near, 0)))
        if all(max(abs(x - right), abs(y - down)) > 6 for right, down in chosen):
            chosen.append((x, y))
    return chosen


def _pairs(marks: Bytes, light: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of corners that look alike, as two rows of indices; none of corners that nothing of the same light looks like."""
    import cv2
    import numpy as np

    some = _alike_in_light(marks, light)
    if not len(some):
        return some, some
    bits, nearest = cv2.batchDistance(marks[some], marks, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=1 + NEAREST)
    row, column = np.nonzero(np.asarray(bits) <= BITS_APART)
    one, other = some[row], np.asarray(nearest)[row, column].astype(np.intp)
    once = one < other
    return one[once], other[once]


def _alike_in_light(marks: Bytes, light: NDArray[np.float32]) -> NDArray[np.intp]:
    """The corners that look like another whose light could be a copy's: an eighth of the comparisons of all with all."""
    import cv2
    import numpy as np

    band = (light / LIGHT_APART).astype(int)
    order = np.argsort(band, kind="stable")
    begins = np.searchsorted(band[order], np.arange(-1, int(band.max()) + 3)).tolist()
    found = np.zeros(len(marks), dtype=bool)
    for below, first, last, above in zip(begins, begins[1:], begins[2:], begins[3:], strict=False):
        if first < last and below + 1 < above:
            here, around = order[first:last], order[below:above]
            bits, _ = cv2.batchDistance(marks[here], marks[around], cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2)
            found[here] = np.asarray(bits)[:, 1] <= BITS_APART  # the nearest is the corner itself
    return np.nonzero(found)[0]


def _corners(soft: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much detail there is in every direction: the smaller eigenvalue of the slopes' products. Edges alone have none."""
    import cv2
    import numpy as np

    x, y = (cv2.Sobel(soft, cv2.CV_32F, *way) / 8 for way in ((1, 0), (0, 1)))
    xx, yy, xy = (cv2.blur(product, _WINDOW) for product in (x * x, y * y, x * y))
    return np.asarray((xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2), dtype=np.float32)


def _same(soft: NDArray[np.float32], corners: NDArray[np.float32], shift: tuple[int, int]) -> Mask:
    """The largest part of the picture that is the same ``shift`` further on: correlation, light and detail all have to agree."""
    import cv2
    import numpy as np

    (right, down), (high, wide) = shift, soft.shape
    here = (slice(max(0, -down), high - max(0, down)), slice(max(0, -right), wide - max(0, right)))
    a, b = soft[here], soft[max(0, down) : high + min(0, down), max(0, right) : wide + min(0, right)]
    mean_a, mean_b, off = (cv2.blur(p, _WINDOW) for p in (a, b, np.abs(a - b)))
    var_a, var_b = (np.maximum(cv2.blur(p * p, _WINDOW) - m * m, 1) for p, m in ((a, mean_a), (b, mean_b)))
    alike = (cv2.blur(a * b, _WINDOW) - mean_a * mean_b) / np.sqrt(var_a * var_b)
    whole = np.zeros(soft.shape, dtype=np.uint8)
    whole[here] = (alike > ALIKE) & (corners[here] > 6) & (np.abs(mean_a - mean_b) < LIGHT_APART) & (off < 5)
    whole = np.asarray(cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), dtype=np.uint8)
    return _largest(whole)


def painted(rgb: Bytes) -> tuple[Region, ...]:
    """The patch without grain; () when there is none. Black, white and pictures with other smooth parts are passed over."""
    import cv2
    import numpy as np

    square = np.ones((5, 5), np.uint8)
    grain = np.asarray(np.maximum.reduce(cv2.split(cv2.subtract(cv2.dilate(rgb, square), cv2.erode(rgb, square)))))
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    flat = ((grain <= PLAIN) & (light > 18) & (light < 236)).astype(np.uint8)
    if not PAINTED_FROM <= float(flat.mean()) <= PAINTED_UP_TO + FLAT_ELSEWHERE:
        return ()
    patch = _largest(flat)
    share, elsewhere = float(patch.mean()), float(flat.mean() - patch.mean())
    if not PAINTED_FROM <= share <= PAINTED_UP_TO or elsewhere > FLAT_ELSEWHERE:
        return ()
    inner, outer = (cv2.dilate(patch.astype(np.uint8), np.ones((n, n), np.uint8)) for n in (11, 25))
    ring = (outer - inner) > 0
    return (_box(patch, (0, 0)),) if ring.any() and float(np.median(grain[ring])) >= GRAIN else ()


def _largest(mask: Bytes) -> Mask:
    import cv2
    import numpy as np

    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    return np.asarray(parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if count > 1 else np.zeros(mask.shape, bool))


def _box(mask: Mask, shift: tuple[int, int]) -> Region:
    import numpy as np

    (rows, columns), (high, wide) = np.nonzero(mask), mask.shape
    edges = ((columns.min(), wide, 0), (rows.min(), high, 1), (columns.max() + 1, wide, 0), (rows.max() + 1, high, 1))
    left, top, right, bottom = (round(min(1.0, max(0.0, float((edge + shift[axis]) / side))), 3) for edge, side, axis in edges)
    return ((left, top), (right, top), (right, bottom), (left, bottom))
