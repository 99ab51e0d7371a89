"""Seed: two shops with orders in every state and cases in every state that lasts, all made through the API.

Only ``verifying`` is not among them: it lasts as long as the worker takes, a second or so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.client import Client, Refused
from infra.local.home import write
from infra.local.mall import (
    BAG,
    CHERRIES,
    CINEMA,
    FORMULA,
    FRIDGE,
    HUMIDIFIER,
    KETTLE,
    LAMP,
    POOL,
    RING,
    STRAWBERRIES,
    TEA_SET,
    TOWEL,
    Goods,
    Shop,
)
from infra.local.parcel import send_back
from infra.local.photos import fresh_photo
from infra.local.system import System

#: Hours that the provider takes for the refund that is seen settling.
SLOW_H = 47

#: Hours after which carriers were asked about the parcels: their first word is there when a developer looks.
FOLLOWED_H = 0.1


@dataclass(frozen=True, slots=True)
class Sold:
    """One order of the mall: its name within the shop, what, to whom, and how long ago things happened (hours)."""

    name: str
    goods: Goods
    buyer: str
    shipped: float | None = None
    signed: float | None = None
    status: str = ""
    channel: str = "wechatpay"

    def by(self, shop: Shop, order_id: str) -> None:
        """The sale, at that shop."""
        shop.sell(
            order_id,
            self.goods,
            self.buyer,
            shipped=self.shipped,
            signed=self.signed,
            status=self.status,
            channel=self.channel,
        )


ORDERS = (
    Sold("paid", LAMP, "b1"),
    Sold("paid-balance", TOWEL, "b2", channel="balance"),
    Sold("shipped", KETTLE, "b1", shipped=20),
    Sold("signed-now", STRAWBERRIES, "b1", signed=0.1),
    Sold("signed-30h", CHERRIES, "b2", signed=30),
    Sold("signed-10d", KETTLE, "b2", signed=240),
    Sold("finished", TOWEL, "b1", signed=700, status="finished"),
    Sold("presale-deposit", HUMIDIFIER, "b1"),
    Sold("codes", CINEMA, "b1", status="finished"),
    Sold("visits", POOL, "b2", status="finished"),
    Sold("abroad", FORMULA, "b1", signed=26),
    Sold("fridge", FRIDGE, "b2", signed=240),
    Sold("at-customs", FORMULA, "b2"),
    Sold("set", TEA_SET, "b1", signed=5),
    Sold("engraved", RING, "b2"),
)

Scene = Callable[["Mall", str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Mall:
    """One shop with the people around it, while it is being seeded."""

    shop: Shop
    buyer: Client
    clerk: Client

    def sold(self, order_id: str, goods: Goods, signed: float | None = None) -> None:
        """An order of the buyer's, signed for that many hours ago, or only paid."""
        self.shop.sell(order_id, goods, "b1", signed=signed)

    def ask(self, order_id: str, kind: str, reason: str, *, pieces: int = 1, photo: bool = False) -> dict[str, Any]:
        """A case of the buyer's, handed in; verified where it has a photo."""
        content = fresh_photo(self.shop.system.home, self.shop.system.photos).content if photo else None
        items = [{"line_id": "l1", "pieces": pieces}]
        case = self.buyer.claim(content, order_id=order_id, kind=kind, reason=reason, items=items)
        if case["state"] != "verifying":
            return case
        return self.buyer.case_in(case["case_id"], "reviewing", "awaiting_evidence", "settling", "closed")

    def decide(self, case: dict[str, Any], outcome: str, reason: str) -> dict[str, Any]:
        """The clerk's decision."""
        said: dict[str, Any] = self.clerk.post(
            f"/merchant/cases/{case['case_id']}/decision", {"outcome": outcome, "reason": reason}
        )
        return said


# --- one scene per state ----------------------------------------------------------------------------------------------
def draft(mall: Mall, order_id: str) -> dict[str, Any]:
    """A draft that was never handed in."""
    mall.sold(order_id, STRAWBERRIES, signed=3)
    body = {"order_id": order_id, "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}
    said: dict[str, Any] = mall.buyer.post("/cases", body)
    return said


def reviewing(mall: Mall, order_id: str) -> dict[str, Any]:
    """A claim 30 hours after signing: too late for the automatic lane, so a person decides, or silence does after 48 hours."""
    mall.sold(order_id, STRAWBERRIES, signed=30)
    return mall.ask(order_id, "claim", "spoiled", photo=True)


def awaiting_evidence(mall: Mall, order_id: str) -> dict[str, Any]:
    """The clerk wants to see more."""
    mall.sold(order_id, KETTLE, signed=40)
    return mall.decide(mall.ask(order_id, "claim", "faulty", photo=True), "ask_evidence", "Please show the type plate as well.")


def second_review(mall: Mall, order_id: str) -> dict[str, Any]:
    """Above CNY 500 one yes is not enough."""
    mall.sold(order_id, BAG, signed=26)
    return mall.decide(mall.ask(order_id, "return_refund", "no_reason"), "approve", "Looks fine.")


def countered(mall: Mall, order_id: str) -> dict[str, Any]:
    """The shop offers less; the buyer has not answered yet."""
    mall.sold(order_id, KETTLE, signed=50)
    case = mall.ask(order_id, "claim", "damaged", photo=True)
    offer = {"amount_minor": case["amount_minor"] // 2, "reason": "A dent does not keep it from boiling: half the price back?"}
    said: dict[str, Any] = mall.clerk.post(f"/merchant/cases/{case['case_id']}/counter", offer)
    return said


def approved(mall: Mall, order_id: str) -> dict[str, Any]:
    """Approved at once because it is small; the shop waits for the goods."""
    mall.sold(order_id, TOWEL, signed=28)
    return mall.ask(order_id, "return_refund", "no_reason")


def goods_sent(mall: Mall, order_id: str) -> dict[str, Any]:
    """The same, with the parcel on its way back: honest, so that ten days after it arrived silence pays."""
    return send_back(mall.shop, mall.buyer, approved(mall, order_id)["case_id"], weight_g=TOWEL.weight_g)


def goods_doubted(mall: Mall, order_id: str) -> dict[str, Any]:
    """A parcel that somebody else sent from another city: the buyer is told, and silence never pays."""
    case = approved(mall, order_id)
    return send_back(mall.shop, mall.buyer, case["case_id"], script="other_city", weight_g=TOWEL.weight_g)


def refunded(mall: Mall, order_id: str) -> dict[str, Any]:
    """Not shipped yet: approved at once, paid back, closed."""
    mall.sold(order_id, LAMP)
    return mall.buyer.case_in(mall.ask(order_id, "refund_only", "changed_mind")["case_id"], "closed")


def withdrawn(mall: Mall, order_id: str) -> dict[str, Any]:
    """The buyer took it back."""
    case = reviewing(mall, order_id)
    said: dict[str, Any] = mall.buyer.post(f"/cases/{case['case_id']}/withdraw")
    return said


def rejected(mall: Mall, order_id: str) -> dict[str, Any]:
    """A person said no, with a reason the buyer reads."""
    mall.sold(order_id, KETTLE, signed=60)
    return mall.decide(mall.ask(order_id, "claim", "faulty", photo=True), "reject", "The photo shows another product.")


def settling(mall: Mall, order_id: str) -> dict[str, Any]:
    """Approved, and the provider takes two days to pay: the case waits for the money, and never asks for it twice."""
    mall.sold(order_id, LAMP)
    slow = {"at": "create", "kind": "outcome", "status_text": "SUCCESS", "seconds": SLOW_H * 3600}
    mall.shop.system.lever("faults", slow)
    return mall.ask(order_id, "refund_only", "late_shipping")


#: ``settling`` comes last: its fault is for the next refund, whosoever's that is.
SCENES: tuple[Scene, ...] = (
    draft, reviewing, awaiting_evidence, second_review, countered, approved, goods_sent, goods_doubted, refunded, withdrawn,
    rejected, settling,
)  # fmt: skip
OTHER_SCENES: tuple[Scene, ...] = (reviewing, refunded)


def seed(system: System, say: Callable[[str], None]) -> None:
    """Build both shops. What an interrupted attempt has built is left as it is."""
    for merchant, scenes in (("m1", SCENES), ("m2", OTHER_SCENES)):
        shop = Shop(system, merchant)
        with system.client("buyer", "b1", merchant) as buyer, system.client("clerk", "clerk-1", merchant) as clerk:
            for sold in ORDERS:
                order_id = f"{merchant}-{sold.name}"
                if not _known(clerk, order_id):
                    sold.by(shop, order_id)
            say(f"{merchant}: {len(ORDERS)} orders, from just paid to long finished")
            for scene in scenes:
                order_id = f"{merchant}-case-{scene.__name__.replace('_', '-')}"
                if not _known(clerk, order_id):
                    case = scene(Mall(shop, buyer, clerk), order_id)
                    say(f"{merchant}: case {case['state']}{_more(case)}, order {order_id}")
    system.tick(FOLLOWED_H)
    write(system.home.folder / "mall.json", {"seeded": True})


def is_seeded(system: System) -> bool:
    """Whether the mall was built on this home before."""
    return (system.home.folder / "mall.json").exists()


def _known(person: Client, order_id: str) -> bool:
    try:
        person.get(f"/orders/{order_id}")
    except Refused as refusal:
        if refusal.status != 404:
            raise
        return False
    return True


def _more(case: dict[str, Any]) -> str:
    if case["ending"]:
        return f" ({case['ending']})"
    return f" (goods {case['parcel']['state']})" if case["parcel"] else ""
