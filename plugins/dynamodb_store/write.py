"""Conditional writes, and what their failure means.

::

    HEAD, MONEY, PARCEL, REFUND   version = the one that was read (or: not there yet)   ─ else StaleVersion
    TICKET, REPORTS               the same                                              ─ else StaleVersion
    EVENT                         not there yet                                         ─ else StaleVersion
    CLAIM                         not there yet, or freed                               ─ else ClaimTaken
    IDEM                          not there yet, or expired                             ─ else IdempotencyMismatch
    SPENT                         what was spent leaves room under the cap              ─ else AllowanceSpent
    COUNTED                       version = the one that was read; COUNTS goes with it  ─ else StaleVersion
    EVIDENCE, PHOTO, pointer, CLAIM that is freed   written whatever is there

Every item carries the write's mark ``w``. When a condition fails on an item with our own mark, the transaction had been applied and
only its answer was lost: that is success. EVENT, IDEM and CLAIM items never change again, so a change with one of them is
recognised for ever; a change of a record alone only until the next one. A counter cannot tell whether it counted this very spend;
the refund or the ledger that always goes with it can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from aftersales.count import Shift
from aftersales.errors import AftersalesError, AllowanceSpent, ClaimTaken, IdempotencyMismatch, StaleVersion
from aftersales.ticket import Spend
from plugins.dynamodb_store.key import allowance_key, counts_key, shard
from plugins.dynamodb_store.record import Item, item

NEW = "attribute_not_exists(PK)"

#: A name that nobody has, or nobody any more: it is marked and stays, since nothing that serves people may delete.
FREE = f"{NEW} OR attribute_exists(freed)"

#: Which of several failed conditions is told: the first of these; all others are stale versions and lie between.
RANKS = {"answer": 0, "claim": 2, "allowance": 3}


#: Parts of a merchant's counters. What is added to one is taken from the same one: this number never changes.
PARTS = 8

#: A bucket's attribute; it keeps clear of an item's own ones.
PREFIX = "n:"


@dataclass(frozen=True, slots=True)
class Write:
    """One item with its condition; ``about`` says what its failure means."""

    item: Item
    about: str
    condition: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def put(self, table: str, mark: str) -> dict[str, Any]:
        """The arguments of a Put that leaves the write's mark."""
        put: dict[str, Any] = {"TableName": table, "Item": {**self.item, "w": {"S": mark}}}
        if self.condition:
            put |= {"ConditionExpression": self.condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if self.values:
            put["ExpressionAttributeValues"] = self.values
        if "#version" in self.condition:
            put["ExpressionAttributeNames"] = {"#version": "version"}
        return put

    def part(self, table: str, mark: str) -> dict[str, Any]:
        """The same as one of a transaction."""
        return {"Put": self.put(table, mark)}


@dataclass(frozen=True, slots=True)
class Count:
    """What is spent of one allowance, added to its counter.

    With ``known`` (what the counter said) less is given back than was asked: all that was spent.
    """

    spend: Spend
    known: int | None = None
    about: str = "allowance"

    @property
    def gives_back(self) -> bool:
        """Whether the counter falls."""
        return self.spend.minor < 0

    def part(self, table: str, mark: str) -> dict[str, Any]:
        """An Update of the counter, as one of a transaction; the first spend makes it."""
        spend, minor = self.spend, self.spend.minor
        if self.known is not None:
            condition, bound, minor = "spent = :bound", self.known, -self.known
        elif self.gives_back:
            condition, bound = "spent >= :bound", -minor
        else:
            bound = spend.cap_minor - minor
            condition = "attribute_not_exists(PK) OR spent <= :bound" if bound >= 0 else "spent <= :bound"
        return {
            "Update": {
                "TableName": table,
                "Key": {"PK": {"S": allowance_key(*spend.allowance)}, "SK": {"S": "HEAD"}},
                "UpdateExpression": "ADD spent :minor SET w = :mark",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {
                    ":minor": {"N": str(minor)},
                    ":bound": {"N": str(bound)},
                    ":mark": {"S": mark},
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def left(self, stored: Item) -> int:
        """What the allowance still covers."""
        return max(self.spend.cap_minor - spent_of(stored), 0)

    def lessened(self, stored: Item) -> Count | None:
        """Giving back at most what the counter says; None where that is nothing."""
        spent = spent_of(stored)
        return replace(self, known=spent if spent < -self.spend.minor else None) if spent else None


@dataclass(frozen=True, slots=True)
class Tally:
    """What one case adds to its part of the counters; what was counted goes with it in the same transaction, conditionally."""

    shift: Shift
    about: str = "counters"

    def part(self, table: str, mark: str) -> dict[str, Any]:
        """An Update of the counters, as one of a transaction; the first makes them."""
        moves = list(self.shift.moves.items())
        key = counts_key(self.shift.merchant, shard(self.shift.case_id, PARTS))
        return {
            "Update": {
                "TableName": table,
                "Key": {"PK": {"S": key}, "SK": {"S": "HEAD"}},
                "UpdateExpression": "ADD " + ", ".join(f"#b{n} :b{n}" for n in range(len(moves))) + " SET w = :mark",
                "ExpressionAttributeNames": {f"#b{n}": PREFIX + name for n, (name, _) in enumerate(moves)},
                "ExpressionAttributeValues": {
                    ":mark": {"S": mark},
                    **{f":b{n}": {"N": str(by)} for n, (_, by) in enumerate(moves)},
                },
            }
        }


def spent_of(stored: Item) -> int:
    """What a counter says; nothing where there is none."""
    return int(stored["spent"]["N"]) if stored else 0


def refusal(failed: Iterable[tuple[Write | Count | Tally, Item]]) -> AftersalesError:
    """What to raise for the writes whose condition failed, each with the item that is stored.

    A used Idempotency-Key is told first: its request is done already, so nothing else about it matters. A spent allowance is
    told last: who reads again may need less.
    """
    write, stored = min(failed, key=lambda f: RANKS.get(f[0].about.split()[0], 1))
    if isinstance(write, Count):
        of_day = {"day": write.spend.day} if write.spend.day else {}
        return AllowanceSpent("The allowance does not cover this.", left_minor=write.left(stored), **of_day)
    if write.about == "answer":
        return IdempotencyMismatch("This Idempotency-Key was used before.")
    if write.about.startswith("claim "):
        return ClaimTaken(f"{write.about[6:]} is taken already.", claim=write.about[6:])
    known = {"version": int(stored["version"]["N"])} if "version" in stored else {} if stored else {"version": 0}
    return StaleVersion(f"The {write.about} was changed meanwhile.", todo="Read it again.", **known)


def versioned(about: str, key: tuple[str, str], value: Any, leave_out: tuple[str, ...] = (), **attributes: str) -> Write:
    """The write of a record that has a version: one more than it was read at, and only if that is still the stored one."""
    put = item(key, value, leave_out=("version", *leave_out), version=value.version + 1, **attributes)
    if value.version == 0:
        return Write(put, about, NEW)
    return Write(put, about, "#version = :version", {":version": {"N": str(value.version)}})
