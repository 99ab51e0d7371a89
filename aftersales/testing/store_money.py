"""The kit for what a Store keeps beside orders and cases: tickets, reports and yearly allowances.

A subclass gives the fixture ``store``: a Store with nothing in it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from aftersales.change import Change
from aftersales.entry import Payout
from aftersales.errors import AllowanceSpent, ClaimTaken, IdempotencyMismatch, StaleVersion
from aftersales.ports import Store
from aftersales.query import RefundsOf, ReportsOf, SpentOf, TicketNamed, TicketsOf
from aftersales.testing.builders import NOW, a_refund, a_report, a_spend, a_ticket
from aftersales.testing.store_contract import an_answer, pushed, refused
from aftersales.testing.store_queries import everything, invalid
from aftersales.ticket import Spend, TicketKind

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
DAY = date(2026, 11, 20)


def spent(store: Store, *spends: Spend, number: int) -> None:
    """Store a leg of that number, with what it counts against."""
    store.commit(Change(refunds=(a_refund(number=number, payout=Payout.COMPENSATION),), spends=spends))


def left(store: Store, number: int = 99, **changes: Any) -> int:
    """What the allowance still covers, as an impossible spend is told. Nothing is stored by asking."""
    change = Change(refunds=(a_refund(number=number),), spends=(a_spend(10**9, **changes),))
    return int(refused(store, change, AllowanceSpent).details["left_minor"])


class MoneyContract:
    """What every Store keeps and finds about money; a subclass gives the fixture ``store``, empty."""

    # --- tickets ------------------------------------------------------------------------------------------------------
    def test_a_ticket_comes_back(self, store: Store) -> None:
        """All its fields come back by its id; an unknown id finds nothing."""
        full = a_ticket(
            kind=TicketKind.CHARGEBACK, order_id="o#1", case_id="c1", key="Rc1-1", channel="stripe", channel_id="du_1",
            amount_minor=1990, currency="CNY", about={"text": "银行退单", "sum": 3, "sure": True, "none": None, "zero": 0},
            seen_at=NOW + TICK, closed_at=NOW + HOUR, closed_by="clerk:wang", resolution="已补发",
        )  # fmt: skip
        store.commit(Change(tickets=(full, a_ticket(ticket_id="T#2"))))
        assert store.find(TicketNamed(full.ticket_id)).found == (replace(full, version=1),)
        assert store.find(TicketNamed("T#2")).found == (a_ticket(ticket_id="T#2", version=1),)
        assert store.find(TicketNamed("T")).found == ()

    def test_tickets_and_reports_have_versions(self, store: Store) -> None:
        """A second first time and a change of what was changed meanwhile are refused with the stored version."""
        for new in (Change(tickets=(a_ticket(),)), Change(reports=(a_report(),))):
            store.commit(new)
            assert refused(store, new, StaleVersion).details["version"] == 1
        (ticket,), (report,) = store.find(TicketNamed("T-Rc1-1")).found, store.find(ReportsOf("m1", DAY, DAY)).found
        for change in (Change(tickets=(ticket,)), Change(reports=(report,))):
            store.commit(change)
            assert refused(store, change, StaleVersion).details["version"] == 2
        assert refused(store, Change(tickets=(a_ticket(ticket_id="T2", version=4),)), StaleVersion).details["version"] == 0

    def test_a_refused_change_opens_no_ticket(self, store: Store) -> None:
        """Ticket, report and spend become true with their change, or not at all."""
        file = pushed(store)
        store.commit(Change(ledger=file.ledger))
        change = Change(ledger=file.ledger, tickets=(a_ticket(),), reports=(a_report(),), spends=(a_spend(),))
        refused(store, change, StaleVersion)
        assert store.find(TicketNamed("T-Rc1-1")).found == store.find(TicketsOf("m1")).found == ()
        assert store.find(ReportsOf("m1", DAY, DAY)).found == ()
        assert left(store) == 1000

    def test_open_tickets_come_oldest_first(self, store: Store) -> None:
        """A merchant sees its own, "" is nobody's; a closed one moves to the closed, reopened it is back at its place."""
        ages = {"T1": 2, "T2": 5, "T3": 0, "T4": 3}
        store.commit(Change(tickets=tuple(a_ticket(ticket_id=name, opened_at=NOW - age * HOUR) for name, age in ages.items())))
        nobodys = a_ticket(ticket_id="N1", merchant="")
        others = (a_ticket(ticket_id="X1", merchant="m2"), a_ticket(ticket_id="X2", merchant="m1#open"))
        store.commit(Change(tickets=(nobodys, *others)))
        for limit in (1, 2, 50):
            assert [t.ticket_id for t in everything(store, TicketsOf("m1"), limit)] == ["T2", "T4", "T1", "T3"]
        assert store.find(TicketsOf("")).found == (replace(nobodys, version=1),)
        closed = replace(a_ticket(ticket_id="T4", opened_at=NOW - 3 * HOUR), version=1).closed("clerk:wang", "arrived", NOW)
        store.commit(Change(tickets=(closed,)))
        assert [t.ticket_id for t in everything(store, TicketsOf("m1"))] == ["T2", "T1", "T3"]
        assert store.find(TicketsOf("m1", is_open=False)).found == (replace(closed, version=2),)
        store.commit(Change(tickets=(replace(closed, version=2, closed_at=None),)))
        assert [t.ticket_id for t in everything(store, TicketsOf("m1"))] == ["T2", "T4", "T1", "T3"]
        assert store.find(TicketsOf("m1", is_open=False)).found == store.find(TicketsOf("", is_open=False)).found == ()

    # --- reports ------------------------------------------------------------------------------------------------------
    def test_a_report_comes_back(self, store: Store) -> None:
        """All its fields come back, also what is false or nothing."""
        full = a_report(
            ours=3, ours_minor=10**15, theirs=2, theirs_minor=9, matched=1, matched_minor=7, at_midnight=1, to_query=2,
            billed=False, differences={"ours_only": 1, "amount": 0}, tickets=tuple(f"T{n}" for n in range(200)), runs=4,
            stale=True,
        )  # fmt: skip
        store.commit(Change(reports=(full, a_report(merchant="", currency="JPY"))))
        assert store.find(ReportsOf("m1", DAY, DAY)).found == (replace(full, version=1),)
        assert store.find(ReportsOf("", DAY, DAY)).found == (a_report(merchant="", currency="JPY", version=1),)

    def test_reports_come_by_day_and_channel(self, store: Store) -> None:
        """First and last day are included; each day, channel and currency has a report of its own."""
        days = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 9), date(2026, 11, 30), date(2026, 12, 1)]
        given = [a_report(day=day, channel=name) for day in days for name in ("wechatpay", "alipay")]
        store.commit(Change(reports=(*given, a_report(day=days[2], channel="alipay", currency="JPY"), a_report(merchant="m2"))))
        expected = [(days[1], "alipay"), (days[1], "wechatpay"), (days[2], "alipay"), (days[2], "alipay"), (days[2], "wechatpay")]
        expected += [(days[3], "alipay"), (days[3], "wechatpay")]
        for limit in (1, 3, 50):
            found = everything(store, ReportsOf("m1", days[1], days[3]), limit)
            assert [(r.day, r.channel) for r in found] == expected
            assert {r.currency for r in found} == {"CNY", "JPY"}
        assert everything(store, ReportsOf("m1", days[3] + timedelta(days=2), days[3] + timedelta(days=9))) == []
        assert everything(store, ReportsOf("m1", days[3], days[1])) == []

    # --- allowances ---------------------------------------------------------------------------------------------------
    def test_an_allowance_is_spent_to_the_minor_unit(self, store: Store) -> None:
        """The cap itself is fine, one minor unit above it is not; who is refused is told what is left, and stores nothing."""
        spent(store, a_spend(300), number=1)
        spent(store, a_spend(699), number=2)
        change = Change(refunds=(a_refund(number=3),), spends=(a_spend(2),))
        assert refused(store, change, AllowanceSpent).details["left_minor"] == 1
        assert sorted(r.number for r in store.find(RefundsOf("m1", "2026-11")).found) == [1, 2]
        spent(store, a_spend(1), number=3)
        assert refused(store, replace(change, refunds=(a_refund(number=4),)), AllowanceSpent).details["left_minor"] == 0

    def test_the_first_spend_may_not_exceed_the_cap_either(self, store: Store) -> None:
        """An allowance that nobody used yet is not without limits."""
        assert refused(store, Change(refunds=(a_refund(),), spends=(a_spend(1001),)), AllowanceSpent).details["left_minor"] == 1000
        spent(store, a_spend(1000), number=1)

    def test_a_lowered_cap_is_told_as_nothing_left(self, store: Store) -> None:
        """Whoever spent more than is now allowed has nothing left, never less than nothing."""
        spent(store, a_spend(800), number=1)
        assert left(store, cap_minor=500) == 0

    def test_giving_back_frees_the_allowance(self, store: Store) -> None:
        """A negative spend gives back, above the cap too, and never more than was spent."""
        spent(store, a_spend(800), number=1)
        spent(store, a_spend(-300, cap_minor=100), number=2)
        assert left(store) == 500
        spent(store, a_spend(-900), number=3)
        assert left(store) == 1000
        spent(store, a_spend(-1, merchant="m2"), number=4)
        assert left(store, merchant="m2") == 1000

    def test_allowances_are_apart(self, store: Store) -> None:
        """Another merchant, year, payout or currency has an allowance of its own, and so has every day, apart from its year."""
        spent(store, a_spend(1000), number=1)
        others: list[dict[str, Any]] = [{"merchant": "m1#2026"}, {"year": 2027}, {"payout": Payout.REFUND}, {"currency": "JPY"}]
        others += [{"day": "2026-11-20"}, {"day": "2026-11-21"}]
        for number, other in enumerate(others, 2):
            spent(store, a_spend(1000, **other), number=number)
            assert left(store, **other) == 0

    def test_what_was_spent_can_be_read(self, store: Store) -> None:
        """It is told per merchant, year or day, payout and currency, as it is now; nothing is told of what nobody used."""
        asked = SpentOf("m1", 2026, Payout.COMPENSATION, "CNY")
        assert store.find(asked).found == ()
        spent(store, a_spend(300), number=1)
        spent(store, a_spend(50), number=2)
        assert store.find(asked).found == (350,)
        for other in ({"merchant": "m2"}, {"year": 2027}, {"currency": "JPY"}, {"day": "2026-11-20"}):
            assert store.find(replace(asked, **other)).found == ()
        spent(store, a_spend(7, day="2026-11-20"), number=3)
        assert store.find(replace(asked, day="2026-11-20")).found == (7,)
        over = Change(refunds=(a_refund(number=4),), spends=(a_spend(994, day="2026-11-20"),))
        assert refused(store, over, AllowanceSpent).details == {"left_minor": 993, "day": "2026-11-20"}

    def test_spends_of_one_change_are_one_sum(self, store: Store) -> None:
        """Several payouts of a change count together, against each allowance alone."""
        spent(store, a_spend(400), a_spend(500), a_spend(7, year=2027), a_spend(-100), number=1)
        assert (left(store), left(store, year=2027)) == (200, 993)
        change = Change(refunds=(a_refund(number=2),), spends=(a_spend(150), a_spend(150)))
        assert refused(store, change, AllowanceSpent).details["left_minor"] == 200

    def test_a_spend_of_nothing_is_no_spend(self, store: Store) -> None:
        """Spending nothing is fine whatever the cap, and counts nothing."""
        spent(store, a_spend(0, cap_minor=-1), number=1)
        assert left(store) == 1000

    def test_a_spend_needs_its_payout(self, store: Store) -> None:
        """A spend beside neither a refund nor a ledger is a defect of the caller: nothing would tell a repeated one."""
        try:
            store.commit(Change(tickets=(a_ticket(),), spends=(a_spend(),)))
        except ValueError:
            return
        raise AssertionError("a spend of nothing was stored")

    def test_a_spent_allowance_is_told_last(self, store: Store) -> None:
        """A used key, a stale version and a taken name are told before; who reads again may need less."""
        answer = an_answer()
        store.commit(Change(refunds=(a_refund(),), claims=("x",), answer=answer))
        beyond = Change(refunds=(a_refund(number=2),), spends=(a_spend(5000),))
        refused(store, replace(beyond, refunds=(a_refund(),)), StaleVersion)
        refused(store, replace(beyond, claims=("x",)), ClaimTaken)
        refused(store, replace(beyond, answer=answer), IdempotencyMismatch)
        refused(store, beyond, AllowanceSpent)

    # --- cursors ------------------------------------------------------------------------------------------------------
    def test_a_cursor_is_of_its_merchant(self, store: Store) -> None:
        """A cursor of another merchant's list, or of the closed tickets, is Invalid."""
        for n, currency in enumerate(("CNY", "JPY", "USD")):
            store.commit(Change(tickets=(a_ticket(ticket_id=f"T{n}"),), reports=(a_report(currency=currency),)))
        tickets = store.find(TicketsOf("m1"), None, 1).cursor
        reports = store.find(ReportsOf("m1", DAY, DAY), None, 1).cursor
        assert tickets
        assert reports
        assert store.find(TicketsOf("m1"), tickets, 1).found
        assert store.find(ReportsOf("m1", DAY, DAY), reports, 1).found
        assert invalid(store, TicketsOf("m1", is_open=False), tickets)
        assert invalid(store, ReportsOf("m2", DAY, DAY), reports)
