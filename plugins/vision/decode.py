"""The child of :mod:`plugins.vision.video`: bytes of a video on standard input, a line of JSON and raw frames on standard output.

It binds itself before it looks at anything: memory, processor time, no file written, no further process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from plugins.vision import child

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOO_LONG, TOO_LARGE, BROKEN = 11, 12, 13
#: Places looked at for each frame that is wanted, and at least; videos of so many frames are read through, others jumped through.
CHOICES, PLACES, READ_THROUGH = 3, 24, 300
#: Mean difference of two frames, of 255, at 32 x 32 grey, up to which they count as one.
ALIKE = 4.0


@dataclass(slots=True)
class Candidate:
    """A frame that may be kept: its second, how wide its sharpest edges are (less is sharper), and a tiny copy."""

    second: float
    edge: float
    tiny: NDArray[np.uint8]
    rgb: NDArray[np.uint8]
    size: tuple[int, int]


def main() -> int:
    """Read, choose, write. The exit status says what is wrong."""
    most, max_seconds, max_pixels, time_s, memory_mb = (int(n) for n in sys.argv[1:6])
    video = sys.stdin.buffer.read()
    import cv2

    child.bind(time_s, memory_mb)
    cv2.setNumThreads(1)
    try:
        kept = _apart(_sharpest(_candidates(video, most, max_seconds, max_pixels), most))
    except Exception:  # noqa: BLE001  # the reader raises whatever hostile bytes lead it to
        return BROKEN
    if not kept:
        return BROKEN
    sys.stdout.write(json.dumps([(c.second, *c.rgb.shape[:2], *c.size) for c in kept]) + "\n")
    sys.stdout.flush()
    for candidate in kept:
        sys.stdout.buffer.write(candidate.rgb.tobytes())
    return 0


def _candidates(video: bytes, most: int, max_seconds: int, max_pixels: int) -> list[list[Candidate]]:
    """The frames looked at, by the part of the video they lie in. Ends the process where a limit is passed."""
    import cv2

    source: Any = BytesIO(video)  # read by OpenCV through its own type, which has no constructor in Python
    capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        sys.exit(BROKEN)
    rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    rate = rate if 1 <= rate <= 1000 else 30.0
    if count > 0 and count / rate > max_seconds + 1:
        sys.exit(TOO_LONG)
    if capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > max_pixels:
        sys.exit(TOO_LARGE)
    parts: list[list[Candidate]] = [[] for _ in range(most)]
    length = count / rate if count > 0 else float(max_seconds)
    for second, bgr in _taken(capture, length, count, max(PLACES, most * CHOICES), max_seconds):
        if bgr.shape[0] * bgr.shape[1] > max_pixels:
            sys.exit(TOO_LARGE)
        parts[min(most - 1, max(0, int(second / max(length, 1e-3) * most)))].append(_candidate(second, bgr))
    return parts


def _taken(capture: Any, length: float, count: float, places: int, max_seconds: int) -> Iterator[tuple[float, Any]]:
    """Frames at about ``places`` places: by reading through a short video or one of unknown length, by seeking in others."""
    import cv2

    if count > READ_THROUGH:
        for n in range(places):
            capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * length * (n + 0.5) / places)
            read, bgr = capture.read()
            if read:
                yield round(length * (n + 0.5) / places, 2), bgr
        return
    step, last = length / places, -1e9
    while capture.grab():
        second = max(0.0, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        if second > max_seconds + 1:
            sys.exit(TOO_LONG)
        if second - last >= step * 0.999 or second < last:
            read, bgr = capture.retrieve()
            if read:
                last = second
                yield round(second, 2), bgr


def _candidate(second: float, bgr: Any) -> Candidate:
    import cv2
    import numpy as np

    from plugins.vision.intake import WORKING_SIDE
    from plugins.vision.quality import edge_width, fitted

    size = bgr.shape[:2]
    rgb = np.ascontiguousarray(fitted(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8), WORKING_SIDE))
    grey = np.asarray(cv2.cvtColor(fitted(rgb, 512), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    tiny = np.asarray(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return Candidate(second, edge_width(grey), tiny, rgb, (int(size[0]), int(size[1])))


def _sharpest(parts: list[list[Candidate]], most: int) -> list[Candidate]:
    """The sharpest of each part, in the order of the video."""
    best = [min(part, key=lambda c: c.edge) for part in parts if part]
    return sorted(best, key=lambda c: c.second)[:most]


def _apart(chosen: list[Candidate]) -> list[Candidate]:
    """Without those that show nearly what an earlier one shows; of two alike the sharper stays."""
    import numpy as np

    kept: list[Candidate] = []
    for new in chosen:
        like = next((k for k in kept if np.abs(k.tiny.astype(int) - new.tiny.astype(int)).mean() <= ALIKE), None)
        if like is None:
            kept.append(new)
        elif new.edge < like.edge:
            kept[kept.index(like)] = new
    return sorted(kept, key=lambda c: c.second)


if __name__ == "__main__":
    sys.exit(main())
