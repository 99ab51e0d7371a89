"""The tables of the books, a refund as it comes out of them, and how UnionPay tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))

#: What the codes say; the number in brackets is UnionPay's finer code, where it is known.
WORDS = {
    "00": "成功[0000000]",
    "05": "交易已受理，请稍后查询交易结果[6154037]",
    "10": "报文格式错误",
    "11": "验证签名失败",
    "12": "重复交易[2010002]",
    "13": "报文交易要素缺失",
    "32": "无此交易权限",
    "34": "查无此交易[2600000]",
    "35": "原交易不存在或状态不正确[2011000]",
    "36": "与原交易信息不符",
    "37": "已超过最大查询次数或操作过于频繁",
    "39": "交易不在受理时间范围内[4040007]",
    "63": "卡状态不正确",
    "90": "账户余额不足",
    "98": "文件不存在",
}

SCHEMA = """
create table if not exists payment (
  transaction_id text primary key, order_no text unique not null, minor integer not null, paid_at real not null);
create table if not exists refund (
  order_id text not null, txn_time text not null, query_id text unique not null, transaction_id text not null, own text not null,
  minor integer not null, code text not null, ends_as text not null, ends_at real not null, created_at real not null, ended_at real,
  notify_url text not null, trace text not null, primary key (order_id, txn_time));
create index if not exists refund_of on refund (transaction_id);
create index if not exists refund_due on refund (code, ends_at);
create table if not exists notice (
  id text primary key, order_id text not null, txn_time text not null, created_at real not null, tries integer not null,
  next_at real not null, state text not null);
create index if not exists notice_due on notice (state, next_at);
"""


class Refusal(Exception):
    """The answer is this response code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message or WORDS.get(code, code)


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed request for a refund; ``own`` is the merchant's text that comes back everywhere."""

    order_id: str
    txn_time: str
    transaction_id: str
    minor: int
    own: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund as the books have it: ``code`` 05 in progress, 00 done, else why it failed. Instants: the sandbox's own time."""

    order_id: str
    txn_time: str
    query_id: str
    transaction_id: str
    own: str
    minor: int
    code: str
    ends_as: str
    ends_at: float
    created_at: float
    ended_at: float | None
    notify_url: str
    trace: str

    @property
    def key(self) -> str:
        """By what the refund is called in the truth and in faults."""
        return self.own or self.order_id


def told(refund: Refund) -> dict[str, str]:
    """A refund as queries and notices tell it: with the kind of the transaction that was asked for, not of the query."""
    settled = datetime.fromtimestamp(refund.created_at, CHINA) + timedelta(hours=1)  # a clearing day ends at 23:00
    said = {
        "txnType": "04",
        "txnSubType": "00",
        "currencyCode": "156",
        "txnAmt": str(refund.minor),
        "origQryId": refund.transaction_id,
        "queryId": refund.query_id,
        "origRespCode": refund.code,
        "origRespMsg": WORDS.get(refund.code, refund.code),
        "settleAmt": str(refund.minor),
        "settleCurrencyCode": "156",
        "settleDate": settled.strftime("%m%d"),
        "traceNo": refund.trace,
        "traceTime": beijing(refund.created_at)[4:],
    }
    return said | ({"reqReserved": refund.own} if refund.own else {})


def beijing(at: float) -> str:
    """An instant as UnionPay writes it, ``YYYYMMDDhhmmss``."""
    return datetime.fromtimestamp(at, CHINA).strftime("%Y%m%d%H%M%S")


def instant(txn_time: str) -> float:
    """The instant of a text as :func:`beijing` makes it. Raises Refusal for one that is none."""
    try:
        return datetime.strptime(txn_time, "%Y%m%d%H%M%S").replace(tzinfo=CHINA).astimezone(UTC).timestamp()
    except ValueError as error:
        raise Refusal("10", f"{WORDS['10']}[txnTime]") from error
