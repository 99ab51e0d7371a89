"""Stripe's webhooks over HTTP: doubled, late, out of order, forged, and about money that moved without us."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aftersales.channel import OutsideKind, OutsideState, ReceiptStatus, RefundNotice
from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import Cause
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server
from infra.local.sandbox.stripe.notify import RETRIES_S
from plugins.stripe_refund import build
from plugins.stripe_refund.client import StripeRefunds
from plugins.stripe_refund.setting import Setting

pytestmark = pytest.mark.e2e

ORDER = a_refund_order(transaction_id="pi_SANDBOX1")
TOTAL = ORDER.paid.minor


@pytest.fixture(scope="module")
def keys() -> Keys:
    """WeChat Pay's keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture
def sandbox(keys: Keys) -> Iterator[Sandbox]:
    """The provider, with the default payment known."""
    with Sandbox(keys=keys, retry_scale=0.0) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL, provider="stripe")
        yield sandbox


class Mall:
    """Receives webhooks as the callback route does: the channel verifies them; no 2xx for what it does not believe or know."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.heard: list[RefundNotice] = []
        self.refused: list[BadSignature | Unknown] = []
        self.status = 204
        self._server = Server("mall", "127.0.0.1", 0, self._answer)
        self.channel = build(sandbox.settings(f"{self._server.url}/v1/callbacks/stripe", provider="stripe"))
        self._server.start()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            notice = self.channel.notice({k.lower(): v for k, v in headers.items()}, body, datetime.now(UTC))
        except BadSignature as error:
            self.refused.append(error)
            return Reply(401)
        except Unknown as error:
            self.refused.append(error)
            return Reply(503)
        self.heard.append(notice)
        return Reply(self.status)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Number and status of what was heard about refunds of ours, in order."""
        return [(n.receipt.key, str(n.receipt.status)) for n in self.heard if n.receipt]

    @property
    def outside(self) -> list[tuple[str, str, int]]:
        """Kind, state and amount of what was heard about money that moved without us, in order."""
        return [(str(n.outside.kind), str(n.outside.state), n.outside.amount.minor) for n in self.heard if n.outside]

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


def settled(sandbox: Sandbox) -> bool:
    """Whether no event waits any more."""
    return all(n["state"] not in ("pending", "held") for n in sandbox.truth("stripe")["notices"])


def test_a_notice_tells_how_it_stands(sandbox: Sandbox, mall: Mall) -> None:
    """The mall hears of its refund, and what it hears is what was paid; the event about the charge asks nothing of us."""
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    first, second = mall.heard
    assert first.receipt is not None
    assert (first.receipt.key, first.receipt.amount, first.receipt.status) == (ORDER.key, ORDER.amount, "succeeded")
    assert first.receipt.at is not None
    assert abs(first.receipt.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (second.receipt, second.outside, second.reply_status) == (None, None, 204)


def test_a_notice_may_come_twice(sandbox: Sandbox, mall: Mall) -> None:
    """The same event, with the same id, is delivered again although it was acknowledged."""
    sandbox.fault(Fault(At.NOTICE, Kind.DUPLICATE), provider="stripe")
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert mall.told == [(ORDER.key, "succeeded")] * 2
    assert len({n.notice_id for n in mall.heard if n.receipt}) == 1


def test_a_notice_may_come_before_the_answer(sandbox: Sandbox, mall: Mall) -> None:
    """The event is there before the call that made the refund has returned, and is true."""
    sandbox.fault(Fault(At.NOTICE, Kind.EARLY), Fault(At.CREATE, Kind.HANG), provider="stripe")
    with pytest.raises(Unknown):
        mall.channel.refund(ORDER)
    assert mall.told == [(ORDER.key, "succeeded")]


def test_a_notice_may_come_late_or_never(sandbox: Sandbox, mall: Mall) -> None:
    """Of two events one never comes and one an hour later; until then only a query tells."""
    sandbox.fault(Fault(At.NOTICE, Kind.LATE, seconds=3600), Fault(At.NOTICE, Kind.NONE), provider="stripe")
    mall.channel.refund(ORDER)
    assert until(lambda: sandbox.truth("stripe")["faults_left"] == 0)
    assert mall.heard == []
    assert mall.channel.find(ORDER) is not None
    sandbox.set_clock(3601)
    assert until(lambda: len(mall.heard) == 1)
    assert mall.told == [(ORDER.key, "succeeded")]


def test_a_bounce_is_heard(sandbox: Sandbox, mall: Mall) -> None:
    """A refund that had succeeded fails: the mall hears that it bounced, and that the money is with the merchant."""
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    sandbox.lever("fail", provider="stripe", key=ORDER.key)
    assert until(lambda: len(mall.told) == 3 and settled(sandbox))
    last = mall.heard[-1].receipt
    assert last is not None
    assert (last.status, last.cause) == (ReceiptStatus.FAILED, Cause.BOUNCED)
    assert sandbox.truth("stripe")["total"]["executed"] == 0


def test_an_event_that_was_overtaken_tells_how_it_stands_now(sandbox: Sandbox, mall: Mall) -> None:
    """Success arrives after failure, a snapshot of the past: the mall is told what is true now, failed, each time."""
    sandbox.adjust(provider="stripe", delay_s=60)
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    sandbox.fault(Fault(At.NOTICE, Kind.REORDERED), provider="stripe")
    sandbox.set_clock(61)  # succeeded: this event is held back ...
    assert until(lambda: sandbox.truth("stripe")["faults_left"] == 0)
    sandbox.lever("fail", provider="stripe", key=ORDER.key)  # ... until these have overtaken it
    assert until(lambda: len(mall.told) == 4 and settled(sandbox))
    assert [d["fault"] for d in sandbox.truth("stripe")["deliveries"]][2:] == ["", "reordered", ""]
    assert [status for _, status in mall.told] == ["processing", "failed", "failed", "failed"]


def test_without_stripe_a_snapshot_is_not_believed(sandbox: Sandbox, mall: Mall) -> None:
    """When Stripe does not say how the refund stands, the event is not acknowledged, and comes again."""
    sandbox.fault(Fault(At.QUERY, Kind.ERROR, key=ORDER.key, code=""), provider="stripe")
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert [type(error) for error in mall.refused] == [Unknown]
    assert mall.told == [(ORDER.key, "succeeded")]


@pytest.mark.parametrize("kind", [Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL])
def test_a_notice_with_a_bad_signature_is_refused_and_comes_again(kind: Kind, sandbox: Sandbox, mall: Mall) -> None:
    """What cannot be verified is answered with 401 and not read; the next try, signed, is heard."""
    sandbox.fault(Fault(At.NOTICE, kind), provider="stripe")
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert [d["status"] for d in sandbox.truth("stripe")["deliveries"]] == [401, 204, 204]
    assert (len(mall.refused), mall.told) == (1, [(ORDER.key, "succeeded")])


@pytest.mark.parametrize("kind", [Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER])
def test_what_a_snapshot_says_wrongly_does_not_count(kind: Kind, sandbox: Sandbox, mall: Mall) -> None:
    """A genuine event with another amount or number in it: the notice tells what Stripe says when asked."""
    sandbox.fault(Fault(At.NOTICE, kind, minor=7), provider="stripe")
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert [(n.receipt.key, n.receipt.amount) for n in mall.heard if n.receipt] == [(ORDER.key, ORDER.amount)]


def test_a_notice_may_be_about_a_refund_that_never_was(sandbox: Sandbox, mall: Mall) -> None:
    """A genuine event about a refund that Stripe does not know when asked is not acknowledged; the right one is heard."""
    sandbox.fault(Fault(At.NOTICE, Kind.UNKNOWN_REFUND), provider="stripe")
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert (len(mall.refused), mall.told) == (1, [(ORDER.key, "succeeded")])


def test_a_notice_that_nobody_takes_is_tried_for_three_days(sandbox: Sandbox, mall: Mall) -> None:
    """Ever later tries follow, over at most three days, and then Stripe gives up."""
    mall.status = 500
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert len(mall.told) == 1 + len(RETRIES_S)
    assert sum(RETRIES_S) <= 3 * 86400
    assert {n["state"] for n in sandbox.truth("stripe")["notices"]} == {"given up"}


def test_a_notice_cannot_be_replayed_later(sandbox: Sandbox, mall: Mall) -> None:
    """A recorded event is worth nothing five minutes later, whatever clock the caller shows."""
    mall.channel.refund(ORDER)
    headers, body = sandbox.provider("stripe").notice_of(ORDER.key)
    setting = Setting.parse(sandbox.settings(provider="stripe"))
    with closing(StripeRefunds(setting, now=lambda: time.time() + 295)) as soon:
        assert soon.notice(headers, body, datetime.now(UTC)).receipt is not None
    with closing(StripeRefunds(setting, now=lambda: time.time() + 301)) as late, pytest.raises(BadSignature):
        late.notice(headers, body, datetime.now(UTC))


def test_a_webhook_secret_is_rolled_without_a_gap(keys: Keys) -> None:
    """While a secret is rolled Stripe signs with both: settings with the old one, both, or the new one believe it. Not later."""
    with Sandbox(keys=keys) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL, provider="stripe")
        provider = sandbox.provider("stripe")
        before = sandbox.settings(provider="stripe")
        new = sandbox.lever("rotate", provider="stripe")
        both = sandbox.settings(provider="stripe")
        with closing(build(both)) as channel:
            channel.refund(ORDER)
        headers, body = provider.notice_of(ORDER.key)
        for secrets in (before["webhook_secrets"], both["webhook_secrets"], new):
            with closing(build({**both, "webhook_secrets": secrets})) as channel:
                assert channel.notice(headers, body, datetime.now(UTC)).receipt is not None
        sandbox.lever("rotate", provider="stripe")
        headers, body = provider.notice_of(ORDER.key)
        with closing(build(before)) as channel, pytest.raises(BadSignature):
            channel.notice(headers, body, datetime.now(UTC))


# --- money that moved without us --------------------------------------------------------------------------------------
def test_a_refund_made_in_the_console_is_heard_as_outside(sandbox: Sandbox, mall: Mall) -> None:
    """It is no refund of ours: its amount, its payment and Stripe's number are told; when it fails, that it came back."""
    made = sandbox.lever("outside", provider="stripe", transaction_id=ORDER.transaction_id, minor=500)
    assert until(lambda: settled(sandbox) and len(mall.outside) == 1)
    outside = next(n.outside for n in mall.heard if n.outside)
    assert (outside.kind, outside.state, outside.amount) == (OutsideKind.REFUND, OutsideState.GONE, Money(500, "CNY"))
    assert (outside.key, outside.transaction_id) == (made["id"], ORDER.transaction_id)
    sandbox.lever("fail", provider="stripe", key=made["id"])
    assert until(lambda: len(mall.outside) == 3)
    assert mall.outside[1:] == [("refund", "back", 500)] * 2
    assert mall.told == []


@pytest.mark.parametrize(("ending", "state"), [("won", OutsideState.BACK), ("lost", OutsideState.GONE)])
def test_a_chargeback_is_heard_until_it_is_decided(ending: str, state: OutsideState, sandbox: Sandbox, mall: Mall) -> None:
    """Taken while it is open, more than the payment if exchange rates say so; back when it is won, gone when it is lost."""
    made = sandbox.lever("outside", provider="stripe", transaction_id=ORDER.transaction_id, minor=10_100, kind="chargeback")
    assert until(lambda: settled(sandbox) and len(mall.outside) == 2)
    assert mall.outside == [("chargeback", "open", 10_100)] * 2
    sandbox.lever("dispute", provider="stripe", id=made["id"], status="under_review")
    assert until(lambda: settled(sandbox) and len(mall.outside) == 3)
    sandbox.lever("dispute", provider="stripe", id=made["id"], status=ending)
    assert until(lambda: settled(sandbox) and len(mall.outside) > 3)
    assert {(n.outside.key, n.outside.state) for n in mall.heard[3:] if n.outside} == {(made["id"], state)}


def test_an_inquiry_takes_nothing(sandbox: Sandbox, mall: Mall) -> None:
    """A bank that only asks has taken nothing, and may be answered by a refund; when it becomes a chargeback, that is heard."""
    made = sandbox.lever(
        "outside", provider="stripe", transaction_id=ORDER.transaction_id, kind="chargeback", status="warning_needs_response"
    )
    assert until(lambda: settled(sandbox) and len(mall.heard) == 1)
    assert mall.outside == []
    assert mall.channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    sandbox.lever("dispute", provider="stripe", id=made["id"], status="needs_response")
    assert until(lambda: settled(sandbox) and len(mall.outside) == 2)
    assert {state for _, state, _ in mall.outside} == {"open"}


def test_an_overtaken_dispute_is_told_as_it_stands(sandbox: Sandbox, mall: Mall) -> None:
    """The event that a dispute was opened arrives after it was won: the money is back, and nothing else is told."""
    sandbox.fault(Fault(At.NOTICE, Kind.REORDERED, times=2), provider="stripe")
    made = sandbox.lever("outside", provider="stripe", transaction_id=ORDER.transaction_id, kind="chargeback")
    assert until(lambda: sandbox.truth("stripe")["faults_left"] == 0)
    sandbox.lever("dispute", provider="stripe", id=made["id"], status="won")
    assert until(lambda: settled(sandbox) and len(mall.outside) == 4)
    assert {state for _, state, _ in mall.outside} == {"back"}


def test_a_disputed_payment_is_not_refunded(sandbox: Sandbox, mall: Mall) -> None:
    """Money that the buyer's bank has taken is not sent a second time; once the dispute is won it can be refunded."""
    made = sandbox.lever("outside", provider="stripe", transaction_id=ORDER.transaction_id, kind="chargeback")
    with pytest.raises(Rejected, match="charged back") as refused:
        mall.channel.refund(ORDER)
    assert refused.value.details["cause"] is Cause.RISK_CONTROL
    sandbox.lever("dispute", provider="stripe", id=made["id"], status="won")
    assert mall.channel.refund(replace(ORDER, key="Rc1-2")).status is ReceiptStatus.SUCCEEDED


def test_orders_that_name_charges_hear_of_charges(sandbox: Sandbox) -> None:
    """Where the mall calls its payments ``ch_…``, that is what money that moved without us is told to be of."""
    provider = sandbox.provider("stripe")
    charge = sandbox.truth("stripe")["payments"][ORDER.transaction_id]["charge"]
    made = sandbox.lever("outside", provider="stripe", transaction_id=ORDER.transaction_id, minor=5)
    headers, body = provider.notice_of(made["id"])
    for names, expected in (("payment_intent", ORDER.transaction_id), ("charge", charge)):
        with closing(build({**sandbox.settings(provider="stripe"), "payment_names": names})) as channel:
            outside = channel.notice(headers, body, datetime.now(UTC)).outside
            assert outside is not None
            assert outside.transaction_id == expected
