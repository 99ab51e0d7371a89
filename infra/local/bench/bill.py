"""A drawn day: a WeChat Pay refund bill and our ledger of any size, with differences of every class planted among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import gcd
from pathlib import Path
from typing import NamedTuple

DAY = date(2026, 10, 2)
HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"

#: What is planted, so many times each, in this order; the rest of the refunds are alike on both sides.
DIFFERENCES = ("ours_only", "theirs_only", "amount", "duplicate", "status", "wrong_order")
#: What looks like a difference and is none.
INNOCENT = ("bill_processing", "ours_processing", "at_midnight", "neighbour", "elsewhere", "never_accepted")


@dataclass(frozen=True, slots=True)
class Drawn:
    """Two files, and what a reconciliation has to find in them: (class, number) of every difference, and two counts."""

    bill: Path
    ledger: Path
    rows: int
    differences: frozenset[tuple[str, str]]
    at_midnight: int
    to_query: int


class Refund(NamedTuple):
    """What one side has of a refund. ``second`` is the second of the day."""

    key: str
    order: str
    transaction: str
    minor: int
    second: int
    status: str
    day: date = DAY


def draw(folder: Path, rows: int, each: int) -> Drawn:
    """Write both files: ``rows`` refunds, ``each`` of every plant (an even number), in two unlike orders. Always the same."""
    if rows < each * len(DIFFERENCES + INNOCENT):
        raise ValueError(f"{rows} refunds are too few for {each} of every plant.")
    bill, ledger = folder / f"bill-{rows}.csv", folder / f"ledger-{rows}.jsonl"
    with bill.open("w", encoding="utf-8-sig", newline="") as file:
        count = total = 0
        file.write(HEADER + "\r\n")
        for number in _shuffled(rows, 7_368_787, 3):
            for refund in _theirs(number, each):
                count, total = count + 1, total + refund.minor
                file.write(_bill_line(refund))
        # The planted difference of the summary: one row more than there is.
        sums = ("0.00", _yuan(total), "0.00", "0.00", "0.00", _yuan(total))
        file.write(f"{SUMMARY}\r\n`{count + 1},`" + ",`".join(sums) + "\r\n")
    with ledger.open("w", encoding="utf-8", newline="") as file:
        for number in _shuffled(rows, 6_119_537, 7):
            file.writelines(_ledger_line(refund) for refund in _ours(number, each))
    keys = {(name, _plain(n, "").key) for place, name in enumerate(DIFFERENCES) for n in range(place * each, (place + 1) * each)}
    return Drawn(bill, ledger, rows, frozenset(keys | {("summary", "summary")}), at_midnight=each, to_query=each)


def _shuffled(rows: int, step: int, first: int) -> Iterator[int]:
    """Every number below ``rows`` once, far from in order, and no list of them in memory."""
    while gcd(step, rows) != 1:
        step += 1
    return ((first + step * n) % rows for n in range(rows))


def _plain(number: int, status: str) -> Refund:
    """The refund as it is when nothing is wrong: random-looking number, inside the day but for its two minutes at midnight."""
    key = f"R{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128):032x}-1"
    second = 60 + number * 48_271 % (86_400 - 120)
    return Refund(key, f"P{number:020d}", f"42000{number:023d}", 100 + number * 7919 % 500_000, second, status)


def _plant(number: int, each: int) -> tuple[str, bool]:
    """What is planted at this number ("" for nothing), and whether it is every other one of its kind."""
    place, within = divmod(number, each)
    return ((DIFFERENCES + INNOCENT)[place] if place < len(DIFFERENCES + INNOCENT) else "", within % 2 == 1)


def _theirs(number: int, each: int) -> tuple[Refund, ...]:
    refund = _plain(number, "SUCCESS")
    match _plant(number, each):
        case ("ours_only" | "at_midnight" | "elsewhere" | "never_accepted", _):
            return ()
        case ("amount", _):
            return (refund._replace(minor=refund.minor + 1),)
        case ("duplicate", False):
            return (refund, refund)
        case ("status", True):
            return (refund._replace(status="CLOSED"),)
        case ("wrong_order", False):
            return (refund._replace(order=refund.order + "X"),)
        case ("wrong_order", True):
            return (refund._replace(transaction=refund.transaction[:-1] + "X"),)
        case ("bill_processing", _):
            return (refund._replace(status="PROCESSING"),)
    return (refund,)


def _ours(number: int, each: int) -> tuple[Refund, ...]:
    refund = _plain(number, "settled")
    match _plant(number, each):
        case ("theirs_only", _):
            return ()
        case ("duplicate", True):
            return (refund, refund)
        case ("status", False):
            return (refund._replace(status="failed"),)
        case ("ours_processing", _):
            return (refund._replace(status="processing"),)
        case ("at_midnight", late):
            return (refund._replace(second=86_370 if late else 30),)
        case ("neighbour" | "elsewhere", after):
            return (refund._replace(day=DAY + timedelta(days=1 if after else -1)),)
        case ("never_accepted", failed):
            return (refund._replace(status="failed" if failed else "reserved"),)
    return (refund,)


def _bill_line(one: Refund) -> str:
    at, yuan = f"{one.day} {_clock(one.second)}", _yuan(one.minor)
    return (
        f"`2026-09-30 12:00:00,`wx1234567890abcdef,`1900000109,`0,`,`{one.transaction},`{one.order},`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,"
        f"`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`{at},`{at},`503{one.transaction[3:]},`{one.key},`{yuan},`0.00,`ORIGINAL,"
        f"`{one.status},`台灯, 白色,`,`0.00000,`0.60%,`0.00,`{yuan},`\r\n"
    )


def _ledger_line(one: Refund) -> str:
    return (
        f'{{"key": "{one.key}", "order": "{one.order}", "transaction_id": "{one.transaction}", "amount_minor": {one.minor}, '
        f'"currency": "CNY", "accepted_at": "{one.day}T{_clock(one.second)}+08:00", "status": "{one.status}"}}\n'
    )


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
