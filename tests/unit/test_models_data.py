from pathlib import Path

import pytest

from models import data
from models.goods import label

ROW = "images/{s}/{n}.jpg,{s},somewhere,some,{licence},{kind},,{group},10,10,100"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A manifest of a few photos."""
    head = "file,set,source_repo,licence,licence_group,class,label_detail,split_group,width,height,bytes"
    rows = [
        ROW.format(s="mango_grade_det", n=1, licence="own_phone_unstated", kind="mango_ripe", group="g1"),
        ROW.format(s="mango_grade_det", n=2, licence="own_phone_unstated", kind="mango_severe_rotten", group="g1"),
        ROW.format(s="apple_defect_det", n=3, licence="web_unstated", kind="apple_defect", group="g2"),
        ROW.format(s="product_shop", n=4, licence="stated", kind="Pink-Lady", group="g3"),
        ROW.format(s="generic", n=5, licence="stated", kind="stapler", group="g4"),
    ]
    (tmp_path / "manifest.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    return tmp_path


def test_shots_of_one_thing_stay_together(folder: Path) -> None:
    """Photos of one group are in one fold, on every machine the same."""
    first, second, *_ = data.photos(folder)
    assert first.fold == second.fold == data.fold("g1") == 0


def test_the_test_fold_is_never_trained_on() -> None:
    """Testing, calibrating and training share no fold, and every fold has its use."""
    assert sorted((*data.TEST, *data.CALIBRATE, *data.TRAIN)) == list(range(data.FOLDS))


def test_a_licence_leaves_other_photos_out(folder: Path) -> None:
    """A training with fewer licences sees none of the others' photos; an unknown licence is refused."""
    assert {row.licence_group for row in data.photos(folder, "stated,own_phone")} == {"stated", "own_phone_unstated"}
    assert len(data.photos(folder)) == 5
    with pytest.raises(ValueError, match="own_phone"):
        data.photos(folder, "stated,borrowed")


def test_rotten_and_sound_fruit_are_one_product(folder: Path) -> None:
    """How a fruit fares does not change what it is; an apple of unknown variety may be any; a thing has no product's name."""
    sound, rotten, apple, lady, thing = data.photos(folder)
    assert label.products(sound) == label.products(rotten) == ("Mango",)
    assert set(label.products(lady)) < set(label.products(apple))
    assert (label.products(thing), label.scenes(thing)) == ((label.NONE,), ("thing",))
