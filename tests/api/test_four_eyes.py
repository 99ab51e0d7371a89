"""Two persons: every way in, by the same person or role or on an old version, is refused, pays nothing, and is on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import app
from aftersales.refund import Cause
from aftersales.testing.builders import a_line, a_merchant, an_order
from tests.api.four import WAYS, YES, Due, apart, appealed, big, countered, decides, lost, reviewed, silent, waits
from tests.api.machine import FRIDGE, Kitchen
from tests.api.test_edges import BODIES
from tests.mall import Mall

#: Who says the second yes and must not: who, in which role, and what is answered.
WRONG: dict[str, tuple[str, str, str]] = {
    "same person": ("anna", "approver", "second_person_required"),
    "same person as an admin": ("anna", "admin", "second_person_required"),
    "same person as a clerk": ("anna", "clerk", "forbidden"),
    "a clerk": ("dora", "clerk", "forbidden"),
    "the mall": ("mall", "integrator", "forbidden"),
    "the buyer": ("b1", "buyer", "forbidden"),
    "an old version": ("ben", "approver", "stale_version"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_way_leads_around_the_second_person(mall: Mall, way: Callable[[Mall], Due], wrong: str) -> None:
    """Refused with its code, nothing moves or is promised, and it is on record with who tried what on which case."""
    due, (sub, role, code) = way(mall), WRONG[wrong]
    version = due.mall.store.case(due.case_id).case.version - 1
    stale = {"headers": {"if-match": f'"{version}"'}} if code == "stale_version" else {}
    before = due.money()
    said = due.says(sub, role, **stale)
    due.mall.pump()
    assert (said.status, said.json["code"]) == (409 if stale else 403, code), said.text
    assert due.money() == before
    found = due.refusals()[0]
    assert (found["by"], found["code"], found["case_id"]) == (f"{role}:{sub}", code, due.case_id)
    assert found["act"] == f"POST /v1/merchant/cases/{{case_id}}/{due.act}"
    assert found["seen"] == (version if stale else None)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_is_open_to_the_second_person(mall: Mall, way: Callable[[Mall], Due]) -> None:
    """Another approver's yes carries it out, and nothing of that is a refusal."""
    due = way(mall)
    before, kept = due.money(), due.refusals()
    assert due.says("ben" if way.__name__ != "instead" else "cora").status == 200
    assert due.money() != before
    assert due.mall.store.case(due.case_id).case.state != "second_review" or due.act == "compensation"
    assert due.refusals() == kept


@pytest.mark.parametrize(
    ("sub", "role", "code"), [(*WRONG[n],) for n in ("same person", "same person as an admin", "same person as a clerk", "a clerk")]
)
@pytest.mark.parametrize("way", [reviewed, countered, silent, appealed, apart], ids=lambda way: way.__name__)
def test_a_batch_is_no_way_around(mall: Mall, way: Callable[[Mall], Due], sub: str, role: str, code: str) -> None:
    """Its item fails as the single decision would, nothing moves, and the refusal is on record; a second person's batch pays."""
    due = way(mall)
    before, body = due.money(), {"action": "approve", "reason": "all of them", "ids": [due.case_id]}
    mall.must("POST", "/v1/merchant/batches", body, sub=sub, role=role)
    mall.pump()
    assert due.money() == before
    found = due.refusals()[0]
    assert (found["by"], found["code"], found["case_id"]) == (f"{role}:{sub}", code, due.case_id)
    mall.must("POST", "/v1/merchant/batches", body, sub="ben", role="approver")
    mall.pump()
    assert due.money() != before


CASES = [r for r in app.ROUTES if r.watched and "case_id" in r.places]


@pytest.mark.parametrize("route", [r for r in CASES if "inspection" not in r.path], ids=lambda r: r.path.rpartition("}/")[2])
def test_whatever_decides_about_money_hears_an_old_version(mall: Mall, route: Any) -> None:
    """Who read the case before somebody changed it is told so, nothing happens, and it is on record."""
    case_id = big(mall)
    path = route.path.format(case_id=case_id, number=1)
    before = repr(mall.store.case(case_id))
    said = mall.send("POST", path, BODIES.get(route.path), role="admin", headers={"if-match": '"0"'})
    assert (said.status, said.json["code"]) == (409, "stale_version"), said.text
    found = mall.must("GET", "/v1/merchant/refusals", role="admin")["refusals"][0]
    assert (found["act"], found["seen"], repr(mall.store.case(case_id))) == (f"POST {route.path}", 0, before)


def test_another_merchants_people_find_nothing_and_leave_no_record(mall: Mall) -> None:
    """An approver of another shop reads that there is no such case; neither shop's record speaks of it."""
    due = reviewed(mall)
    assert due.says("ben", merchant="m2").json["code"] == "not_found"
    assert due.says("dora", "buyer", merchant="m2").json["code"] == "forbidden"
    assert due.refusals() == []
    assert mall.must("GET", "/v1/merchant/refusals", role="admin", merchant="m2")["refusals"] == []


def test_a_key_of_a_colleagues_is_nobody_elses(mall: Mall) -> None:
    """Sent again, the first yes is answered as it was; a colleague's under the same key is a yes of their own."""
    due = Due(mall, big(mall), YES)
    first = due.says("anna", key="key-00000001")
    assert due.says("anna", key="key-00000001").text == first.text
    assert mall.store.case(due.case_id).case.state == "second_review"
    assert due.says("ben", key="key-00000001").json["state"] == "settling"


def test_at_the_limit_one_person_is_enough(mall: Mall) -> None:
    """CNY 500.00 is one person's, CNY 500.01 is not."""
    assert decides(mall, big(mall, 50_000), "anna", "clerk").json["state"] == "settling"
    waits(mall, big(mall, 50_001, "o4"))


def test_the_limit_is_the_one_in_force_when_it_is_decided(mall: Mall) -> None:
    """A merchant that lowers its limit while a case waits has two persons decide on it."""
    case_id = big(mall, 40_000)
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=30_000))
    waits(mall, case_id)


def test_two_persons_may_each_grant_a_part_of_an_order(mall: Mall) -> None:
    """What one person grants alone is counted per person: a colleague's yes to the other line is a look of its own."""
    lines = tuple(a_line(line_id=f"l{n}", vertical="general", unit_price_minor=30_000, pieces=1) for n in (1, 2))
    mall.push(an_order(order_id="o3", status="shipped", lines=lines))
    first, second = lost(mall), lost(mall, line_id="l2")
    assert decides(mall, first, "anna").json["state"] == "settling"
    assert decides(mall, second, "ben").json["state"] == "settling"


def test_an_offer_on_a_thing_counts_with_the_thing(mall: Mall) -> None:
    """A few yuan less of the difference, accepted, would give a fridge on one person's word: a second one decides."""
    kitchen = Kitchen()
    kitchen.found()
    kitchen.registry.put("merchant:m1", a_merchant(return_address="Warehouse 1"))
    kitchen.fact("exchangeable", {"sku": "FRIDGE-100", "title": "nearly the same", "price_minor": 297_900})
    case = kitchen.ask(wanted="FRIDGE-100")
    assert (case["state"], case["amount_minor"]) == ("reviewing", 2_000)
    path = f"/v1/merchant/cases/{case['case_id']}/counter"
    kitchen.must("POST", path, {"amount_minor": 1_000, "reason": "half of it"}, role="clerk")
    accepted = kitchen.must("POST", f"/v1/cases/{case['case_id']}/counter-answer", {"accept": True})
    assert accepted["state"] == "second_review"


def test_a_thing_that_was_given_counts_as_long_as_its_money_would(mall: Mall) -> None:
    """A new fridge on one person's word, and its price on the same person's a month later, are one person's grant of both."""
    kitchen = Kitchen()
    kitchen.found()
    kitchen.registry.put("merchant:m1", a_merchant(two_persons_above_minor=310_000, return_address="Warehouse 1"))
    case = kitchen.ask()
    assert decides(kitchen, case["case_id"], "anna", "clerk").status == 200
    kitchen.pump()
    kitchen.back(case)
    kitchen.tell(case, "sent", carrier="sf", number="SF9")
    kitchen.must("POST", f"/v1/cases/{case['case_id']}/received", {"received": True})
    kitchen.pump()
    assert kitchen.case(case["case_id"])["ending"] == "fulfilled"
    again = kitchen.ask("return_refund")
    assert again["state"] == "reviewing"
    waits(kitchen, again["case_id"], role="clerk")


def test_a_yes_to_a_thing_is_none_to_the_money_that_came_instead(mall: Mall) -> None:
    """Ben agreed to an exchange, anna alone to its money: with her yes to the other fridge it is one person's grant of both."""
    kitchen = Kitchen(lines=(replace(FRIDGE, pieces=2),))
    kitchen.found()
    kitchen.registry.put("merchant:m1", a_merchant(two_persons_above_minor=310_000, return_address="Warehouse 1"))
    case = kitchen.ask()
    assert decides(kitchen, case["case_id"], "ben", "clerk").status == 200
    kitchen.pump()
    kitchen.back(case)
    kitchen.tell(case, "failed", reason="the last one broke")
    assert decides(kitchen, case["case_id"], "anna", "clerk", instead="money").status == 200
    kitchen.pump()
    other = kitchen.ask("return_refund")
    assert other["state"] == "reviewing"
    waits(kitchen, other["case_id"], role="clerk")


def test_a_lower_sum_stays_lower(mall: Mall) -> None:
    """What the buyer lowered to what one person grants is paid as that: no edit raises it once it was handed in."""
    case_id = big(mall)
    for minor in (60_000, 50_001):
        assert mall.send("PATCH", f"/v1/cases/{case_id}", {"asked_minor": minor}).json["code"] == "illegal_transition"
    mall.must("POST", f"/v1/cases/{case_id}/withdraw")
    lower = lost(mall, asked_minor=50_000)
    assert decides(mall, lower, "anna").json["state"] == "settling"
    mall.pump()
    assert sum(mall.channel.truth.values()) == 50_000


def test_a_leg_that_is_sent_again_pays_what_two_agreed_to(mall: Mall) -> None:
    """A retry by the first person, who needs nobody for it, moves no more than was approved."""
    due = reviewed(mall)
    mall.channel.then(Cause.CONFIGURATION)
    assert due.says("ben").status == 200
    mall.pump()
    path = f"/v1/merchant/cases/{due.case_id}/refunds/1/retry"
    assert mall.send("POST", path, role="clerk", sub="dora").json["code"] == "forbidden"
    assert due.refusals()[0]["act"] == "POST /v1/merchant/cases/{case_id}/refunds/{number}/retry"
    for _ in range(2):
        mall.send("POST", path, role="approver", sub="anna")
        mall.wait(minutes=5)
    assert sum(mall.channel.truth.values()) == 60_000


def test_an_appeal_is_not_a_clerks_to_begin(mall: Mall) -> None:
    """Above the limit both words on an appeal are for who has the right to the second."""
    case_id = big(mall)
    assert decides(mall, case_id, "clara", "clerk", outcome="reject").status == 200
    mall.must("POST", f"/v1/cases/{case_id}/appeal", {"text": "look at the scans"})
    assert decides(mall, case_id, "dora", "clerk").json["code"] == "forbidden"
    assert decides(mall, case_id, "clara", "approver").json["code"] == "second_person_required"


# --- the record -------------------------------------------------------------------------------------------------------
def test_refusals_are_for_seniors_newest_first_and_page_by_page(mall: Mall) -> None:
    """A clerk does not read who was refused; an approver reads all of it, in pages."""
    due = reviewed(mall)
    for sub in ("a1", "a2", "a3"):
        due.says(sub, "clerk")
        mall.clock.move(timedelta(seconds=1))
    assert mall.send("GET", "/v1/merchant/refusals", role="clerk").status == 403
    page = mall.must("GET", "/v1/merchant/refusals?limit=2", role="approver")
    assert [r["by"] for r in page["refusals"]] == ["clerk:a3", "clerk:a2"]
    rest = mall.must("GET", f"/v1/merchant/refusals?limit=2&cursor={page['cursor']}", role="approver")
    assert ([r["by"] for r in rest["refusals"]], rest["cursor"]) == (["clerk:a1"], None)


def test_the_platforms_people_are_on_the_record_of_the_shop(mall: Mall) -> None:
    """Who belongs to no shop and is refused on a case is found by the shop whose case it is."""
    due = reviewed(mall)
    assert due.says("eve", "platform", merchant="").json["code"] == "forbidden"
    assert due.refusals()[0]["by"] == "platform:eve"


def test_a_rule_that_is_not_theirs_to_write_is_on_record(mall: Mall) -> None:
    """Who would change what is approved without a person, and may not, is found among the refusals."""
    said = mall.send("PUT", "/v1/merchant/rules", {"table": {}, "note": "all"}, role="approver", sub="anna")
    assert said.status == 403
    found = mall.must("GET", "/v1/merchant/refusals", role="admin")["refusals"][0]
    assert (found["by"], found["act"], found["case_id"]) == ("approver:anna", "PUT /v1/merchant/rules", None)


def test_a_record_that_cannot_be_kept_changes_no_answer(mall: Mall, caplog: pytest.LogCaptureFixture) -> None:
    """The store breaks while the refusal is written: the caller is refused all the same, and the log says so."""
    due = reviewed(mall)

    class Broken:
        def __getattr__(self, name: str) -> Any:
            return getattr(mall.store, name)

        def commit(self, change: Any) -> None:
            raise OSError("no room")

    mall.registry.put("store", Broken())
    assert due.says("anna").json["code"] == "second_person_required"
    assert "could not be put on record" in caplog.text
