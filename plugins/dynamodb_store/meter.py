"""Meter: how many requests a DynamoDB client makes, and the units they cost.

Units are those the server reports (it is asked to, indexes included). Where it reports none, they are computed from sizes, without
indexes: 1 KB per write unit, twice that in a transaction, where an update counts as a small item; 4 KB per read unit, half for
eventually consistent reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})

#: A refused conditional write costs like one that was applied.
COSTLY_REFUSALS = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})


class Meter:
    """Counts what ``client`` does from now on. ``requests`` by operation; retries inside the client count once."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.requests: Counter[str] = Counter()
        self.read_units = 0.0
        self.write_units = 0.0
        self._asked: dict[int, Mapping[str, Any]] = {}
        client.meta.events.register("provide-client-params.dynamodb.*", self._ask)
        client.meta.events.register("after-call.dynamodb.*", self._count)

    def reset(self) -> None:
        """Count from nothing again."""
        self.requests.clear()
        self.read_units = self.write_units = 0.0

    def _ask(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        """Ask for the cost before a request is built, and remember the request for the case that no cost is told."""
        if model.input_shape and "ReturnConsumedCapacity" in model.input_shape.members:
            params.setdefault("ReturnConsumedCapacity", "INDEXES")
        context["meter"] = params

    def _count(self, parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: object) -> None:
        self.requests[model.name] += 1
        refused = parsed.get("Error", {}).get("Code")
        if refused and refused not in COSTLY_REFUSALS:
            return
        told = parsed.get("ConsumedCapacity")
        units = _told(told) if told else _computed(model.name, context.get("meter", {}), parsed)
        if model.name in WRITES:
            self.write_units += units
        else:
            self.read_units += units


def _told(told: Any) -> float:
    return sum(float(each["CapacityUnits"]) for each in (told if isinstance(told, list) else [told]))


def _computed(operation: str, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> float:
    match operation:
        case "PutItem":
            return ceil(size(asked["Item"]) / 1024)
        case "TransactWriteItems":
            return sum(2 * ceil(size(w["Put"]["Item"]) / 1024) if "Put" in w else 2 for w in asked["TransactItems"])
        case "BatchWriteItem":
            requests = (r for table in asked["RequestItems"].values() for r in table)
            return sum(ceil(size(r["PutRequest"]["Item"]) / 1024) for r in requests if "PutRequest" in r)
        case "Query":
            return _read(answered.get("Items", ()), asked.get("ConsistentRead", False))
        case "GetItem":
            return _read([answered["Item"]] if "Item" in answered else [], asked.get("ConsistentRead", False))
        case "BatchGetItem":
            return sum(_read([item], False) for items in answered.get("Responses", {}).values() for item in items)
    return 0


def _read(items: Iterable[Mapping[str, Any]], consistent: bool) -> float:
    """Read units of items read together; reading nothing costs as much as reading little."""
    return max(1, ceil(sum(map(size, items)) / 4096)) * (1 if consistent else 0.5)


def size(item: Mapping[str, Any]) -> int:
    """Bytes of an item of strings, numbers and binaries, names included; a number counts as its digits."""
    return sum(
        len(name) + len(v if isinstance(v, bytes) else str(v).encode()) for name, typed in item.items() for v in typed.values()
    )
