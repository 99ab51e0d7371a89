"""Products on real photos that no model was trained or tuned on, where this machine has them beside the repository."""

from pathlib import Path

import pytest

from aftersales.decision import Verdict
from aftersales.photo import PhotoQuestion
from models import data
from models.data import Photo
from plugins.vision.product import Recogniser, judge

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not (DATA / "manifest.csv").is_file(), reason="the evidence photos are not on this machine")


def held_out(name: str, *kinds: str, most: int = 25) -> list[Photo]:
    """Test photos of a set, one of each group."""
    rows = {row.group: row for row in data.of(data.photos(DATA, sets=[name]), data.TEST) if not kinds or row.kind in kinds}
    return list(rows.values())[:most]


def matches(rows: list[Photo], title: str) -> list[str]:
    """What is said to an order of ``title`` with each of these photos."""
    question, recogniser = PhotoQuestion(title, "fruit", "fresh", "spoiled"), Recogniser()
    return [dict(judge(recogniser.see(data.read(DATA, row)), question)[0].data)["match"] for row in rows]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "kinds", "title", "least"),
    [
        ("apple_rot_seg", (), "红富士苹果", 0.6),
        ("fruit_sound_det", ("banana_fresh",), "香蕉", 0.6),
        ("orange_peel_defect", (), "脐橙", 0.6),
    ],
)
def test_ordered_fruit_is_recognised_and_never_disowned(name: str, kinds: tuple[str, ...], title: str, least: float) -> None:
    """Rotten or sound, most photos of the ordered fruit are told as it, and at most one of them as something else."""
    said = matches(held_out(name, *kinds), title)
    assert said.count("yes") >= least * len(said)
    assert said.count("no") <= 1


def test_other_fruit_is_hardly_ever_taken_for_the_ordered_one() -> None:
    """Bananas ordered and apples or oranges on the photo: at most one of fifty is said to be bananas."""
    said = [
        match for name in ("apple_rot_seg", "orange_peel_defect", "apple_defect_det") for match in matches(held_out(name), "香蕉")
    ]
    assert said.count("yes") <= max(1, len(said) // 50)


def test_pictures_of_anything_else_never_pass_for_goods() -> None:
    """Animals, buildings and things, handed in for mangoes: at most one in fifty passes, and some are sent back at once."""
    recogniser, question = Recogniser(), PhotoQuestion("芒果", "fruit", "fresh", "spoiled")
    rows = [*held_out("unrelated", "unrelated"), *held_out("generic", most=50)]
    found = [judge(recogniser.see(data.read(DATA, row)), question)[0] for row in rows]
    assert sum(f.verdict is Verdict.PASS for f in found) <= len(found) // 50
    assert any(f.verdict is Verdict.MISSING for f in found)
