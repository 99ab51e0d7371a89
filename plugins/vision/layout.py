"""Layout: whether two pictures agree everywhere between the points that lie on each other, and where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.vision.alignment import Alignment, mirror, moved
from plugins.vision.features import Features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]

_WINDOW = 9  # px of the small copies: what is compared at once
_PLACE = 7  # px: a place whose light may have changed
_WIDE = 61  # px: light that changes more slowly than this is no difference
_TEXTURE = 16.0  # variance of grey from which a window shows something
_FEWEST_PX = 100
_MOST_COVERED = 0.4  # bands that cover more are none, but a different scene


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two pictures agree where both can be seen.

    ``share`` of the coarser copy is compared; ``covered`` of that lies under bands of one colour laid over one of them and is
    left out. ``pattern`` is the mean correlation of windows with texture, ``strange`` the share of them that hardly correlate.
    ``around`` is the same correlation over all that both pictures show, also where no points lie on each other.
    ``change`` is the largest difference of light in a small place, in units of the picture's contrast, ``usual`` the median one.
    ``scale`` is how much larger the second picture shows the first, ``shift`` how far (px of 400) the first one's corners move.
    """

    share: float
    covered: float
    pattern: float
    strange: float
    around: float
    change: float
    usual: float
    scale: float
    shift: float


def compared(a: Features, b: Features, how: Alignment) -> Agreement | None:
    """How ``a`` and ``b`` agree on the way ``how``; None where that way bends a picture beyond use or too little is left to see."""
    import numpy as np

    a = mirror(a) if how.mirrored else a
    laid = _laid_over(a, b, how)
    if laid is None:
        return None
    one, other, inside, hull, scale = laid
    seen = inside & hull
    left = np.minimum(*(np.abs(_left_over(x, y, seen)) for x, y in ((one, other), (other, one))))
    bands = _bands(one, left, seen) | _bands(other, left, seen)
    covered = float(bands[seen].mean())
    if covered > _MOST_COVERED:
        bands, covered = np.zeros_like(bands), 0.0
    clear = seen & ~bands
    if clear.sum() < _FEWEST_PX:
        return None
    pattern, strange = _pattern(one, other, clear)
    around, _ = _pattern(one, other, inside & ~bands)
    change = _change(one, other, clear)[clear]
    corners = np.array([[0, 0], [a.width, 0], [0, a.height], [a.width, a.height]], np.float32)
    shift = float(np.hypot(*(moved(corners, how.matrix) - corners).T).max())
    return Agreement(
        float(seen.mean()), covered, pattern, strange, around, float(change.max()), float(np.median(change)), scale, shift
    )


def _laid_over(a: Features, b: Features, how: Alignment) -> tuple[Floats, Floats, Mask, Mask, float] | None:
    """The finer copy laid over the coarser one, that one; where both are, what the points in agreement enclose; the scale."""
    import cv2
    import numpy as np

    to_a, to_b = _to_copy(a), _to_copy(b)
    matrix = to_b @ how.matrix @ np.linalg.inv(to_a)
    here, there = moved(how.here, to_a), moved(how.there, to_b)
    scale = _scale(matrix, here.mean(axis=0))
    if not 0.1 < scale < 10:
        return None
    upper, lower, points = (a.grey, b.grey, there) if scale <= 1 else (b.grey, a.grey, here)
    matrix = matrix if scale <= 1 else np.linalg.inv(matrix)
    shrink = min(scale, 1 / scale)
    size = lower.shape[1], lower.shape[0]
    soft = cv2.GaussianBlur(upper, (0, 0), 0.45 / shrink) if shrink < 0.9 else upper
    laid = cv2.warpPerspective(soft.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpPerspective(np.ones(upper.shape, np.float32), matrix, size) > 0.99
    hull = np.zeros(lower.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    if (inside & (hull > 0)).sum() < _FEWEST_PX:
        return None
    return _soft(laid), _soft(lower), np.asarray(inside), np.asarray(hull > 0), scale


def _soft(grey: NDArray[np.generic]) -> Floats:
    import cv2
    import numpy as np

    return np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.8), np.float32)


def _to_copy(f: Features) -> NDArray[np.float64]:
    """From px of the points to px of the small copy; centres of pixels lie on whole numbers in both."""
    import numpy as np

    x, y = f.grey.shape[1] / f.width, f.grey.shape[0] / f.height
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])


def _scale(matrix: NDArray[np.float64], at: Floats) -> float:
    """How much larger ``matrix`` makes what lies around a point."""
    import numpy as np

    corner = moved((at + np.array([[0, 0], [1, 0], [0, 1]])).astype(np.float32), matrix)
    (ax, ay), (bx, by) = corner[1] - corner[0], corner[2] - corner[0]
    return float(np.sqrt(abs(ax * by - ay * bx)))


def _sums(values: Floats, mask: Mask, side: int) -> Floats:
    """Sums over the part under the mask of the window around each pixel."""
    import cv2
    import numpy as np

    masked = values * mask.astype(np.float32)
    return np.asarray(cv2.boxFilter(masked, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT), np.float32)


def _pattern(one: Floats, other: Floats, clear: Mask) -> tuple[float, float]:
    """How the texture of both correlates, window by window: the mean, and the share of windows where it hardly does."""
    import numpy as np

    n = np.maximum(_sums(np.ones_like(one), clear, _WINDOW), 1)
    mean_one, mean_other = _sums(one, clear, _WINDOW) / n, _sums(other, clear, _WINDOW) / n
    var_one = np.maximum(_sums(one * one, clear, _WINDOW) / n - mean_one**2, 0)
    var_other = np.maximum(_sums(other * other, clear, _WINDOW) / n - mean_other**2, 0)
    both = _sums(one * other, clear, _WINDOW) / n - mean_one * mean_other
    shown = clear & (np.minimum(var_one, var_other) > _TEXTURE / 4) & (np.maximum(var_one, var_other) > _TEXTURE)
    if not shown.any():
        return 0.0, 1.0
    alike = (both / (np.sqrt(var_one * var_other) + 4))[shown]
    return float(alike.mean()), float((alike < 0.4).mean())


def _change(one: Floats, other: Floats, clear: Mask) -> Floats:
    """How much the light differs around each pixel, beyond what a filter for the whole picture would do."""
    import numpy as np

    told = []
    for x, y in ((one, other), (other, one)):
        left = _left_over(x, y, clear)
        slow = _sums(left, clear, _WIDE) / np.maximum(_sums(np.ones_like(left), clear, _WIDE), 1)
        place = np.maximum(_sums(np.ones_like(left), clear, _PLACE), _PLACE**2 / 2)
        told.append(np.abs(_sums(np.asarray(left - slow, np.float32), clear, _PLACE)) / place / np.sqrt(y[clear].var() + 20))
    return np.asarray(np.minimum(*told), np.float32)


def _left_over(x: Floats, y: Floats, clear: Mask) -> Floats:
    """What of ``y`` no filter makes of ``x``: each level of grey becomes what it mostly becomes."""
    import numpy as np

    at = np.digitize(x[clear], np.linspace(0, 255, 18))
    known = [(x[clear][at == k].mean(), np.median(y[clear][at == k])) for k in np.unique(at) if (at == k).sum() > 20]
    if not known:
        return np.zeros_like(x)
    levels, become = np.array(known).T
    return np.asarray(y - np.interp(x, levels, become), np.float32)


def _bands(picture: Floats, left: Floats, seen: Mask) -> Mask:
    """Rows or columns where ``picture`` is of one colour, but for writing, and does not agree with the other."""
    import cv2
    import numpy as np

    found = np.zeros(seen.shape, np.uint8)
    for grey, differs, mask in ((picture, left > 25, seen), (picture.T, left.T > 25, seen.T)):
        plain = np.array([_plain(grey[y][mask[y]], differs[y][mask[y]]) for y in range(len(grey))], np.uint8).reshape(-1, 1)
        whole = cv2.morphologyEx(plain, cv2.MORPH_CLOSE, np.ones((17, 1), np.uint8))
        tall = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((7, 1), np.uint8))
        rows = cv2.dilate(tall, np.ones((9, 1), np.uint8))
        band = np.broadcast_to(np.asarray(rows, np.uint8), grey.shape)
        found |= band if grey is picture else band.T
    return found > 0


def _plain(row: Floats, differs: Mask) -> bool:
    import numpy as np

    if len(row) < 12 or differs.mean() < 0.35:
        return False
    levels = np.bincount((row / 12).astype(np.int64), minlength=23)
    return bool((levels[:-1] + levels[1:]).max() > 0.4 * len(row))
