import numpy as np
import pytest

from models.data import Photo
from models.spoilage.compose import Ground, Stock, composite, stock
from models.spoilage.cutout import Cutout
from models.spoilage.label import Grade, grade
from models.spoilage.sample import BAD, FRUIT, HEAT, KNOWN, KNOWS_ROT, PAD, ROT, SOME, blank, shot

GREEN, BLUE = (40, 200, 40), (40, 40, 220)


def photo(**known: str) -> Photo:
    """A row of the manifest, as far as it matters."""
    told = {"file": "a.jpg", "set": "fresh_rotten_single", "kind": "apple_fresh", "detail": "", "group": "g1"} | known
    return Photo(**told, licence="", licence_group="stated", source="", width=80, height=80)


def piece(how: Grade, group: str, *, marked: bool = True) -> Cutout:
    """A round piece: green where sound, its left half blue where spoiled."""
    rows, columns = np.mgrid[:60, :60]
    shape = np.where((rows - 30) ** 2 + (columns - 30) ** 2 < 28**2, 255, 0).astype(np.uint8)
    rgb = np.full((60, 60, 3), GREEN, np.uint8)
    rot = np.zeros((60, 60), np.uint8)
    if how is Grade.SPOILED:
        rgb[:, :30] = BLUE
        rot[:, :30] = shape[:, :30]
    return Cutout(rgb, shape, rot if marked else None, how, "apple", single=True, photo=photo(group=group), at=(0, 0))


def grey_stock(*, marked: bool = True) -> Stock:
    """Sound and spoiled pieces and grey grounds; patches of rot only where rot is marked."""
    grounds = [Ground(np.full((300, 300, 3), 128, np.uint8), bare=True)]
    return stock([piece(Grade.SOUND, "s"), piece(Grade.SPOILED, "b", marked=marked)], grounds)


@pytest.mark.parametrize("seed", range(25))
def test_a_composite_knows_its_rot_exactly(seed: int) -> None:
    """Rot lies on goods, only on pieces that are called bad or blemished, and the counts are those of the pieces in view."""
    chance = np.random.default_rng(seed)
    made = shot(composite(grey_stock(), chance), chance, calm=True)
    fruit, rot, bad = (made.planes[plane].astype(int) for plane in (FRUIT, ROT, BAD))
    assert (rot <= fruit + 90).all()
    assert (bad <= fruit + 90).all()
    assert not (made.grades == (1.0, 0.0, 0.0) and (rot > 200).sum() > 4)
    if made.grades == (0.0, 0.0, 1.0):
        assert (bad > 127).any()
    if made.counts[0] >= 0:
        assert (made.planes[HEAT] == 255).sum() <= made.counts[0]


def test_rot_that_nobody_marked_is_not_guessed() -> None:
    """On spoiled pieces without a mask the rot is not known, only that some is there."""
    for seed in range(40):
        chance = np.random.default_rng(seed)
        made = composite(grey_stock(marked=False), chance)
        inside = made.bad > 0
        if inside.any():
            assert (made.known[inside] & SOME).all()
            assert not (made.known[inside] & KNOWS_ROT).any()
            return
    pytest.fail("no composite had a spoiled piece")


def test_the_same_seed_makes_the_same_picture() -> None:
    """Banks can be made again."""
    first, second = (shot(composite(grey_stock(), c), c) for c in (np.random.default_rng(7), np.random.default_rng(7)))
    assert (first.rgb == second.rgb).all()
    assert (first.planes == second.planes).all()


def test_what_is_not_picture_holds_nothing() -> None:
    """The bars that fill the square are grey, without goods, and known to be."""
    whole = blank(np.full((100, 200, 3), GREEN, np.uint8))
    whole.fruit[:] = 255
    made = shot(whole, np.random.default_rng(0), calm=True)
    assert (made.rgb[:60] == PAD).all()
    assert not made.planes[FRUIT, :15].any()
    assert made.planes[KNOWN, :15].all()
    assert made.planes[FRUIT, 20:44].all()
    assert not made.planes[KNOWN, 20:44].any()


@pytest.mark.parametrize(
    ("row", "how"),
    [
        ({"kind": "apple_fresh"}, Grade.SOUND),
        ({"kind": "orange_canker", "set": "orange_peel_defect"}, Grade.BLEMISHED),
        ({"kind": "mango_slight_rotten", "set": "mango_grade_det"}, Grade.BLEMISHED),
        ({"kind": "mango_severe_rotten", "set": "mango_grade_det"}, Grade.SPOILED),
        ({"kind": "banana_overripe", "set": "banana_ripeness"}, None),
        ({"kind": "strawberry_rotten", "set": "fruit_fresh_rotten_det", "detail": "FreshPomgranate"}, None),
        ({"kind": "Golden-Delicious", "set": "product_shop"}, Grade.SOUND),
        ({"kind": "accordion", "set": "generic"}, None),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_classes_have_grades(row: dict[str, str], how: Grade | None) -> None:
    """What a class says of the goods; nothing where it leaves it open or contradicts its source."""
    assert grade(photo(**row)) is how
