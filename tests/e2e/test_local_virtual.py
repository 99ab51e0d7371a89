"""Virtual goods in the local system, through HTTP: asked of the voucher system, kept, judged, paid, made void."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, until
from infra.local.mall import CINEMA, POOL, Goods, Shop
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http, truth = local.system, local.http, partial(local.truth, "voucher")
MEMBERSHIP = Goods("MB-30", "会员 30 天 Membership, 30 days", "virtual", "membership", 3000, uses=1)
DEAR = Goods("CN-99", "礼品卡 Gift card", "virtual", "voucher", 60000, uses=1)


@pytest.fixture
def buyer(system: System) -> Iterator[Client]:
    """The buyer."""
    with system.client("buyer", "b1") as client:
        yield client


def sold(system: System, what: Goods, **data: Any) -> tuple[str, list[str]]:
    """An order of these goods, delivered by showing the codes; its id and the entitlements."""
    order_id = f"v-{uuid4().hex[:8]}"
    order = Shop(system, "m1").sell(order_id, what, "b1", status="finished")
    line = order["lines"][0]
    if data:
        with system.client("integrator", "mall") as mall:
            mall.put(f"/orders/{order_id}", {**order, "lines": [{**line, "data": {**line["data"], **data}}]})
    return order_id, line["data"]["entitlement"].split()


def asked(buyer: Client, order_id: str, pieces: int = 1, **more: Any) -> str:
    """A refund, handed in."""
    body = {"kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": pieces}], "submit": True}
    return str(buyer.post("/cases", {"order_id": order_id, **body, **more})["case_id"])


def pull(system: System, lever: str, one: str, **more: Any) -> None:
    """Something happens at the voucher system."""
    system.lever(lever, {"provider": "voucher", "entitlement": one, **more})


def state(system: System, http: httpx.Client, one: str) -> tuple[str, bool]:
    """What an entitlement is, and whether it is locked."""
    found = truth(system, http)["entitlements"][one]
    return found["status"], bool(found["lock"])


def test_what_was_not_used_comes_back_by_itself_and_is_void(system: System, http: httpx.Client, buyer: Client) -> None:
    """A delivered and unused code above CNY 50: nobody looks, no time passes, the money is back and the code is dead."""
    order_id, ids = sold(system, CINEMA)
    case = buyer.case_in(asked(buyer, order_id, 2), "closed")
    assert (case["ending"], case["amount_minor"], case["decision"]["rule"]) == ("refunded", CINEMA.minor, "merchant.kept")
    until(
        lambda: {state(system, http, one) for one in ids} == {("void", False)}, lambda: str(truth(system, http)["entitlements"]), 5
    )
    pull(system, "redeem", ids[0])
    assert state(system, http, ids[0]) == ("void", False)


def test_what_was_used_is_refused_with_its_time(system: System, http: httpx.Client, buyer: Client) -> None:
    """The buyer reads in the shop's time when the code was used, nothing is paid, and the code stays as it is."""
    order_id, ids = sold(system, CINEMA)
    used_at = system.now() - timedelta(hours=3)
    for one in ids:
        pull(system, "redeem", one, at=used_at.isoformat())
    case = buyer.case_in(asked(buyer, order_id), "rejected")
    assert (case["refunds"], case["decision"]["rule"]) == ([], "virtual.left")
    shown = (used_at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M")
    assert f"used at {shown}" in case["decision"]["reason"]
    assert state(system, http, ids[0]) == ("used", False)


def test_a_card_of_visits_pays_what_is_left(system: System, http: httpx.Client, buyer: Client) -> None:
    """Three of ten visits were used: seven tenths come back, and the card is void."""
    order_id, [card] = sold(system, POOL)
    pull(system, "redeem", card, times=3)
    case = buyer.case_in(asked(buyer, order_id), "closed")
    assert (case["ending"], case["amount_minor"]) == ("refunded", 21000)
    until(lambda: state(system, http, card) == ("void", False), lambda: str(state(system, http, card)), 5)


def test_a_membership_pays_the_days_that_are_left(system: System, http: httpx.Client, buyer: Client) -> None:
    """Begun three days ago, 30 days sold: four have begun, 26 thirtieths come back."""
    order_id, [card] = sold(system, MEMBERSHIP, goods="membership", days=30)
    pull(system, "activate", card, at=(system.now() - timedelta(days=3)).isoformat())
    case = buyer.case_in(asked(buyer, order_id), "closed")
    assert case["amount_minor"] == 2600


def test_a_dear_one_waits_for_two_people_locked_and_is_free_again(system: System, http: httpx.Client, buyer: Client) -> None:
    """Above CNY 500 people decide while it is locked; when the buyer takes it back instead, it can be used again."""
    order_id, [card] = sold(system, DEAR)
    case_id = asked(buyer, order_id)
    buyer.case_in(case_id, "reviewing")
    assert state(system, http, card) == ("unused", True)
    buyer.post(f"/cases/{case_id}/withdraw")
    until(lambda: state(system, http, card) == ("unused", False), lambda: str(state(system, http, card)), 5)
    pull(system, "redeem", card)
    assert state(system, http, card) == ("used", False)


def test_a_system_that_is_silent_costs_nobody_anything(system: System, http: httpx.Client, buyer: Client) -> None:
    """While it does not answer, nothing is paid; once it does, within its quarter of an hour, the refund goes on by itself."""
    order_id, ids = sold(system, CINEMA)
    system.lever("faults", {"provider": "voucher", "at": "lock", "kind": "error", "status": 503, "times": 2})
    case = buyer.case_in(asked(buyer, order_id), "closed")
    assert case["ending"] == "refunded"
    assert truth(system, http)["faults_left"] == 0
    until(lambda: state(system, http, ids[0])[0] == "void", lambda: str(state(system, http, ids[0])), 5)


def test_a_refund_that_cannot_be_paid_frees_it_in_the_end(system: System, http: httpx.Client, buyer: Client) -> None:
    """The channel says a final no: the code stays locked while people look at it, and can be used again once they give it up."""
    order_id, ids = sold(system, CINEMA)
    system.lever("faults", {"at": "create", "kind": "error", "status": 403, "code": "NO_AUTH", "executed": False})
    case_id = asked(buyer, order_id, 2)
    until(lambda: [r["state"] for r in buyer.get(f"/cases/{case_id}")["refunds"]] == ["failed"], lambda: "it did not fail", 10)
    assert {state(system, http, one) for one in ids} == {("unused", True)}
    system.tick(0.2)  # so long a call might have been on its way
    with system.client("approver", "approver-1") as approver:
        body = {"how": "not_owed", "reason": "They want to keep them."}
        approver.post(f"/merchant/cases/{case_id}/refunds/1/release", body)
    until(lambda: {state(system, http, one) for one in ids} == {("unused", False)}, lambda: str(state(system, http, ids[0])), 5)
    pull(system, "redeem", ids[0])
    assert state(system, http, ids[0]) == ("used", False)
