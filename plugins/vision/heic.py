"""HEIC, as phones store photos: read by libheif through ``pi_heif`` where that is installed, in a process of its own.

Its parser of containers ends the process on some broken files (found by changing files at random, pi_heif 1.4.0), so the parent
never calls it. The child prints one line of JSON, then the pixels of the picture made small and of the cut from its middle.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from plugins.vision import child
from plugins.vision.header import NoPhoto

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

#: Seconds of work, and MB of address space, of the child. 24 MP take 0.7 s and 110 MB more than the libraries.
TIME_S, MEMORY_MB = 15, 1_000
#: Exit statuses of the child.
_REASONS = {11: "vision.too_many_pixels", 12: "vision.heic", 13: "vision.truncated"}
_MODES = ("L", "LA", "RGB", "RGBA", "RGBa")


@dataclass(frozen=True, slots=True)
class Parts:
    """A HEIC upright: ``small`` and ``cut`` are (H, W, channels) uint8 of this ``mode``; ``exif`` as stored, b"" for none."""

    width: int
    height: int
    mode: str
    small: Bytes
    cut: Bytes
    exif: bytes


def parts(data: bytes, most: int, side: int, middle: int, unit: int) -> Parts:
    """The main picture of at most ``most`` pixels: its long side at most ``side``, and its ``middle`` pixels cut out at ``unit``.

    Raises NoPhoto: ``vision.heic`` without a reader, ``vision.too_many_pixels``, ``vision.truncated`` or ``vision.broken``.
    """
    import numpy as np

    if find_spec("pi_heif") is None:
        raise NoPhoto("vision.heic")
    try:
        done = child.ask("plugins.vision.heic", (most, side, middle, unit), data, TIME_S + 5)
    except subprocess.TimeoutExpired:
        raise NoPhoto("vision.broken") from None
    if done.returncode != 0:
        raise NoPhoto(_REASONS.get(done.returncode, "vision.broken"))
    line, _, rest = done.stdout.partition(b"\n")
    told: dict[str, Any] = json.loads(line)
    shapes: list[tuple[int, int, int]] = [tuple(told["small"]), tuple(told["cut"])]
    first = int(np.prod(shapes[0]))
    small = np.frombuffer(rest, np.uint8, first).reshape(shapes[0])
    cut = np.frombuffer(rest, np.uint8, int(np.prod(shapes[1])), first).reshape(shapes[1])
    return Parts(told["width"], told["height"], told["mode"], small, cut, base64.b64decode(told["exif"]))


def main() -> int:
    """The child: read standard input, answer on standard output; the exit status says what is wrong."""
    most, side, middle, unit = (int(n) for n in sys.argv[1:5])
    data = sys.stdin.buffer.read()
    import cv2
    import numpy as np
    import pi_heif

    child.bind(TIME_S, MEMORY_MB)
    cv2.setNumThreads(1)
    options = pi_heif.options
    options.DECODE_THREADS, options.THUMBNAILS, options.DEPTH_IMAGES, options.AUX_IMAGES = 1, False, False, False
    try:
        found = pi_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=True)
        if found.size[0] * found.size[1] > most:
            return 11
        if found.mode not in _MODES:
            return 12
        rows = np.frombuffer(found.data, np.uint8).reshape(found.size[1], found.stride)
    except Exception as error:  # noqa: BLE001  # the reader raises whatever its parsing of hostile bytes runs into
        return 13 if "end of file" in str(error).lower() else 14
    (width, height), channels = found.size, len(found.mode)
    whole = rows[:, : width * channels].reshape(height, width, channels)
    share = min(1.0, side / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = whole if share == 1 else cv2.resize(whole, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], channels)
    left, top = (max(0, (length - middle) // 2 // unit * unit) for length in (width, height))
    cut = whole[top : top + middle, left : left + middle]
    exif = base64.b64encode(found.info.get("exif") or b"").decode()
    told = {"width": width, "height": height, "mode": found.mode, "small": small.shape, "cut": cut.shape, "exif": exif}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + small.tobytes() + cut.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
