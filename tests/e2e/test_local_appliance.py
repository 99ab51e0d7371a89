"""A fridge in the local system, through HTTP: technicians tell, the warehouse keeps, and a thing is given in place of money."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, Refused, until
from infra.local.mall import FRIDGE, Shop
from infra.local.parcel import send_back
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http = local.system, local.http
DAY = 24.0


class Story:
    """One fridge of one buyer, and the people around it."""

    def __init__(self, system: System, http: httpx.Client, buyer: Client, clerk: Client, approver: Client, mall: Client) -> None:
        self.system, self.http, self.buyer, self.clerk, self.approver, self.mall = system, http, buyer, clerk, approver, mall
        self.order_id = f"f-{uuid4().hex[:8]}"

    def sold(self, signed_days: float = 10) -> Story:
        """It was delivered and installed so many days ago."""
        Shop(self.system, "m1").sell(self.order_id, FRIDGE, "b1", signed=signed_days * DAY)
        until(lambda: "installed" in self.told(), lambda: str(self.told()), 10)
        return self

    def told(self) -> list[str]:
        """What became of telling each node of the work order."""
        nodes = local.truth("installer", self.system, self.http)["work_orders"].get(f"{self.order_id}/l1", [])
        return ["installed" for n in nodes if (n["status"], n["state"]) == ("serve_complete", "acknowledged")]

    def node(self, status: str, **data: Any) -> None:
        """A technician does something, and the platform tells it."""
        about = {"provider": "installer", "number": f"{self.order_id}/l1", "status": status, "at": self.system.now().isoformat()}
        self.system.lever("node", {**about, **data})

    def inspected(self, result: str = "fault") -> Story:
        """A technician looked at it; the report is with us once the call-back is taken."""
        self.node("serve_inspect", result=result, serialNo="SN-FR300-0001", reportNo="R-2")

        def heard() -> bool:
            nodes = local.truth("installer", self.system, self.http)["work_orders"][f"{self.order_id}/l1"]
            return nodes[-1]["state"] == "acknowledged"

        until(heard, lambda: "the report was not taken", 10)
        return self

    def offered(self, sku: str, minor: int, pieces: int = 1) -> Story:
        """The mall offers another fridge in exchange, and has so many."""
        self.system.lever("stock", {"provider": "stock", "sku": sku, "pieces": pieces})
        data = {"sku": sku, "title": f"冰箱 Fridge {sku}", "price_minor": minor}
        fact = {"fact": "exchangeable", "at": self.system.now().isoformat(), "line_id": "l1", "data": data}
        self.mall.post(f"/orders/{self.order_id}/facts", fact)
        return self

    def ask(self, kind: str, reason: str, *states: str, **more: Any) -> Any:
        """A case, handed in, once it is in one of these states."""
        body = {
            "order_id": self.order_id,
            "kind": kind,
            "reason": reason,
            "items": [{"line_id": "l1", "pieces": 1}],
            "submit": True,
        }
        return self.buyer.case_in(self.buyer.post("/cases", {**body, **more})["case_id"], *states)

    def agreed(self, case: Any, **more: Any) -> Any:
        """Two persons say yes, since it is about more than CNY 500."""
        for person in (self.clerk, self.approver):
            said = person.post(f"/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "as owed", **more})
        return said

    def exchanged(self, wanted: str = "") -> Any:
        """An exchange that was agreed to, with the faulty fridge back and accepted."""
        case = self.agreed(self.ask("exchange", "faulty", "reviewing", wanted=wanted))
        assert case["state"] == "approved", case
        send_back(Shop(self.system, "m1"), self.buyer, case["case_id"], carrier="sf", weight_g=FRIDGE.weight_g)
        return self.clerk.post(
            f"/merchant/cases/{case['case_id']}/inspection", {"accepted": True, "disposition": "flawed", "note": "compressor dead"}
        )

    def tell(self, case: Any, action: str, **more: Any) -> Any:
        """The shop tells how far it is."""
        return self.clerk.post(f"/merchant/cases/{case['case_id']}/remedy", {"action": action, **more})

    def shelf(self, sku: str, case: Any) -> tuple[int, str]:
        """How many of a sku are free, and what became of what was kept for the case."""
        stock = local.truth("stock", self.system, self.http)["stock"][sku]
        return stock["free"], stock["holds"].get(f"{case['case_id']}-l1", {}).get("state", "")

    def paid(self, case: Any) -> int:
        """What the provider really paid for this case."""
        refunds = local.truth("wechatpay", self.system, self.http)["refunds"]
        return sum(r["paid"] for key, r in refunds.items() if key.startswith(f"R{case['case_id']}-"))


@pytest.fixture
def story(system: System, http: httpx.Client) -> Iterator[Callable[[], Story]]:
    """New stories, each with a fridge of its own."""
    with (
        system.client("buyer", "b1") as buyer,
        system.client("clerk", "clerk-1") as clerk,
        system.client("approver", "boss-1") as approver,
        system.client("integrator", "mall") as mall,
    ):
        yield lambda: Story(system, http, buyer, clerk, approver, mall)


def test_a_fault_on_the_tenth_day_is_exchanged_for_the_same_model(story: Callable[[], Story]) -> None:
    """The report makes it owed, the new one is kept until it is sent, the old one comes back, and no money moves."""
    one = story().sold().inspected()
    case = one.exchanged()
    assert (case["state"], case["remedy"]["remedy"]) == ("fulfilling", "replacement")
    assert one.shelf("FR-300", case) == (1, "held")
    one.tell(case, "sent", carrier="sf", number="SF900100200")
    until(lambda: one.shelf("FR-300", case) == (1, "gone"), lambda: str(one.shelf("FR-300", case)), 10)
    case = one.buyer.post(f"/cases/{case['case_id']}/received", {"received": True})
    assert (case["state"], case["ending"], one.paid(case)) == ("closed", "fulfilled", 0)


def test_a_cheaper_model_gives_the_difference_back(story: Callable[[], Story]) -> None:
    """The buyer takes a smaller one: the difference goes back once it is done, through the channel that was paid."""
    one = story().sold().inspected().offered("FR-100", 199_900)
    case = one.exchanged("FR-100")
    one.tell(one.tell(case, "sent", carrier="sf", number="SF900100201"), "done")
    case = one.buyer.case_in(case["case_id"], "closed")
    assert (case["remedy"]["stage"], one.paid(case)) == ("done", 100_000)
    assert one.clerk.get(f"/orders/{one.order_id}")["refundable_minor"] == 199_900


def test_a_dearer_model_is_sent_once_its_difference_is_paid(story: Callable[[], Story]) -> None:
    """Nobody pays for it before the old one is accepted; told twice it is paid once, and the order knows it."""
    one = story().sold().inspected().offered("FR-500", 399_900)
    case = one.exchanged("FR-500")
    assert (case["state"], case["remedy"]["extra_minor"]) == ("awaiting_payment", 100_000)
    payment = {"payment_id": "extra", "channel": "wechatpay", "transaction_id": f"x{one.order_id}", "paid_minor": 100_000}
    one.system.pay(payment["transaction_id"], 100_000)
    for _ in range(2):
        assert one.mall.post(f"/cases/{case['case_id']}/payment", payment)["state"] == "fulfilling"
    one.tell(one.tell(case, "sent", carrier="sf", number="SF900100202"), "done")
    until(lambda: one.shelf("FR-500", case) == (0, "gone"), lambda: str(one.shelf("FR-500", case)), 10)
    assert one.clerk.get(f"/orders/{one.order_id}")["paid_minor"] == 399_900


def test_a_difference_that_nobody_pays_becomes_the_refund(story: Callable[[], Story]) -> None:
    """Three days of silence: what came back is refunded, and the dearer one is for others again."""
    one = story().sold().inspected().offered("FR-501", 399_900)
    case = one.exchanged("FR-501")
    one.system.tick(73)
    case = one.buyer.case_in(case["case_id"], "closed")
    assert (case["ending"], case["remedy"]["stage"], one.paid(case)) == ("refunded", "money", FRIDGE.minor)
    until(lambda: one.shelf("FR-501", case) == (1, "freed"), lambda: str(one.shelf("FR-501", case)), 10)


def test_no_stock_is_told_at_once_and_a_return_is_owed(story: Callable[[], Story]) -> None:
    """The last one was bought by somebody else: no exchange, with the way out in the answer; the return goes through."""
    one = story().sold().inspected()
    one.system.lever("stock", {"provider": "stock", "sku": "FR-300", "pieces": 0})
    case = one.ask("exchange", "faulty", "rejected")
    assert "choose a return" in case["decision"]["reason"]
    back = one.agreed(one.ask("return_refund", "faulty", "reviewing"))
    assert (back["state"], back["amount_minor"]) == ("approved", FRIDGE.minor)


def test_a_repair_begins_by_itself_and_the_report_stays_with_it(story: Callable[[], Story]) -> None:
    """In the third month a repair is owed: nobody has to decide, a technician comes, and the order counts the repair."""
    one = story().sold(signed_days=70).inspected()
    case = one.ask("repair", "faulty", "fulfilling")
    assert any(f["check"] == "appliance.fault_found" and f["verdict"] == "pass" for f in case["decision"]["findings"])
    case = one.tell(one.tell(case, "started", reason="Tuesday"), "done")
    assert (case["state"], case["ending"], one.paid(case)) == ("closed", "fulfilled", 0)


def test_what_cannot_be_installed_goes_back_with_its_money(story: Callable[[], Story]) -> None:
    """Asked before the technician said so, a person waits; his word arrives by itself, and two persons only have to sign."""
    one = story()
    Shop(one.system, "m1").sell(one.order_id, FRIDGE, "b1", signed=3)
    case = one.ask("return_refund", "cannot_install", "reviewing")
    assert case["decision"]["rule"] == "appliance.cannot_install"
    one.node("serve_impossible", reason="the door is too narrow")

    def known() -> bool:
        nodes = local.truth("installer", one.system, one.http)["work_orders"][f"{one.order_id}/l1"]
        return bool(nodes) and nodes[-1]["state"] == "acknowledged"

    until(known, lambda: "it was not told", 10)
    case = one.agreed(case)
    send_back(Shop(one.system, "m1"), one.buyer, case["case_id"], carrier="sf", weight_g=FRIDGE.weight_g)
    one.clerk.post(f"/merchant/cases/{case['case_id']}/inspection", {"accepted": True, "disposition": "sound"})
    case = one.buyer.case_in(case["case_id"], "closed")
    assert (case["ending"], one.paid(case)) == ("refunded", FRIDGE.minor)


def test_silence_in_fulfilling_ends_with_two_persons(story: Callable[[], Story]) -> None:
    """The shop has the old one and sends nothing: fifteen days, a person, two days, two persons; their yes pays once."""
    one = story().sold().inspected()
    case = one.exchanged()
    one.system.tick(15 * DAY + 1)
    assert one.buyer.get(f"/cases/{case['case_id']}")["state"] == "reviewing"
    one.system.tick(49)
    assert one.buyer.get(f"/cases/{case['case_id']}")["state"] == "second_review", "so much is nobody's yes"
    path, yes = f"/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "never sent"}
    one.clerk.post(path, {**yes, "instead": "money"})
    one.approver.post(path, yes)
    case = one.buyer.case_in(case["case_id"], "closed")
    assert (case["ending"], case["remedy"]["stage"], one.paid(case)) == ("refunded", "money", FRIDGE.minor)


def test_a_node_that_is_told_twice_late_or_forged_changes_nothing(story: Callable[[], Story], http: httpx.Client) -> None:
    """The platform tells again what it told, after what came later; a stranger tells what never was: the record stays true."""
    one = story().sold()
    one.system.lever("faults", {"provider": "installer", "at": "notice", "kind": "duplicate"})
    one.inspected("no_fault")
    one.node("sign_in")
    forged = {"orderStatus": "serve_inspect", "thirdOrderId": f"{one.order_id}/l1", "data": {"result": "fault"}}
    answer = http.post(f"{one.system.home.url}/v1/callbacks/installer", json=forged, headers={"x-sign": "0" * 64, "x-nonce": "1"})
    assert answer.status_code == 401
    case = one.ask("return_refund", "faulty", "reviewing")
    assert next(f["reason"] for f in case["decision"]["findings"] if f["check"] == "appliance.fault_found") == "fault.not_seen"
    with pytest.raises(Refused):
        one.tell(case, "done")


def test_a_node_of_an_order_that_nobody_knows_is_told_again(story: Callable[[], Story], http: httpx.Client) -> None:
    """The platform may be faster than the mall: what is told of an unknown order is refused, told again, and taken in the end."""
    one = story()
    one.system.lever("listen", {"provider": "installer", "url": f"{one.system.home.url}/v1/callbacks/installer"})
    one.node("reserve_customer", appointTime="2026-12-01 09:00:00")

    def record() -> Any:
        return local.truth("installer", one.system, http)["work_orders"][f"{one.order_id}/l1"][0]

    until(lambda: record()["tries"] == 1, lambda: str(record()), 10)
    assert record()["state"] == "pending"
    Shop(one.system, "m1").sell(one.order_id, FRIDGE, "b1", signed=3)
    one.system.tick(0.1)
    until(lambda: record()["state"] == "acknowledged", lambda: str(record()), 10)
