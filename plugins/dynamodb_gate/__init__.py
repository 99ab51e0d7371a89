"""The gate before every channel, kept in DynamoDB and so shared by all processes. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.errors import BadSettings
from plugins.dynamodb_gate.gate import DynamoGate


def build(settings: Mapping[str, Any]) -> DynamoGate:
    """The gate; it connects on first use. Raises BadSettings without ``table``."""
    if not settings.get("table"):
        raise BadSettings("dynamodb_gate needs the setting table.", lacking=["table"])
    return DynamoGate(str(settings["table"]), str(settings.get("endpoint") or ""), str(settings.get("region") or ""))
