from collections.abc import Mapping

import pytest

from aftersales.decision import Verdict
from aftersales.photo import PhotoQuestion
from plugins.vision.product import Seen, answer, judge, kinds, ordered, weigh
from plugins.vision.session import card

#: Of a model that may speak from these on.
LIMITS = {"yes": 0.6, "yes_package": 0.8, "near": 0.05, "other": 0.8, "nothing": 0.7, "nothing_unknown": 0.8, "alike": 0.7}


def sees(products: Mapping[str, float], scene: str = "goods") -> Seen:
    """What is seen, the rest of the probability spread over all other products."""
    names = [name for kind in kinds().values() for name in kind.classes] + ["none"]
    rest = (1 - sum(products.values())) / (len(names) - len(products))
    scenes = dict.fromkeys(("goods", "thing", "other", "label", "waybill", "parcel"), 0.02) | {scene: 0.9}
    return Seen({name: products.get(name, rest) for name in names}, scenes, 0.5, (1.0, 0.0))


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("丹东草莓 500g 顺丰包邮", "strawberry"),
        ("牛奶草莓", "strawberry"),
        ("红富士苹果 Apple 5斤", "apple"),
        ("美味苹果 脆甜多汁", "apple"),
        ("Granny Smith apples", "apple"),
        ("番石榴", "guava"),
        ("红心芭乐", "guava"),
        ("突尼斯软籽石榴", "pomegranate"),
        ("沾化冬枣", "jujube"),
        ("牛油果", "avocado"),
        ("猕猴桃", "kiwi"),
        ("砂糖橘 3斤", "satsuma"),
        ("mangoes", "mango"),
        ("小台农芒果", "mango"),
        ("strawberries", "strawberry"),
        ("red grapefruit", "grapefruit"),
        ("凤梨", "pineapple"),
        ("鲜鸡蛋30枚", "egg"),
        ("eggplant", "aubergine"),
        ("葡萄", "grape"),
        ("西柚", "grapefruit"),
        ("豆奶", "soy milk"),
        ("香草大豆酸奶", "soyghurt"),
        ("sour cream", "sour cream"),
        ("鲜榨苹果汁", "juice"),
    ],
)
def test_a_title_names_one_kind_of_goods(title: str, kind: str) -> None:
    """The longest name in a title counts: a guava is no pomegranate, a pineapple no pear, grapefruit no grape."""
    assert ordered(title).kinds == (kind,)


@pytest.mark.parametrize(
    "title",
    [
        "樱桃",
        "榴莲",
        "苹果手机壳",
        "Apple Watch",
        "苹果味软糖",
        "芒果干",
        "草莓酱",
        "strawberry jam",
        "dried mango",
        "葡萄酒",
        "椰奶",
        "",
        "T恤",
    ],
)
def test_what_only_sounds_like_fruit_is_unknown(title: str) -> None:
    """A fruit's jam, taste, phone or namesake is not the fruit, and what has no name here stays unknown."""
    assert ordered(title).classes == ()


def test_a_package_is_matched_by_its_product_where_the_title_names_it() -> None:
    """A title with a product's name asks for that product, one with the kind alone for any of the kind."""
    assert ordered("Arla Standard Milk 牛奶 1L").classes == ("Arla-Standard-Milk",)
    assert set(ordered("牛奶").classes) == set(kinds()["milk"].classes)


def test_every_class_of_the_model_belongs_to_one_kind() -> None:
    """What the model can see and what titles can ask for are the same goods."""
    named = [name for kind in kinds().values() for name in kind.classes]
    assert sorted([*named, "none"]) == sorted(card("goods")["products"])


def test_likeness_holds_both_ways() -> None:
    """If an orange may be taken for a lemon, a lemon may be taken for an orange."""
    assert all(kind.name in kinds()[other].like for kind in kinds().values() for other in kind.like)


@pytest.mark.parametrize(
    ("title", "products", "scene", "match", "reason"),
    [
        ("苹果", {"Pink-Lady": 0.5, "apple": 0.4}, "goods", "yes", "product_seen"),  # varieties add up
        ("苹果", {"Banana": 0.97}, "goods", "no", "product_other"),
        ("橙子", {"Satsumas": 0.97}, "goods", "unclear", "product_unclear"),  # looks alike
        ("苹果", {"none": 0.97}, "thing", "no", "not_a_product"),
        ("苹果", {"none": 0.97}, "goods", "unclear", "product_unclear"),  # goods it has no name for
        ("苹果", {"none": 0.5, "apple": 0.4}, "other", "unclear", "product_unclear"),  # might be
        ("Arla Standard Milk", {"Arla-Standard-Milk": 0.7}, "goods", "unclear", "product_unclear"),  # packages ask for more
        ("Arla Standard Milk", {"Arla-Medium-Fat-Milk": 0.97}, "goods", "unclear", "product_unclear"),
        ("Arla Standard Milk", {"Banana": 0.97}, "goods", "no", "product_other"),
    ],
)
def test_yes_and_no_need_more_than_a_likeness(title: str, products: dict[str, float], scene: str, match: str, reason: str) -> None:
    """Yes needs the ordered goods probable; no needs them and all that looks like them improbable; the rest is left open."""
    assert answer(weigh(sees(products, scene), ordered(title)), LIMITS)[:2] == (match, reason)


def test_a_model_never_rejects() -> None:
    """Whatever is ordered and seen, the findings pass, ask for another photo or call for a person."""
    for title in ("苹果", "榴莲", "Arla Standard Milk"):
        for products in ({"Banana": 0.99}, {"none": 0.99}, {"apple": 0.99}):
            for scene in ("goods", "other", "parcel"):
                for finding in judge(sees(products, scene), PhotoQuestion(title, "fruit", "fresh", "spoiled")):
                    assert finding.verdict in {Verdict.PASS, Verdict.MISSING, Verdict.UNSURE}
                    assert 0 <= finding.confidence <= 1


def test_goods_without_a_name_are_not_accused() -> None:
    """Goods that the model does not know are left open, whatever known goods the photo resembles."""
    (finding, *_) = judge(sees({"Banana": 0.99}), PhotoQuestion("榴莲", "fruit", "fresh", "spoiled"))
    assert (finding.verdict, dict(finding.data)["match"]) == (Verdict.UNSURE, "unclear")


def test_the_sellers_picture_speaks_for_goods_without_a_name() -> None:
    """Goods that the model has no name for are recognised where the photo is like the seller's picture."""
    question = PhotoQuestion("榴莲", "fruit", "fresh", "spoiled")
    same = sees({"none": 0.9})
    other = Seen(same.products, same.scenes, same.damaged, (0.0, 1.0))
    assert dict(judge(same, question, lambda: same)[0].data)["match"] == "yes"
    assert dict(judge(same, question, lambda: other)[0].data)["match"] == "unclear"


@pytest.mark.parametrize(("damaged", "reason"), [(0.99, "vision.parcel_damaged"), (0.01, "vision.parcel_intact"), (0.5, None)])
def test_a_parcel_is_spoken_of_only_where_one_is_seen(damaged: float, reason: str | None) -> None:
    """A parcel is damaged, intact, or not spoken of: where none is seen, or the model does not know."""
    seen = sees({"none": 0.9}, "parcel")
    told = judge(Seen(seen.products, seen.scenes, damaged, seen.mark), PhotoQuestion("苹果", "fruit", "fresh", "damaged"))
    assert [f.reason for f in told if f.check == "vision.parcel"] == ([reason] if reason else [])
    apart = sees({"apple": 0.9})
    told = judge(Seen(apart.products, apart.scenes, damaged, apart.mark), PhotoQuestion("苹果", "fruit", "fresh", "damaged"))
    assert [f for f in told if f.check == "vision.parcel"] == []
