import random
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plugins.vision import intake
from plugins.vision.header import Header, NoPhoto, look

RED_LEFT = (230, 20, 20)


def picture(width: int = 320, height: int = 240, mode: str = "RGB") -> Image.Image:
    """A left half in red and a right half in blue, the top darker."""
    image = Image.new("RGB", (width, height), (20, 20, 230))
    image.paste(RED_LEFT, (0, 0, width // 2, height))
    image.paste((20, 90, 20), (0, 0, width, height // 4))
    return image.convert(mode)


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The picture as a file."""
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def reason(data: bytes, **options: int) -> str:
    """Why intake turns the file away."""
    with pytest.raises(NoPhoto) as caught:
        intake.read(data, **options)
    return caught.value.reason


def claiming(width: int, height: int, *, progressive: bool = False) -> bytes:
    """A small JPEG whose header claims another size."""
    data = bytearray(saved(picture(64, 64), progressive=progressive))
    at = data.find(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def heic(name: str) -> bytes:
    """One of the drawn HEIC files."""
    return (Path(__file__).parents[1] / "data" / "heic" / f"{name}.heic").read_bytes()


def heic_claiming(width: int, height: int) -> bytes:
    """A small HEIC whose header claims another size."""
    data = heic("plain")
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda: b"", "vision.empty", id="no_bytes"),
        pytest.param(lambda: b"<!DOCTYPE html><title>photo.jpg</title>", "vision.not_a_photo", id="web_page_named_jpg"),
        pytest.param(lambda: b"%PDF-1.4", "vision.not_a_photo", id="pdf"),
        pytest.param(lambda: saved(picture(), "GIF"), "vision.not_a_photo", id="gif"),
        pytest.param(lambda: saved(picture(), "TIFF"), "vision.not_a_photo", id="tiff"),
        pytest.param(lambda: saved(picture(), "BMP"), "vision.not_a_photo", id="bmp"),
        pytest.param(lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "vision.not_a_photo", id="svg"),
        pytest.param(lambda: b"\x00\x00\x00\x18ftypheic" + bytes(50), "vision.truncated", id="heic_cut_short"),
        pytest.param(lambda: b"\x00\x00\x00\x18ftypheic" + bytes(500), "vision.broken", id="heic_of_nothing"),
        pytest.param(lambda: heic("plain")[:900], "vision.truncated", id="heic_cut_in_its_picture"),
        pytest.param(lambda: heic_claiming(9000, 9000), "vision.too_many_pixels", id="heic_that_claims_81_megapixels"),
        pytest.param(lambda: b"\x00\x00\x00\x18ftypavif" + bytes(50), "vision.heic", id="avif"),
        pytest.param(lambda: b"\x00\x00\x00\x18ftypmp42" + bytes(50), "vision.not_a_photo", id="video"),
        pytest.param(lambda: b"\xff\xd8\xff", "vision.truncated", id="jpeg_of_three_bytes"),
        pytest.param(lambda: saved(picture())[:900], "vision.truncated", id="jpeg_cut_short"),
        pytest.param(lambda: saved(picture(), "PNG")[:400], "vision.truncated", id="png_cut_short"),
        pytest.param(lambda: saved(picture(), "WEBP")[:100], "vision.truncated", id="webp_cut_short"),
        pytest.param(lambda: b"\x89PNG\r\n\x1a\n" + b"x" * 60, "vision.broken", id="png_without_header"),
        pytest.param(lambda: claiming(0, 0), "vision.broken", id="jpeg_of_no_size"),
        pytest.param(lambda: claiming(24_000, 18_000), "vision.too_many_pixels", id="jpeg_that_claims_432_megapixels"),
        pytest.param(lambda: claiming(9_000, 8_000, progressive=True), "vision.too_many_pixels", id="progressive_72_megapixels"),
        pytest.param(lambda: saved(Image.new("1", (9_000, 9_000)), "PNG"), "vision.too_many_pixels", id="png_bomb_81_megapixels"),
        pytest.param(
            lambda: saved(Image.new("L", (16_000, 2_000)), "WEBP", method=0), "vision.too_many_pixels", id="webp_32_megapixels"
        ),
    ],
)
def test_what_cannot_be_used_has_a_stable_reason(make: Callable[[], bytes], expected: str) -> None:
    """Every file that is not used is turned away for a reason that a text explains."""
    assert reason(make()) == expected


@pytest.mark.parametrize("name", ["plain", "turned", "tiled"])
def test_heic_photos_are_read_upright(name: str) -> None:
    """Photos as iPhones store them, turned or in tiles, come out upright and in their colours, with the time they were taken."""
    read = intake.read(heic(name))
    assert (read.width, read.height) == ((1280, 1024) if name == "tiled" else (320, 240))
    corners = [read.rgb[y, x].astype(int) for y, x in ((5, 5), (-5, 5), (-5, -5))]
    assert np.abs(np.array(corners) - [(20, 90, 20), RED_LEFT, (20, 20, 230)]).max() < 12
    assert read.native is not None
    assert read.native.shape[:2] == ((512, 512) if name == "tiled" else (240, 320))
    assert (read.exif.taken_at is not None) == (name == "plain")


def test_a_heic_that_ends_its_reader_is_a_broken_photo() -> None:
    """A file on which the reader's process dies is turned away, and the next one is read as if nothing had been."""
    assert reason(heic("deadly")) == "vision.broken"
    assert intake.read(heic("plain")).width == 320


def test_animations_are_no_photos() -> None:
    """Moving PNG and WebP pictures are turned away like GIF."""
    frames = [picture(), picture().rotate(180)]
    for kind in ("PNG", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert reason(data) == "vision.not_a_photo"


def test_too_many_bytes_are_not_even_looked_at() -> None:
    """The limit on bytes is included, and what is above it is not opened."""
    data = saved(picture())
    assert intake.read(data, max_bytes=len(data)).width == 320
    assert reason(data, max_bytes=len(data) - 1) == "vision.too_many_bytes"


def test_a_lying_header_costs_no_time() -> None:
    """A file of 700 bytes that claims 432 megapixels is answered at once."""
    data = claiming(24_000, 18_000)
    start = perf_counter()
    assert reason(data) == "vision.too_many_pixels"
    assert perf_counter() - start < 0.5


@pytest.mark.parametrize("size", [(8000, 6000), (12000, 9000)], ids=["48_megapixels", "108_megapixels"])
def test_huge_phone_photos_are_read_small(size: tuple[int, int]) -> None:
    """Photos of the largest phone sensors are read, scaled down while they are decoded."""
    data = saved(Image.new("L", size, 120))
    read = intake.read(data)
    assert (read.width, read.height) == size
    assert max(read.rgb.shape) == intake.WORKING_SIDE


def test_scans_without_end_are_refused() -> None:
    """A progressive JPEG whose last scan is repeated a thousand times would be walked over a thousand times."""
    data = claiming(4000, 3000, progressive=True)
    last = data[data.rfind(b"\xff\xda") : -2]
    assert reason(data[:-2] + last * 1000 + data[-2:]) == "vision.too_many_pixels"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: saved(picture())[:2] + b"\xff\xfe\x00\x02" * 2_000_000 + saved(picture())[2:], id="jpeg_comments"),
        pytest.param(lambda: saved(picture())[:2] + b"\xff" * 20_000_000 + saved(picture())[2:], id="jpeg_fill"),
        pytest.param(lambda: saved(picture())[:2] + b"\xff\xd0" * 4_000_000 + saved(picture())[2:], id="jpeg_restarts"),
        pytest.param(lambda: saved(picture())[:20] + b"\x00" * 20_000_000 + saved(picture())[20:], id="jpeg_stray"),
        pytest.param(lambda: b"\x89PNG\r\n\x1a\n" + saved(picture(), "PNG")[8:33] + bytes(4) * 6_000_000, id="png_chunks"),
    ],
)
def test_millions_of_small_parts_cost_no_time(make: Callable[[], bytes]) -> None:
    """A file of millions of tiny segments, each valid, is given up soon."""
    data = make()
    start = perf_counter()
    assert reason(data) in {"vision.broken", "vision.truncated"}
    assert perf_counter() - start < 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(orientation: int) -> None:
    """Whichever way a phone was held, the picture comes out the same."""
    upright = picture(200, 120)
    stored = {
        1: upright,
        2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: upright.transpose(Image.Transpose.ROTATE_180),
        4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: upright.transpose(Image.Transpose.TRANSPOSE),
        6: upright.transpose(Image.Transpose.ROTATE_90),
        7: upright.transpose(Image.Transpose.TRANSVERSE),
        8: upright.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = intake.read(saved(stored, quality=95, subsampling=0, exif=exif))
    assert (read.width, read.height) == (200, 120)
    assert np.abs(read.rgb.astype(int) - np.asarray(upright)).mean() < 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow warns about exactly what this test sends
@pytest.mark.parametrize(
    "exif", [b"Exif\x00\x00" + b"\xff" * 40, b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01"], ids=["noise", "cut"]
)
def test_broken_exif_does_not_cost_the_photo(exif: bytes) -> None:
    """A photo whose EXIF block cannot be read is used as it is stored."""
    assert intake.read(saved(picture(), exif=exif)).width == 320


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("CMYK", "JPEG"),
        ("L", "JPEG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("I;16", "PNG"),
        ("RGBA", "WEBP"),
    ],
)
def test_every_colour_mode_becomes_rgb(mode: str, kind: str) -> None:
    """Print colours, transparency, palettes and deep grey all become three bytes per pixel."""
    image = picture(mode="L").convert(mode) if mode in ("I;16", "LA", "1") else picture(mode=mode)
    read = intake.read(saved(image, kind))
    assert read.rgb.shape == (240, 320, 3)
    assert read.rgb.dtype == np.uint8


def test_sixteen_bits_of_grey_keep_their_shades() -> None:
    """A 16-bit grey picture keeps its light: half is half."""
    deep = Image.fromarray(np.full((240, 320), 32768, dtype=np.uint16))
    assert int(intake.read(saved(deep, "PNG")).rgb.mean()) == 128


def test_transparent_parts_are_white() -> None:
    """What a picture leaves open is seen on white, not on black."""
    assert intake.read(saved(Image.new("RGBA", (300, 300), (0, 0, 0, 0)), "PNG")).rgb.min() == 255


def test_print_colours_are_not_inverted() -> None:
    """A red CMYK picture is red."""
    r, g, b = intake.read(saved(Image.new("RGB", (300, 300), (220, 20, 20)).convert("CMYK"))).rgb[150, 150]
    assert r > 150
    assert max(g, b) < 90


def test_progressive_and_trailing_bytes_are_fine() -> None:
    """Progressive JPEGs are photos, and what follows the picture is ignored."""
    data = saved(picture(), progressive=True)
    assert look(data).passes > 1
    assert intake.read(data + b"<script>" * 100).width == 320


def test_several_pictures_in_one_file_count_as_the_first() -> None:
    """Phones append depth maps and previews (MPO): the first picture counts, and theirs are not its scans."""
    data = saved(picture(400, 300), "MPO", save_all=True, append_images=[picture(64, 48)] * 3)
    assert look(data) == Header("JPEG", 400, 300, 1)
    assert intake.read(data).width == 400


def test_strips_are_read_within_bounds() -> None:
    """A picture of 60,000 x 3 pixels comes out as a strip, not as an error or a large picture."""
    assert intake.read(saved(Image.new("RGB", (60_000, 3)))).rgb.shape[1] <= intake.WORKING_SIDE


def test_mutilated_files_always_get_an_answer() -> None:
    """Pictures with flipped, missing, doubled and random bytes are read or turned away, and nothing else ever happens."""
    chance = random.Random(20261122)
    originals = [
        saved(picture(96, 64)),
        saved(picture(96, 64), progressive=True),
        saved(picture(96, 64), "PNG"),
        saved(picture(96, 64), "WEBP"),
    ]
    exif = Image.Exif()
    exif[0x0112] = 6
    originals.append(saved(picture(96, 64), exif=exif))
    for n in range(1200):
        data = bytearray(originals[n % len(originals)])
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 40)]
                case 2:
                    data[at:at] = data[at : at + chance.randint(1, 40)]
                case _:
                    data[at : at + 2] = chance.randbytes(2)
        _answered(bytes(data))
    for head in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\x00\x00\x00WEBPVP8X", b""):
        for _ in range(60):
            _answered(head + chance.randbytes(chance.randint(0, 300)))


def _answered(data: bytes) -> None:
    try:
        size = max(intake.read(data).rgb.shape[:2])
    except NoPhoto:
        return
    assert size <= intake.WORKING_SIDE
