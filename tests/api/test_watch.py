"""What trades do by themselves, whatever they are like: broken, greedy, of several lines, and put aside where it fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.case import Item, Kind
from aftersales.order import Order, Payment
from aftersales.query import DueBy
from aftersales.testing.builders import NOW, a_line, an_order
from aftersales.vertical import Facts, Watch
from functions import sweep
from functions.unasked import PATIENCE
from functions.watch import AGAIN
from tests.api import presale
from tests.api.presale import DATA, LATE, balance_paid, ids, sent, sold, tell, until
from tests.mall import Mall
from verticals.presale import VERTICAL


@pytest.fixture
def shop(mall: Mall) -> Mall:
    """A mall with two ways to pay and a balance, at the moment the deposit of o9 was paid."""
    return presale.opened(mall)


def breaks(_: Facts) -> tuple[Watch, ...]:
    """A trade whose watch raises."""
    raise ZeroDivisionError


def watch_at(shop: Mall) -> datetime | None:
    """When o9 is looked at next, as people of the shop read it."""
    said = shop.must("GET", "/v1/orders/o9", role="clerk")["watch_at"]
    return datetime.fromisoformat(said) if said else None


def test_a_broken_watch_hurts_only_itself_and_is_asked_again(shop: Mall) -> None:
    """The order can be pushed and told all the same; a day after it was due, and mended, its case opens."""
    shop.registry.put("vertical:presale", replace(VERTICAL, watch=breaks))
    balance_paid(shop)
    assert watch_at(shop) == NOW + AGAIN
    until(shop, LATE)
    assert ids(shop) == ()
    assert watch_at(shop) == LATE + AGAIN
    shop.registry.put("vertical:presale", VERTICAL)
    until(shop, LATE + AGAIN)
    assert len(ids(shop)) == 1
    assert sent(shop)["balance"] == 20_000


def test_the_order_of_a_trade_that_was_switched_off_is_still_told_things(shop: Mall) -> None:
    """Shipping can be recorded, and the order is asked about again once the trade is back."""
    balance_paid(shop)
    active = shop.registry._stage["verticals"]
    shop.registry._stage["verticals"] = {"active": ["fresh", "general"]}
    shop.registry._built.pop("vertical:presale", None)
    try:
        tell(shop, "shipped")
        assert watch_at(shop) == NOW + AGAIN
    finally:
        shop.registry._stage["verticals"] = active
    until(shop, NOW + AGAIN)
    assert watch_at(shop) is None


def test_a_watch_that_the_trades_own_rules_refuse_is_given_up(shop: Mall) -> None:
    """It opens nothing and holds nobody up; after thirty days nobody looks any more."""
    greedy = Watch("greedy", NOW, Kind.REFUND_ONLY, "not_shipped_in_time", (Item("l1", 1),))
    shop.registry.put("vertical:presale", replace(VERTICAL, watch=lambda _: (greedy,)))
    shop.push(sold())
    for _ in range(PATIENCE.days):
        shop.wait(minutes=0)
        assert watch_at(shop) == shop.clock.now() + AGAIN
        shop.clock.move(AGAIN)
    shop.wait(minutes=0)
    assert (ids(shop), watch_at(shop)) == ((), None)


@pytest.mark.parametrize("items", [(), (Item("l1", 9),), (Item("l7", 1),), (Item("l1", 0),)])
def test_a_watch_asks_for_pieces_that_are_there(shop: Mall, items: tuple[Item, ...]) -> None:
    """Too many are as many as are free; none, or those of a line that is not there, open no case."""
    odd = Watch("odd", NOW, Kind.REFUND_ONLY, "cannot_deliver", items)
    shop.registry.put("vertical:presale", replace(VERTICAL, watch=lambda _: (odd,)))
    tell(shop, "seller_cancelled")
    shop.wait(minutes=1)
    assert len(ids(shop)) == (1 if items[:1] == (Item("l1", 9),) else 0)
    assert sent(shop)["wechatpay"] in (0, 20_000)


def two_lines() -> Order:
    """Two presale lines beside a line of ordinary goods, all paid: 300 down on 1,500 and 700."""
    lines = (
        a_line(line_id="l1", vertical="presale", unit_price_minor=100_000, pieces=1, data=DATA),
        a_line(line_id="l2", vertical="presale", unit_price_minor=50_000, pieces=2, data={**DATA, "deposit_minor": 10_000}),
        a_line(line_id="l3", vertical="general", unit_price_minor=3_000, pieces=1),
    )
    payments = (Payment("p1", "wechatpay", "t1", 33_000, NOW), Payment("p2", "alipay", "t2", 170_000, NOW))
    return an_order(order_id="o9", status="paid", lines=lines, payments=payments)


def test_each_line_has_its_own_case_and_strangers_none(shop: Mall) -> None:
    """Two lines late at the same instant: two cases in one pass of the schedule; the ordinary line beside them stays sold."""
    shop.push(replace(two_lines(), order_id="o8"))
    shop.clock.move(LATE - shop.clock.now())
    shop.wait(minutes=0)
    found = [shop.case(case_id) for case_id in shop.store.order("m1", "o8").cases]
    assert sorted((c["items"][0]["line_id"], c["amount_minor"], c["beyond_minor"]) for c in found) == [
        ("l1", 100_000, 20_000), ("l2", 100_000, 10_000),
    ]  # fmt: skip
    for case in found:
        assert case["ending"] == "refunded"
    assert shop.store.order("m1", "o8").ledger.refundable.minor == 3_000


def test_what_is_not_due_is_not_read(shop: Mall) -> None:
    """Before its instant an order is no entry of what is due."""
    balance_paid(shop)
    assert watch_at(shop) == LATE
    shards = range(shop.store.due_shards)
    assert not any(shop.store.find(DueBy("order", n, LATE - timedelta(microseconds=1))).found for n in shards)
    assert sum(len(shop.store.find(DueBy("order", n, LATE)).found) for n in shards) == 1


def test_an_order_that_halts_the_schedule_is_put_aside_and_run_again(shop: Mall) -> None:
    """Five failures make a letter that names the order; the platform runs it again, and the case opens, once."""
    balance_paid(shop)
    shop.clock.move(LATE - shop.clock.now())
    read = shop.store.order

    def broken(merchant: str, order_id: str) -> Any:
        if order_id == "o9":
            raise OSError("no answer")
        return read(merchant, order_id)

    shop.store.order = broken
    for _ in range(5):
        sweep.sweep(shop.registry)
        shop.clock.move(timedelta(minutes=1))
    (letter,) = shop.must("GET", "/v1/platform/dead-letters", role="platform")["tickets"]
    assert letter["about"]["need.order_id"] == "o9"
    shop.store.order = read
    done = shop.must("POST", f"/v1/platform/dead-letters/{letter['ticket_id']}/run", role="platform")
    assert done["is_open"] is False
    shop.pump()
    assert len(ids(shop)) == 1
    assert sent(shop)["balance"] == 20_000
