"""Export: refunds as a file for the books. CSV that Excel, WPS and LibreOffice read right in Chinese, or an Excel workbook.

A CSV begins with a byte order mark, ends lines with CRLF and quotes as RFC 4180 says. Text that a spreadsheet could take for a
formula gets a leading ``'``; a number that it would read as another one (more than its 15 digits, zeros before it, ``1E5``,
``11-12``) ends with a TAB, as payment channels do in their own bills, and is read as text. Amounts are decimals of their currency;
instants are in the merchant's zone.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from aftersales.errors import Invalid
from aftersales.money import EXPONENTS, Money
from aftersales.refund import Refund
from aftersales.text import text
from functions.body import RefundQuery
from functions.context import Context
from functions.reply_money import File
from functions.trace import Search, every, search

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

#: Rows of one file: an answer of Lambda holds 6 MB (AWS quotas, read 2026-11), and a row has some 400 bytes.
MOST_ROWS = 10_000
#: Bytes of one file on its way, a workbook in base64 and a CSV as a JSON text: where rows are longer, fewer fit.
MOST_BYTES = 5_800_000

CSV_MEDIA = "text/csv; charset=utf-8"
XLSX_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: What makes a spreadsheet take a cell for a formula, or for the end of one.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width ones count in East Asian Excel

#: What a spreadsheet takes for a number, a date or a time, and shows otherwise than it stands there.
LIKE_NUMBERS = re.compile(r"(?=.*\d)[\d.,/:%Ee+-]+")
EXACT = re.compile(r"0|[1-9]\d{0,14}", re.ASCII)

Cell = str | Money | datetime | bool | None

COLUMNS: dict[str, Callable[[Refund], Cell]] = {
    "key": lambda r: r.key,
    "case_id": lambda r: r.case_id,
    "order_id": lambda r: r.order_id,
    "buyer_id": lambda r: r.buyer_id,
    "kind": lambda r: r.kind,
    "payout": lambda r: str(r.payout),
    "currency": lambda r: r.currency,
    "amount": lambda r: r.amount,
    "goods": lambda r: Money(r.goods_minor, r.currency),
    "freight": lambda r: Money(r.freight_minor, r.currency),
    "tax": lambda r: Money(r.tax_minor, r.currency),
    "pickup": lambda r: Money(r.pickup_minor, r.currency),
    "received": lambda r: None if r.payer_minor is None else Money(r.payer_minor, r.currency),
    "channel": lambda r: r.channel,
    "transaction_id": lambda r: r.transaction_id,
    "channel_id": lambda r: r.channel_id,
    "account": lambda r: r.account,
    "state": lambda r: str(r.state),
    "cause": lambda r: str(r.cause or ""),
    "rule": lambda r: r.rule,
    "approved_by": lambda r: ", ".join(a.by for a in r.approvals),
    "approved_at": lambda r: r.approvals[-1].at if r.approvals else None,
    "approved": lambda r: r.approvals[-1].amount if r.approvals else None,
    "reserved_at": lambda r: r.reserved_at,
    "accepted_at": lambda r: r.accepted_at,
    "settled_at": lambda r: r.settled_at,
    "overdue": lambda r: r.overdue,
    "replaces": lambda r: r.replaces,
}


def as_csv(ctx: Context, query: RefundQuery) -> File:
    """The merchant's refunds as CSV. Raises Invalid for more than 10,000: ask for fewer days."""
    found, zone = _found(ctx, query)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_heads(ctx.locale))
    writer.writerows([_plain(cell(r), zone) for cell in COLUMNS.values()] for r in found)
    content = "\ufeff" + out.getvalue()
    return _fitting(File(content.encode(), CSV_MEDIA, f"{_title(ctx, query)}.csv"), len(json.dumps(content)))


def as_xlsx(ctx: Context, query: RefundQuery) -> File:
    """The merchant's refunds as an Excel workbook, with a sheet of totals. Raises Invalid for more than 10,000."""
    import xlsxwriter

    found, zone = _found(ctx, query)
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(text("functions", "export.refunds", ctx.locale))
        _fill(book, sheet, [_heads(ctx.locale), *([cell(r) for cell in COLUMNS.values()] for r in found)], zone)
        totals = book.add_worksheet(text("functions", "export.totals", ctx.locale))
        names = ("channel", "currency", "payout", "state", "count", "amount", "received")
        _fill(book, totals, [[text("functions", f"export.{n}", ctx.locale) for n in names], *_totals(found)], zone)
    content = out.getvalue()
    return _fitting(File(content, XLSX_MEDIA, f"{_title(ctx, query)}.xlsx"), len(content) * 4 // 3)


def _found(ctx: Context, query: RefundQuery) -> tuple[list[Refund], ZoneInfo]:
    asked: Search = search(ctx, query)
    found = list(islice(every(ctx, asked), MOST_ROWS + 1))
    if len(found) > MOST_ROWS:
        raise _too_many(f"These are more than {MOST_ROWS} refunds, which is what one file holds.", MOST_ROWS)
    return found, ctx.registry.merchant(ctx.caller.merchant).zone


def _fitting(file: File, size: int) -> File:
    """``file``, if its ``size`` on its way is what one answer can carry. Raises Invalid."""
    if size > MOST_BYTES:
        raise _too_many("These refunds are more than one file holds.", MOST_BYTES)
    return file


def _too_many(what: str, most: int) -> Invalid:
    return Invalid(what, todo="Ask for fewer days with since and until, or for one channel.", expected=f"at most {most}")


def _title(ctx: Context, query: RefundQuery) -> str:
    asked, zone = search(ctx, query), ctx.registry.merchant(ctx.caller.merchant).zone
    what = query.order or ("" if query.phone else f"{asked.since.astimezone(zone):%Y-%m-%d}_{_last(asked, zone)}")
    return "_".join(part for part in (text("functions", "export.refunds", ctx.locale), ctx.caller.merchant, what) if part)


def _last(asked: Search, zone: ZoneInfo) -> str:
    return f"{(asked.until - timedelta(microseconds=1)).astimezone(zone):%Y-%m-%d}"


def _heads(locale: str) -> list[str]:
    return [text("functions", f"export.{name}", locale) for name in COLUMNS]


def _totals(found: Iterable[Refund]) -> list[list[Any]]:
    """Count, sum and what buyers received, per channel, currency, payout and state."""
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for r in found:
        total = sums.setdefault((r.channel, r.currency, r.payout, r.state), [0, 0, 0])
        total[0] += 1
        total[1] += r.amount.minor
        total[2] += r.payer_minor or 0
    return [[*key, total[0], Money(total[1], key[1]), Money(total[2], key[1])] for key, total in sorted(sums.items())]


# --- cells ------------------------------------------------------------------------------------------------------------
def decimal(amount: Money) -> Decimal:
    """The amount in units of its currency: CNY 19.90 is 19.90, JPY 500 is 500."""
    return Decimal(amount.minor).scaleb(-EXPONENTS[amount.currency])


def _plain(cell: Cell, zone: ZoneInfo) -> str:
    """A cell of a CSV."""
    match cell:
        case None:
            return ""
        case Money():
            return str(decimal(cell))
        case datetime():
            return f"{cell.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        case bool():
            return "1" if cell else "0"
    if cell.startswith(FORMULA):
        return f"'{cell}"
    return f"{cell}\t" if LIKE_NUMBERS.fullmatch(cell) and not EXACT.fullmatch(cell) else cell


def _fill(book: Workbook, sheet: Worksheet, rows: list[list[Any]], zone: ZoneInfo) -> None:
    """Write the rows, the first of them frozen heads with a filter."""
    head, date = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    money = {digits: book.add_format({"num_format": f"#,##0.{'0' * digits}".rstrip(".")}) for digits in set(EXPONENTS.values())}
    for column, name in enumerate(rows[0]):
        sheet.write_string(0, column, name, head)
    for number, cells in enumerate(rows[1:], 1):
        for column, cell in enumerate(cells):
            match cell:
                case Money():
                    sheet.write_number(number, column, float(decimal(cell)), money[EXPONENTS[cell.currency]])
                case datetime():
                    sheet.write_datetime(number, column, cell.astimezone(zone).replace(tzinfo=None), date)
                case bool():
                    sheet.write_boolean(number, column, cell)
                case int():
                    sheet.write_number(number, column, cell)
                case str() if cell:
                    sheet.write_string(number, column, cell)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows) - 1, len(rows[0]) - 1)
    sheet.set_column(0, len(rows[0]) - 1, 18)
