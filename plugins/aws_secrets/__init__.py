"""AWS Secrets Manager as the Secrets port. Settings: ``prefix``, ``region``, ``endpoint`` ("" is AWS). See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.aws_secrets.manager import AwsSecrets


def build(settings: Mapping[str, Any]) -> AwsSecrets:
    """The secrets under ``prefix``; it connects on first use."""
    return AwsSecrets(str(settings.get("prefix", "")), str(settings.get("region", "")), str(settings.get("endpoint", "")))
