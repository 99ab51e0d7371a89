"""Refusal: that somebody was refused what decides about money. A record for who looks after the shop; nothing follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: Characters of the text that are kept.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that was refused. ``act`` is the route as documented, ``code`` and ``text`` what was answered.

    ``case_id`` is "" for what is about no case, ``seen`` the version that the caller had read, None where none was named.
    """

    refusal_id: str
    merchant: str
    by: str
    at: datetime
    act: str
    code: str
    text: str
    case_id: str = ""
    seen: int | None = None
