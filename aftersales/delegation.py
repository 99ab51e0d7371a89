"""Delegation: who says the second yes in place of a colleague who is away, from when until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: A time away is no longer than this; a longer one is written again.
LONGEST = timedelta(days=60)
#: So many are kept on record per merchant, those that hold and those that ended.
MOST = 100


@dataclass(frozen=True, slots=True)
class Delegation:
    """``to`` says the second yes in place of ``of``, both a token's ``sub``: from ``since`` on and before ``until``.

    ``by`` wrote it, as events name people. One that was ended early stays on record.
    """

    delegation_id: str
    of: str
    to: str
    since: datetime
    until: datetime
    reason: str
    by: str
    at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""

    def is_over(self, now: datetime) -> bool:
        """Whether it holds no more, and never will."""
        return self.ended_at is not None or now >= self.until

    def holds(self, now: datetime) -> bool:
        """Whether it holds at this instant."""
        return not self.is_over(now) and self.since <= now


@dataclass(frozen=True, slots=True)
class Delegations:
    """All of a merchant's delegations, oldest first."""

    merchant: str
    delegations: tuple[Delegation, ...]
    changed_at: datetime
    by: str
    version: int = 0

    def held_by(self, sub: str, now: datetime) -> tuple[Delegation, ...]:
        """Those by which ``sub`` stands in for somebody at this instant."""
        return tuple(d for d in self.delegations if d.to == sub and d.holds(now))
