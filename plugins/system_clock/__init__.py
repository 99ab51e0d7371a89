"""The machine's own clock as the Clock port. No settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        return datetime.now(UTC)


def build(settings: Mapping[str, Any]) -> SystemClock:  # noqa: ARG001  # every plugin is built the same way
    """The clock."""
    return SystemClock()
