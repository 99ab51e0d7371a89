"""In-app notices in the system's own DynamoDB table, as the Inbox port.

Settings: ``table``, ``region``, ``endpoint`` ("" is AWS).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.errors import BadSettings
from plugins.inbox.inbox import DynamoInbox


def build(settings: Mapping[str, Any]) -> DynamoInbox:
    """The inbox; it connects on first use. Raises BadSettings without ``table``."""
    if not settings.get("table"):
        raise BadSettings("inbox needs the setting table.", lacking=["table"])
    return DynamoInbox(str(settings["table"]), str(settings.get("endpoint", "")), str(settings.get("region", "")))
