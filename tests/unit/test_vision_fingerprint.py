from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from aftersales.evidence import print_distance
from infra.local.drawn import strawberries
from plugins.vision import intake
from plugins.vision.fingerprint import SAME_UP_TO, distance, fingerprint


def drawn(seed: int = 3) -> Image.Image:
    """A drawn photo of eight strawberries."""
    return Image.fromarray(intake.read(strawberries(2, 8, seed)).rgb)


def mark(image: Image.Image) -> str:
    """Its print."""
    return fingerprint(np.asarray(image, dtype=np.uint8))


def recompressed(image: Image.Image) -> Image.Image:
    """A copy as a messenger makes it."""
    out = BytesIO()
    image.save(out, "JPEG", quality=25)
    return Image.open(BytesIO(out.getvalue()))


COPIES = {
    "recompressed": recompressed(drawn()),
    "half_size": drawn().resize((400, 300)),
    "brighter": ImageEnhance.Brightness(drawn()).enhance(1.2),
    "cut": drawn().crop((16, 12, 784, 588)),
    "mirrored": drawn().transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside_down": drawn().transpose(Image.Transpose.ROTATE_180),
    "turned_left": drawn().transpose(Image.Transpose.ROTATE_90),
    "turned_right": drawn().transpose(Image.Transpose.ROTATE_270),
    "transposed": drawn().transpose(Image.Transpose.TRANSPOSE),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())
def test_copies_are_near(copy: Image.Image) -> None:
    """A copy of a photo has nearly the photo's print."""
    assert distance(mark(drawn()), mark(copy)) <= SAME_UP_TO


def test_other_photos_are_far() -> None:
    """Other photos of the same kind of thing differ in about half of their bits."""
    marks = [mark(drawn(seed)) for seed in range(8)]
    apart = [distance(a, b) for i, a in enumerate(marks) for b in marks[:i]]
    assert min(apart) > SAME_UP_TO
    assert 24 <= sum(apart) / len(apart) <= 40


def test_a_print_is_sixteen_hex_digits() -> None:
    """A print is 64 bits written as 16 hex digits, leading zeros kept."""
    for seed in range(5):
        assert len(mark(drawn(seed))) == 16
        assert int(mark(drawn(seed)), 16) < 2**64


@pytest.mark.parametrize(
    ("a", "b", "bits"),
    [("0" * 16, "0" * 16, 0), ("0" * 16, "f" * 16, 64), ("0" * 15 + "1", "0" * 16, 1), ("8" + "0" * 15, "7" + "0" * 15, 4)],
)
def test_distance_counts_differing_bits(a: str, b: str, bits: int) -> None:
    """The distance of two prints is the number of bits in which they differ, either way round."""
    assert distance(a, b) == distance(b, a) == print_distance(a, b) == bits
