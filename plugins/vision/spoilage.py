"""Spoilage: which part of the visible surface of the goods is rotten or mouldy, and how sure that is.

Classical vision: the goods' own sound colour is what most of their colourful surface has; much darker and duller, browner, or
greyer than that is spoiled. It knows nothing about fruit. README.md says what it measures and what it cannot do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.vision import goods
from plugins.vision.quality import fitted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plugins.vision.goods import Colours, Mask, Tone

#: From this share of the surface on, spoilage counts as clearly visible. Stems, seeds and shade of sound goods stay below.
SEEN_FROM = 0.15
#: Below this confidence nothing is said: a person looks.
SURE_FROM = 0.5
#: Roughness at which a dark patch is surely no shadow. Shadows on sound goods have 0.4 to 1.7, rot and mould 1.6 to 3.5.
ROUGH = 4.0
#: Chroma from which the goods' own colour is one to compare with. What is rotten all over is grey and brown throughout (10 to 20).
COLOURFUL = 40.0
#: The goods fill at least this part of the picture, else there is too little to see.
FILLS = 0.08

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Spoilage:
    """``share`` of the goods' visible surface in [0, 1], ``confidence`` in [0, 1], ``regions`` in fractions of width and height."""

    share: float
    confidence: float
    regions: tuple[Polygon, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether the photo is one that this can judge."""
        return self.confidence >= SURE_FROM

    @property
    def seen(self) -> bool:
        """Whether spoilage is clearly visible."""
        return self.sure and self.share >= SEEN_FROM


NOTHING = Spoilage(0.0, 0.0)


def estimate(rgb: NDArray[np.uint8]) -> Spoilage:
    """The spoilage on an (H, W, 3) uint8 RGB picture; NOTHING, with no confidence, where no goods are found. Deterministic."""
    found = masks(rgb)
    if found is None:
        return NOTHING
    seen, whole, surface, spoiled = found
    share = float(spoiled.sum() / surface.sum())
    colourful = goods.tone(seen, surface).chroma / COLOURFUL
    confidence = min(whole.plain, whole.share / FILLS, colourful, _solidity(seen, spoiled, share), 1.0)
    return Spoilage(round(share, 3), round(confidence, 3), _outlines(spoiled))


def masks(rgb: NDArray[np.uint8]) -> tuple[Colours, goods.Goods, Mask, Mask] | None:
    """The small picture's colours, the goods, their surface without its rim, and the spoiled part of it; None without goods."""
    seen = goods.colours(fitted(rgb, goods.SIDE))
    whole = goods.find(seen)
    if whole is None:
        return None
    surface = goods.shrunk(whole.mask, 7)
    if surface.sum() < 300:
        return None
    return seen, whole, surface, goods.opened(_unlike(seen, goods.tone(seen, surface)) & surface, 5)


def _unlike(seen: Colours, sound: Tone) -> Mask:
    """Where the colour is one that sound skin does not take: black or brown rot, grey or white mould. Glare is left out."""
    dark = (seen.light < 0.55 * sound.light) & (seen.chroma < 0.5 * sound.chroma)
    hue = seen.hue
    brown = (seen.light < 0.75 * sound.light) & (seen.chroma < 0.65 * sound.chroma) & (hue > 20) & (hue < 85)
    glare = (seen.light > 78) & (seen.rough < 1.5)
    grey = (seen.chroma < 0.35 * sound.chroma) & (seen.light >= 0.5 * sound.light) & ~glare
    return dark | brown | grey


def _solidity(seen: Colours, spoiled: Mask, share: float) -> float:
    """How surely the patches are no shade: by their roughness, from 0 up. Where there are hardly any, nothing can be wrong."""
    if share < SEEN_FROM / 3:
        return 1.0
    return float(seen.rough[spoiled].mean()) / ROUGH


def _outlines(spoiled: Mask) -> tuple[Polygon, ...]:
    """The outlines of the larger patches, largest first, at most 20, as (x, y) fractions of the picture."""
    import cv2
    import numpy as np

    height, width = spoiled.shape
    polygons: list[Polygon] = []
    for part in goods.parts(spoiled, 0.001 * spoiled.size)[:20]:
        outlines, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        around = cv2.approxPolyDP(max(outlines, key=len), 1.0, closed=True).reshape(-1, 2)
        polygons.append(tuple((round(float(x + 0.5) / width, 4), round(float(y + 0.5) / height, 4)) for x, y in around))
    return tuple(polygons)
