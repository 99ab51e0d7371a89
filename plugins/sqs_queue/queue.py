"""SqsQueue: standard queues that infrastructure has made; the visibility time and what happens to poison are theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.ports import Job

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

#: The most messages one request gives (SQS's limit, checked 2026-11).
MOST_MESSAGES = 10


class SqsQueue:
    """Queues named ``{prefix}{name}``. The client is made on first use unless given. Safe for threads."""

    def __init__(self, prefix: str = "", region: str = "", endpoint: str = "", client: SQSClient | None = None) -> None:
        self._prefix = prefix
        self._region = region
        self._endpoint = endpoint
        self._made = client
        self._lock = Lock()
        self._urls: dict[str, str] = {}

    @property
    def client(self) -> SQSClient:
        """The client, for set-up."""
        with self._lock:
            if self._made is None:
                self._made = _connect(self._region, self._endpoint)
        return self._made

    def send(self, queue: str, body: Mapping[str, str]) -> None:
        """Hand in a job; SQS has it on several machines when this returns."""
        text = json.dumps(dict(body), ensure_ascii=False, separators=(",", ":"))
        self.client.send_message(QueueUrl=self._url(queue), MessageBody=text)

    def receive(self, queue: str, limit: int = 10) -> tuple[Job, ...]:
        """At most ten jobs a call, whatever the limit; they are hidden for the queue's visibility time."""
        answer = self.client.receive_message(QueueUrl=self._url(queue), MaxNumberOfMessages=min(limit, MOST_MESSAGES))
        return tuple(Job(json.loads(m["Body"]), m["ReceiptHandle"]) for m in answer.get("Messages", []))

    def done(self, queue: str, job: Job) -> None:
        """The job is finished. A receipt whose visibility time is over may come too late: jobs are done at least once."""
        self.client.delete_message(QueueUrl=self._url(queue), ReceiptHandle=job.receipt)

    def _url(self, queue: str) -> str:
        if queue not in self._urls:
            self._urls[queue] = self.client.get_queue_url(QueueName=self._prefix + queue)["QueueUrl"]
        return self._urls[queue]


def _connect(region: str, endpoint: str) -> SQSClient:
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 4}
    config = Config(retries=retries, connect_timeout=2, read_timeout=10)
    return boto3.client("sqs", region_name=region or None, endpoint_url=endpoint or None, config=config)
