"""Follower: hands the table's stream to the app, as Lambda's event source mapping does in the cloud.

At least once and in order: the checkpoint is written after the handler has succeeded. A batch whose handler raises is halved until
the failing record stands alone; that one is tried a few times and then put aside in the log, so that the records behind it go on.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Any

from infra.local.engine import streams_client
from infra.local.gateway import context
from infra.local.home import Home, read, write

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

log = logging.getLogger("stream")

BATCH = 100
#: Without a wake-up (the worker writes too) the stream is asked this often; an answer takes half a millisecond.
EVERY_S = 0.05
AFTER_FAILURE_S = 0.5
#: As in the cloud (infra/template.py): a record that fails this often, alone, is put aside.
MOST_TRIES = 10

Handler = Callable[[dict[str, Any], Any], Any]


class Follower:
    """One table's stream. :meth:`run` in a thread of its own; :meth:`wake` says that something was probably written."""

    def __init__(self, home: Home, handler: Handler) -> None:
        self._home, self._handler = home, handler
        self._woken, self._stopped = Event(), Event()
        self._done: dict[str, str] = {}  # shard → the last sequence number that was followed, "" for none
        self._arn = ""
        self._tries: dict[str, int] = {}

    def wake(self) -> None:
        """Look at the stream now."""
        self._woken.set()

    def stop(self) -> None:
        """End after the batch under way."""
        self._stopped.set()
        self._woken.set()

    def run(self) -> None:
        """Follow until :meth:`stop`. Whatever fails is logged and tried again."""
        while not self._stopped.is_set():
            try:
                busy = self.step()
            except Exception:
                log.exception("the stream could not be followed; trying again")
                self._stopped.wait(AFTER_FAILURE_S)
                continue
            if not busy:
                self._woken.wait(EVERY_S)
                self._woken.clear()

    def step(self) -> bool:
        """Follow one batch of every shard; whether there was any."""
        if not self._arn:
            self._begin()
        busy = [self._batch(shard) for shard in list(self._done)]
        return any(busy)

    @cached_property
    def _client(self) -> DynamoDBStreamsClient:
        return streams_client(self._home.engine_url)

    def _begin(self) -> None:
        """Find the stream and how far it was followed; a new stream (the table was made anew) begins at its beginning."""
        found = self._client.list_streams(TableName=self._home.table)["Streams"]
        arn = found[-1]["StreamArn"]
        kept = read(self._home.stream_file)
        shards = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        done = kept["shards"] if kept.get("stream") == arn else {}
        self._done = {shard["ShardId"]: done.get(shard["ShardId"], "") for shard in shards}
        self._arn = arn

    def _batch(self, shard: str) -> bool:
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self._done[shard]:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._done[shard]}
        start = self._client.get_shard_iterator(StreamArn=self._arn, ShardId=shard, **where)["ShardIterator"]
        records = [lambda_record(r) for r in self._client.get_records(ShardIterator=start, Limit=BATCH)["Records"]]
        if not records:
            return False
        self._hand_over(shard, records)
        return True

    def _hand_over(self, shard: str, records: list[dict[str, Any]]) -> None:
        """Give the records to the app, and remember how far that went."""
        try:
            answer = self._handler({"Records": records}, context("follow_stream"))
        except Exception:
            log.exception("the handler broke on %d records", len(records))
            if len(records) > 1:  # halved, until the one that breaks it stands alone
                self._hand_over(shard, records[: len(records) // 2])
                return
            answer = {"batchItemFailures": [{"itemIdentifier": _number(records[0])}]}
        failed = {f["itemIdentifier"] for f in (answer or {}).get("batchItemFailures", [])}
        good = next((i for i, r in enumerate(records) if _number(r) in failed), len(records))
        if good < len(records) and self._is_hopeless(records[good]):
            good += 1
        if good:
            self._done[shard] = _number(records[good - 1])
            write(self._home.stream_file, {"stream": self._arn, "shards": self._done})
        if good < len(records):
            self._stopped.wait(AFTER_FAILURE_S)

    def _is_hopeless(self, record: Mapping[str, Any]) -> bool:
        """Whether this record has failed often enough to be put aside."""
        number = _number(record)
        self._tries = {number: self._tries.get(number, 0) + 1}
        if self._tries[number] < MOST_TRIES:
            return False
        log.error("record %s failed %d times and is put aside: %s", number, MOST_TRIES, record["dynamodb"].get("Keys"))
        return True


def _number(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def lambda_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of the streams client in the shape Lambda hands it on: plain JSON, bytes as base64, times as epoch seconds."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        if isinstance(value, list | tuple | set):
            return [plain(each) for each in value]
        if isinstance(value, datetime):
            return value.timestamp()
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value

    made: dict[str, Any] = plain(record)
    made["dynamodb"].setdefault("ApproximateCreationDateTime", 0)  # Chalice reads it
    return made
