"""A season of return parcels in the local system: one for each script, all on their way at once, and the clock moved over them.

It is played once for a module; the tests look at what came of it. In the middle the whole system ends and starts again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.local.client import Client, plain_http, until
from infra.local.mall import LAMP, Shop
from infra.local.parcel import send_back
from infra.local.system import System

#: Scripts that honest parcels play, with the carrier that the buyer names.
HONEST = {
    "normal": "yto",
    "late_first_scan": "jt",
    "no_pickup_scan": "yunda",
    "neighbour_city": "sto",
    "backdated": "deppon",
    "station": "jd",
    "corrected_carrier": "sto",
    "clock_skew": "yto",
}

#: Honest ones that are no script of their own: by a company that asks for phones, with a postal number, in another one's parcel.
ALSO_HONEST = ("by_sf", "abroad", "freight", "merged")

#: Scripts that forge one: the carrier that is named, and the line of the check list that says so.
FORGED = {
    "invented": ("yto", "exists"),
    "label_only": ("yunda", "picked_up"),
    "cancelled_label": ("yto", "exists"),
    "before_approval": ("sto", "began"),
    "too_late": ("jt", "exists"),  # told weeks before it was handed over: by then its number counts as nobody's
    "other_city": ("yto", "origin"),
    "other_destination": ("jd", "destination"),
    "strangers": ("sf", "parties"),
    "empty_box": ("yto", "weight"),
    "recalled": ("yunda", "course"),
}

#: What goes wrong on the way and is nobody's forgery.
MISHAPS = {"lost": "yto", "damaged": "jt", "refused": "yunda"}

#: Hours of the clock's moves: closely while parcels move, days apart while people are silent. In all a month.
MORNING = (0.1, 0.7, 2, 4, 6)
REST = (8, 6, 4, 6, 6, 12, 12, 12, *(24,) * 6, *(48,) * 11)

#: Everybody in it.
ALL = (*HONEST, *ALSO_HONEST, *FORGED, *MISHAPS)


@dataclass(frozen=True, slots=True)
class Return:
    """One return: whose, which case, under which number it was paid, and on which waybill the goods came."""

    buyer: str
    case_id: str
    transaction_id: str
    outbound: str


@dataclass
class Season:
    """The system with everything that is on its way in it."""

    system: System
    returns: dict[str, Return] = field(default_factory=dict)

    @property
    def shop(self) -> Shop:
        """The shop that takes everything back."""
        return Shop(self.system, "m1")

    def buyer(self, name: str, locale: str = "en") -> Client:
        """Whose return it is."""
        return self.system.client("buyer", self.returns[name].buyer, locale=locale)

    # --- before -----------------------------------------------------------------------------------------------------------
    def agreed(self, name: str, buyer: str = "") -> str:
        """A return of a lamp that the shop has agreed to; its case."""
        sub = buyer or f"buyer-{name.replace('_', '-')}"
        order = self.shop.sell(f"season-{name.replace('_', '-')}", LAMP, sub, signed=72)
        asked = {"order_id": order["order_id"], "kind": "return_refund", "reason": "no_reason", "submit": True}
        with self.system.client("buyer", sub) as person, self.system.client("clerk", "clerk-1") as clerk:
            case: dict[str, Any] = person.post("/cases", {**asked, "items": [{"line_id": "l1", "pieces": 1}]})
            if case["state"] == "reviewing":
                decision = {"outcome": "approve", "reason": "as owed"}
                case = clerk.post(f"/merchant/cases/{case['case_id']}/decision", decision)
        assert case["state"] == "approved", case
        self.returns[name] = Return(sub, case["case_id"], order["payments"][0]["transaction_id"], order["shipment"]["number"])
        return str(case["case_id"])

    def sent(self, name: str, script: str = "", carrier: str = "yto") -> dict[str, Any]:
        """A return that is handed over, or said to be; the case."""
        case_id = self.agreed(name)
        how = {"script": script or name, "carrier": carrier}
        with self.buyer(name) as person:
            return send_back(self.shop, person, case_id, weight_g=LAMP.weight_g, sub=self.returns[name].buyer, **how)

    def joined(self, name: str, other: str) -> dict[str, Any]:
        """A return whose goods travel in the parcel of another one of the same buyer's."""
        case_id = self.agreed(name, self.returns[other].buyer)
        with self.buyer(name) as person:
            return send_back(self.shop, person, case_id, joins=self.returns[other].case_id)

    # --- the time -----------------------------------------------------------------------------------------------------------
    def play(self) -> None:
        """Send everything, let a morning pass, end and start the whole system, and let a month pass."""
        for script, carrier in HONEST.items():
            self.sent(script, carrier=carrier)
        self.joined("merged", "normal")
        self.sent("by_sf", "normal", "sf")
        self.sent("abroad", "normal", "usps")
        self.sent("freight", "normal", "olddominion")
        for script, (carrier, _) in FORGED.items():
            self.sent(script, carrier=carrier)
        for script, carrier in MISHAPS.items():
            self.sent(script, carrier=carrier)
        self.pass_by(*MORNING)
        self.system.stop()
        self.system.start()
        self.pass_by(*REST)

    def pass_by(self, *hours: float) -> None:
        """The clock moves so far each time; what is told meanwhile has arrived."""
        for each in hours:
            self.system.tick(each)
            until(lambda: not self.untold(), lambda: str(self.untold()), 30)

    def untold(self) -> list[Any]:
        """Pushes that are due and that nobody has been told yet."""
        return [push for push in self.truth("kuaidi100")["pushes"] if push["state"] == "pending" and push["tries"] == 0]

    # --- after ------------------------------------------------------------------------------------------------------------
    def truth(self, provider: str) -> dict[str, Any]:
        """What a provider's books say."""
        with plain_http() as http:
            said: dict[str, Any] = http.get(f"{self.system.home.truth_url}/truth/{provider}").raise_for_status().json()
        return said

    def case(self, name: str, locale: str = "en") -> dict[str, Any]:
        """The case as its buyer reads it."""
        with self.buyer(name, locale) as person:
            said: dict[str, Any] = person.get(f"/cases/{self.returns[name].case_id}")
        return said

    def timeline(self, name: str, locale: str = "en") -> dict[str, Any]:
        """What happened to it, as its buyer reads it."""
        with self.buyer(name, locale) as person:
            said: dict[str, Any] = person.get(f"/cases/{self.returns[name].case_id}/timeline")
        return said

    def events(self, name: str) -> list[str]:
        """What happened to it, in order."""
        return [step["event"] for step in self.timeline(name)["steps"]]

    def line(self, name: str, check: str, locale: str = "en") -> dict[str, Any]:
        """One line of the check list."""
        checks = self.case(name, locale)["parcel"]["trail"]["checks"]
        return next(found for found in checks if found["check"] == f"parcel.{check}")

    def paid(self, name: str) -> int:
        """What the provider really gave back, in fen."""
        books = self.truth("wechatpay")["payments"][self.returns[name].transaction_id]
        assert books["paid"] == books["executed"]
        return int(books["paid"])
