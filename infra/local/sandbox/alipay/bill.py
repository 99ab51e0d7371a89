"""The trade bill of a day: a ZIP of two GBK tables, as Alipay makes them, frozen as the day ended.

Layout: header and lines around the rows as three independent parsers read them (2026-11); the summary's columns likewise.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from infra.local.sandbox.alipay.book import Book
from infra.local.sandbox.alipay.tell import day_of, local_time, yuan
from infra.local.sandbox.fault import Kind

DETAIL = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
SUMMARY = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,"
    "分润（元）,实收净额（元）"
)
_RULE = "-" * 41


def rows_of(book: Book, day: str) -> list[dict[str, Any]]:
    """The payments and refunds of a day (Beijing), in order; refunds have a ``number`` and are negative."""
    paid = [
        {**p, "at": p["paid_at"], "from": p["paid_at"], "minor": p["total"], "mine": p["payer_total"], "number": ""}
        for p in book.base.rows("select * from payment where status != 'WAIT_BUYER_PAY'")
    ]
    query = "select refund.*, out_trade_no, paid_at from refund join payment using (trade_no) where refund.status = 'SUCCESS'"
    back = [
        {
            **r,
            "at": r["done_at"],
            "from": r["paid_at"],
            "minor": -r["minor"],
            "mine": -r["payer_minor"],
            "number": r["out_request_no"],
        }
        for r in book.base.rows(query)
    ]
    return sorted((row for row in paid + back if day_of(row["at"]) == day), key=lambda row: (row["at"], row["number"]))


def bill_of(book: Book, seller: str, day: str, fault: Kind | None, minor: int = 1) -> bytes:
    """The ZIP. ``fault`` leaves a refund out, makes one up, or puts ``minor`` in place of its amount; the sums stay."""
    rows = rows_of(book, day)
    shown = list(rows)
    last = max((i for i, row in enumerate(rows) if row["number"]), default=None)
    if fault is Kind.MISSING_ROW and last is not None:
        del shown[last]
    if fault is Kind.EXTRA_ROW and last is not None:
        shown.append({**rows[last], "number": f"NEVER{day.replace('-', '')}", "minor": -minor, "mine": -minor})
    if fault is Kind.WRONG_ROW and last is not None:
        shown[last] = {**rows[last], "minor": -minor, "mine": -minor}
    tables = {"业务明细": _detail(rows, shown, seller, day), "业务明细(汇总)": _summary(rows, seller, day)}
    made = _zipped({f"{seller}_{day.replace('-', '')}_{name}.csv": text.encode("gbk") for name, text in tables.items()})
    return _damaged(made) if fault is Kind.WRONG_DIGEST else made


def _detail(rows: Iterable[Mapping[str, Any]], shown: Iterable[Mapping[str, Any]], seller: str, day: str) -> str:
    paid, back = _split(rows)
    voucher = [sum(row["minor"] - row["mine"] for row in some) for some in (paid, back)]
    mine = [sum(row["mine"] for row in some) for some in (paid, back)]
    return "\r\n".join(
        [
            "#支付宝业务明细查询",
            *_head(seller, day),
            f"#{_RULE}业务明细列表{_RULE}",
            DETAIL,
            *map(_row, shown),
            f"#{_RULE}业务明细列表结束{_RULE}",
            f"#交易合计：{len(paid)}笔，商家实收共{yuan(mine[0])}元，商家优惠共{yuan(voucher[0])}元",
            f"#退款合计：{len(back)}笔，商家实收退款共{yuan(mine[1])}元，商家优惠退款共{yuan(voucher[1])}元",
            f"#导出时间：[{day} 23:59:59]",
            "",
        ]
    )


def _row(row: Mapping[str, Any]) -> str:
    voucher = yuan(row["minor"] - row["mine"])
    zero, money = "0.00", [yuan(row["minor"]), yuan(row["mine"])]
    texts = [row["trade_no"], row["out_trade_no"], "退款" if row["number"] else "交易"]
    times = [local_time(row["from"]), local_time(row["at"])]
    sums = [*money, zero, zero, zero, voucher, zero, "", f"{zero}\t", zero]
    after = [f"{row['number']}\t", zero, zero, "售后" if row["number"] else ""]
    return ",".join([*(f"{t}\t" for t in texts), "草莓", *times, *["\t"] * 4, "**博(159****5620)\t", *sums, *after])


def _summary(rows: Iterable[Mapping[str, Any]], seller: str, day: str) -> str:
    paid, back = _split(rows)
    minor, mine = (sum(row[name] for row in [*paid, *back]) for name in ("minor", "mine"))
    sums = [yuan(minor), yuan(mine), "0.00", yuan(minor - mine), "0.00", "0.00", "0.00", yuan(mine)]
    counts = [str(len(paid)), str(len(back))]
    total = ",".join(["合计\t", "\t", *(f"{count}\t" for count in counts), *(f"{one}\t" for one in sums)])
    head, end = f"#{_RULE}业务明细列表{_RULE}", f"#{_RULE}业务明细列表结束{_RULE}"
    return "\r\n".join(["#支付宝业务汇总查询", *_head(seller, day), head, SUMMARY, total, end, f"#导出时间：[{day} 23:59:59]", ""])


def _split(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    both = list(rows)
    return [row for row in both if not row["number"]], [row for row in both if row["number"]]


def _head(seller: str, day: str) -> tuple[str, str]:
    begin = date.fromisoformat(day)
    first, last = (f"{d.year}年{d.month:02d}月{d.day:02d}日 00:00:00" for d in (begin, begin + timedelta(days=1)))
    return f"#账号：[{seller}0156]", f"#起始日期：[{first}]   终止日期：[{last}]"


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP whose names are GBK and do not say so: readers that go by the book take them for cp437.

    The library writes such names as UTF-8, so that it is given plain names of the same length, which are then written over.
    """
    held = io.BytesIO()
    names = {name: f"NAME{i:02d}".ljust(len(name.encode("gbk")), "~") for i, name in enumerate(files)}
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(names[name], content)
    made = held.getvalue()
    for name, plain in names.items():
        made = made.replace(plain.encode(), name.encode("gbk"))
    return made


def _damaged(made: bytes) -> bytes:
    """The same with a byte of the first file's checksum changed (the list at the end, APPNOTE 4.3.12)."""
    at = made.index(b"PK\x01\x02") + 16
    return made[:at] + bytes([made[at] ^ 0xFF]) + made[at + 1 :]
