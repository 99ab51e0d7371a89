"""Membership systems keep their contract: the fake, and the plugin against the one of the sandbox."""

from collections.abc import Iterator
from typing import Any

import pytest

from aftersales.errors import BadSettings, Rejected, Unknown
from aftersales.testing.builders import NOW
from aftersales.testing.points import FakePoints, PointsContract
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from plugins.mall_points import build


class FakeBench:
    """Everything in memory."""

    def __init__(self) -> None:
        self.points = FakePoints(refuses={"nobody"})

    def balance(self, merchant: str, buyer_id: str) -> int:
        """What the fake gave."""
        return self.points.balance(merchant, buyer_id)

    def stranger(self) -> str:
        """Nobody."""
        return "nobody"

    def lose_answer(self, *, done: bool) -> None:
        """One answer is lost."""
        self.points.script.append(done)


class SandboxBench:
    """The sandbox is the other side."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("points")
        self.points = build({**sandbox.settings(provider="points"), "read_s": 1})
        self.other.book.leave("nobody")

    def balance(self, merchant: str, buyer_id: str) -> int:
        """By the sandbox's truth."""
        gifts = self.other.truth()["gifts"].values()
        return sum(g["points"] for g in gifts if (g["merchant"], g["member"]) == (merchant, buyer_id))

    def stranger(self) -> str:
        """Somebody who left."""
        return "nobody"

    def lose_answer(self, *, done: bool) -> None:
        """The connection ends without an answer."""
        self.sandbox.fault(Fault(At.CREATE, Kind.HANG, executed=done), provider="points")


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def played(neighbours: WechatKeys) -> Iterator[SandboxBench]:
    """The plugin and a fresh membership system."""
    with Sandbox(keys=neighbours) as sandbox:
        bench = SandboxBench(sandbox)
        yield bench
        bench.points.close()


class TestFake(PointsContract):
    """The fake that stories are tested with."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """One that knows everybody but nobody."""
        return FakeBench()


class TestPlugin(PointsContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, played: SandboxBench) -> SandboxBench:
        """One that knows everybody but nobody."""
        return played


@pytest.mark.parametrize(
    "kind", [Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL, Kind.WRONG_NUMBER, Kind.CUT, Kind.HTML, Kind.ERROR]
)
def test_an_answer_that_cannot_be_believed_is_no_answer(played: SandboxBench, kind: Kind) -> None:
    """Forged, stale, unsigned, about another question, cut, a proxy's page or an error: Unknown, and the same again finds out."""
    played.sandbox.fault(Fault(At.CREATE, kind), provider="points")
    with pytest.raises(Unknown):
        played.points.give("c1/late", "m1", "b1", 20, "late_answer", NOW)
    played.points.give("c1/late", "m1", "b1", 20, "late_answer", NOW)
    gift = {"member": "b1", "merchant": "m1", "points": 20, "reason": "late_answer"}
    assert played.other.truth()["gifts"] == {"c1/late": gift}


def test_a_request_of_another_secret_is_refused(played: SandboxBench) -> None:
    """The membership system believes nobody but us, and what it says to strangers is Unknown to them, never a final no."""
    stranger = build({**played.sandbox.settings(provider="points"), "secret": "s" * 40})
    with pytest.raises(Unknown):
        stranger.give("c1/late", "m1", "b1", 20, "late_answer", NOW)
    stranger.close()
    assert (played.other.front.calls(), played.balance("m1", "b1")) == ({"bad_signature": 1}, 0)


def test_a_refusal_has_to_be_signed(played: SandboxBench) -> None:
    """A no that anybody on the way could have said is no answer; the system's own no is final."""
    played.sandbox.fault(Fault(At.CREATE, Kind.UNSIGNED), provider="points")
    with pytest.raises(Unknown):
        played.points.give("c1/late", "m1", "nobody", 20, "late_answer", NOW)
    with pytest.raises(Rejected):
        played.points.give("c1/late", "m1", "nobody", 20, "late_answer", NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://members.example"},
        {"base_url": ""},
        {"key_id": "a b"},
        {"secret": "short"},
        {"total_s": 0},
        {"read_s": "x"},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    right = {"base_url": "https://members.example", "key_id": "shop", "secret": "0123456789" * 4}
    with pytest.raises(BadSettings) as error:
        build({**right, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "0123456789" not in error.value.message
