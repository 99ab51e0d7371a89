"""What one process knows of merchants' rules, and which version is in force when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aftersales.change import Change
from aftersales.errors import Invalid
from aftersales.kept import MAX_AGE_S
from aftersales.query import Page, Query
from aftersales.ruling import standard
from aftersales.ruling.book import MOST_MARKS, Rulebook
from aftersales.ruling.kept import MOST_TABLES, KeptRules
from aftersales.testing.builders import NOW
from aftersales.testing.store import FakeStore
from aftersales.testing.store_rules import a_set

DAY = timedelta(days=1)


class Counted(FakeStore):
    """A store that counts what it is asked."""

    asked = 0

    def find(self, query: Query, cursor: str | None = None, limit: int = 50) -> Page:  # type: ignore[type-arg]  # of anything
        """A page, counted."""
        self.asked += 1
        return super().find(query, cursor, limit)


class Shop:
    """A merchant's rules in a store, as a process with a clock of its own keeps them."""

    def __init__(self) -> None:
        self.store, self.now = Counted(), 0.0
        self.kept = KeptRules(lambda: self.store, lambda: self.now)
        self.book = Rulebook("m1")

    def write(self) -> None:
        """One version more, written by another process."""
        self.store.commit(Change(rulebook=self.book.written(NOW), rules=a_set(self.book.version + 1)))
        self.book = KeptRules(lambda: self.store).book("m1")
        self.store.asked = 0


def test_the_book_is_read_once_a_minute() -> None:
    """However many cases are judged, one question a minute is asked; after it a new version is known, or when told to forget."""
    shop = Shop()
    assert [shop.kept.book("m1").version for _ in range(50)] == [0] * 50
    assert shop.store.asked == 1
    shop.write()
    shop.now = MAX_AGE_S - 0.1
    assert shop.kept.book("m1").version == 0
    shop.now = MAX_AGE_S
    assert shop.kept.book("m1").version == 1
    shop.write()
    shop.kept.forget("m1")
    assert shop.kept.book("m1").version == 2


def test_a_version_is_read_once_and_few_are_kept() -> None:
    """A table never changes: it is read once, and memory holds a limited number of them."""
    shop = Shop()
    for _ in range(MOST_TABLES + 1):
        shop.write()
    for _ in range(3):
        assert shop.kept.table("m1", 1).digest == standard.table().digest
    assert shop.store.asked == 1
    for version in range(2, MOST_TABLES + 2):
        shop.kept.table("m1", version)
    shop.kept.table("m1", 1)
    assert shop.store.asked == MOST_TABLES + 2


def test_a_version_that_is_not_there_is_none() -> None:
    """The set that every shop starts with needs no store; a version that nobody wrote raises Invalid."""
    shop = Shop()
    assert shop.kept.table("m1", 0) is standard.table()
    assert shop.store.asked == 0
    with pytest.raises(Invalid):
        shop.kept.table("m1", 1)


def test_the_newest_version_whose_instant_has_come_is_in_force() -> None:
    """Instants are included; a version planned for later and overtaken by a newer one never comes into force."""
    book = Rulebook("m1").written(NOW)
    assert (book.at(NOW - timedelta(microseconds=1)), book.at(NOW)) == (0, 1)
    planned = Rulebook("m1", book.marks, 1).written(NOW + DAY)
    assert (planned.at(NOW), planned.at(NOW + DAY)) == (1, 2)
    overtaken = Rulebook("m1", planned.marks, 2).written(NOW + DAY / 2)
    assert [overtaken.at(NOW + DAY * part) for part in (0, 0.5, 1, 2)] == [1, 3, 3, 3]


def test_a_book_that_is_full_forgets_the_oldest_instants() -> None:
    """Of very many versions the newest instants are kept, and what came before counts as the oldest of them."""
    book = Rulebook("m1")
    for number in range(MOST_MARKS + 5):
        written = book.written(NOW + number * DAY)
        book = Rulebook("m1", written.marks, book.version + 1)
    assert len(book.marks) == MOST_MARKS
    assert (book.at(NOW), book.at(NOW + 300 * DAY)) == (6, MOST_MARKS + 5)
