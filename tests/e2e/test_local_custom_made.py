"""An engraved ring in the local system, through HTTP: cancelled, refused, returned, made again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from infra.local.client import Client, Refused
from infra.local.mall import RING, SHOWN, Shop
from infra.local.parcel import send_back
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system = local.system
SPEC = "A&B 2026"


@pytest.fixture
def buyer(system: System) -> Iterator[Client]:
    """The buyer."""
    with system.client("buyer", "b1") as client:
        yield client


@pytest.fixture
def clerk(system: System) -> Iterator[Client]:
    """A clerk of the shop."""
    with system.client("clerk", "clerk-1") as client:
        yield client


def sold(system: System, signed: float | None = None) -> str:
    """A ring engraved as the buyer wished, signed for so many hours ago or only paid; its order."""
    order_id = f"ring-{uuid4().hex[:8]}"
    Shop(system, "m1").sell(order_id, RING, "b1", signed=signed)
    return order_id


def told(system: System, order_id: str, fact: str) -> None:
    """The shop tells how far it is."""
    with system.client("integrator", "mall") as mall:
        mall.post(f"/orders/{order_id}/facts", {"fact": fact, "at": system.now().isoformat(), "line_id": "l1"})


def asked(buyer: Client, order_id: str, kind: str, reason: str, photo: bool = False) -> dict[str, Any]:
    """A case about the ring, handed in."""
    items = [{"line_id": "l1", "pieces": 1}]
    return buyer.claim(SHOWN() if photo else None, order_id=order_id, kind=kind, reason=reason, items=items)


def test_cancelled_before_it_was_begun_all_comes_back(system: System, buyer: Client) -> None:
    """Nobody looks and nothing is kept: the money is back at once, above CNY 50 too."""
    case = asked(buyer, sold(system), "refund_only", "changed_mind")
    done = buyer.case_in(case["case_id"], "closed")
    assert (done["ending"], done["amount_minor"]) == ("refunded", RING.minor)


def test_cancelled_once_it_was_begun_the_agreed_share_is_kept(system: System, buyer: Client) -> None:
    """The buyer reads the agreed 30 % before applying, and gets the rest; the shop's own lateness costs the buyer nothing."""
    order_id, late = sold(system), sold(system)
    for one in (order_id, late):
        told(system, one, "production_started")
    system.tick(1)
    (line,) = buyer.get(f"/orders/{order_id}/options")["lines"]
    assert any("30 %" in said for said in line["agreed"])
    assert any(SPEC in said for said in line["agreed"])
    case = asked(buyer, order_id, "refund_only", "changed_mind")
    done = buyer.case_in(case["case_id"], "closed")
    assert (done["ending"], done["amount_minor"]) == ("refunded", RING.minor * 7 // 10)
    said = next(f["text"] for f in done["decision"]["findings"] if f["check"] == "custom_made.making")
    assert "30 %" in said
    owed = asked(buyer, late, "refund_only", "late_making")
    assert buyer.case_in(owed["case_id"], "closed")["amount_minor"] == RING.minor


def test_finished_it_waits_for_a_person_and_silence_agrees(system: System, buyer: Client) -> None:
    """Nobody at the shop answers within 48 hours: what was asked for is paid."""
    order_id = sold(system)
    told(system, order_id, "production_started")
    told(system, order_id, "production_finished")
    system.tick(1)
    case = asked(buyer, order_id, "refund_only", "changed_mind")
    assert case["state"] == "reviewing"
    system.tick(47.9)
    assert buyer.get(f"/cases/{case['case_id']}")["state"] == "reviewing"
    system.tick(0.2)
    assert buyer.case_in(case["case_id"], "closed")["amount_minor"] == RING.minor


def test_what_was_confirmed_is_refused_in_its_own_words(system: System, buyer: Client) -> None:
    """No return without a reason: the refusal names the engraving that was confirmed, and the case that stands keeps the terms."""
    order_id = sold(system, signed=5)
    with pytest.raises(Refused) as refused:
        asked(buyer, order_id, "return_refund", "no_reason")
    assert SPEC in str(refused.value)
    case = asked(buyer, order_id, "return_refund", "faulty", photo=True)
    kept = buyer.get(f"/cases/{case['case_id']}/rules")
    assert kept["terms"]["l1"] == {"no_return": True, **dict(RING.agreed)}


def test_it_differs_from_what_was_agreed(system: System, buyer: Client, clerk: Client) -> None:
    """A photo is asked for, a person compares with what was confirmed, the ring comes back and all that was paid with it."""
    order_id = sold(system, signed=5)
    case_id = asked(buyer, order_id, "return_refund", "not_as_agreed")["case_id"]
    waiting = buyer.case_in(case_id, "awaiting_evidence")
    assert "custom_made.fault_shown" in {f["check"] for f in waiting["decision"]["findings"] if f["verdict"] == "missing"}
    buyer.upload(case_id, SHOWN())
    buyer.post(f"/cases/{case_id}/submit")
    looked = buyer.case_in(case_id, "reviewing")
    assert any(SPEC in f["text"] for f in looked["decision"]["findings"])
    clerk.post(f"/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "It says A&C."})
    send_back(Shop(system, "m1"), buyer, case_id, carrier="sf")
    clerk.post(f"/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "flawed"})
    done = buyer.case_in(case_id, "closed")
    assert (done["ending"], done["amount_minor"]) == ("refunded", RING.minor)


def test_it_is_made_again(system: System, buyer: Client, clerk: Client) -> None:
    """The flawed ring comes back, a new one is sent, no money moves; and the new one can be faulty once more, counted anew."""
    order_id = sold(system, signed=14 * 24)
    case_id = asked(buyer, order_id, "exchange", "faulty", photo=True)["case_id"]
    buyer.case_in(case_id, "reviewing")
    clerk.post(f"/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "The band is cracked."})
    send_back(Shop(system, "m1"), buyer, case_id, carrier="sf")
    clerk.post(f"/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "scrap"})
    assert buyer.get(f"/cases/{case_id}")["state"] == "fulfilling"
    clerk.post(f"/merchant/cases/{case_id}/remedy", {"action": "started"})
    clerk.post(f"/merchant/cases/{case_id}/remedy", {"action": "sent", "carrier": "sf", "number": "SF20260000001"})
    done = clerk.post(f"/merchant/cases/{case_id}/remedy", {"action": "done"})
    assert (done["state"], done["ending"], done["refunds"]) == ("closed", "fulfilled", [])
    system.tick(10 * 24)
    again = asked(buyer, order_id, "return_refund", "faulty", photo=True)
    assert again["state"] != "closed"


def test_it_cannot_be_made_again_and_money_is_given(system: System, buyer: Client, clerk: Client) -> None:
    """The shop says that it cannot: a person decides anew, and money takes the ring's place, exactly what was paid."""
    order_id = sold(system, signed=5)
    case_id = asked(buyer, order_id, "exchange", "faulty", photo=True)["case_id"]
    buyer.case_in(case_id, "reviewing")
    clerk.post(f"/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "The band is cracked."})
    send_back(Shop(system, "m1"), buyer, case_id, carrier="sf")
    clerk.post(f"/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "scrap"})
    failed = clerk.post(f"/merchant/cases/{case_id}/remedy", {"action": "failed", "reason": "The stone is not to be had."})
    assert failed["state"] == "reviewing"
    said = {"outcome": "approve", "reason": "Money, then.", "instead": "money"}
    clerk.post(f"/merchant/cases/{case_id}/decision", said)
    done = buyer.case_in(case_id, "closed")
    assert (done["ending"], done["amount_minor"]) == ("refunded", RING.minor)
