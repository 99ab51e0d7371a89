"""Amazon SQS as the JobQueue port: one queue per name.

Settings: ``prefix`` (before each queue's name), ``region``, ``endpoint`` ("" is AWS).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.sqs_queue.queue import SqsQueue


def build(settings: Mapping[str, Any]) -> SqsQueue:
    """The queues; it connects on first use."""
    return SqsQueue(str(settings.get("prefix", "")), str(settings.get("region", "")), str(settings.get("endpoint", "")))
