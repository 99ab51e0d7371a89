"""Holidays through the API: what people have to do with a parcel does not fall due in one, and everybody can read why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.order import Buyer
from aftersales.parcel import ParcelState
from aftersales.ports import Workdays
from aftersales.query import NoticesOf
from aftersales.testing.builders import a_case, a_line, a_merchant, a_parcel, an_order
from aftersales.testing.clock import FakeClock
from aftersales.testing.workdays import FakeWorkdays
from aftersales.workday import Day
from functions import holiday, sweep
from plugins.china_workdays import build
from tests.mall import Mall

SHANGHAI = ZoneInfo("Asia/Shanghai")
LAMP = a_line(sku="LAMP", title="Lamp", vertical="general", category="lamp", unit_price_minor=9_900, pieces=1)
CHINA = build({})

#: New Year's Day 2027 as a notice could tell it.
NEXT = """
[2027]
off = [
  2026-12-31, 2027-01-01, 2027-01-02, 2027-02-05, 2027-02-06, 2027-02-07, 2027-02-08, 2027-02-09, 2027-04-05,
  2027-05-01, 2027-05-02, 2027-06-09, 2027-10-01, 2027-10-02, 2027-10-03,
]
names = { 2026-12-31 = "new_years_day" }
"""


def at(text: str) -> datetime:
    """A time in China as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


class Shop(Mall):
    """A lamp that was signed for yesterday, at a time in China; China's calendar unless another one, or none, is given."""

    def __init__(self, now: str, workdays: Workdays | None = CHINA, locale: str = "zh-CN", **merchant: Any) -> None:
        super().__init__(clock=FakeClock(at(now)))
        if workdays is not None:
            self.registry.put("workdays", workdays)
        self.registry.put("merchant:m1", a_merchant(return_address="上海市演示路 1 号", **merchant))
        signed_at = self.clock.now() - timedelta(days=1)
        dates = {"signed_at": signed_at, "shipped_at": signed_at - timedelta(days=1), "paid_at": signed_at - timedelta(days=2)}
        order = an_order(order_id="o8", lines=(LAMP,), buyer=Buyer("b1", "13800000000", locale=locale), **dates)
        paid = tuple(replace(payment, paid_at=dates["paid_at"]) for payment in order.payments)
        self.push(replace(order, payments=paid))

    def back(self) -> str:
        """A return that was agreed to; the id of its case."""
        body = {"order_id": "o8", "kind": "return_refund", "reason": "faulty", "items": [{"line_id": "l1", "pieces": 1}]}
        case_id = str(self.must("POST", "/v1/cases", body)["case_id"])
        self.photo(case_id)
        self.must("POST", f"/v1/cases/{case_id}/submit")
        self.pump()
        if self.case(case_id)["state"] == "reviewing":
            told = {"outcome": "approve", "reason": "ok"}
            self.must("POST", f"/v1/merchant/cases/{case_id}/decision", told, role="clerk")
        self.pump()
        assert self.case(case_id)["parcel"]["state"] == "awaiting_shipment"
        return case_id

    def until(self, text: str) -> None:
        """Let time pass up to then, and let the schedules run once."""
        self.clock.at = at(text)
        self.wait()

    def due(self, case_id: str) -> str:
        """Until when its parcel waits, in China."""
        parcel, case = self.case(case_id)["parcel"], self.case(case_id)
        assert case["deadline"]["due_at"] == parcel["due_at"]
        return datetime.fromisoformat(parcel["due_at"]).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")

    def moves(self, case_id: str, **who: Any) -> list[Any]:
        """The steps that moved a deadline."""
        steps = self.must("GET", f"/v1/cases/{case_id}/timeline", **who)["steps"]
        return [step for step in steps if step["event"] == "deadline_moved"]

    def heard(self) -> list[str]:
        """What the buyer was told, newest first."""
        return [n.text for n in self.store.find(NoticesOf("m1", "b1")).found]


def test_nobody_has_to_send_a_parcel_in_a_holiday() -> None:
    """Seven days that end on 1 October end on the 8th at the same hour: the case lives until then, and lapses then."""
    shop = Shop("2026-09-24 12:00")
    case_id = shop.back()
    assert shop.due(case_id) == "2026-10-08 12:00"
    shop.until("2026-10-08 11:59")
    assert shop.case(case_id)["state"] == "approved"
    shop.until("2026-10-08 12:00")
    assert (shop.case(case_id)["state"], shop.case(case_id)["ending"]) == ("closed", "lapsed")


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        pytest.param("2026-02-08 10:00", "2026-02-24 10:00", id="Spring Festival, its first day"),
        pytest.param("2026-02-07 10:00", "2026-02-14 10:00", id="a Saturday that is worked for it"),
        pytest.param("2026-09-30 10:00", "2026-10-08 10:00", id="National Day, its last day"),
        pytest.param("2026-10-01 10:00", "2026-10-08 10:00", id="the day after"),
        pytest.param("2026-11-14 10:00", "2026-11-21 10:00", id="an ordinary Saturday"),
    ],
)
def test_only_a_last_day_in_a_holiday_moves(begins: str, ends: str) -> None:
    """Holidays in between count, weekends do, and a day that is worked is no holiday."""
    shop = Shop(begins)
    case_id = shop.back()
    assert shop.due(case_id) == ends


def test_the_buyer_is_told_with_the_approval_and_both_sides_read_why() -> None:
    """One notice says until when to send and why so long; case and timeline say it to buyer and shop, in the reader's language."""
    shop = Shop("2026-09-24 12:00")
    case_id = shop.back()
    assert shop.heard()[0] == (
        "订单 o8 的售后申请已同意，请在 2026-10-08 12:00 前按指引寄回商品并填写运单号；到期没有运单号，申请将关闭。"
        "因国庆节放假，寄出期限由 2026-10-01 12:00 顺延至 2026-10-08 12:00。"
    )
    english = "Because of National Day, the time to send the goods ends on 2026-10-08 12:00 instead of 2026-10-01 12:00"
    for who in ({}, {"role": "clerk"}):
        [move] = shop.moves(case_id, **who)
        assert (move["text"], move["data"]["holiday"], move["by"]) == (english, "national_day", "system")
        assert (move["data"]["was"], move["data"]["due_at"]) == ("2026-10-01T04:00:00+00:00", "2026-10-08T04:00:00+00:00")
        deadline = shop.case(case_id, **who)["deadline"]
        assert (deadline["cause"], deadline["provisional"]) == ("moved: national_day", False)
        assert deadline["means"].endswith("It was moved because of National Day.")
    chinese = shop.case(case_id, headers={"accept-language": "zh-CN"})["deadline"]["means"]
    assert chinese == "到期未寄出，申请将关闭。因国庆节放假顺延。"


def test_an_english_buyer_is_told_in_english() -> None:
    """The same sentence, in the language of the case."""
    shop = Shop("2026-09-24 12:00", locale="en")
    shop.back()
    assert shop.heard()[0].endswith(
        " Because of National Day, the time to send the goods ends on 2026-10-08 12:00 instead of 2026-10-01 12:00."
    )


def test_the_shops_ten_days_leave_a_holiday_too() -> None:
    """Taken as arrived on 21 September, the goods count as sound on 8 October and not on the 1st: the buyer is told at once."""
    shop = Shop("2026-08-31 12:00")
    case_id = shop.back()
    shop.clock.at = at("2026-09-01 12:00")
    shop.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1234567890123"})
    shop.until("2026-09-21 12:00")
    case = shop.case(case_id)
    assert (case["parcel"]["state"], shop.due(case_id)) == ("delivered", "2026-10-08 12:00")
    assert shop.heard()[0].endswith("因国庆节放假，商家验收期限由 2026-10-01 12:00 顺延至 2026-10-08 12:00。")
    shop.until("2026-10-05 12:00")
    assert shop.case(case_id)["parcel"]["state"] == "delivered"
    shop.until("2026-10-08 12:00")
    assert shop.case(case_id)["parcel"]["state"] == "accepted"


def test_a_year_that_is_learnt_later_moves_the_deadline_when_it_passes() -> None:
    """Set before the notice appeared it is provisional and says so; once told, New Year's Day is left, and that is news."""
    shop = Shop("2026-12-25 12:00")
    case_id = shop.back()
    deadline = shop.case(case_id)["deadline"]
    assert (shop.due(case_id), deadline["provisional"]) == ("2027-01-01 12:00", True)
    assert "Monday to Friday" in deadline["means"]
    assert shop.moves(case_id) == []
    shop.registry.put("workdays", build({"days": NEXT}))
    shop.until("2027-01-01 12:00")
    deadline = shop.case(case_id)["deadline"]
    assert (shop.due(case_id), deadline["provisional"]) == ("2027-01-04 12:00", False)
    assert shop.heard()[0] == "订单 o8：因元旦放假，寄出期限由 2027-01-01 12:00 顺延至 2027-01-04 12:00。"
    shop.until("2027-01-04 12:00")
    assert shop.case(case_id)["ending"] == "lapsed"


def test_a_year_that_nobody_learns_stops_nothing() -> None:
    """The notice is still missing when the deadline passes: silence means what it always means."""
    shop = Shop("2026-12-25 12:00")
    case_id = shop.back()
    shop.until("2027-01-01 12:00")
    assert shop.case(case_id)["ending"] == "lapsed"
    assert shop.moves(case_id) == []


def test_moved_twice_is_moved_once() -> None:
    """However often the schedule looks, also on the edge and a day late: one step, one notice, one instant."""
    shop = Shop("2026-12-25 12:00")
    case_id = shop.back()
    shop.registry.put("workdays", build({"days": NEXT}))
    before = len(shop.heard())
    shop.clock.at = at("2027-01-02 12:00")
    for _ in range(3):
        sweep.sweep(shop.registry)
        shop.pump()
    assert (shop.due(case_id), len(shop.moves(case_id)), len(shop.heard())) == ("2027-01-04 12:00", 1, before + 1)


def test_a_schedule_that_comes_after_the_moved_instant_moves_nothing() -> None:
    """A sweep that slept through the holiday: what was due is due, and the case ends as if it had come in time."""
    shop = Shop("2026-12-25 12:00")
    case_id = shop.back()
    shop.registry.put("workdays", build({"days": NEXT}))
    shop.until("2027-01-04 12:00")
    assert shop.case(case_id)["ending"] == "lapsed"
    assert shop.moves(case_id) == []


@pytest.mark.parametrize("why", ["no calendar", "the merchant does not want it"])
def test_without_a_calendar_or_the_merchants_wish_nothing_moves(why: str) -> None:
    """The deadline is the promise in days, whatever day that is."""
    shop = Shop("2026-09-24 12:00", None) if why == "no calendar" else Shop("2026-09-24 12:00", holidays_move=False)
    case_id = shop.back()
    assert shop.due(case_id) == "2026-10-01 12:00"
    assert shop.case(case_id)["deadline"]["provisional"] is False
    shop.until("2026-10-01 12:00")
    assert shop.case(case_id)["ending"] == "lapsed"


class Broken:
    """A calendar of somebody else's that raises."""

    def day(self, on: date) -> Day | None:
        """Never an answer."""
        raise RuntimeError(f"no answer about {on}")


def test_a_calendar_that_breaks_holds_up_nobody() -> None:
    """The return is agreed to, its deadline is provisional, and it ends by it."""
    shop = Shop("2026-09-24 12:00", Broken())
    case_id = shop.back()
    assert (shop.due(case_id), shop.case(case_id)["deadline"]["provisional"]) == ("2026-10-01 12:00", True)
    shop.until("2026-10-01 12:00")
    assert shop.case(case_id)["ending"] == "lapsed"


@pytest.mark.parametrize("workdays", [CHINA, None], ids=["calendar", "no calendar"])
def test_the_seven_days_of_a_return_do_not_move(workdays: Workdays | None) -> None:
    """They are natural days by law: signed for on 26 September they end with 3 October, calendar or not."""
    shop = Shop("2026-09-27 12:00", workdays)
    body = {"order_id": "o8", "kind": "return_refund", "reason": "no_reason", "items": [{"line_id": "l1", "pieces": 1}]}
    shop.clock.at = at("2026-10-04 00:00")
    late = shop.send("POST", "/v1/cases", body)
    assert (late.status, late.json["code"], late.json["details"]["failure"]) == (409, "not_offered", "past_window")
    assert "2026-10-03" in late.json["detail"]
    shop.clock.at = at("2026-10-03 23:59")
    assert shop.send("POST", "/v1/cases", body).status == 201


DUE = at("2026-10-01 12:00")


@pytest.mark.parametrize(
    ("state", "deadline", "moves"),
    [
        *((state, Deadline(DUE, "merchant"), True) for state in sorted(holiday.WAITING)),
        (ParcelState.DELIVERED, Deadline(DUE, "moved: spring_festival", provisional=True), True),
        (ParcelState.IN_TRANSIT, Deadline(DUE, "default"), False),  # carriers drive
        (ParcelState.ACCEPTED, Deadline(DUE, "default"), False),  # stock is told on holidays too
        (ParcelState.DELIVERED, Deadline(DUE, "uncovered"), False),  # only looked at again
        (ParcelState.DELIVERED, Deadline(DUE, "default", timedelta(days=1)), False),  # paused
        (ParcelState.DELIVERED, Deadline(None, "default", timedelta(days=1)), False),
        (ParcelState.REFUSED, None, False),
    ],
)
def test_what_moves_is_what_waits_for_people(state: ParcelState, deadline: Deadline | None, moves: bool) -> None:
    """The buyer's wait and the shop's; kept a second time the change is the same."""
    registry = Shop("2026-09-24 12:00").registry
    change = Change(a_case(state="approved"), parcel=a_parcel(state=state, deadline=deadline))
    once = holiday.kept(registry, change, DUE)
    assert (once is not change) == moves == bool(once.steps)
    assert holiday.kept(registry, once, DUE) is once
    if moves:
        assert once.parcel
        assert once.parcel.deadline == Deadline(at("2026-10-08 12:00"), "moved: national_day")


def test_a_holiday_without_a_word_of_ours_is_told_as_its_calendar_names_it() -> None:
    """A name of somebody's own is shown as it is, and one without any is a public holiday."""
    for name, word in (("Foundation Day", "Foundation Day"), ("", "法定节假日")):
        fake = FakeWorkdays()
        fake.off(date(2026, 10, 1), date(2026, 10, 1), name)
        shop = Shop("2026-09-24 12:00", fake)
        case_id = shop.back()
        assert shop.due(case_id) == "2026-10-02 12:00"
        assert f"因{word}放假" in shop.heard()[0]
