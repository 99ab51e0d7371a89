"""Alipay's notices: signed forms that name a refund and not its amount, told until the mall says ``success``."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pytest

from aftersales.channel import OutsideKind, OutsideState, ReceiptStatus, RefundNotice
from aftersales.errors import AftersalesError, BadSignature, Unknown
from aftersales.money import Money
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as OtherKeys
from infra.local.sandbox.alipay import Alipay, Keys
from infra.local.sandbox.alipay.notify import RETRIES_S
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server
from plugins.alipay_refund import build
from tests.e2e import alipay as set_up
from tests.e2e.alipay import ORDER, TOTAL

pytestmark = pytest.mark.e2e

keys = set_up.keys


@pytest.fixture
def sandbox(keys: tuple[Keys, OtherKeys]) -> Iterator[Sandbox]:
    """The provider, whose retries do not wait."""
    with Sandbox(keys=keys[1], made={"alipay": keys[0]}, retry_scale=0.0) as sandbox:
        yield sandbox


class Mall:
    """Receives notices as the callback route does: the channel verifies them, and what it raises becomes a refusal."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.heard: list[RefundNotice] = []
        self.refused: list[AftersalesError] = []
        self.says: str | None = None
        self._server = Server("mall", "127.0.0.1", 0, self._answer)
        self.alipay: Alipay = sandbox.provider("alipay")
        self.channel = build(sandbox.settings(f"{self._server.url}/v1/callbacks/alipay", provider="alipay"))
        self._server.start()
        sandbox.pay(ORDER.transaction_id, TOTAL, provider="alipay", out_trade_no="o1")

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            notice = self.channel.notice({k.lower(): v for k, v in headers.items()}, body, datetime.now(UTC))
        except (BadSignature, Unknown) as error:
            self.refused.append(error)
            return Reply(503, b"fail")
        self.heard.append(notice)
        said = notice.reply if self.says is None else self.says
        return Reply(notice.reply_status, said.encode(), {"Content-Type": notice.reply_type})

    def stop(self) -> None:
        """Hang up."""
        self._server.stop()
        self.channel.close()


@pytest.fixture
def mall(sandbox: Sandbox) -> Iterator[Mall]:
    """A mall that can be called back, at an Alipay that shows refunds at once."""
    mall = Mall(sandbox)
    mall.alipay.show_after(0)
    yield mall
    mall.stop()


def until(true: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether it comes true within the time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def settled(sandbox: Sandbox) -> bool:
    """Whether no notice waits any more."""
    return all(n["state"] != "pending" for n in sandbox.truth("alipay")["notices"])


# --- about refunds of ours --------------------------------------------------------------------------------------------
def test_a_notice_tells_the_refund_as_alipay_has_it(sandbox: Sandbox, mall: Mall) -> None:
    """The second of two refunds is announced with the sum of both: what the mall hears is the second one's own amount."""
    mall.channel.refund(ORDER)
    mall.channel.refund(a_refund_order("Rc1-2", 500))
    assert until(lambda: len(mall.heard) == 2)
    told = {n.receipt.key: (n.receipt.amount.minor, n.receipt.status) for n in mall.heard if n.receipt is not None}
    assert told == {"Rc1-1": (1990, ReceiptStatus.SUCCEEDED), "Rc1-2": (500, ReceiptStatus.SUCCEEDED)}
    assert until(lambda: settled(sandbox))
    assert {d["answer"] for d in sandbox.truth("alipay")["deliveries"]} == {"success"}


def test_a_notice_that_cannot_be_confirmed_yet_asks_nothing(sandbox: Sandbox, mall: Mall) -> None:
    """Within ten seconds Alipay does not show what it announces: the mall takes the notice, and polling finds the refund."""
    mall.alipay.show_after(10)
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    (notice,) = mall.heard
    assert (notice.receipt, notice.outside, notice.reply_status, notice.reply_type, notice.reply) == (
        None, None, 200, "text/plain", "success",
    )  # fmt: skip


def test_a_notice_is_taken_while_alipay_does_not_answer(sandbox: Sandbox, mall: Mall) -> None:
    """What is announced cannot be confirmed at the moment: the mall takes the notice, and polling finds the refund."""
    sandbox.fault(Fault(At.QUERY, Kind.ERROR, code="20000"), provider="alipay")
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert sandbox.truth("alipay")["faults_left"] == 0
    assert [(n.receipt, n.reply) for n in mall.heard] == [(None, "success")]


def test_the_last_refund_closes_the_trade_and_is_told_all_the_same(sandbox: Sandbox, mall: Mall) -> None:
    """A refund in full is announced as TRADE_CLOSED, which is its success."""
    order = a_refund_order(minor=TOTAL)
    mall.channel.refund(order)
    assert until(lambda: bool(mall.heard))
    receipt = mall.heard[0].receipt
    assert receipt is not None
    assert (receipt.status, receipt.amount) == (ReceiptStatus.SUCCEEDED, order.amount)


def test_a_lie_about_the_sum_changes_nothing(sandbox: Sandbox, mall: Mall) -> None:
    """Whatever sum a validly signed notice names, the amount comes from the query."""
    sandbox.fault(Fault(At.NOTICE, Kind.WRONG_AMOUNT, minor=1), provider="alipay")
    mall.channel.refund(ORDER)
    assert until(lambda: bool(mall.heard))
    assert sandbox.truth("alipay")["faults_left"] == 0
    receipt = mall.heard[0].receipt
    assert receipt is not None
    assert receipt.amount == ORDER.amount


@pytest.mark.parametrize("kind", [Kind.WRONG_NUMBER, Kind.UNKNOWN_REFUND])
def test_a_refund_that_never_was_is_nothing_to_anybody(kind: Kind, sandbox: Sandbox, mall: Mall) -> None:
    """A number that Alipay itself does not know makes neither a receipt nor money that moved without us."""
    sandbox.fault(Fault(At.NOTICE, kind), provider="alipay")
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert {n.receipt.key for n in mall.heard if n.receipt is not None} == {ORDER.key}
    assert all(n.outside is None for n in mall.heard)
    assert [type(error) for error in mall.refused] == [Unknown]


def test_a_notice_may_come_before_the_answer(sandbox: Sandbox, mall: Mall) -> None:
    """The notice is there while the call still waits for its answer: both speak of one refund."""
    sandbox.fault(Fault(At.NOTICE, Kind.EARLY), provider="alipay")
    receipt = mall.channel.refund(ORDER)
    assert [n.receipt.key for n in mall.heard if n.receipt is not None] == [receipt.key]


def test_a_notice_may_come_twice_late_or_never(sandbox: Sandbox, mall: Mall) -> None:
    """Doubled under the same id, an hour late, or not at all: the books stay as they are, and ``find`` tells."""
    orders = [a_refund_order(f"Rc{n}-1", 100) for n in range(3)]
    kinds = (Kind.DUPLICATE, Kind.LATE, Kind.NONE)
    faults = [Fault(At.NOTICE, kind, key=o.key, seconds=3600) for kind, o in zip(kinds, orders, strict=True)]
    sandbox.fault(*faults, provider="alipay")
    for order in orders:
        mall.channel.refund(order)
    assert until(lambda: sandbox.truth("alipay")["faults_left"] == 0 and len(mall.heard) == 2)
    assert len({n.notice_id for n in mall.heard}) == 1
    sandbox.set_clock(3600)
    assert until(lambda: len(mall.heard) == 3)
    assert [n.receipt.key for n in mall.heard if n.receipt is not None] == ["Rc0-1", "Rc0-1", "Rc1-1"]
    assert mall.channel.find(orders[2]) is not None


def test_notices_may_change_places(sandbox: Sandbox, mall: Mall) -> None:
    """The notice of the first refund may arrive after that of the second."""
    sandbox.fault(Fault(At.NOTICE, Kind.REORDERED), provider="alipay")
    mall.channel.refund(a_refund_order("Rc1-1", 100))
    assert until(lambda: sandbox.truth("alipay")["faults_left"] == 0)
    mall.channel.refund(a_refund_order("Rc1-2", 200))
    assert until(lambda: len(mall.heard) == 2)
    assert [n.receipt.key for n in mall.heard if n.receipt is not None] == ["Rc1-2", "Rc1-1"]


@pytest.mark.parametrize("kind", [Kind.BAD_SIGNATURE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL])
def test_a_notice_with_a_bad_signature_is_refused_and_comes_again(kind: Kind, sandbox: Sandbox, mall: Mall) -> None:
    """What cannot be verified is not read; the next try, signed, is heard."""
    sandbox.fault(Fault(At.NOTICE, kind), provider="alipay")
    mall.channel.refund(ORDER)
    assert until(lambda: bool(mall.heard))
    assert [type(error) for error in mall.refused] == [BadSignature]


@pytest.mark.parametrize("says", ["SUCCESS", "ok", "success\n", ""])
def test_only_the_word_success_ends_the_notices(says: str, sandbox: Sandbox, mall: Mall) -> None:
    """Any other answer, even with status 200, and Alipay tells again, eight times in all."""
    mall.says = says
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert len(mall.heard) == len(RETRIES_S) + 1 == 8
    assert [n["state"] for n in sandbox.truth("alipay")["notices"]] == ["given up"]


def test_notices_are_tried_again_on_alipays_schedule(keys: tuple[Keys, OtherKeys]) -> None:
    """Four minutes after a refused try comes the next, not before."""
    with Sandbox(keys=keys[1], made={"alipay": keys[0]}) as sandbox:
        mall = Mall(sandbox)
        mall.alipay.show_after(0)
        mall.says = "fail"
        mall.channel.refund(ORDER)
        assert until(lambda: len(mall.heard) == 1)
        mall.says = None
        sandbox.set_clock(230)
        assert not until(lambda: len(mall.heard) == 2, seconds=0.1)
        sandbox.set_clock(241)
        assert until(lambda: len(mall.heard) == 2)
        assert until(lambda: settled(sandbox))
        mall.stop()


# --- about money that moved without us --------------------------------------------------------------------------------
def test_a_refund_made_in_alipays_console_is_told_as_such(sandbox: Sandbox, mall: Mall) -> None:
    """A number that is not ours is money that left without us, with the amount that the query names."""
    sandbox.lever("outside", "alipay", transaction_id=ORDER.transaction_id, minor=700, number="20261122-console")
    assert until(lambda: bool(mall.heard))
    outside = mall.heard[0].outside
    assert outside is not None
    assert (outside.key, outside.transaction_id, outside.amount) == ("20261122-console", ORDER.transaction_id, Money(700, "CNY"))
    assert (outside.kind, outside.state, mall.heard[0].receipt) == (OutsideKind.REFUND, OutsideState.GONE, None)


def test_a_refund_without_a_number_has_the_orders(sandbox: Sandbox, mall: Mall) -> None:
    """Somebody who refunds in full sends no number: Alipay then keeps it under the order's."""
    sandbox.lever("outside", "alipay", transaction_id=ORDER.transaction_id, minor=TOTAL)
    assert until(lambda: bool(mall.heard))
    outside = mall.heard[0].outside
    assert outside is not None
    assert (outside.key, outside.amount.minor) == ("o1", TOTAL)


def test_what_is_not_shown_yet_is_told_again(sandbox: Sandbox, mall: Mall) -> None:
    """Nobody polls for somebody else's refund: while Alipay does not show it the notice is refused, and comes again."""
    mall.alipay.show_after(60)
    sandbox.lever("outside", "alipay", transaction_id=ORDER.transaction_id, minor=700, number="console")
    assert until(lambda: bool(mall.refused))
    mall.alipay.show_after(0)
    mall.alipay.resend("console")
    assert until(lambda: bool(mall.heard))
    assert all(isinstance(error, Unknown) for error in mall.refused)
    assert mall.heard[-1].outside is not None


# --- that ask nothing -------------------------------------------------------------------------------------------------
def test_a_notice_of_the_payment_asks_nothing(sandbox: Sandbox, mall: Mall) -> None:
    """The same address hears that the buyer paid: taken, and no business of ours."""
    headers, body = mall.alipay.payment_notice_of(ORDER.transaction_id)
    notice = mall.channel.notice(headers, body, datetime.now(UTC))
    assert (notice.receipt, notice.outside, notice.reply) == (None, None, "success")


def test_what_a_bank_card_did_asks_nothing(sandbox: Sandbox, mall: Mall) -> None:
    """The message that a refund reached the buyer's card, or his balance instead, is taken; the refund was paid before."""
    order = a_refund_order("Rc2-1", order_id="o2")
    sandbox.pay(order.transaction_id, TOTAL, provider="alipay", card=True)
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="BOUNCED", seconds=60), provider="alipay")
    mall.channel.refund(order)
    assert until(lambda: len(mall.heard) == 1)
    sandbox.set_clock(61)
    assert until(lambda: len(mall.heard) == 2)
    assert mall.heard[0].receipt is not None
    assert (mall.heard[1].receipt, mall.heard[1].outside) == (None, None)
    assert sandbox.truth("alipay")["refunds"][order.key]["dback"] == "F"
