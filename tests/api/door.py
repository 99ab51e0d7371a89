"""A mall whose shop takes parcels in, and a carrier that collects them: the beginnings of stories about a pickup."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.carrier import RECEIVER, SENDER, FakeCarrier
from functions import http
from tests.mall import Mall, Reply

LAMP = a_line(sku="LAMP", title="Lamp", vertical="general", category="lamp", unit_price_minor=9_900, pieces=1)
DOOR = {"name": SENDER.name, "phone": SENDER.phone, "address": SENDER.address}


class Door(Mall):
    """The mall with a lamp that came yesterday, and goes back."""

    def __init__(self, carrier: FakeCarrier | None = None, store: Any = None) -> None:
        super().__init__(**({"store": store} if store else {}))
        self.carrier = carrier or FakeCarrier()
        self.registry.put("carrier:swift", self.carrier)
        shop = a_merchant(return_address=RECEIVER.address, return_name=RECEIVER.name, return_phone=RECEIVER.phone)
        self.registry.put("merchant:m1", shop)
        signed_at = NOW - timedelta(days=1)
        self.push(an_order(order_id="o8", lines=(LAMP,), signed_at=signed_at, shipped_at=signed_at - timedelta(days=1)))

    def back(self, reason: str = "faulty") -> str:
        """A return that was agreed to; the id of its case."""
        body = {"order_id": "o8", "kind": "return_refund", "reason": reason, "items": [{"line_id": "l1", "pieces": 1}]}
        case = self.must("POST", "/v1/cases", body)
        self.photo(case["case_id"])
        case = self.must("POST", f"/v1/cases/{case['case_id']}/submit")
        self.pump()
        case = self.case(case["case_id"])
        if case["state"] == "reviewing":
            told = {"outcome": "approve", "reason": "ok"}
            self.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", told, role="clerk")
        self.pump()
        assert self.case(case["case_id"])["parcel"]["state"] == "awaiting_shipment"
        return str(case["case_id"])

    def slot(self, days: int = 1, start: str = "09:00", end: str = "11:00") -> dict[str, str]:
        """Hours of a day from today on, in China."""
        return {"day": (self.clock.now() + timedelta(hours=8, days=days)).date().isoformat(), "start": start, "end": end}

    def wish(self, **more: Any) -> dict[str, Any]:
        """A pickup tomorrow morning."""
        return {"slot": self.slot(), "sender": DOOR, **more}

    def ask(self, case_id: str, **more: Any) -> Reply:
        """Ask for a pickup; the carrier is called when the stream runs."""
        return self.send("POST", f"/v1/cases/{case_id}/pickup", self.wish(**more))

    def booked(self, case_id: str, **more: Any) -> Any:
        """A pickup that stands, as its buyer reads it."""
        assert self.ask(case_id, **more).status == 201
        self.pump()
        pickup = self.pickup(case_id)
        assert pickup["state"] == "booked"
        return pickup

    def pickup(self, case_id: str) -> Any:
        """The pickup as the buyer reads it."""
        return self.case(case_id)["pickup"]

    def tell(self, key: str, carrier: str = "swift") -> int:
        """The carrier tells by itself; the status of our answer."""
        headers, query, body = self.carrier.notice(key)
        said = http.callback(self.registry, carrier, http.Request("POST", f"/v1/callbacks/{carrier}", headers, query, body))
        self.pump()
        return said.status

    def later(self, minutes: int = 2) -> None:
        """Time passes, and the schedules run."""
        self.wait(minutes=minutes)
