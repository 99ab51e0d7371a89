"""SF Express as the sandbox plays it: orders that bring goods back, couriers and stations, and the routes of every parcel of SF's.

It speaks the protocol of ``plugins/sf_carrier/README.md``; where parcels are is the truth of ``parcels``. A fault's ``at`` is
``create`` (placing), ``query`` (finding an order), ``void`` (cancelling), ``order`` (price and pickup time) or ``lock`` (routes),
its ``key`` the client's own number or the first one asked about; ``error`` answers with ``code`` (``A…`` of the platform, others of
the service) and ``message``. Nothing is told by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aftersales.place import city_of
from aftersales.tracking import Passage
from infra.local.sandbox.journey import End
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.sf.book import CANCELLED, COLLECTED, STANDS, Book, waybill_of
from infra.local.sandbox.sf.front import Front
from infra.local.sandbox.sf.keys import Keys
from infra.local.sandbox.sf.order import asked_of

__all__ = ["Keys", "Sf", "build"]


def build(env: Env) -> Sf:
    """The provider. Raises LooksReal for keys that could be production."""
    return Sf(env)


class Sf:
    """See :class:`~infra.local.sandbox.provider.Provider`. Buyers pay nothing here, and the truth has no refunds."""

    name = "sf"
    prefixes = ("/sf/",)

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self.book = Book(env.file("sqlite"), env.now)
        self.parcels = env.parcels or Parcels(None, env.now)
        self.front = Front(self.book, self.keys, env, self.parcels)
        self.levers: Mapping[str, Callable[..., Any]] = {"collect": self.collect, "give_up": self.give_up}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:  # noqa: ARG002 (part of a provider)
        """The reply to a request."""
        return self.front.answer(method, path, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:  # noqa: ARG002 (part of a provider; SF tells nobody)
        """Settings for ``plugins.sf_carrier.build``."""
        return {
            "base_url": f"{base_url}/sf/std/service",
            "partner_id": self.keys.partner_id,
            "checkword": self.keys.checkword,
            "monthly_card": self.keys.monthly_card,
        }

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays here. Raises ValueError."""
        raise ValueError(f"carriers take no payments of buyers here ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every order by the client's number with its waybill, those that stand, the calls, and who was turned away."""
        empty: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        orders = self.book.all()
        standing = [number for number, order in orders.items() if order["state"] == STANDS]
        calls, refused = self.book.calls(), self.front.refusals()
        return {**empty, "shipping": orders, "standing": standing, "calls": calls, "turned_away": refused}

    def wake(self) -> None:
        """Routes follow the clock by themselves."""

    def close(self) -> None:
        """Close the books."""
        self.book.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def collect(self, number: str, script: str = "bare") -> dict[str, Any]:
        """SF has the goods of the client's order: fetched at the door, or brought to a station.

        ``script`` says where they go from there; by ``bare`` they are picked up, and further scans are left to whoever moves them.
        """
        order = self.book.order(number)
        if order is None or not self.book.become(number, COLLECTED):
            return {"done": False}
        sender, receiver = (_end(contact) for contact in asked_of(order)["contactInfoList"])
        waybill = waybill_of(order)
        self.parcels.send(waybill, "sf", sender, receiver, script=script)
        if script == "bare":
            self.parcels.scan(waybill, Passage.PICKED_UP, sender.city)
        return {"done": True, "waybill": waybill}

    def give_up(self, number: str) -> dict[str, Any]:
        """SF cancels the order by itself."""
        return {"done": self.book.become(number, CANCELLED)}


def _end(contact: Mapping[str, Any]) -> End:
    phone = str(contact.get("mobile") or contact.get("tel") or "")
    return End(city_of(str(contact["address"])) or "杭州市", "".join(c for c in phone if c.isdigit())[-4:])
