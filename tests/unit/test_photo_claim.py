from pathlib import Path

import pytest

from aftersales.decision import Finding, Source, Verdict
from infra.local.photo_claim import PhotoClaim, judge, reason_of, told_pieces

GOODS = Finding("vision.product", Verdict.PASS, "vision.product_seen", Source.MODEL, 0.9, (("match", "yes"),))
SPOILED = Finding(
    "vision.spoilage", Verdict.PASS, "vision.spoiled", Source.MODEL, 0.9,
    (("share_high", 1.0), ("share_low", 0.4), ("spoiled_percent", 60), ("spoiled_share", 0.6)),
)  # fmt: skip
ONE_OF_ONE = Finding(
    "vision.pieces", Verdict.PASS, "vision.counted", Source.MODEL, 0.9,
    (("bad_max", 1), ("bad_min", 1), ("pieces_max", 1), ("pieces_min", 1)),
)  # fmt: skip
SCREEN = Finding("vision.screen", Verdict.UNSURE, "vision.screen", Source.MODEL, 0.99)
OTHER = Finding("vision.product", Verdict.UNSURE, "vision.product_other", Source.MODEL, 0.95, (("match", "no"),))


def claim(pieces: int = 1, text: str = "", reason: str = "spoiled") -> PhotoClaim:
    """A claim on so many mangoes."""
    return PhotoClaim("c1", "芒果", "mangoes", pieces, text, reason, (Path("p.jpg"),))


def decided(about: PhotoClaim, *photos: tuple[Finding, ...]) -> str:
    """The decision on a claim whose photos have these findings."""
    return judge(about, photos).decision


def test_the_whole_order_bad_is_approved() -> None:
    """One mango ordered and shown rotten: all of it is paid."""
    assert decided(claim(), (GOODS, SPOILED, ONE_OF_ONE)) == "approve"


def test_a_part_of_the_order_bad_is_approved_in_part() -> None:
    """One of twelve shown rotten: one twelfth is paid."""
    judged = judge(claim(12), [(GOODS, SPOILED, ONE_OF_ONE)])
    assert (judged.decision, judged.shown.share) == ("approve_partial", (1 / 12, 1 / 12))


def test_more_told_than_shown_goes_to_a_person() -> None:
    """Five rotten ones told and one shown: a person compares."""
    assert decided(claim(12, "烂了5个"), (GOODS, SPOILED, ONE_OF_ONE)) == "manual_review"


@pytest.mark.parametrize("odd", [SCREEN, OTHER])
def test_a_suspicion_is_a_persons(odd: Finding) -> None:
    """Whatever is odd about a photo is looked at by a person and refuses nobody."""
    assert decided(claim(), (GOODS, SPOILED, ONE_OF_ONE, odd)) == "manual_review"


def test_reasons_that_show_on_no_photo_are_a_persons() -> None:
    """A photo of fruit says nothing about wrong goods or short weight."""
    for reason in ("wrong_goods", "short_weight", "not_as_described"):
        assert decided(claim(reason=reason), (GOODS, SPOILED, ONE_OF_ONE)) == "manual_review"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("12个苹果烂了3个", 3),
        ("烂了五个", 5),
        ("有十二个坏的", 12),
        ("到货坏了两个，很失望", 2),
        ("3 of 12 apples are rotten", 3),
        ("5 apples, 2 bad", 2),
        ("all of them taste bad", 0),
        ("", 0),
        ("12个都很好吃", 0),
    ],
)
def test_pieces_are_read_from_words(text: str, pieces: int) -> None:
    """A number beside a flaw is what the buyer claims; other numbers are not."""
    assert told_pieces(text) == pieces


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("spoiled_or_damaged_on_arrival", "spoiled"),
        ("箱子压坏了", "spoiled"),
        ("cracked", "damaged"),
        ("漏发了两个", "wrong_goods"),
        ("short_weight_or_quantity", "short_weight"),
        ("taste_or_subjective", "not_as_described"),
        ("", "spoiled"),
    ],
)
def test_reasons_are_read_from_words(words: str, reason: str) -> None:
    """Callers' codes and buyers' sentences come to the trade's reasons."""
    assert reason_of(words) == reason
