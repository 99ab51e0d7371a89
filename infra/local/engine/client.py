"""Talking to the embedded engine: clients, and what it needs beside what AWS does by itself."""

import itertools
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

#: The attribute that AWS's time to live is switched on for: epoch seconds.
EXPIRES = "expires"
#: The engine names a stream's shard after its table, and boto3 refuses shard names under 28 characters.
TABLE_NAME_MIN = 11
TRANSACTION_MAX = 100
SWEEP_PAGE = 500


def dynamodb_client(endpoint: str) -> "DynamoDBClient":
    """Give a client for the endpoint; on loopback with made-up credentials, elsewhere with those of the environment."""
    import boto3
    from botocore.config import Config

    return boto3.client("dynamodb", **_connection(endpoint, Config(max_pool_connections=32, retries={"total_max_attempts": 3})))


def streams_client(endpoint: str) -> "DynamoDBStreamsClient":
    """Give a client for the endpoint's streams. It sends what it is given: the engine's sequence numbers are short."""
    import boto3
    from botocore.config import Config

    return boto3.client("dynamodbstreams", **_connection(endpoint, Config(parameter_validation=False)))


def check_table_name(name: str) -> str:
    """Give the name back. Raises ValueError when it is too short for the engine's stream."""
    if len(name) < TABLE_NAME_MIN:
        raise ValueError(f"the table's name {name!r} has {len(name)} characters; a local stream needs {TABLE_NAME_MIN} or more")
    return name


def sweep_expired(client: "DynamoDBClient", table: str, now: datetime) -> int:
    """Delete the items whose ``expires`` lies before ``now`` and give their number; AWS does so by itself, the engine not.

    Reads page by page. An item that was given more time after its page was read stays.
    """
    keys = [key["AttributeName"] for key in client.describe_table(TableName=table)["Table"]["KeySchema"]]
    names = {"#expires": EXPIRES} | {f"#k{index}": key for index, key in enumerate(keys)}
    limit: dict[str, AttributeValueTypeDef] = {":now": {"N": str(int(now.timestamp()))}}
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="#expires < :now",
        ProjectionExpression=", ".join(f"#k{index}" for index in range(len(keys))),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=limit,
        PaginationConfig={"PageSize": SWEEP_PAGE},
    )
    return sum(_delete_expired(client, table, item, limit) for page in pages for item in page["Items"])


def seed(client: "DynamoDBClient", table: str, items: Iterable[Mapping[str, Any]]) -> int:
    """Put the items, replacing those that are there, and give their number.

    Goes in transactions of 100, each one commit (the engine commits a batch once per item). A hundred neighbours together
    stay under 4 MB and have different keys; a transaction that breaks this is refused as a whole, the earlier ones stay.
    """
    total = 0
    source = iter(items)
    while chunk := list(itertools.islice(source, TRANSACTION_MAX)):
        client.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}} for item in chunk])
        total += len(chunk)
    return total


def backup(source: Path, target: Path) -> None:
    """Copy the engine's SQLite file as of one moment, also while the engine runs. ``target`` is replaced in one step.

    Raises FileNotFoundError when there is nothing to copy.
    """
    if not source.is_file():
        raise FileNotFoundError(f"{source} does not exist: there is nothing to copy")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    # Read-only, so that closing it never checkpoints the log under the engine's feet.
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(fresh)) as copy,
    ):
        original.backup(copy)
    fresh.replace(target)


def index_stream(database: Path) -> bool:
    """Give the stream's records an index by number; False when the engine has not made the database's tables yet.

    The engine must not run; an index that is there already stays as it is.

    For every write the engine asks its own table for the greatest number of the stream, and without an index reads all of it:
    measured with 10,000 records, 690 items a second instead of 4,800, and falling. Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(database)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_stream_records'").fetchone():
            return False
        connection.execute(
            "CREATE INDEX IF NOT EXISTS aftersales_stream ON _stream_records (table_name, CAST(sequence_number AS INTEGER))"
        )
        connection.commit()
    return True


def _delete_expired(
    client: "DynamoDBClient",
    table: str,
    key: "Mapping[str, AttributeValueTypeDef]",
    limit: "Mapping[str, AttributeValueTypeDef]",
) -> int:
    """Delete the item if it is still expired, and give how many that were: one or none."""
    try:
        client.delete_item(
            TableName=table,
            Key=key,
            ConditionExpression="#expires < :now",
            ExpressionAttributeNames={"#expires": EXPIRES},
            ExpressionAttributeValues=limit,
        )
    except client.exceptions.ConditionalCheckFailedException:
        return 0
    return 1


def _connection(endpoint: str, config: "Config") -> dict[str, Any]:
    """Give what a client needs to reach the endpoint."""
    local = urlsplit(endpoint).hostname in {"127.0.0.1", "localhost", "::1"}
    made_up = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"} if local else {}
    return {"endpoint_url": endpoint, "config": config, **made_up}
