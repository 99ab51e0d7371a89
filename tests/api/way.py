"""A mall whose parcels are followed on their way back: the beginnings of stories about a waybill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aftersales.order import Shipment
from aftersales.place import Place
from aftersales.query import NoticesOf
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.carrier import FakeCarrier
from aftersales.testing.tracer import BUYER_TAIL, HONEST, SHOP_TAIL, FakeTracer, scans
from aftersales.tracking import Passage
from functions import http, sweep
from tests.api.door import Door

#: Where the shop takes parcels in, and from where the buyer sends them.
SHOP = "山东省烟台市莱山区演示路 2 号 退货仓"
HOME = Place("浙江省", "杭州市", "西湖区")

NUMBER = "YT1234567890123"


class Way(Door):
    """The mall with a lamp that came yesterday and goes back, and a tracer that knows where parcels are."""

    def __init__(self, tracer: FakeTracer | None = None, carrier: FakeCarrier | None = None, store: Any = None) -> None:
        super().__init__(carrier, store)
        self.tracer = tracer or FakeTracer(pushes=False)
        self.registry.put("tracer:eyes", self.tracer)
        shop = a_merchant(return_address=SHOP, return_name="退货组", return_phone=f"0535-000{SHOP_TAIL}")
        self.registry.put("merchant:m1", shop)
        self.order("o8")

    def order(self, order_id: str, **changes: Any) -> None:
        """The lamp, ordered once more, or anew with what is to be different."""
        signed_at = NOW - timedelta(days=1)
        lamp = a_line(
            sku="LAMP", title="Lamp", vertical="general", category="lamp", unit_price_minor=9_900, pieces=1, weight_g=1_500
        )
        told: dict[str, Any] = {
            "lines": (lamp,),
            "signed_at": signed_at,
            "shipped_at": signed_at - timedelta(days=1),
            "shipment": Shipment("yto", "YT9999999999999"),
            "ship_to": HOME,
        }
        self.push(an_order(order_id=order_id, **(told | changes)))

    # --- the buyer and the shop -------------------------------------------------------------------------------------------
    def ship(self, case_id: str, number: str = NUMBER, carrier: str = "yto", status: int = 200, **more: Any) -> Any:
        """The buyer tells a waybill."""
        said = self.send("POST", f"/v1/cases/{case_id}/shipment", {"carrier": carrier, "number": number, **more})
        assert said.status == status, said.body
        return said.body

    def sent(self, order_id: str = "o8", number: str = NUMBER, carrier: str = "yto") -> str:
        """A return that was agreed to, its waybill told; the id of its case."""
        case_id = self.back() if order_id == "o8" else self.back_of(order_id)
        self.ship(case_id, number, carrier)
        return case_id

    def back_of(self, order_id: str, sub: str = "b1") -> str:
        """A return of another order, of that buyer's, that was agreed to."""
        body = {"order_id": order_id, "kind": "return_refund", "reason": "faulty", "items": [{"line_id": "l1", "pieces": 1}]}
        case_id = self.must("POST", "/v1/cases", body, sub=sub)["case_id"]
        self.photo(case_id, sub=sub)
        self.must("POST", f"/v1/cases/{case_id}/submit", sub=sub)
        self.pump()
        if self.case(case_id, sub=sub)["state"] == "reviewing":
            told = {"outcome": "approve", "reason": "ok"}
            self.must("POST", f"/v1/merchant/cases/{case_id}/decision", told, role="clerk")
        self.pump()
        return str(case_id)

    def inspect(self, case_id: str, **found: Any) -> Any:
        """The shop says what it found."""
        told = found or {"accepted": True, "disposition": "sound"}
        said = self.must("POST", f"/v1/merchant/cases/{case_id}/inspection", told, role="clerk")
        self.pump()
        return said

    # --- the carrier ------------------------------------------------------------------------------------------------------
    def happens(
        self, way: Sequence[tuple[int, Passage, str]] = HONEST, number: str = NUMBER, began: datetime | None = None
    ) -> None:
        """In truth this happens to the parcel, from an hour from now on."""
        self.tracer.known[number] = scans(began or self.clock.now() + timedelta(hours=1), way)
        self.tracer.phones.setdefault(number, {BUYER_TAIL, SHOP_TAIL})

    def pass_by(self, hours: float, every: float = 2) -> None:
        """So much time passes, and every schedule runs in between."""
        gone = 0.0
        while gone < hours:
            self.wait(hours=min(every, hours - gone))
            gone += every

    def looked(self) -> None:
        """The schedule that follows parcels runs once, at this instant."""
        assert sweep.follow_parcels(self.registry).failed == 0
        self.pump()

    def pushed(self, key: str, until: datetime | None = None) -> int:
        """The carrier tells by itself; the status of our answer."""
        headers, query, body = self.tracer.push(key, until or self.clock.now())
        said = http.callback(self.registry, "eyes", http.Request("POST", "/v1/callbacks/eyes", headers, query, body))
        self.pump()
        return said.status

    # --- what is on record ------------------------------------------------------------------------------------------------
    def parcel(self, case_id: str, **who: Any) -> Any:
        """The parcel as the buyer reads it."""
        return self.case(case_id, **who)["parcel"]

    def verdicts(self, case_id: str) -> dict[str, str]:
        """The check list: each check's verdict."""
        return {check["check"]: check["verdict"] for check in self.parcel(case_id)["trail"]["checks"]}

    def events(self, case_id: str) -> list[str]:
        """What happened to the case, in order."""
        return [step["event"] for step in self.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]

    def news(self) -> list[str]:
        """What the buyer was told, newest first."""
        return [n.text for n in self.store.find(NoticesOf("m1", "b1")).found]
