"""What goes wrong between us and Stripe: what the channel then says, and what the provider's books say was paid."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aftersales.channel import ReceiptStatus, RefundOrder
from aftersales.errors import Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import Cause
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Keys, Kind, LooksReal, Sandbox
from infra.local.sandbox.stripe import Keys as StripeKeys
from plugins.stripe_refund import build
from plugins.stripe_refund.client import StripeRefunds

pytestmark = pytest.mark.e2e

ORDER = a_refund_order(transaction_id="pi_SANDBOX1")
TOTAL = ORDER.paid.minor
DAY_S = 86400


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


@pytest.fixture
def channel(sandbox: Sandbox) -> Iterator[StripeRefunds]:
    """The plugin, in a hurry."""
    with closing(build({**sandbox.settings(provider="stripe"), "read_s": 0.8, "total_s": 1.5})) as channel:
        yield channel


def total(sandbox: Sandbox) -> dict[str, int]:
    """What left the merchant, by the provider's books."""
    return dict(sandbox.truth("stripe")["total"])


def left(sandbox: Sandbox) -> int:
    """How many scripted faults have not happened."""
    return int(sandbox.truth("stripe")["faults_left"])


ONE = {"executed": 1990, "paid": 1990, "count": 1}
NONE = {"executed": 0, "paid": 0, "count": 0}

# --- no trustworthy answer --------------------------------------------------------------------------------------------
NO_ANSWER: dict[str, Fault] = {
    "cut off, carried out": Fault(At.CREATE, Kind.HANG),
    "cut off, not carried out": Fault(At.CREATE, Kind.HANG, executed=False),
    "timed out, carried out": Fault(At.CREATE, Kind.HANG, seconds=1),
    "timed out, not carried out": Fault(At.CREATE, Kind.HANG, executed=False, seconds=1),
    "cut in the middle of the body": Fault(At.CREATE, Kind.CUT),
    "an endless trickle": Fault(At.CREATE, Kind.TRICKLE, seconds=3),
    "500, not carried out": Fault(At.CREATE, Kind.ERROR, executed=False, code=""),
    "500, carried out": Fault(At.CREATE, Kind.ERROR, code=""),
    "503": Fault(At.CREATE, Kind.ERROR, executed=False, status=503, code=""),
    "429, accepted": Fault(At.CREATE, Kind.ERROR, status=429, code="rate_limit"),
    "429, not accepted": Fault(At.CREATE, Kind.ERROR, executed=False, status=429, code="lock_timeout"),
    "409, under way": Fault(At.CREATE, Kind.ERROR, status=409, code="idempotency_key_in_use"),
    "409 with the code of a no": Fault(At.CREATE, Kind.ERROR, status=409, code="charge_disputed"),
    "424": Fault(At.CREATE, Kind.ERROR, status=424, code="insufficient_funds"),
    "500 with the code of a no": Fault(At.CREATE, Kind.ERROR, status=500, code="insufficient_funds"),
    "a code nobody knows": Fault(At.CREATE, Kind.ERROR, status=400, code="moon_in_capricorn"),
    "an error without a code": Fault(At.CREATE, Kind.ERROR, status=400, code=""),
    "a redirect": Fault(At.CREATE, Kind.HTML, status=302),
    "an HTML page with 200": Fault(At.CREATE, Kind.HTML, status=200),
    "an HTML page with 401": Fault(At.CREATE, Kind.HTML, status=401),
    "an HTML page with 403": Fault(At.CREATE, Kind.HTML, executed=False, status=403),
    "an HTML page with 404": Fault(At.CREATE, Kind.HTML, status=404),
    "an HTML page with 502": Fault(At.CREATE, Kind.HTML, status=502),
    "another amount": Fault(At.CREATE, Kind.WRONG_AMOUNT),
    "another number": Fault(At.CREATE, Kind.WRONG_NUMBER),
}


@pytest.mark.parametrize("case", NO_ANSWER)
def test_no_trustworthy_answer_is_unknown_and_the_same_key_mends_it(case: str, sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Whatever was done, the channel says Unknown; the same key again ends in exactly one refund."""
    fault = NO_ANSWER[case]
    sandbox.fault(fault, provider="stripe")
    with pytest.raises(Unknown) as unknown:
        channel.refund(ORDER)
    assert left(sandbox) == 0
    assert unknown.value.details["key"] == ORDER.key
    assert total(sandbox) == (ONE if fault.executed else NONE)
    assert (channel.find(ORDER) is not None) is fault.executed
    again = channel.refund(ORDER)
    assert (again.status, again.amount) == (ReceiptStatus.SUCCEEDED, ORDER.amount)
    assert total(sandbox) == ONE


NO_LIST: dict[str, Fault] = {
    "cut off": Fault(At.QUERY, Kind.HANG),
    "timed out": Fault(At.QUERY, Kind.HANG, seconds=1),
    "cut in the middle of the body": Fault(At.QUERY, Kind.CUT),
    "500": Fault(At.QUERY, Kind.ERROR, code=""),
    "429": Fault(At.QUERY, Kind.ERROR, status=429, code="rate_limit"),
    "an HTML page with 404": Fault(At.QUERY, Kind.HTML, status=404),
    "an HTML page with 200": Fault(At.QUERY, Kind.HTML, status=200),
}


@pytest.mark.parametrize("case", NO_LIST)
def test_without_the_list_nothing_is_known_and_nothing_is_asked_for(case: str, sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Both a query and a refund begin with the list of refunds: without it they are Unknown, and no refund is made."""
    sandbox.fault(replace(NO_LIST[case], times=2), provider="stripe")
    with pytest.raises(Unknown):
        channel.find(ORDER)
    with pytest.raises(Unknown):
        channel.refund(ORDER)
    assert (left(sandbox), total(sandbox)) == (0, NONE)
    assert "POST /v1/refunds" not in sandbox.truth("stripe")["calls"]


def test_a_wrong_amount_in_the_list_is_no_answer(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """A refund under our number with another amount says nothing about the one we asked for."""
    channel.refund(ORDER)
    sandbox.fault(Fault(At.QUERY, Kind.WRONG_AMOUNT, minor=7), provider="stripe")
    with pytest.raises(Unknown):
        channel.find(ORDER)


def test_a_list_that_does_not_show_it_yet_pays_nothing_twice(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Where the list lags behind, the Idempotency-Key holds: the refund that was made is the answer."""
    first = channel.refund(ORDER)
    sandbox.fault(Fault(At.QUERY, Kind.WRONG_NUMBER), provider="stripe")
    again = channel.refund(ORDER)
    assert (left(sandbox), again.channel_id) == (0, first.channel_id)
    assert total(sandbox) == ONE


def test_a_remembered_failure_passes_after_a_day(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Stripe repeats its own 500 for a day, whatever became of its cause; then the same number is paid, once."""
    sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False, code="api_error"), provider="stripe")
    for _ in range(3):
        with pytest.raises(Unknown):
            channel.refund(ORDER)
    assert (left(sandbox), total(sandbox)) == (0, NONE)
    sandbox.set_clock(DAY_S + 1)
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert total(sandbox) == ONE


def test_a_host_that_cannot_be_reached_was_sent_nothing(sandbox: Sandbox) -> None:
    """Where nobody listens the channel says Unknown, and that nothing was sent."""
    settings = {**sandbox.settings(provider="stripe"), "base_url": "http://127.0.0.1:9"}
    with closing(build(settings)) as channel, pytest.raises(Unknown) as unknown:
        channel.refund(ORDER)
    assert unknown.value.details["sent"] is False


# --- a final no -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "code", "cause", "later"),
    [
        (400, "charge_already_refunded", Cause.OVER_LIMIT, False),
        (400, "amount_too_large", Cause.OVER_LIMIT, False),
        (400, "charge_disputed", Cause.RISK_CONTROL, False),
        (400, "refund_disputed_payment", Cause.RISK_CONTROL, False),
        (400, "charge_not_refundable", Cause.RISK_CONTROL, False),
        (400, "insufficient_funds", Cause.NOT_ENOUGH, True),
        (402, "balance_insufficient", Cause.NOT_ENOUGH, True),
        (404, "resource_missing", Cause.NOT_FOUND, False),
        (400, "payment_intent_unexpected_state", Cause.OTHER, False),
        (400, "parameter_unknown", Cause.CONFIGURATION, False),
        (400, "livemode_mismatch", Cause.CONFIGURATION, False),
        (401, "api_key_expired", Cause.CONFIGURATION, False),
        (403, "", Cause.CONFIGURATION, False),
    ],
)
def test_a_final_no_has_a_cause(
    status: int, code: str, cause: Cause, later: bool, sandbox: Sandbox, channel: StripeRefunds
) -> None:
    """Each of Stripe's refusals becomes one of our causes, and says whether it passes by itself."""
    sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False, status=status, code=code, message="it is so"), provider="stripe")
    with pytest.raises(Rejected) as refused:
        channel.refund(ORDER)
    assert (refused.value.details["cause"], refused.value.details["later"]) == (cause, later)
    assert (left(sandbox), total(sandbox)) == (0, NONE)


def test_a_wrong_api_key_is_a_matter_of_configuration(sandbox: Sandbox) -> None:
    """The refund is refused, and neither the error nor what Stripe says of the key quotes it."""
    with closing(build({**sandbox.settings(provider="stripe"), "api_key": "sk_test_somebody_elses_key_1234"})) as channel:
        with pytest.raises(Rejected) as refused:
            channel.refund(ORDER)
        with pytest.raises(Unknown):
            channel.find(ORDER)
    assert refused.value.details["cause"] is Cause.CONFIGURATION
    assert "1234" not in f"{refused.value.message} {refused.value.details}"


def test_an_unknown_payment_is_refused(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """A payment Stripe does not have cannot be refunded, and has no refunds."""
    for n, stranger in enumerate(("pi_SANDBOX2", "ch_SANDBOX2", "42000000o1", "pi_1/../refunds?x=1")):
        order = replace(ORDER, key=f"Rc{n}-1", transaction_id=stranger)
        assert channel.find(order) is None
        with pytest.raises(Rejected) as refused:
            channel.refund(order)
        assert refused.value.details["cause"] is Cause.NOT_FOUND


def test_a_charge_is_refunded_by_its_own_name(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """An order that names its payment ``ch_…`` is refunded as one that names it ``pi_…``, and its refund is found."""
    order = replace(ORDER, transaction_id="ch_SANDBOX9")
    sandbox.pay(order.transaction_id, TOTAL, provider="stripe")
    made = channel.refund(order)
    found = channel.find(order)
    assert found is not None
    assert found.channel_id == made.channel_id
    assert total(sandbox) == ONE


# --- money ------------------------------------------------------------------------------------------------------------
def priced(minor: int, paid: int, currency: str) -> RefundOrder:
    """A refund in another currency."""
    return replace(ORDER, transaction_id=f"pi_{currency}", amount=Money(minor, currency), paid=Money(paid, currency))


@pytest.mark.parametrize(
    ("currency", "paid", "minor"), [("JPY", 500, 500), ("KRW", 50_000, 1), ("USD", 999, 333), ("KWD", 12_340, 1_230)]
)
def test_minor_units_are_sent_as_they_are(currency: str, paid: int, minor: int, sandbox: Sandbox, channel: StripeRefunds) -> None:
    """JPY 500 goes out as 500, KWD 1.230 as 1230: what the provider executed is what was asked, to the minor unit."""
    order = priced(minor, paid, currency)
    sandbox.pay(order.transaction_id, paid, provider="stripe", currency=currency)
    assert channel.refund(order).amount == Money(minor, currency)
    refund = sandbox.truth("stripe")["refunds"][ORDER.key]
    assert (refund["executed"], refund["currency"]) == (minor, currency)


@pytest.mark.parametrize(("minor", "paid"), [(1_005, 12_340), (1, 12_340)])
def test_what_stripe_has_no_amount_for_is_not_asked_for(minor: int, paid: int, sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Of KWD's three decimals the last must be 0 at Stripe: KWD 1.005 is refused, not rounded, and nothing is sent."""
    with pytest.raises(Rejected) as refused:
        channel.refund(priced(minor, paid, "KWD"))
    assert refused.value.details["cause"] is Cause.CONFIGURATION
    assert "0.001" in refused.value.message or "1.005" in refused.value.message
    assert sandbox.truth("stripe")["calls"]["most_per_s"] == 0


def test_another_currency_than_the_payments_is_not_asked_for(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """A refund in another currency than was paid in is refused before a call is made."""
    with pytest.raises(Rejected):
        channel.refund(replace(ORDER, amount=Money(5, "USD")))
    assert sandbox.truth("stripe")["calls"]["most_per_s"] == 0


def test_a_short_balance_holds_a_card_refund_back(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Stripe keeps it pending, says why, and pays it once the balance is topped up: nobody has to ask again."""
    sandbox.lever("balance", provider="stripe", minor=1000)
    receipt = channel.refund(ORDER)
    assert (receipt.status, receipt.account) == (ReceiptStatus.PROCESSING, "waits until the Stripe balance covers it")
    assert total(sandbox) == {"executed": 0, "paid": 0, "count": 1}
    sandbox.lever("topup", provider="stripe", minor=1000)
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert (total(sandbox), sandbox.truth("stripe")["balance"]) == (ONE, 10)


def test_a_short_balance_fails_other_refunds(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """For other means of payment the refund fails for good: nothing moved, and a new number is needed."""
    order = replace(ORDER, transaction_id="pi_ideal")
    sandbox.pay(order.transaction_id, TOTAL, provider="stripe", method="ideal")
    sandbox.lever("balance", provider="stripe", minor=1000)
    assert channel.refund(order).status is ReceiptStatus.PROCESSING
    found = channel.find(order)
    assert found is not None
    assert (found.status, found.cause) == (ReceiptStatus.FAILED, Cause.CLOSED)
    assert (total(sandbox)["executed"], sandbox.truth("stripe")["balance"]) == (0, 1000)


def test_a_refusal_for_want_of_money_is_remembered_for_a_day(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """The same number is refused from memory although the balance was topped up, and paid a day later: late, and once."""
    sandbox.lever("balance", provider="stripe", minor=1000)
    sandbox.lever("short", provider="stripe", refuse=True)
    for minor in (0, 1000):
        sandbox.lever("topup", provider="stripe", minor=minor)
        with pytest.raises(Rejected) as refused:
            channel.refund(ORDER)
        assert (refused.value.details["cause"], refused.value.details["later"]) == (Cause.NOT_ENOUGH, True)
    sandbox.set_clock(DAY_S + 1)
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert (total(sandbox), sandbox.truth("stripe")["balance"]) == (ONE, 10)


# --- one key, one refund ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("days", [0, 1, 30, 365])
def test_a_number_is_paid_once_however_late_it_is_sent_again(days: int, sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Stripe forgets a key after a day; thirty days later the same number still finds its refund, and pays nothing more."""
    sandbox.fault(Fault(At.CREATE, Kind.HANG), provider="stripe")
    with pytest.raises(Unknown):
        channel.refund(ORDER)
    sandbox.set_clock(days * DAY_S + 1)
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert total(sandbox) == ONE


def test_a_number_whose_refund_failed_is_not_told_as_paid(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Under a known key Stripe repeats its first answer, "succeeded"; the channel says how the refund stands: it bounced."""
    channel.refund(ORDER)
    sandbox.lever("fail", provider="stripe", key=ORDER.key, reason="expired_or_canceled_card")
    for hide in (0, 1):  # found in the list, and not found in it: then the answer from memory is read again
        sandbox.fault(*[Fault(At.QUERY, Kind.WRONG_NUMBER)] * hide, provider="stripe")
        again = channel.refund(ORDER)
        assert (again.status, again.cause) == (ReceiptStatus.FAILED, Cause.BOUNCED)
    assert total(sandbox) == {"executed": 0, "paid": 0, "count": 1}
    sandbox.set_clock(2 * DAY_S)
    assert channel.refund(ORDER).status is ReceiptStatus.FAILED
    assert total(sandbox)["count"] == 1


@pytest.mark.parametrize("listed", [True, False])
def test_a_changed_amount_under_a_paid_key_is_unknown(listed: bool, sandbox: Sandbox, channel: StripeRefunds) -> None:
    """The number stands for another refund, which was paid: neither a yes nor a no to this one, in the list or by the key alone."""
    channel.refund(ORDER)
    if not listed:
        sandbox.fault(Fault(At.QUERY, Kind.WRONG_NUMBER), provider="stripe")
    with pytest.raises(Unknown):
        channel.refund(replace(ORDER, amount=Money(1991, "CNY")))
    assert total(sandbox) == ONE


def test_a_race_that_the_list_could_not_see_is_no_refusal(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Refused as refunded already, by a call under the same number whose key is forgotten: its refund is the answer."""
    whole = replace(ORDER, amount=ORDER.paid)
    first = channel.refund(whole)
    sandbox.set_clock(2 * DAY_S)
    sandbox.fault(Fault(At.QUERY, Kind.WRONG_NUMBER), provider="stripe")
    assert channel.refund(whole).channel_id == first.channel_id
    assert total(sandbox) == {"executed": TOTAL, "paid": TOTAL, "count": 1}


def test_duplicates_at_the_same_time_are_one_refund(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Sixteen calls with one key from eight threads pay once; each hears of that refund, or that it is under way."""

    def ask(order: RefundOrder) -> str:
        try:
            return channel.refund(order).channel_id
        except Unknown as busy:
            return str(busy.details["status"])

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, [ORDER] * 16))
    assert total(sandbox) == ONE
    assert channel.refund(ORDER).channel_id in answers
    assert len(answers - {"409"}) == 1


def test_refunds_at_the_same_time_stay_within_the_payment(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Eight refunds of 30.00 of a payment of 99.50 at once: three are paid."""

    def ask(n: int) -> bool:
        try:
            return bool(channel.refund(replace(ORDER, key=f"Rc{n}-1", amount=Money(3000, "CNY"))))
        except Rejected as refused:
            return refused.details["cause"] is not Cause.OVER_LIMIT

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 3
    assert total(sandbox)["executed"] == 9000


def test_a_refund_is_found_behind_many_others(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Stripe lists a hundred refunds at a time, the newest first: the first of 230 is found on the third page."""
    for n in range(230):
        sandbox.lever("outside", provider="stripe", transaction_id=ORDER.transaction_id, minor=1) if n else channel.refund(ORDER)
    before = sandbox.truth("stripe")["calls"]["GET /v1/refunds"]
    found = channel.find(ORDER)
    assert found is not None
    assert found.amount == ORDER.amount
    assert sandbox.truth("stripe")["calls"]["GET /v1/refunds"] - before == 3


# --- how it ends ------------------------------------------------------------------------------------------------------
def test_processing_ends_after_its_delay(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Pending until it is done, succeeded after."""
    sandbox.adjust(provider="stripe", delay_s=DAY_S)
    assert channel.refund(ORDER).status is ReceiptStatus.PROCESSING
    assert total(sandbox) == {**ONE, "paid": 0}
    sandbox.set_clock(DAY_S + 1)
    found = channel.find(ORDER)
    assert found is not None
    assert found.status is ReceiptStatus.SUCCEEDED
    assert total(sandbox) == ONE


@pytest.mark.parametrize(
    ("ending", "why", "first", "cause"),
    [
        ("failed", "declined", ReceiptStatus.PROCESSING, Cause.BOUNCED),
        ("failed", "unknown", ReceiptStatus.PROCESSING, Cause.BOUNCED),
        ("failed", "insufficient_funds", ReceiptStatus.PROCESSING, Cause.CLOSED),
        ("failed", "merchant_request", ReceiptStatus.PROCESSING, Cause.BOUNCED),
        ("failed", "charge_for_pending_refund_disputed", ReceiptStatus.PROCESSING, Cause.RISK_CONTROL),
        ("canceled", "", ReceiptStatus.PROCESSING, Cause.CLOSED),
        ("bounced", "lost_or_stolen_card", ReceiptStatus.SUCCEEDED, Cause.BOUNCED),
        ("bounced", "expired_or_canceled_card", ReceiptStatus.SUCCEEDED, Cause.BOUNCED),
    ],
)
def test_a_refund_may_fail_after_all(
    ending: str, why: str, first: ReceiptStatus, cause: Cause, sandbox: Sandbox, channel: StripeRefunds
) -> None:
    """Also one that had succeeded: the money is with the merchant again, and the cause says what to do."""
    sandbox.lever("balance", provider="stripe", minor=5000)
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text=ending, seconds=3600, code=why), provider="stripe")
    assert channel.refund(ORDER).status is first
    assert sandbox.truth("stripe")["balance"] == 5000 - 1990
    sandbox.set_clock(3601)
    found = channel.find(ORDER)
    assert found is not None
    assert (found.status, found.cause) == (ReceiptStatus.FAILED, cause)
    assert total(sandbox) == {"executed": 0, "paid": 0, "count": 1}
    assert sandbox.truth("stripe")["balance"] == 5000


def test_a_refund_may_wait_for_the_buyer(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Where Stripe has to ask the buyer for an account it is processing, and says so without the buyer's address."""
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="requires_action"), provider="stripe")
    receipt = channel.refund(ORDER)
    assert receipt.status is ReceiptStatus.PROCESSING
    assert "waits for the buyer" in receipt.account
    assert "@" not in receipt.account


# --- the wire ---------------------------------------------------------------------------------------------------------
def test_the_environment_has_no_say_in_where_payments_go(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named in the environment is not used."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with closing(build(sandbox.settings(provider="stripe"))) as channel:
        assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED


def test_the_library_tells_nothing_of_this_machine(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stripe's library would write an id to the home folder and send it with the platform's name: neither happens."""
    seen: list[dict[str, str]] = []
    provider = sandbox.provider("stripe")
    answer = provider.front.answer
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(
        provider.front, "answer", lambda m, p, h, b: seen.append({k.lower(): h[k] for k in h}) or answer(m, p, h, b)
    )
    with closing(build(sandbox.settings(provider="stripe"))) as channel:
        channel.refund(ORDER)
    assert list(tmp_path.iterdir()) == []
    assert [h["user-agent"] for h in seen] == ["aftersales"] * 2
    assert {name for h in seen for name in h if name.startswith("x-stripe")} == set()
    assert seen[1]["idempotency-key"] == ORDER.key


def test_above_the_rate_limit_nothing_is_known(sandbox: Sandbox, channel: StripeRefunds) -> None:
    """Stripe answers 429 above 25 calls a second in test mode: Unknown, and no refund is lost or doubled by it."""
    sandbox.adjust(provider="stripe", limited=True)

    def ask_often() -> None:
        for _ in range(100):
            channel.find(ORDER)

    with pytest.raises(Unknown) as unknown:
        ask_often()
    assert unknown.value.details["status"] == 429
    assert channel.limits.per_second == 12


def test_logs_hold_no_secrets(sandbox: Sandbox, channel: StripeRefunds, caplog: pytest.LogCaptureFixture) -> None:
    """At the most talkative level no key, webhook secret or e-mail address is written."""
    with caplog.at_level(logging.DEBUG):
        sandbox.fault(Fault(At.CREATE, Kind.CUT), provider="stripe")
        sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="requires_action"), provider="stripe")
        with pytest.raises(Unknown):
            channel.refund(ORDER)
        channel.refund(ORDER)
    settings: dict[str, Any] = sandbox.settings(provider="stripe")
    assert ORDER.key in caplog.text
    for secret in (settings["api_key"], settings["webhook_secrets"][0], "buyer@example.com", "Bearer"):
        assert secret not in caplog.text


# --- the sandbox itself -----------------------------------------------------------------------------------------------
def test_books_keys_and_memory_survive_a_restart(keys: Keys, tmp_path: Path) -> None:
    """After a restart the payment is known, the key is remembered, and the same settings are good."""
    with Sandbox(tmp_path, keys=keys) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL, provider="stripe")
        with closing(build(sandbox.settings(provider="stripe"))) as channel:
            first = channel.refund(ORDER)
        before = sandbox.settings(provider="stripe")
    with Sandbox(tmp_path, keys=keys) as sandbox:
        settings = sandbox.settings(provider="stripe")
        assert {**settings, "base_url": ""} == {**before, "base_url": ""}
        with closing(build(settings)) as channel:
            sandbox.fault(Fault(At.QUERY, Kind.WRONG_NUMBER), provider="stripe")
            assert channel.refund(ORDER) == first
        assert total(sandbox) == ONE
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "stripe-keys").iterdir()} == {0o600}


@pytest.mark.parametrize("real", [{"api_key": "sk_live_SANDBOX"}, {"api_key": "sk_test_51Hx"}, {"webhook_secrets": ["whsec_51Hx"]}])
def test_keys_that_could_be_real_are_refused(real: dict[str, Any], keys: Keys) -> None:
    """A key for real money, or one that was not made here: the sandbox does not play Stripe with it."""
    with pytest.raises(LooksReal), Sandbox(keys=keys, made={"stripe": replace(StripeKeys.fresh(), **real)}) as sandbox:
        sandbox.provider("stripe")
