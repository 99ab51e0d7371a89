import json
from typing import Any

import pytest

from aftersales.errors import BadSettings
from aftersales.ports import Inbox
from aftersales.testing.inbox import FakeInbox, InboxContract, a_notice
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.store import DynamoStore
from plugins.inbox import build
from plugins.inbox.inbox import DynamoInbox


class TestFake(InboxContract):
    """The fake that use cases are tested with."""

    @pytest.fixture
    def inbox(self) -> Inbox:
        """Notices in memory."""
        return FakeInbox()


class TestEngine(InboxContract):
    """Notices in the store's table, as `make run` has them."""

    @pytest.fixture
    def inbox(self, engine_store: DynamoStore, endpoint: str) -> DynamoInbox:
        """An empty table on the embedded engine."""
        return build({"table": engine_store.table, "endpoint": endpoint})

    def test_twenty_five_notices_are_one_request(self, inbox: DynamoInbox) -> None:
        """A batch of the stream's size costs two requests, one unit a notice."""
        meter = Meter(inbox.client)
        inbox.tell([a_notice(key=f"k{n}") for n in range(26)])
        assert (meter.requests, meter.write_units) == ({"BatchWriteItem": 2}, 26)

    def test_a_batch_taken_in_part_is_sent_again(self, inbox: DynamoInbox) -> None:
        """No notice is lost when DynamoDB takes only a part of a batch."""
        held: list[Any] = []

        def hold_back(params: dict[str, Any], **_: object) -> None:
            if not held:
                body = json.loads(params["body"])
                held.append(body["RequestItems"][inbox.table].pop())
                params["body"] = json.dumps(body).encode()
                params["headers"].pop("Content-Length", None)

        def tell(parsed: dict[str, Any], **_: object) -> None:
            if len(held) == 1:
                parsed["UnprocessedItems"] = {inbox.table: held[:1]}
                held.append(None)

        inbox.client.meta.events.register("before-call.dynamodb.BatchWriteItem", hold_back)
        inbox.client.meta.events.register("after-call.dynamodb.BatchWriteItem", tell)
        inbox.tell([a_notice(key=f"k{n}") for n in range(3)])
        assert len(inbox.told("m1", "buyer:b1").found) == 3


class TestMoto(InboxContract):
    """A second engine."""

    @pytest.fixture
    def inbox(self, moto_store: DynamoStore) -> Inbox:
        """An empty table on moto."""
        return build({"table": moto_store.table, "region": "us-east-1"})


def test_a_table_is_needed() -> None:
    """Without a table nothing is built."""
    with pytest.raises(BadSettings):
        build({})
