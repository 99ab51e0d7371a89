"""The kit for finding money again: orders by their payment, refunds by month and by day.

A subclass gives the fixture ``store``: a Store with nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aftersales.change import Change
from aftersales.entry import Payout
from aftersales.ledger import Hold, Taken
from aftersales.ports import Store
from aftersales.query import OrdersOfPayment, RefundsOf, RefundsOn
from aftersales.refund import Cause, Refund
from aftersales.testing.builders import NOW, a_ledger, a_payment, a_refund, an_order
from aftersales.testing.store_contract import pushed
from aftersales.testing.store_queries import everything, invalid

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
DAY = date(2026, 11, 20)

#: When 20 November 2026 ends in Beijing.
MIDNIGHT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def refund(store: Store, case_id: str, reserved_at: datetime, **changes: Any) -> Refund:
    """A leg reserved then, as it is stored."""
    leg = a_refund(case_id=case_id, reserved_at=reserved_at, **changes)
    store.commit(Change(refunds=(leg,)))
    return replace(leg, version=1)


def cases(found: Iterable[Refund]) -> list[str]:
    """Whose legs were found, in this order."""
    return [leg.case_id for leg in found]


class RefundContract:
    """What every Store finds of payments and refunds; a subclass gives the fixture ``store``, empty."""

    # --- whose payment it was -----------------------------------------------------------------------------------------
    def test_a_payment_finds_its_orders(self, store: Store) -> None:
        """Several orders may be paid at once, one order several times; another channel's same number is another payment."""
        shared, own = a_payment(payment_id="p1", paid_minor=9000), a_payment(payment_id="p2", transaction_id="42#2", paid_minor=950)
        pushed(store, order_id="o1", payments=(shared, own))
        pushed(store, order_id="o#2", merchant="m2")
        pushed(store, order_id="o3", payments=(a_payment(channel="alipay"),))
        for limit in (1, 50):
            found = everything(store, OrdersOfPayment("wechatpay", shared.transaction_id), limit)
            assert sorted(found) == [("m1", "o1"), ("m2", "o#2")]
        assert everything(store, OrdersOfPayment("wechatpay", "42#2")) == [("m1", "o1")]
        assert everything(store, OrdersOfPayment("alipay", shared.transaction_id)) == [("m1", "o3")]
        for channel, number in (("wechatpay", "42"), ("stripe", shared.transaction_id), ("wechatpay", "")):
            assert everything(store, OrdersOfPayment(channel, number)) == []

    def test_a_payment_named_twice_is_one(self, store: Store) -> None:
        """An order that names one payment of a channel in two parts is found once."""
        pushed(store, payments=(a_payment(paid_minor=9000), a_payment(payment_id="p2", paid_minor=950)))
        assert everything(store, OrdersOfPayment("wechatpay", a_payment().transaction_id)) == [("m1", "o1")]

    def test_a_payment_that_changed_is_found_anew(self, store: Store) -> None:
        """An order that is pushed with another payment is found by that one, and no longer by the old one."""
        pushed(store)
        order = an_order(payments=(a_payment(transaction_id="4299"),))
        store.commit(Change(order=replace(order, version=1), ledger=a_ledger(order, version=1)))
        assert everything(store, OrdersOfPayment("wechatpay", "4299")) == [("m1", "o1")]
        assert everything(store, OrdersOfPayment("wechatpay", a_payment().transaction_id)) == []

    def test_what_a_case_that_is_over_took_comes_back(self, store: Store) -> None:
        """A ledger keeps what was given back for pieces that are free again, nothing included."""
        file = pushed(store)
        holds = (Hold("c1", "l1", ((0, 3),), (Taken(0, 1, 0, 0), Taken(1, 3, 1990, 7))), Hold("c2", "l1", ((3, 4),)))
        store.commit(Change(ledger=replace(file.ledger, holds=holds)))
        again = store.order("m1", "o1")
        assert again
        assert again.ledger.holds == holds

    # --- refunds by month and by day ----------------------------------------------------------------------------------
    def test_a_month_finds_its_refunds_oldest_first(self, store: Store) -> None:
        """All of a merchant's legs of a calendar month in UTC, by when they were reserved; compensation is among them."""
        start, stop = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
        at = {"c1": start, "c2": stop - TICK, "c3": NOW, "c4": NOW - HOUR, "c5": start - TICK, "c6": stop}
        for case_id, reserved_at in at.items():
            refund(store, case_id, reserved_at, payout=Payout.COMPENSATION if case_id == "c4" else Payout.REFUND)
        refund(store, "x1", NOW, merchant="m2")
        refund(store, "x2", NOW, merchant="m1#2026-11")
        for limit in (1, 2, 50):
            assert cases(everything(store, RefundsOf("m1", "2026-11"), limit)) == ["c1", "c4", "c3", "c2"]
        assert cases(everything(store, RefundsOf("m1", "2026-10"))) == ["c5"]
        assert cases(everything(store, RefundsOf("m1", "2026-12"))) == ["c6"]
        assert everything(store, RefundsOf("m1", "")) == []

    def test_a_list_gives_whole_refunds_as_they_are_now(self, store: Store) -> None:
        """What was accepted, replaced or refused since is seen with all its fields."""
        first = refund(store, "c1", NOW)
        full = replace(
            first, cause=Cause.BOUNCED, replaces="Rc1-0", payout=Payout.COMPENSATION, channel_id="50", account="工商银行",
            payer_minor=0, accepted_at=NOW + TICK, settled_at=NOW + HOUR, overdue=True, looks=3, deadline=None,
        )  # fmt: skip
        store.commit(Change(refunds=(full,)))
        assert store.find(RefundsOf("m1", "2026-11")).found == store.find(RefundsOn("wechatpay", DAY)).found
        assert store.find(RefundsOf("m1", "2026-11")).found == (replace(full, version=2),)

    def test_a_day_is_beijings(self, store: Store) -> None:
        """A channel's day ends at 16:00 UTC; another channel's refunds are not in it, every merchant's are."""
        refund(store, "c1", MIDNIGHT - TICK, merchant="m2")
        refund(store, "c2", MIDNIGHT)
        refund(store, "c3", MIDNIGHT - 24 * HOUR)
        refund(store, "c4", MIDNIGHT - 24 * HOUR - TICK)
        refund(store, "x1", NOW, channel="alipay")
        for limit in (1, 50):
            assert sorted(cases(everything(store, RefundsOn("wechatpay", DAY), limit))) == ["c1", "c3"]
        assert cases(everything(store, RefundsOn("wechatpay", date(2026, 11, 21)))) == ["c2"]
        assert cases(everything(store, RefundsOn("alipay", DAY))) == ["x1"]

    def test_acceptance_decides_the_day(self, store: Store) -> None:
        """Reserved before midnight and accepted after it, a refund belongs to the next day alone; its month stays."""
        late = refund(store, "c1", MIDNIGHT - TICK)
        assert cases(everything(store, RefundsOn("wechatpay", DAY))) == ["c1"]
        store.commit(Change(refunds=(replace(late, accepted_at=MIDNIGHT),)))
        assert everything(store, RefundsOn("wechatpay", DAY)) == []
        assert cases(everything(store, RefundsOn("wechatpay", date(2026, 11, 21)))) == ["c1"]
        assert cases(everything(store, RefundsOf("m1", "2026-11"))) == ["c1"]

    def test_a_busy_day_loses_nothing(self, store: Store) -> None:
        """A hundred and twenty refunds in pages of any size: each once, by day and by month."""
        for start in range(0, 120, 40):
            legs = (a_refund(case_id=f"c{n:03}", reserved_at=NOW + ((n * 7) % 120) * TICK) for n in range(start, start + 40))
            store.commit(Change(refunds=tuple(legs)))
        for limit in (7, 50, 500):
            day, month = (everything(store, q, limit) for q in (RefundsOn("wechatpay", DAY), RefundsOf("m1", "2026-11")))
            assert sorted(cases(day)) == [f"c{n:03}" for n in range(120)]
            assert [r.reserved_at for r in month] == [NOW + n * TICK for n in range(120)]

    def test_a_page_goes_on_while_refunds_come_and_go(self, store: Store) -> None:
        """A refund that is accepted, or added behind, between two pages makes no other one be lost or shown twice."""
        legs = [refund(store, f"c{n}", NOW + n * TICK) for n in range(6)]
        for query in (RefundsOf("m1", "2026-11"), RefundsOn("wechatpay", DAY)):
            first = store.find(query, None, 3)
            store.commit(Change(refunds=(replace(first.found[-1], accepted_at=NOW + HOUR),)))
            rest = everything(store, query, cursor=first.cursor)
            assert sorted(cases([*first.found, *rest])) == [leg.case_id for leg in legs]

    def test_a_cursor_is_of_its_month_and_day(self, store: Store) -> None:
        """A cursor of another merchant's month, or of another day, is Invalid."""
        for n in range(3):
            refund(store, f"c{n}", NOW)
        month, day = (store.find(q, None, 1).cursor for q in (RefundsOf("m1", "2026-11"), RefundsOn("wechatpay", DAY)))
        assert month
        assert day
        assert invalid(store, RefundsOf("m2", "2026-11"), month)
        assert invalid(store, RefundsOn("wechatpay", DAY + timedelta(days=1)), day)
