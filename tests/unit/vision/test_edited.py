import numpy as np
import pytest
from numpy.typing import NDArray

from aftersales.decision import Verdict
from plugins.vision.edited import copied, look, painted
from plugins.vision.intake import Picture
from plugins.vision.measure.forgery import saved
from plugins.vision.origin import Exif

Bytes = NDArray[np.uint8]


def textured(seed: int = 0, side: int = 480) -> Bytes:
    """Grain and blotches of all sizes in brown: soil, bread, skin."""
    import cv2

    chance = np.random.default_rng(seed)
    out = np.full((side, side, 3), (150, 120, 90), dtype=np.float32)
    for size in (6, 24, 96, side):
        rough = chance.normal(0, 14, (size, size, 3)).astype(np.float32)
        out += cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC)
    return saved(out.clip(0, 255).astype(np.uint8), 92)


def seen(rgb: Bytes, software: str = "") -> str:
    """The sign of editing that is found, or "" for none."""
    found = look(Picture(rgb, rgb.shape[1], rgb.shape[0], "JPEG", exif=Exif(software=software)))
    assert (found.verdict is Verdict.UNSURE) == (found.reason == "vision.edited")
    return str(dict(found.data).get("sign", ""))


@pytest.mark.parametrize(
    ("software", "expected"),
    [
        ("Adobe Photoshop 24.0 (Windows)", "program"),
        ("Snapseed 2.0", "program"),
        ("美图秀秀", "program"),
        ("HDR+ 1.0.5", ""),
        ("17.5.1", ""),
        ("MediaTek Camera Application", ""),
        ("Adobe Photoshop Lightroom Classic", ""),
        ("", ""),
    ],
)
def test_programs_that_change_pictures_are_named(software: str, expected: str) -> None:
    """A file that names a program which changes pictures asks for a person; a camera's own program does not."""
    assert seen(textured(), software) == expected


@pytest.mark.parametrize("seed", range(4))
def test_a_copy_within_the_picture_is_found(seed: int) -> None:
    """A patch that was copied elsewhere in the picture is found, and both its places are marked."""
    rgb = textured(seed)
    rgb[300:400, 60:170] = rgb[100:200, 280:390]
    places = copied(saved(rgb, 88))
    assert sorted((round(min(x for x, _ in place) * 480 / 20), round(min(y for _, y in place) * 480 / 20)) for place in places) == [
        (3, 15),
        (14, 5),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_untouched_texture_is_left_alone(seed: int) -> None:
    """Texture that was saved, scaled and saved again by messengers shows no sign."""
    rgb = textured(seed)
    for quality, long in ((75, 400), (60, 0), (90, 333)):
        rgb = saved(rgb, quality, long)
        assert seen(rgb) == ""


def test_patterns_are_no_copies() -> None:
    """What repeats in many places, as trays and cloth do, was not copied by anyone."""
    tile = textured(1, 120)
    assert copied(saved(np.tile(tile, (4, 4, 1)), 90)) == ()


@pytest.mark.parametrize("seed", range(4))
def test_a_painted_patch_is_found(seed: int) -> None:
    """A patch of plain colour in a grainy picture is found and marked."""
    rgb = textured(seed)
    rgb[200:260, 100:190] = (70, 50 + 5 * seed, 30)
    (place,) = painted(saved(rgb, 92))
    found = [480 * x for x in (*place[0], *place[2])]
    assert found == pytest.approx([100, 200, 190, 260], abs=24)


def test_smooth_photos_are_not_painted() -> None:
    """White paper, studio grounds and black corners are smooth by nature."""
    ground = np.full((400, 400, 3), (210, 208, 200), dtype=np.uint8)
    ground[:80] = 0
    ground[150:300, 150:300] = textured(2, 150)
    assert painted(saved(ground, 90)) == ()


def test_tiny_and_plain_pictures_are_answered() -> None:
    """A strip, a dot and a picture of nothing show no sign and raise nothing."""
    for shape in ((1, 1, 3), (3, 900, 3), (300, 300, 3)):
        assert seen(np.full(shape, 128, dtype=np.uint8)) == ""
