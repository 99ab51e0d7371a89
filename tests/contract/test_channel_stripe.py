from collections.abc import Iterator

import pytest

from aftersales.channel import RefundOrder
from aftersales.testing.channel import RefundChannelContract
from infra.local.sandbox import At, Fault, Kind, Sandbox
from plugins.stripe_refund import build


class StripeBench:
    """The sandbox is the other side."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.channel = build({**sandbox.settings(provider="stripe"), "read_s": 2})

    def pay(self, order: RefundOrder) -> None:
        """The buyer pays at the provider."""
        self.sandbox.pay(order.transaction_id, order.paid.minor, provider="stripe", currency=order.paid.currency)

    def paid(self, key: str) -> int:
        """What the provider's books say, all refunds under the number together."""
        refunds = self.sandbox.truth("stripe")["refunds"]
        return sum(one["executed"] for name, one in refunds.items() if name.partition(" (")[0] == key)

    def lose_answer(self, *, executed: bool) -> None:
        """The connection ends without an answer."""
        self.sandbox.fault(Fault(At.CREATE, Kind.HANG, executed=executed), provider="stripe")

    def notice_of(self, key: str) -> tuple[dict[str, str], bytes]:
        """An event of the provider."""
        headers, body = self.sandbox.provider("stripe").notice_of(key)
        return dict(headers), bytes(body)


class TestStripe(RefundChannelContract):
    """The plugin, on Stripe's own library, against our sandbox."""

    @pytest.fixture
    def bench(self) -> Iterator[StripeBench]:
        """A fresh provider."""
        with Sandbox() as sandbox:
            bench = StripeBench(sandbox)
            yield bench
            bench.channel.close()
