"""Kept: the rules of merchants as this process knows them, so that judging a case reads nothing that it read a moment ago.

Which version is in force is asked for again after a minute (:mod:`aftersales.kept`): so late, at most, does another process
judge by a new version. The process that wrote it does at once. A version itself never changes, and is read once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from aftersales.errors import Invalid
from aftersales.kept import Kept
from aftersales.ports import Store
from aftersales.query import RulebookOf, RuleSetNamed
from aftersales.ruling import standard
from aftersales.ruling.book import BUILT_IN, Rulebook
from aftersales.ruling.check import check
from aftersales.ruling.table import Table

#: So many versions one process keeps.
MOST_TABLES = 64


class KeptRules:
    """The rules that this process asked for. Safe for threads. ``now`` counts seconds, from wherever."""

    def __init__(self, store: Callable[[], Store], now: Callable[[], float] = time.monotonic) -> None:
        self._store, self._lock = store, Lock()
        self._books = Kept(self._book, now)
        self._tables: OrderedDict[tuple[str, int], Table] = OrderedDict()

    def book(self, merchant: str) -> Rulebook:
        """Which version is in force when, as it was a minute ago or later."""
        return self._books.of(merchant)

    def _book(self, merchant: str) -> Rulebook:
        found = self._store().find(RulebookOf(merchant)).found
        return found[0] if found else Rulebook(merchant)

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
        self._books.forget(merchant)
