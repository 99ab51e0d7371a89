"""Queries: pages over the indexes and partitions, with cursors that only we can make."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aftersales.case import Case
from aftersales.change import Answer, Notice, PhotoPrint, Step
from aftersales.errors import Invalid
from aftersales.ports import AnswerTo, Due, DueBy, NoticesOf, OfBuyer, OfMerchant, OrdersOfPhone, Page, PrintsLike, Query, StepsOf
from plugins.dynamodb_store.record import Item, part, parts, stamp, value, values
from plugins.dynamodb_store.schema import INDEXES
from plugins.dynamodb_store.write import Layout, answer_key, case_key, inbox_key, print_key, queue_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

#: Where a page goes on: plain JSON. What it looks like is each query's own business.
Position = Any
Row = tuple[Position, Any]

#: The most keys one BatchGetItem takes (DynamoDB's limit, checked 2026-11).
MOST_KEYS = 100

#: DynamoDB may answer a batch in part, which botocore does not retry: waits before each further try for the rest.
PAUSES_S = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True, slots=True)
class Finder:
    """One table's queries. ``key`` signs the cursors."""

    client: DynamoDBClient
    table: str
    layout: Layout
    key: bytes

    def page(self, query: Query[T], cursor: str | None, limit: int) -> Page[T]:
        """A page of what ``query`` describes. Raises Invalid for a cursor that is not ours, or of another query."""
        if isinstance(query, AnswerTo):
            return cast("Page[T]", Page(self._answer(query)))
        start = self._opened(query, cursor) if cursor is not None else None
        rows = list(islice(self._rows(query, start, limit + 1), limit + 1))  # one more tells whether another page follows
        found = tuple(row for _, row in rows[:limit])
        if isinstance(query, (OfMerchant, OfBuyer)):
            found = tuple(c for c in self._cases(found) if not isinstance(query, OfMerchant) or c.state == query.state)
        return Page(found, self._sealed(query, rows[limit - 1][0]) if len(rows) > limit else None)

    def _rows(self, query: Query[Any], start: Position, size: int) -> Iterator[Row]:
        match query:
            case StepsOf():
                return self._steps(query, start, size)
            case OfMerchant():
                return self._queue(query, start or {}, size)
            case OfBuyer():
                who = f"BUYER#{part(query.merchant)}#{part(query.buyer_id)}"
                return self._index("who", who, start, size, newest_first=True)
            case OrdersOfPhone():
                who = f"PHONE#{part(query.merchant)}#{self.layout.phone_hash(query.phone)}"
                return ((at, parts(pk)[2]) for at, pk in self._index("who", who, start, size, newest_first=True))
            case DueBy():
                return self._due(query, start, size)
            case NoticesOf():
                return self._notices(query, start, size)
            case PrintsLike():
                return self._prints(query, start or [0, None], size)
        raise ValueError(f"no such query: {query!r}")

    # --- each query ---------------------------------------------------------------------------------------------------
    def _answer(self, query: AnswerTo) -> tuple[Answer, ...]:
        key = {"PK": {"S": answer_key(query.caller, query.key)}, "SK": {"S": "HEAD"}}
        stored = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        kept = value(Answer, stored) if stored else None
        return (kept,) if kept and kept.expires_at > query.now else ()

    def _steps(self, query: StepsOf, start: Position, size: int) -> Iterator[Row]:
        """Steps lie in one item per commit: a position names the item and how many of its steps were given."""
        first, given = start or ["EVENT#", 0]
        asked: dict[str, Any] = {"condition": "PK = :pk AND SK BETWEEN :first AND :last", "ConsistentRead": True}
        keys = {":pk": case_key(query.case_id), ":first": first, ":last": "EVENT~"}
        for item in self._items(size, keys, **asked):
            name = item["SK"]["S"]
            for number, step in enumerate(values(Step, item, case_id=query.case_id), 1):
                if name != first or number > given:
                    yield [name, number], step

    def _queue(self, query: OfMerchant, start: dict[str, Position], size: int) -> Iterator[Row]:
        """All shards merged by urgency; the position holds how far each shard was given."""
        at = dict(start)

        def shard(number: int) -> Iterator[tuple[str, str, Row]]:
            key = queue_key(query.merchant, query.state, number)
            for position, pk in self._index("queue", key, start.get(str(number)), size):
                yield position[3], str(number), (position, pk)

        for _, number, (position, pk) in merge(*(shard(n) for n in range(self.layout.queue_shards)), key=lambda row: row[0]):
            at[number] = position
            yield dict(at), pk

    def _due(self, query: DueBy, start: Position, size: int) -> Iterator[Row]:
        keys = {":k": f"{query.kind}#{query.shard}", ":now": stamp(query.now)}
        asked: dict[str, Any] = {
            "condition": "d = :k AND ds <= :now",
            "IndexName": "due",
            "ExclusiveStartKey": _start("due", start),
        }
        for item in self._items(size, keys, **asked):
            name = parts(item["SK"]["S"])
            number = int(name[1]) if name[0] == "REFUND" else 0
            yield _at("due", item), Due(query.kind, parts(item["PK"]["S"])[1], datetime.fromisoformat(item["ds"]["S"]), number)

    def _prints(self, query: PrintsLike, start: Position, size: int) -> Iterator[Row]:
        """The four partitions in turn; a print that shares several quarters is given at the first of them."""
        first, beyond = start
        for quarter in range(first, 4):
            after = beyond if quarter == first and beyond else " "  # a space sorts before every case id
            keys = {":pk": print_key(query.value, quarter), ":sk": after}
            for item in self._items(size, keys, condition="PK = :pk AND SK > :sk", ConsistentRead=True):
                found = value(PhotoPrint, item)
                if all(print_key(found.value, q) != print_key(query.value, q) for q in range(quarter)):
                    yield [quarter, item["SK"]["S"]], found

    def _notices(self, query: NoticesOf, start: Position, size: int) -> Iterator[Row]:
        keys = {":pk": inbox_key(query.merchant, query.recipient), ":sk": start or "~"}  # every instant sorts before "~"
        for item in self._items(size, keys, condition="PK = :pk AND SK < :sk", ScanIndexForward=False):
            yield item["SK"]["S"], value(Notice, item)

    def _cases(self, partitions: Sequence[str]) -> Iterator[Case]:
        """The heads of these cases, current, in this order; what is gone is left out.

        A lagging index may name a case at its old place and its new one: it is given once.
        """
        named = list(dict.fromkeys(partitions))
        heads: dict[str, Case] = {}
        for i in range(0, len(named), MOST_KEYS):
            asked: Any = {self.table: {"Keys": [{"PK": {"S": pk}, "SK": {"S": "HEAD"}} for pk in named[i : i + MOST_KEYS]]}}
            for pause in PAUSES_S:
                time.sleep(pause)
                answer = self.client.batch_get_item(RequestItems=asked)
                for item in answer["Responses"].get(self.table, []):
                    heads[item["PK"]["S"]] = value(Case, item, case_id=parts(item["PK"]["S"])[1])
                asked = answer.get("UnprocessedKeys")
                if not asked:
                    break
            else:
                raise TimeoutError("DynamoDB keeps answering in part: the table is overloaded")
        return (heads[pk] for pk in named if pk in heads)

    # --- requests -----------------------------------------------------------------------------------------------------
    def _index(self, index: str, key: str, start: Position, size: int, *, newest_first: bool = False) -> Iterator[Row]:
        """The partition keys of an index's items, in order, each with its position."""
        asked: dict[str, Any] = {
            "condition": f"{INDEXES[index][0]} = :k",
            "IndexName": index,
            "ScanIndexForward": not newest_first,
            "ExclusiveStartKey": _start(index, start),
        }
        for item in self._items(size, {":k": key}, **asked):
            yield _at(index, item), item["PK"]["S"]

    def _items(self, size: int, keys: dict[str, str], condition: str, **more: Any) -> Iterator[Item]:
        asked: Any = {
            "TableName": self.table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: {"S": text} for name, text in keys.items()},
            "Limit": size,
            **{name: given for name, given in more.items() if given is not None},
        }
        while True:
            answer = self.client.query(**asked)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # --- cursors ------------------------------------------------------------------------------------------------------
    def _seal(self, query: Query[Any], text: bytes) -> bytes:
        """Twelve bytes that bind a position to its query; ``now`` may move from page to page."""
        name = json.dumps([type(query).__name__, *(str(getattr(query, f.name)) for f in fields(query) if f.name != "now")])
        return hmac.new(self.key, b"cursor\0" + name.encode() + b"\0" + text, hashlib.sha256).digest()[:12]

    def _sealed(self, query: Query[Any], position: Position) -> str:
        text = json.dumps(position, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._seal(query, text) + text).decode()

    def _opened(self, query: Query[Any], cursor: str) -> Position:
        try:
            raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        if not hmac.compare_digest(raw[:12], self._seal(query, raw[12:])):
            raise Invalid("This cursor is not one of ours.", todo="Start again without a cursor.", found=cursor)
        return json.loads(raw[12:])


def _at(index: str, item: Item) -> Position:
    """Where an index's item lies: its four keys."""
    return [item[name]["S"] for name in ("PK", "SK", *INDEXES[index])]


def _start(index: str, position: Position) -> Item | None:
    return {name: {"S": text} for name, text in zip(("PK", "SK", *INDEXES[index]), position, strict=True)} if position else None
