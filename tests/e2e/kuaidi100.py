"""A shop that is told of parcels by Kuaidi100 as the sandbox plays it, and the levers of both: what its tests begin with.

A test module makes the fixtures its own by name: ``neighbours, play = set_up.neighbours, set_up.play``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from aftersales.errors import BadSignature
from aftersales.testing.tracer import BUYER_TAIL, SHOP_TAIL, a_waybill
from aftersales.tracking import Passage, Scan, Trace, merged
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import End
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server
from plugins.kuaidi100_carrier import build
from plugins.kuaidi100_carrier.sign import query_signature

BUYER, SHOP = End("杭州市", BUYER_TAIL), End("烟台市", SHOP_TAIL)
YTO, SF, KEY = "YT1234567890123", "SF1234567890123", "c1-parcel-1"
HOUR, DAY = 3_600, 86_400

SHOWN = {
    "normal": [Passage.PICKED_UP, Passage.IN_TRANSIT, Passage.IN_TRANSIT, Passage.OUT_FOR_DELIVERY, Passage.SIGNED],
    "no_pickup_scan": [Passage.IN_TRANSIT, Passage.IN_TRANSIT, Passage.OUT_FOR_DELIVERY, Passage.SIGNED],
    "station": [Passage.PICKED_UP, Passage.IN_TRANSIT, Passage.IN_TRANSIT, Passage.AT_STATION, Passage.SIGNED],
    "label_only": [Passage.REGISTERED],
    "cancelled_label": [Passage.REGISTERED, Passage.CANCELLED],
    "recalled": [Passage.PICKED_UP, Passage.IN_TRANSIT, Passage.RETURNING, Passage.RETURNED],
    "frozen": [Passage.PICKED_UP, Passage.IN_TRANSIT],
    "lost": [Passage.PICKED_UP, Passage.IN_TRANSIT, Passage.LOST],
    "damaged": [Passage.PICKED_UP, Passage.IN_TRANSIT, Passage.IN_TRANSIT, Passage.DAMAGED],
    "refused": [
        Passage.PICKED_UP, Passage.IN_TRANSIT, Passage.IN_TRANSIT, Passage.OUT_FOR_DELIVERY,
        Passage.REJECTED, Passage.RETURNING, Passage.RETURNED,
    ],
}  # fmt: skip


class Shop:
    """A shop that subscribes and is told: its tracer reads what comes, and thanks for it unless it is told not to."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self.refused: list[str] = []
        self.thankful = True
        self.tracer: Any = None
        self.server = Server("shop", "127.0.0.1", 0, self._hear)
        self.url = f"{self.server.url}/v1/callbacks/kuaidi100"

    def _hear(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        try:
            said = self.tracer.pushed({}, query, body, datetime.now(UTC))
        except BadSignature:
            self.refused.append(query.get("key", ""))
            return Reply(400)
        self.traces += said.traces
        return Reply(200, said.reply) if self.thankful else Reply(500)

    @property
    def scans(self) -> tuple[Scan, ...]:
        """All that was told, merged as the core does."""
        found: tuple[Scan, ...] = ()
        for trace in self.traces:
            found = merged(found, trace.scans)
        return found


class Play:
    """The sandbox, the shop, and the clock."""

    def __init__(self, sandbox: Sandbox, shop: Shop) -> None:
        self.sandbox, self.shop, self.other = sandbox, shop, sandbox.provider("kuaidi100")
        self.settings = sandbox.settings(shop.url, provider="kuaidi100")
        shop.tracer = self.tracer = build(self.settings)

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromtimestamp(self.sandbox.now(), UTC)

    def send(self, script: str = "normal", number: str = YTO, carrier: str = "yto", **more: Any) -> None:
        """A parcel sets out."""
        self.sandbox.parcels.send(number, carrier, BUYER, SHOP, script=script, **more)
        self.settle()

    def subscribe(self, number: str = YTO, carrier: str = "yto", **changes: Any) -> bool:
        """Have it told; whether it is."""
        taken = self.tracer.subscribe([a_waybill(number, carrier, **changes)], self.now)
        self.settle()
        return bool(taken)

    def trace(self, number: str = YTO, carrier: str = "yto", **changes: Any) -> Trace:
        """Ask."""
        (trace,) = self.tracer.trace([a_waybill(number, carrier, **changes)], self.now)
        assert isinstance(trace, Trace)
        return trace

    def pass_by(self, seconds: float) -> None:
        """Time passes at the platform, and what is due by it is done."""
        self.sandbox.set_clock(self.sandbox.offset_s + seconds)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is due at the platform: no look at a parcel, and no push."""
        watch = self.other.watch
        looks = "select 1 from subscription where state = 'polling' and (due_at is null or due_at <= ?)"
        pushes = "select 1 from push where state = 'pending' and next_at <= ?"
        assert until(lambda: not (watch.rows(looks, watch.now()) or watch.rows(pushes, watch.now())), 20)

    def fault(self, kind: Kind, **more: Any) -> None:
        """The next push goes wrong."""
        self.sandbox.fault(Fault(At.NOTICE, kind, **more), provider="kuaidi100")

    def told(self) -> list[dict[str, Any]]:
        """What was told, by the truth."""
        found: list[dict[str, Any]] = self.sandbox.truth("parcels")["told"]
        return found

    def close(self) -> None:
        """End the shop."""
        self.tracer.close()
        self.shop.server.stop()


def until(true: Callable[[], object], seconds: float = 8) -> bool:
    """Whether it comes true within the time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(true())


def ask(play: Play, **changes: str) -> dict[str, Any]:
    """The platform's answer to a question put together by hand; ``changes`` are made after it was signed."""
    param = json.dumps({"com": "yuantong", "num": YTO})
    customer, key = str(play.settings["customer"]), str(play.settings["trace_key"])
    form = {"customer": customer, "sign": query_signature(param, key, customer), "param": param, **changes}
    with httpx.Client(trust_env=False) as http:
        said: dict[str, Any] = http.post(str(play.settings["query_url"]), data=form).json()
    return said


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def play(neighbours: WechatKeys) -> Iterator[Play]:
    """A fresh platform and a shop that listens."""
    shop = Shop()
    shop.server.start()
    with Sandbox(keys=neighbours) as sandbox:
        played = Play(sandbox, shop)
        yield played
        played.close()
