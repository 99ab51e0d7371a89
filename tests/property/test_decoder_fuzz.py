"""Files changed at random, fed to what reads the buyers' files. `make soak` goes on for minutes, the suite for seconds."""

import os
import random
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plugins.vision import intake
from plugins.vision.header import NoPhoto
from plugins.vision.times import look as look_at_time

SECONDS = float(os.environ.get("SOAK_SECONDS", "240")) if os.environ.get("SOAK") else 2.0
REASONS = {
    "vision.empty", "vision.not_a_photo", "vision.heic", "vision.truncated", "vision.broken", "vision.too_many_bytes",
    "vision.too_many_pixels",
}  # fmt: skip
HEIC = Path(__file__).parents[1] / "data" / "heic"

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns about much of what is sent here


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    """A picture of noise as a file."""
    out = BytesIO()
    Image.effect_noise((96, 72), 80).convert(mode).save(out, kind, **options)
    return out.getvalue()


def dated() -> bytes:
    """A JPEG with EXIF: a turn, a camera, a time, a program."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0131] = 6, "Phone", "Camera 1.0"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:20 18:30:05"
    return saved("JPEG", exif=exif.tobytes())


SEEDS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: saved("JPEG"),
    "progressive": lambda: saved("JPEG", progressive=True),
    "cmyk": lambda: saved("JPEG", "CMYK"),
    "dated": dated,
    "png": lambda: saved("PNG"),
    "palette": lambda: saved("PNG", "P", transparency=3),
    "alpha": lambda: saved("PNG", "RGBA"),
    "webp": lambda: saved("WEBP"),
    "webp_lossless": lambda: saved("WEBP", "RGBA", lossless=True),
    "heic": (HEIC / "plain.heic").read_bytes,
    "heic_tiled": (HEIC / "tiled.heic").read_bytes,
}


def changed(data: bytes, chance: random.Random) -> bytes:
    """The file with bytes flipped, missing, doubled, moved, or numbers made extreme."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(min(len(out), chance.choice((64, 600, len(out))) or 1) or 1)
        match chance.randrange(6):
            case 0:
                out[at] = chance.randrange(256)
            case 1:
                del out[at : at + chance.randint(1, 64)]
            case 2:
                out[at:at] = out[at : at + chance.randint(1, 64)]
            case 3:
                out[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80\x00\x00\x00")
                )
            case 4:
                out[at : at + 2] = chance.randbytes(2)
            case _:
                other = chance.randrange(len(out) or 1)
                out[at : at + 32] = out[other : other + 32]
        if not out:
            out = bytearray(data[:1])
    return bytes(out)


def answered(data: bytes) -> str:
    """What became of the file, after checking that it is one of the promised answers."""
    try:
        read = intake.read(data)
    except NoPhoto as no:
        return no.reason
    assert max(read.rgb.shape[:2]) <= intake.WORKING_SIDE
    assert read.rgb.dtype == "uint8"
    assert read.native is not None
    look_at_time(read.exif.taken_at, None, None)
    return "read"


@pytest.mark.parametrize("name", SEEDS)
def test_changed_files_are_read_or_turned_away(name: str) -> None:
    """Whatever happens to a file on its way, it is a picture or has a reason, within a second, and nothing else ever happens."""
    chance, original = random.Random(20261122), SEEDS[name]()
    assert answered(original) == "read"
    end, worst, seen = time.monotonic() + SECONDS / len(SEEDS), 0.0, set()
    while time.monotonic() < end:
        data = changed(original, chance)
        start = time.process_time()
        seen.add(answered(data))
        worst = max(worst, time.process_time() - start)
    assert seen <= REASONS | {"read"}
    assert worst < 5


@given(
    st.binary(max_size=400),
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x90\x01\x00\x00WEBPVP8X", b"\x00\x00\x00\x18ftypheic", b""]),
)
@settings(max_examples=20_000 if os.environ.get("SOAK") else 300, deadline=None)
def test_anything_at_all_is_answered(data: bytes, head: bytes) -> None:
    """Bytes of no sense behind the beginning of a picture are turned away with a reason."""
    assert answered(head + data) in REASONS | {"read"}
