"""Intake: the bytes a buyer uploaded become an upright RGB picture of bounded size, or the reason why they cannot.

Whether a file may be decoded is decided from its header (:mod:`plugins.vision.header`), so that a small file that claims to be
huge costs nothing. Each format is opened by its own reader: Pillow never gets to guess a format, and its process-wide pixel
limit (a warning, or an error, depending on who else set it) plays no part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from plugins.vision import heic, origin
from plugins.vision.header import Header, NoPhoto, look
from plugins.vision.origin import Exif, Jpeg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

#: The long side of what is looked at, in pixels.
WORKING_SIDE = 1024
#: The side of the cut from the middle that is kept as the camera stored it, and what its corner is a multiple of: a JPEG's largest
#: unit of coding, so that the cut's blocks begin at its corner.
NATIVE_SIDE, UNIT = 512, 16
#: A JPEG of more pixels is decoded at a half, a quarter or an eighth, and so is its native cut.
WHOLE_UP_TO = 25_000_000
#: Bytes of one file. 108 MP phone photos are 15 to 30 MB.
MAX_BYTES = 32_000_000
#: Pixels that may be decoded, by kind. A JPEG of one pass is scaled down while it is read and costs next to nothing; a PNG is held
#: whole (up to 5 B per pixel), a WebP three times (12 B), a HEIC 4.5 B. Measured: ``python -m plugins.vision.measure intake``.
MAX_PIXELS = {"JPEG": 120_000_000, "PNG": 30_000_000, "WEBP": 12_500_000, "HEIC": 26_000_000}
#: Pixels times passes of a JPEG that needs several (progressive), each of which walks over the whole; pixels of such a JPEG, whose
#: coefficients are all held, 3 to 6 B per pixel; and those up to which it is not scaled down besides.
MAX_PIXEL_PASSES = 500_000_000
MAX_PIXELS_HELD, HELD_WHOLE_UP_TO = 20_000_000, 12_600_000

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

    ``width`` and ``height`` are those of the file, upright. ``native`` is (H, W, 3) uint8, the middle of the picture at most
    NATIVE_SIDE wide and high, neither turned nor scaled unless ``shrunk`` (by which the whole was divided while it was read) is
    above 1; None where only ``rgb`` is known. ``exif`` and ``jpeg`` are the sender's word of the file's origin.
    """

    rgb: NDArray[np.uint8]
    width: int
    height: int
    kind: str
    native: NDArray[np.uint8] | None = None
    shrunk: int = 1
    exif: Exif = field(default_factory=Exif)
    jpeg: Jpeg | None = None


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
        short = any(word in str(error).lower() for word in ("truncated", "end of file"))
        raise NoPhoto("vision.truncated" if short else "vision.broken") from None


def affordable(header: Header) -> bool:
    """Whether the picture may be decoded within the memory and time of one function call."""
    if header.pixels > MAX_PIXELS[header.kind]:
        return False
    return header.passes == 1 or (header.pixels <= MAX_PIXELS_HELD and header.pixels * header.passes <= MAX_PIXEL_PASSES)


def _decoded(data: bytes, header: Header) -> Picture:
    import numpy as np
    from PIL import Image

    if header.kind == "HEIC":
        return _from_heic(data)
    with _reader(data, header) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise NoPhoto("vision.not_a_photo")
        turn, size = _turn(image), image.size
        image.load()
        native = np.array(_rgb(image.crop(_middle(size))), dtype=np.uint8)
        written, packed = origin.exif(image), origin.jpeg(image)
        small = _small(image)
    if turn:
        small = small.transpose(Image.Transpose[turn])
    swapped = turn in ("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
    width, height = (header.height, header.width) if swapped else (header.width, header.height)
    rgb = np.ascontiguousarray(small, dtype=np.uint8)
    return Picture(rgb, width, height, header.kind, native, max(1, round(header.width / size[0])), written, packed)


def _from_heic(data: bytes) -> Picture:
    import numpy as np
    from PIL import Image

    found = heic.parts(data, MAX_PIXELS["HEIC"], 2 * WORKING_SIDE, NATIVE_SIDE, UNIT)
    small, cut = (Image.frombytes(found.mode, (p.shape[1], p.shape[0]), p.tobytes()) for p in (found.small, found.cut))
    small.info = {"exif": found.exif} if found.exif else {}
    rgb, middle = np.array(_small(small), dtype=np.uint8), np.array(_rgb(cut), dtype=np.uint8)
    return Picture(rgb, found.width, found.height, "HEIC", middle, exif=origin.exif(small))


def _middle(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the native cut; the corner lies on a border between units of coding."""
    left, top = (max(0, (side - NATIVE_SIDE) // 2 // UNIT * UNIT) for side in size)
    return left, top, min(size[0], left + NATIVE_SIDE), min(size[1], top + NATIVE_SIDE)


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
    whole = WHOLE_UP_TO if header.passes == 1 else HELD_WHOLE_UP_TO
    parts = next(n for n in (1, 2, 4, 8) if header.pixels <= whole * n * n)
    if parts > 1:
        image.draft(None, (header.width // parts, header.height // parts))
    return image


def _turn(image: Image) -> str:
    """The transposition the EXIF orientation asks for, "" for none or when EXIF cannot be read."""
    try:
        return _UPRIGHT.get(int(image.getexif().get(0x0112, 1)), "")
    except Exception:  # noqa: BLE001  # a broken EXIF block raises many things; the picture itself may be fine
        return ""


def _small(image: Image) -> Image:
    """``image`` as RGB with its long side at most WORKING_SIDE."""
    from PIL.Image import Resampling

    factor = max(image.size) // (2 * WORKING_SIDE)
    image = _reduced(image, factor) if factor > 1 else _rgb(image)
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Resampling.LANCZOS)
    return image


def _reduced(image: Image, factor: int) -> Image:
    """``image`` as RGB, divided by ``factor``, a band at a time: the big picture never exists twice."""
    from PIL import Image as Pixels

    width, height = image.size
    out = Pixels.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = factor * max(1, 1_000_000 // (width * factor))
    for top in range(0, height, rows):
        out.paste(_rgb(image.crop((0, top, width, min(height, top + rows)))).reduce(factor), (0, top // factor))
    return out


def _rgb(image: Image) -> Image:
    """``image`` as RGB of the same size; transparent parts become white."""
    import numpy as np
    from PIL import Image as Pixels

    if image.mode.startswith("I"):  # 16 bits of grey: Pillow's own conversion would clip at 255
        image = Pixels.fromarray((np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8))
    if image.mode in ("P", "PA", "1"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        image = image.convert("RGBA" if image.mode == "RGB" else "LA")
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        over = image.convert("RGBA")
        image = Pixels.alpha_composite(Pixels.new("RGBA", over.size, "white"), over)
    return image.convert("RGB")
