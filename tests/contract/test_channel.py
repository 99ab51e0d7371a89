"""Every refund channel keeps the same contract."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from aftersales.channel import ReceiptStatus, RefundOrder
from aftersales.errors import Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import Cause
from aftersales.testing.channel import FakeChannel, Outcome, RefundChannelContract, a_refund_order, cannot
from infra.local.engine import Engine, dynamodb_client
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from plugins.balance_refund.account import BalanceRefunds
from plugins.dynamodb_store.schema import create as create_table
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
        found = channel.find(a_refund_order())
        assert found is not None
        assert (found.status, found.cause, channel.truth["Rc1-1"]) == (ReceiptStatus.FAILED, Cause.ACCOUNT_ABNORMAL, 0)

    def test_silence_is_not_a_no(self) -> None:
        """A channel that does not answer ``find`` raises Unknown, which is something else than None."""
        with pytest.raises(Unknown):
            FakeChannel(silent=True).find(a_refund_order())


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


class BalanceBench:
    """The table is the other side."""

    def __init__(self, endpoint: str, table: str) -> None:
        self.client = dynamodb_client(endpoint)
        create_table(self.client, table)
        self.channel = BalanceRefunds(table, client=self.client)

    def pay(self, order: RefundOrder) -> None:
        """Nothing to do: the order says what was paid."""

    def paid(self, key: str) -> int:
        """The amount of the entry under the key, read past the channel; the account holds the sum of all entries."""
        items = self.client.scan(TableName=self.channel.table, ConsistentRead=True)["Items"]
        entries = {i["SK"]["S"]: int(i["minor"]["N"]) for i in items if i["SK"]["S"].startswith("ENTRY#")}
        accounts = sum(int(i["minor_CNY"]["N"]) for i in items if i["SK"]["S"] == "ACCOUNT")
        assert accounts == sum(entries.values())
        return entries.get(f"ENTRY#{key}", 0)

    def lose_answer(self, *, executed: bool) -> None:
        """A transaction whose answer is lost is botocore's to repeat."""
        raise cannot("one transaction on our own table: no provider whose answer could be lost")

    def notice_of(self, key: str) -> tuple[dict[str, str], bytes]:
        """There are none."""
        raise cannot("the balance has no callbacks")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A database in memory; every test has a table of its own in it."""
    with Engine() as engine:
        yield engine


class TestBalance(RefundChannelContract):
    """The mall balance on the embedded database."""

    @pytest.fixture
    def bench(self, engine: Engine) -> BalanceBench:
        """A fresh table."""
        return BalanceBench(engine.endpoint, f"balance-{uuid4().hex}")

    def test_the_balance_is_what_was_credited(self, bench: BalanceBench) -> None:
        """Refunds of one buyer add up in one account; merchants, buyers and currencies are kept apart."""
        bench.channel.refund(a_refund_order("Rc1-1", 1990))
        bench.channel.refund(a_refund_order("Rc2-1", 10, order_id="o2"))
        bench.channel.refund(a_refund_order("Rc3-1", 7, order_id="o3", merchant="m1#b1", buyer_id="x"))
        usd = a_refund_order("Rc4-1", order_id="o4", amount=Money(5, "USD"), paid=Money(5, "USD"))
        bench.channel.refund(usd)
        assert bench.channel.balance("m1", "b1") == Money(2000, "CNY")
        assert bench.channel.balance("m1", "b1", "USD") == Money(5, "USD")
        assert bench.channel.balance("m1", "b1#x") == bench.channel.balance("m1", "b2") == Money(0, "CNY")

    def test_a_key_belongs_to_one_buyer(self, bench: BalanceBench) -> None:
        """The same number for somebody else is refused, and credits nobody."""
        bench.channel.refund(a_refund_order())
        with pytest.raises(Rejected):
            bench.channel.refund(a_refund_order(buyer_id="b2"))
        assert bench.channel.balance("m1", "b2") == Money(0, "CNY")

    def test_threads_do_not_overdraw_a_payment(self, bench: BalanceBench) -> None:
        """Eight refunds of 30.00 at once, each asked for twice, of a payment of 99.50: three are made, once each."""

        def ask(n: int) -> bool:
            while True:
                try:
                    return bench.channel.refund(a_refund_order(f"Rc{n % 8}-1", 3000)).status is ReceiptStatus.SUCCEEDED
                except Rejected:
                    return False
                except Unknown:
                    continue  # busy: the same key again, as the use case does

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(16)))
        assert sum(answers[:8]) == sum(answers[8:]) == 3
        assert sum(bench.paid(f"Rc{n}-1") for n in range(8)) == 9000

    def test_silence_of_the_table_is_unknown(self) -> None:
        """Where no database answers, neither refund nor find claims to know anything."""
        deaf = BalanceRefunds("balance-nowhere", "http://127.0.0.1:9")
        with pytest.raises(Unknown):
            deaf.refund(a_refund_order())
        with pytest.raises(Unknown):
            deaf.find(a_refund_order())
