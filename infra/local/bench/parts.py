"""What stands around our code in the bench: a stopwatch, a channel with one, and the stream as Lambda hands it on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from aftersales.channel import Limits, RefundNotice, RefundOrder, RefundReceipt
from aftersales.ports import RefundChannel
from infra.local.engine import streams_client
from infra.local.follower import lambda_record


class Closeable(RefundChannel, Protocol):
    """A refund channel with connections to end."""

    def close(self) -> None:
        """End them."""


@dataclass(slots=True)
class Stopwatch:
    """CPU of this thread inside ``with`` blocks, in seconds."""

    cpu_s: float = 0.0
    _begun: float = 0.0

    def __enter__(self) -> None:
        self._begun = time.thread_time()

    def __exit__(self, *_: object) -> None:
        self.cpu_s += time.thread_time() - self._begun


@dataclass(slots=True)
class Timed:
    """A channel whose CPU is counted apart."""

    channel: Closeable
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def limits(self) -> Limits:
        """As the channel has them."""
        return self.channel.limits

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """As the channel does it."""
        with self.watch:
            return self.channel.refund(order)

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """As the channel does it."""
        with self.watch:
            return self.channel.find(order)

    def notice(self, headers: Any, body: bytes, now: datetime) -> RefundNotice:
        """As the channel does it."""
        with self.watch:
            return self.channel.notice(headers, body, now)


class Follower:
    """The table's stream, read batch by batch as Lambda would hand it on."""

    def __init__(self, endpoint: str, table: str, watch: Stopwatch) -> None:
        self.watch = watch
        self.client = streams_client(endpoint)
        self._arn = self.client.list_streams(TableName=table)["Streams"][-1]["StreamArn"]
        shard = self.client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"][0]["ShardId"]
        first = self.client.get_shard_iterator(StreamArn=self._arn, ShardId=shard, ShardIteratorType="LATEST")
        self._next = first["ShardIterator"]

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """What was written since the last look, batch by batch until there is no more."""
        while True:
            with self.watch:
                answer = self.client.get_records(ShardIterator=self._next, Limit=100)
                self._next = answer["NextShardIterator"]
                records = [lambda_record(record) for record in answer["Records"]]
            if not records:
                return
            yield records
