import pytest

from aftersales.case import Item
from aftersales.money import Money
from aftersales.testing.builders import a_finding, a_line, an_evidence, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Facts
from verticals.fresh import VERTICAL
from verticals.fresh.rules import ordered_pieces, share_agrees


class TestFresh(VerticalContract):
    """Fresh produce keeps what every trade keeps, and its 30 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 30


def seeing(share: object, **changes: object) -> Facts:
    """A spoilage claim whose photo was verified with this visible share."""
    finding = a_finding(check="vision.spoilage", data=(("spoiled_share", share),))
    return facts(reason="spoiled", evidence=(an_evidence(findings=(finding,)),), **changes)


def test_the_buyer_reads_what_was_compared():
    """The finding on the share carries what is claimed and the range that is shown, so that its sentence can name them."""
    found = share_agrees(seeing(0.05))
    figures = {"claimed_percent": 20, "shown_percent": 2, "shown_most_percent": 10}
    assert (found.verdict, dict(found.data)) == ("unsure", figures)


def counting(title: str, *photos: tuple[int, int]) -> Facts:
    """A claim on one of twelve pieces of ``title``; each photo shows so many pieces, so many of them bad."""
    order = an_order(lines=(a_line(title=title, pieces=12),))
    evidence = tuple(
        an_evidence(
            evidence_id=f"e{n}",
            findings=(
                a_finding(check="vision.spoilage", data=(("share_high", 0.9), ("share_low", 0.5), ("spoiled_share", 0.7))),
                a_finding(
                    check="vision.pieces", data=(("bad_max", bad), ("bad_min", bad), ("pieces_max", all_), ("pieces_min", all_))
                ),
            ),
        )
        for n, (all_, bad) in enumerate(photos)
    )
    return facts(order, reason="spoiled", items=(Item("l1", 3),), evidence=evidence)


def test_a_photo_of_one_bad_apple_does_not_pay_for_three():
    """Pieces that were ordered one by one are counted: one bad one shown does not support a claim on three."""
    assert share_agrees(counting("Apples, 12 pieces", (1, 1))).reason == "share.differs"


def test_three_photos_of_bad_apples_may_be_three():
    """Bad pieces on several photos add up to what they may be together."""
    assert share_agrees(counting("Apples, 12 pieces", (1, 1), (1, 1), (1, 1))).reason == "share.agrees"


def test_goods_by_weight_are_compared_by_what_is_visible():
    """Of 12 jin a claim on 3 agrees with a box of which a quarter is bad."""
    assert share_agrees(counting("红富士苹果 12 斤", (20, 5))).reason == "share.agrees"
    assert share_agrees(counting("红富士苹果 12 斤", (20, 1))).reason == "share.differs"


@pytest.mark.parametrize(
    "title", ["草莓 ５斤", "草莓 500G 装", "蓝莓 8两", "草莓 每斤", "Cherries, 5 LB", "5-pound bag", "500 grams", "per jin"]
)
def test_weight_is_known_however_it_is_written(title: str):
    """Of 12 units of weight two bad berries on a close-up are no 2 of 12: what is visible is compared."""
    assert ordered_pieces(counting(title)) == 0


@pytest.mark.parametrize("title", ["3 gala apples", "2 golden kiwis", "红富士苹果 12 个", "Apples, 12 pieces"])
def test_what_only_looks_like_a_weight_is_counted(title: str):
    """Goods named after a number are counted piece by piece."""
    assert ordered_pieces(counting(title)) == 12


@pytest.mark.parametrize(
    ("title", "price", "photo", "reason"),
    [
        ("车厘子 JJ级 礼盒", 10_000, (1, 1), "share.close_up"),
        ("Cherries, 5 lb box", 10_000, (1, 1), "share.close_up"),
        ("车厘子 JJ级 礼盒", 1_000, (1, 1), "share.agrees"),
        ("车厘子 JJ级 礼盒", 10_000, (20, 16), "share.agrees"),
        ("Melon", 10_000, (1, 1), "share.agrees"),
    ],
)
def test_one_bad_cherry_pays_for_no_dear_box(title: str, price: int, photo: tuple[int, int], reason: str):
    """A close-up of one piece out of a box is believed for a small amount; above it a person looks, or a photo shows more."""
    order = an_order(lines=(a_line(title=title, pieces=1, unit_price_minor=price),))
    given = counting(title, photo).evidence
    assert share_agrees(facts(order, reason="spoiled", items=(Item("l1", 1, 80),), evidence=given)).reason == reason


def test_a_figure_that_is_no_share_is_not_believed():
    """What is not a number in [0, 1] counts as not measured and goes to a person."""
    for odd in (float("nan"), -0.1, 1.1, "0.9"):
        assert share_agrees(seeing(odd)).reason == "share.not_measured"


def test_a_share_of_several_lines_is_of_all_of_them():
    """Two lines in one claim are compared together: 1 of 5 and 1 of 5 are a fifth."""
    order = an_order(lines=(a_line(), a_line(line_id="l2")))
    offer = VERTICAL.offer("claim")
    quote = offer.amount(facts(order, reason="spoiled", items=(Item("l1", 1), Item("l2", 1))))
    assert (quote.share, quote.amount) == ((1, 5), Money(3980, "CNY"))
