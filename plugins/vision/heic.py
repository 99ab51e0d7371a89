"""HEIC, as phones store photos: read by libheif through ``pi_heif`` where that is installed (requirements/vision.in says why)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from plugins.vision.header import NoPhoto

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image


@contextmanager
def pixels(data: bytes, most: int) -> Iterator[tuple[NDArray[np.uint8], Image]]:
    """The main picture, (H, W, channels) uint8 and upright, and an empty picture of its mode that carries its EXIF.

    The array is the reader's own memory and gone with the context: copy what is to stay.

    ``most`` pixels may be decoded. Raises NoPhoto: ``vision.heic`` without a reader, ``vision.too_many_pixels``. Whatever the
    reader raises for broken files passes through.
    """
    import numpy as np
    from PIL import Image as Pixels

    try:
        import pi_heif
    except ImportError:
        raise NoPhoto("vision.heic") from None
    pi_heif.options.DECODE_THREADS = 1
    found = pi_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=True)
    width, height = found.size
    if width * height > most:
        raise NoPhoto("vision.too_many_pixels")
    if found.mode not in ("L", "LA", "RGB", "RGBA", "RGBa"):
        raise NoPhoto("vision.heic")
    rows = np.frombuffer(found.data, np.uint8).reshape(found.size[1], found.stride)
    channels = len(found.mode)
    empty = Pixels.new(found.mode, (1, 1))
    empty.info = {k: v for k, v in found.info.items() if k in ("exif", "xmp") and v}
    yield rows[:, : found.size[0] * channels].reshape(found.size[1], found.size[0], channels), empty
