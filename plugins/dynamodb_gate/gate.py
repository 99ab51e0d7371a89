"""The gate: one item per channel, and one conditional update per call.

::

    GATE#{channel} / HEAD    epoch, turn, good, silent, shut, probes, probing (see aftersales.gate), expires

A call moves ``turn`` by one step, on condition that the epoch is the one this process knows and the turn has come. No value is read
before and written back, so calls do not spoil each other's updates; only a change of the epoch makes the others look again, and a
refused update tells them in its answer what it is now.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.channel import Limits
from aftersales.gate import SECOND, Ended, Line, Passage, alone, entered, instant, left, limited, micros, pace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: How often an update is tried while others change the epoch; then the caller comes again.
TRIES = 8

#: A channel without a rate is watched by reading: what was read is good for this long.
READ_EVERY = 5 * SECOND

#: An item nobody used for this long is forgotten.
KEPT_S = 24 * 3600

_NUMBERS = ("epoch", "turn", "good", "silent", "shut", "probes")
_NAMES = {f"#{name}": name for name in (*_NUMBERS, "probing", "expires")}


@dataclass(frozen=True, slots=True)
class Known:
    """What this process knows of one channel's gate: as it was last told, when it read it, and its last good answer."""

    passage: Passage = field(default_factory=Passage)
    read_at: int = 0
    good: tuple[int, int] = (-1, 0)  # in which epoch, and when
    alone: bool = False


class DynamoGate:
    """A :class:`~aftersales.ports.Gate`. The client is made on first use unless given. Safe for threads."""

    def __init__(self, table: str, endpoint: str = "", region: str = "", client: DynamoDBClient | None = None) -> None:
        self.table = table
        self._endpoint, self._region, self._made = endpoint, region, client
        self._lock = Lock()
        self._known: dict[str, Known] = {}
        self._lines: dict[str, Line] = {}

    @property
    def client(self) -> DynamoDBClient:
        """The client, for set-up and for a meter."""
        with self._lock:
            if self._made is None:
                self._made = _connect(self._endpoint, self._region)
        return self._made

    def enter(self, channel: str, limits: Limits, now: datetime) -> datetime | None:
        """One update at most times: none where this process knows already that the turn has not come. See the port."""
        if not limited(limits):
            return None
        at = micros(now)
        known = self._current(channel, limits, at)
        for _ in range(TRIES):
            here = known.passage
            good = known.good[1] if known.good[0] == here.epoch else 0
            then = entered(here, limits, at, known_good=good)
            if isinstance(then, int):
                return self._later(channel, limits, then, at)
            if then.epoch == here.epoch and not limits.per_second:
                return None
            told = self._write(channel, here, then, _entry(here, then, limits, at), at)
            if isinstance(told, int):
                self._learn(channel, then, at, by_itself=alone(Passage(turn=told), at))
                return None
            known = self._learn(channel, told, at, by_itself=known.alone)
        return self._later(channel, limits, at + SECOND, at)

    def leave(self, channel: str, limits: Limits, now: datetime, ended: Ended) -> None:
        """No update where the gate knows already, or nobody else needs to know. See the port."""
        if not limited(limits):
            return
        at, chance = micros(now), random.random()  # noqa: S311 (spreads processes, nothing secret)
        for _ in range(TRIES):
            known = self._known.get(channel, Known())
            here = known.passage
            then = left(here, limits, at, ended, chance=chance)
            if ended is Ended.GOOD and known.alone and replace(then, epoch=here.epoch, good=here.good) == here:
                self._answered(channel, here.epoch, at)
                return
            if then == here:
                return
            told = self._write(channel, here, then, _change(here, then), at)
            self._learn(channel, then if isinstance(told, int) else told, at, by_itself=False)
            if isinstance(told, int):
                return

    # --- inside -------------------------------------------------------------------------------------------------------
    def _current(self, channel: str, limits: Limits, at: int) -> Known:
        """What is known; read again where it would keep calls away, or is old and nothing else would tell."""
        known = self._known.get(channel, Known())
        is_old = not limits.per_second and not known.read_at <= at < known.read_at + READ_EVERY
        if not is_old and known.passage.shut <= at:
            return known
        key = _key(channel)
        item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})
        return self._learn(channel, _passage(item), at, by_itself=known.alone)

    def _learn(self, channel: str, passage: Passage, at: int, *, by_itself: bool) -> Known:
        with self._lock:
            known = self._known[channel] = replace(self._known.get(channel, Known()), passage=passage, read_at=at, alone=by_itself)
        return known

    def _answered(self, channel: str, epoch: int, at: int) -> None:
        with self._lock:
            self._known[channel] = replace(self._known.get(channel, Known()), good=(epoch, at))

    def _later(self, channel: str, limits: Limits, turn: int, at: int) -> datetime:
        with self._lock:
            line = self._lines.setdefault(channel, Line())
            return instant(line.place(turn, limits, at, random.random()))  # noqa: S311 (spreads processes, nothing secret)

    def _write(self, channel: str, here: Passage, then: Passage, update: dict[str, Any], at: int) -> Passage | int:
        """Update the item; gives whose turn it was before when that was done, else what the item says instead."""
        numbers = {":e": here.epoch, ":x": at // SECOND + KEPT_S, **update.pop("numbers")}
        if then.epoch != here.epoch:
            numbers[":then"] = then.epoch
            update["UpdateExpression"] += ", #epoch = :then"
        else:
            update["UpdateExpression"] += ", #epoch = :e"
        update["UpdateExpression"] += ", #expires = :x"
        used = update["UpdateExpression"] + update["ConditionExpression"]
        try:
            done = self.client.update_item(
                TableName=self.table,
                Key=_key(channel),
                ExpressionAttributeNames={name: each for name, each in _NAMES.items() if name in used},
                ExpressionAttributeValues={name: {"N": str(int(each))} for name, each in numbers.items()},
                ReturnValues="UPDATED_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update,
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            refused: Mapping[str, Any] = error.response
            return _passage(refused.get("Item", {}))
        return _passage(done.get("Attributes", {})).turn


def _entry(here: Passage, then: Passage, limits: Limits, at: int) -> dict[str, Any]:
    """The update of one call: in turn, after a pause, or with a new epoch; only the last depends on exactly what was known."""
    if then.epoch != here.epoch:
        update = _change(here, then)
        update["UpdateExpression"] += ", #turn = :turn"
        update["ConditionExpression"] = f"({update['ConditionExpression']})" + (" AND #turn = :was" if here.turn else "")
        update["numbers"] |= {":turn": then.turn} | ({":was": here.turn} if here.turn else {})
        return update
    step, back = pace(here, limits, at)
    numbers = {":oldest": at - back, ":step": step}
    if here.turn >= at - back:
        return {
            "UpdateExpression": "SET #turn = #turn + :step",
            "ConditionExpression": "#epoch = :e AND #turn BETWEEN :oldest AND :now",
            "numbers": numbers | {":now": at},
        }
    fits = "#epoch = :e AND #turn < :oldest"
    return {
        "UpdateExpression": "SET #turn = :oldest + :step",
        "ConditionExpression": fits if here.epoch or here.turn else f"attribute_not_exists(#epoch) OR ({fits})",
        "numbers": numbers,
    }


def _change(here: Passage, then: Passage) -> dict[str, Any]:
    """The update of everything but the turn, on condition that nobody else changed it."""
    return {
        "UpdateExpression": "SET #good = :g, #silent = :s, #shut = :u, #probes = :q, #probing = :p",
        "ConditionExpression": "#epoch = :e" if here.epoch else "attribute_not_exists(#epoch) OR #epoch = :e",
        "numbers": {":g": then.good, ":s": then.silent, ":u": then.shut, ":q": then.probes, ":p": then.probing},
    }


def _passage(item: Mapping[str, Any]) -> Passage:
    told = {name: int(item[name]["N"]) for name in _NUMBERS if name in item}
    return Passage(**told, probing=item.get("probing") == {"N": "1"})


def _key(channel: str) -> dict[str, Any]:
    name = channel.replace("%", "%25").replace("#", "%23")
    return {"PK": {"S": f"GATE#{name}"}, "SK": {"S": "HEAD"}}


def _connect(endpoint: str, region: str) -> DynamoDBClient:
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=3, max_pool_connections=50
    )
    if not endpoint:
        return boto3.client("dynamodb", region_name=region or None, config=config)
    return boto3.client(
        "dynamodb",
        region_name=region or "us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="local",  # made up: an embedded engine asks for some, and real ones must never go there
        aws_secret_access_key="local",  # see above
        config=config,
    )
