"""Layout: whether two pictures agree everywhere between the points that lie on each other, and where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.vision.alignment import Alignment, mirror, moved
from plugins.vision.bands import bands
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
    one, other, inside, scale = laid.one, laid.other, laid.inside, laid.scale
    seen = inside & laid.hull
    hidden = _hidden(laid, seen)
    covered = float(hidden[seen].mean())
    if covered > _MOST_COVERED:
        hidden, covered = np.zeros_like(hidden), 0.0
    clear = seen & ~hidden
    if clear.sum() < _FEWEST_PX:
        return None
    pattern, strange = _pattern(one, other, clear)
    around, _ = _pattern(one, other, inside & ~hidden)
    change = _change(one, other, clear)[clear]
    corners = np.array([[0, 0], [a.width, 0], [0, a.height], [a.width, a.height]], np.float32)
    shift = float(np.hypot(*(moved(corners, how.matrix) - corners).T).max())
    return Agreement(
        float(seen.mean()), covered, pattern, strange, around, float(change.max()), float(np.median(change)), scale, shift
    )


@dataclass(frozen=True, slots=True)
class _Laid:
    """The finer copy laid over the coarser one (``one``, ``other``), and as it was (``upper``), with the way (``matrix``).

    ``inside`` is where both are, ``hull`` what the points in agreement enclose.
    """

    one: Floats
    other: Floats
    inside: Mask
    hull: Mask
    scale: float
    upper: Floats
    matrix: NDArray[np.float64]


def _hidden(laid: _Laid, seen: Mask) -> Mask:
    """Where bands lie across one of the two: they run along the rows or columns of the picture that they were laid over."""
    import cv2
    import numpy as np

    left = np.minimum(*(np.abs(_left_over(x, y, seen)) for x, y in ((laid.one, laid.other), (laid.other, laid.one))))
    size, back = laid.upper.shape[::-1], cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    seen_there = cv2.warpPerspective(seen.astype(np.float32), laid.matrix, size, flags=back) > 0.5
    left_there = cv2.warpPerspective(left.astype(np.float32), laid.matrix, size, flags=back)
    there = bands(laid.upper, np.asarray(left_there, np.float32), np.asarray(seen_there))
    here = cv2.warpPerspective(there.astype(np.float32), laid.matrix, seen.shape[::-1]) > 0.1
    return np.asarray(here | bands(laid.other, np.asarray(left, np.float32), seen))


def _laid_over(a: Features, b: Features, how: Alignment) -> _Laid | None:
    """The finer copy laid over the coarser one; None where the way is no view of a picture or nothing is left."""
    import cv2
    import numpy as np

    to_a, to_b = _to_copy(a), _to_copy(b)
    matrix = to_b @ how.matrix @ np.linalg.inv(to_a)
    here, there = moved(how.here, to_a), moved(how.there, to_b)
    scale = _scale(matrix, here.mean(axis=0))
    if not 0.1 < scale < 10:
        return None
    upper, lower, points = (a.grey, b.grey, there) if scale <= 1 else (b.grey, a.grey, here)
    matrix = np.asarray(matrix if scale <= 1 else np.linalg.inv(matrix), np.float64)
    shrink = min(scale, 1 / scale)
    size = lower.shape[1], lower.shape[0]
    soft = cv2.GaussianBlur(upper, (0, 0), 0.45 / shrink) if shrink < 0.9 else upper
    laid = cv2.warpPerspective(soft.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpPerspective(np.ones(upper.shape, np.float32), matrix, size) > 0.99
    hull = np.zeros(lower.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    if (inside & (hull > 0)).sum() < _FEWEST_PX:
        return None
    return _Laid(_soft(laid), _soft(lower), np.asarray(inside), np.asarray(hull > 0), scale, _soft(upper), matrix)


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
