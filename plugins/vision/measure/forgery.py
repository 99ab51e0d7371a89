"""Forgeries made from real photos: what the check for edits is measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

KINDS = ("cloned", "brushed", "spliced")


def forged(rgb: Bytes, other: Bytes, kind: str, chance: Generator) -> Bytes:
    """``rgb`` with a soft-edged patch of 12 to 26 % of its side: a copy of its own, one flat colour, or a piece of ``other``."""
    import cv2
    import numpy as np

    high, wide = rgb.shape[:2]
    radius = chance.uniform(0.06, 0.13) * np.sqrt(high * wide)
    patch = _blob((high, wide), radius, chance)
    soft = cv2.GaussianBlur(patch, (0, 0), 1.2 if kind == "brushed" else 2.0)[..., None] / 255
    source = rgb.astype(np.float32)
    if kind == "brushed":
        paint = np.array([chance.uniform(40, 120), chance.uniform(20, 80), chance.uniform(10, 50)])
        out = source * (1 - soft) + paint * soft
    elif kind == "spliced":
        share = max(high / other.shape[0], wide / other.shape[1])
        piece = cv2.resize(other, (int(other.shape[1] * share) + 1, int(other.shape[0] * share) + 1))[:high, :wide]
        out = source * (1 - soft) + piece * soft
    else:
        rows, columns = np.nonzero(patch)
        down, right = 0, 0
        for _ in range(30):
            down = int(chance.integers(-rows.min(), high - rows.max()))
            right = int(chance.integers(-columns.min(), wide - columns.max()))
            if np.hypot(down, right) > 2 * radius:
                break
        laid = np.roll(soft, (down, right), (0, 1))
        out = source * (1 - laid) + np.roll(source, (down, right), (0, 1)) * laid
    return saved(out.clip(0, 255).astype(np.uint8), int(chance.integers(75, 96)))


def saved(rgb: Bytes, quality: int, long: int = 0) -> Bytes:
    """``rgb`` as it comes back from a JPEG of this quality, made ``long`` px long before where that is not 0."""
    import cv2
    import numpy as np

    if long and long < max(rgb.shape):
        share = long / max(rgb.shape)
        rgb = np.asarray(cv2.resize(rgb, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    packed = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    again = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert again is not None  # it was written a line above
    return np.asarray(cv2.cvtColor(again, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _blob(shape: tuple[int, int], radius: float, chance: Generator) -> Bytes:
    import cv2
    import numpy as np

    centre = [chance.uniform(min(radius, side / 2), max(side - radius, side / 2)) for side in shape[::-1]]
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    far = radius * chance.uniform(0.7, 1.3, 10)
    points = np.stack([centre[0] + far * np.cos(angles), centre[1] + far * np.sin(angles)], 1).astype(np.int32)
    out = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(out, [points], 255)
    return out
