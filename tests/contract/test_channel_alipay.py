"""The Alipay plugin keeps the channels' contract, against our sandbox over HTTP."""

from collections.abc import Iterator

import pytest

from aftersales.channel import RefundOrder
from aftersales.testing.channel import RefundChannelContract
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as OtherKeys
from infra.local.sandbox.alipay import Keys
from plugins.alipay_refund import build


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture(scope="module")
def others() -> OtherKeys:
    """WeChat Pay's, which always plays along."""
    return OtherKeys.fresh()


class AlipayBench:
    """The sandbox is the other side."""

    def __init__(self, sandbox: Sandbox, *, certificates: bool) -> None:
        self.sandbox = sandbox
        alipay = sandbox.provider("alipay")
        alipay.show_after(0)  # otherwise a query is empty for ten seconds after each refund
        self.channel = build({**alipay.settings(sandbox.base_url, certificates=certificates), "read_s": 2})

    def pay(self, order: RefundOrder) -> None:
        """The buyer pays at the provider, in a shop whose name would end a JSON object if braces were counted."""
        self.sandbox.pay(order.transaction_id, order.paid.minor, provider="alipay", store_name='a}b{c "店" \\')

    def paid(self, key: str) -> int:
        """What the provider's books say."""
        return int(self.sandbox.truth("alipay")["refunds"].get(key, {"executed": 0})["executed"])

    def lose_answer(self, *, executed: bool) -> None:
        """The connection ends without an answer."""
        self.sandbox.fault(Fault(At.CREATE, Kind.HANG, executed=executed), provider="alipay")

    def notice_of(self, key: str) -> tuple[dict[str, str], bytes]:
        """A notice of the provider."""
        headers, body = self.sandbox.provider("alipay").notice_of(key)
        return headers, body


@pytest.mark.parametrize("certificates", [False, True], ids=["with keys", "with certificates"])
class TestAlipay(RefundChannelContract):
    """The plugin in both of Alipay's modes."""

    @pytest.fixture
    def bench(self, keys: Keys, others: OtherKeys, certificates: bool) -> Iterator[AlipayBench]:
        """A fresh provider."""
        with Sandbox(keys=others, made={"alipay": keys}) as sandbox:
            bench = AlipayBench(sandbox, certificates=certificates)
            yield bench
            bench.channel.close()
