"""DynamoDB as the Store and its Stream: one table, on AWS or on anything that speaks its protocol.

Settings: ``table``, ``phone_key`` (secret; keys the phone index and signs cursors; without it no order is kept), ``region``,
``endpoint`` ("" is AWS), ``due_shards`` (4) and ``queue_shards`` (2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.dynamodb_store.store import DynamoStore


def build(settings: Mapping[str, Any]) -> DynamoStore:
    """The store; it connects on first use. Raises BadSettings when the table is missing or the key is empty."""
    return DynamoStore(settings)
