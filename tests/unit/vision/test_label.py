from dataclasses import replace

import pytest

from aftersales.decision import Source, Verdict
from aftersales.photo import PhotoQuestion
from plugins.vision import label
from plugins.vision.letters import Letters, Row
from plugins.vision.reading import Code, Line, Text
from plugins.vision.sheet import Sheets, look

HERE = ((0.1, 0.1), (0.5, 0.1), (0.5, 0.15), (0.1, 0.15))
THERE = ((0.1, 0.9), (0.5, 0.9), (0.5, 0.95), (0.1, 0.95))
QUESTION = PhotoQuestion("丹东草莓 strawberries", "fruit", "fresh", "spoiled")
OURS = replace(QUESTION, written=(("order_id", "A10086"), ("tracking", "SF1234567890123")))


def text(*lines: str, codes: tuple[Code, ...] = (), sure: float = 0.95, read: bool = True) -> Text:
    """A picture of 800 x 600 on which these lines were read."""
    rows = tuple(Line(line, sure, ((0.1, y), (0.6, y), (0.6, y + 0.04), (0.1, y + 0.04))) for y, line in enumerate_down(lines))
    return Text(rows, codes, Letters(), able=True, read=read, shape=(600, 800))


def enumerate_down(lines: tuple[str, ...]) -> list[tuple[float, str]]:
    """The lines one below the other."""
    return [(round(0.1 + 0.06 * i, 3), line) for i, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("lines", "has_label", "has_waybill"),
    [
        ((), False, False),
        (("净含量：500克",), True, False),
        (("Fresh", "farm strawberries", "grown in Spain"), True, False),
        (("草莓",), False, False),
        (("运单号 SF1234567890123",), False, True),
        (("中通快递", "13812345678"), False, True),
        (("中通快递",), False, False),
        (("产品名：草莓", "地址：山东省烟台市栖霞市果园路12号", "电话：0535-6789012"), True, False),
    ],
)
def test_labels_and_waybills_are_told_apart(lines: tuple[str, ...], has_label: bool, has_waybill: bool) -> None:
    """A label is known by what labels say, a waybill by carriers' words; a maker's address makes no waybill."""
    seen = look(text(*lines))
    assert (seen.has_label, seen.has_waybill) == (has_label, has_waybill)


def test_codes_alone_tell_labels_from_waybills() -> None:
    """Where no words can be read, a product's code shows a label and a carrier's code a waybill."""
    blind = Text(codes=(Code("EAN-13", "6901234567892", HERE),))
    assert (look(blind).has_label, look(blind).has_waybill) == (True, False)
    blind = Text(codes=(Code("Code 128", "YT1234567890123", HERE),))
    assert (look(blind).has_label, look(blind).has_waybill) == (False, True)


def test_another_judge_may_see_what_cannot_be_read() -> None:
    """A blurred waybill without one readable line is seen when the judge of scenes says so."""
    assert look(Text(), {"waybill": 0.97}).has_waybill
    assert not look(Text(), {"waybill": 0.2}).has_waybill


def test_the_waybill_reaches_as_far_as_its_lines() -> None:
    """What the waybill covers holds all lines near its signs, and nothing that stands far from it."""
    near = text("运单号 SF1234567890123", "3栋502室", "备注")
    far = replace(near, lines=(*near.lines, Line("草莓", 0.9, THERE)), letters=Letters((Row(8, THERE),)))
    region = look(far).waybill_region
    assert region is not None
    assert max(y for _, y in region) == pytest.approx(0.26, abs=0.01)


def test_a_flaw_without_its_label_asks_for_another_photo() -> None:
    """Where the merchant wants both in one picture, a flaw without a label asks the buyer for them together."""
    strict = replace(QUESTION, label_with_flaw=True)
    found = label.label(Sheets(), strict, flaw_seen=True)
    assert (found.verdict, found.reason, found.source) == (Verdict.MISSING, "vision.label_missing", Source.MODEL)


@pytest.mark.parametrize(("strict", "flaw", "waybill"), [(False, True, 0.0), (True, False, 0.0), (True, True, 0.9)])
def test_the_label_is_asked_for_only_where_it_is_wanted_and_missing(strict: bool, flaw: bool, waybill: float) -> None:
    """Without the merchant's wish, without a flaw, or with a waybill instead, nothing is asked for."""
    asked = replace(QUESTION, label_with_flaw=strict)
    assert label.label(Sheets(waybill=waybill), asked, flaw_seen=flaw).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("line", "which"),
    [
        ("订单号 A10086", "order_id"),
        ("订单号 AlOO86", "order_id"),
        ("SF1234567890123", "tracking"),
        ("SF 1234 5678 90123", "tracking"),
        ("SF12345G7890I23", "tracking"),
        ("丹东草莓", "title"),
        ("Strawberry", "title"),
    ],
)
def test_what_agrees_with_the_order_is_found(line: str, which: str) -> None:
    """Numbers agree also where letters that look alike were read for each other; a word of the goods' name agrees too."""
    question = replace(OURS, title="丹东草莓 strawberry")
    found = label.words(text(line), question)
    assert (found.verdict, found.reason, dict(found.data)["which"]) == (Verdict.PASS, "vision.text_agrees", which)


@pytest.mark.parametrize(
    ("lines", "codes", "which"),
    [
        (("运单号 SF9999999990000",), (), "tracking"),
        ((), (Code("Code 128", "SF9999999990000", HERE),), "tracking"),
        (("订单号 B20097",), (), "order_id"),
        (("草莓", "运单号 SF9999999990000"), (), "tracking"),
    ],
)
def test_another_orders_number_goes_to_a_person(lines: tuple[str, ...], codes: tuple[Code, ...], which: str) -> None:
    """A surely read number of the same form that is not ours makes the photo unsure, whatever goods are named beside it."""
    found = label.words(text(*lines, codes=codes), OURS)
    assert (found.verdict, found.reason, dict(found.data)["which"]) == (Verdict.UNSURE, "vision.text_differs", which)


@pytest.mark.parametrize(
    ("line", "sure"),
    [
        ("运单号 SF9999999990000", 0.7),
        ("运单号 YT9999999990000", 0.99),
        ("运单号 SF1234567890199", 0.99),
        ("B20097", 0.99),
        ("20251008", 0.99),
        ("", 0.0),
    ],
)
def test_what_may_be_misread_accuses_nobody(line: str, sure: float) -> None:
    """An unsure reading, another carrier's number, one two characters off, a number that calls itself nothing: no word is said."""
    found = label.words(text(line, sure=sure), OURS)
    assert (found.verdict, found.reason) in {(Verdict.PASS, "vision.no_text"), (Verdict.PASS, "vision.text_agrees")}
    assert found.verdict is Verdict.PASS


def test_short_numbers_agree_only_by_themselves() -> None:
    """A short order number is not found inside a date or a longer number."""
    question = replace(QUESTION, title="", written=(("order_id", "1008"),))
    assert label.words(text("20251008"), question).reason == "vision.no_text"
    assert label.words(text("No. 1008"), question).reason == "vision.text_agrees"


def test_it_is_said_whether_words_were_read() -> None:
    """A finding without text says whether the picture was read at all."""
    assert dict(label.words(text(), OURS).data)["read"] is True
    assert dict(label.words(Text(), OURS).data)["read"] is False


@pytest.mark.parametrize(("kind", "code"), [("EAN-13", "6901234567892"), ("Code 128", "690123456789"), ("UPC-A", "012345678905")])
def test_a_products_code_differs_from_no_tracking_number(kind: str, code: str) -> None:
    """Where a carrier numbers its parcels with thirteen digits, a product's code or a shorter number accuses nobody."""
    question = replace(QUESTION, written=(("tracking", "2345678901234"),))
    assert label.words(text(codes=(Code(kind, code, HERE),)), question).reason == "vision.no_text"
    other = Code("Code 128", "9876543210987", HERE)
    assert label.words(text(codes=(other,)), question).reason == "vision.text_differs"
