"""Bodies about a merchant's rules. A table is taken as it was written, byte by byte: its check reads it, and nobody before."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from functions.body import At, Body, Dated

Note = Annotated[str, Meta(min_length=1, max_length=500)]
Version = Annotated[int, Meta(ge=0, le=10**9)]


class RulesBody(Dated):
    """A new version of the merchant's rules: the table, why, and from when it is in force (at once).

    The table is JDM (a JSON object) in ``table``, or a workbook as ``rules.xlsx`` gives it, base64, in ``workbook``. Cases that
    were handed in before that instant keep the version that they had.
    """

    note: Note
    table: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    workbook: bytes = b""
    effective_at: At | None = None


class RollbackBody(Body):
    """Back to a version: its table becomes a new version, in force at once. 0 is the set that every shop starts with."""

    version: Version
    note: Annotated[str, Meta(max_length=500)] = ""


class TrialBody(Dated):
    """A draft (``table``, JDM), or a stored ``version``, tried on the merchant's cases that were opened since.

    ``cursor`` goes on where the page before ended; ``limit`` is how many cases are looked at.
    """

    since: At
    table: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    version: Version | None = None
    cursor: Annotated[str, Meta(max_length=2000)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
