"""People: buyers and staff, by the real routes. What they asked is kept, so that it can be asked again."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from aftersales.refund import Cause, Refund, RefundState
from tests.mall import Reply
from tests.property.scripts.world import World, Wrong

CARD = {"to": "card", "bank": "CMB_DEBIT", "number": "6225880137654321", "holder": "张三"}


@dataclass(frozen=True)
class Asked:
    """A request, so that it can be sent again."""

    path: str
    body: Any
    key: str
    role: str


class People:
    """Everybody who asks for something in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[Asked] = []

    def post(self, path: str, body: Any, role: str = "buyer") -> Reply:
        """A request that was never sent before."""
        self.asked.append(Asked(path, body, f"key-{len(self.asked):06}", role))
        return self.send(self.asked[-1])

    def send(self, asked: Asked) -> Reply:
        """A request, first or once more. Raises Wrong when it breaks."""
        reply = self.world.mall.send("POST", asked.path, asked.body, role=asked.role, key=asked.key)
        if reply.status >= 500:
            raise Wrong(f"{asked.path} answers {reply.status}: {reply.text}")
        return reply

    def send_again(self, n: int) -> None:
        """One of the last requests, with its key."""
        if self.asked:
            self.world.happened("asked again")
            self.send(self.asked[-1 - n % min(3, len(self.asked))])

    def open(self, n: int) -> None:
        """A buyer's one click: pieces of an order that is not shipped yet, approved at once."""
        number = n % len(self.world.plan.orders)
        sold = self.world.plan.orders[number]
        pieces = 1 + (n >> 3) % sold.pieces
        body: dict[str, Any] = {"order_id": f"o{number}", "kind": "refund_only", "reason": "out_of_stock", "submit": True}
        body["items"] = [{"line_id": "l1", "pieces": pieces}]
        if (n >> 8) % 3 == 0:
            body["asked_minor"] = 1 + (n >> 10) % (sold.price * pieces)
        self.post("/v1/cases", body)

    # --- what is done about a refund that failed ----------------------------------------------------------------------
    def failed(self) -> list[Refund]:
        """What somebody could see to."""
        return [leg for leg in self.world.legs() if leg.state is RefundState.FAILED]

    def consent(self, leg: Refund, draw: Random) -> None:
        """The buyer names another account: a card, where the channel holds the money, else the mall balance."""
        held = leg.cause is Cause.ACCOUNT_ABNORMAL and bool(leg.channel_id)
        body = dict(CARD) if held != (draw.random() < 0.1) else {"to": "balance"}
        if self.post(f"/v1/cases/{leg.case_id}/refunds/{leg.number}/account", body).status < 300:
            self.world.happened("consent")

    def release(self, leg: Refund, draw: Random) -> None:
        """The shop gives it up."""
        body = {"how": draw.choice(("paid_elsewhere", "not_owed")), "reason": "agreed with the buyer"}
        if self.post(f"/v1/merchant/cases/{leg.case_id}/refunds/{leg.number}/release", body, "admin").status < 300:
            self.world.happened("release")

    def retry(self, leg: Refund, _draw: Random) -> None:
        """The shop sends it again."""
        if self.post(f"/v1/merchant/cases/{leg.case_id}/refunds/{leg.number}/retry", None, "admin").status < 300:
            self.world.happened("retry")

    def somebody(self, n: int) -> None:
        """Somebody sees to one of them, if there is one."""
        draw, failed = Random(n), self.failed()
        if failed:
            draw.choice((self.consent, self.consent, self.retry, self.release))(draw.choice(failed), draw)
