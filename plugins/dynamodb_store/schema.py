"""The table: its keys, its three indexes, its stream. The infrastructure template and local set-up both take it from here.

All indexes hold keys only. A case is written about ten times and listed seldom: with full copies in the buyer's index each of
these writes would be paid again there, while keys are written once; a list then reads its cases with one BatchGetItem, which also
makes them current (an index lags). One write unit costs as much as five read units (on-demand prices, checked 2026-11).

========  =========================================  ===============================  ============================================
index     partition                                  sorted by                        holds
========  =========================================  ===============================  ============================================
queue     ``{merchant}#{state}#{shard}``             deadline, then opened            heads of open cases
queue     ``DAY#{channel}#{day}#{shard}``            reserved                         refunds, by the day they count on
who       ``BUYER#{merchant}#{buyer}``               opened                           heads of cases
who       ``PHONE#{merchant}#{keyed hash}``          paid                             heads of orders
who       ``REFUNDS#{merchant}#{month}#{shard}``     reserved                         refunds
who       ``TICKETS#{merchant}#{open or closed}``    opened                           tickets
due       ``{kind}#{shard}``                         due, a refund's then channel     cases, parcels, refunds … while they wait
due       ``files#{shard}``, ``proof#{shard}``       when files are erased            heads of closed cases, proofs of orders
========  =========================================  ===============================  ============================================

Several lists share an index: an entry costs the same wherever it lies, and an item has one place in each. A refund is sorted by
when it was reserved in its day too: it moves only if it is accepted on another day than it was reserved on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: Index name → its partition and sort attribute.
INDEXES: dict[str, tuple[str, str]] = {"queue": ("q", "qs"), "who": ("b", "bs"), "due": ("d", "ds")}

#: Epoch seconds after which AWS deletes an item by itself, some day; readers filter.
EXPIRES = "expires"


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
    """Create the table and wait until it is there; False when it was there already. Expiry is switched on."""
    try:
        client.create_table(TableName=name, **TABLE)
    except client.exceptions.ResourceInUseException:
        return False
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES})
    return True
