"""The tracers against their contract; the fake first, by which use cases are tested."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from aftersales.testing.builders import NOW
from aftersales.testing.tracer import BUYER_TAIL, SHOP_TAIL, FakeTracer, TracerContract
from aftersales.tracking import Scan


class FakeBench:
    """The levers of the fake."""

    carrier, number, pushes = "sf", "SF1234567890123", True

    def __init__(self) -> None:
        self.tracer, self.now = FakeTracer(), NOW

    def happen(self, number: str, scans: Sequence[Scan]) -> None:
        """See the kit."""
        self.tracer.known[number] = tuple(Scan(s.at, s.state, str(s.state), s.text, s.city) for s in scans)
        self.tracer.phones[number] = {BUYER_TAIL, SHOP_TAIL}

    def fall_silent(self) -> None:
        """See the kit."""
        self.tracer.script.append("deaf")

    def move(self, by: timedelta) -> None:
        """See the kit."""
        self.now += by

    def push(self, key: str) -> tuple[dict[str, str], dict[str, str], bytes]:
        """See the kit."""
        return self.tracer.push(key, self.now)

    def forged(self, push: tuple[dict[str, str], dict[str, str], bytes], how: str) -> tuple[dict[str, str], dict[str, str], bytes]:
        """See the kit."""
        _, query, body = push
        if how == "body":
            return {"sign": "good, of another body"}, query, json.dumps(json.loads(body) | {"number": "X"}).encode()
        return ({"sign": "bad"} if how == "sign" else {}), query, body


class TestFake(TracerContract):
    """The fake keeps the contract it is the example of."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """A fake that knows nothing yet."""
        return FakeBench()
