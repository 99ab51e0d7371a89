"""What the tests about two persons have in common: every way to an amount that needs two, up to where the second yes is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aftersales.testing.builders import a_line, a_merchant, an_order
from aftersales.testing.channel import FakeChannel
from tests.api import presale
from tests.api.machine import Kitchen
from tests.mall import Mall, Reply

YES = {"outcome": "approve", "reason": "The parcel is lost."}


@dataclass
class Due:
    """A second yes that is due: anna said the first one. ``path`` is where it is said."""

    mall: Mall
    case_id: str
    body: dict[str, Any]
    act: str = "decision"

    @property
    def path(self) -> str:
        """Where the yes is said."""
        return f"/v1/merchant/cases/{self.case_id}/{self.act}"

    def says(self, sub: str, role: str = "approver", **who: Any) -> Reply:
        """Somebody says it."""
        return self.mall.send("POST", self.path, self.body, sub=sub, role=role, **who)

    def money(self) -> str:
        """All that could have moved, or been promised: every channel's truth, and each case of the order with its money."""
        store, case = self.mall.store, self.mall.store.case(self.case_id).case
        order = store.order(case.merchant, case.order_id)
        return repr((sent(self.mall), order.ledger, [store.case(one) for one in order.cases]))

    def refusals(self) -> list[Any]:
        """What is on record, newest first."""
        found: list[Any] = self.mall.must("GET", "/v1/merchant/refusals", role="admin")["refusals"]
        return found


def sent(mall: Mall) -> list[dict[str, int]]:
    """What really went out, by channel."""
    channels: list[Any] = [mall.registry.channel(name) for name in mall.registry.channels]
    return [channel.truth for channel in channels]


def big(mall: Mall, minor: int = 60_000, order_id: str = "o3") -> str:
    """A parcel that never came, of CNY 600.00: a person looks. The id of its case."""
    lines = (a_line(vertical="general", unit_price_minor=minor, pieces=1),)
    mall.push(an_order(order_id=order_id, status="shipped", lines=lines))
    return lost(mall, order_id)


def lost(mall: Mall, order_id: str = "o3", line_id: str = "l1", **more: Any) -> str:
    """One line of it is asked back."""
    items = [{"line_id": line_id, "pieces": 1}]
    asked = {"order_id": order_id, "kind": "refund_only", "reason": "not_received", "items": items, "submit": True, **more}
    case = mall.must("POST", "/v1/cases", asked)
    assert case["state"] == "reviewing"
    return str(case["case_id"])


def decides(mall: Mall, case_id: str, sub: str, role: str = "approver", **more: Any) -> Reply:
    """A person decides."""
    return mall.send("POST", f"/v1/merchant/cases/{case_id}/decision", YES | more, sub=sub, role=role)


def waits(mall: Mall, case_id: str, sub: str = "anna", role: str = "approver", **more: Any) -> Due:
    """That person's yes is the first one."""
    said = decides(mall, case_id, sub, role, **more)
    assert (said.status, said.json["state"]) == (200, "second_review"), said.text
    mall.pump()
    return Due(mall, case_id, {**YES, **{name: value for name, value in more.items() if name == "unkept"}})


def reviewed(mall: Mall) -> Due:
    """Approved once in the first review."""
    return waits(mall, big(mall))


def by_clerk(mall: Mall) -> Due:
    """The first yes was a clerk's."""
    return waits(mall, big(mall), role="clerk")


def unkept(mall: Mall) -> Due:
    """Both answer for what is not kept."""
    return waits(mall, big(mall), unkept=True)


def countered(mall: Mall) -> Due:
    """The buyer accepted an offer that one person could not grant."""
    case_id = big(mall)
    offer = {"amount_minor": 59_000, "reason": "A little less."}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/counter", offer, role="approver", sub="anna")
    assert mall.must("POST", f"/v1/cases/{case_id}/counter-answer", {"accept": True})["state"] == "second_review"
    return Due(mall, case_id, YES)


def silent(mall: Mall) -> Due:
    """Nobody answered for two days, then a clerk did."""
    case_id = big(mall)
    mall.wait(hours=48)
    return waits(mall, case_id, role="clerk")


def appealed(mall: Mall) -> Due:
    """The buyer appealed against a clerk's no, and one approver said yes."""
    case_id = big(mall)
    assert decides(mall, case_id, "clara", "clerk", outcome="reject").status == 200
    mall.must("POST", f"/v1/cases/{case_id}/appeal", {"text": "look at the scans"})
    return waits(mall, case_id)


def reopened(mall: Mall) -> Due:
    """Approved once, more was asked for, it lapsed, was opened again and handed in: the first yes begins anew."""
    case_id = waits(mall, big(mall), sub="ben").case_id
    assert decides(mall, case_id, "cleo", outcome="ask_evidence").status == 200
    mall.wait(hours=73)
    mall.must("POST", f"/v1/cases/{case_id}/reopen")
    mall.photo(case_id)
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()
    assert mall.case(case_id)["state"] == "reviewing"
    return waits(mall, case_id)


def instead(_: Mall) -> Due:
    """One said yes to a fridge, the other to its money: that is the first yes to money."""
    kitchen = Kitchen()
    kitchen.found()
    kitchen.registry.put("merchant:m1", a_merchant(return_address="Warehouse 1"))
    case_id = str(kitchen.ask()["case_id"])
    waits(kitchen, case_id, sub="ben")
    assert decides(kitchen, case_id, "anna", instead="money").json["state"] == "second_review"
    return Due(kitchen, case_id, YES)


def on_top(mall: Mall) -> Due:
    """CNY 200 back and CNY 200 on top, where one person grants CNY 300."""
    shop = presale.opened(mall)
    shop.registry.put("merchant:m1", a_merchant(two_persons_above_minor=30_000))
    return waits(shop, str(presale.claim(shop, "cannot_deliver").json["case_id"]))


def foreign(mall: Mall) -> Due:
    """A small sum in a currency that is not the merchant's: what it is worth is not guessed."""
    mall.registry.put("merchant:m1", a_merchant(currency="USD"))
    return waits(mall, big(mall, 6_000))


def always(mall: Mall) -> Due:
    """A merchant whose limit is nothing at all."""
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=0))
    return waits(mall, big(mall, 6_000))


def apart(mall: Mall) -> Due:
    """Two lines of one order, each below the limit, both granted by one person."""
    lines = tuple(a_line(line_id=f"l{n}", vertical="general", unit_price_minor=30_000, pieces=1) for n in (1, 2))
    mall.push(an_order(order_id="o3", status="shipped", lines=lines))
    first, second = lost(mall), lost(mall, line_id="l2")
    assert decides(mall, first, "anna").json["state"] == "settling"
    mall.pump()
    return waits(mall, second)


def compensated(mall: Mall) -> Due:
    """Goodwill above the limit."""
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=100))
    mall.registry.put("channel:balance", FakeChannel())
    due = Due(mall, big(mall), {"amount_minor": 200, "reason": "late twice"}, "compensation")
    assert due.says("anna").status == 200
    return due


def in_parts(mall: Mall) -> Due:
    """Goodwill in two sums, of which only both together are above the limit."""
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=250))
    mall.registry.put("channel:balance", FakeChannel())
    due = Due(mall, big(mall), {"amount_minor": 200, "reason": "late twice"}, "compensation")
    assert due.says("anna").status == 200
    mall.pump()
    assert due.says("anna").status == 200
    return due


WAYS: tuple[Callable[[Mall], Due], ...] = (
    reviewed, by_clerk, unkept, countered, silent, appealed, reopened, instead, on_top, foreign, always, apart,
    compensated, in_parts,
)  # fmt: skip


def away(mall: Mall, to: str, of: str = "ben", role: str = "approver", sub: str = "", days: float = 7, **more: Any) -> Reply:
    """Somebody is away, and lets a colleague stand in for them."""
    until = mall.clock.now() + timedelta(days=days)
    body = {"to": to, "until": until.isoformat(), "reason": "on leave", **({"of": of} if sub and sub != of else {}), **more}
    headers = body.pop("headers", None)
    return mall.send("POST", "/v1/merchant/delegations", body, role=role, sub=sub or of, headers=headers)
