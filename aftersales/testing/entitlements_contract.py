"""The contract of every source of entitlements: what it answers in each state, beside what every one that holds keeps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import pytest

from aftersales.fact import Plain
from aftersales.testing.builders import NOW
from aftersales.testing.entitlements import Sold, subject_of
from aftersales.testing.source import HoldingBench, HoldingContract


class EntitlementsBench(HoldingBench, Protocol):
    """A source of entitlements under test. ``sell`` brings them about in the system behind it."""

    def sell(self, sold: Sold) -> None:
        """Let there be this entitlement, used, begun or ended as it says (no lock)."""

    def use_one(self, one: str) -> bool:
        """Somebody uses that one; False when it cannot be used."""


YESTERDAY = NOW - timedelta(days=1)

#: What is sold, how many pieces go back, and what is answered.
ANSWERS: dict[str, tuple[tuple[Sold, ...], int, str, dict[str, Plain]]] = {
    "unused": ((Sold("a"),), 1, "unused", {"left": "1/1", "ids": "a", "later": 0}),
    "3 of 10 used": ((Sold("a", 10, 3, YESTERDAY),), 1, "partly_used", {"left": "7/10"}),
    "used": ((Sold("a", 1, 1, YESTERDAY),), 1, "used", {"left": "0/1"}),
    "a membership that runs": ((Sold("a", since=YESTERDAY),), 1, "active", {"left": "1/1"}),
    "expired": ((Sold("a", expires_at=YESTERDAY),), 1, "expired", {"left": "1/1"}),
    "a later renewal": ((Sold("a", later=1),), 1, "unused", {"later": 1}),
    "the unused one of two": ((Sold("a", 1, 1, YESTERDAY), Sold("b")), 1, "unused", {"ids": "b"}),
    "both, one used": ((Sold("a", 1, 1, YESTERDAY), Sold("b")), 2, "partly_used", {"ids": "b a", "left": "1/1 0/1"}),
    "the one with most left": ((Sold("a", 4, 3, YESTERDAY), Sold("b", 4, 1, YESTERDAY)), 1, "partly_used", {"left": "3/4"}),
    "one runs, one is new": ((Sold("a", since=YESTERDAY), Sold("b")), 2, "unclear", {"why": "mixed"}),
}


class EntitlementsContract(HoldingContract):
    """What every source of entitlements keeps, beside what every one that holds does."""

    @pytest.mark.parametrize("case", ANSWERS)
    def test_it_answers_in_words_that_rules_know(self, bench: EntitlementsBench, case: str) -> None:
        """Each state of what was sold has one status and the figures that go with it, asked about or kept."""
        sold, pieces, status, data = ANSWERS[case]
        for one in sold:
            bench.sell(one)
        subject = subject_of(" ".join(one.id for one in sold), pieces=pieces)
        for found in (bench.source.ask(subject, NOW), bench.source.hold(subject, NOW)):
            assert (found.source, found.line_id, found.status) == ("entitlements", "l1", status)
            assert {name: found.get(name) for name in data} == data
            assert [name for name, _ in found.data] == sorted(name for name, _ in found.data)

    def test_instants_are_told(self, bench: EntitlementsBench) -> None:
        """When it was used, began and ran out is told as an instant with an offset."""
        for sold in (Sold("a", 1, 1, YESTERDAY), Sold("b", since=YESTERDAY), Sold("c", expires_at=YESTERDAY)):
            bench.sell(sold)
        for one, name in (("a", "used_at"), ("b", "since"), ("c", "expired_at")):
            told = bench.source.ask(subject_of(one), NOW).get(name)
            assert datetime.fromisoformat(str(told)) == YESTERDAY.replace(microsecond=0)

    @pytest.mark.parametrize(
        ("ids", "pieces", "line_pieces", "why"),
        [
            ("", 1, 1, "no_id"),
            ("a", 1, 2, "not_one_each"),
            ("a a", 1, 2, "not_one_each"),
            ("a", 2, 1, "not_one_each"),
            ("a nobodys", 1, 2, "not_found"),
        ],
    )
    def test_what_is_not_clear_is_said(self, bench: EntitlementsBench, ids: str, pieces: int, line_pieces: int, why: str) -> None:
        """Nothing is guessed where a line does not name one known entitlement for each piece, and nothing stays kept for it."""
        bench.sell(Sold("a"))
        subject = subject_of(ids, pieces=pieces, line_pieces=line_pieces)
        for found in (bench.source.ask(subject, NOW), bench.source.hold(subject, NOW)):
            assert (found.status, found.get("why")) == ("unclear", why)
        bench.source.release(subject, NOW)
        assert bench.use_one("a")

    def test_two_cases_keep_two_of_one_line(self, bench: EntitlementsBench) -> None:
        """Each case keeps and voids as many as it has pieces, and never those of another one."""
        for one in "abc":
            bench.sell(Sold(one))
        first, second = subject_of("a b c", "k1"), subject_of("a b c", "k2", pieces=2)
        assert bench.source.hold(first, NOW).get("ids") == "a"
        assert bench.source.hold(second, NOW).get("ids") == "b c"
        bench.source.consume(first, NOW)
        bench.source.release(second, NOW)
        assert [bench.use_one(one) for one in "abc"] == [False, True, True]

    def test_what_is_left_is_void_and_what_was_used_stays(self, bench: EntitlementsBench) -> None:
        """Of a line of which one was used, the others can still be kept and made void; what is left counts those alone."""
        bench.sell(Sold("a", 1, 1, YESTERDAY))
        bench.sell(Sold("b"))
        subject = subject_of("a b", pieces=2)
        kept = bench.source.hold(subject, NOW)
        assert (kept.held, kept.get("left")) == (True, "1/1 0/1")
        bench.source.consume(subject, NOW)
        bench.source.consume(subject, NOW)
        assert not bench.use_one("b")

    def test_what_somebody_else_keeps_is_locked(self, bench: EntitlementsBench) -> None:
        """An entitlement kept under another key is neither unused nor used: its status is that it is locked."""
        bench.sell(Sold("a"))
        bench.source.hold(subject_of("a", "k1"), NOW)
        assert bench.source.hold(subject_of("a", "k2"), NOW).status == "locked"
        assert bench.source.ask(subject_of("a", "k2"), NOW).status == "locked"
        assert bench.source.ask(subject_of("a", "k1"), NOW).status == "unused"
