"""A set in the local system, through HTTP: a teapot and two cinema vouchers, each part going its own way."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, until
from infra.local.mall import TEA_SET, Shop
from infra.local.parcel import send_back
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http, truth = local.system, local.http, partial(local.truth, "voucher")
POT, TICKETS = "l1.tp-03", "l1.cn-01"


@pytest.fixture
def buyer(system: System) -> Iterator[Client]:
    """The buyer."""
    with system.client("buyer", "b1") as client:
        yield client


def sold(system: System, **terms: str) -> tuple[str, list[str]]:
    """A set, signed for five hours ago, the teapot alone CNY 60.00 and a ticket CNY 45.00; its order and its two codes."""
    order_id = f"set-{uuid4().hex[:8]}"
    order = Shop(system, "m1").sell(order_id, TEA_SET, "b1", signed=5)
    line = order["lines"][0]
    pot, tickets = line["parts"]
    fuller = {**line, "terms": terms, "parts": [{**pot, "worth_minor": 6000}, {**tickets, "worth_minor": 4500}]}
    with system.client("integrator", "mall") as mall:
        mall.put(f"/orders/{order_id}", {**order, "lines": [fuller]})
    return order_id, tickets["data"]["entitlement"].split()


def together(buyer: Client, order_id: str) -> dict[str, dict[str, Any]]:
    """The whole set asked back in one call; the case of each part by its line."""
    body = {"order_id": order_id, "items": [{"line_id": "l1", "pieces": 1}], "submit": True}
    results = buyer.post("/cases/together", body, key=f"set-{order_id}")["results"]
    assert buyer.post("/cases/together", body, key=f"set-{order_id}")["results"] == results, "sent twice it is done once"
    assert all(r["refused"] is None for r in results), results
    return {r["line_ids"][0]: r["case"] for r in results}


def comes_back(system: System, buyer: Client, case_id: str) -> dict[str, Any]:
    """The teapot is sent, looked at and accepted; the case once its money has arrived."""
    send_back(Shop(system, "m1"), buyer, case_id, carrier="sf")
    with system.client("clerk", "clerk-1") as clerk:
        clerk.post(f"/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "sound"})
    system.tick(0.05)  # the channel takes one refund of a payment a minute
    return buyer.case_in(case_id, "closed")


def whole(buyer: Client, order_id: str) -> dict[str, Any]:
    """Everything about the order."""
    said: dict[str, Any] = buyer.get(f"/orders/{order_id}/cases")
    return said


def test_the_teapot_goes_back_while_a_ticket_was_used(system: System, http: httpx.Client, buyer: Client) -> None:
    """One of two tickets was used: half of the tickets' part comes back at once, the teapot's part with the parcel."""
    order_id, codes = sold(system)
    system.lever("redeem", {"provider": "voucher", "entitlement": codes[0]})
    cases = together(buyer, order_id)
    tickets = buyer.case_in(cases[TICKETS]["case_id"], "closed")
    assert (tickets["ending"], tickets["amount_minor"]) == ("refunded", 3900)
    halfway = whole(buyer, order_id)
    assert (halfway["refunded_minor"], halfway["on_its_way_minor"]) == (3900, 4200)
    parts = {line["line_id"]: line for line in halfway["lines"]}
    assert (parts[POT]["part_of"], parts[POT]["paid_minor"], parts[TICKETS]["paid_minor"]) == ("l1", 4200, 7800)
    pot = comes_back(system, buyer, cases[POT]["case_id"])
    assert (pot["ending"], pot["amount_minor"]) == ("refunded", 4200)
    done = whole(buyer, order_id)
    assert (done["refunded_minor"], done["on_its_way_minor"]) == (8100, 0)
    assert {c["state"] for c in done["cases"]} == {"closed"}


def test_the_teapot_goes_back_while_the_tickets_were_used(system: System, buyer: Client) -> None:
    """Used tickets are refused with the time of use, and that no leaves the teapot's return as it is."""
    order_id, codes = sold(system)
    for code in codes:
        system.lever("redeem", {"provider": "voucher", "entitlement": code})
    cases = together(buyer, order_id)
    tickets = buyer.case_in(cases[TICKETS]["case_id"], "rejected")
    assert "used at" in tickets["decision"]["reason"]
    assert comes_back(system, buyer, cases[POT]["case_id"])["amount_minor"] == 4200
    assert whole(buyer, order_id)["refunded_minor"] == 4200


def test_the_discount_was_for_both_and_both_come_back(system: System, http: httpx.Client, buyer: Client) -> None:
    """The tickets first give what was paid less the teapot alone, the teapot then all the rest: exactly what was paid."""
    order_id, codes = sold(system, together="alone")
    cases = together(buyer, order_id)
    tickets = buyer.case_in(cases[TICKETS]["case_id"], "closed")
    assert tickets["amount_minor"] == 12000 - 6000
    assert cases[POT]["amount_minor"] == 12000 - 2 * 4500
    pot = comes_back(system, buyer, cases[POT]["case_id"])
    assert pot["amount_minor"] == 6000
    done = whole(buyer, order_id)
    assert (done["refunded_minor"], done["refundable_minor"]) == (12000, 0)
    books = partial(truth, system, http)
    until(lambda: {books()["entitlements"][one]["status"] for one in codes} == {"void"}, lambda: str(books()["entitlements"]), 5)


def test_a_part_that_is_kept_costs_what_it_costs_alone(system: System, buyer: Client) -> None:
    """The discount was for both and the tickets stay: CNY 120.00 less twice CNY 45.00 for the teapot, told before applying."""
    order_id, _ = sold(system, together="alone")
    shown = {line["line_id"]: line for line in buyer.get(f"/orders/{order_id}/options")["lines"]}
    assert "less the price alone of what you keep" in shown[POT]["agreed"][0]
    asked = {"order_id": order_id, "kind": "return_refund", "reason": "no_reason", "items": [{"line_id": POT, "pieces": 1}]}
    case = buyer.post("/cases", {**asked, "submit": True})
    assert comes_back(system, buyer, case["case_id"])["amount_minor"] == 3000
