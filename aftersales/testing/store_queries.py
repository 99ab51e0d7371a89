"""The kit for a Store's queries: what is found, in which order, and how pages go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from aftersales.case import Event, State
from aftersales.change import Change, Notice, PhotoPrint
from aftersales.deadline import Deadline
from aftersales.errors import Invalid, StaleVersion
from aftersales.order import Buyer
from aftersales.ports import Store
from aftersales.query import (
    MOST_PRINTS,
    NEWEST_CASES,
    Due,
    DueBy,
    NoticesOf,
    OfBuyer,
    OfMerchant,
    OrdersOfPhone,
    PrintsLike,
    Query,
    StepsOf,
)
from aftersales.testing.builders import NOW, a_case, a_parcel, a_refund
from aftersales.testing.store_contract import opened, pushed, stored

T = TypeVar("T")
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def everything(store: Store, query: Query[T], limit: int = 50, cursor: str | None = None) -> list[T]:
    """All that ``query`` finds from ``cursor`` on, page by page; no page is larger than asked."""
    found: list[T] = []
    for _ in range(1000):
        page = store.find(query, cursor, limit)
        assert len(page.found) <= limit
        found += page.found
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


def a_notice(**changes: Any) -> Notice:
    """A notice to buyer ``b1`` of ``m1``."""
    return replace(Notice("c1-approved", "m1", "b1", "c1", "o1", "已同意", NOW), **changes)


def due(store: Store, kind: str, now: Any = NOW, limit: int = 50) -> list[Due]:
    """What is due in all shards."""
    shards = (everything(store, DueBy(kind, shard, now), limit) for shard in range(store.due_shards))
    return [d for found in shards for d in found]


def invalid(store: Store, query: Query[Any], cursor: str) -> bool:
    """Whether the cursor is refused as Invalid."""
    try:
        store.find(query, cursor)
    except Invalid:
        return True
    return False


class QueryContract:
    """What every Store finds; a subclass gives the fixture ``store``, empty."""

    # --- steps --------------------------------------------------------------------------------------------------------
    def test_steps_come_in_order_whatever_the_page(self, store: Store) -> None:
        """Changes of one and of several steps read the same through pages of any size."""
        opened(store)
        for _ in range(3):
            change = Change(stored(store).case).then(Event.EDITED, "buyer:b1", NOW).then(Event.EDITED, "buyer:b1", NOW)
            store.commit(change.then(Event.MESSAGE_SENT, "buyer:b1", NOW))
        for limit in (1, 2, 3, 4, 10, 50):
            assert [s.seq for s in everything(store, StepsOf("c1"), limit)] == list(range(1, 11))
        assert store.find(StepsOf("c2")).found == ()

    # --- a merchant's queue -------------------------------------------------------------------------------------------
    def test_a_queue_shows_the_most_urgent_first(self, store: Store) -> None:
        """Earliest deadline first, then the oldest; without a deadline comes last."""
        for number, (hours, age) in enumerate([(3, 0), (1, 0), (2, 1), (2, 5), (None, 9), (1, 7)]):
            deadline = Deadline.after(NOW, hours * HOUR, "default") if hours else None
            opened(store, case_id=f"c{number}", deadline=deadline, opened_at=NOW - age * HOUR)
        for limit in (1, 2, 4, 50):
            assert [c.case_id for c in everything(store, OfMerchant("m1", State.DRAFT), limit)] == [
                "c5",
                "c1",
                "c3",
                "c2",
                "c0",
                "c4",
            ]

    def test_a_queue_gives_whole_cases(self, store: Store) -> None:
        """What a list shows is the case itself, not an excerpt."""
        opened(store, note="坏了两斤")
        assert store.find(OfMerchant("m1", State.DRAFT)).found == (stored(store).case,)

    def test_a_queue_is_one_merchants_and_one_states(self, store: Store) -> None:
        """Others' cases and other states are not in it; a case that moves on moves to the other queue; a closed one is in none."""
        for case_id, merchant in (("c1", "m1"), ("c2", "m2"), ("c3", "m1#draft#0")):
            opened(store, case_id=case_id, merchant=merchant)
        assert [c.case_id for c in everything(store, OfMerchant("m1", State.DRAFT))] == ["c1"]
        store.commit(Change(stored(store).case).then(Event.SUBMITTED, "b", NOW).then(Event.PERSON_ASKED, "s", NOW))
        assert everything(store, OfMerchant("m1", State.DRAFT)) == []
        assert [c.case_id for c in everything(store, OfMerchant("m1", State.REVIEWING))] == ["c1"]
        store.commit(Change(stored(store).case).then(Event.WITHDRAWN, "buyer:b1", NOW))
        for state in State:
            assert everything(store, OfMerchant("m1", state)) == []

    def test_a_long_queue_loses_nothing(self, store: Store) -> None:
        """Thirty cases in pages of seven: each once, in order."""
        for number in range(30):
            opened(store, case_id=f"c{number:02}", deadline=Deadline.after(NOW, ((number * 7) % 30) * HOUR, "default"))
        found = [c.case_id for c in everything(store, OfMerchant("m1", State.DRAFT), 7)]
        assert found == sorted(found, key=lambda case_id: (int(case_id[1:]) * 7) % 30)
        assert len(set(found)) == 30

    # --- a buyer's cases and orders -----------------------------------------------------------------------------------
    def test_a_buyer_sees_the_newest_first(self, store: Store) -> None:
        """All of a buyer's cases at this merchant, closed ones too, and nobody else's."""
        for number, age in enumerate((2, 0, 1)):
            opened(store, case_id=f"c{number}", opened_at=NOW - age * HOUR)
        opened(store, case_id="x1", buyer_id="b2")
        opened(store, case_id="x2", merchant="m2")
        store.commit(Change(stored(store, "c2").case).then(Event.WITHDRAWN, "buyer:b1", NOW))
        for limit in (1, 2, 50):
            assert [c.case_id for c in everything(store, OfBuyer("m1", "b1"), limit)] == ["c1", "c2", "c0"]
        assert store.find(OfBuyer("m1", "b1")).found[1] == stored(store, "c2").case

    def test_a_phone_finds_its_orders(self, store: Store) -> None:
        """The newest paid first, an unpaid one last; only this phone's at this merchant, and no phone finds nothing."""
        for number, age in enumerate((2, 0, 1)):
            pushed(store, order_id=f"o{number}", paid_at=NOW - age * HOUR)
        pushed(store, order_id="o#3", paid_at=None)
        pushed(store, order_id="x1", buyer=Buyer("b2", "13900000000"))
        pushed(store, order_id="x2", buyer=Buyer("b3"))
        pushed(store, order_id="x3", merchant="m2")
        for limit in (1, 3, 50):
            assert everything(store, OrdersOfPhone("m1", "13800000000"), limit) == ["o1", "o2", "o0", "o#3"]
        assert everything(store, OrdersOfPhone("m1", "")) == []

    def test_a_phone_is_found_however_it_is_written(self, store: Store) -> None:
        """Malls push +86 and spaces, clerks type eleven digits, and the other way round; a number of another country is another."""
        pushed(store, order_id="o1", buyer=Buyer("b1", "+86 138-0000-0000"), paid_at=NOW)
        pushed(store, order_id="o2", buyer=Buyer("b1", "13800000000"), paid_at=NOW - HOUR)
        pushed(store, order_id="x1", buyer=Buyer("b2", "+13800000000"))
        for phone in ("13800000000", "+8613800000000", "0086 13800000000", " 8613800000000", "138 0000 0000"):
            assert everything(store, OrdersOfPhone("m1", phone)) == ["o1", "o2"]
        assert everything(store, OrdersOfPhone("m1", "001 380 000 0000")) == ["x1"]

    # --- what is due --------------------------------------------------------------------------------------------------
    def test_the_instant_itself_is_due(self, store: Store) -> None:
        """Nothing is due one microsecond before its deadline; at it, it is."""
        opened(store, deadline=Deadline(NOW, "default"))
        assert due(store, "case", NOW - TICK) == []
        assert due(store, "case", NOW) == [Due("case", "c1", NOW)]

    def test_cases_parcels_and_refunds_are_due_each_for_itself(self, store: Store) -> None:
        """Each kind is found by its own deadline; a refund by its number, and with its channel."""
        case = opened(store, deadline=Deadline(NOW, "default"))
        parcel = replace(a_parcel(), deadline=Deadline(NOW - HOUR, "default"))
        refunds = tuple(replace(a_refund(number=n), deadline=Deadline(NOW - n * HOUR, "poll")) for n in (1, 12))
        store.commit(Change(case, parcel=parcel, refunds=refunds))
        assert due(store, "case") == [Due("case", "c1", NOW)]
        assert due(store, "parcel") == [Due("parcel", "c1", NOW - HOUR)]
        late, early = (Due("refund", "c1", NOW - n * HOUR, n, "wechatpay") for n in (12, 1))
        assert due(store, "refund") == [late, early]
        assert due(store, "refund", NOW - HOUR) == [late, early]  # the instant itself is due
        assert due(store, "refund", NOW - HOUR - TICK) == [late]

    def test_what_does_not_wait_is_not_due(self, store: Store) -> None:
        """A paused, a closed and a moved case are not found at the old deadline."""
        paused = opened(store, case_id="c1", deadline=Deadline(NOW, "default"))
        assert paused.deadline
        moved = opened(store, case_id="c2", deadline=Deadline(NOW, "default"))
        closed = opened(store, case_id="c3", deadline=Deadline(NOW, "default"))
        store.commit(Change(replace(paused, deadline=paused.deadline.pause(NOW))))
        store.commit(Change(replace(moved, deadline=Deadline(NOW + TICK, "moved: holiday"))))
        store.commit(Change(closed).then(Event.WITHDRAWN, "buyer:b1", NOW))
        assert due(store, "case", NOW) == []
        assert [d.case_id for d in due(store, "case", NOW + TICK)] == ["c2"]

    def test_the_earliest_comes_first_in_each_shard(self, store: Store) -> None:
        """All shards together hold each due case once, in order within the shard, whatever the page."""
        for number in range(24):
            opened(store, case_id=f"c{number:02}", deadline=Deadline(NOW - ((number * 5) % 24) * HOUR, "default"))
        for limit in (1, 5, 50):
            assert len({d.case_id for d in due(store, "case", NOW, limit)}) == 24
            for shard in range(store.due_shards):
                found = [d.due_at for d in everything(store, DueBy("case", shard, NOW), limit)]
                assert found == sorted(found)

    # --- fingerprints -------------------------------------------------------------------------------------------------
    def test_photos_that_share_a_word_are_candidates(self, store: Store) -> None:
        """A photo is found by each word that it shares, once for each and with it alone; words that only begin alike are others."""
        given = {"both": ("a1", "b2"), "one": ("c3", "b2"), "none": ("a", "a12"), "twice": ("a1", "a1")}
        photos = {c: PhotoPrint(words, "m1", c, "e1", NOW) for c, words in given.items()}
        for case_id, photo in photos.items():
            store.commit(replace(Change.opened(a_case(case_id=case_id), "buyer:b1", NOW), prints=(photo,)))
        for limit in (1, 2, 50):
            found = everything(store, PrintsLike(("a1", "zz", "b2")), limit)
            assert [(p.words[0], p.case_id) for p in found] == [("a1", "twice"), ("a1", "both"), ("b2", "one"), ("b2", "both")]
            assert all(p == replace(photos[p.case_id], words=p.words) for p in found)
        assert everything(store, PrintsLike(())) == []

    def test_of_a_common_word_the_newest_photos_are_found(self, store: Store) -> None:
        """A word that every picture has costs a bounded look: sixteen cases, the latest photo first, on pages of any size."""
        ages = [(7 * n) % 20 for n in range(20)]
        store.commit(Change(prints=tuple(PhotoPrint(("w",), "m1", f"c{age:02}", "e1", NOW - age * HOUR) for age in ages)))
        for limit in (1, 5, 50):
            found = everything(store, PrintsLike(("w",)), limit)
            assert [p.case_id for p in found] == [f"c{n:02}" for n in range(NEWEST_CASES)]

    def test_copies_in_one_case_hide_no_other_case(self, store: Store) -> None:
        """A case with more copies of a photo than are looked up of any word leaves the photos of earlier cases to be found."""
        crowd = [PhotoPrint(("w",), "m1", "crowd", f"e{n:02}", NOW + n * TICK) for n in range(NEWEST_CASES + 4)]
        earlier = [PhotoPrint(("w",), "m1", f"c{n:02}", "e1", NOW - n * HOUR) for n in range(1, NEWEST_CASES + 4)]
        store.commit(Change(prints=(*crowd, *earlier)))
        for limit in (1, 7, 50):
            found = everything(store, PrintsLike(("w",)), limit)
            assert [p.case_id for p in found] == ["crowd"] * len(crowd) + [p.case_id for p in earlier[: NEWEST_CASES - 1]]

    def test_photos_of_few_cases_are_bounded_too(self, store: Store) -> None:
        """However many photos of one case share a word, no more than MOST_PRINTS of them are read."""
        photos = (PhotoPrint(("w",), "m1", "c1", f"e{n:02}", NOW + n * TICK) for n in range(MOST_PRINTS + 3))
        store.commit(Change(prints=tuple(photos)))
        assert len(everything(store, PrintsLike(("w",)))) == MOST_PRINTS

    def test_a_photo_that_is_written_twice_is_one(self, store: Store) -> None:
        """Who looks at a photo again, because the answer of the first look was lost, writes what was written."""
        photo = PhotoPrint(("w",), "m1", "c1", "e1", NOW)
        for _ in range(2):
            store.commit(Change(prints=(photo,)))
        assert everything(store, PrintsLike(("w",))) == [photo]

    # --- notices ------------------------------------------------------------------------------------------------------
    def test_a_notice_becomes_true_with_its_change(self, store: Store) -> None:
        """All its fields come back, microseconds and Chinese included; a change that is refused tells nobody."""
        case = opened(store)
        notice = a_notice(at=NOW + TICK, text="退款 CNY 19.90 已到账")
        store.commit(replace(Change(case).then(Event.EDITED, "buyer:b1", NOW), notices=(notice,)))
        assert everything(store, NoticesOf("m1", "b1")) == [notice]
        stale = replace(Change(case).then(Event.EDITED, "buyer:b1", NOW), notices=(a_notice(key="never"),))
        try:
            store.commit(stale)
        except StaleVersion:
            assert everything(store, NoticesOf("m1", "b1")) == [notice]
        else:
            raise AssertionError("a stale change was stored")

    def test_the_newest_notice_comes_first_whatever_the_page(self, store: Store) -> None:
        """Notices are listed by their instant; pages neither lose nor repeat one."""
        given = tuple(a_notice(key=f"k{n:02}", at=NOW + ((n * 7) % 20) * HOUR) for n in range(20))
        store.commit(replace(Change.opened(a_case(), "buyer:b1", NOW), notices=given))
        expected = sorted(given, key=lambda n: n.at, reverse=True)
        for limit in (1, 7, 50):
            assert everything(store, NoticesOf("m1", "b1"), limit) == expected

    def test_nobody_reads_another_ones_notices(self, store: Store) -> None:
        """People and merchants are apart, also where names contain the separator."""
        others = (a_notice(recipient="b2"), a_notice(merchant="m2"), a_notice(merchant="m1#b", recipient="1"))
        store.commit(replace(Change.opened(a_case(), "buyer:b1", NOW), notices=(a_notice(), *others)))
        assert everything(store, NoticesOf("m1", "b1")) == [a_notice()]
        assert everything(store, NoticesOf("m1#b", "1")) == [others[2]]
        assert everything(store, NoticesOf("m1", "b#1")) == []

    # --- cursors ------------------------------------------------------------------------------------------------------
    def test_a_cursor_is_of_its_query(self, store: Store) -> None:
        """A cursor of another query, another merchant's, a changed or an invented one is Invalid."""
        for number in range(3):
            opened(store, case_id=f"c{number}")
        mine = store.find(OfMerchant("m1", State.DRAFT), None, 1).cursor
        assert mine
        assert store.find(OfMerchant("m1", State.DRAFT), mine, 1).found
        for query in (OfMerchant("m2", State.DRAFT), OfMerchant("m1", State.REVIEWING), OfBuyer("m1", "b1"), StepsOf("c1")):
            assert invalid(store, query, mine), query
        for garbage in ("", "garbage", "AAAA", "坏", "e30=", mine[:-4], "A" + mine, mine[4:]):
            assert invalid(store, OfMerchant("m1", State.DRAFT), garbage), garbage

    def test_a_page_goes_on_while_the_rest_changes(self, store: Store) -> None:
        """What is removed or added between two pages makes no other case be lost or shown twice."""
        for number in range(6):
            opened(store, case_id=f"c{number}", deadline=Deadline(NOW + number * HOUR, "default"))
        query = OfMerchant("m1", State.DRAFT)
        first = store.find(query, None, 3)
        for case_id in ("c0", "c2"):  # c2 is where the page ended
            store.commit(Change(stored(store, case_id).case).then(Event.WITHDRAWN, "buyer:b1", NOW))
        opened(store, case_id="c9", deadline=Deadline(NOW - HOUR, "default"))
        rest = store.find(query, first.cursor, 50)
        assert [c.case_id for c in (*first.found, *rest.found)] == ["c0", "c1", "c2", "c3", "c4", "c5"]
