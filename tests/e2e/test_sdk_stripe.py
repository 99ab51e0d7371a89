"""Stripe's own library and plain HTTP as clients of the sandbox: what it claims to be is what an independent client finds."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox

pytestmark = pytest.mark.e2e

PAYMENT, TOTAL = "pi_SANDBOX1", 9950
DAY_S = 86400


@pytest.fixture(scope="module")
def keys() -> Keys:
    """WeChat Pay's keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture
def sandbox(keys: Keys) -> Iterator[Sandbox]:
    """The provider, with one payment known."""
    with Sandbox(keys=keys, retry_scale=0.0) as sandbox:
        sandbox.pay(PAYMENT, TOTAL, provider="stripe")
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[stripe.StripeClient]:
    """The library as anybody would use it, with its own HTTP client and one repetition of failed calls."""
    monkeypatch.setattr(stripe, "enable_telemetry", False)  # it would write a file into the home folder
    settings = sandbox.settings(provider="stripe")
    http = stripe.RequestsClient(timeout=5)
    address: Any = {"api": settings["base_url"]}
    yield stripe.StripeClient(settings["api_key"], base_addresses=address, http_client=http, max_network_retries=1)
    http.close()


def executed(sandbox: Sandbox) -> int:
    """Fen that left the merchant, by the provider's books."""
    return int(sandbox.truth("stripe")["total"]["executed"])


# --- the library ------------------------------------------------------------------------------------------------------
def test_the_library_makes_reads_and_describes_a_refund(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """A refund is made, read, listed and given metadata; charge and PaymentIntent tell what is left."""
    made = client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 1990, "metadata": {"order": "o1"}})
    assert (made.object, made.amount, made.currency, made.status) == ("refund", 1990, "cny", "succeeded")
    assert client.v1.refunds.retrieve(made.id).to_dict() == made.to_dict()
    client.v1.refunds.update(made.id, {"metadata": {"note": "spoiled"}})
    changed = client.v1.refunds.retrieve(made.id).metadata
    assert changed is not None
    assert changed.to_dict() == {"order": "o1", "note": "spoiled"}
    intent = client.v1.payment_intents.retrieve(PAYMENT)
    charge = client.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.amount, charge.amount_refunded, charge.refunded) == (TOTAL, 1990, False)
    assert [one.id for one in client.v1.refunds.list({"charge": charge.id})] == [made.id]


def test_the_library_pages_through_many_refunds(client: stripe.StripeClient) -> None:
    """Twenty-five refunds come in pages of ten, the newest first, and each of them once; forwards as backwards."""
    made = [client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 1}).id for _ in range(25)]
    first = client.v1.refunds.list({"payment_intent": PAYMENT})
    assert (len(first.data), first.has_more) == (10, True)
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
    before: Any = {"payment_intent": PAYMENT, "ending_before": made[0], "limit": 10}
    assert [one.id for one in client.v1.refunds.list(before).auto_paging_iter()] == made[1:]


def test_a_key_is_answered_from_memory_and_forgotten_after_a_day(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """Within 24 hours the same key gives the same answer word for word; after that it pays again. That is why we look first."""
    params: Any = {"payment_intent": PAYMENT, "amount": 1990}
    first = client.v1.refunds.create(params, {"idempotency_key": "k1"})
    sandbox.lever("fail", provider="stripe", key=first.id)
    sandbox.set_clock(DAY_S - 60)
    again = client.v1.refunds.create(params, {"idempotency_key": "k1"})
    assert again.to_dict() == first.to_dict()
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert executed(sandbox) == 0
    sandbox.set_clock(DAY_S + 60)
    assert client.v1.refunds.create(params, {"idempotency_key": "k1"}).id != first.id
    assert (executed(sandbox), sandbox.truth("stripe")["total"]["count"]) == (1990, 2)


def test_a_key_stands_for_its_parameters(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """The same key with another amount is the library's IdempotencyError, and nothing is done."""
    client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 1}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 2}, {"idempotency_key": "k1"})
    assert executed(sandbox) == 1


@pytest.mark.parametrize("kind", [Kind.HANG, Kind.ERROR], ids=["cut off", "503"])
def test_the_librarys_own_repetition_pays_once(kind: Kind, client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """A call that was carried out and whose answer was lost is repeated by the library under its key, and paid once."""
    sandbox.fault(Fault(At.CREATE, kind, status=503, code=""), provider="stripe")
    client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 1990})
    assert sandbox.truth("stripe")["faults_left"] == 0
    assert sandbox.truth("stripe")["total"] == {"executed": 1990, "paid": 1990, "count": 1}


def test_the_library_knows_the_errors(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """Each refusal arrives as the library's error, with Stripe's code and the parameter that it is about."""

    def refused(params: Any) -> tuple[str | None, Any]:
        with pytest.raises(stripe.InvalidRequestError) as error:
            client.v1.refunds.create(params)
        return error.value.code, error.value.param

    assert refused({"payment_intent": "pi_nobody"}) == ("resource_missing", "payment_intent")
    assert refused({"payment_intent": PAYMENT, "amount": TOTAL + 1}) == ("amount_too_large", "amount")
    assert refused({"payment_intent": PAYMENT, "amount": 0}) == ("parameter_invalid_integer", "amount")
    assert refused({"payment_intent": PAYMENT, "amount": "19.9"}) == ("parameter_invalid_integer", "amount")
    assert refused({"payment_intent": PAYMENT, "reason": "spoiled"})[1] == "reason"
    assert refused({"payment_intent": PAYMENT, "colour": "red"}) == ("parameter_unknown", "colour")
    assert refused({"amount": 1})[0] == "parameter_missing"
    assert refused({"payment_intent": PAYMENT, "charge": "ch_1"})[0] == "parameters_exclusive"
    client.v1.refunds.create({"payment_intent": PAYMENT})
    assert refused({"payment_intent": PAYMENT, "amount": 1})[0] == "charge_already_refunded"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.retrieve("re_nobody")
    sandbox.fault(Fault(At.QUERY, Kind.ERROR, status=429, code="rate_limit", times=2), provider="stripe")
    with pytest.raises(stripe.RateLimitError):
        client.v1.refunds.retrieve("re_nobody")
    assert executed(sandbox) == TOTAL


def test_the_library_cancels_what_waits_for_the_buyer(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """A refund that needs the buyer's action can be canceled, once; one that has succeeded cannot."""
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="requires_action"), provider="stripe")
    waits = client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 5})
    assert waits.status == "requires_action"
    assert client.v1.refunds.cancel(waits.id).status == "canceled"
    done = client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 5})
    for number in (waits.id, done.id):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.cancel(number)
    assert executed(sandbox) == 5


def test_the_library_reads_balance_and_disputes(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """A chargeback takes its amount from the balance, and is shown with what it booked; won, it gives it back."""
    sandbox.lever("balance", provider="stripe", minor=20_000)
    made = sandbox.lever("outside", provider="stripe", transaction_id=PAYMENT, kind="chargeback")
    dispute = client.v1.disputes.retrieve(made["id"])
    assert (dispute.amount, dispute.payment_intent, dispute.status) == (TOTAL, PAYMENT, "needs_response")
    assert [one.amount for one in dispute.balance_transactions] == [-TOTAL]
    assert [(one.amount, one.currency) for one in client.v1.balance.retrieve().available] == [(20_000 - TOTAL, "cny")]
    sandbox.lever("dispute", provider="stripe", id=made["id"], status="won")
    assert [one.amount for one in client.v1.disputes.retrieve(made["id"]).balance_transactions] == [-TOTAL, TOTAL]
    assert client.v1.balance.retrieve().available[0].amount == 20_000


def test_the_library_verifies_our_events(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """What the sandbox signs is genuine to the library, by either secret while one is rolled; one changed byte is not."""
    client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 5, "metadata": {"aftersales_key": "Rc1-1"}})
    old = sandbox.settings(provider="stripe")["webhook_secrets"][0]
    new = sandbox.lever("rotate", provider="stripe")
    headers, body = sandbox.provider("stripe").notice_of("Rc1-1")
    for secret in (old, new):
        event = client.construct_event(body, headers["stripe-signature"], secret)
        assert (event.type, event.data.object["metadata"]["aftersales_key"]) == ("refund.updated", "Rc1-1")
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body.replace(b"Rc1-1", b"Rc1-2"), headers["stripe-signature"], old)
    headers, body = sandbox.provider("stripe").notice_of("Rc1-1", fault=Kind.STALE)
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body, headers["stripe-signature"], old)


def test_an_endpoint_is_registered_over_the_api(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    """A webhook endpoint made through the library gets the events from then on, and hands out the secret that signs them."""
    made = client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["refund.created"]})
    assert made.secret == sandbox.settings(provider="stripe")["webhook_secrets"][-1]
    client.v1.refunds.create({"payment_intent": PAYMENT, "amount": 5})
    assert {n["state"] for n in sandbox.truth("stripe")["notices"]} <= {"pending", "given up"}


# --- plain HTTP -------------------------------------------------------------------------------------------------------
def call(sandbox: Sandbox, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, JSON and lower-case headers of a call put together by hand."""
    settings = sandbox.settings(provider="stripe")
    connection = HTTPConnection(settings["base_url"].removeprefix("http://"), timeout=5)
    try:
        sent = {"Authorization": f"Bearer {settings['api_key']}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded", **sent})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), {k.lower(): v for k, v in answer.getheaders()}
    finally:
        connection.close()


FORM = urlencode({"payment_intent": PAYMENT, "amount": 1990, "metadata[order]": "o1"})


def test_who_does_not_show_the_key_gets_nothing(sandbox: Sandbox) -> None:
    """Without the key, or with another, a call is a 401 and does nothing; as the user of a basic authentication it is good."""
    key = sandbox.settings(provider="stripe")["api_key"]
    for wrong in ("", "Bearer", f"Bearer {key}x", "Bearer sk_test_x", f"Token {key}", "Basic !!", "Basic eDp5"):
        status, said, _ = call(sandbox, "POST", "/v1/refunds", FORM, Authorization=wrong)
        assert (status, said["error"]["type"]) == (401, "invalid_request_error")
    assert executed(sandbox) == 0
    basic = base64.b64encode(f"{key}:".encode()).decode()
    assert call(sandbox, "POST", "/v1/refunds", FORM, Authorization=f"Basic {basic}")[1]["metadata"] == {"order": "o1"}


@pytest.mark.parametrize(
    "body",
    [
        "payment_intent=pi_SANDBOX1&amount[x]=1",
        "payment_intent=pi_SANDBOX1&amount=1&amount=2",
        "payment_intent=pi_SANDBOX1&metadata=x",
        "payment_intent=pi_SANDBOX1&metadata[a][b]=x",
        "payment_intent=pi_SANDBOX1&metadata[]=x",
        "payment_intent=pi_SANDBOX1&metadata[a=x",
        "payment_intent=pi_SANDBOX1&amount=99999999999999999999",
        "payment_intent=pi_SANDBOX1&amount=-1",
        "payment_intent=pi_SANDBOX1&amount=1e3",
        json.dumps({"payment_intent": PAYMENT, "amount": 5}),
    ],
)
def test_a_malformed_request_is_refused(body: str, sandbox: Sandbox) -> None:
    """Parameters have a form; a request that lacks it is a 400, does nothing, and is not remembered with its key."""
    status, said, headers = call(sandbox, "POST", "/v1/refunds", body, Idempotency_Key="k1")
    assert (status, said["error"]["type"]) == (400, "invalid_request_error")
    assert headers["request-id"].startswith("req_")
    assert executed(sandbox) == 0
    assert call(sandbox, "POST", "/v1/refunds", "payment_intent=pi_SANDBOX1&amount=5", Idempotency_Key="k1")[0] == 200


def test_one_key_at_the_same_time_is_one_refund(sandbox: Sandbox) -> None:
    """Thirty-two calls with one key from eight threads: made once, answered from memory, or a 409 while it is under way."""
    body = "payment_intent=pi_SANDBOX1&amount=1990"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call(sandbox, "POST", "/v1/refunds", body, Idempotency_Key="k1"), range(32)))
    made = [said["id"] for status, said, _ in answers if status == 200]
    codes = {said["error"]["code"] for status, said, _ in answers if status != 200}
    assert len(set(made)) == 1
    assert codes <= {"idempotency_key_in_use"}
    assert sum(headers.get("idempotent-replayed") == "true" for _, _, headers in answers) == len(made) - 1
    assert sandbox.truth("stripe")["total"]["count"] == 1


def test_what_is_not_there_is_a_404(sandbox: Sandbox) -> None:
    """An address nobody answers, and a verb that an address does not have."""
    for method, path in (("GET", "/v1/refunds/re_1/x"), ("POST", "/v1/charges/ch_1"), ("DELETE", "/v1/refunds/re_1")):
        assert call(sandbox, method, path)[0] == 404


def test_calls_are_counted(sandbox: Sandbox) -> None:
    """The truth tells calls by endpoint and the fullest second, so that a test can hold us to the limits."""
    for _ in range(3):
        call(sandbox, "GET", "/v1/refunds?limit=1")
    calls = sandbox.truth("stripe")["calls"]
    assert (calls["GET /v1/refunds"], calls["exceeded"]) == (3, False)
