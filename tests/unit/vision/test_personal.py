import pytest

from plugins.vision.personal import Personal, kinds, personal

PHONE, ID, MAIL, ADDRESS, NAME = Personal.PHONE, Personal.ID_NUMBER, Personal.EMAIL, Personal.ADDRESS, Personal.NAME


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("13812345678", PHONE),
        ("138 1234 5678", PHONE),
        ("+86-138-1234-5678", PHONE),
        ("１３８１２３４５６７８", PHONE),
        ("138****5678", PHONE),
        ("****5678", PHONE),
        ("0535-6789012", PHONE),
        ("+1 (217) 555-0142", PHONE),
        ("电话：(0512)66881234", PHONE),
        ("110105199003071234", ID),
        ("110105********123X", ID),
        ("li.na@example.org", MAIL),
        ("广东省深圳市南山区科技园街道", ADDRESS),
        ("北京市朝阳区", ADDRESS),
        ("高新南一道8号3栋502室", ADDRESS),
        ("果园路12号", ADDRESS),
        ("221 Baker Street", ADDRESS),
        ("Apt 12", ADDRESS),
        ("收件人：张伟", NAME),
        ("王先生收", NAME),
        ("张*", NAME),
        ("Ship to: Emily Carter", NAME),
    ],
)
def test_a_line_that_gives_somebody_away_is_known(line: str, what: Personal) -> None:
    """Phones, identity numbers, mail, addresses and names are known in the forms people and carriers write them."""
    assert what in kinds(line)


@pytest.mark.parametrize(
    "line",
    [
        "净含量：500克",
        "生产日期 2025-11-02",
        "2025-11-02 08:30:15",
        "6901234567892",
        "订单号 A10086",
        "丹东草莓 5斤装",
        "保质期12个月",
        "400-811-1111",
        "Ingredients: milk, sugar",
        "2kg x 12",
        "每100g 能量 1200kJ",
        "",
    ],
)
def test_what_labels_say_is_nobodys(line: str) -> None:
    """What stands on labels of goods is shown: weights, dates, product codes, order numbers, service lines."""
    assert kinds(line) == frozenset()


def test_what_follows_an_opening_is_hidden() -> None:
    """A line that only announces a person hides itself and the two after it, and no more."""
    assert personal(["顺丰速运", "收件人：", "欧阳", "某处", "净含量：500克"]) == (1, 2, 3)


def test_an_opening_that_says_it_all_hides_itself_alone() -> None:
    """Where the name stands on the same line, the next line is judged by itself."""
    assert personal(["收件人 张伟 13812345678", "净含量：500克"]) == (0,)
