"""Answers that are not Stripe's, at the level of bytes: whatever a host or a proxy says, it is Unknown, and it ends."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Self

import pytest

from aftersales.errors import Unknown
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server
from plugins.stripe_refund import build
from plugins.stripe_refund.sign import signature

pytestmark = pytest.mark.e2e

ORDER = a_refund_order(transaction_id="pi_1")
SECRET = "whsec_test_secret_1"
MADE: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 1990,
    "currency": "cny",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "status": "succeeded",
    "metadata": {"aftersales_key": ORDER.key},
}
EMPTY: dict[str, Any] = {"object": "list", "data": [], "has_more": False, "url": "/v1/refunds"}


class Host:
    """A host that answers the list and the create with these bodies, and counts the calls."""

    def __init__(self, listed: bytes, made: bytes = b"{}", status: int = 200) -> None:
        self.calls: list[str] = []
        self._said = {"GET": listed, "POST": made}
        self._status = {"GET": 200, "POST": status}
        self._server = Server("host", "127.0.0.1", 0, self._answer)
        self.url = self._server.url
        self._server.start()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.calls.append(f"{method} {path}")
        # The notice would be a Python warning, and a warning is a failure here.
        return Reply(self._status[method], self._said[method], {"Content-Type": "application/json", "Stripe-Notice": "upgrade"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def channel_of(host: Host) -> Any:
    """The plugin, talking to that host."""
    return closing(build({"api_key": "sk_test_nobody1", "webhook_secrets": SECRET, "base_url": host.url, "read_s": 2}))


def text(said: object) -> bytes:
    """The JSON text of something."""
    return json.dumps(said).encode()


#: Each of them with status 200.
NO_ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "half an object": text(MADE)[:40],
    "no text": b"\xff\xfe\x00",
    "null": b"null",
    "a number": b"5",
    "a list": text([MADE]),
    "a text": b'"re_1"',
    "nested a thousand times": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "an error": text({"error": {"code": "charge_disputed", "type": "invalid_request_error"}}),
    "an error that is a text": text({"error": "no"}),
    "an object of nothing": b"{}",
    "another thing": text({**MADE, "object": "charge"}),
    "without id": text({k: v for k, v in MADE.items() if k != "id"}),
    "without status": text({k: v for k, v in MADE.items() if k != "status"}),
    "a status nobody knows": text({**MADE, "status": "paid"}),
    "a status that is a list": text({**MADE, "status": ["succeeded"]}),
    "an amount with a point": text({**MADE, "amount": 1990.0}),
    "an amount in words": text({**MADE, "amount": "1990"}),
    "the amount True": text({**MADE, "amount": True}),
    "no amount": text({**MADE, "amount": 0}),
    "another currency": text({**MADE, "currency": "usd"}),
    "a currency nobody knows": text({**MADE, "currency": "xxx"}),
    "another payment": text({**MADE, "payment_intent": "pi_2", "charge": "ch_2"}),
    "another number": text({**MADE, "metadata": {"aftersales_key": "Rc1-2"}}),
    "no metadata": text({**MADE, "metadata": None}),
    "metadata that is a list": text({**MADE, "metadata": ["Rc1-1"]}),
}


@pytest.mark.parametrize("case", NO_ANSWERS)
def test_an_answer_to_a_refund_that_is_not_about_it_is_unknown(case: str) -> None:
    """A 200 alone proves nothing: the body must be a refund with our number, payment, amount and a status we know."""
    with Host(text(EMPTY), NO_ANSWERS[case]) as host, channel_of(host) as channel:
        with pytest.raises(Unknown):
            channel.refund(ORDER)
        assert [call.partition("?")[0] for call in host.calls] == ["GET /v1/refunds", "POST /v1/refunds"]


NO_LISTS: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "no list": text(MADE),
    "without data": text({"object": "list", "has_more": False}),
    "data that is none": text({**EMPTY, "data": None}),
    "data that is an object": text({**EMPTY, "data": {"0": MADE}}),
    "a list of texts": text({**EMPTY, "data": ["re_1"]}),
    "no word on whether there is more": text({"object": "list", "data": [MADE]}),
    "more in words": text({**EMPTY, "has_more": "false"}),
    "more of nothing": text({**EMPTY, "has_more": True}),
    "always the same page": text({**EMPTY, "data": [{**MADE, "metadata": {}}], "has_more": True}),
    "two standing refunds of one number": text({**EMPTY, "data": [MADE, {**MADE, "id": "re_2", "status": "pending"}]}),
}


@pytest.mark.parametrize("case", NO_LISTS)
def test_a_list_that_cannot_be_relied_on_is_unknown(case: str) -> None:
    """Neither "found" nor "not found" is taken from it, the reading ends, and no refund is asked for."""
    with Host(NO_LISTS[case]) as host, channel_of(host) as channel:
        with pytest.raises(Unknown):
            channel.find(ORDER)
        with pytest.raises(Unknown):
            channel.refund(ORDER)
        assert {call.partition(" ")[0] for call in host.calls} == {"GET"}
        assert len(host.calls) <= 40


def test_a_failed_refund_does_not_hide_a_standing_one() -> None:
    """Of several refunds under one number the one that stands is told, and without one the failed one."""
    failed = {**MADE, "id": "re_2", "status": "failed", "failure_reason": "declined"}
    with Host(text({**EMPTY, "data": [failed, MADE]})) as host, channel_of(host) as channel:
        assert channel.find(ORDER).channel_id == "re_1"
    with Host(text({**EMPTY, "data": [failed]})) as host, channel_of(host) as channel:
        assert channel.find(ORDER).status == "failed"


@pytest.mark.parametrize("status", [200, 400, 402, 404, 500])
def test_an_endless_answer_is_given_up(status: int) -> None:
    """More than four mebibytes are not read, whatever the status says."""
    with Host(text(EMPTY), b" " * (6 << 20), status) as host, channel_of(host) as channel, pytest.raises(Unknown):
        channel.refund(ORDER)


@pytest.mark.parametrize("said", [b"{}", b'{"error":{}}', b'{"error":null}', b'{"error":"insufficient_funds"}', b"[]", b"<html>"])
@pytest.mark.parametrize("status", [400, 402, 404, 409, 500])
def test_an_error_without_stripes_words_is_unknown(status: int, said: bytes) -> None:
    """A status alone is what any proxy can say: without Stripe's own words it is no refusal."""
    with Host(text(EMPTY), said, status) as host, channel_of(host) as channel, pytest.raises(Unknown):
        channel.refund(ORDER)


@pytest.fixture
def event() -> tuple[dict[str, str], bytes]:
    """A genuine event that says the refund is pending."""
    said = {"id": "evt_1", "object": "event", "type": "refund.updated", "livemode": False, "created": 1_700_000_000}
    body = text({**said, "data": {"object": {**MADE, "status": "pending"}}})
    at = str(int(datetime.now(UTC).timestamp()))
    return {"stripe-signature": f"t={at},v1={signature(SECRET, at, body)}"}, body


@pytest.fixture(params=["another thing", "a list", "nothing", "null", "without status"])
def strange(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host that answers the question how things stand with something else."""
    with Host(NO_ANSWERS[request.param]) as host:
        yield host


def test_an_event_is_told_as_read_again_or_not_at_all(event: tuple[dict[str, str], bytes], strange: Host) -> None:
    """What Stripe says when asked decides; where that is nothing of use, the event is not acknowledged."""
    headers, body = event
    with channel_of(strange) as channel, pytest.raises(Unknown):
        channel.notice(headers, body, datetime.now(UTC))
    with Host(text(MADE)) as host, channel_of(host) as channel:
        notice = channel.notice(headers, body, datetime.now(UTC))
        assert (notice.receipt.status, notice.receipt.at) == ("succeeded", None)
        assert host.calls == ["GET /v1/refunds/re_1"]
