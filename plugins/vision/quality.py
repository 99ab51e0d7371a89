"""Quality: is the photo large, lit and sharp enough to judge the goods by. Every threshold comes from the real photos.

``python -m plugins.vision.measure quality`` prints, per set of real photos, the share that each check turns away, and how many of
the same photos it turns away once they are darkened, bleached or blurred.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aftersales.decision import Finding, Source, Verdict
from plugins.vision.intake import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The short side of the file, in pixels: less than this and the networks look at made-up pixels. Phones give 3,000.
MIN_SIDE = 150
#: The short side of the working picture, in pixels: a strip is no photo of goods.
MIN_STRIP = 64
#: 95th percentile of luma (0..255). The darkest of 1,200 real photos has 57; photos darkened to a fifth have 32 to 51.
DARK_BELOW = 50.0
#: 3rd percentile of luma. Bleached: even the darkest parts are light. White catalogue pictures reach 199.
BRIGHT_ABOVE = 215.0
#: Standard deviation of each colour channel, the largest of three. Real photos begin at 10.
UNIFORM_BELOW = 8.0
#: How wide the sharpest edges are, in 1/512 of the long side. See ``edge_width``.
BLURRED_ABOVE = 4.0


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured: pixels, pixels, two luma percentiles in [0, 255], a standard deviation of colour, a width of edges."""

    short_side: int
    strip: int
    dark: float
    bright: float
    spread: float
    edge: float


def measure(picture: Picture) -> Quality:
    """The figures that the checks compare with their thresholds."""
    import cv2
    import numpy as np

    grey = np.asarray(cv2.cvtColor(fitted(picture.rgb, 512), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    dark, bright = (percentile(grey, share) for share in (95, 3))
    spread = float(cv2.meanStdDev(picture.rgb)[1].max())
    return Quality(min(picture.width, picture.height), min(picture.rgb.shape[:2]), dark, bright, spread, edge_width(grey))


def edge_width(grey: NDArray[np.uint8]) -> float:
    """The width (standard deviation) of the sharpest 0.5 % of edges, in 1/512 of the long side; the worse of two directions.

    A step blurred by s and then smoothed by 1 and by 3 has slopes 1/sqrt(s^2+1) and 1/sqrt(s^2+9): their quotient gives s whatever
    the contrast, and smoothing by 1 first keeps noise out. A moving hand blurs one direction only, hence the worse one counts.
    ``grey`` is (H, W) uint8.
    """
    import cv2
    import numpy as np

    fine, coarse = (cv2.GaussianBlur(grey.astype(np.float32), (0, 0), s) for s in (1.0, 3.0))
    widest = 0.0
    for dx, dy in ((1, 0), (0, 1)):
        slopes = [percentile(np.abs(cv2.Sobel(p, cv2.CV_32F, dx, dy, ksize=1)), 99.5) for p in (fine, coarse)]
        quotient = float(np.clip(slopes[0] / max(slopes[1], 1e-3), 1.001, 2.999))
        widest = max(widest, math.sqrt((9 - quotient * quotient) / (quotient * quotient - 1)))
    return widest * 512 / float(max(grey.shape))


def percentile(plane: NDArray[np.generic], share: float) -> float:
    """As numpy's, of numbers, in a tenth of the time: numpy looks for two places at once, which it is slow at."""
    import numpy as np

    place = (plane.size - 1) * share / 100
    upwards = np.partition(plane, int(place), axis=None)[int(place) :]
    low, high = float(upwards[0]), float(upwards[1:].min() if len(upwards) > 1 else upwards[0])
    return low + (high - low) * (place % 1)


def findings(found: Quality) -> tuple[Finding, ...]:
    """One finding per check: ``vision.large``, ``vision.lit`` and, where there is light to see by, ``vision.sharp``."""
    size = _finding("large", found.short_side, MIN_SIDE, "vision.too_small" if _small(found) else "")
    if found.spread < UNIFORM_BELOW and found.dark >= DARK_BELOW and found.bright <= BRIGHT_ABOVE:
        return size, _finding("lit", found.spread, UNIFORM_BELOW, "vision.uniform")
    if found.dark < DARK_BELOW:
        return size, _finding("lit", found.dark, DARK_BELOW, "vision.too_dark")
    if found.bright > BRIGHT_ABOVE:
        return size, _finding("lit", found.bright, BRIGHT_ABOVE, "vision.too_bright")
    lit = _finding("lit", found.dark, DARK_BELOW, "")
    return size, lit, _finding("sharp", found.edge, BLURRED_ABOVE, "vision.too_blurred" if found.edge > BLURRED_ABOVE else "")


def _small(found: Quality) -> bool:
    return found.short_side < MIN_SIDE or found.strip < MIN_STRIP


def _finding(check: str, value: float, limit: float, trouble: str) -> Finding:
    """The further the figure is from its limit, the more it counts: 0.5 at the limit, 1 at twice or at none of it."""
    confidence = round(min(1.0, 0.5 + abs(value - limit) / (2 * limit)), 3)
    data = (("limit", limit), ("value", round(value, 2)))
    verdict = Verdict.MISSING if trouble else Verdict.PASS
    return Finding(f"vision.{check}", verdict, trouble or f"vision.{check}", Source.MODEL, confidence, data)


def fitted(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """``rgb`` with its long side at most ``side``; never enlarged."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    share = side / max(height, width)
    if share >= 1:
        return rgb
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
