"""The table of balances in memory: the two requests of DynamoDB that the mall balance makes, with their conditions."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError

Item = dict[str, Any]

_WORD = re.compile(r"\s*(attribute_not_exists|AND|OR|<=|=|\(|\)|,|[:#]?\w+)")


class Cancelled(ClientError):
    """A transaction whose conditions do not hold."""


class _Exceptions:
    TransactionCanceledException = Cancelled


class Accounts:
    """A client of one table. ``goes_wrong`` says before a write what happens to it: "" nothing, ``lost`` or ``lost_executed``."""

    exceptions = _Exceptions

    def __init__(self, goes_wrong: Callable[[], str], done: Callable[[], None]) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self._goes_wrong, self._done = goes_wrong, done

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:  # noqa: N803 (the library's)
        """The item of that key."""
        assert TableName
        assert ConsistentRead
        found = self.items.get(_name(Key))
        return {"Item": copy.deepcopy(found)} if found is not None else {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (the library's)
        """All of it or nothing. Raises Cancelled with a reason per item."""
        wrong = self._goes_wrong()
        if wrong == "lost":
            raise ConnectionClosedError(endpoint_url="accounts")
        does = [next(iter(one.items())) for one in TransactItems]
        holds = [self._holds(kind, said) for kind, said in does]
        if not all(holds):
            reasons = [{"Code": "None" if held else "ConditionalCheckFailed"} for held in holds]
            said: Any = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
            raise Cancelled(said, "TransactWriteItems")
        for kind, said in does:
            self._write(kind, said)
        self._done()
        if wrong == "lost_executed":
            raise ConnectionClosedError(endpoint_url="accounts")
        return {}

    def _holds(self, kind: str, said: Mapping[str, Any]) -> bool:
        condition = said.get("ConditionExpression")
        item = self.items.get(_name(said["Item" if kind == "Put" else "Key"]), {})
        return condition is None or _Condition(condition, item, said).holds()

    def _write(self, kind: str, said: Mapping[str, Any]) -> None:
        if kind == "Put":
            self.items[_name(said["Item"])] = copy.deepcopy(said["Item"])
            return
        assert kind == "Update"
        item = self.items.setdefault(_name(said["Key"]), copy.deepcopy(said["Key"]))
        sets, _, adds = said["UpdateExpression"].partition("ADD ")
        for part in sets.removeprefix("SET ").strip().split(",") if sets.strip() else ():
            name, value = part.split("=")
            item[_real(name.strip(), said)] = said["ExpressionAttributeValues"][value.strip()]
        for part in adds.split(",") if adds else ():
            name, value = part.split()
            known = int(item.get(_real(name, said), {"N": "0"})["N"])
            item[_real(name, said)] = {"N": str(known + int(said["ExpressionAttributeValues"][value]["N"]))}


class _Condition:
    """A condition read from left to right: OR of ANDs of comparisons, in brackets or not."""

    def __init__(self, text: str, item: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        self._words, self._item, self._said = _WORD.findall(text), item, said
        assert "".join(self._words) == re.sub(r"\s", "", text), text

    def holds(self) -> bool:
        found = self._any()
        assert not self._words
        return found

    def _any(self) -> bool:
        found = self._all()
        while self._words[:1] == ["OR"]:
            del self._words[0]
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._words[:1] == ["AND"]:
            del self._words[0]
            found = self._one() and found
        return found

    def _one(self) -> bool:
        word = self._words.pop(0)
        if word == "(":
            found = self._any()
            assert self._words.pop(0) == ")"
            return found
        if word == "attribute_not_exists":
            _, name, _ = (self._words.pop(0) for _ in range(3))
            return _real(name, self._said) not in self._item
        compare, value = self._words.pop(0), self._said["ExpressionAttributeValues"][self._words.pop(0)]
        known = self._item.get(_real(word, self._said))
        if known is None:
            return False
        return bool(known == value) if compare == "=" else int(known["N"]) <= int(value["N"])


def _name(key: Mapping[str, Any]) -> tuple[str, str]:
    return key["PK"]["S"], key["SK"]["S"]


def _real(name: str, said: Mapping[str, Any]) -> str:
    return str(said["ExpressionAttributeNames"][name]) if name.startswith("#") else name
