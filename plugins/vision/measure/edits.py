"""What people do to a picture before they hand it in again: functions of (H, W, 3) uint8 and a seeded source of chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rgb = NDArray[np.uint8]
    Edit = Callable[[Rgb, np.random.Generator], Rgb]


def cut(rgb: Rgb, chance: np.random.Generator, keep: float = 0.65) -> Rgb:
    """A part of ``keep`` of either side, anywhere: 0.65 leaves 42 % of the area."""
    height, width = rgb.shape[:2]
    h, w = int(height * keep), int(width * keep)
    y, x = int(chance.integers(0, height - h + 1)), int(chance.integers(0, width - w + 1))
    return rgb[y : y + h, x : x + w].copy()


def recompressed(rgb: Rgb, chance: np.random.Generator, quality: int = 0) -> Rgb:
    """Saved as a JPEG of quality 20 to 40."""
    import cv2
    import numpy as np

    quality = quality or int(chance.integers(20, 41))
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR), np.uint8)


def mirrored(rgb: Rgb, chance: np.random.Generator) -> Rgb:  # noqa: ARG001  # an Edit
    """Left and right changed."""
    return rgb[:, ::-1].copy()


def smaller(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """Scaled to 40 to 60 % and back."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    f = float(chance.uniform(0.4, 0.6))
    small = cv2.resize(rgb, (max(1, int(width * f)), max(1, int(height * f))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def toned(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """Other brightness, contrast and warmth, as a filter makes them."""
    import numpy as np

    gain = chance.uniform(0.7, 1.3) * chance.uniform(0.88, 1.12, 3)
    lifted = 255 * (rgb / 255.0) ** chance.uniform(0.7, 1.4) * gain + chance.uniform(-25, 25)
    return np.asarray(np.clip(lifted, 0, 255), np.uint8)


def turned(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """Turned by any angle, the corners black, the whole picture kept."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    angle = float(chance.uniform(0, 360))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    w, h = int(height * sin + width * cos), int(height * cos + width * sin)
    matrix[:, 2] += (w - width) / 2, (h - height) / 2
    return np.asarray(cv2.warpAffine(rgb, matrix, (w, h)), np.uint8)


def tilted(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """Seen from the side: each corner moved inwards by up to 16 % of its side."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * chance.uniform(0, 0.16, (4, 2)) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, (corners + inwards).astype(np.float32))
    ground = tuple(int(v) for v in chance.integers(0, 256, 3))
    return np.asarray(cv2.warpPerspective(rgb, matrix, (width, height), borderValue=ground), np.uint8)


def screenshot(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """On a phone's screen of 9 to 19, between bars with a clock, a title and buttons."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    w = 540
    shown = cv2.resize(rgb, (w, max(1, round(height * w / width))), interpolation=cv2.INTER_AREA)
    shown = shown[: w * 17 // 10]
    top = int(chance.integers(90, 160))
    ground = 255 if chance.random() < 0.5 else 18
    ink = (30, 30, 30) if ground == 255 else (230, 230, 230)
    screen = np.full((max(w * 19 // 9, top + shown.shape[0] + 60), w, 3), ground, np.uint8)
    screen[top : top + shown.shape[0]] = shown
    hour = f"{int(chance.integers(0, 24)):02}:{int(chance.integers(0, 60)):02}"
    cv2.putText(screen, hour, (24, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, 2)
    cv2.putText(screen, "< Photos", (24, 76), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, 2)
    for k in range(4):
        cv2.circle(screen, (80 + 125 * k, screen.shape[0] - 35), 18, ink, 3)
    return np.asarray(screen, np.uint8)


def written_on(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """A band of text across it."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    out = rgb.copy()
    y, band = int(chance.uniform(0.05, 0.75) * height), int(chance.uniform(0.1, 0.2) * height)
    out[y : y + band] = 255 if chance.random() < 0.5 else 0
    ink = (200, 30, 30) if chance.random() < 0.5 else (40, 90, 220)
    size = band / 40
    cv2.putText(out, "REFUND PLEASE 2026", (int(0.04 * width), y + int(band * 0.75)), cv2.FONT_HERSHEY_SIMPLEX, size, ink, 2)
    return np.asarray(out, np.uint8)


def off_a_screen(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """Photographed from a screen: its grid and the waves it makes, seen a little from the side, soft, with a gleam."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    angle, pitch = chance.uniform(0, np.pi), chance.uniform(4, 14)
    wave = 1 + 0.09 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / pitch)[..., None]
    rows = 1 + 0.06 * np.sin(2 * np.pi * y / chance.uniform(2.1, 3.5))[..., None]
    gleam = 60 * np.exp(-(((x / width - chance.random()) ** 2 + (y / height - chance.random()) ** 2) / 0.03))[..., None]
    seen = 255 * (rgb / 255.0) ** 0.85 * wave * rows * (0.92, 0.97, 1.06) + gleam
    soft = cv2.GaussianBlur(np.clip(seen, 0, 255).astype(np.uint8), (0, 0), 0.8)
    return recompressed(tilted(np.asarray(soft, np.uint8), chance), chance, 70)


def several(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """Mirrored or not, cut, turned a little, toned, written on, made small and saved badly."""
    import cv2
    import numpy as np

    out = mirrored(rgb, chance) if chance.random() < 0.5 else rgb
    out = cut(out, chance, float(chance.uniform(0.7, 0.9)))
    height, width = out.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(chance.uniform(-12, 12)), 1.1)
    out = toned(np.asarray(cv2.warpAffine(out, matrix, (width, height)), np.uint8), chance)
    if chance.random() < 0.5:
        out = written_on(out, chance)
    return recompressed(out, chance)


def shot_of_a_mirrored_cut(rgb: Rgb, chance: np.random.Generator) -> Rgb:
    """A screenshot of a mirrored, cut and tilted copy."""
    return recompressed(screenshot(tilted(cut(mirrored(rgb, chance), chance, 0.8), chance), chance), chance)


EDITS: dict[str, Edit] = {
    "recompressed": recompressed,
    "made small": smaller,
    "toned": toned,
    "mirrored": mirrored,
    "turned by any angle": turned,
    "cut to 42 %": cut,
    "tilted": tilted,
    "text band": written_on,
    "screenshot": screenshot,
    "off a screen": off_a_screen,
    "several": several,
    "screenshot of a mirrored cut": shot_of_a_mirrored_cut,
}
