"""Act four of the demo: two towels go back, one of them only in words, and carriers say which."""

from __future__ import annotations

from typing import Any

from infra.local.client import until
from infra.local.mall import TOWEL, Shop
from infra.local.parcel import send_back
from infra.local.story import Story, cny, findings
from infra.local.system import System

#: Hours until both parcels were signed for, from then until the shop's ten days are over, and for how long holidays move them.
CARRIED_H, SILENT_H, HOLIDAY_H = 34, 10 * 24 + 1, 10 * 24


class Posted:
    """Parcels that a buyer says to have sent, on one running system."""

    def __init__(self, system: System, story: Story, shop: Shop) -> None:
        self.system, self.story, self.shop = system, story, shop
        self.buyer = system.client("buyer", "xiaomei")

    def play(self) -> None:
        """An honest parcel, a forged one, and ten days in which the shop says nothing."""
        honest, forged = self._sent("demo-towel", "normal"), self._sent("demo-towel-2", "other_city")
        self._followed(honest, forged)
        self._silence(honest, forged)

    def _sent(self, order_id: str, script: str) -> str:
        self.shop.sell(order_id, TOWEL, "xiaomei", signed=30)
        items = [{"line_id": "l1", "pieces": 1}]
        asked = {"order_id": order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
        case_id = str(self.buyer.post("/cases", asked)["case_id"])
        send_back(self.shop, self.buyer, case_id, script=script, weight_g=TOWEL.weight_g, sub="xiaomei")
        return case_id

    def _followed(self, honest: str, forged: str) -> None:
        story = self.story
        story.step("Two towels go back, says the buyer; Kuaidi100 tells by signed pushes where both parcels are")
        for hours in (0.1, CARRIED_H):
            self.system.tick(hours)
        one, other = self._signed(honest), self._signed(forged)
        for scan in one["trail"]["scans"]:
            story.tell(f"{one['number']}  {scan['text']:18} {scan['said']}")
        story.check("the first was signed for, and nothing speaks against it", one["trail"]["verdict"] == "pass", one["trail"])
        against = [f for f in other["trail"]["checks"] if f["verdict"] == "fail" and f["check"] != "parcel.genuine"]
        story.tell(other["number"], *findings(against), *(f["next"] for f in against))
        doubts = [f["check"] for f in against]
        story.check("the second was signed for as well, and somebody else sent it", doubts == ["parcel.origin"], doubts)

    def _silence(self, honest: str, forged: str) -> None:
        story = self.story
        story.step("The shop says nothing for ten days")
        self.system.tick(SILENT_H)
        if self.buyer.get(f"/cases/{honest}")["deadline"]:
            self.system.tick(HOLIDAY_H)
        case = self.buyer.case_in(honest, "closed")
        story.check(f"the first is paid back, {cny(TOWEL.minor)}", case["refunds"][0]["amount_minor"] == TOWEL.minor, case)
        case = self.buyer.get(f"/cases/{forged}")
        story.tell(case["deadline"]["means"])
        story.check("the second is not: it waits for a person, and is not refused", case["state"] == "approved", case["state"])

    def _signed(self, case_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            parcel: dict[str, Any] = self.buyer.get(f"/cases/{case_id}")["parcel"]
            return parcel if parcel["trail"]["state"] == "signed" else None

        return until(look, lambda: f"the parcel of {case_id} was not signed for")
