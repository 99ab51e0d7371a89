"""FakeInbox, notices in memory, and the kit every Inbox passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from aftersales.errors import Invalid
from aftersales.ports import Inbox, Notice, Page

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class FakeInbox:
    """Keeps every notice; ``notices`` are all of them in the order they were told."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[tuple[str, str, datetime, str], Notice] = {}

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Everything that was ever told, to anybody."""
        return tuple(self._kept.values())

    def tell(self, notices: Sequence[Notice]) -> None:
        """Keep the notices; the same key with the same ``at`` told again changes nothing."""
        with self._lock:
            for notice in notices:
                self._kept.setdefault((notice.merchant, notice.recipient, notice.at, notice.key), notice)

    def told(self, merchant: str, recipient: str, cursor: str | None = None, limit: int = 50) -> Page[Notice]:
        """A person's notices, newest first."""
        with self._lock:
            mine = [n for n in self._kept.values() if (n.merchant, n.recipient) == (merchant, recipient)]
        mine.sort(key=lambda n: (n.at, n.key), reverse=True)
        names = [f"{n.at.isoformat()}|{n.key}" for n in mine]
        if cursor is not None and cursor not in names:
            raise Invalid("This cursor is not one of ours.", todo="Start again without a cursor.", found=cursor)
        start = names.index(cursor) + 1 if cursor else 0
        page = mine[start : start + limit]
        return Page(tuple(page), names[start + limit - 1] if len(mine) > start + limit else None)


def a_notice(**changes: Any) -> Notice:
    """A notice to buyer ``b1`` of ``m1`` that the case was approved."""
    return replace(Notice("c1-approved", "m1", "buyer:b1", "c1", "o1", "已同意", NOON), **changes)


def all_told(inbox: Inbox, merchant: str, recipient: str, limit: int = 50) -> Iterator[Notice]:
    """Every notice of a person, page by page."""
    cursor: str | None = None
    while True:
        page = inbox.told(merchant, recipient, cursor, limit)
        assert len(page.found) <= limit
        yield from page.found
        cursor = page.cursor
        if cursor is None:
            return


class InboxContract:
    """What every Inbox keeps; a subclass gives the fixture ``inbox``, empty."""

    def test_a_notice_arrives_as_it_was_told(self, inbox: Inbox) -> None:
        """All its fields come back, microseconds and Chinese included."""
        notice = a_notice(at=NOON + timedelta(microseconds=7), text="退款 CNY 19.90 已到账")
        inbox.tell([notice])
        assert inbox.told("m1", "buyer:b1").found == (notice,)

    def test_the_same_notice_is_told_once(self, inbox: Inbox) -> None:
        """A stream that tells its record twice leaves one notice, within one call or over two."""
        inbox.tell([a_notice(), a_notice()])
        inbox.tell([a_notice()])
        assert inbox.told("m1", "buyer:b1").found == (a_notice(),)

    def test_the_newest_comes_first(self, inbox: Inbox) -> None:
        """Notices are listed by their instant, whatever order they were told in."""
        inbox.tell([a_notice(key=str(n), at=NOON + timedelta(minutes=n)) for n in (2, 0, 3, 1)])
        assert [n.key for n in inbox.told("m1", "buyer:b1").found] == ["3", "2", "1", "0"]

    def test_many_are_told_at_once_and_read_in_pages(self, inbox: Inbox) -> None:
        """Sixty notices in one call all arrive; pages neither lose nor repeat one."""
        inbox.tell([a_notice(key=f"k{n:02}", at=NOON + timedelta(seconds=n)) for n in range(60)])
        assert [n.key for n in all_told(inbox, "m1", "buyer:b1", limit=7)] == [f"k{n:02}" for n in reversed(range(60))]

    def test_a_last_page_says_so(self, inbox: Inbox) -> None:
        """A page that holds everything has no cursor, also when it is exactly full."""
        inbox.tell([a_notice(key="a"), a_notice(key="b")])
        assert len(list(all_told(inbox, "m1", "buyer:b1", limit=2))) == 2
        assert inbox.told("m1", "buyer:b1", limit=3).cursor is None

    def test_people_and_merchants_are_apart(self, inbox: Inbox) -> None:
        """Nobody sees another one's notices, also where names contain the separator."""
        inbox.tell(
            [a_notice(), a_notice(recipient="clerk:wang"), a_notice(merchant="m2"), a_notice(merchant="m1#buyer", recipient="x")]
        )
        assert len(inbox.told("m1", "buyer:b1").found) == 1
        assert len(inbox.told("m1#buyer", "x").found) == 1
        assert inbox.told("m1", "buyer#x").found == ()

    def test_telling_nothing_is_fine(self, inbox: Inbox) -> None:
        """An empty batch does nothing."""
        inbox.tell([])
        assert inbox.told("m1", "buyer:b1").found == ()

    def test_a_foreign_cursor_is_invalid(self, inbox: Inbox) -> None:
        """What is not one of our cursors raises Invalid."""
        inbox.tell([a_notice(key="a"), a_notice(key="b")])
        for garbage in ("garbage", "", "AAAA", "坏"):
            try:
                inbox.told("m1", "buyer:b1", garbage)
            except Invalid:
                continue
            raise AssertionError(f"{garbage!r} was taken for a cursor")
