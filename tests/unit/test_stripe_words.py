"""What Stripe's words mean: settings, errors, refunds and events, without a wire."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from aftersales.channel import OutsideState, ReceiptStatus
from aftersales.errors import BadSettings, BadSignature, Unknown
from aftersales.money import EXPONENTS, Money
from aftersales.refund import Cause
from plugins.stripe_refund.cause import CAUSES, cause_of
from plugins.stripe_refund.event import notice_of
from plugins.stripe_refund.receipt import FAILURES, Doubtful, receipt_of
from plugins.stripe_refund.setting import Setting
from plugins.stripe_refund.wire import Answer

SAID: dict[str, Any] = {"api_key": "sk_test_12345678", "webhook_secrets": ["whsec_12345678"]}
MADE: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 500,
    "currency": "jpy",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "status": "succeeded",
    "metadata": {"aftersales_key": "Rc1-1"},
}


# --- settings ---------------------------------------------------------------------------------------------------------
def test_two_settings_are_enough() -> None:
    """A key and a webhook secret: everything else has a default, and Stripe's own address is one of them."""
    setting = Setting.parse(SAID)
    assert (setting.base_url, setting.payment_names, setting.live) == ("https://api.stripe.com", "payment_intent", False)
    assert (setting.connect_s, setting.read_s, setting.total_s) == (3, 8, 12)


@pytest.mark.parametrize(
    "secrets", [["whsec_12345678", "whsec_abcdefgh"], '["whsec_12345678", "whsec_abcdefgh"]', " whsec_12345678, whsec_abcdefgh,\n"]
)
def test_webhook_secrets_fit_into_one_variable(secrets: Any) -> None:
    """A list, the same as JSON, or with commas between."""
    assert Setting.parse({**SAID, "webhook_secrets": secrets}).webhook_secrets == ("whsec_12345678", "whsec_abcdefgh")


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"api_key": ""}, "api_key"),
        ({"api_key": "pk_live_12345678"}, "api_key"),
        ({"api_key": "sk_live_123 45678"}, "api_key"),
        ({"webhook_secrets": ""}, "webhook_secrets"),
        ({"webhook_secrets": []}, "webhook_secrets"),
        ({"webhook_secrets": "[1"}, "webhook_secrets"),
        ({"webhook_secrets": ["sk_test_12345678"]}, "webhook_secrets"),
        ({"webhook_secrets": {"a": "whsec_12345678"}}, "webhook_secrets"),
        ({"base_url": "http://api.stripe.com"}, "base_url"),
        ({"base_url": "https://127.0.0.1@stripe.example"}, "base_url"),
        ({"base_url": "https://api.stripe.com/v1"}, "base_url"),
        ({"base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"payment_names": "order"}, "payment_names"),
        ({"calls_per_second": 0}, "calls_per_second"),
        ({"calls_per_second": "many"}, "calls_per_second"),
        ({"calls_per_second": True}, "calls_per_second"),
        ({"read_s": 0}, "read_s"),
        ({"total_s": "soon"}, "total_s"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_settings_that_cannot_work_are_refused_by_name(wrong: dict[str, Any], name: str) -> None:
    """The error names the setting and never shows its value."""
    with pytest.raises(BadSettings, match=name) as refused:
        Setting.parse({**SAID, **wrong})
    shown = f"{refused.value.message} {refused.value.details}"
    assert "12345678" not in shown
    assert "123 45678" not in shown


@pytest.mark.parametrize(
    ("said", "most"),
    [
        ({}, 12),
        ({"api_key": "sk_live_12345678"}, 25),
        ({"api_key": "rk_live_12345678"}, 25),
        ({"calls_per_second": 1}, 1),
        ({"calls_per_second": "30"}, 15),
        ({"calls_per_second": 500}, 25),
    ],
)
def test_the_rate_leaves_room_for_two_calls_a_refund(said: dict[str, Any], most: int) -> None:
    """Half of the account's calls, and never more than one endpoint takes: 100 and 25 live, 25 and 25 in test mode."""
    limits = Setting.parse({**SAID, **said}).limits
    assert (limits.per_second, limits.window, limits.most) == (most, None, 0)


def test_keys_are_not_shown() -> None:
    """Printing the settings shows neither key nor secret."""
    assert "12345678" not in repr(Setting.parse(SAID))


# --- errors -----------------------------------------------------------------------------------------------------------
def error(status: int, code: str = "", kind: str = "invalid_request_error", param: str = "") -> Answer:
    """An error of Stripe's."""
    return Answer(status, {"code": code, "type": kind, "param": param, "message": "no"}, "req_1")


@pytest.mark.parametrize("status", [409, 424, 429, 500, 502, 503, 504, 302])
def test_some_statuses_leave_it_open_whatever_they_say(status: int) -> None:
    """Under way, limited or broken: no code makes that a final no."""
    assert [code for code in CAUSES if cause_of(error(status, code))] == []


def test_a_key_used_otherwise_is_no_refusal() -> None:
    """The same key with other parameters says nothing about the refund that the key stands for."""
    assert cause_of(error(400, "", "idempotency_error")) is None
    assert cause_of(error(400, "charge_disputed", "idempotency_error")) is None


def test_more_than_is_left_is_known_without_a_code() -> None:
    """Some versions of the API refuse an amount without a code; another parameter without one is left open."""
    assert cause_of(error(400, param="amount")) is Cause.OVER_LIMIT
    assert cause_of(error(400, param="reason")) is None
    assert cause_of(error(400, param="amount", kind="api_error")) is None


# --- refunds ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_minor_units_are_stripes(currency: str) -> None:
    """500 of any currency is 500 of its minor units, whatever the number of its decimals."""
    assert receipt_of({**MADE, "currency": currency.lower()}).amount == Money(500, currency)


@pytest.mark.parametrize("why", [*FAILURES, "a_reason_of_next_year", None])
def test_a_failed_refund_always_has_a_cause(why: str | None) -> None:
    """Every reason Stripe documents has one, and one that it adds later is read as: the money is back."""
    receipt = receipt_of({**MADE, "status": "failed", "failure_reason": why})
    assert (receipt.status, receipt.cause) == (ReceiptStatus.FAILED, FAILURES.get(str(why), Cause.BOUNCED))


@pytest.mark.parametrize(
    ("said", "account"),
    [
        ({"destination_details": {"type": "card", "card": {"reference": "7453", "type": "refund"}}}, "card, reference 7453"),
        ({"destination_details": {"type": "card", "card": {"type": "pending"}}}, "card"),
        ({"destination_details": {"type": "us_bank_transfer", "us_bank_transfer": None}}, "us_bank_transfer"),
        ({"destination_details": "card"}, ""),
        ({"status": "pending", "pending_reason": "insufficient_funds"}, "waits until the Stripe balance covers it"),
        ({"status": "pending", "pending_reason": "charge_pending"}, "waits until the payment itself has settled"),
        ({"status": "pending", "pending_reason": "processing"}, ""),
    ],
)
def test_the_account_is_said_in_words(said: dict[str, Any], account: str) -> None:
    """Where it goes, with the bank's reference once there is one; or what it waits for."""
    assert receipt_of({**MADE, **said}).account == account


def test_a_refund_is_recognised_when_things_are_shown_in_full() -> None:
    """Payment and charge may be ids or whole objects."""
    shown = {**MADE, "payment_intent": {"id": "pi_1", "object": "payment_intent"}}
    assert receipt_of(shown) == receipt_of(MADE)
    with pytest.raises(Doubtful):
        receipt_of({**MADE, "id": {"id": "re_1"}})


# --- events -----------------------------------------------------------------------------------------------------------
class Shelf:
    """Shows things as they stand now, and counts who asks."""

    def __init__(self, *things: Mapping[str, Any]) -> None:
        self._things = {thing["id"]: thing for thing in things}
        self.asked: list[str] = []

    def refund(self, number: str) -> Mapping[str, Any]:
        """The refund."""
        self.asked.append(number)
        return self._things[number]

    dispute = refund


def body(kind: str, about: Mapping[str, Any], **more: Any) -> bytes:
    """An event about something."""
    said = {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "created": 1_700_000_000, "data": {"object": about}}
    return json.dumps({**said, **more}).encode()


TEST = Setting.parse(SAID)
FAILED = {**MADE, "status": "failed", "failure_reason": "lost_or_stolen_card"}


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"])
def test_every_event_about_a_refund_of_ours_is_a_receipt(kind: str) -> None:
    """Whatever the event is called: the receipt says how the refund stands, and when it came to that."""
    notice = notice_of(body(kind, MADE), TEST, Shelf(MADE))
    assert notice.receipt == receipt_of(MADE, datetime.fromtimestamp(1_700_000_000, UTC))
    assert (notice.notice_id, notice.outside) == ("evt_1", None)


def test_what_has_ended_is_not_asked_for_again() -> None:
    """A failed refund stays failed: such an event is believed as it is, without a call."""
    shelf = Shelf()
    notice = notice_of(body("refund.failed", FAILED), TEST, shelf)
    assert notice.receipt is not None
    assert (notice.receipt.cause, shelf.asked) == (Cause.BOUNCED, [])


def test_the_charge_event_of_an_old_account_names_its_newest_refund() -> None:
    """Accounts of before 2022-11 list refunds in the charge; others tell of them by refund.created, and this asks nothing."""
    charge = {"id": "ch_1", "object": "charge", "refunds": {"data": [MADE, {**MADE, "id": "re_0"}]}}
    notice = notice_of(body("charge.refunded", charge), TEST, Shelf(MADE))
    assert notice.receipt is not None
    assert notice.receipt.channel_id == "re_1"
    for empty in ({**charge, "refunds": {"data": []}}, {"id": "ch_1", "object": "charge"}):
        notice = notice_of(body("charge.refunded", empty), TEST, Shelf())
        assert (notice.receipt, notice.outside) == (None, None)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("payment_intent.succeeded", {}),
        ("charge.succeeded", {}),
        ("refund.updated", {"livemode": True}),
        ("refund.updated", {"account": "acct_2"}),
    ],
    ids=["a payment", "a charge", "live mode", "a connected account"],
)
def test_what_is_not_our_business_asks_nothing_of_us(kind: str, more: dict[str, Any]) -> None:
    """Other events, the other mode, and accounts connected to ours are acknowledged and not looked into."""
    shelf = Shelf()
    notice = notice_of(body(kind, MADE, **more), TEST, shelf)
    assert (notice.receipt, notice.outside, notice.notice_id, shelf.asked) == (None, None, "evt_1", [])


def test_a_refund_in_a_currency_that_we_do_not_have_is_not_ours() -> None:
    """The same account may sell elsewhere: that event is acknowledged, and asks nothing of us."""
    strange = {**MADE, "currency": "isk", "metadata": {}}
    assert notice_of(body("refund.updated", strange), TEST, Shelf(strange)).outside is None


DISPUTE: dict[str, Any] = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 505,
    "currency": "jpy",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "reason": "fraudulent",
    "status": "needs_response",
    "balance_transactions": [{"amount": -505}],
}


@pytest.mark.parametrize(
    ("status", "booked", "state"),
    [
        ("needs_response", [-505], OutsideState.OPEN),
        ("needs_response", [], OutsideState.OPEN),
        ("under_review", [-505], OutsideState.OPEN),
        ("appeal_under_review", [-505], OutsideState.OPEN),
        ("won", [-505, 505], OutsideState.BACK),
        ("won", [], OutsideState.BACK),
        ("lost", [-505], OutsideState.GONE),
        ("lost", None, OutsideState.GONE),
        ("lost", [-505, 505], OutsideState.BACK),
        ("warning_needs_response", [], None),
        ("warning_closed", [], None),
        ("prevented", [], None),
        ("prevented", [-505], OutsideState.GONE),
        ("a_status_of_next_year", [-505], OutsideState.GONE),
        ("a_status_of_next_year", [], None),
    ],
)
def test_a_dispute_says_where_the_money_is(status: str, booked: list[int] | None, state: OutsideState | None) -> None:
    """Open counts as gone until it is won; an inquiry takes nothing; what Stripe booked decides where the word does not."""
    transactions = None if booked is None else [{"amount": one} for one in booked]
    now = {**DISPUTE, "status": status, "balance_transactions": transactions}
    outside = notice_of(body("charge.dispute.updated", DISPUTE), TEST, Shelf(now)).outside
    assert (outside.state if outside else None) is state
    if outside:
        assert (outside.key, outside.transaction_id, outside.amount) == ("dp_1", "pi_1", Money(505, "JPY"))
        assert outside.reason == "fraudulent"


@pytest.mark.parametrize(
    "said", [b"", b"[]", b"null", b"\xff", b'{"id": "evt_1"}', b'{"object": "event", "id": 1, "type": "x", "data": {}}']
)
def test_what_is_no_event_is_refused(said: bytes) -> None:
    """Also with a genuine signature: something else than an event is not read."""
    with pytest.raises(BadSignature):
        notice_of(said, TEST, Shelf())


@pytest.mark.parametrize(
    "changes", [{"id": None}, {"amount": None}, {"status": "x"}, {"metadata": {}, "payment_intent": None, "charge": None}]
)
def test_an_event_that_cannot_be_used_is_not_acknowledged(changes: dict[str, Any]) -> None:
    """A refund without id, amount, status or payment: not believed, so that Stripe tells it again."""
    about = {**FAILED, **changes}
    with pytest.raises(Unknown):
        notice_of(body("refund.updated", about), TEST, Shelf({**about, "id": "re_1"}))
