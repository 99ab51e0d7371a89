"""How many real photos each quality check turns away, and how many of the same once they are spoiled on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aftersales.decision import Verdict
from plugins.vision import quality
from plugins.vision.intake import Picture
from plugins.vision.measure.photos import listed, pixels, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Harm = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


def report(data: Path, most: int) -> None:
    """Print a table per set, then what became of harmed copies."""
    sets: dict[str, list[Path]] = {}
    for photo in listed(data):
        sets.setdefault(photo.set, []).append(photo.path)
    print(f"quality: photos turned away, of at most {most} per set\n{'set':24} photos  turned away, by reason")
    kept: list[NDArray[np.uint8]] = []
    for name, photos in sets.items():
        chosen = photos[:: max(1, len(photos) // most)][:most]
        reasons: Counter[str] = Counter()
        for path in shown(chosen, name):
            rgb = pixels(path)
            found = _turned_away(rgb)
            reasons.update([found] if found else [])
            kept += [] if found else [rgb]
        print(f"{name:24} {len(chosen):6}  {', '.join(f'{k} {n}' for k, n in reasons.most_common()) or '-'}")
    print("\nthe same photos, harmed: share that is turned away")
    sample = kept[:: max(1, len(kept) // 200)]
    for what, harm in _harms().items():
        caught = sum(_turned_away(_bytes(harm(rgb))) != "" for rgb in shown(sample, what))
        print(f"{what:44} {caught / len(sample):5.0%} of {len(sample)}")


def _turned_away(rgb: NDArray[np.uint8]) -> str:
    found = quality.findings(quality.measure(Picture(rgb, rgb.shape[1], rgb.shape[0], "JPEG")))
    return next((f.reason for f in found if f.verdict is Verdict.MISSING), "")


def _bytes(rgb: NDArray[np.float64]) -> NDArray[np.uint8]:
    import numpy as np

    return np.clip(rgb, 0, 255).astype(np.uint8)


def _harms() -> dict[str, Harm]:
    import cv2
    import numpy as np

    chance = np.random.default_rng(0)

    def blurred(rgb: NDArray[np.uint8], width: float) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(rgb, (0, 0), width * max(rgb.shape) / 512), dtype=np.float64)

    def shaken(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
        length = int(20 * max(rgb.shape) / 512) | 1
        return np.asarray(cv2.filter2D(rgb, -1, np.full((1, length), 1 / length)), dtype=np.float64)

    def noisy(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
        return rgb + chance.normal(0, 8, rgb.shape)

    return {
        "darkened to 1/5": lambda rgb: rgb * 0.2,
        "darkened to 1/8": lambda rgb: rgb * 0.125,
        "bleached (light x 0.12 + 225)": lambda rgb: rgb * 0.12 + 225,
        "blurred by 3/512 of the long side": lambda rgb: blurred(rgb, 3),
        "blurred by 4/512": lambda rgb: blurred(rgb, 4),
        "blurred by 6/512": lambda rgb: blurred(rgb, 6),
        "blurred by 6/512, then noise of 8": lambda rgb: noisy(blurred(rgb, 6)),
        "moved by 20/512 while it was taken": shaken,
        "noise of 8 alone (should pass)": lambda rgb: noisy(rgb.astype(np.float64)),
    }
