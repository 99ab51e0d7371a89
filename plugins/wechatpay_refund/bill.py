"""WeChat Pay's trade bills: REFUND and ALL of today's layout, and the layouts before it, plain or gzip.

UTF-8 with or without a byte order mark; every cell begins with a backtick, so that a goods name may hold commas; amounts are yuan.
The last two lines are the summary. Columns are found by the header, never by their place (the documentation of the trade bill,
APIv3, read 2026-11; older headers as published then).
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from aftersales.bill import Bill, BillRow, BillStatus, Figures, day_of, digits_of, minor_of, unpacked, unreadable

CHANNEL = "wechatpay"

#: Our columns, each under every name it has had; the first that the header holds is taken.
COLUMNS: dict[str, tuple[str, ...]] = {
    "accepted": ("退款申请时间", "交易时间"),
    "transaction": ("微信订单号",),
    "order": ("商户订单号",),
    "state": ("交易状态",),
    "currency": ("货币种类",),
    "channel_id": ("微信退款单号",),
    "key": ("商户退款单号",),
    "asked": ("申请退款金额", "退款金额"),
    "refunded": ("退款金额",),
    "vouchers": ("充值券退款金额", "企业红包退款金额", "代金券或立减优惠退款金额"),
    "status": ("退款状态",),
}

#: From this column on, cells are counted from the end: a goods name that holds the separator then harms nobody.
FREE_TEXT = "商品名称"

#: What of the summary can be checked against the rows. Sums of orders and fees are not ours to check.
SUMMARY: dict[str, tuple[str, ...]] = {
    "rows": ("总交易单数",),
    "refunded_minor": ("退款总金额", "总退款金额"),
    "vouchers_minor": ("充值券退款总金额", "总企业红包退款金额", "总代金券或立减优惠退款金额"),
    "requested_minor": ("申请退款总金额",),
}

#: A refund's words, today's and those of the older interface.
STATUS: dict[str, BillStatus] = {
    "SUCCESS": "success",
    "PROCESSING": "processing",
    "CLOSED": "closed",
    "REFUNDCLOSE": "closed",
    "FAIL": "failed",
    "ABNORMAL": "abnormal",
    "CHANGE": "abnormal",
}

NOTHING = frozenset({"", "0", "0.0", "0.00"})


class Layout(NamedTuple):
    """Where our columns are, in the order of ``COLUMNS``, and how many columns there are."""

    places: tuple[int, ...]
    width: int
    vouchers: bool  # whether it tells them; else their place is the refund's
    last: bool  # whether a column of ours is the last one, which ends with the line


def read_bill(path: Path) -> Bill:
    """The refunds on the bill in ``path``. Nothing is read before the rows are asked for."""
    return Bill(CHANNEL, lambda bill: _rows(bill, path))


def sha1_of_text(path: Path) -> str:
    """SHA-1, in hex, of the bill's uncompressed text: what ``hash_value`` beside the download address has to equal."""
    digest = hashlib.sha1(usedforsecurity=False)
    with unpacked(path) as texts:
        for _, text in texts:
            while piece := text.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def _rows(bill: Bill, path: Path) -> Iterator[BillRow]:
    with unpacked(path) as texts:
        if len(texts) != 1:
            raise unreadable(f"{path.name} holds {len(texts)} files, not one bill.")
        lines = texts[0][1]
        layout = _layout(_cells(lines.readline(), 1))
        header, number = yield from _refunds(bill.counted, layout, lines)
        _summary(bill.said, header, number, lines)


def _refunds(counted: Figures, layout: Layout, lines: BinaryIO) -> Generator[BillRow, None, tuple[list[str], int]]:
    """Yield the refunds, fill ``counted``, and give the first line that is no row: its cells and its number.

    Lines are decoded byte by byte (Latin-1): quick, and commas stay commas. What we keep is read as the UTF-8 that it is.
    """
    wanted, width, new, known = itemgetter(*layout.places), layout.width, tuple.__new__, STATUS.get
    rows = refunds = sum_asked = sum_refunded = sum_vouchers = foreign = 0
    for number, raw in enumerate(map(bytes.rstrip, lines) if layout.last else lines, 2):
        try:
            cells = raw[1:].decode("latin-1").split(",`") if raw[:1] == b"`" else raw.decode("latin-1").split(",")
            if len(cells) < width:
                if not raw.strip():
                    continue
                break
            when, transaction, order, state, name, own, key, asked, refunded, vouchers, status = wanted(cells)
            rows += 1
            if state != "REFUND" and key in NOTHING:
                sum_refunded += _minor(refunded)
                continue
            if name == "CNY":
                minor = _minor(asked)
                sum_asked, sum_refunded = sum_asked + minor, sum_refunded + (minor if refunded == asked else _minor(refunded))
                if vouchers != "0.00" and layout.vouchers:
                    sum_vouchers += _minor(vouchers)
            else:
                foreign, minor = foreign + 1, _minor(asked, digits_of(name))
            day_of(when[:10])
            if not (key.isascii() and order.isascii()):
                key, order = key.encode("latin-1").decode(), order.encode("latin-1").decode()
            row = new(BillRow, (key, own, transaction, order, minor, name, known(status) or _status(status), when))
        except ValueError as error:
            raise unreadable(f"{error}.", number) from error
        refunds += 1
        yield row if len(key) > 1 else _by_hand(row, number)
    else:
        raise unreadable("it ends without its summary: it is cut.")
    counted |= {"rows": rows, "refunds": refunds, "payments": rows - refunds}
    counted |= {} if foreign else {"requested_minor": sum_asked, "refunded_minor": sum_refunded}  # summaries add currencies up
    counted |= {"vouchers_minor": sum_vouchers} if layout.vouchers and not foreign else {}
    return _cells(raw, number), number


def _minor(text: str, digits: int = 2) -> int:
    """An amount of the bill in minor units; none is nothing. Raises ValueError."""
    minor = 0 if text in NOTHING else minor_of(text, digits)
    if minor < 0:
        raise ValueError(f"an amount of {text}")
    return minor


def _by_hand(row: BillRow, number: int) -> BillRow:
    """A refund that has no number of ours was made at the channel by hand: it goes by the channel's."""
    if row.key not in NOTHING:
        return row
    if row.channel_id in NOTHING:
        raise unreadable("a refund without any number.", number)
    return row._replace(key=row.channel_id)


def _status(text: str) -> BillStatus:
    try:
        return STATUS[text.strip().upper()]
    except KeyError:
        raise ValueError(f"{text!r} is not a refund's status") from None


# --- header and summary -----------------------------------------------------------------------------------------------
def _cells(raw: bytes, number: int) -> list[str]:
    """The cells of a line without byte order mark and backticks. Raises Invalid for a line that is no text."""
    try:
        return [cell.strip(" \t\r\n`\ufeff") for cell in raw.decode().split(",")]
    except ValueError as error:
        raise unreadable("it is no UTF-8 text.", number) from error


def _layout(header: list[str]) -> Layout:
    """Find our columns. Raises Invalid for a header that is not a trade bill's, or a bill's that holds no refunds."""
    if "交易时间" not in header or "微信订单号" not in header:
        raise unreadable("this is not the header of a WeChat Pay trade bill.", 1, todo="Give the trade bill of type REFUND or ALL.")
    if "商户退款单号" not in header:
        raise unreadable("its layout has no refunds.", 1, todo="Give the trade bill of type REFUND or ALL.")
    free = header.index(FREE_TEXT) if FREE_TEXT in header else len(header)
    places: dict[str, int] = {}
    for ours, names in COLUMNS.items():
        found = next((header.index(name) for name in names if name in header), None)
        if found is None and ours != "vouchers":
            raise unreadable(f"the header lacks {names[-1]}.", 1, todo="Give the trade bill of type REFUND or ALL.")
        where = places["refunded"] if found is None else found
        places[ours] = where if where < free else where - len(header)
    last = bool({-1, len(header) - 1} & set(places.values()))
    return Layout(tuple(places.values()), len(header), places["vouchers"] != places["refunded"], last)


def _summary(said: Figures, header: list[str], number: int, lines: BinaryIO) -> None:
    """Read the summary, whose ``header`` stands in line ``number``, and see that nothing follows it."""
    if header[0].strip("`\ufeff ") not in SUMMARY["rows"]:
        raise unreadable(f"{len(header)} columns are neither a row nor the summary's header.", number)
    values = _cells(lines.readline(), number + 1)
    if len(values) != len(header):
        raise unreadable("the summary is cut.", number + 1)
    named = dict(zip((name.strip() for name in header), values, strict=True))
    try:
        for figure, names in SUMMARY.items():
            for name in names:
                if name in named:
                    said[figure] = minor_of(named[name], 0 if figure == "rows" else 2)
    except ValueError as error:
        raise unreadable(f"{error}.", number + 1) from error
    if any(not line.isspace() for line in lines):
        raise unreadable("something follows the summary.", number + 2)
