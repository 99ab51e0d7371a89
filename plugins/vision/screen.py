"""Screen: was the photo taken of a screen.

Looked for where it shows, in the camera's own pixels: the screen's cells, and the moiré between them and the sensor, are rhythms
that a spectrum shows as sharp peaks. ``models/screen/card.toml`` weighs them and says how well that does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aftersales.decision import Finding, Source, Verdict
from plugins.vision.intake import Picture
from plugins.vision.session import card

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: Side of the windows whose spectra are averaged, in pixels; they overlap by half.
WINDOW = 128
#: Bands of frequency, in waves per pixel, that are looked at one by one.
BANDS = ((0.04, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.72))
#: How many figures describe a cut: of each of three planes, three per band and how many peaks there are.
FIGURES = 3 * (3 * len(BANDS) + 1)
#: A peak counts when it stands this far above its surroundings (natural logarithm of power).
PEAK = 2.5


def look(picture: Picture) -> Finding:
    """``vision.screen``: ``screen`` (UNSURE) or ``not_a_screen``.

    ``data`` has ``score`` in [0, 1], and ``native``: whether the pixels looked at are as fine as a camera's. In a picture that was
    made small the rhythm is gone, and passing says little.
    """
    limits = card("screen")["thresholds"]
    cut = picture.native if picture.native is not None else picture.rgb
    native = picture.native is not None and picture.shrunk == 1 and max(picture.width, picture.height) >= int(limits["native_side"])
    found = score(cut)
    seen = found >= float(limits["score"])
    data = (("native", native), ("score", round(found, 3)))
    confidence = round(found if seen else max(0.5, 1 - found) if native else 0.5, 3)
    reason = "vision.screen" if seen else "vision.not_a_screen"
    return Finding("vision.screen", Verdict.UNSURE if seen else Verdict.PASS, reason, Source.MODEL, confidence, data)


def score(cut: NDArray[np.uint8]) -> float:
    """How much ``cut``, (H, W, 3) uint8 RGB, looks like a screen, in [0, 1]; 0 where it is too small to say."""
    import numpy as np

    if min(cut.shape[:2]) < WINDOW:
        return 0.0
    weights = card("screen")["weights"]
    even = (figures(cut) - np.array(weights["mean"])) / np.array(weights["spread"])
    if np.isnan(even[0]):  # no light and shade at all
        return 0.0
    logit = float(np.nan_to_num(even).clip(-6, 6) @ np.array(weights["weight"])) + float(weights["bias"])
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def figures(cut: NDArray[np.uint8]) -> Floats:
    """The FIGURES that describe a cut: per plane (light, red - green, blue - green) and band the highest peaks and the power.

    NaN for a plane that shows nothing, as the colours of a grey picture do: that speaks neither for nor against.
    """
    import numpy as np

    rgb = cut.astype(np.float32)
    light = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    planes = (light, rgb[..., 0] - rgb[..., 1], rgb[..., 2] - rgb[..., 1])
    return np.concatenate([_plane(plane) for plane in planes])


def _plane(plane: Floats) -> Floats:
    import numpy as np

    spectra = _spectra(plane)
    if not len(spectra):
        return np.full(3 * len(BANDS) + 1, np.nan, dtype=np.float32)
    far, grid = _frequencies()
    mean = spectra.mean(axis=0)
    # The median of each place; numpy's own takes seven times as long.
    middle = np.sort(spectra, axis=0)[[(len(spectra) - 1) // 2, len(spectra) // 2]].mean(axis=0)
    peaks = [_above(power, far, grid) for power in (mean, middle)]
    out: list[float] = []
    for low, high in BANDS:
        band = (far >= low) & (far < high)
        out += [float(np.sort(p[band])[-3:].mean()) for p in peaks]
        out.append(math.log(float(mean[band].sum()) + 1e-9))
    return np.array([*out, float((peaks[0] > PEAK).sum()) / 10], dtype=np.float32)


def _spectra(plane: Floats) -> Floats:
    """(n, WINDOW, WINDOW // 2 + 1): the power spectra of all windows that show anything, each of sum 1."""
    import numpy as np

    half = WINDOW // 2
    windows = np.lib.stride_tricks.sliding_window_view(plane, (WINDOW, WINDOW))[::half, ::half].reshape(-1, WINDOW, WINDOW)
    windows = windows - windows.mean(axis=(1, 2), keepdims=True)
    windows = windows[windows.std(axis=(1, 2)) >= 0.3]
    hann = np.outer(np.hanning(WINDOW), np.hanning(WINDOW)).astype(np.float32)
    waves = np.fft.rfft2(windows * hann)
    power = waves.real**2 + waves.imag**2
    return np.asarray(power / (power.sum(axis=(1, 2), keepdims=True) + 1e-9), dtype=np.float32)


def _frequencies() -> tuple[Floats, NDArray[np.bool_]]:
    """How far each place of a spectrum is from no waves at all, and whether it lies on a JPEG's blocks (multiples of 1/8)."""
    import numpy as np

    down, across = np.fft.fftfreq(WINDOW)[:, None], np.fft.rfftfreq(WINDOW)[None, :]
    close = 1.6 / WINDOW
    (row, column), (flat, upright) = (
        [np.abs((np.abs(f) * 8 + 0.5) % 1 - 0.5) / 8 < close for f in (down, across)],
        [np.abs(f) < close for f in (down, across)],
    )
    return np.hypot(down, across).astype(np.float32), (row & column) | (flat & column) | (row & upright)


def _above(power: Floats, far: Floats, grid: NDArray[np.bool_]) -> Floats:
    """How far the logarithm of the power stands above the median of its surroundings."""
    import cv2
    import numpy as np

    log = np.log(power + 1e-12)
    low, span = float(log.min()), float(np.ptp(log)) + 1e-9
    around = cv2.medianBlur(((log - low) / span * 255).astype(np.uint8), 15).astype(np.float32) / 255 * span + low
    above = np.asarray(log - around, dtype=np.float32)
    above[grid | (far < BANDS[0][0])] = 0
    return above
