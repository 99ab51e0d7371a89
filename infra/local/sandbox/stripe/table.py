"""The tables of the books, and rows as they are read. Instants are seconds since 1970 on the sandbox's own clock."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.loopback import MARK

SCHEMA = """
create table if not exists payment (
  id text primary key, charge text unique not null, minor integer not null, currency text not null, method text not null,
  description text not null, paid_at real not null);
create table if not exists refund (
  n integer primary key autoincrement, id text unique not null, charge text not null, number text not null, minor integer not null,
  reason text not null, metadata text not null, status text not null, why text not null, taken integer not null,
  plan text not null, due_at real, created_at real not null);
create index if not exists refund_of on refund (charge);
create index if not exists refund_due on refund (due_at);
create table if not exists dispute (
  id text primary key, charge text not null, minor integer not null, reason text not null, status text not null,
  booked text not null, created_at real not null);
create table if not exists kept (
  key text primary key, request text not null, status integer not null, said text not null, at real not null);
create table if not exists event (
  n integer primary key autoincrement, id text unique not null, type text not null, about text not null, number text not null,
  body text not null, created_at real not null, tries integer not null, next_at real not null, state text not null);
"""

#: Refunds whose money is with the merchant again, or never left.
ENDED = ("failed", "canceled")


@dataclass(frozen=True, slots=True)
class Payment:
    """``id`` is what the mall calls it: a PaymentIntent, or the charge itself."""

    id: str
    charge: str
    minor: int
    currency: str
    method: str
    description: str
    paid_at: float

    @property
    def intent(self) -> str | None:
        """The PaymentIntent; None for a bare charge."""
        return None if self.id == self.charge else self.id


@dataclass(frozen=True, slots=True)
class Refund:
    """``number`` is ours, from the metadata; "" for one that was made elsewhere. ``why``: the reason it waits, or failed.

    ``taken``: whether the money has left the merchant's balance. ``plan``: the steps to come, ``[seconds from now, status, why]``.
    """

    n: int
    id: str
    charge: str
    number: str
    minor: int
    reason: str
    metadata: Mapping[str, str]
    status: str
    why: str
    taken: bool
    plan: list[list[Any]]
    due_at: float | None
    created_at: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Refund:
        """The refund in a row."""
        read = {"metadata": json.loads(row["metadata"]), "plan": json.loads(row["plan"]), "taken": bool(row["taken"])}
        return cls(**{**row, **read})


@dataclass(frozen=True, slots=True)
class Dispute:
    """``booked``: what was taken from the balance (negative) and given back."""

    id: str
    charge: str
    minor: int
    reason: str
    status: str
    booked: list[int]
    created_at: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Dispute:
        """The dispute in a row."""
        return cls(**{**row, "booked": json.loads(row["booked"])})


def made_id(prefix: str) -> str:
    """A new id; it says that it was made here."""
    return f"{prefix}_{MARK}{secrets.token_hex(10)}"
