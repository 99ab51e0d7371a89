"""Alipay's trade bills (业务明细): a ZIP of a detail and a summary file, or the bare detail file.

GB18030, as Alipay writes them, or UTF-8, as tables save them again. Lines of ``#`` stand around the rows and sum them up; cells may
end with a TAB; amounts are yuan, and those of refunds negative. Columns are found by the header (as three independent parsers read
it, 2026-11). A bill holds refunds that succeeded only.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from aftersales.bill import Bill, BillRow, Figures, day_of, minor_of, unpacked, unreadable
from aftersales.errors import Invalid

CHANNEL = "alipay"
CURRENCY = "CNY"
TODO = "Give the ZIP of the trade bill as Alipay gives it, or the detail file in it."

#: Our columns under their names in the header, with full-width parentheses normalised and the unit left out.
COLUMNS = {
    "transaction": "支付宝交易号",
    "order": "商户订单号",
    "kind": "业务类型",
    "goods": "商品名称",
    "created": "创建时间",
    "finished": "完成时间",
    "asked": "订单金额",
    "received": "商家实收",
    "key": "退款批次号/请求号",
}
DETAIL, SUMMARY = COLUMNS["key"], "退款订单总笔数"

#: What the lines after the rows say, e.g. ``#退款合计：2笔，商家实收退款共-3.00元，商家优惠退款共0.00元``.
FOOTER = {
    "payments": re.compile(r"交易合计[:：]\s*(\d+)\s*笔"),
    "refunds": re.compile(r"退款合计[:：]\s*(\d+)\s*笔"),
    "received_minor": re.compile(r"退款合计.*商家实收退款共\s*(-?[\d.]+)\s*元"),
}

#: What the summary file says, by the names in its header.
TOTALS = {"payments": "交易订单总笔数", "refunds": SUMMARY, "requested_minor": "退款订单总金额"}

MOMENT = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Text(NamedTuple):
    """One file of a bill, read up to and with its header."""

    lines: BinaryIO
    header: list[str]
    number: int  # of the header's line
    encoding: str
    preface: bool  # whether lines of ``#`` came before: then some come after, too


class Layout(NamedTuple):
    """Where our columns are, and how many columns there are."""

    transaction: int
    order: int
    kind: int
    goods: int
    created: int
    finished: int
    asked: int
    received: int
    key: int
    width: int


def read_bill(path: Path) -> Bill:
    """The refunds on the bill in ``path``. Nothing is read before the rows are asked for."""
    return Bill(CHANNEL, lambda bill: _rows(bill, path))


def _rows(bill: Bill, path: Path) -> Iterator[BillRow]:
    with unpacked(path) as files:
        packed = any(name != path.name for name, _ in files)
        texts = _texts(list(files))
        details = [text for text in texts if DETAIL in text.header]
        if len(details) != 1:
            raise unreadable(f"{path.name} holds {len(details)} detail files, not one.", todo=TODO)
        detail = details[0]
        footer = yield from _refunds(bill.counted, detail)
        if detail.preface and not footer and not packed:  # in a ZIP the checksum says that it is whole
            raise unreadable("it ends without the lines after the rows: it is cut.", todo=TODO)
        _footer(bill, footer)
        for text in texts:
            if text is not detail:
                _summary(bill, text)


def _texts(files: list[tuple[str, BinaryIO]]) -> list[Text]:
    """The files with a header that is known; what else lies beside them is not the bill. Raises Invalid when none has one."""
    texts, error = [], Invalid("It holds no file.", todo=TODO)
    for _, lines in files:
        try:
            texts.append(_headed(lines))
        except Invalid as found:
            error = found
    if not texts:
        raise error
    return texts


def _headed(lines: BinaryIO) -> Text:
    """Read up to the header of a detail or summary file, which tells the encoding too. Raises Invalid if there is none."""
    preface = False
    for number, raw in enumerate(lines, 1):
        for encoding in ("gb18030", "utf-8"):
            if DETAIL.encode(encoding) in raw or SUMMARY.encode(encoding) in raw:
                header = [_plain(cell) for cell in _decoded(raw, encoding, number).split(",")]
                return Text(lines, header, number, encoding, preface)
        line = raw.removeprefix(b"\xef\xbb\xbf").strip()
        if line and not line.startswith(b"#"):
            raise unreadable("this is not the header of an Alipay trade bill.", number, todo=TODO)
        preface = preface or bool(line)
    raise unreadable("it has no header of an Alipay trade bill.", todo=TODO)


def _plain(name: str) -> str:
    """A column's name without byte order mark, unit and what stands around it."""
    return name.strip(' \t\r\n"\ufeff').replace("（", "(").replace("）", ")").removesuffix("(元)")


def _decoded(raw: bytes, encoding: str, number: int) -> str:
    try:
        return raw.decode(encoding)
    except ValueError as error:
        raise unreadable(f"it is no {encoding} text.", number) from error


# --- the rows ---------------------------------------------------------------------------------------------------------
def _refunds(counted: Figures, text: Text) -> Generator[BillRow, None, list[str]]:
    """Yield the refunds, fill ``counted``, and give the lines after the rows.

    Cells are split as bytes, and only those that are wanted are decoded: neither encoding uses a comma's byte inside a character.
    """
    at, footer = _layout(text), list[str]()
    refund, payment = "退款".encode(text.encoding), "交易".encode(text.encoding)
    refunds = payments = sum_asked = sum_received = 0
    for number, raw in enumerate(text.lines, text.number + 1):
        if raw[:1] == b"#" or footer or not (line := raw.strip(b" \r\n")):
            footer += [_decoded(raw, text.encoding, number)] if raw.strip() else []
            continue
        try:
            cells = line.split(b",")
            if len(cells) != at.width:
                cells = _mended(cells, line, at, text.encoding)
            what = cells[at.kind].strip()
            if what == payment:
                payments += 1
                continue
            row, received = _refund(cells, at, is_refund=what == refund)
        except ValueError as error:
            raise unreadable(f"{error}.", number) from error
        refunds, sum_asked, sum_received = refunds + 1, sum_asked + row.amount_minor, sum_received + received
        yield row
    counted |= {"rows": refunds + payments, "refunds": refunds, "payments": payments}
    counted |= {"requested_minor": sum_asked, "received_minor": sum_received}
    return footer


def _refund(cells: list[bytes], at: Layout, *, is_refund: bool) -> tuple[BillRow, int]:
    """The refund and what the merchant gave for it in fen. Raises ValueError for a row that is none."""
    if not is_refund:
        raise ValueError("a row that is neither a payment nor a refund")
    asked, received = cells[at.asked].strip().decode(), cells[at.received].strip().decode()
    minor = -minor_of(asked)
    if minor < 0:
        raise ValueError(f"a refund of {asked}, which is not negative")
    when = (cells[at.finished].strip() or cells[at.created].strip()).decode()
    day_of(when[:10])
    transaction, order, key = (cells[place].strip().decode() for place in (at.transaction, at.order, at.key))
    # A refund that was asked for without a number of its own has the order's (documentation of the refund query).
    row = BillRow(key or order, "", transaction, order, minor, CURRENCY, "success", when)
    return row, minor if received == asked else -minor_of(received)


def _layout(text: Text) -> Layout:
    places = {}
    for ours, name in COLUMNS.items():
        if name not in text.header:
            raise unreadable(f"the header lacks {name}.", text.number, todo=TODO)
        places[ours] = text.header.index(name)
    return Layout(**places, width=len(text.header))


def _mended(cells: list[bytes], line: bytes, at: Layout, encoding: str) -> list[bytes]:
    """The cells of a row with commas in its goods name or its remark. Raises ValueError where they cannot be told apart."""
    if b'"' in line:
        quoted = [cell.encode(encoding) for cell in next(csv.reader([line.decode(encoding)]))]
        if len(quoted) == at.width:
            return quoted
    more = len(cells) - at.width
    for cut, end in ((at.goods + 1, at.goods + 1 + more), (at.width, at.width + more)):  # the goods name's surplus, or the remark's
        fair = cells[:cut] + cells[end:]
        if more > 0 and MOMENT.fullmatch(fair[at.created].strip()) and MOMENT.fullmatch(fair[at.finished].strip()):
            return fair
    raise ValueError(f"{len(cells)} columns where the header has {at.width}")


# --- what the file says of itself -------------------------------------------------------------------------------------
def _tell(bill: Bill, figure: str, value: int) -> None:
    """Keep what the file says; where it says it twice, what disagrees with the rows is not covered by what agrees."""
    counted = bill.counted[figure]
    if bill.said.get(figure, counted) == counted:
        bill.said[figure] = value


def _footer(bill: Bill, footer: list[str]) -> None:
    for line in footer:
        if not line.startswith("#"):
            raise unreadable("rows follow the lines after the rows.", todo=TODO)
        try:
            for figure, pattern in FOOTER.items():
                if found := pattern.search(line):
                    _tell(bill, figure, abs(minor_of(found[1], 2 if figure.endswith("_minor") else 0)))
        except ValueError as error:
            raise unreadable(f"{error}.", todo=TODO) from error


def _summary(bill: Bill, text: Text) -> None:
    """Read the line of totals of the summary file."""
    for number, raw in enumerate(text.lines, text.number + 1):
        cells = [_plain(cell) for cell in _decoded(raw, text.encoding, number).split(",")]
        if cells[0] != "合计":
            continue
        if len(cells) != len(text.header):
            raise unreadable(f"the summary has {len(cells)} columns where its header has {len(text.header)}.", number, todo=TODO)
        named = dict(zip(text.header, cells, strict=True))
        try:
            for figure, name in TOTALS.items():
                if named.get(name):
                    _tell(bill, figure, abs(minor_of(named[name], 2 if figure.endswith("_minor") else 0)))
        except ValueError as error:
            raise unreadable(f"{error}.", number, todo=TODO) from error
        return
    raise unreadable("the summary file has no line of totals.", todo=TODO)
