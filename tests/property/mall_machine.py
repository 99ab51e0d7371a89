"""A mall with trouble in it: every rule of the machine is something that people, providers, time or a dying process do."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from aftersales.decision import Finding, Source, Verdict
from aftersales.order import Order
from aftersales.query import CaseFile
from aftersales.testing.clock import FakeClock
from aftersales.testing.queue import FakeQueue
from aftersales.testing.store import FakeStore
from aftersales.testing.strategies import orders
from functions import follow, http, sweep
from functions.context import KEPT
from functions.http import Request
from tests.mall import SEEN, Mall, Reply
from tests.property.providers import FakeProvider, Provider
from tests.property.sold import sold
from tests.property.trouble import Crash, Fragile, Fuse, crash

DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.not_clear", Source.MODEL, 0.4)
#: Up to two things that happen after some notches of the fuse, each as likely a crash as anything else.
OTHERS = ("sweep", "poll", "follow", "replay", "notices", "look")
TROUBLE = st.lists(st.tuples(st.integers(0, 14), st.sampled_from(("crash",) * len(OTHERS) + OTHERS)), max_size=2)
PICK = st.integers(0, 99)
ASKED = st.none() | st.integers(1, 4_000)
WRONG = st.lists(PICK, max_size=3)
#: Mostly the next minute; now and then long enough for a photo, a shop, a buyer, an idempotent answer or a parcel.
MINUTES = st.sampled_from([1, 1, 1, 1, 1, 2, 2, 10, 16, 60, 24 * 60, 49 * 60, 8 * 24 * 60])
SHOP = "merchant/cases/{}"
#: What people do at a case: who, where, what they send.
DOES: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "approves": ("clerk", f"{SHOP}/decision", {"outcome": "approve", "reason": "seen"}),
    "approves too": ("approver", f"{SHOP}/decision", {"outcome": "approve", "reason": "seen"}),
    "rejects": ("clerk", f"{SHOP}/decision", {"outcome": "reject", "reason": "seen"}),
    "accepts goods": ("clerk", f"{SHOP}/inspection", {"accepted": True, "disposition": "sound"}),
    "accepts goods again": ("admin", f"{SHOP}/inspection", {"accepted": True, "disposition": "flawed"}),
    "refuses goods": ("clerk", f"{SHOP}/inspection", {"accepted": False, "note": "not ours"}),
    "offers less": ("clerk", f"{SHOP}/counter", {"reason": "a part"}),
    "takes less": ("buyer", "cases/{}/counter-answer", {"accept": True}),
    "wants all": ("buyer", "cases/{}/counter-answer", {"accept": False}),
    "withdraws": ("buyer", "cases/{}/withdraw", None),
}
Trouble = list[tuple[int, str]]


@dataclass
class Asked:
    """A POST and its last answer, None when its server died."""

    path: str
    body: Any
    key: str
    who: dict[str, Any]
    reply: Reply | None
    at: datetime

    @property
    def done(self) -> bool:
        """Whether the client knows that it had its effect."""
        return self.reply is not None and self.reply.status < 300


class MallMachine(RuleBasedStateMachine):
    """Four orders, their cases, and everything that can happen to them. A subclass says what has to be true."""

    def __init__(self) -> None:
        super().__init__()
        # Case ids decide the order of sweeps: an example that fails must fail again.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(uuid.os, "urandom", Random(0).randbytes)  # type: ignore[attr-defined]
        self.fuse = Fuse()
        self.provider = self.other_side()
        self.store, self.queue, self.clock = FakeStore(due_shards=1), FakeQueue(), FakeClock()
        fragile: dict[str, Any] = {"store": self.store, "queue": self.queue, "channel": self.provider.channel}
        self.mall = Mall(clock=self.clock, **{name: Fragile(inner, self.fuse) for name, inner in fragile.items()})
        self.mall.registry.put("channel:balance", Fragile(self.provider.balance, self.fuse))
        self.told = 0
        self.orders: dict[str, Order] = {}
        self.asked: list[Asked] = []

    def other_side(self) -> Provider:
        """The provider of this machine."""
        return FakeProvider()

    # --- what there is ------------------------------------------------------------------------------------------------
    cases = Bundle("cases")

    @initialize(order=orders("general"), split=st.integers(1, 9_008), freight=st.integers(0, 3_000))
    def malls_push(self, order: Order, split: int, freight: int) -> None:
        """What the mall sold: see :func:`sold`."""
        for pushed in sold(order, split, freight):
            self.orders[pushed.order_id] = pushed
            self.provider.pay(pushed)
            self.mall.push(pushed)

    def stored(self) -> dict[str, CaseFile]:
        """Every case as it is stored."""
        ids = [i for order in self.orders for i in self._order(order).cases]
        found = {case_id: self.store.case(case_id) for case_id in ids}
        return {case_id: file for case_id, file in found.items() if file}

    def _order(self, order_id: str) -> Any:
        return self.store.order("m1", order_id)

    # --- trouble ------------------------------------------------------------------------------------------------------
    def under(self, trouble: Trouble, work: Callable[[], Any]) -> Any:
        """The result of ``work``, None when the process died in it."""
        happenings: dict[str, Callable[[], Any]] = {
            "sweep": self._sweep, "poll": self._poll, "follow": self._follow, "replay": self._replay, "notices": self._notices,
            "look": self._look,
        }  # fmt: skip
        self.fuse.light([(n, crash if what == "crash" else partial(_survived, happenings[what])) for n, what in trouble])
        try:
            return work()
        except Crash:
            return None
        finally:
            self.fuse.put_out()

    def post(self, path: str, body: Any, trouble: Trouble, **who: Any) -> Reply | None:
        """One POST, as its client sees it: None when the server died. It may be asked again later, with the same key."""
        key = f"key-{len(self.asked):06}"
        reply: Reply | None = self.under(trouble, lambda: self.mall.send("POST", path, body, key=key, **who))
        assert reply is None or reply.status < 500, reply.text
        self.asked.append(Asked(path, body, key, who, reply, self.clock.now()))
        return reply

    # --- buyers -------------------------------------------------------------------------------------------------------
    @rule(target=cases, n=PICK, pieces=st.integers(1, 3), asked=ASKED, freight=st.booleans(), trouble=TROUBLE)
    def refund_before_shipping(self, n: int, pieces: int, asked: int | None, freight: bool, trouble: Trouble) -> Any:
        """One click, approved at once."""
        order = self.orders[("any", "to-be")[n % 2]]
        items = [{"line_id": order.lines[n % len(order.lines)].line_id, "pieces": pieces}]
        body = {"order_id": order.order_id, "kind": "refund_only", "reason": "out_of_stock", "freight": freight, "submit": True}
        return self._opened({**body, "items": items, "asked_minor": asked}, trouble)

    @rule(target=cases, pieces=st.integers(1, 3), share=st.integers(1, 100), sure=st.booleans(), trouble=TROUBLE)
    def claim(self, pieces: int, share: int, sure: bool, trouble: Trouble) -> Any:
        """Spoiled berries with a photo; the verifier is sure of it or not."""
        self.mall.photos.findings = (SEEN,) if sure else (DOUBT,)
        items = [{"line_id": "l1", "pieces": pieces, "share_percent": share}]
        found = self._opened({"order_id": "berries", "kind": "claim", "reason": "spoiled", "items": items}, [])
        for case_id in found.values:
            self.mall.photo(case_id, os.fsencode(case_id))
            self.post(f"/v1/cases/{case_id}/submit", None, trouble)
        return found

    @rule(target=cases, line=st.sampled_from(["l1", "l2", "freight"]), pieces=st.integers(1, 5), trouble=TROUBLE)
    def send_back(self, line: str, pieces: int, trouble: Trouble) -> Any:
        """A return, whose parcel leaves at once; or no goods, only the freight."""
        body = {"order_id": "goods", "kind": "return_refund", "reason": "no_reason", "submit": True}
        if line == "freight":
            return self._opened({**body, "kind": "refund_only", "reason": "freight_overcharged", "freight": True}, trouble)
        found = self._opened({**body, "items": [{"line_id": line, "pieces": pieces}]}, [])
        for case_id in found.values:
            self.post(f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": f"SF{case_id[:12].upper()}"}, trouble)
        return found

    def _opened(self, body: dict[str, Any], trouble: Trouble) -> Any:
        body = {name: value for name, value in body.items() if value is not None}
        reply = self.post("/v1/cases", body, trouble)
        return multiple(reply.json["case_id"]) if reply and reply.status == 201 else multiple()

    @rule(n=PICK, trouble=TROUBLE)
    def ask_again(self, n: int, trouble: Trouble) -> None:
        """A client that got no answer, or does not believe it, sends the same request with the same key."""
        if not self.asked:
            return
        asked = self.asked[-1 - n % len(self.asked)]
        reply = self.under(trouble, lambda: self.mall.send("POST", asked.path, asked.body, key=asked.key, **asked.who))
        assert reply is None or reply.status < 500, reply.text
        if asked.done and self.clock.now() < asked.at + KEPT:
            assert reply is None or (reply.status, reply.text) == (asked.reply.status, asked.reply.text)
        elif reply:
            asked.reply, asked.at = reply, self.clock.now()

    # --- people at a case ---------------------------------------------------------------------------------------------
    @rule(case_id=cases, what=st.sampled_from(sorted(DOES)), minor=st.integers(1, 3_000), trouble=TROUBLE)
    def person(self, case_id: str, what: str, minor: int, trouble: Trouble) -> None:
        """Somebody of the shop decides, inspects or offers less; the buyer takes the offer, or the case back."""
        role, path, body = DOES[what]
        body = {**body, "amount_minor": minor} if what == "offers less" else body
        self.post(f"/v1/{path.format(case_id)}", body, trouble, role=role)

    # --- what happens by itself ---------------------------------------------------------------------------------------
    @rule(trouble=TROUBLE, wrong=WRONG)
    def stream(self, trouble: Trouble, wrong: list[int]) -> None:
        """What was stored is followed; what was not followed to its end comes again."""
        self.goes_wrong(wrong)
        self.under(trouble, self._follow)

    @rule(start=PICK, trouble=TROUBLE, wrong=WRONG)
    def stream_again(self, start: int, trouble: Trouble, wrong: list[int]) -> None:
        """Old records come once more; now and then the new ones never: the schedules have to find what they said."""
        self.goes_wrong(wrong)
        self.under(trouble, lambda: self._replay(start))
        if start % 3 == 0:
            self.told = len(self.store.records)

    @rule(trouble=TROUBLE)
    def photos(self, trouble: Trouble) -> None:
        """The vision function looks at what waits."""
        self.under(trouble, self._look)

    @rule(minutes=MINUTES, trouble=TROUBLE, wrong=WRONG)
    def later(self, minutes: int, trouble: Trouble, wrong: list[int]) -> None:
        """Time passes and the schedules run; with trouble, another of them in the middle."""
        self.goes_wrong(wrong)
        self.time_passes(minutes)
        self.under(trouble, lambda: (self._sweep(), self._poll()))

    @rule(trouble=TROUBLE)
    def notices(self, trouble: Trouble) -> None:
        """Notices arrive, most of them not for the first time."""
        self.under(trouble, self._notices)

    @rule()
    def forged_notices(self) -> None:
        """What must not be believed is refused, and nothing is stored."""
        before = len(self.store.records)
        for headers, body in self.provider.forged():
            assert 400 <= http.callback(self.mall.registry, "wechatpay", notice(headers, body)).status < 500
        assert len(self.store.records) == before

    def goes_wrong(self, wrong: list[int]) -> None:
        """What the provider does next."""
        for n in wrong:
            self.provider.go_wrong(self.provider.troubles[n % len(self.provider.troubles)])

    def time_passes(self, minutes: int) -> None:
        """Later, for everybody."""
        self.clock.move(timedelta(minutes=minutes))
        self.provider.time(self.clock.now())
        self.queue.expire()

    def _follow(self) -> None:
        fresh, begun = self.store.records[self.told :], self.told
        assert follow.follow(self.mall.registry, fresh) == []
        self.told = max(self.told, begun + len(fresh))

    def _replay(self, start: int = 0) -> None:
        records = self.store.records
        assert follow.follow(self.mall.registry, records[start % (len(records) or 1) :]) == []

    def _look(self) -> None:
        for job in self.mall.queue.receive(follow.PHOTO_QUEUE):
            follow.verify_photo(self.mall.registry, job.body)
            self.mall.queue.done(follow.PHOTO_QUEUE, job)

    def _sweep(self) -> None:
        assert sweep.sweep(self.mall.registry).failed == 0

    def _poll(self) -> None:
        assert sweep.poll_refunds(self.mall.registry).failed == 0

    def _notices(self) -> None:
        """All of them; one that contradicts our record is put off while the provider does not confirm it."""
        for headers, body in self.provider.notices():
            assert http.callback(self.mall.registry, "wechatpay", notice(headers, body)).status in (200, 204, 503)


def notice(headers: dict[str, str], body: bytes) -> Request:
    """A callback as it arrives."""
    return Request("POST", "/v1/callbacks/wechatpay", headers, {}, body)


def _survived(work: Callable[[], Any]) -> None:
    """Somebody else's work: their crash is not ours."""
    try:
        work()
    except Crash:
        return
