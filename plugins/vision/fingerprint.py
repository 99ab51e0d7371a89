"""Fingerprint: 64 bits that stay nearly the same when a photo is recompressed, scaled, mirrored, turned by quarters or cut.

The usual perceptual hash (signs of low cosine frequencies) with two changes. The picture fades out towards its edges, so that what
happens there (a cut, a frame, a line of text) counts little. And it is first turned the way its own light lies, so that mirrored
and turned copies end alike. ``python -m plugins.vision.measure fingerprint`` prints what this finds and where it is fooled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftersales.evidence import print_distance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 32
#: Up to this distance two prints count as the same photo; see ``measure fingerprint``.
SAME_UP_TO = 10


def fingerprint(rgb: NDArray[np.uint8]) -> str:
    """The print of an (H, W, 3) uint8 picture as 16 hex digits. Pillow and numpy only."""
    import numpy as np
    from PIL import Image

    grey = np.asarray(Image.fromarray(rgb).convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    fade = np.hanning(SIDE + 2)[1:-1] ** 2
    window = np.outer(fade, fade)
    light = _turned(_frequencies((grey - np.average(grey, weights=window)) * window))[:8, :8].ravel()
    bits = light > np.median(light[1:])
    return np.packbits(bits).tobytes().hex()


def distance(a: str, b: str) -> int:
    """In how many of 64 bits two prints differ."""
    return print_distance(a, b)


def _frequencies(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """The orthogonal cosine transform (type II) of a (SIDE, SIDE) picture."""
    import numpy as np

    k = np.arange(SIDE)
    waves = np.cos(np.pi / SIDE * (k[None] + 0.5) * k[:, None])
    return np.asarray(waves @ grey @ waves.T)


def _turned(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The frequencies of whichever of the eight turns and mirrors of the picture is its normal form.

    Its light changes more across than down, and the strongest of its low odd frequencies, across and down, begin light. Mirroring
    changes nothing but the sign of odd frequencies, so the choice is the same whichever of the eight comes in.
    """
    import numpy as np

    low = 4
    down, across = np.indices((low, low))
    if (light[:low, :low] ** 2 * np.sign(across - down)).sum() < 0:
        light = light.T
    light = light.copy()
    for odd, even, flipped in ((across, down, np.s_[:, 1::2]), (down, across, np.s_[1::2, :])):
        tellers = np.where((odd % 2 == 1) & (even % 2 == 0), light[:low, :low], 0.0).ravel()
        if tellers[np.abs(tellers).argmax()] < 0:
            light[flipped] *= -1
    return light
