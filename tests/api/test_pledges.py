"""Pledges: an answer within the promised hours, or points; found late once, whoever looks and whatever is lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.case import Event
from aftersales.change import Change
from aftersales.errors import AftersalesError, BadSettings
from aftersales.lookup import Lookup
from aftersales.order import Buyer
from aftersales.query import Due
from aftersales.registry import Registry
from aftersales.setting import merchant_of
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.points import FakePoints
from functions import sweep
from plugins.dynamodb_store.layout import Layout
from plugins.dynamodb_store.write import Write
from tests.api.test_claim import BLURRED, DOUBT
from tests.mall import STAGE, Mall

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PAGE = {"kind": "return_refund", "reason": "no_reason", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}


class Shop(Mall):
    """A shop that promises diamond members an answer within an hour and everybody else within a day, and members' points."""

    def __init__(self, *, points: bool = True, **settings: Any) -> None:
        super().__init__()
        self.points = FakePoints()
        if points:
            self.registry.put("points", self.points)
        said = {"pledge_hours": {"diamond": 1, "silver": 0, "": 24}, **settings}
        self.registry.put("merchant:m1", a_merchant(**said))

    def asks(self, tier: str = "diamond", order_id: str = "o4", worth: int = 20_000, **more: Any) -> Any:
        """A buyer of that tier hands in a return that waits for a person; its view."""
        self.sells(tier, order_id, worth)
        return self.hands_in(order_id, **more)

    def sells(self, tier: str, order_id: str = "o4", worth: int = 20_000, locale: str = "en") -> None:
        """A buyer of that tier has bought something."""
        line = a_line(vertical="general", unit_price_minor=worth, pieces=1)
        self.push(an_order(order_id=order_id, lines=(line,), buyer=Buyer("b1", "13800000000", tier, locale)))

    def hands_in(self, order_id: str = "o4", **more: Any) -> Any:
        """A return of it; its view."""
        return self.must("POST", "/v1/cases", {**PAGE, "order_id": order_id, **more})

    def decides(self, case: Any, outcome: str = "approve", sub: str = "clerk1", role: str = "clerk") -> Any:
        """Somebody of the shop decides."""
        body = {"outcome": outcome, "reason": "why"}
        return self.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", body, role=role, sub=sub)

    def pledge(self, case: Any) -> Any:
        """What is stored of the promise."""
        file = self.store.case(case["case_id"])
        assert file is not None
        return file.case.pledge

    def events(self, case: Any) -> list[str]:
        """What happened to the case since it was handed in, as far as it is about its promise."""
        steps = self.must("GET", f"/v1/cases/{case['case_id']}/timeline")["steps"]
        return [s["event"] for s in steps if s["event"] in ("answer_late", "points_given", "points_failed")]

    def sorry(self) -> list[str]:
        """What the buyer was told of late answers."""
        notices = self.must("GET", "/v1/notices")["notices"]
        return [n["text"] for n in notices if "as promised" in n["text"]]


@pytest.fixture
def shop() -> Shop:
    """One shop."""
    return Shop()


@pytest.mark.parametrize(
    ("tier", "hours", "cause"),
    [("diamond", 1, "tier:diamond"), ("gold", 24, "merchant"), ("", 24, "merchant"), ("silver", None, "")],
)
def test_each_tier_has_its_promise(shop: Shop, tier: str, hours: int | None, cause: str) -> None:
    """A tier's own hours, else those of everybody; a tier with no hours is promised nothing."""
    pledge = shop.pledge(shop.asks(tier))
    assert (pledge and (pledge.by, pledge.cause)) == (hours and (NOW + timedelta(hours=hours), cause))


def test_by_default_diamond_members_are_answered_within_an_hour() -> None:
    """A shop that set nothing promises diamond members one hour and nobody else anything: 48 hours of silence remain."""
    hours = merchant_of({}, "m1").pledge_hours
    assert (dict(hours), merchant_of({}, "m1").late_points) == ({"diamond": 1}, 20)
    assert dict(merchant_of({"m1": {"pledge_hours": {"": 8}}}, "m1").pledge_hours) == {"": 8}


@pytest.mark.parametrize(
    "wrong", [{"pledge_hours": {"": -1}}, {"pledge_hours": {"": 721}}, {"pledge_hours": {"a": "1"}}, {"late_points": -1}]
)
def test_a_promise_that_nobody_could_keep_is_refused(wrong: dict[str, Any]) -> None:
    """Hours below nothing, beyond a month or not a number, and points to be taken away, are wrong settings."""
    with pytest.raises(BadSettings):
        merchant_of({"m1": wrong}, "m1")


def test_what_rules_decide_at_once_is_promised_nothing(shop: Shop) -> None:
    """A claim that is approved as it is handed in has its answer: nothing is stored and nothing is ever late."""
    case = shop.asks(worth=3_000)
    assert case["state"] != "reviewing"
    assert shop.pledge(case) is None


def test_a_promise_runs_while_photos_are_looked_at_and_is_kept_by_rules(shop: Shop) -> None:
    """Verification is waiting too; a rule's yes an answer."""
    shop.push(an_order(buyer=Buyer("b1", "13800000000", "diamond", "en")))
    case = shop.claim()
    assert (case["state"], shop.pledge(case).by) == ("verifying", NOW + HOUR)
    shop.clock.move(10 * MINUTE)
    shop.pump()
    assert shop.pledge(case).kept_at == NOW + 10 * MINUTE
    shop.wait(hours=2)
    assert (shop.events(case), shop.points.asked) == ([], [])


@pytest.mark.parametrize(("second", "late"), [(-1, False), (0, True), (1, True)])
@pytest.mark.parametrize("outcome", ["approve", "reject", "ask_evidence", "counter"])
def test_an_answer_before_the_instant_is_in_time(shop: Shop, outcome: str, second: int, *, late: bool) -> None:
    """A yes, a no, a question and an offer are answers; at the instant itself they are late, even before a schedule has looked."""
    case = shop.asks()
    shop.clock.move(HOUR + timedelta(seconds=second))
    if outcome == "counter":
        shop.must("POST", f"/v1/merchant/cases/{case['case_id']}/counter", {"amount_minor": 1_000, "reason": "why"}, role="clerk")
    else:
        shop.decides(case, outcome)
    shop.wait(minutes=5)
    shop.wait(minutes=5)
    assert shop.points.balance("m1", "b1") == (20 if late else 0)
    assert shop.events(case) == (["answer_late", "points_given"] if late else [])
    assert (shop.pledge(case).kept_at is None, shop.pledge(case).given_at is None) == (late, not late)


@pytest.mark.parametrize(("second", "late"), [(-1, False), (0, True)])
def test_the_schedule_finds_it_late_at_the_instant(shop: Shop, second: int, *, late: bool) -> None:
    """Nobody answers: at the instant it is late, on record, told to the buyer with the points, and a second before it is not."""
    case = shop.asks()
    shop.clock.move(HOUR + timedelta(seconds=second))
    shop.wait()
    assert shop.events(case) == (["answer_late", "points_given"] if late else [])
    assert len(shop.sorry()) == late
    assert all("20 points" in text and "o4" in text for text in shop.sorry())
    shop.wait(minutes=1)
    shop.wait(minutes=1)
    assert (len(shop.sorry()), shop.points.balance("m1", "b1")) == (1, 20)


SORRY = {
    "zh-CN": "抱歉，商家未能在承诺的 2026-11-20 13:00 前答复您的订单 o4 的售后申请。我们将补偿您 20 积分，并催促商家尽快处理。",
    "en": "We are sorry: the shop did not answer your request about order o4 by 2026-11-20 13:00, as promised. "
    "You get 20 points for it, and the shop is reminded.",
}


@pytest.mark.parametrize("locale", SORRY)
def test_the_buyer_is_told_in_their_language(shop: Shop, locale: str) -> None:
    """Sorry, by when it had been promised in the shop's own time, and what is given for it."""
    shop.sells("diamond", locale=locale)
    shop.hands_in()
    shop.wait(hours=1)
    assert SORRY[locale] in [n["text"] for n in shop.must("GET", "/v1/notices")["notices"]]


def test_a_case_has_one_promise(shop: Shop) -> None:
    """A question of the rules keeps it; handed in again the case has no second one, however long a person takes then."""
    shop.push(an_order(buyer=Buyer("b1", "13800000000", "diamond", "en")))
    shop.photos.findings = (BLURRED,)
    case = shop.claim()
    shop.pump()
    assert shop.case(case["case_id"])["state"] == "awaiting_evidence"
    kept = shop.pledge(case)
    assert kept.kept_at == NOW
    shop.clock.move(timedelta(hours=3))
    shop.photos.findings = (DOUBT,)
    shop.photo(case["case_id"], b"another")
    shop.must("POST", f"/v1/cases/{case['case_id']}/submit")
    shop.pump()
    shop.wait(hours=3)
    assert (shop.case(case["case_id"])["state"], shop.pledge(case), shop.points.asked) == ("reviewing", kept, [])


def test_a_first_yes_of_two_is_no_answer(shop: Shop) -> None:
    """The buyer has no answer while a second person is asked: the promise runs on, and the second yes keeps it."""
    case = shop.asks(worth=80_000)
    shop.clock.move(30 * MINUTE)
    assert shop.decides(case)["state"] == "second_review"
    assert shop.pledge(case).open
    shop.clock.move(29 * MINUTE)
    shop.decides(case, sub="approver1", role="approver")
    assert shop.pledge(case).kept_at == NOW + 59 * MINUTE


def test_a_moved_or_paused_deadline_moves_no_promise(shop: Shop) -> None:
    """Shops may move what silence does to a case, never what they promised its buyer."""
    case = shop.asks()
    for body in ({"action": "pause", "reason": "holiday"}, {"action": "move", "move_to": "2026-12-20T04:00:00Z", "reason": "busy"}):
        shop.must("POST", f"/v1/merchant/cases/{case['case_id']}/deadline", body, role="approver")
    shop.wait(hours=1)
    assert shop.events(case) == ["answer_late", "points_given"]


def test_what_the_buyer_takes_back_in_time_is_promised_nothing_more(shop: Shop) -> None:
    """A case withdrawn before the instant is never late; one withdrawn after it was late already."""
    early, late = shop.asks(), shop.asks(order_id="o5")
    shop.clock.move(30 * MINUTE)
    shop.must("POST", f"/v1/cases/{early['case_id']}/withdraw")
    shop.clock.move(40 * MINUTE)
    shop.must("POST", f"/v1/cases/{late['case_id']}/withdraw")
    shop.wait(minutes=1)
    assert (shop.pledge(early), shop.events(late)) == (None, ["answer_late", "points_given"])
    assert set(shop.points.gifts) == {f"{late['case_id']}/late"}


def test_silence_and_lateness_of_one_case_are_one_look(shop: Shop) -> None:
    """A schedule that comes three days late finds the case late and lets silence approve it, both once."""
    case = shop.asks()
    shop.clock.move(timedelta(days=3))
    sweep.sweep(shop.registry)
    assert (shop.case(case["case_id"])["state"], shop.events(case)) == ("approved", ["answer_late", "points_given"])


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_is_asked_for_again_less_and_less_often(shop: Shop, *, done: bool) -> None:
    """While nobody answers the same key is asked at 1, 2, 4 … minutes, at last each hour; the buyer has the points once."""
    case = shop.asks()
    shop.points.script += [done] * 9
    shop.clock.move(HOUR)
    asked = []
    for _ in range(8 * 60):
        before = len(shop.points.asked)
        sweep.sweep(shop.registry)
        if len(shop.points.asked) > before:
            asked.append(int((shop.clock.now() - NOW) / MINUTE) - 60)
        shop.clock.move(MINUTE)
    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert set(shop.points.asked) == {f"{case['case_id']}/late"}
    assert (shop.points.balance("m1", "b1"), shop.events(case)) == (20, ["answer_late", "points_given"])


def test_three_days_of_silence_are_a_persons(shop: Shop) -> None:
    """Points that nobody confirms for three days become a ticket with their key, and are asked for no more."""
    case = shop.asks()
    shop.points.script += [False] * 200
    for _ in range(80):
        shop.wait(hours=1)
    asked = len(shop.points.asked)
    shop.wait(days=10)
    (ticket,) = shop.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]
    assert (ticket["kind"], ticket["key"], ticket["about"]["points"]) == ("points_owed", f"{case['case_id']}/late", 20)
    assert (shop.events(case), len(shop.points.asked)) == (["answer_late", "points_failed"], asked)


def test_a_refusal_is_a_persons_at_once(shop: Shop) -> None:
    """A membership system that says no is not asked again: a ticket says so, and the case why."""
    case = shop.asks()
    shop.points.refuses.add("b1")
    shop.wait(hours=1)
    shop.wait(hours=1)
    assert (shop.events(case), len(shop.points.asked)) == (["answer_late", "points_failed"], 1)
    (ticket,) = shop.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]
    assert (ticket["kind"], ticket["about"]["code"]) == ("points_owed", "rejected")
    assert shop.pledge(case).failed == "rejected"


@pytest.mark.parametrize("settings", [{"points": False}, {"late_points": 0}])
def test_without_points_a_late_case_says_that_it_is_late(settings: dict[str, Any]) -> None:
    """A stage without a membership system, and a shop that gives none: late on record and told once, no points named or owed."""
    shop = Shop(**settings)
    case = shop.asks()
    shop.wait(hours=1)
    shop.wait(hours=1)
    assert (shop.events(case), shop.pledge(case).points, shop.points.asked) == (["answer_late"], 0, [])
    (told,) = shop.sorry()
    assert "points" not in told


def test_a_membership_system_that_is_broken_holds_up_no_case(shop: Shop) -> None:
    """Wrong settings of the plugin: the case is found late and silence decides it all the same; the points follow once it works."""
    case = shop.asks()
    broken = Registry({**STAGE, "ports": {"points": "mall_points"}})
    for name in ("store", "clock", "merchant:m1"):
        broken.put(name, shop.registry._built[name])
    shop.clock.move(timedelta(days=2))
    sweep.sweep(broken)
    assert (shop.case(case["case_id"])["state"], shop.events(case), shop.pledge(case).points) == ("approved", ["answer_late"], 20)
    shop.wait(hours=1)
    assert shop.events(case) == ["answer_late", "points_given"]


def test_a_closed_case_is_still_owed(shop: Shop) -> None:
    """Points that were not confirmed before the case closed are given after; its files are erased all the same, later."""
    shop.push(an_order(buyer=Buyer("b1", "13800000000", "diamond", "en"), lines=(a_line(unit_price_minor=20_000),)))
    case = shop.claim()
    shop.points.script += [False] * 6
    shop.wait(hours=1)
    shop.pump()
    closed = shop.case(case["case_id"])
    if closed["state"] == "reviewing":
        shop.decides(case)
        shop.pump()
    assert shop.case(case["case_id"])["state"] == "closed"
    assert shop.points.balance("m1", "b1") == 0
    for _ in range(6):
        shop.wait(hours=1)
    assert shop.points.balance("m1", "b1") == 20
    assert shop.store.case(case["case_id"]).case.files_until > shop.clock.now() + timedelta(days=80)


def test_a_source_that_keeps_silent_holds_up_no_points(shop: Shop) -> None:
    """A closed case of which something is still kept stands in the schedule for that alone; its points are given by that look."""
    case = shop.asks()
    shop.points.script += [False]
    shop.wait(hours=1)
    file = shop.store.case(case["case_id"]).case
    kept = (Lookup("gone", "l1", "unused", NOW, held=True),)
    shop.store.commit(Change(file).then(Event.WITHDRAWN, "buyer:b1", shop.clock.now()).with_case(lookups=kept))
    closed = shop.store.case(case["case_id"]).case
    head = next(w for w in Layout(2, 4, str).writes(Change(closed)) if isinstance(w, Write))
    assert head.item["d"]["S"].startswith("holds#"), "one item has one place there"
    for wait in (16, 0, 16):
        shop.clock.move(wait * MINUTE)
        with suppress(AftersalesError):
            sweep.advance(shop.registry, Due("holds", closed.case_id, shop.clock.now()))
    assert (shop.points.balance("m1", "b1"), shop.events(case)) == (20, ["answer_late", "points_given"])


def test_the_buyer_sees_by_when_and_that_it_is_late(shop: Shop) -> None:
    """A buyer reads until when an answer is promised, and later that it was late; the shop sees both in its list."""
    case = shop.asks()
    assert (datetime.fromisoformat(case["answer_by"]), case["late"]) == (NOW + HOUR, False)
    shop.wait(hours=1)
    assert shop.case(case["case_id"])["late"] is True
    (row,) = shop.must("GET", "/v1/merchant/cases?state=reviewing", role="clerk")["cases"]
    assert (row["answer_by"], row["late"]) == (case["answer_by"], True)
