"""A mall with a fridge, its technicians and its warehouse: the beginnings of stories about a replacement or a repair."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aftersales.order import Freight, Order
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.installer import FakeInstaller
from aftersales.testing.stock import FakeStock
from tests.mall import Mall

FRIDGE = a_line(
    sku="FRIDGE-300", title="Fridge 300", vertical="appliance", category="fridge", unit_price_minor=299_900, pieces=1,
    data={"serial": "SN1", "installable": True},
)  # fmt: skip


def fridge(**changes: Any) -> Order:
    """One fridge at CNY 2,999.00 and 80.00 freight, signed for ten days ago."""
    signed_at = changes.pop("signed_at", NOW - timedelta(days=10))
    said = {"order_id": "o9", "lines": (FRIDGE,), "freight": Freight(8_000), **changes}
    return an_order(**said, signed_at=signed_at, shipped_at=signed_at - timedelta(days=1))


class Kitchen(Mall):
    """The mall with technicians and a warehouse that has two fridges, one dearer and one cheaper; one person may agree."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.installer, self.stock = FakeInstaller(), FakeStock(self.clock)
        self.registry.put("source:installer", self.installer)
        self.registry.put("source:stock", self.stock)
        self.registry.put("merchant:m1", a_merchant(two_persons_above_minor=10**9, return_address="Warehouse 1"))
        for sku, pieces in (("FRIDGE-300", 2), ("FRIDGE-500", 1), ("FRIDGE-100", 1)):
            self.stock.put(sku, pieces)
        self.push(fridge(**changes))
        for sku, price in (("FRIDGE-500", 399_900), ("FRIDGE-100", 199_900)):
            self.fact("exchangeable", {"sku": sku, "title": f"the {sku}", "price_minor": price})

    def fact(self, name: str, data: dict[str, Any], at: datetime | None = None) -> Any:
        """The mall tells a fact about the fridge."""
        body = {"fact": name, "at": (at or self.clock.now()).isoformat(), "line_id": "l1", "data": data}
        told = self.must("POST", "/v1/orders/o9/facts", body, role="integrator")
        self.pump()
        return told

    def found(self, verdict: str = "fault", serial: str = "SN1") -> None:
        """A technician installed it nine days ago, looked at it yesterday, and told both when asked."""
        self.installer.happen("o9", "installed", NOW - timedelta(days=9), serial="SN1")
        self.installer.happen("o9", "inspected", NOW - timedelta(days=1), verdict=verdict, serial=serial)

    def ask(self, kind: str = "exchange", reason: str = "faulty", **more: Any) -> Any:
        """A case about the fridge, handed in, and everything that follows by itself; as its buyer reads it."""
        body = {"order_id": "o9", "kind": kind, "reason": reason, "items": [{"line_id": "l1", "pieces": 1}], "submit": True, **more}
        opened = self.must("POST", "/v1/cases", body)
        self.pump()
        return self.case(opened["case_id"])

    def decide(self, case: Any, outcome: str = "approve", role: str = "clerk", **more: Any) -> Any:
        """A person decides, and what follows."""
        body = {"outcome": outcome, "reason": "as agreed", **more}
        said = self.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", body, role=role)
        self.pump()
        return said

    def back(self, case: Any) -> Any:
        """The goods come back and are accepted."""
        parcel = {"carrier": "sf", "number": f"SF{case['case_id'][:10]}"}
        self.must("POST", f"/v1/cases/{case['case_id']}/shipment", parcel)
        said = {"accepted": True, "disposition": "flawed"}
        self.must("POST", f"/v1/merchant/cases/{case['case_id']}/inspection", said, role="clerk")
        self.pump()
        return self.case(case["case_id"])

    def tell(self, case: Any, action: str, **more: Any) -> Any:
        """The shop tells how far it is."""
        self.must("POST", f"/v1/merchant/cases/{case['case_id']}/remedy", {"action": action, **more}, role="clerk")
        self.pump()
        return self.case(case["case_id"])

    def pay(self, case: Any, minor: int, number: str = "x1", **more: Any) -> Any:
        """The mall tells that the difference was paid."""
        body = {"payment_id": number, "channel": "wechatpay", "transaction_id": f"t-{number}", "paid_minor": minor, **more}
        reply = self.send("POST", f"/v1/cases/{case['case_id']}/payment", body, role="integrator")
        self.pump()
        return reply

    def order(self) -> Any:
        """The order's money."""
        return self.must("GET", "/v1/orders/o9", role="clerk")

    def shelf(self, sku: str = "FRIDGE-300") -> tuple[int, int, int]:
        """Of a sku: free, kept, gone."""
        shelf = self.stock.shelves[sku]
        return shelf.free, sum(pieces for pieces, _ in shelf.holds.values()), len(shelf.gone)
