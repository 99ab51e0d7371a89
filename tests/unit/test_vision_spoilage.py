from io import BytesIO

import pytest
from PIL import Image

from aftersales.photo import PhotoQuestion
from infra.local.drawn import strawberries
from plugins.vision.verifier import Verifier


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
