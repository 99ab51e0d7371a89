"""Report: what reconciliation found for one day of one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Report:
    """One merchant's part of a day (``merchant`` "" is the whole account of the channel), in one currency.

    Counts, and sums in minor units: what our ledger had accepted that day, what the bill has, and what both agree on.
    ``differences`` counts by class, ``tickets`` names the follow-ups (the first 200). ``billed`` is False for a day without
    trades. ``runs`` counts how often looking at the day changed what is known of it. ``stale``: a refund was counted here that
    another day's bill has; the day is looked at again.
    """

    merchant: str
    channel: str
    day: date
    currency: str
    made_at: datetime
    ours: int = 0
    ours_minor: int = 0
    theirs: int = 0
    theirs_minor: int = 0
    matched: int = 0
    matched_minor: int = 0
    at_midnight: int = 0
    to_query: int = 0
    billed: bool = True
    differences: Mapping[str, int] = field(default_factory=dict)
    tickets: tuple[str, ...] = ()
    runs: int = 1
    stale: bool = False
    version: int = 0
