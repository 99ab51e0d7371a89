"""Kept: the rules of merchants as this process knows them, so that judging a case reads nothing that it read a moment ago.

Which version is in force is asked for again after :data:`MAX_AGE_S`: so late, at most, does another process judge by a new version.
The process that wrote it does at once. A version itself never changes, and is read once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from aftersales.errors import Invalid
from aftersales.ports import Store
from aftersales.query import RulebookOf, RuleSetNamed
from aftersales.ruling import standard
from aftersales.ruling.book import BUILT_IN, Rulebook
from aftersales.ruling.check import check
from aftersales.ruling.table import Table

MAX_AGE_S = 60.0

#: So many merchants, and so many versions, one process keeps.
MOST_BOOKS, MOST_TABLES = 1_000, 64


class KeptRules:
    """The rules that this process asked for. Safe for threads. ``now`` counts seconds, from wherever."""

    def __init__(self, store: Callable[[], Store], now: Callable[[], float] = time.monotonic) -> None:
        self._store, self._now, self._lock = store, now, Lock()
        self._books: OrderedDict[str, tuple[Rulebook, float]] = OrderedDict()
        self._tables: OrderedDict[tuple[str, int], Table] = OrderedDict()

    def book(self, merchant: str) -> Rulebook:
        """Which version is in force when, as it was :data:`MAX_AGE_S` ago or later."""
        with self._lock:
            known = self._books.get(merchant)
        if known is not None and self._now() < known[1]:
            return known[0]
        found = self._store().find(RulebookOf(merchant)).found
        book = found[0] if found else Rulebook(merchant)
        with self._lock:
            self._books[merchant] = (book, self._now() + MAX_AGE_S)
            self._books.move_to_end(merchant)
            while len(self._books) > MOST_BOOKS:
                self._books.popitem(last=False)
        return book

    def table(self, merchant: str, version: int) -> Table:
        """The table of a version. Raises Invalid where it is not there, or is none that can be run any more."""
        if version == BUILT_IN:
            return standard.table()
        with self._lock:
            known = self._tables.get((merchant, version))
        if known is not None:
            return known
        found = self._store().find(RuleSetNamed(merchant, version)).found
        table = check(found[0].table).table if found else None
        if table is None:
            raise Invalid("This version of the rules cannot be run.", version=version)
        with self._lock:
            self._tables[merchant, version] = table
            while len(self._tables) > MOST_TABLES:
                self._tables.popitem(last=False)
        return table

    def forget(self, merchant: str) -> None:
        """Ask for the merchant's book anew: it has just been written."""
        with self._lock:
            self._books.pop(merchant, None)
