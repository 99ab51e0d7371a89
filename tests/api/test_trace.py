"""Trace and exports: who approved which refund, found by month, days, order or phone, and read back as a spreadsheet would."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest

from aftersales.change import Change
from aftersales.money import Money
from aftersales.order import Buyer
from aftersales.testing.builders import a_line, a_merchant, a_payment, an_order
from functions import export
from functions.export import FORMULA, MOST_ROWS
from tests.mall import Mall

LONG = "4200000000202611200000000001"  # 28 digits, as WeChat Pay's


def refunded(mall: Mall, order_id: str = "o9", minor: int = 10_000, phone: str = "13800000000", **more: Any) -> str:
    """A refund before shipping, paid; the case's id."""
    payments = (a_payment(transaction_id=f"{LONG[:-2]}{order_id[-1]}9", paid_minor=minor),)
    line = a_line(vertical="general", unit_price_minor=minor, pieces=1)
    mall.push(an_order(order_id=order_id, status="paid", buyer=Buyer("b1", phone), lines=(line,), payments=payments, **more))
    body = {"order_id": order_id, "kind": "refund_only", "reason": "out_of_stock", "items": [{"line_id": "l1", "pieces": 1}]}
    case = mall.must("POST", "/v1/cases", {**body, "submit": True})
    mall.pump()
    return str(case["case_id"])


def found(mall: Mall, query: str = "", **who: Any) -> list[Any]:
    """Every refund that a search finds, page by page."""
    rows, cursor = [], ""
    while True:
        page = mall.must("GET", f"/v1/merchant/refunds?{query}&limit=2{cursor}", role="clerk", **who)
        rows += page["refunds"]
        if page["cursor"] is None:
            return rows
        cursor = f"&cursor={page['cursor']}"


def exported(mall: Mall, kind: str, query: str = "", **more: Any) -> Any:
    """The file."""
    reply = mall.send("GET", f"/v1/merchant/refunds.{kind}?{query}", role="clerk", **more)
    assert reply.status == 200, reply.text
    return reply


def table(reply: Any) -> list[dict[str, str]]:
    """A CSV as a reader that knows only the standard reads it."""
    assert reply.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(reply.text.removeprefix("\ufeff"), newline="")))


def test_a_refund_says_who_agreed_and_where_it_went(mall: Mall) -> None:
    """Amount, channel, numbers, the person and the instant of the yes, and when it arrived."""
    mall.registry.put("merchant:m1", a_merchant(small_minor=0))
    mall.photos.findings = ()
    case = mall.claim()
    mall.pump()
    body = {"outcome": "approve", "reason": "rotten indeed"}
    mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", body, role="clerk", sub="anna")
    mall.pump()
    (row,) = found(mall)
    assert (row["order_id"], row["amount_minor"], row["currency"], row["channel"], row["state"]) == (
        "o1",
        1990,
        "CNY",
        "wechatpay",
        "settled",
    )
    assert [(a["by"], a["amount_minor"]) for a in row["approvals"]] == [("clerk:anna", 1990)]
    assert (row["rule"], row["kind"], row["payout"]) == ("person", "claim", "refund")
    assert all((row["channel_id"], row["account"], row["settled_at"]))


def test_refunds_are_found_by_order_phone_month_and_days(mall: Mall) -> None:
    """Each search finds its own and nothing else; a phone finds all orders of that phone."""
    refunded(mall, "o7", phone="13911111111")
    mall.clock.move(timedelta(minutes=1))  # of two at the same instant neither is older
    refunded(mall, "o8", 500)
    mall.clock.move(timedelta(days=20))  # December
    refunded(mall, "o9", 700)

    def orders(query: str) -> list[str]:
        return [r["order_id"] for r in found(mall, query)]

    assert orders("order=o7") == orders("phone=13911111111") == ["o7"]
    assert orders("phone=13800000000") == ["o8", "o9"]
    assert orders("phone=13900000000") == orders("order=none") == []
    assert orders("month=2026-11") == ["o7", "o8"]
    assert orders("") == orders("month=2026-12") == ["o9"]
    assert orders("since=2026-11-20&until=2026-12-10") == ["o7", "o8", "o9"]
    assert orders("since=2026-11-21&until=2026-12-09") == []
    assert orders("since=2026-11-01&until=2026-12-31&channel=alipay") == []
    assert orders("month=2026-11&state=settled&payout=refund") == ["o7", "o8"]
    assert orders("month=2026-11&state=failed") == []


@pytest.mark.parametrize(
    "query",
    [
        "month=11",
        "since=yesterday",
        "state=gone",
        "since=2026-12-01&until=2026-11-01",
        "since=2020-01-01",
        "month=0001-01",
        "payout=x",
    ],
)
def test_a_search_that_means_nothing_is_refused(mall: Mall, query: str) -> None:
    """A 400 says what is wrong."""
    reply = mall.send("GET", f"/v1/merchant/refunds?{query}", role="clerk")
    assert (reply.status, reply.json["code"]) == (400, "invalid")


def test_another_merchant_sees_nothing(mall: Mall) -> None:
    """Neither in lists nor in files, by no search; and a buyer sees no list at all."""
    refunded(mall)
    for query in ("month=2026-11", "order=o9", "phone=13800000000"):
        assert found(mall, query, merchant="m2") == []
        assert table(exported(mall, "csv", query, merchant="m2")) == []
    assert mall.send("GET", "/v1/merchant/refunds.csv").status == 403


def test_a_csv_is_read_right_by_spreadsheets(mall: Mall) -> None:
    """Byte order mark, CRLF, Chinese heads, decimals, the shop's own time, and 28 digits that stay digits."""
    refunded(mall, minor=10_050)
    reply = exported(mall, "csv", "month=2026-11", headers={"accept-language": "zh-CN"})
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.text.count("\r\n") == reply.text.count("\n") == 2
    (row,) = table(reply)
    assert (row["订单号"], row["金额"], row["币种"], row["状态"]) == ("o9", "100.50", "CNY", "settled")
    assert row["渠道交易号"] == f"{LONG[:-2]}99\t"
    assert row["发起时间"] == "2026-11-20 12:00:00"
    assert "filename*=UTF-8''%E9%80%80" in reply.headers["Content-Disposition"]


@pytest.mark.parametrize("first", FORMULA)
def test_no_cell_is_a_formula(mall: Mall, first: str) -> None:
    """Whatever a channel calls an account, a spreadsheet shows it and computes nothing."""
    case_id = refunded(mall)
    evil = f'{first}HYPERLINK("http://evil","x")'
    file = mall.store.case(case_id)
    mall.store.commit(Change(refunds=(replace(file.refunds[0], account=evil),)))
    (row,) = table(exported(mall, "csv", "month=2026-11"))
    assert row["Account"] == f"'{evil}"
    sheet = book(exported(mall, "xlsx", "month=2026-11"))["Refunds"]
    cell = next(c for c in sheet[2] if c.value and "HYPERLINK" in str(c.value))
    assert cell.data_type == "s"


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ("1234", "1234"),
        ("999999999999999", "999999999999999"),
        ("1000000000000000", "1000000000000000\t"),
        ("007", "007\t"),
        ("1E5", "1E5\t"),
        ("11-12", "11-12\t"),
        ("2026/11/20", "2026/11/20\t"),
        ("1.50", "1.50\t"),
        ("R12-1", "R12-1"),
        ("E.e", "E.e"),
        ("招商银行0403", "招商银行0403"),
    ],
)
def test_a_number_stays_as_it_is_written(mall: Mall, told: str, stands: str) -> None:
    """Zeros before it, exponents and dates are made by spreadsheets out of numbers of orders: what they would change is text."""
    case_id = refunded(mall)
    file = mall.store.case(case_id)
    mall.store.commit(Change(refunds=(replace(file.refunds[0], account=told),)))
    (row,) = table(exported(mall, "csv", "month=2026-11"))
    assert row["Account"] == stands


def book(reply: Any) -> Any:
    """The workbook as another library reads it."""
    return openpyxl.load_workbook(io.BytesIO(reply.content))


def test_a_workbook_holds_numbers_dates_and_totals(mall: Mall) -> None:
    """Amounts are numbers of their currency, instants are dates, ids are text, and the totals agree with the rows."""
    for order_id, minor, currency in (("o7", 10_050, "CNY"), ("o8", 1, "CNY"), ("o9", 500, "JPY")):
        refunded(mall, order_id, minor, currency=currency)
        mall.clock.move(timedelta(seconds=1))
    read = book(exported(mall, "xlsx", "month=2026-11"))
    heads, *rows = [[c.value for c in line] for line in read["Refunds"].iter_rows()]
    records = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [r["Amount"] for r in records] == [100.5, 0.01, 500]
    assert records[0]["Transaction no."] == f"{LONG[:-2]}79"
    assert records[0]["Reserved at"] == datetime(2026, 11, 20, 12)  # noqa: DTZ001 (a sheet knows no zones)
    assert (read["Refunds"].freeze_panes, read["Refunds"].auto_filter.ref) == ("A2", "A1:AB4")
    totals = [[c.value for c in line] for line in read["Totals"].iter_rows()][1:]
    assert [(t[1], t[4], t[5]) for t in totals] == [("CNY", 2, 100.51), ("JPY", 1, 500)]


def test_a_file_has_a_limit_that_says_what_to_do(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than one answer can carry are refused with the way out."""
    refunded(mall, "o7")
    refunded(mall, "o8")
    monkeypatch.setattr(export, "MOST_ROWS", 1)
    reply = mall.send("GET", "/v1/merchant/refunds.csv?month=2026-11", role="clerk")
    assert reply.status == 400
    assert "fewer days" in reply.json["todo"]
    assert MOST_ROWS == 10_000


def test_a_file_that_one_answer_cannot_carry_is_refused(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long rows are as much a limit as many: what would break on its way is refused with the way out."""
    refunded(mall)
    for kind in ("csv", "xlsx"):
        size = len(exported(mall, kind, "month=2026-11").content)
        monkeypatch.setattr(export, "MOST_BYTES", size - 1)
        reply = mall.send("GET", f"/v1/merchant/refunds.{kind}?month=2026-11", role="clerk")
        assert (reply.status, reply.json["code"]) == (400, "invalid")
        assert "fewer days" in reply.json["todo"]
        monkeypatch.undo()
    assert export.MOST_BYTES < 6_000_000


def test_all_orders_of_a_phone_are_looked_through(mall: Mall) -> None:
    """A buyer with more orders than a page of the store holds is found in full."""
    line, paid = a_line(vertical="general", unit_price_minor=100, pieces=1), a_payment(paid_minor=100)
    for order_id in ("a3", "z4"):  # whichever end of the pages is the first
        refunded(mall, order_id, phone="13711111111")
        mall.clock.move(timedelta(hours=1))
    for n in range(120):
        payment = replace(paid, transaction_id=f"t{n}")
        mall.push(an_order(order_id=f"n{n}", status="paid", buyer=Buyer("b1", "13711111111"), lines=(line,), payments=(payment,)))
    assert {row["order_id"] for row in found(mall, "phone=13711111111")} == {"a3", "z4"}
    cases = mall.must("GET", "/v1/merchant/cases?phone=13711111111", role="clerk")["cases"]
    assert {case["order_id"] for case in cases} == {"a3", "z4"}


def test_a_month_is_read_in_pages_not_case_by_case(mall: Mall) -> None:
    """A page of refunds is one request to the store, whatever the number of cases."""
    for n in range(5):
        refunded(mall, f"o{n + 2}", 100 + n)
    asked: list[str] = []

    class Counted:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(mall.store, name)

    mall.registry.put("store", Counted())
    assert len(mall.must("GET", "/v1/merchant/refunds?month=2026-11", role="clerk")["refunds"]) == 5
    assert asked == ["find", "find"]  # a month of Shanghai touches two of UTC, and the first was empty


def test_decimals_follow_the_currency() -> None:
    """CNY has two digits, JPY none, KWD three."""
    cells = [export.decimal(Money(500, currency)) for currency in ("CNY", "JPY", "KWD")]
    assert [str(c) for c in cells] == ["5.00", "500", "0.500"]
