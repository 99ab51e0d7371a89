"""Sources of entitlements keep their contract: the fake, and the plugin against the voucher system of the sandbox."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from aftersales.lookup import Subject
from aftersales.testing.builders import NOW
from aftersales.testing.entitlements import FakeEntitlements, Sold, subject_of
from aftersales.testing.entitlements_contract import EntitlementsContract
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from plugins.voucher_entitlements import build


class FakeBench:
    """Everything in memory."""

    def __init__(self) -> None:
        self.source = FakeEntitlements()

    def subject(self, key: str) -> Subject:
        """The one entitlement ``x``."""
        self.source.sold.setdefault("x", Sold("x"))
        return subject_of("x", key)

    def use(self) -> bool:
        """It is used."""
        self.subject("any")
        return self.use_one("x")

    def sell(self, sold: Sold) -> None:
        """It is there."""
        self.source.sold[sold.id] = sold

    def use_one(self, one: str) -> bool:
        """It is used."""
        return self.source.use(one)

    def lose_answer(self, call: str, *, done: bool) -> None:
        """One answer is lost."""
        self.source.script.append((call, done))

    def pass_days(self, days: int) -> None:
        """Time passes."""
        self.source.clock.move(timedelta(days=days))


class SandboxBench:
    """The sandbox is the other side."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("voucher")
        self.source = build({**sandbox.settings(provider="voucher"), "read_s": 1})
        self.days = 0

    def subject(self, key: str) -> Subject:
        """The one entitlement ``x``."""
        if self.other.book.shown("x") is None:
            self.other.issue("x")
        return subject_of("x", key)

    def use(self) -> bool:
        """It is redeemed."""
        self.subject("any")
        return self.use_one("x")

    def sell(self, sold: Sold) -> None:
        """It is issued, and what happened to it since is told."""
        base = f"base-{sold.id}" if sold.later else ""
        self.other.issue(sold.id, of=sold.of, base=base)
        for number in range(sold.later):
            self.other.issue(f"{sold.id}-{number}", base=base, begins_at=(NOW + timedelta(days=999)).timestamp() * 2)
        if sold.used:
            assert self.other.book.redeem(sold.id, sold.used, at(sold.used_at))
        if sold.since:
            assert self.other.book.activate(sold.id, at(sold.since))
        if sold.expires_at:
            assert self.other.book.expire(sold.id, at(sold.expires_at))

    def use_one(self, one: str) -> bool:
        """It is redeemed."""
        return bool(self.other.book.redeem(one))

    def lose_answer(self, call: str, *, done: bool) -> None:
        """The connection ends without an answer."""
        where = {"ask": At.QUERY, "hold": At.LOCK, "consume": At.VOID, "release": At.UNLOCK}[call]
        self.sandbox.fault(Fault(where, Kind.HANG, executed=done), provider="voucher")

    def pass_days(self, days: int) -> None:
        """The sandbox's time is moved; signatures live in the real one."""
        self.days += days
        self.sandbox.set_clock(self.days * 86_400)


def at(instant: datetime | None) -> float | None:
    """Seconds since 1970."""
    return None if instant is None else instant.timestamp()


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


class TestFake(EntitlementsContract):
    """The fake that trades and refunds are tested with."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """An empty one."""
        return FakeBench()


class TestPlugin(EntitlementsContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, neighbours: WechatKeys) -> Iterator[SandboxBench]:
        """A fresh voucher system."""
        with Sandbox(keys=neighbours) as sandbox:
            bench = SandboxBench(sandbox)
            yield bench
            bench.source.close()
