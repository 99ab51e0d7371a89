"""One claim with a photo, counted: draft, upload, submission, verification, judgement, refund and its notice.

Files, queue and verifier are in memory: only the database is counted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aftersales.testing.files import FakeFiles
from aftersales.testing.photos import FakePhotos, a_report
from aftersales.testing.queue import FakeQueue
from functions import follow
from infra.local.bench.refund import DELAY_S, Bench, Say, run, token
from infra.local.sandbox import Sandbox

SHARE = 0.3  # of the goods on the photo; a fifth is claimed


@dataclass(slots=True)
class ClaimCost:
    """What ``count`` claims took."""

    count: int
    requests: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0

    def plain(self) -> dict[str, Any]:
        """The figures per claim."""
        each = {name: number / self.count for name, number in self.requests.items()}
        units = {"read_units": self.read_units / self.count, "write_units": self.write_units / self.count}
        return {"count": self.count, "requests": each, "requests_each": self.requests.total() / self.count, **units}


class ClaimBench(Bench):
    """The whole way of a claim in one process, on one table."""

    def __init__(self, endpoint: str, sandbox: Sandbox) -> None:
        super().__init__(endpoint, sandbox)
        self.files, self.queue, self.photos = FakeFiles(), FakeQueue(), FakePhotos()
        for name, port in (("files", self.files), ("queue", self.queue), ("photos", self.photos)):
            self.registry.put(name, port)

    def order(self, number: int) -> dict[str, Any]:
        """Five jin of strawberries for CNY 99.50, signed for two hours ago."""
        line = {
            "line_id": "l1",
            "sku": "SB",
            "title": "Strawberries, 1 jin",
            "vertical": "fresh",
            "unit_price_minor": 1990,
            "pieces": 5,
        }
        paid = {"payment_id": "p1", "channel": "wechatpay", "transaction_id": f"42{number:026}", "paid_minor": 9950}
        return {**self.head(number, signed_hours_ago=2), "status": "signed", "lines": [line], "payments": [paid]}

    def buyer(self, number: int) -> str:
        """A buyer of its own: somebody with fifty claims is looked at by a person."""
        return f"b{number}"

    def refund(self, number: int) -> Iterator[None]:
        """One claim; stops where the provider takes its time."""
        self.tokens["buyer"] = token("buyer", self.buyer(number))
        asked = {"order_id": f"o{number}", "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}
        case_id = self.ask("POST", "/v1/cases", {}, asked, "buyer")["case_id"]
        place = {"case_id": case_id}
        photo = b"\xff\xd8\xff the photo of claim %d" % number
        self.photos.says(photo, a_report(SHARE, hashlib.sha256(photo).hexdigest()[:16]))
        upload = self.ask("POST", "/v1/cases/{case_id}/evidence", place, {"bytes": len(photo)}, "buyer")
        self.files.accept(upload["fields"], photo, datetime.now(UTC))
        self.ask("POST", "/v1/cases/{case_id}/submit", place, None, "buyer")
        self.follow()
        for job in self.queue.receive(follow.PHOTO_QUEUE):
            follow.verify_photo(self.registry, job.body)
            self.queue.done(follow.PHOTO_QUEUE, job)
        self.follow()
        yield
        self.settled(f"R{case_id}-1")


def measure_claims(endpoint: str, count: int, say: Say) -> ClaimCost:
    """Push ``count`` orders and bring a claim on each to its end."""
    with Sandbox(delay_s=DELAY_S, gap_s=0, retry_scale=1e6) as sandbox, closing(ClaimBench(endpoint, sandbox)) as bench:
        for number in range(count):
            bench.push(number)
        bench.meter.reset()
        say(f"claiming {count} with a photo …")
        for number in range(count):
            run(bench, number)
        if sandbox.truth()["total"]["paid"] != 1990 * count:
            raise RuntimeError("the provider did not pay each claim exactly once")
        return ClaimCost(count, bench.meter.requests, bench.meter.read_units, bench.meter.write_units)
