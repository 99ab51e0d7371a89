"""A Change as conditional writes, and what their failure means.

::

    HEAD, MONEY, PARCEL, REFUND   version = the one that was read (or: not there yet)   ─ else StaleVersion
    EVENT                         not there yet                                         ─ else StaleVersion
    CLAIM                         not there yet                                         ─ else ClaimTaken
    IDEM                          not there yet, or expired                             ─ else IdempotencyMismatch
    EVIDENCE, PHOTO, pointer      written whatever is there

Every item carries the write's mark ``w``. When a condition fails on an item with our own mark, the transaction had been applied and
only its answer was lost: that is success. EVENT, IDEM and CLAIM items never change again, so a change with one of them is
recognised for ever; a change of a record alone only until the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any
from zlib import crc32

from aftersales.case import Case
from aftersales.change import Answer, Change, PhotoPrint
from aftersales.deadline import Deadline
from aftersales.errors import AftersalesError, ClaimTaken, IdempotencyMismatch, StaleVersion
from aftersales.order import Order
from plugins.dynamodb_store.record import Item, item, part, stamp

NEW = "attribute_not_exists(PK)"

#: Sorts after every instant: what has no deadline is least urgent.
NEVER = "9999"
#: Sorts before every instant: an unpaid order is the oldest.
UNPAID = "-"


@dataclass(frozen=True, slots=True)
class Write:
    """One item with its condition; ``about`` says what its failure means."""

    item: Item
    about: str
    condition: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def put(self, table: str) -> dict[str, Any]:
        """The arguments of a Put."""
        put: dict[str, Any] = {"TableName": table, "Item": self.item}
        if self.condition:
            put |= {"ConditionExpression": self.condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if self.values:
            put["ExpressionAttributeValues"] = self.values
        if "#version" in self.condition:
            put["ExpressionAttributeNames"] = {"#version": "version"}
        return put


@dataclass(frozen=True, slots=True)
class Layout:
    """How values are spread: the shards of the queue and due indexes, and the keyed hash of a phone."""

    queue_shards: int
    due_shards: int
    phone_hash: Any  # (phone: str) -> str

    def writes(self, change: Change) -> Iterator[Write]:
        """Every item that ``change`` writes, the answer's first."""
        if change.case is None and (change.steps or change.evidence):
            raise ValueError("steps and evidence belong to a case")
        if change.answer:
            yield _answer(change.answer, change.case)
        if change.order:
            yield self._order(change.order)
        if change.ledger:
            key = (order_key(change.ledger.merchant, change.ledger.order_id), "MONEY")
            yield _versioned("ledger", key, change.ledger)
        if change.case:
            yield from self._case(change, change.case)
        if change.parcel:
            due = self.due("parcel", change.parcel.case_id, change.parcel.deadline)
            yield _versioned("parcel", (case_key(change.parcel.case_id), "PARCEL"), change.parcel, ("case_id",), **due)
        for refund in change.refunds:
            due = self.due("refund", refund.case_id, refund.deadline)
            key = (case_key(refund.case_id), f"REFUND#{refund.number:02}")
            yield _versioned("refund", key, refund, ("case_id",), **due)
        for claim in change.claims:
            yield Write(item((f"CLAIM#{claim}", "HEAD"), {}), f"claim {claim}", NEW)
        for photo in change.prints:
            yield from _print(photo)
        for notice in change.notices:
            place = (inbox_key(notice.merchant, notice.recipient), f"{stamp(notice.at)}#{part(notice.key)}")
            yield Write(item(place, notice), "notice")

    def _order(self, order: Order) -> Write:
        who = {}
        if order.buyer.phone:
            paid = stamp(order.paid_at) if order.paid_at else UNPAID
            who = {"b": f"PHONE#{part(order.merchant)}#{self.phone_hash(order.buyer.phone)}", "bs": paid}
        return _versioned("order", (order_key(order.merchant, order.order_id), "HEAD"), order, (), **who)

    def _case(self, change: Change, case: Case) -> Iterator[Write]:
        opened = stamp(case.opened_at)
        attributes = {"b": f"BUYER#{part(case.merchant)}#{part(case.buyer_id)}", "bs": opened}
        attributes |= self.due("case", case.case_id, case.deadline)
        if not case.terminal:
            due_at = case.deadline.due_at if case.deadline else None
            attributes["q"] = queue_key(case.merchant, case.state, shard(case.case_id, self.queue_shards))
            attributes["qs"] = f"{stamp(due_at) if due_at else NEVER}#{opened}"
        key = case_key(case.case_id)
        yield _versioned("case", (key, "HEAD"), case, ("case_id",), **attributes)
        if case.version == 0:
            yield Write(item((order_key(case.merchant, case.order_id), f"CASE#{case.case_id}"), {}), "pointer")
        if change.steps:
            steps = item((key, f"EVENT#{change.steps[0].seq:06}"), change.steps, leave_out=("case_id",))
            yield Write(steps, "step", NEW)
        for evidence in change.evidence:
            yield Write(item((key, f"EVIDENCE#{evidence.evidence_id}"), evidence), "evidence")

    def due(self, kind: str, case_id: str, deadline: Deadline | None) -> dict[str, str]:
        """The due index's attributes; none while nothing waits."""
        if deadline is None or deadline.due_at is None:
            return {}
        return {"d": f"{kind}#{shard(case_id, self.due_shards)}", "ds": stamp(deadline.due_at)}


def order_key(merchant: str, order_id: str) -> str:
    """The partition of an order."""
    return f"ORDER#{part(merchant)}#{part(order_id)}"


def case_key(case_id: str) -> str:
    """The partition of a case."""
    return f"CASE#{part(case_id)}"


def answer_key(caller: str, key: str) -> str:
    """The partition of an idempotent answer."""
    return f"IDEM#{part(caller)}#{part(key)}"


def inbox_key(merchant: str, recipient: str) -> str:
    """The partition of a person's notices."""
    return f"INBOX#{part(merchant)}#{part(recipient)}"


def queue_key(merchant: str, state: str, number: int) -> str:
    """One shard of a merchant's queue."""
    return f"{part(merchant)}#{state}#{number}"


def shard(case_id: str, shards: int) -> int:
    """Which of ``shards`` a case belongs to, always the same."""
    return crc32(case_id.encode()) % shards


def refusal(failed: Iterable[tuple[Write, Item]]) -> AftersalesError:
    """What to raise for the writes whose condition failed, each with the item that is stored.

    A used Idempotency-Key is told first: its request is done already, so nothing else about it matters.
    """
    order = {"answer": 0, "claim": 2}
    write, stored = min(failed, key=lambda f: order.get(f[0].about.split()[0], 1))
    if write.about == "answer":
        return IdempotencyMismatch("This Idempotency-Key was used before.")
    if write.about.startswith("claim "):
        return ClaimTaken(f"{write.about[6:]} is taken already.", claim=write.about[6:])
    known = {"version": int(stored["version"]["N"])} if "version" in stored else {} if stored else {"version": 0}
    return StaleVersion(f"The {write.about} was changed meanwhile.", todo="Read it again.", **known)


def _versioned(about: str, key: tuple[str, str], value: Any, leave_out: tuple[str, ...] = (), **attributes: str) -> Write:
    put = item(key, value, leave_out=("version", *leave_out), version=value.version + 1, **attributes)
    if value.version == 0:
        return Write(put, about, NEW)
    return Write(put, about, "#version = :version", {":version": {"N": str(value.version)}})


def _answer(answer: Answer, case: Case | None) -> Write:
    put = item((answer_key(answer.caller, answer.key), "HEAD"), answer, expires=ceil(answer.expires_at.timestamp()))
    if case is None:
        return Write(put, "answer", NEW)
    # AWS deletes expired items late, an embedded engine when it is told to: what has expired must not stand in the way.
    return Write(put, "answer", f"{NEW} OR expires <= :now", {":now": {"N": str(_seconds(case.updated_at))}})


def _seconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp())


def _print(photo: PhotoPrint) -> Iterator[Write]:
    for quarter in range(4):
        key = (print_key(photo.value, quarter), f"{part(photo.case_id)}#{part(photo.evidence_id)}")
        yield Write(item(key, photo), "print")


def print_key(value: str, quarter: int) -> str:
    """The partition of all prints that share this quarter of their bits."""
    return f"PHOTO#{quarter}#{value[quarter * 4 : quarter * 4 + 4]}"
