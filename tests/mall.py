"""A mall in one process: the real routes and use cases over fakes, with the stream, the photo queue and the schedules by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import msgspec

import app
from aftersales.decision import Finding, Source, Verdict
from aftersales.order import Order
from aftersales.photo import PhotoQuestion, PhotoReport, Sameness
from aftersales.registry import Registry
from aftersales.testing.builders import an_order
from aftersales.testing.channel import FakeChannel
from aftersales.testing.clock import FakeClock
from aftersales.testing.files import FakeFiles
from aftersales.testing.queue import FakeQueue
from aftersales.testing.store import FakeStore
from functions import batches, follow, http, sweep
from functions.body import Body, LineBody, OrderBody
from infra.local.gateway import build_types

build_types(app.ROUTES)  # some tests ask from many threads at once

SECRET = "a secret of the tests, 32 characters at least"
STAGE = {
    "verticals": {"active": ["appliance", "bundle", "custom_made", "fresh", "general", "presale", "virtual"]},
    "settings": {"token": {"secret": SECRET}},
    "merchants": {"default": {"zone": "Asia/Shanghai"}},
}
SEEN = Finding("vision.spoilage", Verdict.PASS, "vision.spoiled", Source.MODEL, 0.9, (("confidence", 0.9), ("spoiled_share", 0.4)))


@dataclass
class Photos:
    """A verifier that sees what the test says; every photo's fingerprint is its own. ``asked`` is what it was asked, in order."""

    findings: tuple[Finding, ...] = (SEEN,)
    asked: list[PhotoQuestion] = field(default_factory=list)
    watched: list[bytes] = field(default_factory=list)

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """The findings of the test, whatever the photo."""
        assert question.title
        self.asked.append(question)
        mark = f"{abs(hash(photo)) % 2**64:016x}"
        return PhotoReport(self.findings, mark, b"overlay", 0.4, mark.encode(), (mark,), b"masked " + photo)

    def watch(self, video: bytes, question: PhotoQuestion) -> PhotoReport:
        """The same of a video."""
        self.watched.append(video)
        return self.inspect(video, question)

    def same(self, features: bytes, others: bytes) -> Sameness:
        """Whether they are the same bytes."""
        return Sameness(features == others, 0.9, 100, ("turned",))


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str | bytes

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else self.body.encode()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


def snapshot(order: Order) -> dict[str, Any]:
    """The order as a mall pushes it: without what we keep beside it."""
    told: dict[str, Any] = _known(OrderBody, msgspec.to_builtins(order))
    return {**told, "lines": [_known(LineBody, line) for line in told["lines"]]}


def _known(body: type[Body], values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in body.__struct_fields__}


@dataclass
class Mall:
    """Everything switched on, in memory. ``pump`` plays the stream and the photo queue until nothing more follows."""

    store: Any = field(default_factory=FakeStore)
    clock: FakeClock = field(default_factory=FakeClock)
    files: FakeFiles = field(default_factory=FakeFiles)
    queue: FakeQueue = field(default_factory=FakeQueue)
    photos: Photos = field(default_factory=Photos)
    channel: FakeChannel = field(default_factory=FakeChannel)
    told: int = 0

    def __post_init__(self) -> None:
        self.registry = Registry(STAGE)
        for name in ("store", "clock", "files", "queue", "photos"):
            self.registry.put(name, getattr(self, name))
        self.registry.put("stream", self.store)
        self.registry.put("channel:wechatpay", self.channel)

    # --- asking -------------------------------------------------------------------------------------------------------
    def token(self, role: str, sub: str, merchant: str = "m1", lasts: timedelta = timedelta(hours=1)) -> str:
        """A token of that role."""
        claims = {"sub": sub, "role": role, "merchant": merchant, "exp": datetime.now().astimezone() + lasts}
        return jwt.encode(claims, SECRET, algorithm="HS256")

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "buyer",
        sub: str = "",
        merchant: str = "m1",
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request through the routes, as the app would answer it. Names default to ``b1`` and ``<role>1``."""
        path, _, query = path.partition("?")
        route, places = self.route(method, path)
        asked = {
            "content-type": "application/json",
            "authorization": "Bearer " + self.token(role, sub or self.name(role), merchant),
        }
        if method == "POST":
            asked["idempotency-key"] = key or uuid4().hex
        asked.update({"accept-language": "en"}, **(headers or {}))
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        pairs = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        answer = http.respond(self.registry, route, http.Request(method, path, asked, pairs, raw), places)
        return Reply(answer.status, answer.headers, answer.body)

    @staticmethod
    def name(role: str) -> str:
        """Who asks when a test does not say."""
        return "b1" if role == "buyer" else f"{role}1"

    @staticmethod
    def route(method: str, path: str) -> tuple[http.Route, dict[str, str]]:
        """The route of the app's table that this request meets."""
        parts = path.split("/")
        for route in app.ROUTES:
            names = route.path.split("/")
            if (
                route.method == method
                and len(names) == len(parts)
                and all(n[:1] == "{" or n == p for n, p in zip(names, parts, strict=True))
            ):
                return route, {n[1:-1]: p for n, p in zip(names, parts, strict=True) if n[:1] == "{"}
        raise LookupError(path)

    def must(self, method: str, path: str, body: Any = None, **who: Any) -> Any:
        """The body of a request that has to succeed."""
        reply = self.send(method, path, body, **who)
        assert reply.status < 300, reply.text
        return reply.json

    # --- what happens besides -----------------------------------------------------------------------------------------
    def push(self, order: Order | None = None, **changes: Any) -> dict[str, Any]:
        """Push an order as the mall does; gives its view."""
        order = order or an_order(**changes)
        body = snapshot(order)
        return self.must("PUT", f"/v1/orders/{order.order_id}", body, role="integrator", merchant=order.merchant)

    def claim(self, *, photo: bytes | None = b"a photo", submit: bool = True, **body: Any) -> dict[str, Any]:
        """A claim on one jin of strawberries of order ``o1``, with a photo unless None, handed in; its last view."""
        who = body.pop("who", {})
        asked = {"order_id": "o1", "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}], **body}
        case = self.must("POST", "/v1/cases", asked, **who)
        if photo is not None:
            self.photo(case["case_id"], photo, **who)
        return self.must("POST", f"/v1/cases/{case['case_id']}/submit", **who) if submit else case

    def photo(self, case_id: str, photo: bytes = b"a photo", **who: Any) -> str:
        """Add a photo to the case and upload it; its evidence id."""
        return self.piece(case_id, photo, {}, **who)

    def piece(self, case_id: str, content: bytes, body: Mapping[str, Any], **who: Any) -> str:
        """Add evidence of any kind to the case and upload it; its evidence id."""
        place = self.must("POST", f"/v1/cases/{case_id}/evidence", {"bytes": 1000, **body}, **who)
        self.files.accept(place["fields"], content, self.clock.now())
        return str(place["evidence_id"])

    def proof(self, order_id: str = "o1", photo: bytes = b"at dispatch", role: str = "dispatch", **body: Any) -> str:
        """A proof of the shop's with the order, uploaded and handed in; its evidence id."""
        path = f"/v1/orders/{order_id}/proofs"
        place = self.must("POST", path, {"bytes": 1000, "role": role, **body}, role="clerk")
        self.files.accept(place["fields"], photo, self.clock.now())
        self.must("POST", f"{path}/{place['evidence_id']}/hand-in", role="clerk")
        return str(place["evidence_id"])

    def pump(self) -> None:
        """The stream, the queues and their consequences, until nothing more follows."""
        while self.told < len(self.store.records) or (jobs := self.queue.receive(follow.PHOTO_QUEUE)):
            fresh, self.told = self.store.records[self.told :], len(self.store.records)
            assert follow.follow(self.registry, fresh) == []
            for job in self.queue.receive(follow.PHOTO_QUEUE) if fresh else jobs:
                follow.verify_photo(self.registry, job.body)
                self.queue.done(follow.PHOTO_QUEUE, job)
            for job in self.queue.receive(batches.QUEUE):
                batches.work(self.registry, job.body)
                self.queue.done(batches.QUEUE, job)

    def wait(self, **length: float) -> None:
        """Let time pass, then let the schedules run once."""
        self.clock.move(timedelta(**length))
        sweep.follow_parcels(self.registry)
        sweep.sweep(self.registry)
        self.pump()
        sweep.poll_refunds(self.registry)
        self.pump()

    def case(self, case_id: str, **who: Any) -> Any:
        """The case as its buyer reads it."""
        return self.must("GET", f"/v1/cases/{case_id}", **who)
