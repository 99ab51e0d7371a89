"""The file of a clearing day, which ends at 23 o'clock: a ZIP with the merchant's transactions, packed as UnionPay packs it.

Fixed columns in bytes, GBK, one space between them (UnionPay open platform, file interface, ZM). Written on its own: no fault of
our reader can hide in a shared table.
"""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from typing import Any

from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.unionpay.book import Book
from infra.local.sandbox.unionpay.table import CHINA, beijing

#: When a clearing day ends, and when its file is there on the next (the second is a guess).
CLOSING, READY = time(23), time(9)

#: Name and width of each column; N is filled with zeros from the left, the others with spaces from the right.
LAYOUT = (
    "code 3 acquirer 11 sender 11 trace N6 at N10 card 19 amount N12 trade 4 terminal_kind 2 query_id 21 old_way 2 order_id 32 "
    "card_kind 2 first_trace 6 first_at 10 fee 13 settled 13 way 4 group 15 kind 2 sub_kind 2 biz 6 account_kind 2 bill_kind 4 "
    "bill_no 32 interaction 1 payment 21 merchant 15 split 1 sub_merchant 15 sub_name 32 sub_amount 13 net 13 terminal 8 note 32 "
    "discount 13 invoice 13 instalment_fee 12 instalments 2 medium 1 payment_order 32 reserved 98"
)


def settled_on(text: str, now: float) -> date | None:
    """The clearing day that ``MMDD`` means: the latest one that has begun. None for what is no day."""
    today = datetime.fromtimestamp(now, CHINA).date() + timedelta(days=1)
    for year in (today.year, today.year - 1):
        try:
            day = datetime.strptime(f"{year}{text}", "%Y%m%d").replace(tzinfo=CHINA).date()
        except ValueError:
            continue
        if day <= today:
            return day
    return None


def content_of(book: Book, mer_id: str, settled: date, fault: Fault | None) -> tuple[str, str] | None:
    """Name and packed content of the day's file; None while there is none."""
    ready = datetime.combine(settled + timedelta(days=1), READY, CHINA).timestamp()
    if book.now() < ready or (fault is not None and fault.kind is Kind.NOT_READY):
        return None
    until = datetime.combine(settled, CLOSING, CHINA).timestamp()
    rows = [{**row, "merchant": mer_id} for row in _rows(book, until - 86400, until)]
    text = "".join(f"{_line(row)}\r\n" for row in _spoilt(rows, fault))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"RD1022{settled:%y%m%d}00_{mer_id}.txt", "汇总\r\n".encode("gbk"))
        file.writestr(f"INN{settled:%y%m%d}00ZM_{mer_id}.txt", text.encode("gbk"))
    stream = zlib.compress(packed.getvalue())
    if fault is not None and fault.kind is Kind.WRONG_DIGEST:
        stream = stream[:-1] + bytes([stream[-1] ^ 1])
    return f"{mer_id}_{settled:%Y%m%d}.zip", base64.b64encode(stream).decode()


def _rows(book: Book, since: float, until: float) -> list[dict[str, Any]]:
    """What was cleared: payments, and refunds that were taken and have not failed since."""
    paid = book.rows("select * from payment where paid_at >= ? and paid_at < ? order by paid_at", since, until)
    sent = book.rows(
        "select refund.*, order_no from refund left join payment using (transaction_id)"
        " where code in ('00', '05') and created_at >= ? and created_at < ? order by created_at",
        since,
        until,
    )
    same = {"sub_name": "旗舰店", "biz": "000201", "card": "621626******0018"}
    payments = [
        {**same, "code": "S22", "kind": "01", "at": beijing(p["paid_at"])[4:], "amount": p["minor"]}
        | {"query_id": p["transaction_id"], "order_id": p["order_no"], "settled": f"C{p['minor']:012d}"}
        for p in paid
    ]
    refunds = [
        {**same, "code": "S30", "kind": "04", "at": beijing(r["created_at"])[4:], "amount": r["minor"], "trace": r["trace"]}
        | {"query_id": r["query_id"], "order_id": r["order_id"], "settled": f"D{r['minor']:012d}", "note": r["own"]}
        | {"payment": r["transaction_id"], "payment_order": r["order_no"] or ""}
        for r in sent
    ]
    return payments + refunds


def _spoilt(rows: list[dict[str, Any]], fault: Fault | None) -> list[dict[str, Any]]:
    kind = fault.kind if fault is not None else None
    first = next((i for i, row in enumerate(rows) if row["kind"] == "04"), None)
    if fault is None or first is None or kind not in (Kind.MISSING_ROW, Kind.EXTRA_ROW, Kind.WRONG_ROW):
        return rows
    if kind is Kind.MISSING_ROW:
        return rows[:first] + rows[first + 1 :]
    if kind is Kind.EXTRA_ROW:
        return [*rows, {**rows[first], "order_id": "NEVER0001", "query_id": "000000000000000000000", "note": ""}]
    return [{**row, "amount": fault.minor} if i == first else row for i, row in enumerate(rows)]


def _line(row: dict[str, Any]) -> str:
    """One row; a column is as wide as it is in bytes."""
    cells, columns = [], LAYOUT.split()
    for name, width in zip(columns[::2], columns[1::2], strict=True):
        size = int(width.lstrip("N"))
        text = str(row.get(name, ""))
        filled = text.rjust(size, "0") if width.startswith("N") else text + " " * (size - len(text.encode("gbk")))
        cells.append(filled.encode("gbk")[:size].decode("gbk", "ignore"))
    return " ".join(cells)
