from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aftersales.case import Item, Kind
from aftersales.fact import OrderFact
from aftersales.money import Money
from aftersales.order import OrderStatus, Payment
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Facts
from verticals.presale import VERTICAL
from verticals.presale.amount import before_shipping
from verticals.presale.deposit import Deposit, Stage, balance_at, deposit_of, ship_end, stage
from verticals.presale.rules import kept, late
from verticals.presale.watch import watch

SHANGHAI = ZoneInfo("Asia/Shanghai")
DATA = {"deposit_minor": 20_000, "deposit_kind": "dingjin", "deposit_payment": "p1", "price_minor": 100_000}


class TestPresale(VerticalContract):
    """Presales keep what every trade keeps, and their 64 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 64


def presale(paid: int = 100_000, told: str = "", pieces: int = 1, **changes: object) -> Facts:
    """All pieces of a line of which so much was paid, its balance told at that local time."""
    data = {**DATA, **changes.pop("data", {})}
    line = a_line(vertical="presale", unit_price_minor=paid // pieces, pieces=pieces, data=data)
    said = (OrderFact("balance_paid", datetime.fromisoformat(told).replace(tzinfo=SHANGHAI)),) if told else ()
    status = OrderStatus(changes.pop("status", "paid"))
    order = an_order(**{"status": status, "lines": (line,), "facts": said, **changes.pop("order", {})})
    return facts(order, **{"kind": Kind.REFUND_ONLY, "items": (Item("l1", pieces),), **changes})


def end(where: Facts) -> str:
    """The first instant at which the line is late, in Shanghai."""
    found = ship_end(where.order.lines[0], where)
    assert found
    return found.astimezone(SHANGHAI).isoformat(timespec="minutes")[:16]


@pytest.mark.parametrize(
    ("told", "days", "first_late"),
    [
        ("2026-11-11 00:00", 7, "2026-11-19T00:00"),
        ("2026-11-11 23:59:59", 7, "2026-11-19T00:00"),
        ("2026-11-12 00:00", 7, "2026-11-20T00:00"),
        ("2028-02-21 12:00", 7, "2028-02-29T00:00"),
        ("2028-02-22 12:00", 7, "2028-03-01T00:00"),
        ("2027-02-22 12:00", 7, "2027-03-02T00:00"),
        ("2026-12-24 12:00", 7, "2027-01-01T00:00"),
        ("2026-12-31 23:59", 1, "2027-01-02T00:00"),
        ("2026-11-11 12:00", 0, "2026-11-12T00:00"),
        ("2026-11-11 12:00", 10**9, "2029-11-11T00:00"),
    ],
)
def test_the_days_to_ship_end_at_midnight(told, days, first_late):
    """They are counted from the day after the balance: over midnight, leap days and year ends; a typing error is three years."""
    assert end(presale(told=told, data={"ship_by_days": days})) == first_late


def test_days_are_counted_where_the_merchant_is():
    """One minute past midnight in Shanghai is the day before in Berlin, and so is the end."""
    there = presale(told="2026-11-12 00:01", merchant=a_merchant(zone=ZoneInfo("Europe/Berlin")))
    found = ship_end(there.order.lines[0], there)
    assert found == datetime(2026, 11, 19, tzinfo=ZoneInfo("Europe/Berlin"))


def test_a_watch_is_due_at_the_instant_a_buyer_may_claim_from():
    """Silence and the buyer go by one rule: a microsecond before it he is told until when to wait, at it he is right."""
    (one,) = watch(presale(told="2026-11-11 12:00"))
    claimed = presale(told="2026-11-11 12:00", reason="not_shipped_in_time", now=one.due_at)
    assert late(claimed).verdict == "pass"
    assert (
        late(presale(told="2026-11-11 12:00", reason="not_shipped_in_time", now=one.due_at - timedelta(microseconds=1))).verdict
        == "fail"
    )
    assert dict(late(claimed).data)["last_day"] == "2026-11-18"


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("only the deposit was paid", {"paid": 20_000}),
        ("it is an advance", {"data": {"deposit_kind": "advance"}}),
        ("it was shipped", {"status": "shipped"}),
        ("it was signed for", {"status": "signed"}),
        ("it was cancelled", {"status": "cancelled"}),
        ("nothing binds", {"data": {"price_minor": 4}}),
        ("nobody says when the balance was paid", {"told": "", "order": {"payments": (Payment("p2", "wechatpay", "t", 100_000),)}}),
    ],
)
def test_nothing_is_watched_where(what, changes):
    """No case opens by itself where no deposit is owed, or nobody can say since when."""
    assert watch(presale(**{"told": "2026-11-11 12:00", **changes})) == (), what


def test_a_shop_that_calls_it_off_is_watched_at_once():
    """Also where it is an advance, or the balance was never paid: the word is the instant."""
    said = OrderFact("seller_cancelled", NOW - timedelta(hours=1), "l1")
    for paid, kind in ((20_000, "dingjin"), (20_000, "advance"), (100_000, "dingjin")):
        (one,) = watch(presale(paid, data={"deposit_kind": kind}, order={"facts": (said,)}))
        assert (one.due_at, one.reason, one.key) == (NOW - timedelta(hours=1), "cannot_deliver", "called_off:l1")


@pytest.mark.parametrize(
    ("down", "price", "bound"),
    [(20_000, 100_000, 20_000), (20_001, 100_000, 20_000), (19_999, 100_000, 19_999), (1, 4, 0), (1, 5, 1), (5, 0, 0)],
)
def test_a_fifth_of_the_price_binds_at_most(down, price, bound):
    """To the fen, and never a fen more than a fifth."""
    line = presale(down, data={"deposit_minor": down, "price_minor": price}).order.lines[0]
    assert deposit_of(line, presale(down).ledger).bound == bound


def test_what_binds_adds_up_however_pieces_are_split():
    """Seven pieces share 100 fen: each piece a whole number, any ranges together exactly what all of them have."""
    deposit = Deposit(100, 100, 7)
    assert sum(deposit.bound_of(((n, n + 1),)) for n in range(7)) == deposit.bound_of(((0, 3), (3, 7))) == 100


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("kind", {"deposit_kind": "gift"}),
        ("sum", {"deposit_minor": -1}),
        ("sum", {"deposit_minor": True}),
        ("sum", {"deposit_minor": "20000"}),
    ],
)
def test_what_is_no_deposit_is_none(what, data):
    """Data comes from outside: a deposit of no known kind or sum is nobody's to keep or to double."""
    assert deposit_of(presale(20_000, data=data).order.lines[0], presale(20_000).ledger) is None, what


def test_where_a_line_stands_follows_from_what_was_paid():
    """Exactly the deposit, more, and less; and a balance that was told before its payment is in the order."""
    assert [_stage(presale(paid)) for paid in (20_000, 19_999)] == [Stage.DEPOSIT, Stage.UNCLEAR]
    assert _stage(presale(20_001, told="2026-11-11 12:00")) is Stage.BALANCE
    assert _stage(presale(20_000, told="2026-11-11 12:00")) is Stage.UNCLEAR


def _stage(asked: Facts) -> Stage:
    return stage(asked.order.lines[0], asked.order, asked.ledger)


def test_the_balances_payment_says_when_where_nobody_told():
    """The latest payment beside the deposit's; what was told comes before it; one without its instant says nothing."""
    at = [NOW - timedelta(days=n) for n in (9, 5, 3)]
    paid = [Payment("p1", "wechatpay", "t1", 20_000, at[0]), Payment("p2", "alipay", "t2", 50_000, at[1])]
    third = Payment("p3", "alipay", "t3", 30_000, at[2])
    split = presale(order={"payments": (*paid, third)})
    assert balance_at(split.order.lines[0], split.order) == at[2]
    unsaid = presale(order={"payments": (*paid, Payment("p3", "alipay", "t3", 30_000))})
    assert balance_at(unsaid.order.lines[0], unsaid.order) is None
    told = presale(told="2026-11-11 12:00", order={"payments": (*paid, third)})
    assert balance_at(told.order.lines[0], told.order) == datetime(2026, 11, 11, 12, tzinfo=SHANGHAI)


def test_shipped_at_an_unknown_instant_is_for_a_person():
    """The days are over and it was shipped, nobody says when: late or in time, a person finds out."""
    asked = presale(told="2026-11-11 12:00", status="shipped", reason="not_shipped_in_time", order={"shipped_at": None})
    assert (late(asked).verdict, late(asked).reason) == ("unsure", "late.shipped_unknown")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ("2026-11-10 19:59:59", "kept.balance_ahead"),
        ("2026-11-10 20:00", "kept.balance_open"),
        ("2026-11-11 23:59:58", "kept.balance_open"),
        ("2026-11-11 23:59:59", "kept.whole"),
    ],
)
def test_who_gives_up_reads_whether_the_balance_can_still_be_paid(now, reason):
    """Before, from and until the instants of the order, on both sides of each."""
    data = {"balance_from": "2026-11-10T20:00:00+08:00", "balance_until": "2026-11-11T23:59:59+08:00"}
    at = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)
    found = kept(presale(20_000, data=data, reason="balance_unpaid", now=at))
    assert (found.verdict, found.reason) == ("fail", reason)


def test_asking_for_less_takes_nothing_from_the_double():
    """Who lowers the refund is still owed the deposit once more."""
    quote = before_shipping(presale(told="2026-11-01 12:00", reason="not_shipped_in_time", asked=Money(100, "CNY")))
    assert (quote.amount.minor, quote.beyond) == (100, Money(20_000, "CNY"))
