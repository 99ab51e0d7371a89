"""What goes wrong between us and WeChat Pay: what the channel then says, and what the provider's books say was paid."""

import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.channel import ReceiptStatus, RefundNotice
from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import Cause
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server
from infra.local.sandbox.wechatpay.notify import RETRIES_S
from plugins.wechatpay_refund import build
from plugins.wechatpay_refund.client import WechatPayRefunds

pytestmark = pytest.mark.e2e

ORDER = a_refund_order()
TOTAL = ORDER.paid.minor
SIGNATURES = (Kind.BAD_SIGNATURE, Kind.STALE, Kind.SIGNTEST, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL)


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture
def sandbox(keys: Keys) -> Iterator[Sandbox]:
    """The provider, with the default payment known."""
    with Sandbox(keys=keys, retry_scale=0.0) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL)
        yield sandbox


@pytest.fixture
def channel(sandbox: Sandbox) -> Iterator[WechatPayRefunds]:
    """The plugin, in a hurry."""
    with closing(build({**sandbox.settings(), "read_s": 0.8, "total_s": 1.5})) as channel:
        yield channel


def executed(sandbox: Sandbox) -> int:
    """Fen that left the merchant, by the provider's books."""
    return int(sandbox.truth()["total"]["executed"])


# --- no trustworthy answer --------------------------------------------------------------------------------------------
NO_ANSWER: dict[str, Fault] = {
    "cut off, carried out": Fault(At.CREATE, Kind.HANG),
    "cut off, not carried out": Fault(At.CREATE, Kind.HANG, executed=False),
    "timed out, carried out": Fault(At.CREATE, Kind.HANG, seconds=1),
    "timed out, not carried out": Fault(At.CREATE, Kind.HANG, executed=False, seconds=1),
    "cut in the middle of the body": Fault(At.CREATE, Kind.CUT),
    "an endless trickle": Fault(At.CREATE, Kind.TRICKLE, seconds=3),
    "500, not carried out": Fault(At.CREATE, Kind.ERROR, executed=False),
    "500, carried out": Fault(At.CREATE, Kind.ERROR),
    "503": Fault(At.CREATE, Kind.ERROR, executed=False, status=503, code="SERVICE_UNAVAILABLE"),
    "429, accepted": Fault(At.CREATE, Kind.ERROR, status=429, code="FREQUENCY_LIMITED"),
    "429, not accepted": Fault(At.CREATE, Kind.ERROR, executed=False, status=429, code="FREQUENCY_LIMITED"),
    "429 with the code of a no": Fault(At.CREATE, Kind.ERROR, status=429, code="PARAM_ERROR"),
    "500 with the code of a no": Fault(At.CREATE, Kind.ERROR, status=500, code="NOT_ENOUGH"),
    "a code nobody knows": Fault(At.CREATE, Kind.ERROR, status=403, code="RULE_LIMIT"),
    "used before, and not found": Fault(
        At.CREATE, Kind.ERROR, executed=False, status=400, code="INVALID_REQUEST", message="订单金额或退款金额与之前请求不一致"
    ),
    "a redirect": Fault(At.CREATE, Kind.HTML, status=302),
    "an HTML page with 200": Fault(At.CREATE, Kind.HTML, status=200),
    "an HTML page with 403": Fault(At.CREATE, Kind.HTML, executed=False, status=403),
    "an HTML page with 404": Fault(At.CREATE, Kind.HTML, status=404),
    "an HTML page with 502": Fault(At.CREATE, Kind.HTML, status=502),
    "another amount, signed": Fault(At.CREATE, Kind.WRONG_AMOUNT),
    "another number, signed": Fault(At.CREATE, Kind.WRONG_NUMBER),
    **{f"the signature: {kind}": Fault(At.CREATE, kind) for kind in SIGNATURES},
}


@pytest.mark.parametrize("case", NO_ANSWER)
def test_no_trustworthy_answer_is_unknown_and_the_same_key_mends_it(case: str, sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Whatever was done, the channel says Unknown; the same key again ends in exactly one refund."""
    fault = NO_ANSWER[case]
    sandbox.fault(fault)
    with pytest.raises(Unknown) as unknown:
        channel.refund(ORDER)
    assert sandbox.script.left == 0
    assert unknown.value.details["key"] == ORDER.key
    assert executed(sandbox) == (ORDER.amount.minor if fault.executed else 0)
    found = channel.find(ORDER)
    assert (found is not None) is fault.executed
    again = channel.refund(ORDER)
    assert (again.status, again.amount) == (ReceiptStatus.SUCCEEDED, ORDER.amount)
    assert sandbox.truth()["total"] == {"executed": ORDER.amount.minor, "paid": ORDER.amount.minor, "count": 1}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(At.QUERY, Kind.HANG),
        Fault(At.QUERY, Kind.CUT),
        Fault(At.QUERY, Kind.ERROR),
        Fault(At.QUERY, Kind.ERROR, status=401, code="SIGN_ERROR"),
        Fault(At.QUERY, Kind.ERROR, status=404, code="MCH_NOT_EXISTS"),
        Fault(At.QUERY, Kind.HTML, status=404),
        Fault(At.QUERY, Kind.WRONG_NUMBER),
        *(Fault(At.QUERY, kind) for kind in SIGNATURES),
    ],
    ids=lambda f: f"{f.kind} {f.status}",
)
def test_a_query_without_a_trustworthy_answer_is_unknown(fault: Fault, sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """``find`` says None only when WeChat Pay itself says that there is no such refund."""
    channel.refund(ORDER)
    sandbox.fault(fault)
    with pytest.raises(Unknown):
        channel.find(ORDER)
    assert sandbox.script.left == 0


def test_a_wrong_amount_in_a_query_is_no_answer(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """What WeChat Pay signed about another amount than was asked says nothing about this refund."""
    channel.refund(ORDER)
    sandbox.fault(Fault(At.QUERY, Kind.WRONG_AMOUNT, minor=7))
    with pytest.raises(Unknown):
        channel.find(ORDER)


# --- a final no -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "code", "cause", "later"),
    [
        (400, "PARAM_ERROR", Cause.CONFIGURATION, False),
        (401, "SIGN_ERROR", Cause.CONFIGURATION, False),
        (403, "NO_AUTH", Cause.CONFIGURATION, False),
        (403, "NOT_ENOUGH", Cause.NOT_ENOUGH, True),
        (403, "USER_ACCOUNT_ABNORMAL", Cause.ACCOUNT_ABNORMAL, False),
        (404, "MCH_NOT_EXISTS", Cause.CONFIGURATION, False),
        (404, "RESOURCE_NOT_EXISTS", Cause.NOT_FOUND, False),
    ],
)
def test_a_final_no_has_a_cause(
    status: int, code: str, cause: Cause, later: bool, sandbox: Sandbox, channel: WechatPayRefunds
) -> None:
    """Each of WeChat Pay's refusals becomes one of our causes, and says whether it passes by itself."""
    sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False, status=status, code=code, message="不行"))
    with pytest.raises(Rejected, match="不行") as refused:
        channel.refund(ORDER)
    assert (refused.value.details["cause"], refused.value.details["later"]) == (cause, later)
    assert executed(sandbox) == 0


def test_a_short_account_is_mended_by_a_top_up(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """NOT_ENOUGH moves nothing; after the account was topped up the same key is paid."""
    sandbox.book.fund(1000)
    with pytest.raises(Rejected) as refused:
        channel.refund(ORDER)
    assert refused.value.details["cause"] is Cause.NOT_ENOUGH
    sandbox.top_up(1000)
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert (executed(sandbox), sandbox.truth()["balance"]) == (1990, 10)


def test_an_unknown_payment_is_refused(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """A payment WeChat Pay does not have cannot be refunded."""
    with pytest.raises(Rejected) as refused:
        channel.refund(a_refund_order(order_id="o2"))
    assert refused.value.details["cause"] is Cause.NOT_FOUND


def test_other_currencies_are_not_asked_for(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """WeChat Pay refunds in CNY: anything else is refused before a call is made."""
    with pytest.raises(Rejected):
        channel.refund(replace(ORDER, amount=Money(5, "USD"), paid=Money(5, "USD")))
    assert "create" not in sandbox.truth()["calls"]


def test_a_year_after_the_payment_it_is_too_late(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """A payment can be refunded on its 365th day, and not after."""
    now = datetime.now(UTC)
    fresh, old = a_refund_order("Rc2-1", order_id="o2"), a_refund_order("Rc3-1", order_id="o3")
    sandbox.pay(fresh.transaction_id, TOTAL, now - timedelta(days=365) + timedelta(minutes=1))
    sandbox.pay(old.transaction_id, TOTAL, now - timedelta(days=365, seconds=1))
    assert channel.refund(fresh).status is ReceiptStatus.SUCCEEDED
    with pytest.raises(Rejected) as refused:
        channel.refund(old)
    assert refused.value.details["cause"] is Cause.OVER_LIMIT


def test_the_fifty_first_part_is_refused(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Fifty parts of one payment can be refunded."""
    sandbox.adjust(gap_s=0)
    for n in range(50):
        channel.refund(a_refund_order(f"Rc{n}-1", 1))
    with pytest.raises(Rejected) as refused:
        channel.refund(a_refund_order("Rc50-1", 1))
    assert refused.value.details["cause"] is Cause.OVER_LIMIT
    assert executed(sandbox) == 50


def test_two_refunds_of_one_payment_are_a_minute_apart(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """The second refund within a minute comes too soon; a minute later the same key is paid."""
    channel.refund(ORDER)
    second = a_refund_order("Rc1-2", 10)
    with pytest.raises(Rejected) as refused:
        channel.refund(second)
    assert (refused.value.details["cause"], refused.value.details["later"]) == (Cause.TOO_SOON, True)
    sandbox.set_clock(60)
    assert channel.refund(second).status is ReceiptStatus.SUCCEEDED
    assert executed(sandbox) == 2000


# --- one key, one refund ----------------------------------------------------------------------------------------------
def test_a_repeated_call_may_have_another_notify_url(sandbox: Sandbox) -> None:
    """A lost answer, a restart on another port, the same key: WeChat Pay refuses the changed parameter, and the refund is found."""
    with closing(build(sandbox.settings("http://127.0.0.1:9/a"))) as before, closing(build(sandbox.settings())) as after:
        sandbox.fault(Fault(At.CREATE, Kind.HANG))
        with pytest.raises(Unknown):
            before.refund(ORDER)
        assert after.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert executed(sandbox) == ORDER.amount.minor


@pytest.mark.parametrize("changed", [{"amount": Money(1991, "CNY")}, {"paid": Money(9951, "CNY")}], ids=["amount", "total"])
def test_a_changed_amount_under_a_paid_key_is_unknown(changed: dict[str, Any], sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """The number stands for another refund, which was paid: that is neither a yes nor a no to this one."""
    channel.refund(ORDER)
    with pytest.raises(Unknown):
        channel.refund(replace(ORDER, **changed))
    assert executed(sandbox) == ORDER.amount.minor


def test_duplicates_at_the_same_time_are_one_refund(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Sixteen calls with one key from eight threads pay once, and all hear of the same refund."""
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(channel.refund, [ORDER] * 16))
    assert len({r.channel_id for r in receipts}) == 1
    assert sandbox.truth()["total"] == {"executed": 1990, "paid": 1990, "count": 1}
    assert sandbox.truth()["calls"]["create"] == 16


def test_refunds_at_the_same_time_stay_within_the_payment(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Eight refunds of 30.00 of a payment of 99.50 at once: three are paid."""
    sandbox.adjust(gap_s=0)

    def ask(n: int) -> bool:
        try:
            return bool(channel.refund(a_refund_order(f"Rc{n}-1", 3000)))
        except Rejected:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 3
    assert executed(sandbox) == 9000


def test_every_legal_letter_of_a_number_survives_the_path(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """``|``, ``*`` and ``@`` are legal in a refund number; the path is signed as it is sent."""
    odd = a_refund_order("R_a|b*c@d-1")
    channel.refund(odd)
    found = channel.find(odd)
    assert found is not None
    assert found.key == odd.key


def test_a_number_is_one_part_of_the_path(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Letters that mean something in an address do not: a longer number is another number."""
    channel.refund(ORDER)
    for odd in (f"{ORDER.key}?x=1", f"{ORDER.key}#x", f"x/../{ORDER.key}"):
        assert channel.find(replace(ORDER, key=odd)) is None


def test_a_long_reason_is_shortened(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """WeChat Pay takes 80 bytes of reason; a longer one does not stop a refund."""
    assert channel.refund(replace(ORDER, reason="烂" * 200)).status is ReceiptStatus.SUCCEEDED


# --- how it ends ------------------------------------------------------------------------------------------------------
def test_processing_ends_after_its_delay(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """A refund to a card takes days: processing until then, succeeded with its instant after."""
    sandbox.adjust(delay_s=86400)
    assert channel.refund(ORDER).status is ReceiptStatus.PROCESSING
    assert sandbox.truth()["total"] == {"executed": 1990, "paid": 0, "count": 1}
    sandbox.set_clock(86401)
    found = channel.find(ORDER)
    assert found is not None
    assert found.status is ReceiptStatus.SUCCEEDED
    assert found.at is not None
    assert abs(found.at - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)
    assert sandbox.truth()["total"]["paid"] == 1990


@pytest.mark.parametrize(("ending", "cause", "gone"), [("CLOSED", Cause.CLOSED, 0), ("ABNORMAL", Cause.ACCOUNT_ABNORMAL, 1990)])
def test_a_refund_may_fail_after_all(ending: str, cause: Cause, gone: int, sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """CLOSED gives the money back to the merchant; ABNORMAL keeps it at WeChat Pay until somebody says where it shall go."""
    sandbox.book.fund(5000)
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text=ending))
    assert channel.refund(ORDER).status is ReceiptStatus.PROCESSING
    found = channel.find(ORDER)
    assert found is not None
    assert (found.status, found.cause) == (ReceiptStatus.FAILED, cause)
    assert sandbox.truth()["total"] == {"executed": gone, "paid": 0, "count": 1}
    assert sandbox.truth()["balance"] == 5000 - gone


def test_the_payer_receives_less_where_coupons_paid_a_part(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """A refund of 19.90 of a payment of 99.50, 49.75 of it with coupons: the buyer receives 9.95."""
    order = a_refund_order("Rc2-1", order_id="o2")
    sandbox.pay(order.transaction_id, TOTAL, payer_total=4975)
    receipt = channel.refund(order)
    assert (receipt.amount, receipt.payer_amount) == (Money(1990, "CNY"), Money(995, "CNY"))


# --- notices ----------------------------------------------------------------------------------------------------------
class Mall:
    """Receives notices as the callback route does: the channel verifies them; 4xx to what it does not believe."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.heard: list[RefundNotice] = []
        self.refused: list[BadSignature] = []
        self.status = 204
        self._server = Server("mall", "127.0.0.1", 0, self._answer)
        self.channel = build(sandbox.settings(f"{self._server.url}/v1/callbacks/wechatpay"))
        self._server.start()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            notice = self.channel.notice({k.lower(): v for k, v in headers.items()}, body, datetime.now(UTC))
        except BadSignature as error:
            self.refused.append(error)
            return Reply(400, b'{"code":"FAIL","message":"no"}')
        self.heard.append(notice)
        return Reply(self.status)

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
    """Whether no notice waits any more."""
    return all(n["state"] != "pending" for n in sandbox.truth()["notices"])


def test_a_notice_tells_the_end(sandbox: Sandbox, mall: Mall) -> None:
    """The mall hears of a refund once, and what it hears is what was paid."""
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    (notice,) = mall.heard
    assert (notice.receipt.key, notice.receipt.amount, notice.receipt.status) == (ORDER.key, ORDER.amount, "succeeded")


def test_a_notice_may_come_twice(sandbox: Sandbox, mall: Mall) -> None:
    """The same notice, with the same id, is delivered again although it was acknowledged."""
    sandbox.fault(Fault(At.NOTICE, Kind.DUPLICATE))
    mall.channel.refund(ORDER)
    assert until(lambda: len(mall.heard) == 2)
    assert len({n.notice_id for n in mall.heard}) == 1


def test_a_notice_may_come_before_the_answer(sandbox: Sandbox, mall: Mall) -> None:
    """The notice of success is there while the answer to the call still says processing."""
    sandbox.fault(Fault(At.NOTICE, Kind.EARLY))
    receipt = mall.channel.refund(ORDER)
    assert [n.receipt.status for n in mall.heard] == [ReceiptStatus.SUCCEEDED]
    assert receipt.status is ReceiptStatus.PROCESSING


def test_a_notice_may_come_late(sandbox: Sandbox, mall: Mall) -> None:
    """An hour after the end the mall hears of it; until then only a query tells."""
    sandbox.fault(Fault(At.NOTICE, Kind.LATE, seconds=3600))
    mall.channel.refund(ORDER)
    assert until(lambda: sandbox.script.left == 0)
    assert mall.heard == []
    sandbox.set_clock(3601)
    assert until(lambda: len(mall.heard) == 1)


def test_a_notice_may_never_come(sandbox: Sandbox, mall: Mall) -> None:
    """Without any notice ``find`` still tells that the refund was paid."""
    sandbox.fault(Fault(At.NOTICE, Kind.NONE))
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    found = mall.channel.find(ORDER)
    assert (mall.heard, sandbox.truth()["deliveries"]) == ([], [])
    assert found is not None
    assert found.status is ReceiptStatus.SUCCEEDED


@pytest.mark.parametrize("kind", SIGNATURES)
def test_a_notice_with_a_bad_signature_is_refused_and_comes_again(kind: Kind, sandbox: Sandbox, mall: Mall) -> None:
    """What cannot be verified is answered with 400 and not read; the next try, signed, is heard."""
    sandbox.fault(Fault(At.NOTICE, kind))
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert [d["status"] for d in sandbox.truth()["deliveries"]] == [400, 204]
    assert (len(mall.refused), len(mall.heard)) == (1, 1)


def test_a_notice_may_name_another_amount(sandbox: Sandbox, mall: Mall) -> None:
    """A valid signature does not make an amount right: the notice says 0.01, and ``find`` what was really paid."""
    sandbox.fault(Fault(At.NOTICE, Kind.WRONG_AMOUNT, minor=1))
    mall.channel.refund(ORDER)
    assert until(lambda: len(mall.heard) == 1)
    assert mall.heard[0].receipt.amount == Money(1, "CNY")
    found = mall.channel.find(ORDER)
    assert found is not None
    assert found.amount == ORDER.amount


def test_a_notice_may_be_about_a_refund_that_never_was(sandbox: Sandbox, mall: Mall) -> None:
    """A genuine notice about a number nobody asked for comes beside the right one; WeChat Pay itself does not know the number."""
    sandbox.fault(Fault(At.NOTICE, Kind.UNKNOWN_REFUND))
    mall.channel.refund(ORDER)
    assert until(lambda: len(mall.heard) == 2)
    stray = next(n.receipt.key for n in mall.heard if n.receipt.key != ORDER.key)
    assert mall.channel.find(replace(ORDER, key=stray)) is None


def test_a_notice_that_nobody_takes_is_tried_sixteen_times(sandbox: Sandbox, mall: Mall) -> None:
    """Fifteen further tries follow the first one, and then WeChat Pay gives up."""
    mall.status = 500
    mall.channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert len(mall.heard) == 1 + len(RETRIES_S) == 16
    assert [n["state"] for n in sandbox.truth()["notices"]] == ["given up"]


def test_a_notice_cannot_be_replayed_later(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """A recorded notice is worth nothing ten minutes later, whatever clock the caller shows."""
    channel.refund(ORDER)
    headers, body = sandbox.notice_of(ORDER.key)
    late = WechatPayRefunds(channel._setting, now=lambda: time.time() + 600)
    assert channel.notice(headers, body, datetime.now(UTC)).receipt.key == ORDER.key
    with pytest.raises(BadSignature):
        late.notice(headers, body, datetime.now(UTC))


def test_notices_stay_on_this_machine(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address elsewhere is not even looked up: the try counts as unanswered."""
    asked: list[object] = []
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: asked.append(host) or look_up(host, *more, **named))
    with closing(build(sandbox.settings("https://mall.example/callback"))) as channel:
        channel.refund(ORDER)
    assert until(lambda: settled(sandbox))
    assert {d["status"] for d in sandbox.truth()["deliveries"]} == {0}
    assert set(asked) == {"127.0.0.1"}


# --- the wire ---------------------------------------------------------------------------------------------------------
def test_the_standby_host_is_called_when_the_first_is_gone(sandbox: Sandbox) -> None:
    """Where the first host cannot be connected to, nothing was sent, and the second is asked."""
    hosts = {"base_url": "http://127.0.0.1:9", "standby_url": sandbox.base_url}
    with closing(build({**sandbox.settings(), **hosts})) as channel:
        assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    with closing(build({**sandbox.settings(), "base_url": "http://127.0.0.1:9"})) as channel, pytest.raises(Unknown) as unknown:
        channel.refund(ORDER)
    assert unknown.value.details["sent"] is False


def test_a_changed_platform_key_needs_to_be_known(keys: Keys) -> None:
    """After a change of keys an answer is Unknown to those who lack the new one, and good to those who have both."""
    mine = replace(keys, platform=dict(keys.platform))
    with Sandbox(keys=mine) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL)
        with closing(build(sandbox.settings())) as old:
            mine.rotate()
            with pytest.raises(Unknown):
                old.refund(ORDER)
        with closing(build(sandbox.settings())) as new:
            assert len(mine.platform) == 2
            assert new.refund(ORDER).status is ReceiptStatus.SUCCEEDED
        assert executed(sandbox) == 1990


def test_the_environment_has_no_say_in_where_payments_go(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named in the environment is not used."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with closing(build(sandbox.settings())) as channel:
        assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED


def test_logs_hold_no_secrets(sandbox: Sandbox, mall: Mall, caplog: pytest.LogCaptureFixture) -> None:
    """At the most talkative level no key, signature, Authorization or decrypted account is written."""
    with caplog.at_level(logging.DEBUG):
        sandbox.fault(Fault(At.CREATE, Kind.BAD_SIGNATURE), Fault(At.NOTICE, Kind.BAD_SIGNATURE))
        with pytest.raises(Unknown):
            mall.channel.refund(ORDER)
        mall.channel.refund(ORDER)
        assert until(lambda: settled(sandbox))
    settings = sandbox.settings()
    assert ORDER.key in caplog.text
    for secret in (settings["apiv3_key"], settings["private_key"][40:80], "WECHATPAY2-SHA256-RSA2048 mchid", "招商银行"):
        assert secret not in caplog.text


def test_calls_are_counted(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """The truth tells good and bad calls and the fullest second of refund requests, so that tests can hold us to the limits."""
    channel.refund(ORDER)
    for n in range(7):
        assert channel.find(replace(ORDER, key=f"Rnone-{n}")) is None
    calls = sandbox.truth()["calls"]
    assert (calls["create"], calls["query"], calls["good"], calls["bad"]) == (1, 7, 1, 7)
    assert (calls["most_calls_per_s"], calls["most_errors_per_s"], calls["over_limit"]) == (1, 0, 0)
