"""The mall balance as a target: of legs that cannot go back where they came from, of compensation, and of gift cards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from aftersales.channel import ReceiptStatus, RefundOrder
from aftersales.errors import BadSettings, Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import Cause
from aftersales.testing.channel import RefundChannelContract, a_refund_order, cannot
from infra.local.engine import Engine, dynamodb_client
from plugins.balance_refund import build
from plugins.balance_refund.account import BalanceRefunds
from plugins.dynamodb_store.schema import create as create_table


class Bench:
    """One table, and accounts of one kind in it."""

    def __init__(self, endpoint: str, table: str, kind: str = "balance") -> None:
        self.client = dynamodb_client(endpoint)
        self.channel = BalanceRefunds(table, client=self.client, kind=kind)

    def pay(self, order: RefundOrder) -> None:
        """Nothing to do: the order says what was paid."""

    def paid(self, key: str) -> int:
        """The amount of the entry under the key, read past the channel; what accounts hold is the sum of their entries."""
        items = self.client.scan(TableName=self.channel.table, ConsistentRead=True)["Items"]
        entries = {i["SK"]["S"]: int(i["minor"]["N"]) for i in items if i["SK"]["S"].startswith("ENTRY#")}
        assert sum(int(i["minor_CNY"]["N"]) for i in items if i["SK"]["S"] == "ACCOUNT") == sum(entries.values())
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


@pytest.fixture
def table(engine: Engine) -> str:
    """A fresh table."""
    name = f"balance-{uuid4().hex}"
    create_table(dynamodb_client(engine.endpoint), name)
    return name


@pytest.fixture
def balance(engine: Engine, table: str) -> BalanceRefunds:
    """The mall balance."""
    return Bench(engine.endpoint, table).channel


@pytest.fixture
def cards(engine: Engine, table: str) -> BalanceRefunds:
    """Gift cards, in the same table."""
    return Bench(engine.endpoint, table, "gift_card").channel


class TestGiftCard(RefundChannelContract):
    """Accounts of another kind keep the same contract."""

    @pytest.fixture
    def bench(self, engine: Engine, table: str) -> Bench:
        """Gift cards in a fresh table."""
        return Bench(engine.endpoint, table, "gift_card")


# --- legs that came from elsewhere ------------------------------------------------------------------------------------
def test_a_leg_of_another_channels_payment_is_credited(balance: BalanceRefunds) -> None:
    """A payment that came through a card is credited to the balance as any: the number of the payment there is not asked for."""
    card = a_refund_order("Rc1-2", 1990, transaction_id="052611201030001234567")
    receipt = balance.refund(card)
    assert (receipt.status, receipt.amount, receipt.account) == (ReceiptStatus.SUCCEEDED, card.amount, "balance")
    assert balance.balance("m1", "b1") == Money(1990, "CNY")


def test_legs_of_two_payments_have_a_limit_each(balance: BalanceRefunds) -> None:
    """An order paid in two parts: each part goes back to the balance up to what it was, and not a fen into the other's."""
    first, second = Money(5000, "CNY"), Money(2000, "CNY")
    balance.refund(a_refund_order("Rc1-1", 5000, payment_id="p1", paid=first))
    balance.refund(a_refund_order("Rc1-2", 1500, payment_id="p2", paid=second))
    for number, (payment, paid, minor) in enumerate((("p1", first, 1), ("p2", second, 501))):
        with pytest.raises(Rejected) as no:
            balance.refund(a_refund_order(f"Rc2-{number}", minor, payment_id=payment, paid=paid))
        assert no.value.details["cause"] is Cause.OVER_LIMIT
    balance.refund(a_refund_order("Rc3-1", 500, payment_id="p2", paid=second))
    assert balance.balance("m1", "b1") == Money(7000, "CNY")


def test_the_same_payment_number_of_two_orders_is_two_payments(balance: BalanceRefunds) -> None:
    """Payments are numbered within their order: ``p1`` of one says nothing about ``p1`` of another, nor of another merchant's."""
    for number, where in enumerate(({"order_id": "o1"}, {"order_id": "o2"}, {"order_id": "o1", "merchant": "m2"})):
        assert balance.refund(a_refund_order(f"Rc{number}-1", 9950, **where)).status is ReceiptStatus.SUCCEEDED
    assert balance.balance("m1", "b1") == Money(19900, "CNY")


def test_a_leg_under_a_new_number_counts_with_the_old_one(balance: BalanceRefunds) -> None:
    """A leg that was credited and is sent once more under another number is more than was paid: the payment's limit holds."""
    balance.refund(a_refund_order("Rc1-1", 9950))
    with pytest.raises(Rejected) as no:
        balance.refund(a_refund_order("Rc1-2", 9950))
    assert no.value.details["cause"] is Cause.OVER_LIMIT
    assert balance.balance("m1", "b1") == Money(9950, "CNY")


def test_a_payment_that_changed_its_amount_is_refused(balance: BalanceRefunds) -> None:
    """What was paid does not change: an order that says so under the same number is not believed, whichever way."""
    balance.refund(a_refund_order("Rc1-1", 100))
    for paid in (9951, 9949):
        with pytest.raises(Rejected):
            balance.refund(a_refund_order("Rc1-2", 100, paid=Money(paid, "CNY")))
    assert balance.balance("m1", "b1") == Money(100, "CNY")


# --- compensation -----------------------------------------------------------------------------------------------------
def compensation(key: str, minor: int) -> RefundOrder:
    """What is paid beyond the order: a payment of its own, named by its key."""
    return a_refund_order(key, minor, payment_id=key, transaction_id=key, paid=Money(minor, "CNY"))


def test_compensation_touches_no_payments_limit(balance: BalanceRefunds) -> None:
    """The whole payment went back, and the buyer is compensated beside it, twice: three credits, one account."""
    balance.refund(a_refund_order("Rc1-1", 9950))
    balance.refund(compensation("Rc1-2", 500))
    balance.refund(compensation("Rc1-3", 500))
    assert balance.balance("m1", "b1") == Money(10950, "CNY")


def test_compensation_is_paid_once(balance: BalanceRefunds) -> None:
    """Asked for eight times at once, a compensation is credited once."""

    def ask(_: int) -> bool:
        while True:
            try:
                return balance.refund(compensation("Rc1-2", 500)).status is ReceiptStatus.SUCCEEDED
            except Unknown:
                continue  # busy: the same key again, as the use case does

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))
    assert balance.balance("m1", "b1") == Money(500, "CNY")


# --- gift cards -------------------------------------------------------------------------------------------------------
def test_gift_cards_and_the_balance_are_apart(balance: BalanceRefunds, cards: BalanceRefunds) -> None:
    """What was paid with a gift card goes back to the gift card: the same buyer has two accounts in one table."""
    balance.refund(a_refund_order("Rc1-1", 1000, payment_id="p1"))
    receipt = cards.refund(a_refund_order("Rc1-2", 700, payment_id="p2"))
    assert receipt.account == "gift_card"
    assert (balance.balance("m1", "b1"), cards.balance("m1", "b1")) == (Money(1000, "CNY"), Money(700, "CNY"))


def test_one_number_is_one_refund_of_either_kind(balance: BalanceRefunds, cards: BalanceRefunds) -> None:
    """A number that went to the balance cannot go to a gift card as well, and is not taken for a refund there."""
    order = a_refund_order("Rc1-1", 1000)
    balance.refund(order)
    with pytest.raises(Rejected) as no:
        cards.refund(order)
    assert no.value.details["cause"] is Cause.OTHER
    with pytest.raises(Unknown):
        cards.find(order)
    assert cards.balance("m1", "b1") == Money(0, "CNY")


def test_a_number_of_another_order_is_not_found(balance: BalanceRefunds) -> None:
    """``find`` does not take another buyer's, order's or payment's refund for this one."""
    order = a_refund_order("Rc1-1", 1000)
    balance.refund(order)
    for other in ({"buyer_id": "b2"}, {"order_id": "o2"}, {"payment_id": "p2"}, {"merchant": "m2"}):
        with pytest.raises(Unknown):
            balance.find(replace(order, **other))


def test_the_kind_is_a_setting() -> None:
    """A stage may have accounts of another kind beside the balance; a name that could be mistaken in the table is refused."""
    assert build({"table": "t"}).kind == "balance"
    assert build({"table": "t", "kind": "gift_card"}).kind == "gift_card"
    for wrong in ("Gift", "gift#card", "gift.card", "1"):
        with pytest.raises(BadSettings, match="kind"):
            build({"table": "t", "kind": wrong})
