"""The table: its keys, its four indexes, its stream. The infrastructure template and local set-up both take it from here.

All indexes hold keys only. A case is written about ten times and listed seldom: with full copies in the buyer's index each of
these writes would be paid again there, while keys are written once; a list then reads its cases with one BatchGetItem, which also
makes them current (an index lags). One write unit costs as much as five read units (on-demand prices, checked 2026-11).

========  =========================================  ===============================  ============================================
index     partition                                  sorted by                        holds
========  =========================================  ===============================  ============================================
queue     ``{merchant}#{state}#{shard}``             urgency (``waiting.py``)         heads of open cases
queue     ``DAY#{channel}#{day}#{shard}``            reserved                         refunds, by the day they count on
who       ``BUYER#{merchant}#{buyer}``               opened                           heads of cases
who       ``PHONE#{merchant}#{keyed hash}``          paid                             heads of orders
who       ``REFUNDS#{merchant}#{month}#{shard}``     reserved                         refunds
who       ``TICKETS#{merchant}#{open or closed}``    opened                           tickets
who       ``BATCHES#{merchant}``                     opened                           heads of batches
due       ``{kind}#{shard}``                         due, a refund's then channel     cases, parcels, refunds … while they wait
due       ``files#{shard}``, ``proof#{shard}``       when files are erased            heads of closed cases, proofs of orders
desk      ``{merchant}#{clerk}``                     urgency                          heads of cases that a clerk has claimed
========  =========================================  ===============================  ============================================

Several lists share an index: an entry costs the same wherever it lies, and an item has one place in each. A refund is sorted by
when it was reserved in its day too: it moves only if it is accepted on another day than it was reserved on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: Index name → its partition and sort attribute.
INDEXES: dict[str, tuple[str, str]] = {"queue": ("q", "qs"), "who": ("b", "bs"), "due": ("d", "ds"), "desk": ("c", "cs")}

#: Epoch seconds after which AWS deletes an item by itself, some day; readers filter.
EXPIRES = "expires"

#: How long a standing table's new index is waited for: a local one has few cases.
MOST_LOOKS, EVERY_S = 300, 0.2


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


#: CreateTable's arguments, but for the name.
TABLE: dict[str, Any] = {
    "KeySchema": _keys("PK", "SK"),
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"}
        for name in ("PK", "SK", *(name for pair in INDEXES.values() for name in pair))
    ],
    "GlobalSecondaryIndexes": [
        {"IndexName": name, "KeySchema": _keys(*pair), "Projection": {"ProjectionType": "KEYS_ONLY"}}
        for name, pair in INDEXES.items()
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


def create(client: DynamoDBClient, name: str) -> bool:
    """Create the table and wait until it is there; False when it was there already. Expiry is switched on.

    A table of an earlier version gets the indexes that it lacks. Raises RuntimeError where the engine cannot add one.
    """
    try:
        client.create_table(TableName=name, **TABLE)
    except client.exceptions.ResourceInUseException:
        _complete(client, name)
        return False
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES})
    return True


def _complete(client: DynamoDBClient, name: str) -> None:
    """Add the indexes that the table lacks, one after another, and wait until they are filled: a reader may rely on them then."""
    known = {index["IndexName"]: index for index in _indexes(client, name)}
    for wanted in TABLE["GlobalSecondaryIndexes"]:
        if wanted["IndexName"] in known:
            continue
        keys = {key["AttributeName"] for key in wanted["KeySchema"]}
        try:
            client.update_table(
                TableName=name,
                AttributeDefinitions=[each for each in TABLE["AttributeDefinitions"] if each["AttributeName"] in keys],
                GlobalSecondaryIndexUpdates=[{"Create": wanted}],
            )
        except client.exceptions.ClientError as error:
            todo = "Move its data to a new table, or begin anew with an empty home."
            raise RuntimeError(f"The table {name} lacks the index {wanted['IndexName']}, and it cannot be added. {todo}") from error
        _await(client, name)


def _await(client: DynamoDBClient, name: str) -> None:
    for _ in range(MOST_LOOKS):
        if all(index.get("IndexStatus", "ACTIVE") == "ACTIVE" for index in _indexes(client, name)):
            return
        time.sleep(EVERY_S)
    raise RuntimeError(f"An index of the table {name} is still being filled. Start again later.")


def _indexes(client: DynamoDBClient, name: str) -> Any:
    return client.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", [])
