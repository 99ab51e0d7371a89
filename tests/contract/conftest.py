"""Stores that the contract tests of this folder share."""

from collections.abc import Iterator

import pytest

from infra.local.engine import Engine
from plugins.dynamodb_store import build
from plugins.dynamodb_store.schema import create
from plugins.dynamodb_store.store import DynamoStore


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """One engine in memory; every test has a table of its own."""
    with Engine() as engine:
        yield engine.endpoint


@pytest.fixture
def engine_store(endpoint: str, request: pytest.FixtureRequest) -> DynamoStore:
    """The DynamoDB store on the embedded engine, in an empty table."""
    table = f"aftersales-{abs(hash(request.node.nodeid))}"
    store = build({"table": table, "phone_key": "k", "endpoint": endpoint, "due_shards": 3, "queue_shards": 3})
    create(store.client, table)
    return store


@pytest.fixture
def moto_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoStore]:
    """The DynamoDB store on moto, in an empty table."""
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        store = build({"table": "aftersales-contract", "phone_key": "k", "region": "us-east-1"})
        create(store.client, store.table)
        yield store
