"""UnionPay's channel keeps the contract of every refund channel."""

import time
from collections.abc import Iterator

import pytest

from aftersales.channel import RefundOrder
from aftersales.testing.channel import RefundChannelContract
from aftersales.testing.clock import START
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.unionpay import Keys
from plugins.unionpay_refund import build


class UnionPayBench:
    """The sandbox is the other side; its clock shows the day of the kit's orders, for UnionPay wants their time to be now."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.channel = build({**sandbox.settings(provider="unionpay"), "read_s": 2})

    def pay(self, order: RefundOrder) -> None:
        """The buyer pays at the provider."""
        self.sandbox.pay(order.transaction_id, order.paid.minor, provider="unionpay")

    def paid(self, key: str) -> int:
        """What the provider's books say."""
        return int(self.sandbox.truth("unionpay")["refunds"].get(key, {"executed": 0})["executed"])

    def lose_answer(self, *, executed: bool) -> None:
        """The connection ends without an answer."""
        self.sandbox.fault(Fault(At.CREATE, Kind.HANG, executed=executed), provider="unionpay")

    def notice_of(self, key: str) -> tuple[dict[str, str], bytes]:
        """A notice of the provider."""
        made: tuple[dict[str, str], bytes] = self.sandbox.provider("unionpay").notice_of(key)
        return made


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox."""
    return WechatKeys.fresh()


class TestUnionPay(RefundChannelContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, keys: Keys, neighbours: WechatKeys) -> Iterator[UnionPayBench]:
        """A fresh provider at noon of the day on which the kit's orders were asked for."""
        with Sandbox(keys=neighbours, made={"unionpay": keys}) as sandbox:
            sandbox.set_clock(START.timestamp() - time.time())
            bench = UnionPayBench(sandbox)
            yield bench
            bench.channel.close()
