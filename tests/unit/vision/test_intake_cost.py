"""What hostile and huge files cost, measured in a process of their own: memory of the whole process, libraries included."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from plugins.vision.header import NoPhoto
from plugins.vision.intake import read

MOST_MB = 300
ROOT = Path(__file__).parents[3]
CHILD = """
import json, sys, time
import cv2, numpy, onnxruntime
from plugins.vision import intake
from plugins.vision.header import NoPhoto
data, start = sys.stdin.buffer.read(), time.process_time()
try:
    answer = max(intake.read(data).rgb.shape)
except NoPhoto as no:
    answer = no.reason
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([answer, peak / 1024, time.process_time() - start]))
"""


def saved(size: tuple[int, int], kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """A picture of noise of this size as a file."""
    out = BytesIO()
    grey = Image.effect_noise((max(1, size[0] // 50), max(1, size[1] // 50)), 80).resize(size)
    (grey.point(lambda v: v * 256, "I").convert("I;16") if mode == "I;16" else grey.convert(mode)).save(out, kind, **options)
    return out.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A valid PNG of zeros: a thousandth of its size in memory."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x06\x00\x00\x00"
    body = zlib.compressobj(9)
    rows = b"".join(body.compress(bytes(1 + 4 * width)) for _ in range(height)) + body.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def lying_png() -> bytes:
    """A PNG that claims 10 x 10 and goes on for 100 MB."""
    data = bytearray(png_bomb(5000, 5000))
    data[16:24] = (10).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from Linux's /proc")
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda: saved((4000, 3000), "JPEG"), 1024, id="jpeg_12_megapixels"),
        pytest.param(lambda: saved((5000, 4990), "JPEG"), 1024, id="jpeg_25_megapixels_whole"),
        pytest.param(lambda: saved((12000, 9000), "JPEG", "L"), 1024, id="jpeg_108_megapixels"),
        pytest.param(lambda: saved((4400, 2860), "JPEG", "CMYK", progressive=True), 1024, id="progressive_cmyk"),
        pytest.param(lambda: saved((5200, 3800), "JPEG", progressive=True, subsampling=0), 1024, id="progressive_20_megapixels"),
        pytest.param(lambda: saved((12000, 9000), "JPEG", "L", progressive=True), "vision.too_many_pixels", id="progressive_108"),
        pytest.param(lambda: png_bomb(5400, 5400), 1024, id="png_bomb_just_let_in"),
        pytest.param(lambda: png_bomb(9000, 9000), "vision.too_many_pixels", id="png_bomb"),
        pytest.param(lying_png, 10, id="png_that_goes_on"),
        pytest.param(lambda: saved((5400, 5400), "PNG", "I;16", compress_level=1), 1024, id="png_of_16_bits"),
        pytest.param(lambda: saved((5400, 5400), "PNG", "P", compress_level=1), 1024, id="png_with_palette"),
        pytest.param(lambda: saved((4080, 3060), "WEBP", method=0), 1024, id="webp_12_megapixels"),
    ],
)
def test_no_file_takes_more_than_the_function_has(make: Callable[[], bytes], expected: int | str) -> None:
    """Whatever is sent, the process stays below 300 MB and answers within seconds."""
    done = subprocess.run([sys.executable, "-c", CHILD], input=make(), capture_output=True, check=True, cwd=ROOT, timeout=120)
    answer, peak_mb, seconds = json.loads(done.stdout)
    assert answer == expected
    assert peak_mb < MOST_MB
    assert seconds < 10


@pytest.mark.parametrize(
    "tail", [b"PK\x03\x04" + bytes(400), b"<html><script>1</script>", b"%PDF-1.7\n" + bytes(99), b"MZ" + bytes(60)]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_files_of_two_kinds_are_read_as_pictures_or_not_at_all(kind: str, tail: bytes) -> None:
    """A picture with an archive, a page, a document or a program behind it is the picture; one in front of it is no photo."""
    picture = saved((300, 200), kind)
    assert read(picture + tail).rgb.shape == (200, 300, 3)
    with pytest.raises(NoPhoto, match="not_a_photo"):
        read(tail + picture)


def test_inverted_print_colours_are_read_as_meant() -> None:
    """CMYK with Adobe's marker is stored inverted and without it plain: both come out light where the print is light."""
    data = saved((300, 200), "JPEG", "CMYK", quality=95)
    at = data.index(b"\xff\xee")
    plain = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    assert abs(255 - read(plain).rgb.mean() - read(data).rgb.mean()) < 40


def test_hostile_colour_profiles_are_not_opened() -> None:
    """A colour profile of nonsense, however large, changes nothing."""
    data = saved((300, 200), "JPEG", quality=95)
    out = BytesIO()
    Image.open(BytesIO(data)).save(out, "JPEG", quality=95, icc_profile=b"\xff" * 1_000_000)
    assert abs(int(read(out.getvalue()).rgb.mean()) - int(read(data).rgb.mean())) <= 1


def test_the_native_middle_is_what_the_camera_stored() -> None:
    """The cut from the middle is not scaled and begins on a border between blocks; small pictures are kept whole."""
    large = Image.effect_noise((2000, 1500), 60).convert("RGB")
    out = BytesIO()
    large.save(out, "JPEG", quality=100, subsampling=0)
    cut = read(out.getvalue()).native
    assert cut is not None
    assert cut.shape == (512, 512, 3)
    stored = Image.open(BytesIO(out.getvalue())).convert("RGB").crop((736, 480, 1248, 992))
    assert bytes(cut) == stored.tobytes()
    small = read(saved((300, 200), "PNG"))
    assert small.native is not None
    assert small.native.shape == (200, 300, 3)
    huge = read(saved((8000, 6000), "JPEG", "L"))
    assert (huge.shrunk, huge.width) == (2, 8000)
