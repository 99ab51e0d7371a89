"""Reading and masking: on waybills drawn by script, and on the real photos where this machine has them beside the repository."""

import re
from pathlib import Path

import pytest

from aftersales.decision import Verdict
from aftersales.photo import PhotoQuestion
from plugins.vision import label, letters, masking, ocr, reading
from plugins.vision.faces import find
from plugins.vision.measure import waybills
from plugins.vision.measure.masking import covered, leaks, unable
from plugins.vision.measure.photos import Photo, listed, pixels, some
from plugins.vision.sheet import look

DATA = Path(__file__).parents[3] / "shared" / "data"
FRUIT = ("apple_rot_seg", "fruit_fresh_rotten_det", "mango_grade_det", "orange_peel_defect")

drawn = pytest.mark.skipif(not (waybills.able() and ocr.able()), reason="no font to draw waybills with, or no reader of words")
real = pytest.mark.skipif(not (DATA / "manifest.csv").is_file(), reason="the evidence photos are not on this machine")


def photos(name: str, most: int, kind: str = "") -> list[Photo]:
    """Some photos of a set."""
    return some([p for p in listed(DATA) if p.set == name and kind in ("", p.kind)], most)


@drawn
@pytest.mark.parametrize("turn", [0, 97, 180, 262])
def test_a_waybill_is_read_however_it_lies(turn: int) -> None:
    """The tracking number of a waybill that lies upright, sideways or upside down is read, and agrees with its order."""
    picture = waybills.draw(3, turn)
    text = reading.read(picture.rgb)
    question = PhotoQuestion("", "fruit", "fresh", "spoiled", written=(("tracking", picture.number),))
    assert text.read
    assert look(text).has_waybill
    assert label.words(text, question).reason == "vision.text_agrees"


@drawn
@pytest.mark.parametrize("seed", [1, 4])
def test_nothing_personal_is_readable_after_masking(seed: int) -> None:
    """No name, phone, address or code of a drawn waybill can be read on the masked copy; the berries beside it stay to be seen."""
    picture = waybills.draw(seed)
    assert len(leaks(picture, picture.rgb)) >= 8, "the drawing must be readable, or this shows nothing"
    hidden = masking.hide(picture.rgb, masking.places(picture.rgb, reading.read(picture.rgb)))
    assert leaks(picture, hidden) == []
    assert covered(picture, hidden) < 0.01


@drawn
def test_nothing_personal_is_readable_where_no_words_can_be_read() -> None:
    """A unit without a reader hides as much: the waybill's sheet as a whole."""
    picture = waybills.draw(6)
    text = unable(picture.rgb, reading.Text(codes=reading.codes(picture.rgb, enlarge=True), shape=picture.rgb.shape[:2]))
    assert leaks(picture, masking.hide(picture.rgb, masking.places(picture.rgb, text))) == []


@drawn
def test_another_parcels_waybill_goes_to_a_person() -> None:
    """A waybill of the same carrier with another number than the order's makes the photo unsure."""
    picture = waybills.draw(5, 0)
    other = picture.number[:-6] + "".join(str((int(d) + 3) % 10) for d in picture.number[-6:])
    question = PhotoQuestion("草莓", "fruit", "fresh", "spoiled", written=(("tracking", other),))
    assert label.words(reading.read(picture.rgb), question).verdict is Verdict.UNSURE


@real
def test_codes_that_can_be_read_are_read() -> None:
    """Of real photos whose code is known to be readable nearly all are read right, and none is read wrongly."""
    right = wrong = total = 0
    for photo in photos("label_barcode", 70):
        said = re.search(r"code=(.*?);? zxing_decodes=expected", photo.detail)
        if said is None:
            continue
        rgb = pixels(photo.path)
        found = {re.sub(r"\W", "", c.text).lstrip("0").lower() for c in reading.codes(rgb, enlarge=bool(letters.look(rgb).bars))}
        total += 1
        right += re.sub(r"\W", "", said.group(1)).lstrip("0").lower() in found
        wrong += bool(found) and re.sub(r"\W", "", said.group(1)).lstrip("0").lower() not in found
    assert right >= 0.95 * total
    assert wrong == 0


@real
def test_no_code_is_read_where_there_is_none() -> None:
    """Texture is not read as a code."""
    texture = [*photos("label_barcode", 12, "no_barcode"), *photos("egg_tray", 5), *photos("fruit_fresh_rotten_det", 10)]
    assert [reading.codes(pixels(p.path), enlarge=True) for p in texture] == [()] * len(texture)


@real
def test_print_on_labels_is_noticed() -> None:
    """Of real labels nearly all are noticed as print, so that they are read; of fruit most are not, so that they cost nothing."""
    labels = [letters.look(pixels(p.path)).seen for p in photos("label_barcode", 25, "product_label")]
    fruit = [letters.look(pixels(p.path)).seen for name in FRUIT for p in photos(name, 8)]
    assert sum(labels) >= 0.95 * len(labels)
    assert sum(fruit) <= 0.4 * len(fruit)


@real
def test_the_evidence_on_fruit_is_rarely_hidden() -> None:
    """On photos of fruit alone, at most one in twenty has anything hidden as a face or as print."""
    fruit = [pixels(p.path) for name in FRUIT for p in photos(name, 10)]
    hidden = [bool(masking.places(rgb, reading.read(rgb), find(rgb))) for rgb in fruit]
    assert sum(hidden) <= len(fruit) / 20
