"""Bands: bars with or without writing that somebody laid across a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]

_DIFFERS = 25  # levels of grey


def bands(picture: Floats, left: Floats, seen: Mask) -> Mask:
    """Rows or columns where ``picture`` is of one colour, but for writing, and unlike the other; ``left`` is by how much."""
    import cv2
    import numpy as np

    found = np.zeros(seen.shape, np.uint8)
    for grey, differs, mask in ((picture, left > _DIFFERS, seen), (picture.T, left.T > _DIFFERS, seen.T)):
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
