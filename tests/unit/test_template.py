import pytest

from aftersales.errors import Invalid
from aftersales.template import LONGEST, PLACES, check, fill


@pytest.mark.parametrize(
    "text",
    [
        "您好，{goods}的事我们看到了。",
        "Hello, about {goods} of order {order_id}: you asked for {amount}.",
        "我们会在 24 小时内答复。",
        "We answer within two days, and look at all 3 photos.",
        "请拍 2 张照片，5 分钟内就能看到。",
        "这件事就算办成了。",
        "退款一到账就告诉您，退款 24 小时内到账，最晚退款三十天内到。",
        "We refund 2 items at once.",
        "x" * LONGEST,
    ],
)
def test_words_without_a_sum_are_taken(text: str) -> None:
    """Times, counts of photos and known places are no promise of money."""
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "退您10元", "退您１０元", "退您十块钱", "补偿 5.5 块", "¥20", "￥ 20", "$5", "€3", "RMB 30", "30 CNY", "人民币三百",
        "退百分之五十", "退 50%", "退50％", "打八折", "退五成", "全额退款", "双倍赔付", "假一赔十", "ten dollars", "5 yuan",
        "20 percent", "twenty per cent", "half the price", "double the amount", "a full refund", "we refund you in full",
        "退款 20.00", "退您 50", "退款一百", "退一半", "赔您十倍", "假一罚十", "全款退回", "全部退款", "refund 50", "5 off",
    ],
)  # fmt: skip
def test_no_template_names_a_sum_or_a_share(text: str) -> None:
    """However money is written, in digits, words or signs of either width, the problem shows what was found."""
    with pytest.raises(Invalid, match="sum") as refused:
        check(f"Hello. {text}.")
    assert str(refused.value.details["found"]) in text


@pytest.mark.parametrize(
    "text", ["{goods.title}", "{0}", "{}", "{goods!r}", "{Amount}", "{amount", "amount}", "{{amount}}", "{amount:>9}"]
)
def test_a_brace_is_one_of_the_known_places(text: str) -> None:
    """Nothing but a known name stands between braces: no attribute, number, format or half of one."""
    with pytest.raises(Invalid) as refused:
        check(text)
    assert refused.value.details["expected"] == [f"{{{place}}}" for place in PLACES]


@pytest.mark.parametrize("text", ["", " \n", "x" * (LONGEST + 1)])
def test_an_answer_says_something_and_ends(text: str) -> None:
    """Neither nothing nor more than a screen."""
    with pytest.raises(Invalid):
        check(text)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("A {goods}. B {deadline}. C.", "A mangoes. C.", id="an English sentence without its fact"),
        pytest.param("甲{goods}。乙{deadline}！丙。", "甲mangoes。丙。", id="a Chinese one"),
        pytest.param("{deadline}", "", id="nothing is left"),
        pytest.param("{amount} for {goods}", "CNY 1.90 for mangoes", id="no end of a sentence, and a point in a sum"),
        pytest.param("a\n{deadline}\nb", "a\nb", id="lines"),
    ],
)
def test_a_sentence_that_cannot_be_filled_is_left_out(text: str, filled: str) -> None:
    """A fact the case does not have takes its sentence with it; no hole is left."""
    assert fill(text, {"goods": "mangoes", "amount": "CNY 1.90", "deadline": ""}) == filled


def test_what_is_filled_in_is_not_read_again() -> None:
    """A name that looks like a place stays a name."""
    assert fill("{goods}!", {"goods": "{amount}", "amount": "CNY 9.00"}) == "{amount}!"
