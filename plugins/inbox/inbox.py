"""DynamoInbox: ``INBOX#{merchant}#{recipient}`` / ``{at}#{key}``, the notice as JSON in ``j``.

The sort key comes from the notice alone, so telling it again overwrites it with itself: no condition, no transaction, and
twenty-five notices go in one request at one write unit each.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from aftersales.errors import Invalid
from aftersales.ports import Notice, Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: The most items one BatchWriteItem takes (DynamoDB's limit, checked 2026-11).
MOST_ITEMS = 25

#: DynamoDB may take a batch in part, which botocore does not retry: waits before each further try with the rest.
PAUSES_S = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)

SORT_KEY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#.*", re.DOTALL)


class DynamoInbox:
    """The notices of everybody, in one table. The client is made on first use unless given. Safe for threads."""

    def __init__(self, table: str, endpoint: str = "", region: str = "", client: DynamoDBClient | None = None) -> None:
        self.table = table
        self._endpoint = endpoint
        self._region = region
        self._made = client
        self._lock = Lock()

    @property
    def client(self) -> DynamoDBClient:
        """The client, for set-up and for a meter."""
        with self._lock:
            if self._made is None:
                self._made = _connect(self._endpoint, self._region)
        return self._made

    def tell(self, notices: Sequence[Notice]) -> None:
        """Keep the notices, twenty-five a request; the same key with the same ``at`` told again changes nothing."""
        items = {(i["PK"]["S"], i["SK"]["S"]): i for i in map(_item, notices)}  # a batch must not name a key twice
        puts = [{"PutRequest": {"Item": item}} for item in items.values()]
        for start in range(0, len(puts), MOST_ITEMS):
            asked: Any = {self.table: puts[start : start + MOST_ITEMS]}
            for pause in PAUSES_S:
                time.sleep(pause)
                asked = self.client.batch_write_item(RequestItems=asked).get("UnprocessedItems")
                if not asked:
                    break
            else:
                raise TimeoutError("DynamoDB keeps taking a part: the table is overloaded")

    def told(self, merchant: str, recipient: str, cursor: str | None = None, limit: int = 50) -> Page[Notice]:
        """A person's notices, newest first. Raises Invalid for a cursor that is not ours."""
        condition, values = "PK = :pk", {":pk": {"S": _partition(merchant, recipient)}}
        if cursor is not None:
            condition, values = f"{condition} AND SK < :sk", {**values, ":sk": {"S": _opened(cursor)}}
        answer = self.client.query(
            TableName=self.table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit + 1,  # one more tells whether another page follows
        )
        items = answer["Items"][:limit]
        found = tuple(msgspec.json.decode(item["j"]["S"], type=Notice) for item in items)
        more = len(answer["Items"]) > limit or "LastEvaluatedKey" in answer
        return Page(found, base64.urlsafe_b64encode(items[-1]["SK"]["S"].encode()).decode() if items and more else None)


def _item(notice: Notice) -> dict[str, Any]:
    at = notice.at.astimezone(UTC)
    return {
        "PK": {"S": _partition(notice.merchant, notice.recipient)},
        "SK": {"S": f"{_stamp(at)}#{notice.key}"},
        "j": {"S": msgspec.json.encode(notice).decode()},
    }


def _partition(merchant: str, recipient: str) -> str:
    escaped = (text.replace("%", "%25").replace("#", "%23") for text in (merchant, recipient))
    return "#".join(["INBOX", *escaped])


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _opened(cursor: str) -> str:
    """The sort key a cursor names. It needs no signature: whatever it says, only this person's notices are read."""
    try:
        key = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        key = ""
    if not SORT_KEY.fullmatch(key):
        raise Invalid("This cursor is not one of ours.", todo="Start again without a cursor.", found=cursor)
    return key


def _connect(endpoint: str, region: str) -> DynamoDBClient:
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=6)
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
