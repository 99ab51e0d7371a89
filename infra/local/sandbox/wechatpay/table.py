"""The tables of the books, and a refund as it comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

#: The zone of every day and time that WeChat Pay writes.
CHINA = timezone(timedelta(hours=8))

#: Where a refund arrives unless it was sent elsewhere.
ACCOUNT = "招商银行信用卡0403"

SCHEMA = """
create table if not exists payment (
  transaction_id text primary key, out_trade_no text unique not null, total integer not null, payer_total integer not null,
  paid_at real not null);
create table if not exists refund (
  out_refund_no text primary key, refund_id text unique not null, transaction_id text not null, params text not null,
  minor integer not null, payer_minor integer not null, status text not null, ends_as text not null, ends_at real not null,
  created_at real not null, success_at real, notify_url text not null);
create index if not exists refund_of on refund (transaction_id);
create index if not exists refund_on on refund (created_at);
create index if not exists refund_due on refund (status, ends_at);
create index if not exists payment_on on payment (paid_at);
create table if not exists notice (
  id text primary key, out_refund_no text not null, event text not null, created_at real not null, tries integer not null,
  next_at real not null, state text not null);
create index if not exists notice_due on notice (state, next_at);
create index if not exists notice_of on notice (out_refund_no);
create table if not exists link (
  token text primary key, day text not null, kind text not null, packed integer not null, fault text not null,
  minor integer not null, expires_at real not null);
"""

#: What the tables gained later. ``free``: paid with coupons that are not settled; ``card``: a digest of where it was sent instead.
ADDED = {
    "payment": {"free_total": "integer not null default 0", "frozen": "text not null default ''"},
    "refund": {
        "free_minor": "integer not null default 0",
        "accepted_as": "text not null default 'SUCCESS'",
        "channel": "text not null default 'ORIGINAL'",
        "account": f"text not null default '{ACCOUNT}'",
        "card": "text not null default ''",
        "outside": "integer not null default 0",
    },
}

#: Every column of :class:`Refund`, of refunds with their payments.
FOUND = """select out_refund_no, refund_id, transaction_id, out_trade_no, minor, payer_minor, free_minor, total, payer_total,
  free_total, status, accepted_as, channel, account, created_at, success_at, notify_url
from refund join payment using (transaction_id)"""


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund as the books have it; instants are seconds since 1970 on the sandbox's own clock, amounts are fen.

    ``free_minor`` and ``free_total`` were paid with coupons that are never settled to the merchant; ``accepted_as`` is the status
    with which it was accepted, which is the one that bills tell.
    """

    out_refund_no: str
    refund_id: str
    transaction_id: str
    out_trade_no: str
    minor: int
    payer_minor: int
    free_minor: int
    total: int
    payer_total: int
    free_total: int
    status: str
    accepted_as: str
    channel: str
    account: str
    created_at: float
    success_at: float | None
    notify_url: str


def local_time(at: float) -> str:
    """An instant as WeChat Pay's API writes it: RFC 3339 in China's time."""
    return datetime.fromtimestamp(at, CHINA).isoformat(timespec="seconds")
