"""Pages of the FakeStore: what was found in order, cut, with cursors that belong to their query."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import fields
from itertools import islice
from typing import Any

from aftersales.errors import Invalid
from aftersales.query import MOVING, Page, Query

#: What was found with the key it is sorted by.
Row = tuple[tuple[str, ...], Any]


def page_of(rows: list[Row], query: Query[Any], cursor: str | None, limit: int, *, newest_first: bool) -> Page[Any]:
    """The page that ``cursor`` asks for, of rows in any order. Raises Invalid for a cursor of another query, or of nobody's."""
    name = _name(query)
    rows.sort(key=lambda row: row[0], reverse=newest_first)
    after = _opened(cursor, name)
    found = list(islice((r for r in rows if after is None or (r[0] < after if newest_first else r[0] > after)), limit + 1))
    last = found[limit - 1][0] if len(found) > limit else None
    return Page(tuple(value for _, value in found[:limit]), _sealed(name, last) if last else None)


def _name(query: Query[Any]) -> list[str]:
    """What tells two queries apart; what is MOVING may differ from page to page."""
    return [type(query).__name__, *(str(getattr(query, f.name)) for f in fields(query) if f.name not in MOVING)]


def _sealed(name: list[str], key: tuple[str, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps([name, key]).encode()).decode()


def _opened(cursor: str | None, name: list[str]) -> tuple[str, ...] | None:
    if cursor is None:
        return None
    try:
        named, key = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        named, key = None, ()
    if named != name:
        raise Invalid("This cursor is not one of ours.", todo="Start again without a cursor.", found=cursor)
    return tuple(key)
