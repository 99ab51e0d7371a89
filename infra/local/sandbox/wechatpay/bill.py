"""Trade bills as WeChat Pay writes them: a text of a day's payments and refunds with a summary, behind an address for five minutes.

UTF-8 with a byte order mark, lines end in CR LF, every cell of a row begins with a backtick, amounts are yuan. A refund is in the
bill of the day it was accepted, with the status it had then, for ever (WeChat Pay APIv3 documentation, bills, 2024-12).
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl

from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.wechatpay.ask import Refusal
from infra.local.sandbox.wechatpay.book import Book
from infra.local.sandbox.wechatpay.table import CHINA, FOUND, Refund

#: Where a bill can be downloaded, and how long its address lives.
DOWNLOAD = "/v3/billdownload/file"
LINK_S = 300.0

#: The hour of the next day, in China, at which a bill is there.
READY = time(10)

_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额"
)
_BACK = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_TAIL = "商品名称,商户数据包,手续费,费率,订单金额"
LAYOUTS = {
    "ALL": f"{_HEAD},{_BACK},{_TAIL},申请退款金额,费率备注",
    "SUCCESS": f"{_HEAD},{_TAIL},费率备注",
    "REFUND": f"{_HEAD},退款申请时间,退款成功时间,{_BACK},{_TAIL},申请退款金额,费率备注",
}
SUMMARY = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}

Row = dict[str, Any]  # column → text, or fen as int


class Bills:
    """The bills of a book, for the merchant ``mchid``."""

    def __init__(self, book: Book, mchid: str) -> None:
        self._book, self._mchid = book, mchid

    def link(self, query: str, base_url: str, fault: Fault | None) -> dict[str, str]:
        """The answer to a request for a bill. Raises Refusal for a day that has none, or none yet."""
        said = dict(parse_qsl(query, keep_blank_values=True))
        day, kind, packed = self._asked(said)
        if fault is not None and fault.kind is Kind.NOT_READY:
            raise Refusal(400, "STATEMENT_CREATING", "账单生成中")
        spoilt = (fault.kind.value, fault.minor) if fault is not None else ("", 0)
        token = secrets.token_urlsafe(36)
        text = self._text(day, kind, token, *spoilt)
        with self._book.writing() as db:
            values = (token, day.isoformat(), kind, int(packed), *spoilt, self._book.now() + LINK_S)
            db.execute("insert into link values (?, ?, ?, ?, ?, ?, ?)", values)
        wrong = b"\n" if fault is not None and fault.kind is Kind.WRONG_DIGEST else b""
        address = f"{base_url}{DOWNLOAD}?token={token}{'&tartype=gzip' if packed else ''}"
        return {"hash_type": "SHA1", "hash_value": hashlib.sha1(text + wrong).hexdigest(), "download_url": address}  # noqa: S324 (WeChat Pay's choice)

    def file(self, query: str, *, expired: bool = False) -> bytes:
        """The bytes behind an address. Raises Refusal for one that is not known or not valid any more."""
        token = dict(parse_qsl(query)).get("token", "")
        found = self._book.rows("select * from link where token = ?", token)
        if expired or not found or found[0]["expires_at"] < self._book.now():
            raise Refusal(400, "INVALID_REQUEST", "下载地址已失效，请重新申请账单")
        link = found[0]
        text = self._text(date.fromisoformat(link["day"]), link["kind"], token, link["fault"], link["minor"])
        return gzip.compress(text, 6, mtime=0) if link["packed"] else text

    def day_of(self, query: str) -> str:
        """The day that a request is about, only to see which fault is meant."""
        said = dict(parse_qsl(query))
        found = self._book.rows("select day from link where token = ?", said.get("token", ""))
        return str(found[0]["day"]) if found else said.get("bill_date", "")

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _asked(self, said: Mapping[str, str]) -> tuple[date, str, bool]:
        kind, tar = said.get("bill_type", "ALL"), said.get("tar_type", "")
        try:
            day = datetime.strptime(said.get("bill_date", ""), "%Y-%m-%d").date()  # noqa: DTZ007 (a day, not an instant)
        except ValueError as error:
            raise Refusal(400, "PARAM_ERROR", "账单日期 bill_date 不合法") from error
        if kind not in LAYOUTS or tar not in ("", "GZIP"):
            raise Refusal(400, "PARAM_ERROR", "账单类型 bill_type 或压缩类型 tar_type 不合法")
        now = datetime.fromtimestamp(self._book.now(), CHINA)
        if not months_before(now.date(), 3) <= day < now.date():
            raise Refusal(400, "INVALID_REQUEST", "账单日期 bill_date 仅支持三个月内且早于今日")
        if now < datetime.combine(day + timedelta(days=1), READY, CHINA):
            raise Refusal(400, "STATEMENT_CREATING", "账单生成中")
        return day, kind, tar == "GZIP"

    def _text(self, day: date, kind: str, token: str, fault: str, minor: int) -> bytes:
        rows = self._rows(day, kind)
        if not rows:
            raise Refusal(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在")
        summed = _summary(rows)
        if fault == Kind.MISSING_ROW:
            rows = rows[:-1]
        elif fault == Kind.EXTRA_ROW:
            numbers = {"微信退款单号": f"5030{token[:8]}", "商户退款单号": f"EXTRA{token[:8]}"}
            state = {"交易状态": "REFUND", "退款类型": "ORIGINAL", "退款状态": "SUCCESS"}
            amounts = {"退款金额": minor, "申请退款金额": minor, "应结订单金额": 0, "订单金额": 0}
            rows = [*rows, {**rows[-1], **numbers, **state, **amounts}]
        elif fault == Kind.WRONG_ROW:
            rows = [*rows[:-1], {**rows[-1], "退款金额": minor, "申请退款金额": minor}]
        if fault in (Kind.MISSING_ROW, Kind.EXTRA_ROW):
            summed = _summary(rows)  # a file that agrees with itself, and not with what happened
        columns = LAYOUTS[kind].split(",")
        lines = [",".join(columns), *(",".join(f"`{_cell(row.get(c, ''))}" for c in columns) for row in rows)]
        lines += [",".join(summed), ",".join(f"`{value}" for value in summed.values())]
        return b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode()

    def _rows(self, day: date, kind: str) -> list[Row]:
        """Payments and refunds of the day, as they happened."""
        begin = datetime.combine(day, time(), CHINA).timestamp()
        within, rows = (begin, begin + 86400.0), []
        if kind != "REFUND":
            paid = self._book.rows("select * from payment where paid_at >= ? and paid_at < ?", *within)
            rows += [(p["paid_at"], _payment(p, self._mchid)) for p in paid]
        if kind != "SUCCESS":
            made = self._book.rows(f"{FOUND} where created_at >= ? and created_at < ?", *within)
            rows += [(r["created_at"], _refund(Refund(**r), self._mchid)) for r in made]
        return [row for _, row in sorted(rows, key=lambda one: one[0])]


def months_before(day: date, months: int) -> date:
    """The same day that many months earlier, or the last one of a shorter month."""
    whole = day.year * 12 + day.month - 1 - months
    year, month = divmod(whole, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


def _payment(paid: Mapping[str, Any], mchid: str) -> Row:
    settled = paid["total"] - paid["free_total"]
    coupons = settled - paid["payer_total"]
    return {
        **_common(paid["paid_at"], mchid, paid["transaction_id"], paid["out_trade_no"], "SUCCESS", settled),
        "应结订单金额": settled, "代金券金额": coupons, "微信退款单号": "0", "商户退款单号": "0",
        "退款金额": 0, "充值券退款金额": 0, "订单金额": paid["total"], "申请退款金额": 0,
    }  # fmt: skip


def _refund(made: Refund, mchid: str) -> Row:
    settled = made.minor - made.free_minor
    done_at = made.success_at if made.accepted_as == "SUCCESS" else None
    return {
        **_common(made.created_at, mchid, made.transaction_id, made.out_trade_no, "REFUND", -settled),
        "应结订单金额": 0, "代金券金额": 0, "退款申请时间": _time(made.created_at),
        "退款成功时间": _time(done_at) if done_at is not None else "",
        "微信退款单号": made.refund_id, "商户退款单号": made.out_refund_no, "退款金额": settled,
        "充值券退款金额": settled - made.payer_minor, "退款类型": "ORIGINAL", "退款状态": made.accepted_as,
        "订单金额": 0, "申请退款金额": made.minor,
    }  # fmt: skip


def _common(at: float, mchid: str, transaction_id: str, out_trade_no: str, state: str, settled: int) -> Row:
    fee = (abs(settled) * 6 + 500) // 1000 * (1 if settled >= 0 else -1)  # 0.60 %, in whole fen
    return {
        "交易时间": _time(at), "公众账号ID": f"wx{mchid.lower()}", "商户号": mchid, "特约商户号": "0",
        "微信订单号": transaction_id, "商户订单号": out_trade_no, "用户标识": "oSANDBOX", "交易类型": "JSAPI",
        "交易状态": state, "付款银行": "OTHERS", "货币种类": "CNY", "商品名称": "商品,含逗号", "手续费": fee, "费率": "0.60%",
    }  # fmt: skip


def _summary(rows: list[Row]) -> dict[str, str]:
    sums = {name: _cell(sum(row.get(column, 0) for row in rows)) for name, column in SUMMARY.items()}
    return {"总交易单数": str(len(rows)), **sums}


def _cell(value: str | int) -> str:
    if isinstance(value, str):
        return value
    return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")
