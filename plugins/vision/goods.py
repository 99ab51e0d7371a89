"""Goods: which part of a photo is produce, on light plain ground (paper, a plate, a white table). Elsewhere there is no answer.

All arrays are of the small picture, (H, W) with a long side of at most SIDE. Colours are CIE L*a*b*: light in [0, 100], chroma
(distance from grey) from 0 to about 100, hue in degrees. Where the numbers come from: ``measure spoilage`` and README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Plane = NDArray[np.float32]

SIDE = 320
#: The least share of the picture's rim that is light and nearly grey, for the ground to count as plain.
PLAIN_FROM = 0.5
#: Parts smaller than this share of the picture are crumbs, not goods.
CRUMB = 0.003


@dataclass(frozen=True, slots=True)
class Colours:
    """A photo as colours. ``rough`` is how much light differs from its surroundings of 3 px (0 to about 20): skin, mould, seeds."""

    light: Plane
    chroma: Plane
    a: Plane
    b: Plane
    rough: Plane
    void: Mask  # black frame, as left by turning a picture

    @property
    def hue(self) -> Plane:
        """The hue in degrees, in (-180, 180]: 0 pink, 30 red, 60 orange, 90 yellow, 130 green."""
        import numpy as np

        return np.degrees(np.arctan2(self.b, self.a))


@dataclass(frozen=True, slots=True)
class Goods:
    """Where the goods are. ``plain`` is how much of the rim is light and grey; ``share`` the goods' part of the picture."""

    mask: Mask
    plain: float

    @property
    def share(self) -> float:
        """The goods' part of the picture, in [0, 1]."""
        return float(self.mask.mean())


@dataclass(frozen=True, slots=True)
class Tone:
    """The goods' own sound colour: the median of their most colourful two fifths."""

    light: float
    chroma: float


def colours(rgb: NDArray[np.uint8]) -> Colours:
    """The colours of a small (H, W, 3) uint8 RGB picture, specks smoothed away."""
    import cv2
    import numpy as np

    lab = cv2.cvtColor(cv2.medianBlur(rgb, 5).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light, a, b = (np.asarray(plane, dtype=np.float32) for plane in cv2.split(lab))
    rough = cv2.GaussianBlur(cv2.absdiff(light, cv2.GaussianBlur(light, (0, 0), 3)), (0, 0), 2)
    void = _grown(at_rim(rgb.max(axis=2) < 12), 5)
    return Colours(light, np.hypot(a, b), a, b, np.asarray(rough, dtype=np.float32), void)


def find(seen: Colours) -> Goods | None:
    """The goods in the picture, None when the ground is not plain or nothing lies on it."""
    import numpy as np

    valid = ~seen.void
    rim = valid & ~shrunk(valid, 9)
    paper_rim = rim & (seen.light > 50) & (seen.chroma < 22)
    plain = float(paper_rim.sum() / max(1, rim.sum()))
    if plain < PLAIN_FROM:
        return None
    paper_light = float(np.median(seen.light[paper_rim]))
    off_paper = np.hypot(seen.a - np.median(seen.a[paper_rim]), seen.b - np.median(seen.b[paper_rim]))
    mask = _on_paper(seen, valid, paper_light, off_paper)
    if mask.sum() < 300:
        return None
    mask = opened(mask & ~_shadow(seen, mask), 9)
    return Goods(mask, plain) if mask.any() else None


def tone(seen: Colours, mask: Mask) -> Tone:
    """The sound colour of what lies under ``mask``, which is not empty."""
    import numpy as np

    best = mask & (seen.chroma >= np.percentile(seen.chroma[mask], 60))
    return Tone(float(np.median(seen.light[best])), float(np.median(seen.chroma[best])))


def _on_paper(seen: Colours, valid: Mask, paper_light: float, off_paper: Plane) -> Mask:
    """Everything that is not paper or its shadow, crumbs left out and holes filled unless paper shows through them."""
    import numpy as np

    lit = (off_paper < 15) & (seen.light > 0.6 * paper_light)
    shaded = (off_paper < 11) & (seen.light > 0.25 * paper_light) & (seen.rough < 2.5)
    ground = at_rim((valid & (lit | shaded)) | seen.void)
    ground |= (off_paper < 7) & (seen.light > 0.85 * paper_light) & (seen.rough < 1.2)
    mask = np.zeros_like(valid)
    for part in parts(opened(valid & ~ground, 7), CRUMB * valid.size):
        mask |= part
    holes = ~mask & ~at_rim(~mask)
    through = np.zeros_like(valid)
    for hole in parts(holes, 0.002 * valid.size):
        if np.median(off_paper[hole]) < 9 and np.median(seen.light[hole]) > 0.8 * paper_light and np.median(seen.rough[hole]) < 1.5:
            through |= hole
    mask = (mask | (holes & ~through)) & valid
    return mask | _mould(seen, mask, valid & (seen.light < 0.9 * paper_light))


def _mould(seen: Colours, mask: Mask, greyish: Mask) -> Mask:
    """Rough grey patches beside the goods: mould of the paper's own colour. What only surrounds an outline is too thin to count."""
    import numpy as np

    rough = _grown(greyish & ~mask & (seen.rough > 1.3), 5) & greyish & ~mask
    beside = _grown(mask, 7)
    found = np.zeros_like(mask)
    for part in parts(opened(rough, 11), 0.01 * mask.size):
        if (part & beside).any():
            found |= part
    return found


def _shadow(seen: Colours, mask: Mask) -> Mask:
    """Dull, smooth parts along the outline: the shadow that goods throw on the paper, tinted by the goods themselves."""
    import numpy as np

    sound = tone(seen, mask)
    dull = mask & (seen.chroma < 0.55 * sound.chroma) & (seen.light < 0.9 * sound.light)
    rim = _grown(~mask, 7)
    found = np.zeros_like(mask)
    for part in parts(dull, 20):
        core = part & ~rim
        smooth = core.sum() <= 10 or np.median(seen.rough[core]) < 1.6
        if smooth and (part & rim).sum() > 0.2 * (part & ~shrunk(part, 3)).sum():
            found |= part
    return found


# --- masks ------------------------------------------------------------------------------------------------------------
def parts(mask: Mask, least: float) -> list[Mask]:
    """The connected parts of ``mask`` with at least ``least`` pixels, largest first, at most 60 (beyond that it is noise)."""
    import cv2
    import numpy as np

    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    sizes = stats[:, cv2.CC_STAT_AREA]
    order = [int(i) for i in np.argsort(-sizes, kind="stable") if i > 0 and sizes[i] >= least]
    return [labels == i for i in order[:60]]


def at_rim(mask: Mask) -> Mask:
    """The parts of ``mask`` that touch the picture's rim."""
    import cv2
    import numpy as np

    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.zeros(int(labels.max()) + 1, dtype=np.bool_)
    touching[rim] = True
    touching[0] = False
    return np.asarray(touching[labels])


def opened(mask: Mask, size: int) -> Mask:
    """``mask`` without what a disc of that size does not fit into."""
    return _morphed("MORPH_OPEN", mask, size)


def shrunk(mask: Mask, size: int) -> Mask:
    """``mask`` less a rim of half that size; the picture's rim counts as outside."""
    return _morphed("MORPH_ERODE", mask, size)


def _grown(mask: Mask, size: int) -> Mask:
    return _morphed("MORPH_DILATE", mask, size)


def _morphed(operation: str, mask: Mask, size: int) -> Mask:
    import cv2
    import numpy as np

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    done = cv2.morphologyEx(mask.astype(np.uint8), getattr(cv2, operation), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(done > 0)
