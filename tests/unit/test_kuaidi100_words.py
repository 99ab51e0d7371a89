"""What Kuaidi100's codes, sentences, places, weights, times and phones mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aftersales.errors import Unknown
from aftersales.tracking import Passage
from plugins.kuaidi100_carrier.company import CODES as COMPANIES
from plugins.kuaidi100_carrier.company import ours, tail_of
from plugins.kuaidi100_carrier.passage import CODES, NAMES, passage_of
from plugins.kuaidi100_carrier.reading import scans_of

P = Passage
A_LINE = {"ftime": "2026-11-20 09:00:00", "context": "【杭州市】已揽收", "statusCode": "103", "areaName": "浙江,杭州市,余杭区"}

MEANT = {
    P.REGISTERED: ("101", "102"),
    P.PICKED_UP: ("1", "103"),
    P.IN_TRANSIT: ("0", "1001", "1002", "1003", "7"),
    P.OUT_FOR_DELIVERY: ("5",),
    P.AT_STATION: ("501", "205"),
    P.SIGNED: ("3", "301", "302", "303", "304"),
    P.RETURNING: ("6",),
    P.RETURNED: ("4",),
    P.REJECTED: ("14", "203"),
    P.CANCELLED: ("401", "210"),
    P.PROBLEM: ("2", "201", "202", "204", "206", "207", "208"),
    P.DAMAGED: ("209",),
    P.CUSTOMS_PENDING: ("8", "10", "11"),
    P.CUSTOMS_RELEASED: ("12",),
    P.CUSTOMS_HELD: ("13",),
}


@pytest.mark.parametrize(("code", "meant"), [(code, passage) for passage, codes in MEANT.items() for code in codes])
def test_every_published_code_has_its_meaning(code: str, meant: Passage) -> None:
    """Each main and advanced code means one thing, is kept beside it, and means the same where only its name is told."""
    (scan,) = scans_of([{**A_LINE, "statusCode": code}])
    assert (scan.state, scan.code) == (meant, code)
    name = next(n for n, c in NAMES.items() if c == code)
    (named,) = scans_of([{**A_LINE, "statusCode": None, "status": name}])
    assert (named.state, named.code) == (meant, code)


def test_no_code_is_forgotten() -> None:
    """The table of meanings above is the plugin's whole table."""
    assert sorted(CODES) == sorted(code for codes in MEANT.values() for code in codes)
    assert sorted(NAMES.values()) == sorted(CODES)


@pytest.mark.parametrize(
    ("code", "meant"),
    [("305", P.SIGNED), ("104", P.PICKED_UP), ("1009", P.IN_TRANSIT), ("299", P.PROBLEM), ("502", P.OUT_FOR_DELIVERY),
     ("99", P.IN_TRANSIT), ("", P.IN_TRANSIT), ("F00", P.IN_TRANSIT), ("31", P.IN_TRANSIT)],
)  # fmt: skip
def test_an_unknown_code_means_what_its_main_code_means(code: str, meant: Passage) -> None:
    """305 is some kind of 3; what has no main code is on its way, and the raw code is kept."""
    (scan,) = scans_of([{**A_LINE, "statusCode": code}])
    assert (scan.state, scan.code) == (meant, code)


@pytest.mark.parametrize(
    ("text", "code", "meant"),
    [
        ("【烟台市】快件遗失，请联系客服理赔", "2", P.LOST),
        ("经核实，包裹已丢失", "204", P.LOST),
        ("快件疑似丢失，正在核实", "2", P.PROBLEM),
        ("如快件丢失请致电客服", "2", P.PROBLEM),
        ("快件已签收，如有遗失请联系", "301", P.SIGNED),
    ],
)
def test_a_loss_is_a_sentence(text: str, code: str, meant: Passage) -> None:
    """No code says that a parcel is lost: a plain sentence beside a difficulty does, a supposition or a hint does not."""
    assert passage_of(code, text) is meant


@pytest.mark.parametrize(
    ("line", "city"),
    [
        ({"areaName": "浙江,杭州市,余杭区"}, "杭州市"),
        ({"areaName": "上海,浦东新区"}, "上海市"),
        ({"areaName": "湖北,恩施土家族苗族自治州,恩施市"}, "恩施土家族苗族自治州"),
        ({"areaName": None, "context": "[东莞市]【广东东莞大郎营业部】已揽收"}, "东莞市"),
        ({"areaName": None, "context": "【四川省成都市高新区中和一部公司 】 派件中"}, "成都市"),
        ({"areaName": None, "context": "已签收", "location": "威海市"}, "威海市"),
        ({"areaName": None, "context": "【成都转运中心公司】 已打包"}, "成都市"),
        ({"areaName": None, "context": "快件离开转运中心，发往北京"}, ""),
        ({"areaName": None, "context": "【杭州市】快件发往烟台市"}, "杭州市"),
    ],
)
def test_cities_are_read(line: dict[str, Any], city: str) -> None:
    """From the area, else from the brackets a sentence begins with, else from the location; nothing is guessed."""
    assert scans_of([{**A_LINE, **line}])[0].city == city


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("重量：1.50kg", 1500),
        ("重量0.8公斤", 800),
        ("重量为 350g", 350),
        ("重量 2斤", 1000),
        ("重量：0.00kg", None),
        ("1.5kg", None),
    ],
)
def test_weights_are_read_where_they_are_told(text: str, grams: int | None) -> None:
    """A sentence may tell the weight, in several units; nought is no weight, and a number alone neither."""
    assert scans_of([{**A_LINE, "context": f"【杭州市】已揽收，{text}，谢谢"}])[0].weight_g == grams


@pytest.mark.parametrize("digits", ["13800001234", "１３８００００１２３４", "+86 138 0000 1234", "0571-88880001"])
def test_phones_of_couriers_are_not_kept(digits: str) -> None:
    """Whatever way a phone is written in a sentence, it is masked."""
    text = scans_of([{**A_LINE, "context": f"派件员电话 {digits}，请保持畅通"}])[0].text
    assert "****" in text
    assert not any(part in text for part in ("1380", "0000", "8888", "１３"))


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"ftime": "2026-11-20 09:00:00"}, datetime(2026, 11, 20, 1, tzinfo=UTC)),
        ({"ftime": "", "time": "2026-11-20 09:00"}, datetime(2026, 11, 20, 1, tzinfo=UTC)),
        ({"ftime": "2026-11-20T09:00:00+00:00"}, datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ({"ftime": "2026-11-20 00:30:00"}, datetime(2026, 11, 19, 16, 30, tzinfo=UTC)),
    ],
)
def test_times_without_a_zone_are_chinas(said: dict[str, str], at: datetime) -> None:
    """Nine o'clock is nine o'clock in Shanghai, unless a zone is told."""
    assert scans_of([{**A_LINE, "time": "", **said}])[0].at == at


def test_a_line_that_cannot_be_read_spoils_no_other() -> None:
    """Lines without a time are left out; where every line is one, nothing was said."""
    assert len(scans_of([A_LINE, {**A_LINE, "ftime": "yesterday"}, 7, None])) == 1
    for broken in ([7], [{**A_LINE, "ftime": "0000-00-00 00:00:00"}], "x", {"a": 1}):
        with pytest.raises(Unknown):
            scans_of(broken)


@pytest.mark.parametrize(
    ("phone", "tail"),
    [
        ("13800001111", "1111"),
        ("+86 138-0000-1111", "1111"),
        ("1111", "1111"),
        ("13800000000-4321", "4321"),
        ("138****1234-5678", "5678"),
        ("0571-88880001", "0001"),
        ("0755-86719032-123", "9032"),
        ("", ""),
        ("12", ""),
        ("王小明", ""),
    ],
)
def test_phones_are_named_by_four_digits(phone: str, tail: str) -> None:
    """The last four digits, of a virtual number those behind the dash, of a landline without its extension; never all of it."""
    assert tail_of(phone) == tail


def test_companies_lead_there_and_back() -> None:
    """Each of our codes has one of the platform's, which, as its kin, leads back to ours; unheard-of ones stay as they are."""
    assert [code for code, theirs in COMPANIES.items() if ours(theirs) != code] == []
    assert (ours("shunfengkuaiyun"), ours("unheard-of"), ours("")) == ("sf", "unheard-of", "")
