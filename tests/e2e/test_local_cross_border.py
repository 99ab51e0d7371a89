"""Goods from abroad in the local system, through HTTP: customs is asked, tells by itself, and the money follows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from infra.local.client import Client, until
from infra.local.mall import Shop
from infra.local.parcel import send_back
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http, truth = local.system, local.http, partial(local.truth, "customs")
BEIJING = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def buyer(system: System) -> Iterator[Client]:
    """The buyer."""
    with system.client("buyer", "b1") as client:
        yield client


def sold(system: System, price: int, tax: int, pieces: int = 1, freight: int = 0, signed: bool = False, **line: Any) -> str:
    """An order of milk powder, paid with its taxes and its international freight; ``signed`` for two hours ago."""
    order_id, now = f"x-{uuid4().hex[:8]}", system.now()
    total, number = price * pieces + tax + freight, f"42{uuid4().int % 10**26:026d}"
    system.pay(number, total, now - timedelta(days=40))
    paid_at = (now - timedelta(days=40)).isoformat()
    said = {"line_id": "l1", "sku": "MF-90", "title": "婴儿奶粉", "vertical": "cross_border", "category": "food"}
    order = {
        "order_id": order_id, "merchant": "m1", "buyer": {"id": "b1", "locale": "en"}, "currency": "CNY",
        "status": "signed" if signed else "paid", "paid_at": paid_at, "freight": {"charged_minor": freight},
        "lines": [{**said, "unit_price_minor": price, "pieces": pieces, "tax_minor": tax, **line}],
        "payments": [
            {"payment_id": "p1", "channel": "wechatpay", "transaction_id": number, "paid_minor": total, "paid_at": paid_at}
        ],
    }  # fmt: skip
    if signed:
        order |= {"shipped_at": (now - timedelta(days=9)).isoformat(), "signed_at": (now - timedelta(hours=2)).isoformat()}
    with system.client("integrator", "mall") as mall:
        mall.put(f"/orders/{order_id}", order)
    return order_id


def customs(system: System, lever: str, order_id: str, **said: Any) -> None:
    """Customs says something, and its agent hands it on."""
    system.lever(lever, {"provider": "customs", "order_no": order_id, **said})


def days_ago(system: System, days: int) -> str:
    """Noon in Beijing, that many of its days ago."""
    day = system.now().astimezone(BEIJING).date() - timedelta(days=days)
    return datetime(day.year, day.month, day.day, 12, tzinfo=BEIJING).isoformat()


def asked(buyer: Client, order_id: str, kind: str, reason: str, pieces: int = 1) -> str:
    """A case, handed in."""
    items = [{"line_id": "l1", "pieces": pieces}]
    said = buyer.post("/cases", {"order_id": order_id, "kind": kind, "reason": reason, "items": items, "submit": True})
    return str(said["case_id"])


def sent_back(system: System, buyer: Client, case_id: str) -> dict[str, Any]:
    """The goods come back sound, and the money goes out."""
    buyer.case_in(case_id, "approved")
    send_back(Shop(system, "m1"), buyer, case_id, carrier="sf")
    with system.client("clerk", "clerk-1") as clerk:
        clerk.post(f"/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "sound"})
    system.tick(0.05)  # WeChat Pay wants a minute between two refunds of one payment
    return buyer.case_in(case_id, "closed")


def parts(buyer: Client, case: dict[str, Any]) -> tuple[int, int, int]:
    """What was refunded of goods, taxes and freight, as the buyer reads it."""
    said = buyer.get(f"/cases/{case['case_id']}/refund-plan")["components"]
    assert sum(said.values()) == sum(leg["amount_minor"] for leg in case["refunds"])
    return said["goods"], said["tax"], said["freight"]


def told(system: System, http: httpx.Client, order_id: str) -> list[dict[str, Any]]:
    """The receipts about an order, once each was taken or given up."""

    def all_done() -> list[dict[str, Any]] | None:
        rows = [row for row in truth(system, http)["receipts"] if row["order_no"] == order_id]
        return rows if rows and all(row["state"] in ("acknowledged", "given up") for row in rows) else None

    return until(all_done, lambda: str(truth(system, http)["receipts"]), 10)


def test_a_failed_clearance_pays_goods_tax_and_freight(system: System, http: httpx.Client, buyer: Client) -> None:
    """Customs still looks: a person has it. It sends the parcel back: the refund runs by itself, in all three components, once."""
    order_id = sold(system, 100_000, 9_100, freight=4_500)
    customs(system, "clearance", order_id, code="500", at=days_ago(system, 2))
    case_id = asked(buyer, order_id, "refund_only", "clearance_failed")
    case = buyer.case_in(case_id, "reviewing")
    assert "Customs is still examining" in case["decision"]["reason"]

    customs(system, "clearance", order_id, code="700", at=days_ago(system, 1))
    case = buyer.case_in(case_id, "closed")
    assert (case["ending"], case["amount_minor"], parts(buyer, case)) == ("refunded", 113_600, (100_000, 9_100, 4_500))
    assert [row["state"] for row in told(system, http, order_id)] == ["acknowledged"] * 2
    assert system.truth()["refunds"][case["refunds"][0]["key"]]["executed"] == 113_600


def test_a_change_of_mind_is_priced_anew_when_customs_refuses(system: System, buyer: Client) -> None:
    """Asked for on its way, without the freight; then customs sends it back, and the freight comes too: it was not the buyer."""
    order_id = sold(system, 3_000, 273, freight=1_200)
    with system.client("integrator", "mall") as mall:
        mall.post(f"/orders/{order_id}/facts", {"fact": "shipped", "at": (system.now() - timedelta(hours=5)).isoformat()})
    customs(system, "clearance", order_id, code="300", at=days_ago(system, 2))
    case_id = asked(buyer, order_id, "refund_only", "changed_mind")
    assert buyer.case_in(case_id, "reviewing")["amount_minor"] == 3_273
    customs(system, "clearance", order_id, code="599", at=days_ago(system, 1))
    case = buyer.case_in(case_id, "closed")
    assert (case["ending"], parts(buyer, case)) == ("refunded", (3_000, 273, 1_200))


def test_returns_with_a_tax_bill_add_up_to_the_fen(system: System, buyer: Client) -> None:
    """One of three pieces, then the other two, inside customs' days: each return its own tax, together exactly what was paid."""
    order_id = sold(system, 1_500, 410, pieces=3, signed=True, terms={"tax_late": "buyer"})
    customs(system, "clearance", order_id, code="800", at=days_ago(system, 29))
    customs(system, "tax_bill", order_id, lines=[[1, 0, 0, 410]], at=days_ago(system, 28))
    first = sent_back(system, buyer, asked(buyer, order_id, "return_refund", "no_reason"))
    rest = sent_back(system, buyer, asked(buyer, order_id, "return_refund", "no_reason", 2))
    assert [case["ending"] for case in (first, rest)] == ["refunded"] * 2
    assert parts(buyer, first) == (1_500, 137, 0)
    assert [a + b for a, b in zip(parts(buyer, first), parts(buyer, rest), strict=True)] == [4_500, 410, 0]


@pytest.mark.parametrize(
    ("terms", "tax"), [({"tax_late": "buyer"}, 27), ({}, 300)], ids=["the buyer bears it", "the shop bears it"]
)
def test_a_late_return_pays_goods_and_taxes_by_policy(system: System, buyer: Client, terms: dict[str, str], tax: int) -> None:
    """Released 31 days ago: the goods come back. What customs levied stays only as agreed, what was charged beyond never."""
    order_id = sold(system, 3_000, 300, signed=True, terms=terms)
    customs(system, "clearance", order_id, code="800", at=days_ago(system, 31))
    customs(system, "tax_bill", order_id, lines=[[1, 0, 0, 273]], at=days_ago(system, 30))
    case_id = asked(buyer, order_id, "return_refund", "no_reason")
    case = sent_back(system, buyer, case_id)
    assert (case["ending"], parts(buyer, case)) == ("refunded", (3_000, tax, 0))


def test_silence_while_customs_looks_means_yes(system: System, buyer: Client) -> None:
    """Customs says nothing more, and so does the shop: after 48 hours the buyer has the money."""
    order_id = sold(system, 3_000, 273, freight=1_200)
    customs(system, "clearance", order_id, code="300", at=days_ago(system, 1))
    case_id = asked(buyer, order_id, "refund_only", "clearance_failed")
    buyer.case_in(case_id, "reviewing")
    system.tick(47.9)
    assert buyer.get(f"/cases/{case_id}")["state"] == "reviewing"
    system.tick(0.2)
    case = buyer.case_in(case_id, "closed")
    assert (case["ending"], parts(buyer, case)) == ("refunded", (3_000, 273, 1_200))


def test_receipts_that_come_twice_late_forged_or_about_nobody(system: System, http: httpx.Client, buyer: Client) -> None:
    """A forged receipt and one about an order that never was change nothing; the genuine one is told again, and counts once."""
    order_id = sold(system, 3_000, 273)
    for kind in ("unknown_refund", "bad_signature"):
        system.lever("faults", {"provider": "customs", "at": "notice", "kind": kind, "key": order_id})
    customs(system, "clearance", order_id, code="700")
    told(system, http, order_id)
    customs(system, "notices", order_id)
    customs(system, "clearance", order_id, code="300", at=days_ago(system, 3))
    told(system, http, order_id)
    tries = [d for d in truth(system, http)["deliveries"] if d["order_no"] == order_id or d["fault"] == "unknown_refund"]
    assert {(d["fault"], d["status"]) for d in tries} == {("unknown_refund", 404), ("bad_signature", 401), ("", 200)}
    case = buyer.case_in(asked(buyer, order_id, "refund_only", "clearance_failed"), "closed")
    assert (case["ending"], case["amount_minor"]) == ("refunded", 3_273)


def test_an_agent_that_does_not_answer_is_asked_again(system: System, http: httpx.Client, buyer: Client) -> None:
    """A lost answer decides nothing: the same question is asked again, and its answer decides."""
    order_id = sold(system, 3_000, 273)
    system.lever("faults", {"provider": "customs", "at": "query", "kind": "cut", "key": order_id})
    customs(system, "clearance", order_id, code="100", tell=False)
    case = buyer.case_in(asked(buyer, order_id, "refund_only", "clearance_failed"), "closed")
    assert (case["ending"], case["amount_minor"]) == ("refunded", 3_273)
    assert truth(system, http)["faults_left"] == 0
