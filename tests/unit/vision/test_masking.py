from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from plugins.vision import faces, masking, reading
from plugins.vision.letters import Letters, Row
from plugins.vision.reading import Code, Line, Text
from plugins.vision.sheet import Sheets, look

SHAPE = (600, 800)
NAME = ((0.1, 0.1), (0.4, 0.1), (0.4, 0.15), (0.1, 0.15))
GOODS = ((0.1, 0.2), (0.4, 0.2), (0.4, 0.25), (0.1, 0.25))
BARS = ((0.1, 0.4), (0.4, 0.4), (0.4, 0.41), (0.1, 0.41))
AWAY = ((0.7, 0.8), (0.9, 0.8), (0.9, 0.85), (0.7, 0.85))


@pytest.fixture
def rgb() -> np.ndarray:
    """A picture of noise: whatever is left of it is recognised."""
    return np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)


def written(*lines: Line, codes: tuple[Code, ...] = (), rows: tuple[Row, ...] = (), able: bool = True) -> Text:
    """A picture on which these lines were read."""
    return Text(lines, codes, Letters(rows), able=able, read=able, shape=SHAPE)


def share_hidden(before: np.ndarray, after: np.ndarray, region: tuple[tuple[float, float], ...]) -> float:
    """How much of a region's upright box was changed."""
    (left, top), _, (right, bottom), _ = region
    rows = slice(int(top * SHAPE[0]), int(bottom * SHAPE[0]))
    columns = slice(int(left * SHAPE[1]), int(right * SHAPE[1]))
    return float((before[rows, columns] != after[rows, columns]).any(axis=2).mean())


def test_only_what_is_personal_is_hidden(rgb: np.ndarray) -> None:
    """A phone number is hidden whole; the label beside it and the rest of the picture stay as they are."""
    text = written(Line("13812345678", 0.9, NAME), Line("净含量：500克", 0.9, AWAY))
    after = masking.hide(rgb, masking.places(rgb, text))
    assert share_hidden(rgb, after, NAME) > 0.99
    assert share_hidden(rgb, after, AWAY) == 0.0


def test_on_a_waybill_all_but_the_harmless_is_hidden(rgb: np.ndarray) -> None:
    """On a waybill a name that no pattern knows is hidden, and its bars to their full height; the contents are shown."""
    code = Code("Code 128", "SF1234567890123", BARS)
    text = written(Line("欧阳", 0.9, NAME), Line("托寄物：草莓5斤", 0.9, GOODS), codes=(code,))
    after = masking.hide(rgb, masking.places(rgb, text))
    assert share_hidden(rgb, after, NAME) > 0.99
    assert share_hidden(rgb, after, ((0.1, 0.36), (0.4, 0.36), (0.4, 0.45), (0.1, 0.45))) > 0.9
    assert share_hidden(rgb, after, ((0.1, 0.21), (0.4, 0.21), (0.4, 0.22), (0.1, 0.22))) == 0.0


def test_a_waybill_that_cannot_be_read_is_hidden_whole(rgb: np.ndarray) -> None:
    """Lines that were found on a waybill but not surely read take the space between them along."""
    lines = [Line("运单号", 0.65, NAME), Line("", 0.0, GOODS), Line("??", 0.3, BARS)]
    after = masking.hide(rgb, masking.places(rgb, written(*lines)))
    assert share_hidden(rgb, after, ((0.1, 0.1), (0.4, 0.1), (0.4, 0.41), (0.1, 0.41))) > 0.99
    assert share_hidden(rgb, after, AWAY) == 0.0


def test_where_nothing_can_be_read_rows_of_marks_are_hidden(rgb: np.ndarray) -> None:
    """Without a reader long rows of marks are hidden where there are several; where words can be read, reading decides."""
    rows = (Row(9, NAME), Row(7, GOODS), Row(4, AWAY))
    assert set(masking.places(rgb, written(rows=rows, able=False))) == {NAME, GOODS}
    assert masking.places(rgb, written(rows=rows[:1], able=False)) == ()
    assert masking.places(rgb, written(rows=rows)) == ()


def test_small_print_on_a_large_photo_is_hidden() -> None:
    """A phone number in digits as high as one in a hundred parts of the photo is read, and hidden whole."""
    pytest.importorskip("rapidocr")
    grain = np.random.default_rng(0).normal(128, 4, (768, 1024, 3))
    photo = Image.fromarray(grain.clip(0, 255).astype(np.uint8))
    ImageDraw.Draw(photo).rectangle((380, 480, 560, 520), fill="white")
    ImageDraw.Draw(photo).text((400, 492), "13812345678", font=ImageFont.load_default(13), fill="black")
    before = np.asarray(photo)
    after = masking.hide(before, masking.places(before, reading.read(before)))
    assert (before[494:504, 404:470] != after[494:504, 404:470]).any(axis=2).mean() > 0.9
    assert (before[:400] == after[:400]).all()


def test_a_face_is_hidden(rgb: np.ndarray) -> None:
    """The box around a face is hidden."""
    after = masking.hide(rgb, masking.places(rgb, written(), faces=((0.7, 0.8, 0.9, 0.85),)))
    assert share_hidden(rgb, after, AWAY) > 0.99


def test_what_is_hidden_cannot_be_computed_back(rgb: np.ndarray) -> None:
    """Under a mask only a few tiles are left, and two pictures with other details of the same means end nearly alike."""
    other = rgb.copy()
    height, width = int(0.05 * SHAPE[0]), int(0.3 * SHAPE[1])
    top, left = int(0.1 * SHAPE[0]), int(0.1 * SHAPE[1])
    other[top : top + height, left : left + width] = rgb[top : top + height, left : left + width][::-1, ::-1]
    first, second = (masking.hide(picture, (NAME,))[top : top + height, left : left + width] for picture in (rgb, other))
    assert len(np.unique(first.reshape(-1, 3), axis=0)) <= 48
    assert np.abs(first.astype(int) - second.astype(int)).mean() < 12


@pytest.mark.parametrize(
    "region", [((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), ((0.999, 0.999),) * 4, ((0.0, 0.5), (0.0, 0.5), (0.0, 0.5))]
)
def test_any_place_can_be_hidden(rgb: np.ndarray, region: tuple[tuple[float, float], ...]) -> None:
    """The whole picture, a corner, and a place without extent are hidden without an error, and the size stays."""
    assert masking.hide(rgb, (region,)).shape == rgb.shape


def test_the_copy_carries_nothing_but_pixels(rgb: np.ndarray) -> None:
    """The masked JPEG has the picture's size, no metadata, and tells at most twelve places."""
    rows = tuple(
        Row(9, ((0.1, y), (0.2, y), (0.2, y + 0.02), (0.1, y + 0.02))) for y in np.arange(0.1, 0.9, 0.04).round(3).tolist()
    )
    content, regions = masking.mask(rgb, written(rows=rows, able=False), ())
    with Image.open(BytesIO(content)) as copy:
        assert copy.size == (SHAPE[1], SHAPE[0])
        assert not copy.getexif()
        assert set(copy.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert len(regions) == 12


def test_the_original_is_left_alone(rgb: np.ndarray) -> None:
    """Masking works on a copy: everything else is judged on the original."""
    before = rgb.copy()
    masking.hide(rgb, (NAME, GOODS))
    assert (rgb == before).all()


def test_a_waybill_that_only_a_judge_of_scenes_sees_is_hidden(rgb: np.ndarray) -> None:
    """Where nothing can be read, a picture that is a waybill is hidden: its sheet where one stands out, else the whole of it."""
    seen = Sheets(waybill=0.97)
    assert share_hidden(rgb, masking.hide(rgb, masking.places(rgb, written(), (), seen)), AWAY) > 0.99
    table = np.full_like(rgb, 60)
    table[60:420, 80:480] = 235
    after = masking.hide(table, masking.places(table, written(), (), seen))
    assert share_hidden(table, after, ((0.15, 0.15), (0.55, 0.15), (0.55, 0.6), (0.15, 0.6))) > 0.99
    assert share_hidden(table, after, AWAY) == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (31, 31), (40, 1024)])
def test_any_picture_is_read_and_masked(shape: tuple[int, int]) -> None:
    """Reading, looking for faces and masking answer for pictures of any size."""
    tiny = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    text = reading.read(tiny, must=True)
    content, _ = masking.mask(tiny, text, faces.find(tiny), look(text, {"waybill": 0.9}))
    with Image.open(BytesIO(content)) as copy:
        assert copy.size == (shape[1], shape[0])
