"""The kit for merchants' rules in a Store: versions that never change, the book of when they are in force, cases for a trial."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aftersales.case import Ending, State
from aftersales.change import Change
from aftersales.errors import StaleVersion
from aftersales.money import Money
from aftersales.ports import Store
from aftersales.query import ClosedOf, OfMerchant, RulebookOf, RuleSetNamed, RuleSetsOf
from aftersales.ruling import standard
from aftersales.ruling.book import Rulebook
from aftersales.ruling.table import RuleSet
from aftersales.testing.builders import NOW, a_case
from aftersales.testing.store_contract import refused


def a_set(version: int = 1, merchant: str = "m1") -> RuleSet:
    """A version of a merchant's rules."""
    return RuleSet.of(standard.table(), merchant, version, "admin:li", f"note {version}", NOW, NOW)


class RulesContract:
    """What every Store keeps about rules; a subclass gives the fixture ``store``, empty."""

    def test_versions_come_back_newest_first_and_merchants_are_apart(self, store: Store) -> None:
        """Each version is kept whole beside the others, page by page; another merchant has none of them."""
        book = Rulebook("m#1")
        assert store.find(RulebookOf("m#1")).found == ()
        for version in (1, 2, 3):
            store.commit(Change(rulebook=book.written(NOW), rules=a_set(version, "m#1")))
            book = store.find(RulebookOf("m#1")).found[0]
            assert (book.version, book.at(NOW)) == (version, version)
        first = store.find(RuleSetsOf("m#1"), None, 2)
        assert first.found == (a_set(3, "m#1"), a_set(2, "m#1"))
        assert store.find(RuleSetsOf("m#1"), first.cursor, 2).found == (a_set(1, "m#1"),)
        assert store.find(RuleSetNamed("m#1", 2)).found == (a_set(2, "m#1"),)
        assert store.find(RulebookOf("m")).found == ()
        assert store.find(RuleSetsOf("m")).found == ()
        assert store.find(RuleSetNamed("m", 1)).found == store.find(RuleSetNamed("m#1", 4)).found == ()

    def test_of_two_who_write_rules_at_once_one_begins_anew(self, store: Store) -> None:
        """The second of two writers of a version is refused, and a stored version is never overwritten."""
        book = Rulebook("m1").written(NOW)
        store.commit(Change(rulebook=book, rules=a_set()))
        other = replace(a_set(), note="another")
        assert refused(store, Change(rulebook=book, rules=other), StaleVersion).details["version"] == 1
        refused(store, Change(rules=other), StaleVersion)
        assert store.find(RuleSetNamed("m1", 1)).found == (a_set(),)

    def test_cases_that_ended_without_a_refund_are_found_by_month(self, store: Store) -> None:
        """A rejected case leaves the queue and is found in the month of its opening; one that was refunded is found by that.

        Where nothing was owed no refund is there to find it by.
        """
        for number, ending in enumerate((Ending.REJECTED, Ending.REFUNDED, None)):
            state = State.REVIEWING if ending is None else State.CLOSED
            case = a_case(case_id=f"c{number}", state=state, ending=ending, opened_at=NOW - timedelta(hours=number))
            store.commit(Change(case))
        earlier = NOW - timedelta(hours=9)
        nothing = a_case(case_id="c9", state=State.CLOSED, ending=Ending.REFUNDED, amount=Money(0, "CNY"), opened_at=earlier)
        store.commit(Change(nothing))
        assert [c.case_id for c in store.find(ClosedOf("m1", f"{NOW:%Y-%m}")).found] == ["c9", "c0"]
        assert store.find(ClosedOf("m1", "2020-01")).found == ()
        assert store.find(ClosedOf("m2", f"{NOW:%Y-%m}")).found == ()
        assert [c.case_id for c in store.find(OfMerchant("m1", State.REVIEWING)).found] == ["c2"]
