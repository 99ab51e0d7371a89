"""Act three of the demo: one order paid three ways goes back three ways, and the next day every fen is accounted for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aftersales.refund import BEIJING
from infra.local.client import Client, until
from infra.local.mall import KETTLE, Shop
from infra.local.story import Story, cny
from infra.local.system import System
from infra.local.tick import tick

ORDER = "demo-kettle"
SPLIT = (("gift_card", 2_900), ("alipay", 4_000), ("wechatpay", 6_000))


class Books:
    """Money that came in through three channels, on one running system."""

    def __init__(self, system: System, story: Story, shop: Shop) -> None:
        self.system, self.story, self.shop = system, story, shop
        self.buyer, self.clerk = system.client("buyer", "xiaomei"), system.client("clerk", "anna")

    def play(self) -> None:
        """Plan, refunds, goodwill, and the books of the day after."""
        case_id = self._planned()
        self._back(case_id)
        self._goodwill(case_id)
        self._next_day()

    def _planned(self) -> str:
        story = self.story
        story.step("A kettle for CNY 129.00, by gift card, Alipay and WeChat Pay: what would go back, before anybody is called")
        self.shop.sell(ORDER, KETTLE, "xiaomei", split=SPLIT)
        items = [{"line_id": "l1", "pieces": 1}]
        case = self.buyer.post("/cases", {"order_id": ORDER, "kind": "refund_only", "reason": "changed_mind", "items": items})
        plan = self.buyer.get(f"/cases/{case['case_id']}/refund-plan")
        for leg in plan["legs"]:
            story.tell(f"{leg['channel']:10} {cny(leg['amount_minor']):>10}  {leg['state']}")
        legs = [(leg["channel"], leg["amount_minor"]) for leg in plan["legs"]]
        story.check("each payment gives back what it took", legs == list(SPLIT), legs)
        return str(case["case_id"])

    def _back(self, case_id: str) -> None:
        story = self.story
        story.step("Handed in: approved, and carried out as planned over three protocols")
        self.buyer.post(f"/cases/{case_id}/submit")
        # Alipay's sandbox answers a query after ten seconds, as Alipay asks for; the schedule may look once more.
        case = until(lambda: self._closed(case_id), lambda: f"case {case_id} is not paid", 60.0)
        for refund in case["refunds"]:
            story.tell(f"{refund['channel']:10} {cny(refund['amount_minor']):>10}  {refund['state']}  {refund['account']}")
        done = {(r["channel"], r["amount_minor"], r["state"]) for r in case["refunds"]}
        story.check("every leg has arrived, none twice", done == {(c, m, "settled") for c, m in SPLIT}, done)

    def _closed(self, case_id: str) -> dict[str, Any] | None:
        case = self.buyer.get(f"/cases/{case_id}")
        return case if case["state"] == "closed" else None

    def _goodwill(self, case_id: str) -> None:
        story = self.story
        story.step("The shop is sorry: goodwill on top, to the mall balance, at most 105 % in all")
        senior: Client = self.system.client("approver", "li")
        path = f"/merchant/cases/{case_id}/compensation"
        refused = senior.send("POST", path, {"amount_minor": 646, "reason": "sorry"}).json()
        story.tell(f"CNY 6.46: {refused['detail']} {cny(refused['details']['refundable_minor'])} is left.")
        story.check("a fen above 105 % is refused", refused["code"] == "over_refund", refused)
        senior.post(path, {"amount_minor": 645, "reason": "sorry"})
        paid = until(lambda: self._compensated(case_id), lambda: "the goodwill was not paid")
        story.check(f"CNY 6.45 is on the balance, number {paid['key']}", paid["amount_minor"] == 645, paid)

    def _compensated(self, case_id: str) -> dict[str, Any] | None:
        found = [r for r in self.buyer.get(f"/cases/{case_id}")["refunds"] if r["channel"] == "balance" and r["state"] == "settled"]
        return found[0] if found else None

    def _next_day(self) -> None:
        story = self.story
        story.step("Two days later: each channel's bill of today is fetched and matched with our record")
        today = self.system.now().astimezone(BEIJING).date()
        tick(self.system.home, timedelta(hours=48))
        report = until(lambda: self._report(today.isoformat()), lambda: "there is no report", 90.0)
        for line in report:
            story.tell(
                f"{line['channel']:10} ours {line['ours']} {cny(line['ours_minor']):>10}   the bill {line['theirs']} "
                f"{cny(line['theirs_minor']):>10}   differences {sum(line['differences'].values())}"
            )
        agree = all(line["ours_minor"] == line["theirs_minor"] == line["matched_minor"] for line in report)
        story.check("ours, theirs and what both agree on are the same to the fen", agree, report)
        story.check("no difference is left", not any(sum(line["differences"].values()) for line in report), report)

    def _report(self, day: str) -> list[dict[str, Any]] | None:
        said = self.clerk.get(f"/merchant/reconciliation/{day}")
        lines = [line for line in said["days"] if line["channel"] in ("alipay", "wechatpay")]
        return lines if {line["channel"] for line in lines} == {"alipay", "wechatpay"} else None
