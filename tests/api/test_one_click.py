"""One click: small amounts are paid at once, as far as the merchant's settings and its day go; then a person decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.case import State
from aftersales.entry import Payout
from aftersales.query import SpentOf
from aftersales.refund import Cause
from aftersales.testing.builders import a_line, a_merchant, an_order
from aftersales.testing.tables import jdm
from plugins.zen_rules import build
from tests.mall import Mall

SMALL, USED_UP = "merchant.small_amount", "merchant.one_click_cap"


def lane(mall: Mall, **changes: Any) -> Mall:
    """The mall, its merchant set like that: a day pays CNY 60.00 by one click."""
    mall.registry.put("merchant:m1", a_merchant(**{"one_click_day_minor": 6_000, **changes}))
    return mall


def fallen(mall: Mall, number: int, minor: int = 3_000) -> str:
    """An order whose price fell by so much since; what is owed for that follows from figures, and nothing has to be shown."""
    at = mall.clock.now()
    line = a_line(vertical="general", unit_price_minor=9_000, pieces=1, terms={"price_protection_days": 7})
    days = {"paid_at": at - timedelta(days=3), "shipped_at": at - timedelta(days=2), "signed_at": at - timedelta(hours=2)}
    mall.push(an_order(order_id=f"p{number}", lines=(line,), **days))
    fact = {"fact": "price_lowered", "at": at.isoformat(), "line_id": "l1", "data": {"unit_minor": 9_000 - minor}}
    mall.must("POST", f"/v1/orders/p{number}/facts", fact, role="integrator")
    return f"p{number}"


def clicked(mall: Mall, number: int, minor: int = 3_000, **body: Any) -> Any:
    """The answer to one click: the case, paid or with a person."""
    asked = {"order_id": fallen(mall, number, minor), "kind": "claim", "reason": "price_dropped", "submit": True, **body}
    return mall.must("POST", "/v1/cases", {**asked, "items": [{"line_id": "l1", "pieces": 1}]})


def rules(mall: Mall, *numbers: int, **body: Any) -> list[str]:
    """The rules by which so many clicks are decided."""
    return [clicked(mall, number, **body)["decision"]["rule"] for number in numbers]


def spent(mall: Mall, day: str = "2026-11-20") -> int:
    """What one click paid on that day."""
    return sum(mall.store.find(SpentOf("m1", 2026, Payout.REFUND, "CNY", day)).found)


# --- the day's sum ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("locale", "said"), [("en", "What one click pays in a day is used up"), ("zh-CN", "一键退款额度已用完")])
def test_a_day_pays_up_to_its_sum_and_then_a_person_decides(mall: Mall, locale: str, said: str) -> None:
    """The sum itself is paid; what would exceed it is refused to nobody, and paid once a person says yes."""
    assert rules(lane(mall), 1, 2) == [SMALL, SMALL]
    third = clicked(mall, 3)
    assert (third["state"], third["decision"]["rule"], spent(mall)) == (State.REVIEWING, USED_UP, 6_000)
    path = f"/v1/cases/{third['case_id']}"
    assert said in mall.must("GET", path, headers={"accept-language": locale})["decision"]["reason"]
    yes = {"outcome": "approve", "reason": "ok"}
    mall.must("POST", f"/v1/merchant/cases/{third['case_id']}/decision", yes, role="clerk")
    mall.pump()
    assert (mall.case(third["case_id"])["ending"], spent(mall)) == ("refunded", 6_000)  # a person's yes is no click


def test_one_minor_unit_too_much_is_a_persons(mall: Mall) -> None:
    """A sum that the second refund would exceed by one minor unit pays the first one, and a smaller one after it."""
    assert rules(lane(mall, one_click_day_minor=5_999), 1, 2) == [SMALL, USED_UP]
    assert rules(mall, 3, minor=2_999) == [SMALL]
    assert spent(mall) == 5_999


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        pytest.param("Asia/Shanghai", datetime(2026, 11, 20, 16, tzinfo=UTC), id="shanghai"),
        pytest.param("America/New_York", datetime(2026, 11, 21, 5, tzinfo=UTC), id="new york"),
    ],
)
def test_a_day_ends_at_midnight_where_the_merchant_is(mall: Mall, zone: str, midnight: datetime) -> None:
    """The last microsecond of a day still counts against it; at midnight the next day's sum is whole."""
    lane(mall, one_click_day_minor=3_000, zone=ZoneInfo(zone))
    mall.clock.at = midnight - timedelta(microseconds=1)
    assert rules(mall, 1, 2) == [SMALL, USED_UP]
    mall.clock.at = midnight
    assert rules(mall, 3) == [SMALL]
    assert (spent(mall), spent(mall, "2026-11-21")) == (3_000, 3_000)


def test_a_refund_that_fails_gives_its_day_nothing_back(mall: Mall) -> None:
    """What the channel refused, and a person gave up, was one of that day all the same: a day's sum only grows."""
    lane(mall, one_click_day_minor=3_000)
    mall.channel.then(Cause.CONFIGURATION)
    case = clicked(mall, 1)
    mall.pump()
    mall.clock.move(timedelta(minutes=5))
    given_up = {"how": "not_owed", "reason": "The buyer changed their mind."}
    mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/refunds/1/release", given_up, role="admin")
    assert mall.channel.truth == {}
    assert rules(mall, 2) == [USED_UP]


def test_a_process_that_knows_nothing_asks_a_person_in_the_same_request(mall: Mall) -> None:
    """What others paid meanwhile shows when it is to be stored; who named a version is answered, not told to read again."""
    rules(lane(mall), 1, 2)
    other = lane(Mall(store=mall.store))
    asked = {"order_id": fallen(other, 3), "kind": "claim", "reason": "price_dropped", "items": [{"line_id": "l1", "pieces": 1}]}
    draft = other.must("POST", "/v1/cases", asked)
    sent = other.send("POST", f"/v1/cases/{draft['case_id']}/submit", headers={"if-match": f'"{draft["version"]}"'})
    assert (sent.status, sent.json["state"], sent.json["decision"]["rule"]) == (200, State.REVIEWING, USED_UP)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 20_000),
    st.lists(st.tuples(st.integers(1, 5_500), st.booleans(), st.integers(0, 9)), min_size=1, max_size=12),
)
def test_no_day_pays_more_than_its_sum(cap: int, asked: list[tuple[int, bool, int]]) -> None:
    """Whatever is asked for, by two processes and over midnight: a day pays at most its sum, and exactly what was counted."""
    one = lane(Mall(), one_click_day_minor=cap, risk_person=0)
    two = lane(Mall(store=one.store, clock=one.clock), one_click_day_minor=cap, risk_person=0)
    one.clock.at = datetime(2026, 11, 20, 14, tzinfo=UTC)
    paid = {"2026-11-20": 0, "2026-11-21": 0}
    for number, (minor, first, minutes) in enumerate(asked):
        one.clock.move(timedelta(minutes=20 * minutes))
        case = clicked(one if first else two, number, minor)
        day = one.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
        if case["decision"]["rule"] == SMALL:
            paid[day] = paid.get(day, 0) + minor
    assert all(sum_ <= cap for sum_ in paid.values())
    assert {day: spent(one, day) for day in paid} == paid


def test_what_waits_for_a_person_is_not_paid_by_another_day(mall: Mall) -> None:
    """An order that is told of again after midnight brings its case no click: somebody was asked, and decides."""
    rules(lane(mall, one_click_day_minor=3_000), 1)
    waiting = clicked(mall, 2)
    mall.wait(hours=24)  # the stream's word of the order comes as late as that
    assert (mall.case(waiting["case_id"])["state"], spent(mall, "2026-11-21")) == (State.REVIEWING, 0)


# --- the settings -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "fired"),
    [
        pytest.param({"one_click_day_minor": 0}, USED_UP, id="no lane"),
        pytest.param({"one_click_minor": 3_000}, SMALL, id="the amount itself"),
        pytest.param({"one_click_minor": 2_999}, "merchant.one_click", id="above the amount"),
        pytest.param({"one_click_reasons": ("spoiled", "price_dropped")}, SMALL, id="a reason that is named"),
        pytest.param({"one_click_reasons": ("spoiled",)}, "merchant.one_click", id="another reason"),
        pytest.param({"currency": "USD"}, "merchant.two_persons", id="another currency"),
    ],
)
def test_the_merchant_says_what_one_click_pays(mall: Mall, changes: dict[str, Any], fired: str) -> None:
    """Up to an amount, for the reasons that are named, or not at all; the rest is a person's."""
    case = clicked(lane(mall, **changes), 1)
    assert case["decision"]["rule"] == fired
    assert case["state"] == ("settling" if fired == SMALL else State.REVIEWING)


def test_goods_that_come_back_are_no_click(mall: Mall) -> None:
    """A small return is agreed to whatever the day has paid: its money waits for the goods."""
    lane(mall, one_click_day_minor=0)
    asked = {"order_id": fallen(mall, 1), "kind": "return_refund", "reason": "no_reason", "items": [{"line_id": "l1", "pieces": 1}]}
    lane(mall, one_click_day_minor=0, small_minor=9_000)
    case = mall.must("POST", "/v1/cases", {**asked, "submit": True})
    assert (case["state"], case["decision"]["rule"], spent(mall)) == (State.APPROVED, SMALL, 0)


def test_a_row_of_the_merchants_own_pays_by_the_same_day(mall: Mall) -> None:
    """Its own table is no way around the day's sum; what its row said stays beside the person's turn."""
    lane(mall, one_click_day_minor=3_000)
    mall.registry.put("tables", build({}))
    row = {"amount": "<= 50", "outcome": '"approve"', "rule": f'"{SMALL}"'}
    table = json.loads(jdm(["amount"], [row, {"outcome": '"person"'}]))
    mall.must("PUT", "/v1/merchant/rules", {"table": table, "note": "small ones"}, role="admin")
    mall.wait(minutes=2)
    paid, asked = clicked(mall, 1), clicked(mall, 2)
    assert (paid["decision"]["rule"], asked["decision"]["rule"]) == (SMALL, USED_UP)
    assert mall.case(asked["case_id"], role="clerk")["decision"]["ruled"]["rule"] == SMALL


# --- what the mall shows ----------------------------------------------------------------------------------------------
def shown(mall: Mall, order_id: str, locale: str = "en") -> dict[str, Any]:
    """What one click would pay, by kind, of the order's line."""
    options = mall.must("GET", f"/v1/orders/{order_id}/options", headers={"accept-language": locale})
    return {offer["kind"]: offer["one_click"] for offer in options["lines"][0]["offers"]}


def test_options_say_what_one_click_would_pay(mall: Mall) -> None:
    """The most, for which reasons, in the reader's words; not for goods that have to come back, nor once a sum is used up."""
    order_id = fallen(lane(mall, one_click_day_minor=5_000), 1)
    assert shown(mall, order_id) == {
        "refund_only": None,
        "return_refund": None,
        "claim": {
            "most_minor": 3_000,
            "reasons": ["price_dropped"],
            "text": "One-click refund: up to CNY 30.00 is as a rule refunded as soon as you hand it in; "
            "what has to be checked is looked at by the shop.",
        },
    }
    assert shown(mall, order_id, "zh-CN")["claim"]["text"].startswith("一键退款：不超过 CNY 30.00 的")
    rules(mall, 2, 3)  # the second one shows that CNY 20.00 are left
    assert shown(mall, fallen(mall, 4))["claim"]["most_minor"] == 2_000
    assert rules(mall, 5, minor=2_000) == [SMALL]


def test_what_was_not_shipped_is_shown_as_one_click_whatever_it_cost(mall: Mall) -> None:
    """Nothing has left the shop, so no day's sum stands in the way; under rules of the merchant's own nothing is foretold."""
    lane(mall, one_click_day_minor=0)
    mall.push(an_order(order_id="p1", status="paid", lines=(a_line(vertical="general", unit_price_minor=80_000, pieces=1),)))
    told = shown(mall, "p1")["refund_only"]
    assert (told["most_minor"], "changed_mind" in told["reasons"], "not_received" in told["reasons"]) == (80_000, True, True)
    mall.registry.put("tables", build({}))
    table = json.loads(jdm(["amount"], [{"outcome": '"person"'}]))
    mall.must("PUT", "/v1/merchant/rules", {"table": table, "note": "all by hand"}, role="admin")
    mall.wait(minutes=2)
    assert shown(mall, "p1")["refund_only"] is None
