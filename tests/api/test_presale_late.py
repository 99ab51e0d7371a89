"""A shop that does not ship in time: everything goes back and the deposit once more, by itself, at its instant, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from aftersales.testing.builders import NOW
from functions import sweep
from tests.api import after, presale
from tests.api.presale import LATE, balance_paid, claim, ids, sent, sold, tell, until
from tests.mall import Mall


@pytest.fixture
def shop(mall: Mall) -> Mall:
    """A mall with two ways to pay and a balance, at the moment the deposit of o9 was paid."""
    return presale.opened(mall)


# --- late, by itself --------------------------------------------------------------------------------------------------
def test_silence_refunds_and_doubles_at_the_right_instant(shop: Mall) -> None:
    """Nothing a second before 24:00 of the seventh day; at it both payments and the deposit once more, with nobody asking."""
    balance_paid(shop)
    until(shop, LATE - timedelta(seconds=1))
    assert ids(shop) == ()
    until(shop, LATE)
    (case_id,) = ids(shop)
    case = shop.case(case_id)
    assert (case["state"], case["ending"], case["reason"]) == ("closed", "refunded", "not_shipped_in_time")
    assert (case["amount_minor"], case["beyond_minor"]) == (100_000, 20_000)
    assert [(r["payout"], r["channel"], r["amount_minor"]) for r in case["refunds"]] == [
        ("refund", "wechatpay", 20_000), ("refund", "alipay", 80_000), ("compensation", "balance", 20_000),
    ]  # fmt: skip
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}
    assert "did not keep its promise" in after.step(shop, case_id, "compensated")["text"]
    told = " ".join(n["text"] for n in shop.must("GET", "/v1/notices")["notices"])
    assert "CNY 200.00" in told
    assert "CNY 800.00" in told


def test_it_happens_once_whatever_is_told_again(shop: Mall) -> None:
    """More schedules, the snapshot and the fact pushed again: the same case, the same money."""
    balance_paid(shop)
    until(shop, LATE + timedelta(hours=3))
    for _ in range(3):
        shop.push(sold(100_000))
        tell(shop, "balance_paid", NOW)
        shop.wait(days=2)
    assert len(ids(shop)) == 1
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}
    assert shop.store.order("m1", "o9").order.watch_at is None


def test_two_schedules_at_once_open_one_case(shop: Mall) -> None:
    """Eight sweeps in eight threads: one case, one refund of each payment, one double."""
    balance_paid(shop)
    shop.clock.move(LATE - shop.clock.now())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: sweep.sweep(shop.registry).failed, range(8)))
    shop.pump()
    assert len(ids(shop)) == 1
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}


def test_shipped_a_minute_before_pays_nothing(shop: Mall) -> None:
    """The parcel left at 23:59 of the last day and was told at once: no case, then or later."""
    balance_paid(shop)
    until(shop, LATE - timedelta(minutes=1))
    tell(shop, "shipped")
    until(shop, LATE + timedelta(days=40))
    assert ids(shop) == ()
    assert shop.store.order("m1", "o9").order.watch_at is None


def test_shipping_that_is_recorded_while_the_schedule_runs_wins_or_loses_whole(shop: Mall) -> None:
    """Told between the schedule's reading and its writing: it reads again, and does nothing."""
    balance_paid(shop)
    shop.clock.move(LATE - shop.clock.now())
    store, read = shop.store, shop.store.order

    def shipped_meanwhile(merchant: str, order_id: str) -> Any:
        file = read(merchant, order_id)
        if order_id == "o9" and file.order.shipped_at is None:
            store.order = read
            tell(shop, "shipped", LATE - timedelta(minutes=1))
        return file

    store.order = shipped_meanwhile
    sweep.sweep(shop.registry)
    shop.pump()
    assert ids(shop) == ()
    assert not any(sent(shop).values())


def test_the_buyers_own_claim_comes_first(shop: Mall) -> None:
    """What is in a case already is left to it: a claim handed in the minute before is paid as it is, and nothing comes twice."""
    balance_paid(shop)
    until(shop, LATE - timedelta(minutes=1))
    claim(shop)
    until(shop, LATE + timedelta(days=40))
    assert len(ids(shop)) == 1
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 0}


def test_a_claim_that_is_taken_back_leaves_the_shop_late(shop: Mall) -> None:
    """The buyer's open claim kept the schedule off; once it is withdrawn the order is looked at again within a day."""
    balance_paid(shop)
    until(shop, LATE - timedelta(hours=1))
    case = claim(shop, "cannot_deliver").json
    until(shop, LATE)
    assert ids(shop) == (case["case_id"],)
    shop.must("POST", f"/v1/cases/{case['case_id']}/withdraw")
    shop.wait(days=1)
    assert len(ids(shop)) == 2
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}


def test_a_buyer_who_is_faster_than_the_schedule_gets_the_double(shop: Mall) -> None:
    """The buyer claims late shipping at 24:00 himself: one case, and what the law owes."""
    balance_paid(shop)
    assert claim(shop, "not_shipped_in_time").json["code"] == "not_offered"
    shop.clock.move(LATE - shop.clock.now())
    claim(shop, "not_shipped_in_time")
    shop.wait(minutes=1)
    shop.wait(minutes=1)
    assert len(ids(shop)) == 1
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}


def test_a_buyer_and_the_schedule_at_the_same_moment_end_in_one_case(shop: Mall) -> None:
    """Four claims and four sweeps in eight threads at 24:00: one case that holds the piece, one refund, one double."""
    balance_paid(shop)
    shop.clock.move(LATE - shop.clock.now())
    with ThreadPoolExecutor(8) as pool:
        swept = [pool.submit(sweep.sweep, shop.registry) for _ in range(4)]
        claimed = [pool.submit(claim, shop, "not_shipped_in_time") for _ in range(4)]
        assert not any(s.result().failed for s in swept)
        assert sum(c.result().status < 300 for c in claimed) <= 1
    shop.wait(minutes=2)
    assert len(ids(shop)) == 1
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}


def test_a_crash_between_opening_and_paying_pays_once(shop: Mall) -> None:
    """The case is stored and its process dies before any channel is called: the schedules pay each leg, once."""
    balance_paid(shop)
    shop.clock.move(LATE - shop.clock.now())
    sweep.sweep(shop.registry)  # and nobody hears the stream
    shop.told = len(shop.store.records)
    assert not any(sent(shop).values())
    for _ in range(4):
        shop.wait(minutes=2)
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}
