"""A client that is not ours speaks with our sandbox: each believes the other's signatures, so ours is not a private language.

The library can only be pointed at a loopback address after it was built, by a private name; it is no part of the product.
"""

import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from aftersales.refund import BEIJING
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox

pytestmark = pytest.mark.e2e

PAYMENT, TRADE = "4200000000202611200000000001", "T20261120000001"
AMOUNT = {"refund": 1990, "total": 9950, "currency": "CNY"}
DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture
def sandbox(keys: Keys) -> Iterator[Sandbox]:
    """The provider at noon of a day, with one payment."""
    with Sandbox(keys=keys, gap_s=0) as sandbox:
        at(sandbox, DAY, 12)
        sandbox.pay(PAYMENT, 9950, out_trade_no=TRADE, payer_total=4975)
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> WeChatPay:
    """The library with the sandbox's keys, which asks the environment for proxies."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings = sandbox.settings()
    ((key_id, key),) = list(settings["platform_keys"].items())[-1:]
    client = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=settings["mchid"],
        private_key=settings["private_key"],
        cert_serial_no=settings["serial_no"],
        appid="wxsandbox",
        apiv3_key=settings["apiv3_key"],
        notify_url="http://127.0.0.1:9/callback",
        timeout=(3, 5),
        public_key=key,
        public_key_id=key_id,
    )
    client._core._gate_way = sandbox.base_url
    return client


def at(sandbox: Sandbox, day: date, hour: int) -> None:
    """Let it be this hour in China."""
    sandbox.set_clock(datetime(day.year, day.month, day.day, hour, tzinfo=BEIJING).timestamp() - time.time())


def told(answer: tuple[int, str]) -> Any:
    """What a good answer says; the library has verified its signature."""
    assert answer[0] == 200, answer
    return json.loads(answer[1])


def refund(client: WeChatPay, number: str = "R1-1") -> Any:
    """The default refund."""
    return told(client.refund(out_refund_no=number, amount=AMOUNT, transaction_id=PAYMENT, reason="坏了"))


def test_it_refunds_once(sandbox: Sandbox, client: WeChatPay) -> None:
    """Its signed requests are believed, and it believes the answers; the same number is one refund."""
    first, second = refund(client), refund(client)
    assert (first["status"], first["amount"]["payer_refund"], first["refund_id"]) == ("SUCCESS", 995, second["refund_id"])
    assert told(client.query_refund("R1-1"))["refund_id"] == first["refund_id"]
    assert sandbox.truth()["total"] == {"executed": 1990, "paid": 1990, "count": 1}
    assert sandbox.truth()["calls"]["bad"] == 0


def test_it_asks_for_orders(sandbox: Sandbox, client: WeChatPay) -> None:
    """By either number a payment is found, REFUND as soon as a part of it was sent back; another one is not."""
    order = told(client.query(transaction_id=PAYMENT))
    assert (order["trade_state"], order["amount"]["payer_total"], order["out_trade_no"]) == ("SUCCESS", 4975, TRADE)
    refund(client)
    assert told(client.query(out_trade_no=TRADE))["trade_state"] == "REFUND"
    assert client.query(transaction_id="42")[0] == 404
    assert client.query(transaction_id=PAYMENT, mchid="1900000001")[0] == 400


def test_it_hears_refusals(sandbox: Sandbox, client: WeChatPay) -> None:
    """What WeChat Pay refuses comes with its status and code; a short account, an unknown number, a changed amount."""
    sandbox.book.fund(100)
    answers = [client.refund(out_refund_no="R1-1", amount=AMOUNT, transaction_id=PAYMENT), client.query_refund("R1-1")]
    sandbox.book.fund(None)
    refund(client)
    answers.append(client.refund(out_refund_no="R1-1", amount={**AMOUNT, "refund": 1}, transaction_id=PAYMENT))
    codes = [(status, json.loads(body)["code"]) for status, body in answers]
    assert codes == [(403, "NOT_ENOUGH"), (404, "RESOURCE_NOT_EXISTS"), (400, "INVALID_REQUEST")]


def test_it_does_not_believe_a_wrong_signature(sandbox: Sandbox, client: WeChatPay) -> None:
    """A spoilt answer is an exception there, though the money has moved: what the sandbox spoils is really spoilt."""
    sandbox.fault(Fault(At.CREATE, Kind.BAD_SIGNATURE))
    with pytest.raises(Exception, match="signature"):
        refund(client)
    assert sandbox.truth()["total"]["executed"] == 1990


def test_it_reads_notices(sandbox: Sandbox, client: WeChatPay) -> None:
    """The sandbox's notices verify and decrypt there; one changed byte, and they do not."""
    made = refund(client)
    headers, body = sandbox.notice_of("R1-1")
    said = client.callback(headers, body)
    assert (said["event_type"], said["resource_type"]) == ("REFUND.SUCCESS", "encrypt-resource")
    plain = said["resource"]
    assert (plain["out_refund_no"], plain["refund_id"], plain["refund_status"]) == ("R1-1", made["refund_id"], "SUCCESS")
    assert plain["amount"] == {"total": 9950, "refund": 1990, "payer_total": 4975, "payer_refund": 995}
    assert client.callback(headers, body.replace(b"REFUND.SUCCESS", b"REFUND.SUCCESZ")) is None


def test_it_downloads_bills(sandbox: Sandbox, client: WeChatPay) -> None:
    """Address, file and checksum fit; the file has the payment and its refund."""
    refund(client)
    at(sandbox, DAY + timedelta(days=1), 10)
    bill = told(client.trade_bill(bill_date=str(DAY)))
    status, packed = client.download_bill(bill["download_url"])
    text = gzip.decompress(packed)
    assert (status, hashlib.sha1(text).hexdigest()) == (200, bill["hash_value"])
    rows = text.decode("utf-8-sig").split("\r\n")
    assert (len(rows), rows[-2]) == (6, "`2,`99.50,`19.90,`9.95,`0.48,`99.50,`19.90")
    assert json.loads(client.trade_bill(bill_date="2026-11-19")[1])["code"] == "NO_STATEMENT_EXIST"


def test_it_sends_an_abnormal_refund_to_a_card(sandbox: Sandbox, client: WeChatPay) -> None:
    """Number and holder, encrypted there with the platform's key, open here; the refund arrives at that card."""
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="ABNORMAL"))
    made = refund(client)
    assert told(client.query_refund("R1-1"))["status"] == "ABNORMAL"
    card = {"bank_type": "ICBC_DEBIT", "bank_account": "6222020200098765432", "real_name": "王小明"}
    answer = client.abnormal_refund(made["refund_id"], "R1-1", "USER_BANK_CARD", **card)
    assert told(answer)["status"] == "PROCESSING"
    said = told(client.query_refund("R1-1"))
    assert (said["status"], said["channel"], said["user_received_account"]) == ("SUCCESS", "OTHER_BANKCARD", "ICBC借记卡5432")
