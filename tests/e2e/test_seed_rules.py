"""The six rules that every shop begins with (RV-2), over real HTTP on the whole local system, each as a buyer would meet it.

Unused virtual goods have a file of their own (``test_local_virtual``), since a system of vouchers takes part.
"""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.mall import STRAWBERRIES, Goods, Shop
from infra.local.photos import drawn
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e
system = local.system

ONE = [{"line_id": "l1", "pieces": 1}]


@pytest.fixture(scope="module")
def shop(system: System) -> Shop:
    """The first shop's backend."""
    return Shop(system, "m1")


def lamp(minor: int) -> Goods:
    """An ordinary lamp at that price, in fen."""
    return Goods("LAMP-1", "台灯 Lamp", "general", "home", minor)


def asked(system: System, order_id: str, kind: str, reason: str) -> dict[str, Any]:
    """What a buyer asks for about one piece, handed in at once, and what is decided."""
    body = {"order_id": order_id, "kind": kind, "reason": reason, "items": ONE, "submit": True}
    with system.client("buyer", "b1") as buyer:
        said: dict[str, Any] = buyer.post("/cases", body)
    return said


def rested(system: System, case_id: str, *states: str) -> dict[str, Any]:
    """The case once it is in one of these states."""
    with system.client("buyer", "b1") as buyer:
        return buyer.case_in(case_id, *states)


def test_not_shipped_is_refunded_at_once(system: System, shop: Shop) -> None:
    """Refund only before shipping is approved whatever the amount, and the money arrives by itself."""
    shop.sell("seed-1", lamp(88_800), "b1")
    case = rested(system, asked(system, "seed-1", "refund_only", "changed_mind")["case_id"], "closed")
    assert (case["decision"]["rule"], case["ending"], case["amount_minor"]) == ("merchant.not_shipped", "refunded", 88_800)


@pytest.mark.parametrize(
    ("hours", "state", "rule"),
    [(7 * 24 - 1, "approved", "merchant.small_amount"), (7 * 24 + 1, "reviewing", "general.shipped_long_ago")],
)
def test_a_return_long_after_shipping_goes_to_a_person(system: System, shop: Shop, hours: int, state: str, rule: str) -> None:
    """Within seven days of shipping a small return goes its way; after them a person looks."""
    name = f"seed-2-{hours}"
    shop.sell(name, lamp(4_000), "b1", shipped=hours, signed=1)
    case = asked(system, name, "return_refund", "no_reason")
    assert (case["state"], case["decision"]["rule"]) == (state, rule)


def test_a_produce_claim_is_approved_once_its_photo_is_verified(system: System, shop: Shop) -> None:
    """Five jin, one spoiled and seen on the photo: twenty per cent, paid by itself."""
    shop.sell("seed-4", STRAWBERRIES, "b1", signed=2)
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.claim(drawn(77), order_id="seed-4", kind="claim", reason="spoiled", items=ONE)["case_id"]
    case = rested(system, case_id, "closed")
    assert (case["ending"], case["decision"]["outcome"], case["amount_minor"]) == ("refunded", "approve", 1_990)


@pytest.mark.parametrize(("minor", "rule"), [(5_000, "merchant.small_amount"), (5_001, "merchant.person")])
def test_up_to_fifty_yuan_nobody_is_asked(system: System, shop: Shop, minor: int, rule: str) -> None:
    """CNY 50.00 is approved, a fen more goes to a person."""
    name = f"seed-5-{minor}"
    shop.sell(name, lamp(minor), "b1", signed=1)
    assert asked(system, name, "return_refund", "no_reason")["decision"]["rule"] == rule


def test_above_five_hundred_a_second_approver_is_needed(system: System, shop: Shop) -> None:
    """CNY 500.01: the first yes asks for another person's; the same person cannot give both."""
    shop.sell("seed-6", lamp(50_001), "b1", signed=1)
    case = asked(system, "seed-6", "return_refund", "no_reason")
    assert case["decision"]["outcome"] == "two_persons"
    said, path = {"outcome": "approve", "reason": "fine"}, f"/merchant/cases/{case['case_id']}/decision"
    with system.client("approver", "ann") as ann, system.client("approver", "bea") as bea:
        assert ann.post(path, said)["state"] == "second_review"
        assert ann.send("POST", path, said).json()["code"] == "second_person_required"
        assert bea.post(path, said)["state"] == "approved"


def test_silence_of_forty_eight_hours_is_a_yes(system: System, shop: Shop) -> None:
    """Nobody of the shop answers: the return is approved by the system, and not before."""
    shop.sell("seed-7", lamp(30_000), "b1", signed=1)
    case_id = asked(system, "seed-7", "return_refund", "no_reason")["case_id"]
    system.tick(47.5)
    assert rested(system, case_id, "reviewing")["state"] == "reviewing"
    system.tick(1)
    assert rested(system, case_id, "approved")["approvals"][0]["by"] == "system"
