"""The kit for a Store under many threads: no update is lost, and no race sends more money back than was paid."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

from aftersales.case import Event, Item
from aftersales.change import Change
from aftersales.errors import AftersalesError, StaleVersion
from aftersales.ledger import Ledger, Leg
from aftersales.money import Money
from aftersales.order import Freight
from aftersales.ports import Store
from aftersales.query import AnswerTo, RefundsOf, StepsOf
from aftersales.testing.builders import NOW, a_case, a_line, a_refund, a_spend
from aftersales.testing.store_contract import an_answer, opened, pushed, stored

#: Each loser of a race reads again and tries again; so many are never lost in a row.
ATTEMPTS = 200


def at_once(works: Iterable[Callable[[], object]]) -> Counter[str]:
    """Run all of them at the same moment; how many returned (``ok``), and how many raised which error of ours."""
    works = list(works)
    gate = Barrier(len(works))

    def run(work: Callable[[], object]) -> str:
        gate.wait(timeout=30)
        try:
            work()
        except AftersalesError as error:
            return type(error).__name__
        return "ok"

    with ThreadPoolExecutor(len(works)) as pool:
        return Counter(pool.map(run, works))


def tried_again(work: Callable[[], None]) -> None:
    """Do it, begun anew while somebody else changes what it read."""
    for _ in range(ATTEMPTS):
        try:
            return work()
        except StaleVersion:
            time.sleep(random.uniform(0, 0.02))  # noqa: S311  # spreads contenders, nothing secret
    raise AssertionError("it never got through")


class RaceContract:
    """What every Store keeps for many callers at once; a subclass gives the fixture ``store``, empty."""

    def test_one_of_eight_writes_a_version(self, store: Store) -> None:
        """Eight threads change the same version of a ledger: one wins, seven are told."""
        file = pushed(store)
        for version in range(1, 6):
            ledger = replace(file.ledger, version=version)
            assert at_once([partial(store.commit, Change(ledger=ledger))] * 8) == {"ok": 1, "StaleVersion": 7}

    def test_several_changes_are_one_for_everybody(self, store: Store) -> None:
        """Eight threads write the same three cases together, in other orders: one writes all of them, seven none."""
        cases = [opened(store, case_id=f"c{n}") for n in range(3)]
        changes = [Change(case).then(Event.MESSAGE_SENT, "clerk:c1", NOW, text="hello") for case in cases]
        works = [partial(store.commit_all, changes[n % 3 :] + changes[: n % 3]) for n in range(8)]
        assert at_once(works) == {"ok": 1, "StaleVersion": 7}
        assert [stored(store, case.case_id).case.version for case in cases] == [2, 2, 2]

    def test_one_of_eight_moves_a_case(self, store: Store) -> None:
        """Eight threads withdraw the same case: one step is on record."""
        change = Change(opened(store)).then(Event.WITHDRAWN, "buyer:b1", NOW)
        assert at_once([partial(store.commit, change)] * 8) == {"ok": 1, "StaleVersion": 7}
        assert len(store.find(StepsOf("c1")).found) == 2

    def test_one_of_eight_takes_a_name(self, store: Store) -> None:
        """Eight cases claim one waybill at once: one has it."""
        cases = [opened(store, case_id=f"c{n}") for n in range(8)]
        took = at_once(partial(store.commit, Change(case, claims=("waybill#sf#1",))) for case in cases)
        assert took["ok"] == 1
        assert sum(stored(store, case.case_id).case.version == 2 for case in cases) == 1
        assert took["ClaimTaken"] + took["StaleVersion"] == 7  # a store may also say that somebody is at it right now

    def test_one_of_eight_same_requests_has_an_effect(self, store: Store) -> None:
        """The same request eight times at once opens one case, and its answer is there for all."""
        changes = [replace(Change.opened(a_case(case_id=f"c{n}"), "buyer:b1", NOW), answer=an_answer()) for n in range(8)]
        assert at_once(partial(store.commit, change) for change in changes)["ok"] == 1
        assert sum(store.case(f"c{n}") is not None for n in range(8)) == 1
        assert store.find(AnswerTo("m1/buyer:b1", "k1", NOW)).found == (an_answer(),)

    def test_no_race_refunds_more_than_was_paid(self, store: Store) -> None:
        """Twenty-one threads ask for ten per cent of the freight each: ten get it, and exactly what was paid is reserved."""
        file = pushed(store, lines=(a_line(unit_price_minor=0),), freight=Freight(1000))
        leg = Leg(file.ledger.payments[0], 0, 100, 0)

        def reserve(case_id: str) -> None:
            ledger = _ledger(store).reserve(f"R{case_id}-1", case_id, leg, NOW)
            store.commit(Change(ledger=ledger))

        assert at_once(partial(tried_again, partial(reserve, f"c{n}")) for n in range(21)) == {"ok": 10, "OverRefund": 11}
        ledger = _ledger(store)
        assert ledger.spent == ledger.paid == Money(1000, "CNY")
        assert ledger.version == 1 + 10

    def test_no_race_refunds_a_piece_twice(self, store: Store) -> None:
        """Twelve cases want one of ten pieces each: ten get one, all different, and what they are worth is what was paid."""
        file = pushed(store, lines=(a_line(pieces=10, unit_price_minor=333),))
        leg = Leg(file.ledger.payments[0], 333, 0, 0)

        def take(case_id: str) -> None:
            held, _ = _ledger(store).hold(case_id, (Item("l1", 1),))
            store.commit(Change(ledger=held.reserve(f"R{case_id}-1", case_id, leg, NOW)))

        assert at_once(partial(tried_again, partial(take, f"c{n}")) for n in range(12)) == {"ok": 10, "PiecesTaken": 2}
        ledger = _ledger(store)
        assert sorted(units for hold in ledger.holds for units in hold.units) == [(n, n + 1) for n in range(10)]
        assert ledger.spent == ledger.paid

    def test_no_race_spends_more_than_the_allowance(self, store: Store) -> None:
        """Twelve threads spend a tenth of a yearly cap each: ten get it, and exactly the cap is spent."""

        def spend(case_id: str, minor: int = 100) -> None:
            store.commit(Change(refunds=(a_refund(case_id=case_id),), spends=(a_spend(minor),)))

        took = at_once(partial(tried_again, partial(spend, f"c{n}")) for n in range(12))
        assert took == {"ok": 10, "AllowanceSpent": 2}
        assert at_once([partial(spend, "c12", 1)]) == {"AllowanceSpent": 1}
        assert len(store.find(RefundsOf("m1", "2026-11")).found) == 10

    def test_no_race_gives_back_more_than_was_spent(self, store: Store) -> None:
        """Eight threads give back half of what was spent each: the allowance is whole again, and not larger."""

        def spend(case_id: str, minor: int) -> None:
            store.commit(Change(refunds=(a_refund(case_id=case_id),), spends=(a_spend(minor),)))

        spend("c8", 500)
        assert at_once(partial(tried_again, partial(spend, f"c{n}", -250)) for n in range(8)) == {"ok": 8}
        assert at_once([partial(spend, "c9", 1001)]) == {"AllowanceSpent": 1}
        spend("c9", 1000)


def _ledger(store: Store) -> Ledger:
    file = store.order("m1", "o1")
    assert file
    return file.ledger
