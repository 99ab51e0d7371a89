"""Reconciliation as a job: bills against our record over a channel with bills, day by day, and what people read of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales.bill import Bill, BillRow
from aftersales.channel import ReceiptStatus
from aftersales.errors import Unknown
from aftersales.order import Payment
from aftersales.query import RefundsOn, TicketNamed, TicketsOf
from aftersales.refund import BEIJING, Cause, Refund, RefundState
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.channel import FakeChannel, Outcome
from aftersales.ticket import Ticket, TicketKind
from functions import callbacks, calls, reconcile
from functions.amend import leg_named
from functions.reports import Day, reports_on
from tests.mall import Mall

DAY = date(2026, 11, 20)  # the clock of a mall begins at its noon, in Beijing
NEXT = DAY + timedelta(days=1)


@dataclass(slots=True)
class Billed(FakeChannel):
    """A channel with bills: ``rows`` by day. A day in ``silent_days`` has none to be had; a day without rows, no statement."""

    rows: dict[date, list[BillRow]] = field(default_factory=dict)
    silent_days: set[date] = field(default_factory=set)
    asked: list[date] = field(default_factory=list)

    def bill(self, day: date, into: Path) -> Bill | None:
        """The bill of a day; see :class:`~aftersales.ports.Bills`."""
        assert into.is_dir()
        self.asked.append(day)
        if day in self.silent_days:
            raise Unknown("Not ready.", day=str(day))
        rows = self.rows.get(day)

        def read(bill: Bill) -> Iterator[BillRow]:
            yield from rows or ()
            bill.counted["rows"] = bill.said["rows"] = len(rows or ())

        return Bill("wechatpay", read) if rows else None

    def note(self, leg: Refund, day: date = DAY, **changes: Any) -> None:
        """Put a refund on a day's bill, as it was sent."""
        at = f"{day} 12:00:00"
        row = BillRow(leg.key, "c" + leg.key, leg.transaction_id, "P1", leg.amount.minor, leg.currency, "success", at)
        self.rows.setdefault(day, []).append(row._replace(**changes))


@pytest.fixture
def mall() -> Mall:
    """A mall over a channel that has bills."""
    return Mall(channel=Billed())


def bought(mall: Mall, name: str, merchant: str = "m1", minor: int = 10_000, at: datetime | None = None) -> Refund:
    """A refund, asked for and sent; its leg as it is then. ``at`` (Beijing) moves the clock there first."""
    if at is not None:
        mall.clock.at = at.replace(tzinfo=BEIJING)
    payments = (Payment("p1", "wechatpay", f"T{name}", minor),)
    line = a_line(vertical="general", unit_price_minor=minor, pieces=1)
    mall.push(an_order(order_id=name, merchant=merchant, status="paid", lines=(line,), payments=payments))
    item = {"line_id": "l1", "pieces": 1}
    body = {"order_id": name, "kind": "refund_only", "reason": "out_of_stock", "items": [item], "submit": True}
    case = mall.must("POST", "/v1/cases", body, merchant=merchant)
    mall.pump()
    leg = leg_named(mall.registry, f"R{case['case_id']}-1")
    assert leg is not None
    return leg


def morning(mall: Mall, day: date = NEXT, hour: int = 11) -> None:
    """Let it be that hour of a day, and the job run."""
    mall.clock.at = datetime(day.year, day.month, day.day, hour, tzinfo=BEIJING)
    reconcile.run(mall.registry).complete()


def report(mall: Mall, day: date = DAY, merchant: str = "") -> Any:
    """The only report of that day."""
    (found,) = reports_on(mall.registry, merchant, "wechatpay", day)
    return found


def ticket(mall: Mall, kind: str, key: str) -> Ticket | None:
    """The ticket about a difference."""
    return next(iter(mall.store.find(TicketNamed(f"difference:wechatpay:{kind}:{key}")).found), None)


def everything(mall: Mall) -> Any:
    """All that is stored of reports, tickets, refunds and money, without how often it was written."""
    kept = {name: value for name, value in mall.store._kept.items() if name[0] in ("report", "ticket", "refund", "ledger")}
    plain = {name: replace(value, version=0) for name, value in kept.items()}
    return {n: replace(v, runs=0) if n[0] == "report" else v for n, v in plain.items()}


def channel_of(mall: Mall) -> Billed:
    """The channel with bills."""
    assert isinstance(mall.channel, Billed)
    return mall.channel


def test_a_day_that_agrees_has_a_report_and_no_ticket(mall: Mall) -> None:
    """Refunds of two merchants on the bill as we have them: sums per merchant and for the account, nothing to follow up."""
    for leg in (bought(mall, "o1"), bought(mall, "o2", minor=5_001), bought(mall, "o3", "m2", 7)):
        channel_of(mall).note(leg)
    morning(mall)
    whole, one, two = report(mall), report(mall, merchant="m1"), report(mall, merchant="m2")
    assert [(r.ours, r.ours_minor, r.theirs, r.theirs_minor, r.matched, r.matched_minor) for r in (whole, one, two)] == [
        (3, 15_008, 3, 15_008, 3, 15_008),
        (2, 15_001, 2, 15_001, 2, 15_001),
        (1, 7, 1, 7, 1, 7),
    ]
    assert (whole.differences, whole.tickets, whole.billed, whole.runs) == ({}, (), True, 1)
    assert mall.store.find(TicketsOf("m1")).found == mall.store.find(TicketsOf("")).found == ()


@pytest.mark.parametrize(("hour", "minute", "looked"), [(9, 59, False), (10, 0, True)])
def test_a_bill_is_asked_for_once_it_can_be_there(mall: Mall, hour: int, minute: int, looked: bool) -> None:
    """Never a day that is not over, nor before ten o'clock (Beijing) of the next."""
    channel_of(mall).note(bought(mall, "o1"))
    mall.clock.at = datetime(2026, 11, 21, hour, minute, tzinfo=BEIJING)
    reconcile.run(mall.registry)
    assert (DAY in channel_of(mall).asked) is looked
    assert NEXT not in channel_of(mall).asked


def test_a_day_that_is_done_is_left_alone(mall: Mall) -> None:
    """The next run knows what is left to do: no bill is loaded twice, and nothing is written."""
    channel_of(mall).note(bought(mall, "o1"))
    morning(mall)
    before, asked = everything(mall), list(channel_of(mall).asked)
    reconcile.run(mall.registry)
    assert (everything(mall), channel_of(mall).asked) == (before, asked)


def test_a_lost_answer_that_was_paid_becomes_our_record(mall: Mall) -> None:
    """We heard nothing and looked no more; the bill has it. The channel is asked, the leg settles, and no difference is left."""
    channel_of(mall).then(Outcome.UNKNOWN_EXECUTED)
    leg = bought(mall, "o1")
    assert leg.state == "sent"
    channel_of(mall).note(leg)
    morning(mall)
    after = leg_named(mall.registry, leg.key)
    assert after is not None
    assert (after.state, after.day, mall.case(leg.case_id)["state"]) == ("settled", DAY, "closed")
    assert (report(mall).ours, report(mall).matched, report(mall).to_query, report(mall).tickets) == (1, 1, 0, ())
    assert reports_on(mall.registry, "", "wechatpay", NEXT) == []


def test_a_channel_that_does_not_answer_changes_no_day(mall: Mall) -> None:
    """Still unanswered when its day is reconciled, and found out days later: it counts on the day of its bill, and no other."""
    channel_of(mall).then(Outcome.UNKNOWN_EXECUTED)
    leg = bought(mall, "o1")
    channel_of(mall).note(leg)
    channel_of(mall).silent = True
    morning(mall)
    assert (report(mall).ours, report(mall).to_query) == (1, 1)
    channel_of(mall).silent = False
    mall.wait(days=1)
    morning(mall, NEXT + timedelta(days=2))
    after = leg_named(mall.registry, leg.key)
    assert after is not None
    assert (after.state, after.day) == ("settled", DAY)
    assert [report(mall, DAY + timedelta(days=n)).ours for n in range(3)] == [1, 0, 0]
    assert mall.store.find(TicketsOf("m1")).found == ()


def test_a_refund_that_failed_here_and_was_paid_there_is_booked(mall: Mall) -> None:
    """Mended at the channel, and a success on the bill: the channel is asked, its yes is recorded, and the case closes."""
    channel_of(mall).then(Cause.ACCOUNT_ABNORMAL)
    leg = bought(mall, "o1")
    assert leg.state == "failed"
    channel_of(mall).refund(calls.order_of(leg))
    channel_of(mall).note(leg)
    morning(mall)
    after = leg_named(mall.registry, leg.key)
    assert after is not None
    assert (after.state, mall.case(leg.case_id)["state"]) == ("settled", "closed")
    assert (report(mall).matched, report(mall).differences) == (1, {})


def test_money_lost_is_a_ticket(mall: Mall) -> None:
    """Failed with us, a success on the bill, and the channel does not say so itself: nobody guesses, a person looks."""
    channel_of(mall).then(Cause.ACCOUNT_ABNORMAL)
    leg = bought(mall, "o1")
    channel_of(mall).note(leg)
    morning(mall)
    found = ticket(mall, "status", leg.key)
    assert found is not None
    assert (found.is_open, found.about["ours_status"], found.about["theirs_status"]) == (True, "failed", "success")
    channel_of(mall).refund(calls.order_of(leg))
    mall.wait(hours=7)
    reconcile.run(mall.registry)
    closed = ticket(mall, "status", leg.key)
    assert closed is not None
    assert (closed.is_open, closed.resolution) == (False, f"Our record says settled by now, on {DAY}, as the bill does.")


def test_what_only_we_have_gets_a_ticket_until_a_later_bill_has_it(mall: Mall) -> None:
    """A row left out today and there tomorrow: the ticket names that day, and each day counts what its own bill has."""
    leg, other = bought(mall, "o1"), bought(mall, "o2")
    channel_of(mall).note(other)
    morning(mall)
    opened = ticket(mall, "ours_only", leg.key)
    assert opened is not None
    assert (opened.is_open, opened.merchant, opened.amount_minor, opened.order_id) == (True, "m1", 10_000, "o1")
    assert (report(mall).differences, report(mall).tickets) == ({"ours_only": 1}, (opened.ticket_id,))
    channel_of(mall).note(leg, NEXT)
    morning(mall, NEXT + timedelta(days=1))
    closed = ticket(mall, "ours_only", leg.key)
    assert closed is not None
    assert (closed.is_open, closed.resolution) == (False, f"The bill of {NEXT} has it.")
    days = [report(mall), report(mall, NEXT)]
    assert [(r.ours, r.matched, r.differences, r.stale) for r in days] == [(1, 1, {}, False), (1, 1, {}, False)]
    assert [report(mall, d, "m1").ours for d in (DAY, NEXT)] == [1, 1]


@pytest.mark.parametrize(
    ("second", "billed_on"),
    [("2026-11-20T23:59:59", NEXT), ("2026-11-21T00:00:30", DAY)],
    ids=["before midnight, on the next bill", "after midnight, on the bill before"],
)
def test_midnight_is_decided_by_the_bill(mall: Mall, second: str, billed_on: date) -> None:
    """Within a minute of midnight the bill says on which day a refund was; it counts once, and nobody is left with a ticket."""
    leg = bought(mall, "o1", at=datetime.fromisoformat(second))
    at = f"{billed_on} 00:00:00" if billed_on == NEXT else f"{billed_on} 23:59:59"
    channel_of(mall).note(leg, billed_on, accepted_at=at)
    morning(mall, NEXT)
    if billed_on == NEXT:
        assert (report(mall).at_midnight, report(mall).differences) == (1, {})
    morning(mall, NEXT + timedelta(days=1))
    assert {d: (report(mall, d).ours, report(mall, d).matched) for d in (DAY, NEXT)} == {
        d: (1, 1) if d == billed_on else (0, 0) for d in (DAY, NEXT)
    }
    assert report(mall).at_midnight == report(mall, NEXT).at_midnight == 0
    assert mall.store.find(TicketsOf("m1")).found == ()


def test_a_refund_on_two_bills_is_told_twice_and_moves_nowhere(mall: Mall) -> None:
    """The bills of two days have one number: a ticket for people, and the job comes to an end."""
    leg = bought(mall, "o1")
    channel_of(mall).note(leg)
    channel_of(mall).note(leg, NEXT)
    morning(mall, NEXT)
    morning(mall, NEXT + timedelta(days=1))
    assert (report(mall).ours, report(mall, NEXT).differences) == (1, {"duplicate": 1})
    found = ticket(mall, "duplicate", leg.key)
    assert found is not None
    assert found.is_open


def test_a_refund_made_elsewhere_is_booked_once(mall: Mall) -> None:
    """A number that is not ours lessens what is left of its payment, has one ticket, and counts for the order's merchant."""
    leg = bought(mall, "o1", minor=10_000)
    mall.push(an_order(order_id="o2", payments=(Payment("p1", "wechatpay", "T2", 9_950),)))
    channel_of(mall).note(leg)
    channel_of(mall).note(leg, key="CONSOLE1", transaction_id="T2", amount_minor=950)
    for _ in range(2):
        morning(mall)
    assert mall.store.order("m1", "o2").ledger.refundable.minor == 9_000
    (outside,) = mall.store.find(TicketsOf("m1")).found
    assert (outside.kind, outside.order_id, outside.amount_minor) == (TicketKind.PAID_OUTSIDE, "o2", 950)
    mine = report(mall, merchant="m1")
    assert (mine.theirs, mine.theirs_minor, mine.differences, mine.tickets) == (2, 10_950, {"theirs_only": 1}, (outside.ticket_id,))


def test_a_refund_of_nobody_is_told_to_the_operator(mall: Mall) -> None:
    """A payment that no order names: a ticket of no merchant, and no merchant's report tells of it."""
    leg = bought(mall, "o1")
    channel_of(mall).note(leg)
    channel_of(mall).note(leg, key="CONSOLE1", transaction_id="T9", amount_minor=950)
    morning(mall)
    (outside,) = mall.store.find(TicketsOf("")).found
    assert (outside.kind, outside.key) == (TicketKind.PAID_OUTSIDE, "CONSOLE1")
    assert (report(mall).theirs, report(mall).differences) == (2, {"theirs_only": 1})
    assert (report(mall, merchant="m1").theirs, report(mall, merchant="m1").differences) == (1, {})


def test_another_amount_stays_open_until_a_person_has_seen_it(mall: Mall) -> None:
    """Nothing explains it: it stays open day after day; once a person has closed it, looking again opens it no more."""
    leg = bought(mall, "o1")
    channel_of(mall).note(leg, amount_minor=9_999)
    morning(mall)
    morning(mall, NEXT + timedelta(days=3))
    found = ticket(mall, "amount", leg.key)
    assert found is not None
    assert (found.is_open, found.about["ours_minor"], found.about["theirs_minor"]) == (True, 10_000, 9_999)
    body = {"resolution": "a voucher of one fen"}
    mall.must("POST", f"/v1/merchant/tickets/{found.ticket_id}/close", body, role="approver")
    (whole,) = reports_on(mall.registry, "", "wechatpay", DAY)
    mall.store._kept["report", "", "wechatpay", DAY, "CNY"] = replace(whole, stale=True)
    morning(mall, NEXT + timedelta(days=3))
    again = ticket(mall, "amount", leg.key)
    assert again is not None
    assert (again.is_open, report(mall).stale, report(mall).differences) == (False, False, {"amount": 1})


def test_a_statement_that_says_nothing_leaves_ours_alone(mall: Mall) -> None:
    """No statement that day, and rows of ours: each is missed."""
    leg = bought(mall, "o1")
    morning(mall)
    assert (report(mall).billed, report(mall).differences) == (False, {"ours_only": 1})
    assert ticket(mall, "ours_only", leg.key) is not None


def test_a_quiet_day_is_done_too(mall: Mall) -> None:
    """Nothing on either side: a report of nothing, so that nobody asks again."""
    morning(mall)
    morning(mall)
    assert (report(mall).ours, report(mall).billed, channel_of(mall).asked) == (0, False, [DAY])


def test_a_bill_that_does_not_come_is_told_after_three_days(mall: Mall) -> None:
    """It is tried again each time, later days go on without it, and when it comes its ticket closes."""
    channel_of(mall).note(bought(mall, "o1"))
    channel_of(mall).silent_days = {DAY}
    missing = TicketNamed(f"bill_missing:wechatpay:{DAY}")
    for days, told in ((0, False), (2, False), (3, True), (4, True)):
        morning(mall, NEXT + timedelta(days=days))
        assert bool(mall.store.find(missing).found) is told
    assert report(mall, NEXT).ours == 0
    statement = mall.must("GET", f"/v1/merchant/reconciliation/{DAY}", role="platform", merchant="")
    assert statement["missing"] == [{"channel": "wechatpay", "date": str(DAY)}]
    channel_of(mall).silent_days = set()
    morning(mall, NEXT + timedelta(days=4))
    (closed,) = mall.store.find(missing).found
    assert (closed.is_open, closed.resolution, report(mall).matched) == (False, "The bill has come.", 1)


def test_the_job_goes_seven_days_back(mall: Mall) -> None:
    """After a long pause the last seven days are done, and no earlier one."""
    bought(mall, "o1")
    morning(mall)
    channel_of(mall).asked.clear()
    morning(mall, DAY + timedelta(days=20))
    assert channel_of(mall).asked == [DAY + timedelta(days=n) for n in range(13, 20)]


def test_a_returned_refund_does_not_contradict_the_day_it_was_paid(mall: Mall) -> None:
    """Paid, and sent back by the bank later: the bill of its day stays true."""
    leg = bought(mall, "o1")
    channel_of(mall).note(leg)
    channel_of(mall).receipts[leg.key] = replace(
        channel_of(mall).receipts[leg.key], status=ReceiptStatus.FAILED, cause=Cause.BOUNCED
    )
    headers, body = channel_of(mall).notice_of(leg.key)
    callbacks.receive(mall.registry, "wechatpay", headers, body)
    morning(mall)
    assert (report(mall).matched, report(mall).differences) == (1, {})


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("after", range(1, 14))
def test_killed_anywhere_it_ends_the_same(after: int) -> None:
    """A run that ends after any of its writes, and a run after it, leave what one whole run leaves."""
    whole, broken = (troubled(Mall(channel=Billed())) for _ in range(2))
    morning(whole)
    store, real = broken.store, broken.store.commit
    left = iter(range(after - 1, -1, -1))

    def commit(change: Any) -> None:
        if next(left) == 0:
            raise Killed
        real(change)

    store.commit = commit
    with suppress(Killed, StopIteration):
        reconcile.look(broken.registry, Day("wechatpay", DAY, broken.clock.at), 1e12)
    store.commit = real
    morning(broken)
    morning(broken)
    assert shape(broken) == shape(whole)


def troubled(mall: Mall) -> Mall:
    """A day with everything: agreed, lost, missing, elsewhere, another amount; it is eleven o'clock of the next."""
    agreed = bought(mall, "o1")
    bought(mall, "o2")
    channel_of(mall).then(Outcome.UNKNOWN_EXECUTED)
    lost, wrong = bought(mall, "o3"), bought(mall, "o4", "m2")
    channel_of(mall).note(agreed)
    channel_of(mall).note(lost)
    channel_of(mall).note(wrong, amount_minor=1)
    channel_of(mall).note(agreed, key="CONSOLE1", transaction_id="T9", amount_minor=950)
    mall.clock.at = datetime(2026, 11, 21, 11, tzinfo=BEIJING)
    return mall


def shape(mall: Mall) -> Any:
    """What is stored, with orders in place of the numbers of cases, which differ between two malls."""
    legs = {r.key: r for n, r in mall.store._kept.items() if n[0] == "refund"}

    def plain(text: str) -> str:
        for key, leg in legs.items():
            text = text.replace(key, leg.order_id)
        return text

    reports = {
        (*n[1:], r.ours, r.ours_minor, r.theirs_minor, r.matched_minor, tuple(r.differences.items()), r.runs, r.stale,
         tuple(sorted(map(plain, r.tickets))))
        for n, r in mall.store._kept.items() if n[0] == "report"
    }  # fmt: skip
    tickets = {(plain(t.ticket_id), t.is_open, t.version) for n, t in mall.store._kept.items() if n[0] == "ticket"}
    refunds = {(r.order_id, r.state, r.day) for r in legs.values()}
    return reports, tickets, refunds


def test_a_ticket_that_a_killed_run_left_is_no_orphan(mall: Mall) -> None:
    """Opened, and the run ended before its report; meanwhile the refund turned out not to have gone through: it closes."""
    leg = bought(mall, "o1")
    mall.clock.at = datetime(2026, 11, 21, 11, tzinfo=BEIJING)
    real = mall.store.commit

    def commit(change: Any) -> None:
        if change.reports:
            raise Killed
        real(change)

    mall.store.commit = commit
    with pytest.raises(Killed):
        reconcile.look(mall.registry, Day("wechatpay", DAY, mall.clock.at), 1e12)
    mall.store.commit = real
    assert ticket(mall, "ours_only", leg.key) is not None
    mall.store._kept["refund", leg.case_id, 1] = replace(leg, state=RefundState.RELEASED, version=leg.version)
    morning(mall)
    closed = ticket(mall, "ours_only", leg.key)
    assert closed is not None
    assert (closed.is_open, report(mall).differences, report(mall).tickets) == (False, {}, ())


def test_more_differences_than_a_report_names_are_followed_up_all(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report names so many of its tickets; those beyond close all the same, and looking again closes none that still differ."""
    monkeypatch.setattr(reconcile, "NAMED", 2)
    missed = [bought(mall, f"o{n}") for n in range(5)]
    morning(mall)
    assert (report(mall).differences, len(report(mall).tickets)) == ({"ours_only": 5}, 2)
    (whole,) = reports_on(mall.registry, "", "wechatpay", DAY)
    mall.store._kept["report", "", "wechatpay", DAY, "CNY"] = replace(whole, stale=True)
    morning(mall)
    assert len(mall.store.find(TicketsOf("m1")).found) == 5
    for leg in missed:
        mall.store._kept["refund", leg.case_id, 1] = replace(leg, state=RefundState.RELEASED, version=leg.version)
    reconcile.run(mall.registry)
    assert mall.store.find(TicketsOf("m1")).found == ()


def test_two_at_once_end_the_same() -> None:
    """Two runs side by side leave what one leaves."""
    from concurrent.futures import ThreadPoolExecutor

    one, two = (troubled(Mall(channel=Billed())) for _ in range(2))
    morning(one)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(reconcile.run, two.registry) for _ in range(2)]:
            assert done.result().failed == 0
    assert shape(two) == shape(one)


def test_a_broken_channel_stops_no_other_and_is_told(mall: Mall) -> None:
    """A channel that breaks counts as failed, and the schedule with it; the others are done."""

    class Broken(Billed):
        def bill(self, day: date, into: Path) -> Bill | None:
            raise RuntimeError("a defect")

    mall.registry.put("channel:alipay", Broken())
    channel_of(mall).note(bought(mall, "o1"))
    mall.clock.at = datetime(2026, 11, 21, 11, tzinfo=BEIJING)
    tally = reconcile.run(mall.registry)
    assert (tally.failed, tally.days, report(mall).matched) == (1, 1, 1)
    with pytest.raises(reconcile.ReconciliationIncomplete):
        tally.complete()


# --- what people read -------------------------------------------------------------------------------------------------
def test_a_month_adds_its_days_up_and_says_what_is_missing(mall: Mall) -> None:
    """Per channel and currency, to the fen; the same sum as the export of these refunds."""
    for name, minor, at in (("o1", 10_000, None), ("o2", 33, None), ("o3", 4_444, datetime(2026, 11, 21, 15, tzinfo=BEIJING))):
        leg = bought(mall, name, minor=minor, at=at)
        channel_of(mall).note(leg, leg.day)
    channel_of(mall).silent_days = {NEXT + timedelta(days=1)}
    morning(mall, NEXT + timedelta(days=2))
    month = mall.must("GET", "/v1/merchant/reconciliation/2026-11", role="clerk")
    (total,) = month["totals"]
    assert (total["channel"], total["currency"], total["ours"], total["ours_minor"], total["matched_minor"]) == (
        "wechatpay", "CNY", 3, 14_477, 14_477,
    )  # fmt: skip
    assert [(d["date"], d["ours_minor"]) for d in month["days"]] == [("2026-11-20", 10_033), ("2026-11-21", 4_444)]
    assert {"channel": "wechatpay", "date": "2026-11-22"} in month["missing"]
    assert {"channel": "wechatpay", "date": "2026-11-21"} not in month["missing"]
    rows = mall.must("GET", "/v1/merchant/refunds?month=2026-11", role="clerk")["refunds"]
    assert sum(r["amount_minor"] for r in rows if r["accepted_at"]) == total["ours_minor"]


def test_a_day_tells_its_follow_ups_and_their_state(mall: Mall) -> None:
    """Differences by class, with the ticket of each, open or closed, and what closed it."""
    leg = bought(mall, "o1")
    channel_of(mall).note(leg, amount_minor=9_999)
    morning(mall)
    day = mall.must("GET", "/v1/merchant/reconciliation/2026-11-20", role="clerk")
    (told,) = day["follow_ups"]
    assert (told["difference"], told["key"], told["is_open"], day["days"][0]["differences"]) == (
        "amount", leg.key, True, {"amount": 1},
    )  # fmt: skip


def test_a_merchant_reads_its_own_and_the_platform_all(mall: Mall) -> None:
    """A clerk sees the own shop's part only; the platform names a shop or reads the whole account."""
    for name, merchant in (("o1", "m1"), ("o2", "m2")):
        channel_of(mall).note(bought(mall, name, merchant))
    morning(mall)
    path = "/v1/merchant/reconciliation/2026-11-20"
    mine = mall.must("GET", path, role="clerk")
    whole = mall.must("GET", path, role="platform", merchant="")
    other = mall.must("GET", f"{path}?merchant=m2", role="platform", merchant="")
    assert [(s["merchant"], s["totals"][0]["ours"]) for s in (mine, whole, other)] == [("m1", 1), ("", 2), ("m2", 1)]
    assert mall.send("GET", f"{path}?merchant=m2", role="clerk").status == 404
    assert mall.send("GET", path, role="buyer").status == 403


@pytest.mark.parametrize("text", ["2026-13", "2026-11-31", "november", "2026-W01", "20261120", "2026", "9999-12", "0001-01"])
def test_what_is_no_date_is_refused(mall: Mall, text: str) -> None:
    """A day or a month, written like the example, and nothing else."""
    assert mall.send("GET", f"/v1/merchant/reconciliation/{text}", role="clerk").status == 400


def test_the_reports_sums_are_the_cores(mall: Mall) -> None:
    """Two ways of counting agree: the parts of all merchants together, and the core over both sides."""
    from tempfile import TemporaryDirectory

    from aftersales.reconcile import reconcile as match
    from functions.daybook import Daybook

    troubled(mall)
    refunds = mall.store.find(RefundsOn("wechatpay", DAY), None, 100).found
    with TemporaryDirectory() as folder, Daybook(Path(folder) / "book", DAY) as book:
        book.book([*refunds, *refunds])
        bill = channel_of(mall).bill(DAY, Path(folder))
        assert bill is not None
        with match(book.noting(bill), book.ledger(), DAY) as found:
            for one in found.differences:
                book.found(one.kind, one.key, "", one.currency, "t")
            figures, totals = book.figures().values(), found.totals
    assert sum(f.ours for f in figures) == totals["ours"]["count"] == 3
    assert sum(f.theirs_minor for f in figures) == totals["theirs"]["minor"]["CNY"]
    assert sum(f.matched_minor for f in figures) == totals["matched_minor"]["CNY"]
    assert sum(f.matched for f in figures) == totals["matched"] == 2
    assert sum(f.to_query for f in figures) == totals["to_query"] == 1
