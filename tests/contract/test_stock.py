"""Sources of stock keep their contract: the fake, and the plugin against the warehouse of the sandbox."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from aftersales.errors import BadSettings, Unknown
from aftersales.lookup import Subject
from aftersales.testing.builders import NOW
from aftersales.testing.stock import FakeStock, ShelvingContract, StockContract, subject_of
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from plugins.mall_stock import build


class FakeBench:
    """Everything in memory."""

    def __init__(self) -> None:
        self.source = FakeStock()
        self.source.put("x", 1)

    def subject(self, key: str) -> Subject:
        """The last piece of ``x``."""
        return subject_of("x", key)

    def use(self) -> bool:
        """Somebody buys it."""
        return self.source.buy("x")

    def put(self, sku: str, pieces: int) -> None:
        """They are there."""
        self.source.put(sku, pieces)

    def free(self, sku: str) -> int:
        """What is on the shelf."""
        return self.source.shelves[sku].free

    def back(self, sku: str) -> dict[str, int]:
        """What came back."""
        return self.source.back(sku)

    def lose_answer(self, call: str, *, done: bool) -> None:
        """One answer is lost."""
        self.source.script.append((call, done))

    def pass_days(self, days: int) -> None:
        """Time passes."""
        self.source.clock.move(timedelta(days=days))


class SandboxBench:
    """The sandbox is the other side."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.other, self.days = sandbox, sandbox.provider("stock"), 0
        self.source = build({**sandbox.settings(provider="stock"), "read_s": 1})
        self.other.book.put("x", 1)

    def subject(self, key: str) -> Subject:
        """The last piece of ``x``."""
        return subject_of("x", key)

    def use(self) -> bool:
        """Somebody buys it."""
        return bool(self.other.book.buy("x"))

    def put(self, sku: str, pieces: int) -> None:
        """They are there."""
        self.other.book.put(sku, pieces)

    def free(self, sku: str) -> int:
        """By the sandbox's truth."""
        return int(self.other.truth()["stock"][sku]["free"])

    def back(self, sku: str) -> dict[str, int]:
        """By the sandbox's truth."""
        sums: Counter[str] = Counter()
        for back in self.other.truth()["stock"][sku].get("backs", {}).values():
            sums[back["disposition"]] += back["pieces"]
        return dict(sums)

    def lose_answer(self, call: str, *, done: bool) -> None:
        """The connection ends without an answer."""
        where = {"ask": At.QUERY, "hold": At.LOCK, "consume": At.VOID, "release": At.UNLOCK, "put_back": At.CREATE}[call]
        self.sandbox.fault(Fault(where, Kind.HANG, executed=done), provider="stock")

    def pass_days(self, days: int) -> None:
        """The sandbox's time is moved; signatures live in the real one."""
        self.days += days
        self.sandbox.set_clock(self.days * 86_400)


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def played(neighbours: WechatKeys) -> Iterator[SandboxBench]:
    """The plugin and a fresh warehouse."""
    with Sandbox(keys=neighbours) as sandbox:
        bench = SandboxBench(sandbox)
        yield bench
        bench.source.close()


class TestFake(StockContract, ShelvingContract):
    """The fake that trades and exchanges are tested with."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """One with a last piece."""
        return FakeBench()


class TestPlugin(StockContract, ShelvingContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, played: SandboxBench) -> SandboxBench:
        """One with a last piece."""
        return played


@pytest.mark.parametrize(
    "kind", [Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL, Kind.WRONG_NUMBER, Kind.CUT, Kind.HTML, Kind.ERROR]
)
def test_an_answer_that_cannot_be_believed_is_no_answer(played: SandboxBench, kind: Kind) -> None:
    """Forged, stale, unsigned, about another question, cut, a proxy's page or an error: Unknown, and the same again finds out."""
    played.sandbox.fault(Fault(At.LOCK, kind), provider="stock")
    with pytest.raises(Unknown):
        played.source.hold(played.subject("k1"), NOW)
    assert played.source.hold(played.subject("k1"), NOW).held
    assert played.other.truth()["stock"]["x"] == {"free": 0, "holds": {"k1": {"pieces": 1, "state": "held"}}}


def test_a_request_of_another_secret_is_refused(played: SandboxBench) -> None:
    """The warehouse believes nobody but us, and what it says to strangers is Unknown to them."""
    stranger = build({**played.sandbox.settings(provider="stock"), "secret": "s" * 40})
    with pytest.raises(Unknown):
        stranger.hold(played.subject("k1"), NOW)
    stranger.close()
    assert played.other.front.calls()["bad_signature"] == 1
    assert played.use()


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://warehouse.example"},
        {"base_url": ""},
        {"key_id": "a b"},
        {"secret": "short"},
        {"hold_days": 0},
        {"read_s": "x"},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    right = {"base_url": "https://warehouse.example", "key_id": "shop", "secret": "0123456789" * 4}
    with pytest.raises(BadSettings) as error:
        build({**right, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "0123456789" not in error.value.message
