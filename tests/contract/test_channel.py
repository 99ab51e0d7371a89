"""Every refund channel keeps the same contract."""

from collections.abc import Iterator

import pytest

from aftersales.errors import Rejected, Unknown
from aftersales.refund import Cause, ReceiptStatus, RefundOrder
from aftersales.testing.channel import FakeChannel, Outcome, RefundChannelContract, a_refund_order
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from plugins.wechatpay_refund import build as build_wechatpay


class FakeBench:
    """The fake is its own other side."""

    def __init__(self) -> None:
        self.channel = FakeChannel()

    def pay(self, order: RefundOrder) -> None:
        """Nothing to do: the fake believes the payment it is told."""

    def paid(self, key: str) -> int:
        """What the fake's own truth says."""
        return self.channel.truth.get(key, 0)

    def lose_answer(self, *, executed: bool) -> None:
        """The next outcome of the script."""
        self.channel.then(Outcome.UNKNOWN_EXECUTED if executed else Outcome.UNKNOWN_NOT_EXECUTED)

    def notice_of(self, key: str) -> tuple[dict[str, str], bytes]:
        """A callback of the fake."""
        return self.channel.notice_of(key)


class TestFake(RefundChannelContract):
    """The channel that use cases are tested with."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """A fresh fake."""
        return FakeBench()

    def test_the_script_is_followed(self) -> None:
        """The fake says what its script says, in order, and success after it."""
        channel = FakeChannel().then(Cause.NOT_ENOUGH, Outcome.PROCESSING)
        with pytest.raises(Rejected) as refused:
            channel.refund(a_refund_order())
        assert (refused.value.details["cause"], refused.value.details["later"]) == (Cause.NOT_ENOUGH, True)
        assert channel.refund(a_refund_order()).status is ReceiptStatus.PROCESSING
        assert channel.refund(a_refund_order("Rc1-2")).status is ReceiptStatus.SUCCEEDED

    def test_a_refund_that_failed_after_all_is_not_paid(self) -> None:
        """A refund that the channel gives up counts as not paid, and ``find`` names the cause."""
        channel = FakeChannel().then(Outcome.PROCESSING)
        channel.refund(a_refund_order())
        channel.conclude("Rc1-1", Cause.ACCOUNT_ABNORMAL)
        found = channel.find("Rc1-1")
        assert found is not None
        assert (found.status, found.cause, channel.truth["Rc1-1"]) == (ReceiptStatus.FAILED, Cause.ACCOUNT_ABNORMAL, 0)

    def test_silence_is_not_a_no(self) -> None:
        """A channel that does not answer ``find`` raises Unknown, which is something else than None."""
        with pytest.raises(Unknown):
            FakeChannel(silent=True).find("Rc1-1")


class WechatPayBench:
    """The sandbox is the other side."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.channel = build_wechatpay({**sandbox.settings(), "read_s": 2})

    def pay(self, order: RefundOrder) -> None:
        """The buyer pays at the provider."""
        self.sandbox.pay(order.transaction_id, order.paid.minor)

    def paid(self, key: str) -> int:
        """What the provider's books say."""
        return int(self.sandbox.truth()["refunds"].get(key, {"executed": 0})["executed"])

    def lose_answer(self, *, executed: bool) -> None:
        """The connection ends without an answer."""
        self.sandbox.fault(Fault(At.CREATE, Kind.HANG, executed=executed))

    def notice_of(self, key: str) -> tuple[dict[str, str], bytes]:
        """A notice of the provider."""
        return self.sandbox.notice_of(key)


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


class TestWechatPay(RefundChannelContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, keys: Keys) -> Iterator[WechatPayBench]:
        """A fresh provider that allows several refunds of one payment within a minute."""
        with Sandbox(keys=keys, gap_s=0) as sandbox:
            bench = WechatPayBench(sandbox)
            yield bench
            bench.channel.close()
