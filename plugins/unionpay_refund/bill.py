"""UnionPay's files of a clearing day: the merchant's transactions (``INN…ZM_…``), in a ZIP with others, or the bare text.

One row per line, columns of fixed width in *bytes* with one byte between them, GBK; what matters is ASCII. There is no header, no
sum and no year: the file's name tells the day. It holds what was cleared; refunds are transactions of type 04. Source: UnionPay
open platform, file interface (ZM), as its sample programs and three independent parsers read it (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from aftersales.bill import Bill, BillRow, unpacked, unreadable
from plugins.unionpay_refund.message import key_of

CHANNEL = "unionpay"
TODO = "Give the ZIP as UnionPay gives it, or the file INN…ZM_… in it under its own name."

#: Bytes of each column but the last, which is reserved.
WIDTHS = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32,
    13, 13, 12, 2, 1, 32,
)  # fmt: skip
_STARTS = (0, *accumulate(width + 1 for width in WIDTHS))

#: Our columns, from 0: transmission time (MMDDhhmmss), amount (fen), UnionPay's number, our order number, kind of transaction,
#: UnionPay's number of the payment, merchant, and the payment's order number, which may be cut off.
AT, AMOUNT, QUERY_ID, ORDER_ID, KIND, PAYMENT, MERCHANT, PAYMENT_ORDER = 4, 6, 9, 11, 19, 26, 27, 40
REFUND = "04"

_NAME = re.compile(r"INN(\d{6})\d\dZM_\w+\.txt", re.ASCII | re.IGNORECASE)


def read_bill(path: Path) -> Bill:
    """The refunds in one file of a clearing day, which began at 23 o'clock of the day before. Nothing is read beforehand."""
    return Bill(CHANNEL, lambda bill: _counted(bill, _rows(bill, path)))


def bill_of_day(files: Mapping[date, Path], day: date) -> Bill:
    """The refunds of a day in Beijing, from the files of the clearing days that may hold them."""

    def rows(bill: Bill) -> Iterator[BillRow]:
        for path in files.values():
            yield from (row for row in _rows(bill, path) if row.accepted_at.startswith(day.isoformat()))

    return Bill(CHANNEL, lambda bill: _counted(bill, rows(bill)))


def _counted(bill: Bill, rows: Iterator[BillRow]) -> Iterator[BillRow]:
    bill.counted |= {"rows": 0, "payments": 0}
    refunds = asked = 0
    for row in rows:
        refunds, asked = refunds + 1, asked + row.amount_minor
        yield row
    bill.counted |= {"refunds": refunds, "requested_minor": asked}


def _rows(bill: Bill, path: Path) -> Iterator[BillRow]:
    with unpacked(path) as texts:
        found = [(name, lines) for name, lines in texts if _NAME.fullmatch(Path(name).name)]
        if len(found) != 1:
            raise unreadable(f"{path.name} holds {len(found)} files of a merchant's transactions, not one.", todo=TODO)
        name, lines = found[0]
        settled = _day_in(Path(name).name)
        for number, line in enumerate(lines, 1):
            row = line.rstrip(b"\r\n")
            if not row.strip():
                continue
            bill.counted["rows"] += 1
            try:
                refund = _refund(row, settled)
            except ValueError as error:
                raise unreadable(f"{error}.", number, todo=TODO) from error
            if refund is None:
                bill.counted["payments"] += 1
            else:
                yield refund


def _day_in(name: str) -> date:
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(found[1] if found else "", "%y%m%d").date()  # noqa: DTZ007 (a day has no zone)
    except ValueError as error:
        raise unreadable(f"{name} names no day.", todo=TODO) from error


def _refund(row: bytes, settled: date) -> BillRow | None:
    """The refund in a row; None for another kind of transaction. Raises ValueError for a row that is none."""
    if len(row) < _STARTS[MERCHANT + 1] - 1:
        raise ValueError("it is cut")
    kind, amount, query_id = _cell(row, KIND), _cell(row, AMOUNT), _cell(row, QUERY_ID)
    if not (len(kind) == 2 and kind.isdigit() and len(amount) == WIDTHS[AMOUNT] and amount.isdigit() and query_id.isalnum()):
        raise ValueError("its columns are not where they should be")
    if kind != REFUND:
        return None
    order_id, at = _cell(row, ORDER_ID), _moment(_cell(row, AT), settled)
    key = key_of(order_id) or query_id  # a refund made elsewhere goes by UnionPay's number
    payment, order = _cell(row, PAYMENT), _cell(row, PAYMENT_ORDER)
    return BillRow(key, query_id, payment, order, int(amount), "CNY", "success", at)


def _cell(row: bytes, column: int) -> str:
    return row[_STARTS[column] : _STARTS[column] + WIDTHS[column]].decode("ascii").strip()


def _moment(text: str, settled: date) -> str:
    """``YYYY-MM-DD HH:MM:SS`` of a time without a year, which lies before the end of the clearing day."""
    if len(text) != WIDTHS[AT]:
        raise ValueError(f"{text!r} is not a time")
    at = datetime.strptime(f"{settled.year}{text}", "%Y%m%d%H%M%S")  # noqa: DTZ007 (it is Beijing's, and stays text)
    if at.date() > settled + timedelta(days=1):
        at = at.replace(year=settled.year - 1)
    return at.isoformat(sep=" ")
