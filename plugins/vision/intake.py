"""Intake: the bytes a buyer uploaded become an upright RGB picture of bounded size, or the reason why they cannot.

Whether a file may be decoded is decided from its header (:mod:`plugins.vision.header`), so that a small file that claims to be
huge costs nothing. Each format is opened by its own reader: Pillow never gets to guess a format, and its process-wide pixel
limit (a warning, or an error, depending on who else set it) plays no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from plugins.vision.header import Header, NoPhoto, look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

#: The long side of what is looked at, in pixels.
WORKING_SIDE = 1024
#: Bytes of one file. 108 MP phone photos are 15 to 30 MB.
MAX_BYTES = 32_000_000
#: Pixels that may be decoded, by kind. A JPEG of one pass is scaled down while it is read and costs next to nothing; a PNG is held
#: whole (up to 8 B per pixel), a WebP twice (up to 16 B). Measured: ``python -m plugins.vision.measure intake``.
MAX_PIXELS = {"JPEG": 120_000_000, "PNG": 50_000_000, "WEBP": 25_000_000}
#: Pixels times passes of a JPEG that needs several (progressive): all coefficients are held, and each pass walks over them.
MAX_PIXEL_PASSES = 500_000_000
MAX_PIXELS_HELD = 50_000_000

#: EXIF orientation → name of the Pillow transposition that makes the picture upright (EXIF 2.32, tag 0x0112).
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture. ``rgb`` is (H, W, 3) uint8, contiguous, sRGB as stored, its long side at most WORKING_SIDE.

    ``width`` and ``height`` are those of the file, upright.
    """

    rgb: NDArray[np.uint8]
    width: int
    height: int
    kind: str


def read(data: bytes, max_bytes: int = MAX_BYTES) -> Picture:
    """The picture in ``data``. Raises NoPhoto with a reason for anything else; nothing else is ever raised."""
    if len(data) > max_bytes:
        raise NoPhoto("vision.too_many_bytes")
    header = look(data)
    if not affordable(header):
        raise NoPhoto("vision.too_many_pixels")
    try:
        return _decoded(data, header)
    except NoPhoto:
        raise
    except EOFError:
        raise NoPhoto("vision.truncated") from None
    except Exception as error:  # noqa: BLE001  # Pillow's readers raise whatever their parsing of hostile bytes runs into
        raise NoPhoto("vision.truncated" if "truncated" in str(error).lower() else "vision.broken") from None


def affordable(header: Header) -> bool:
    """Whether the picture may be decoded within the memory and time of one function call."""
    if header.pixels > MAX_PIXELS[header.kind]:
        return False
    return header.passes == 1 or (header.pixels <= MAX_PIXELS_HELD and header.pixels * header.passes <= MAX_PIXEL_PASSES)


def _decoded(data: bytes, header: Header) -> Picture:
    import numpy as np
    from PIL import Image

    with _reader(data, header) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise NoPhoto("vision.not_a_photo")
        turn = _turn(image)
        small = _small(image)
    if turn:
        small = small.transpose(Image.Transpose[turn])
    swapped = turn in ("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
    width, height = (header.height, header.width) if swapped else (header.width, header.height)
    return Picture(np.ascontiguousarray(small, dtype=np.uint8), width, height, header.kind)


def _reader(data: bytes, header: Header) -> Image:
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    source = BytesIO(data)
    if header.kind == "PNG":
        return PngImagePlugin.PngImageFile(source)
    if header.kind == "WEBP":
        return WebPImagePlugin.WebPImageFile(source)
    image = JpegImagePlugin.JpegImageFile(source)
    if image.size != (header.width, header.height):  # two readings of one header: believe neither
        raise NoPhoto("vision.broken")
    share = max(1.0, max(image.size) / WORKING_SIDE)
    image.draft(None, (max(1, int(image.width / share)), max(1, int(image.height / share))))
    return image


def _turn(image: Image) -> str:
    """The transposition the EXIF orientation asks for, "" for none or when EXIF cannot be read."""
    try:
        return _UPRIGHT.get(int(image.getexif().get(0x0112, 1)), "")
    except Exception:  # noqa: BLE001  # a broken EXIF block raises many things; the picture itself may be fine
        return ""


def _small(image: Image) -> Image:
    """``image`` as RGB with its long side at most WORKING_SIDE; transparent parts become white."""
    import numpy as np
    from PIL import Image as Pixels

    image.load()
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow's own conversion would clip at 255
        image = Pixels.fromarray((np.clip(np.asarray(image, dtype=np.int32), 0, 65535) >> 8).astype(np.uint8))
    if image.mode in ("P", "PA", "1"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        image = image.convert("RGBA" if image.mode == "RGB" else "LA")
    factor = max(image.size) // (2 * WORKING_SIDE)
    if factor > 1:
        image = image.reduce(factor)  # before converting: the big copy is then the only one
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        over = image.convert("RGBA")
        image = Pixels.alpha_composite(Pixels.new("RGBA", over.size, "white"), over)
    image = image.convert("RGB")
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Pixels.Resampling.LANCZOS)
    return image
