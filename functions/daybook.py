"""Daybook: both sides of a channel's day in a file of its own, so that a day of any size is counted in the memory of a few rows.

The core says what differs; here is counted what each merchant has of it, and found out which refunds are on this bill although our
record has them on another day, or as not yet ended.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Self

from aftersales.bill import Bill, BillRow
from aftersales.reconcile import LedgerRow
from aftersales.reconcile.row import LedgerState
from aftersales.refund import BEIJING, Cause, Refund, RefundState

#: What a minute's neighbour at midnight is counted as, beside the classes of differences.
AT_MIDNIGHT = "at_midnight"

#: Rows that are written together.
TOGETHER = 1_000

_TABLES = """
    create table ours (key text primary key, merchant text, transaction_id text, minor integer, currency text, accepted_at text,
        status text, day text, counted integer) without rowid;
    create table bill (key text, channel_id text, transaction_id text, trade text, minor integer, currency text, status text,
        accepted_at text);
    create index billed on bill (key);
    create table found (kind text, key text, merchant text, currency text, ticket_id text);
    create index finding on found (key);
    create index follow_up on found (ticket_id);
"""
_OURS = "select merchant, currency, count(*), sum(minor) from ours where counted group by merchant, currency"
_THEIRS = """
    select coalesce(ours.merchant, (select merchant from found where found.key = bill.key limit 1), ''), bill.currency, count(*),
        sum(bill.minor)
    from bill left join ours using (key) group by 1, 2
"""
_MATCHED = """
    select merchant, currency, count(*), sum(minor) from ours where key in (select key from bill)
        and key not in (select key from found where kind in ('amount', 'status', 'wrong_order')) group by merchant, currency
"""
#: The rows that neither side's word settles: those for which the core says "ask".
_OPEN = """
    from ours join bill using (key) where ours.status in ('reserved', 'sent', 'processing')
        or ours.status in ('failed', 'released') and bill.status = 'processing'
"""


@dataclass(slots=True)
class Figures:
    """What one merchant has of the day in one currency: the numbers of a :class:`~aftersales.report.Report`."""

    ours: int = 0
    ours_minor: int = 0
    theirs: int = 0
    theirs_minor: int = 0
    matched: int = 0
    matched_minor: int = 0
    at_midnight: int = 0
    to_query: int = 0
    differences: Counter[str] = field(default_factory=Counter)

    def add(self, other: Figures) -> None:
        """Count another one's in."""
        for name in ("ours", "theirs", "matched", "ours_minor", "theirs_minor", "matched_minor", "at_midnight", "to_query"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.differences.update(other.differences)


class Daybook:
    """The day of a channel in ``file``, which is made here and may be thrown away afterwards."""

    def __init__(self, file: Path, day: date) -> None:
        self.day = day
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript("pragma journal_mode = off; pragma synchronous = off;" + _TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    # --- in -----------------------------------------------------------------------------------------------------------
    def book(self, refunds: Iterable[Refund]) -> None:
        """Take these as our side, in place of what was there; one that comes twice counts once, as it came last."""
        self._db.execute("delete from ours")
        self._db.execute("delete from found")
        self._fill("insert or replace into ours values (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(self._our_row, refunds))

    def _our_row(self, one: Refund) -> tuple[Any, ...]:
        at = one.accepted_at.isoformat() if one.accepted_at else None
        counted = at is not None and one.day == self.day and one.state is not RefundState.RESERVED
        money = (one.amount.minor, one.currency)
        return one.key, one.merchant, one.transaction_id, *money, at, word_of(one), one.day.isoformat(), counted

    def ledger(self) -> Iterator[LedgerRow]:
        """Our side for the core. The payment's order number at the channel is not on our record."""
        for key, transaction, minor, currency, at, status in self._db.execute(
            "select key, transaction_id, minor, currency, accepted_at, status from ours"
        ):
            yield LedgerRow(key, "", transaction, minor, currency, datetime.fromisoformat(at) if at else None, status)

    def noting(self, bill: Bill) -> Bill:
        """The same bill, each of whose rows is kept here as it is read. It can be read as often as it is asked for."""

        def rows(outer: Bill) -> Iterator[BillRow]:
            self._db.execute("delete from bill")
            told = iter(bill.rows(outer))
            while some := list(islice(told, TOGETHER)):
                self._fill("insert into bill values (?, ?, ?, ?, ?, ?, ?, ?)", some)
                yield from some

        return Bill(bill.channel, rows)

    def found(self, kind: str, key: str, merchant: str, currency: str, ticket_id: str) -> None:
        """Count a difference for its merchant ("" for nobody)."""
        self._db.execute("insert into found values (?, ?, ?, ?, ?)", (kind, key, merchant, currency, ticket_id))

    def _fill(self, into: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self._db.execute("begin")
        self._db.executemany(into, rows)
        self._db.execute("commit")

    # --- out ----------------------------------------------------------------------------------------------------------
    def row(self, key: str) -> BillRow | None:
        """The bill's row of this number."""
        found = self._db.execute("select * from bill where key = ? order by minor, status limit 1", (key,)).fetchone()
        return BillRow(*found) if found else None

    def astray(self) -> list[str]:
        """Numbers of ours on this bill that our record has on another day, or as not accepted yet."""
        query = """select distinct key from bill join ours using (key) where (ours.accepted_at is null or ours.day <> :day)
            and substr(bill.accepted_at, 1, 10) = :day order by key"""
        return [key for (key,) in self._db.execute(query, {"day": self.day.isoformat()})]

    def unsettled(self, most: int) -> list[str]:
        """Numbers of ours on this bill that only the channel knows the end of, at most so many."""
        return [key for (key,) in self._db.execute(f"select distinct key {_OPEN} order by key limit ?", (most,))]

    def holds(self, refund: Refund) -> bool:
        """Whether our side has the refund as it is now; one of another day, it need not."""
        known = self._db.execute("select * from ours where key = ?", (refund.key,)).fetchone()
        if known is None:
            return abs(refund.day - self.day) > timedelta(days=1)
        return bool(known == self._our_row(refund))

    def merchants(self) -> list[str]:
        """Everybody whose refunds are on our side of these days."""
        return [name for (name,) in self._db.execute("select distinct merchant from ours order by 1")]

    def tickets(self, merchant: str | None, currency: str, most: int) -> tuple[str, ...]:
        """The follow-ups of a merchant (None: of all) in a currency; those without one are told with every currency."""
        query = "select distinct ticket_id from found where currency in (?, '') and (? is null or merchant = ?) order by 1 limit ?"
        return tuple(name for (name,) in self._db.execute(query, (currency, merchant, merchant, most)))

    def tells(self, ticket_id: str) -> bool:
        """Whether a difference of this day has that ticket."""
        return self._db.execute("select 1 from found where ticket_id = ? limit 1", (ticket_id,)).fetchone() is not None

    def figures(self) -> dict[tuple[str, str], Figures]:
        """What everybody has of the day, by merchant ("" for nobody's) and currency ("" for what has none)."""
        all_: dict[tuple[str, str], Figures] = {}
        for name, query in (("ours", _OURS), ("theirs", _THEIRS), ("matched", _MATCHED)):
            for merchant, currency, count, minor in self._db.execute(query):
                one = all_.setdefault((merchant, currency), Figures())
                setattr(one, name, count)
                setattr(one, f"{name}_minor", minor)
        by = "group by ours.merchant, ours.currency"
        for merchant, currency, count in self._db.execute(f"select ours.merchant, ours.currency, count(distinct key) {_OPEN} {by}"):
            all_.setdefault((merchant, currency), Figures()).to_query = count
        for merchant, currency, kind, count in self._db.execute(
            "select merchant, currency, kind, count(*) from found group by merchant, currency, kind"
        ):
            one = all_.setdefault((merchant, currency), Figures())
            if kind == AT_MIDNIGHT:
                one.at_midnight = count
            else:
                one.differences[kind] = count
        return all_


def word_of(refund: Refund) -> LedgerState:
    """What our record says of a refund on the day that its channel accepted it: one that came back later was paid then."""
    if refund.cause is Cause.BOUNCED and refund.state in (RefundState.FAILED, RefundState.RELEASED):
        return "settled"
    words: dict[RefundState, LedgerState] = {
        RefundState.RESERVED: "reserved",
        RefundState.SENT: "sent",
        RefundState.PROCESSING: "processing",
        RefundState.SETTLED: "settled",
        RefundState.FAILED: "failed",
        RefundState.RELEASED: "released",
    }
    return words[refund.state]


def instant_of(row: BillRow) -> datetime:
    """When the channel accepted it, as its bill says (Beijing)."""
    return datetime.fromisoformat(row.accepted_at).replace(tzinfo=BEIJING)
