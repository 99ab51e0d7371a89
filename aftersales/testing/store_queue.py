"""The kit for a shop's queue in a Store: its order, its filters, what clerks have claimed, how much of it there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aftersales import queue
from aftersales.case import Case, Kind, Lane, State
from aftersales.change import Change
from aftersales.count import Counted, Counts, Shift
from aftersales.deadline import Deadline
from aftersales.decision import Decision, Finding, Outcome, Verdict
from aftersales.errors import StaleVersion
from aftersales.money import Money
from aftersales.pledge import Pledge
from aftersales.ports import Store
from aftersales.query import CountedOf, CountsOf, OfMerchant
from aftersales.testing.builders import NOW, a_case
from aftersales.testing.store_contract import refused
from aftersales.testing.store_queries import everything

HOUR = timedelta(hours=1)
DOUBT = Decision(Outcome.PERSON, "x", "x", (Finding("vision.spoilage", Verdict.UNSURE, "x", evidence_id="e1"),))


def waiting(store: Store, case_id: str, **changes: Any) -> Case:
    """A case that waits for the shop, due in five hours, opened in the store."""
    known = {"state": State.REVIEWING, "deadline": Deadline.after(NOW, 5 * HOUR, "default"), **changes}
    if isinstance(known.get("amount"), int):
        known["amount"] = Money(known["amount"], "CNY")
    store.commit(Change.opened(a_case(case_id=case_id, **known), "buyer:b1", NOW))
    found = store.case(case_id)
    assert found is not None
    return found.case


def ids(store: Store, limit: int = 50, **asked: Any) -> list[str]:
    """The cases of ``m1`` that are found."""
    return [c.case_id for c in everything(store, OfMerchant(**{"merchant": "m1", "state": State.REVIEWING, **asked}), limit)]


def late(by: datetime) -> Pledge:
    """One that was found late."""
    return Pledge(by, "tier:gold", late_at=NOW)


class WaitingContract:
    """What every Store does with a queue; a subclass gives the fixture ``store``, empty."""

    def test_the_promise_comes_first_then_the_tier_then_the_amount_then_the_oldest(self, store: Store) -> None:
        """Within one hour of what is promised better tiers go before larger sums; a late answer and a pledge before deadlines."""
        hour = NOW.replace(minute=0)
        cases: dict[str, dict[str, Any]] = {
            "c0": {"pledge": late(hour - HOUR)},
            "c1": {"pledge": Pledge(hour + HOUR, "tier:diamond")},
            "c2": {"deadline": Deadline.after(hour, 2 * HOUR + timedelta(minutes=59), "default"), "rank": 4},
            "c3": {"deadline": Deadline.after(hour, 2 * HOUR, "default"), "rank": 1, "amount": 9_000},
            "c4": {"deadline": Deadline.after(hour, 2 * HOUR, "default"), "rank": 1, "amount": 500, "opened_at": NOW - HOUR},
            "c5": {"deadline": Deadline.after(hour, 2 * HOUR, "default"), "rank": 1, "amount": 500},
            "c6": {"pledge": Pledge(hour + HOUR, "tier:gold", kept_at=NOW), "deadline": Deadline.after(hour, 3 * HOUR, "default")},
            "c7": {"deadline": None, "rank": 9},
        }
        for case_id in sorted(cases, reverse=True):
            waiting(store, case_id, **cases[case_id])
        for limit in (1, 3, 50):
            assert ids(store, limit) == sorted(cases)

    def test_each_filter_gives_its_cases_and_no_other(self, store: Store) -> None:
        """By kind, trade, category, evidence, lane, amount and lateness, alone and together, in pages of any size."""
        waiting(store, "plain")
        waiting(store, "return", kind=Kind.RETURN_REFUND, vertical="another", category="书#1%")
        waiting(store, "doubt", has_files=True, decision=DOUBT, lane=Lane.DIFFICULT)
        waiting(store, "shown", has_files=True, amount=600_000, lane=Lane.LEGAL)
        waiting(store, "late", pledge=late(NOW), amount=600_000)
        waiting(store, "second", state=State.SECOND_REVIEW)
        waiting(store, "theirs", merchant="m2")
        tables: list[tuple[dict[str, Any], set[str]]] = [
            ({}, {"plain", "return", "doubt", "shown", "late"}),
            ({"kind": "return_refund"}, {"return"}),
            ({"vertical": "another"}, {"return"}),
            ({"category": "书#1%"}, {"return"}),
            ({"category": "书"}, set()),
            ({"evidence": "none"}, {"plain", "return", "late"}),
            ({"evidence": "doubtful"}, {"doubt"}),
            ({"evidence": "fine"}, {"shown"}),
            ({"lane": "ordinary"}, {"plain", "return", "late"}),
            ({"lane": "legal", "evidence": "fine"}, {"shown"}),
            ({"lane": "legal", "evidence": "none"}, set()),
            ({"late": True}, {"late"}),
            ({"min_minor": 600_000}, {"shown", "late"}),
            ({"min_minor": 600_001}, set()),
            ({"max_minor": 1989}, set()),
            ({"min_minor": 1990, "max_minor": 1990}, {"plain", "return", "doubt"}),
            ({"state": State.SECOND_REVIEW}, {"second"}),
        ]
        for asked, expected in tables:
            for limit in (1, 2, 50):
                assert sorted(ids(store, limit, **asked)) == sorted(expected), asked

    def test_a_filter_is_true_of_the_case_as_it_is_now(self, store: Store) -> None:
        """A case that was put into another lane is found there and no longer where it was."""
        case = waiting(store, "c1")
        store.commit(Change(replace(case, lane=Lane.LEGAL)))
        assert (ids(store, lane="legal"), ids(store, lane="ordinary")) == (["c1"], [])

    def test_a_clerk_finds_what_they_claimed_in_any_state(self, store: Store) -> None:
        """A desk holds one clerk's cases of one merchant; a claim that is too old is nobody's; a closed case is on no desk."""
        waiting(store, "c1", clerk="li#1", claimed_at=NOW)
        waiting(store, "c2", clerk="li#1", claimed_at=NOW, state=State.SECOND_REVIEW)
        waiting(store, "c3", clerk="li#1", claimed_at=NOW - 8 * HOUR)
        waiting(store, "c4", clerk="wang", claimed_at=NOW)
        waiting(store, "c5", clerk="li#1", claimed_at=NOW, merchant="m2")
        waiting(store, "c6")
        since = {"claims_since": NOW - 8 * HOUR}
        for limit in (1, 50):
            assert sorted(ids(store, limit, state="", clerk="li#1", **since)) == ["c1", "c2"]
            assert ids(store, limit, clerk="li#1", **since) == ["c1"]
            assert sorted(ids(store, limit, clerk=queue.NOBODY, **since)) == ["c3", "c6"]
        assert sorted(ids(store, state="", clerk="li#1")) == ["c1", "c2", "c3"]

    def test_counters_are_a_merchants_and_move_with_what_was_counted(self, store: Store) -> None:
        """What is added and taken shows in the sums; nothing is added twice for one version, or without what goes with it."""
        for case_id in ("c1", "c2", "c3"):
            counted = Counted(case_id, "m#1", 1, ("reviewing", "reviewing/clerk/王/1"))
            store.commit(Change(counted=counted, shift=Shift("m#1", case_id, dict.fromkeys(counted.buckets, 1))))
        assert store.find(CountsOf("m#1")).found == (Counts("m#1", {"reviewing": 3, "reviewing/clerk/王/1": 3}),)
        assert store.find(CountsOf("m")).found == (Counts("m"),)
        known = store.find(CountedOf("c1")).found[0]
        assert (known.seen, known.buckets, known.version) == (1, ("reviewing", "reviewing/clerk/王/1"), 1)
        gone = Change(counted=replace(known, seen=2, buckets=()), shift=Shift("m#1", "c1", dict.fromkeys(known.buckets, -1)))
        store.commit(gone)
        refused(store, gone, StaleVersion)
        assert store.find(CountsOf("m#1")).found[0].sums == {"reviewing": 2, "reviewing/clerk/王/1": 2}
        assert store.find(CountedOf("c9")).found == ()
