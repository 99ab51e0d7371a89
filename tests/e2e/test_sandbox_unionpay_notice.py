"""What UnionPay tells a mall by itself: doubled, late, out of order, spoilt, or never."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from aftersales.channel import OutsideKind, ReceiptStatus, RefundNotice
from aftersales.errors import BadSignature
from aftersales.money import Money
from aftersales.refund import Cause
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server
from infra.local.sandbox.unionpay import UnionPay
from infra.local.sandbox.unionpay.notify import RETRIES_S
from infra.local.sandbox.unionpay.signature import notice
from plugins.unionpay_refund import build
from plugins.unionpay_refund.client import UnionPayRefunds
from tests.e2e import unionpay as set_up
from tests.e2e.unionpay import NOW, ORDER, SIGNATURES, fault

pytestmark = pytest.mark.e2e

keys, neighbours, sandbox, unionpay, channel = set_up.keys, set_up.neighbours, set_up.sandbox, set_up.unionpay, set_up.channel

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Mall:
    """Receives notices as the callback route does: the channel verifies them; 4xx to what it does not believe."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.heard: list[RefundNotice] = []
        self.refused: list[BadSignature] = []
        self.status = 200
        self._server = Server("mall", "127.0.0.1", 0, self._answer)
        self.channel = build(sandbox.settings(f"{self._server.url}/v1/callbacks/card", provider="unionpay"))
        self._server.start()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            notice = self.channel.notice({k.lower(): v for k, v in headers.items()}, body, datetime.now(UTC))
        except BadSignature as error:
            self.refused.append(error)
            return Reply(400)
        self.heard.append(notice)
        return Reply(self.status, notice.reply.encode(), {"Content-Type": notice.reply_type})

    def stop(self) -> None:
        """Hang up."""
        self._server.stop()
        self.channel.close()


@pytest.fixture
def mall(sandbox: Sandbox) -> Iterator[Mall]:
    """A mall that can be called back."""
    mall = Mall(sandbox)
    yield mall
    mall.stop()


def until(true: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether it comes true within the time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def told(sandbox: Sandbox) -> list[str]:
    """How far each notice is."""
    return [n["state"] for n in sandbox.truth("unionpay")["notices"]]


def test_a_notice_tells_the_end(sandbox: Sandbox, mall: Mall) -> None:
    """The mall hears of a refund once, and what it hears is what was paid; its answer is 200 ``ok``."""
    mall.channel.refund(ORDER)
    assert until(lambda: told(sandbox) == ["acknowledged"])
    (notice,) = mall.heard
    receipt = notice.receipt
    assert receipt is not None
    assert (receipt.key, receipt.amount, receipt.status) == (ORDER.key, ORDER.amount, ReceiptStatus.SUCCEEDED)
    assert receipt.account == "银行卡尾号0018"  # never the whole number of a card
    assert (notice.reply_status, notice.reply) == (200, "ok")


def test_a_notice_tells_of_a_failure(sandbox: Sandbox, mall: Mall) -> None:
    """A refund that fails after all is told as such: the money is with the merchant again."""
    fault(sandbox, Fault(At.CREATE, Kind.OUTCOME, status_text="63"))
    mall.channel.refund(ORDER)
    assert until(lambda: len(mall.heard) == 1)
    receipt = mall.heard[0].receipt
    assert receipt is not None
    assert (receipt.status, receipt.cause) == (ReceiptStatus.FAILED, Cause.BOUNCED)


def test_a_notice_may_come_twice(sandbox: Sandbox, mall: Mall) -> None:
    """The same notice, with the same id, is delivered again although it was acknowledged."""
    fault(sandbox, Fault(At.NOTICE, Kind.DUPLICATE))
    mall.channel.refund(ORDER)
    assert until(lambda: len(mall.heard) == 2)
    assert len({n.notice_id for n in mall.heard}) == 1


def test_a_notice_may_come_before_the_answer(sandbox: Sandbox, mall: Mall) -> None:
    """The notice of success is there before the call has its answer, which says accepted only."""
    fault(sandbox, Fault(At.NOTICE, Kind.EARLY))
    receipt = mall.channel.refund(ORDER)
    assert [n.receipt.status for n in mall.heard if n.receipt] == [ReceiptStatus.SUCCEEDED]
    assert receipt.status is ReceiptStatus.PROCESSING


def test_a_notice_may_come_late(sandbox: Sandbox, mall: Mall) -> None:
    """An hour after the end the mall hears of it; until then only a query tells."""
    fault(sandbox, Fault(At.NOTICE, Kind.LATE, seconds=3600))
    mall.channel.refund(ORDER)
    assert until(lambda: sandbox.truth("unionpay")["faults_left"] == 0)
    assert mall.heard == []
    sandbox.set_clock(3601)
    assert until(lambda: len(mall.heard) == 1)


def test_notices_may_change_places(sandbox: Sandbox, mall: Mall) -> None:
    """The second refund's notice may come before the first one's."""
    second = replace(ORDER, key="Rc1-2")
    fault(sandbox, Fault(At.NOTICE, Kind.REORDERED))
    mall.channel.refund(ORDER)
    assert until(lambda: told(sandbox) == ["held"])
    mall.channel.refund(second)
    assert until(lambda: len(mall.heard) == 2)
    assert [n.receipt.key for n in mall.heard if n.receipt] == [second.key, ORDER.key]


def test_a_notice_may_never_come(sandbox: Sandbox, mall: Mall) -> None:
    """Without any notice ``find`` still tells that the refund was paid."""
    fault(sandbox, Fault(At.NOTICE, Kind.NONE))
    mall.channel.refund(ORDER)
    assert until(lambda: told(sandbox) == ["dropped"])
    found = mall.channel.find(ORDER)
    assert (mall.heard, sandbox.truth("unionpay")["deliveries"]) == ([], [])
    assert found is not None
    assert found.status is ReceiptStatus.SUCCEEDED


@pytest.mark.parametrize("kind", SIGNATURES)
def test_a_notice_with_a_bad_signature_is_refused_and_comes_again(kind: Kind, sandbox: Sandbox, mall: Mall) -> None:
    """What cannot be verified is answered with 400 and not read; the next try, signed, is heard."""
    fault(sandbox, Fault(At.NOTICE, kind))
    mall.channel.refund(ORDER)
    assert until(lambda: len(mall.heard) == 1)
    assert len(mall.refused) == 1
    assert until(lambda: told(sandbox) == ["acknowledged"])


def test_a_notice_about_another_amount_is_told_as_it_is(sandbox: Sandbox, mall: Mall) -> None:
    """UnionPay's signed word on the amount is handed on: the caller compares it with what was asked."""
    fault(sandbox, Fault(At.NOTICE, Kind.WRONG_AMOUNT, minor=7))
    mall.channel.refund(ORDER)
    assert until(lambda: len(mall.heard) == 1)
    receipt = mall.heard[0].receipt
    assert receipt is not None
    assert receipt.amount == Money(7, "CNY")


@pytest.mark.parametrize("kind", [Kind.UNKNOWN_REFUND, Kind.WRONG_NUMBER])
def test_a_refund_that_is_not_ours_was_made_outside(kind: Kind, sandbox: Sandbox, mall: Mall) -> None:
    """A genuine notice about a refund whose number we never made tells that money left one of our payments without us."""
    fault(sandbox, Fault(At.NOTICE, kind))
    mall.channel.refund(ORDER)
    assert until(lambda: any(n.outside for n in mall.heard))
    outside = next(n.outside for n in mall.heard if n.outside)
    assert (outside.transaction_id, outside.amount, outside.kind) == (ORDER.transaction_id, ORDER.amount, OutsideKind.REFUND)


def test_a_notice_is_given_up_after_five_tries(sandbox: Sandbox, mall: Mall) -> None:
    """UnionPay tells five times and not more: polling is not optional."""
    mall.status = 500
    mall.channel.refund(ORDER)
    assert until(lambda: told(sandbox) == ["given up"])
    assert len(mall.heard) == 1 + len(RETRIES_S) == 5
    mall.status = 302
    sandbox.lever("notices", "unionpay", key=ORDER.key)
    assert until(lambda: told(sandbox) == ["acknowledged"])


def test_a_notice_about_a_payment_asks_nothing(channel: UnionPayRefunds, unionpay: UnionPay) -> None:
    """The same address may be told of payments: genuine, and none of our business."""
    same = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "txnType": "01",
        "respCode": "00",
        "merId": unionpay.keys.mer_id,
    }
    heard = channel.notice(FORM, notice(unionpay.keys, same), NOW)
    assert (heard.receipt, heard.outside, heard.reply) == (None, None, "ok")
    other = notice(unionpay.keys, {**same, "merId": "SANDBOX99999999"})
    with pytest.raises(BadSignature, match="merchant"):
        channel.notice(FORM, other, NOW)


@pytest.mark.parametrize("wrong", [{"txnAmt": "1.5"}, {"txnAmt": ""}, {"currencyCode": "840"}, {"respCode": "77"}, {"orderId": ""}])
def test_a_notice_that_makes_no_sense_is_refused(wrong: dict[str, str], channel: UnionPayRefunds, unionpay: UnionPay) -> None:
    """Signed or not: an amount that is none, another currency, a code nobody knows are not read as a refund."""
    channel.refund(ORDER)
    headers, body = unionpay.notice_of(ORDER.key)
    said = {k: v for k, v in parse_qsl(body.decode()) if k not in ("signature", "signPubKeyCert", "queryId", "reqReserved")}
    with pytest.raises(BadSignature, match="cannot be read"):
        channel.notice(headers, notice(unionpay.keys, {**said, "reqReserved": ORDER.key, **wrong}), NOW)
