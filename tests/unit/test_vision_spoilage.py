from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aftersales.ports import PhotoQuestion
from infra.local.drawn import strawberries
from plugins.vision import intake, spoilage
from plugins.vision.spoilage import Spoilage
from plugins.vision.verifier import Verifier


def estimate(photo: bytes) -> Spoilage:
    """The estimate on a file."""
    return spoilage.estimate(intake.read(photo).rgb)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("spoiled", "of"), [(1, 5), (2, 5), (3, 5), (3, 12), (2, 8)])
def test_drawn_spoilage_is_seen_with_its_share(spoiled: int, of: int, seed: int) -> None:
    """Of drawn strawberries the spoiled share is seen, a few points off at most."""
    found = estimate(strawberries(spoiled, of, seed))
    assert found.seen
    assert found.share == pytest.approx(spoiled / of, abs=0.06)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("of", [1, 5, 12])
def test_drawn_sound_goods_show_nothing(of: int, seed: int) -> None:
    """On drawn sound strawberries nothing is seen, calyx, seeds and shadow notwithstanding."""
    found = estimate(strawberries(0, of, seed))
    assert not found.seen
    assert found.share < 0.03


def test_a_little_is_left_to_a_person() -> None:
    """One of twelve is less than can be told from stems and shade: it is not called seen."""
    assert not estimate(strawberries(1, 12)).seen


def test_goods_that_are_rotten_throughout_leave_it_unsure() -> None:
    """Where nothing sound is left to compare with, the estimate says that it is unsure."""
    assert not estimate(strawberries(5, 5)).sure


@pytest.mark.parametrize("ground", [(40, 60, 40), (150, 90, 40), (30, 30, 30)], ids=["grass", "wood", "dark"])
def test_other_than_plain_light_ground_leaves_it_unsure(ground: tuple[int, int, int]) -> None:
    """Where goods cannot be told from what they lie on, nothing is said."""
    noise = np.random.default_rng(0).normal(0, 12, (600, 800, 3))
    rgb = np.clip(np.array(ground) + noise, 0, 255).astype(np.uint8)
    rgb[200:400, 300:500] = (220, 30, 40)
    assert spoilage.estimate(rgb) == spoilage.NOTHING


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_empty_pictures_have_no_goods(shade: int) -> None:
    """Plain paper, or a black frame, has no goods on it."""
    assert spoilage.estimate(np.full((300, 400, 3), shade, dtype=np.uint8)) == spoilage.NOTHING


def test_noise_is_answered_in_time() -> None:
    """A picture of pure noise, the worst for finding parts, gets an answer like any other."""
    noise = np.random.default_rng(1).integers(0, 256, (768, 1024, 3), dtype=np.uint8)
    assert not spoilage.estimate(noise).seen


def test_regions_lie_where_the_rot_is() -> None:
    """Regions are fractions of the picture and surround the rotten fruit, not the sound one."""
    rgb = np.full((400, 800, 3), 235, dtype=np.uint8)
    image = Image.fromarray(rgb)
    pen = ImageDraw.Draw(image)
    for left in (80, 480):
        pen.ellipse((left, 80, left + 240, 320), fill=(220, 40, 40))
    chance = np.random.default_rng(0)
    for x, y in chance.uniform(-80, 80, (300, 2)):
        pen.ellipse((600 + x - 12, 200 + y - 12, 600 + x + 12, 200 + y + 12), fill=tuple(chance.integers(20, 70, 3).tolist()))
    found = spoilage.estimate(np.asarray(image, dtype=np.uint8))
    assert found.seen
    assert found.regions
    assert all(0.5 < x < 1 and 0 < y < 1 for region in found.regions for x, y in region)


def test_the_overlay_is_a_small_jpeg_without_metadata() -> None:
    """The overlay keeps the working size, is a JPEG, and carries no EXIF of the original."""
    photo = Image.open(BytesIO(strawberries(2, 5))).resize((3000, 2250))
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    out = BytesIO()
    photo.save(out, "JPEG", exif=exif)
    drawn = Verifier().inspect(out.getvalue(), PhotoQuestion("", "", "fresh", "spoiled")).overlay
    assert drawn is not None
    with Image.open(BytesIO(drawn)) as seen:
        assert (seen.format, seen.width) == ("JPEG", 1024)
        assert not dict(seen.getexif())
    assert len(drawn) < 300_000


@pytest.mark.parametrize(("spoiled", "of"), [(-1, 5), (6, 5), (0, 0), (1, 13)])
def test_impossible_drawings_are_refused(spoiled: int, of: int) -> None:
    """More spoiled berries than berries, or more than fit, are not drawn."""
    with pytest.raises(ValueError, match="cannot draw"):
        strawberries(spoiled, of)


def test_drawings_repeat() -> None:
    """The same seed draws the same bytes, another seed others."""
    assert strawberries(1, 5, 7) == strawberries(1, 5, 7) != strawberries(1, 5, 8)
