"""Kuaidi100 as the sandbox plays it: couriers who are ordered, parcels that are asked about or subscribed, and notices of both.

It speaks the protocol of ``plugins/kuaidi100_carrier/README.md``. A fault's ``at`` is ``create`` (placing an order, subscribing),
``query`` (an order's detail, a parcel), ``void`` (cancelling), ``order`` (price) or ``notice``, its ``key`` our own number for an
order and the parcel's number for a parcel; ``error`` answers with ``code`` and ``message``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aftersales.place import city_of
from infra.local.sandbox.fault import Kind
from infra.local.sandbox.journey import End
from infra.local.sandbox.kuaidi100.book import COLLECTED, FAILED, GIVEN_UP, STANDING, Book, waybill_of
from infra.local.sandbox.kuaidi100.front import Front
from infra.local.sandbox.kuaidi100.keys import Keys
from infra.local.sandbox.kuaidi100.notify import Notifier
from infra.local.sandbox.kuaidi100.push import Pusher
from infra.local.sandbox.kuaidi100.show import carrier_of
from infra.local.sandbox.kuaidi100.trace import QUERY, SUBSCRIBE, TraceFront
from infra.local.sandbox.kuaidi100.watch import Watch
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import Env, Reply

__all__ = ["Keys", "Kuaidi100", "build"]


def build(env: Env) -> Kuaidi100:
    """The provider. Raises LooksReal for keys that could be production."""
    return Kuaidi100(env)


class Kuaidi100:
    """See :class:`~infra.local.sandbox.provider.Provider`. Buyers pay nothing here, and the truth has no refunds."""

    name = "kuaidi100"
    prefixes = ("/kuaidi100/",)

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self.book = Book(env.file("sqlite"), env.now)
        self.notifier = Notifier(self.book, env)
        self.front = Front(self.book, self.keys, env, self.notifier.wake)
        self.parcels = env.parcels or Parcels(None, env.now)
        self.watch = Watch(env.file("watch.sqlite"), env.now)
        self.pusher = Pusher(self.watch, self.parcels, env)
        self.trace_front = TraceFront(self.watch, self.parcels, self.keys, env, self.pusher.wake)
        self.parcels.following.append(self._stirred)
        self.notifier.start()
        self.pusher.start()
        self.levers: Mapping[str, Callable[..., Any]] = {
            "accept": lambda number: self.happen(number, 1),
            "collect": lambda number: self.happen(number, COLLECTED),
            "fail": lambda number, why="": self.happen(number, FAILED, why),
            "give_up": lambda number: self.happen(number, GIVEN_UP),
            "notices": lambda number: {"done": self.pusher.again(number)},
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:  # noqa: ARG002 (part of a provider)
        """The reply to a request."""
        if path.partition("?")[0] in (QUERY, SUBSCRIBE):
            return self.trace_front.answer(method, path, body)
        return self.front.answer(method, path, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.kuaidi100_carrier.build``; ``notify_url`` is where it tells."""
        return {
            "base_url": f"{base_url}/kuaidi100/order/borderapi.do",
            "key": self.keys.key,
            "secret": self.keys.secret,
            "notify_url": notify_url or "http://127.0.0.1:9/v1/callbacks/kuaidi100",
            "companies": "jtexpress,debangkuaidi",
            "find_by_number": "true",
            "query_url": f"{base_url}{QUERY}",
            "subscribe_url": f"{base_url}{SUBSCRIBE}",
            "customer": self.keys.customer,
            "trace_key": self.keys.key,
            "push_url": notify_url or "http://127.0.0.1:9/v1/callbacks/kuaidi100",
        }

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays here. Raises ValueError."""
        raise ValueError(f"carriers take no payments of buyers here ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every order by our number with its status, those that stand; subscriptions, what was told of them; and the calls."""
        empty: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        orders = self.book.all()
        standing = [number for number, order in orders.items() if order["status"] in STANDING]
        traced = {"subscriptions": self.watch.all(), "pushes": self.watch.pushes()}
        return {**empty, "shipping": orders, "standing": standing, **traced, "calls": self.front.calls() | self.trace_front.calls()}

    def wake(self) -> None:
        """The clock was moved: what is due is told."""
        self.notifier.wake()
        self.pusher.wake()

    def close(self) -> None:
        """End telling and close the books."""
        self.parcels.following.remove(self._stirred)
        self.notifier.stop()
        self.pusher.stop()
        self.book.close()
        self.watch.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def happen(self, number: str, status: int, why: str = "") -> dict[str, Any]:
        """Something happened to the order of our number; it is told by and by. What was collected is a parcel on its way."""
        done = self.book.become(number, status, why)
        if done and status == COLLECTED:
            self._sets_out(number)
        self.notifier.wake()
        return {"done": done}

    def notice_of(self, number: str, fault: Kind | None = None) -> tuple[dict[str, str], dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on), query and body of a genuine notice of the order as it is."""
        order = self.book.order("number", number)
        assert order is not None
        headers, url, body = self.notifier.made(order, order["status"], fault)
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return {name.lower(): value for name, value in headers.items()}, query, body

    def push_of(self, key: str, fault: Kind | None = None) -> tuple[dict[str, str], dict[str, str], bytes]:
        """Headers (lower-case), query and body of a genuine push of the subscription whose call-back names ``key``, as of now."""
        for row in self.watch.rows("select * from subscription order by since desc"):
            query = {name: values[0] for name, values in parse_qs(urlsplit(row["callback"]).query).items()}
            if query.get("key") == key:
                headers, body = self.pusher.signed(self.pusher.param(row, row["state"]), row["salt"], fault)
                return {name.lower(): value for name, value in headers.items()}, query, body
        raise ValueError(f"nobody subscribed {key}")

    def _sets_out(self, number: str) -> None:
        order = self.book.order("number", number)
        assert order is not None
        said, waybill = json.loads(order["param"]), waybill_of(order)
        if self.parcels.parcel(waybill) is None:
            ends = [End(city_of(said[f"{who}ManPrintAddr"]), str(said[f"{who}ManMobile"])[-4:]) for who in ("send", "rec")]
            weight_g = round(float(said.get("weight") or 1) * 1000)
            self.parcels.send(waybill, carrier_of(order["com"]), *ends, weight_g=weight_g)

    def _stirred(self, number: str) -> None:
        self.watch.stir(number)
        self.pusher.wake()
