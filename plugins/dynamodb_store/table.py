"""Table: the requests that queries are made of, and the rows they give."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING, Any

from plugins.dynamodb_store.record import Item
from plugins.dynamodb_store.schema import INDEXES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: Where a page goes on: plain JSON. What it looks like is each query's own business.
Position = Any
Row = tuple[Position, Any]

#: Partition and sort key of an item.
Key = tuple[str, str]

#: The most keys one BatchGetItem takes (DynamoDB's limit, checked 2026-11).
MOST_KEYS = 100

#: DynamoDB may answer a batch in part, which botocore does not retry: waits before each further try for the rest.
PAUSES_S = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True, slots=True)
class Table:
    """One table behind a client."""

    client: DynamoDBClient
    name: str

    def item(self, partition: str, sort: str = "HEAD") -> Item | None:
        """One item as it is now, None when there is none."""
        key = {"PK": {"S": partition}, "SK": {"S": sort}}
        return self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True).get("Item")

    def items(self, size: int, keys: dict[str, str], condition: str, **more: Any) -> Iterator[Item]:
        """The items a Query finds, ``size`` of them to a request; None among ``more`` is not asked for."""
        asked: Any = {
            "TableName": self.name,
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

    def index(self, index: str, key: str, start: Position, size: int, *, newest_first: bool = False) -> Iterator[Row]:
        """The keys of the items in one partition of an index, in order, each with its position."""
        asked: dict[str, Any] = {
            "condition": f"{INDEXES[index][0]} = :k",
            "IndexName": index,
            "ScanIndexForward": not newest_first,
            "ExclusiveStartKey": start_of(index, start),
        }
        for item in self.items(size, {":k": key}, **asked):
            yield position_of(index, item), (item["PK"]["S"], item["SK"]["S"])

    def merged(self, index: str, keys: Sequence[str], start: Position, size: int) -> Iterator[Row]:
        """Several partitions of an index as one, in order; the position holds how far each of them was given."""
        return ((at, key) for at, _, key in self.placed(index, keys, start, size))

    def placed(self, index: str, keys: Sequence[str], start: Position, size: int) -> Iterator[tuple[Position, str, Key]]:
        """The same, each with what it is sorted by."""
        at: dict[str, Position] = dict(start or {})
        given = dict(at)

        def one(number: int) -> Iterator[tuple[str, str, Row]]:
            for position, key in self.index(index, keys[number], given.get(str(number)), size):
                yield position[3], str(number), (position, key)

        for place, number, (position, key) in merge(*(one(n) for n in range(len(keys))), key=lambda row: row[0]):
            at[number] = position
            yield dict(at), place, key

    def in_turn(self, index: str, keys: Sequence[str], start: Position, size: int) -> Iterator[Row]:
        """Several partitions of an index one after another: no more is read than given, whatever their number."""
        first, beyond = start or [0, None]
        for number in range(first, len(keys)):
            for position, key in self.index(index, keys[number], beyond if number == first else None, size):
                yield [number, position], key

    def batch(self, keys: Sequence[Key], *, consistent: bool = False) -> Iterator[Item]:
        """The items of these keys, current and each once, in this order; what is gone is left out.

        An index that lags may name an item at its old place and its new one.
        """
        named = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for i in range(0, len(named), MOST_KEYS):
            wanted = [{"PK": {"S": pk}, "SK": {"S": sk}} for pk, sk in named[i : i + MOST_KEYS]]
            asked: Any = {self.name: {"Keys": wanted, "ConsistentRead": consistent}}
            for pause in PAUSES_S:
                time.sleep(pause)
                answer = self.client.batch_get_item(RequestItems=asked)
                for item in answer["Responses"].get(self.name, []):
                    found[item["PK"]["S"], item["SK"]["S"]] = item
                asked = answer.get("UnprocessedKeys")
                if not asked:
                    break
            else:
                raise TimeoutError("DynamoDB keeps answering in part: the table is overloaded")
        return (found[key] for key in named if key in found)


def position_of(index: str, item: Item) -> Position:
    """Where an index's item lies: its four keys."""
    return [item[name]["S"] for name in ("PK", "SK", *INDEXES[index])]


def start_of(index: str, position: Position) -> Item | None:
    """The same as DynamoDB wants to hear it; None from the beginning."""
    return {name: {"S": text} for name, text in zip(("PK", "SK", *INDEXES[index]), position, strict=True)} if position else None
