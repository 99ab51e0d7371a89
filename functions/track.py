"""Track: where the parcels are that bring goods back; who asks whom, how often, and what is done with the answer."""

from __future__ import annotations

from aftersales.registry import Registry
from aftersales.tracking import Trail


def followed(registry: Registry, before: Trail | None, after: Trail) -> None:
    """A trail came on record, or goes on under another number; may run twice, or late."""
