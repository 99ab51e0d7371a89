import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from textwrap import dedent
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales import redaction
from aftersales.redaction import Hidden, guarded, learn, redact
from aftersales.refund import refund_key

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC7\nVJTUt9Us8cKj\n-----END PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJidXllci0xIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


# --- people -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "told 13812345678",
        "手机13812345678已通知",
        "phone='13812345678',",
        '{"phone": "13812345678"}',
        '{"phone": 13812345678}',
        json.dumps({"text": "手机13812345678已通知"}),
        repr("told\n13812345678\n"),
        repr("手机13812345678".encode()),
        urlencode({"tel": "+8613812345678"}),
        "+86 138 1234 5678",
        "+86-138-1234-5678",
        "008613812345678",
        "138-1234-5678",
        "o1_13812345678.",
    ],
)
def test_a_phone_keeps_seven_digits_at_most(text):
    """However a log writes a mobile number, three digits in front and four at the end remain, and the rest of the line."""
    shown = redact(text)
    assert "138****5678" in shown
    assert "1234" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0571-87654321", "057****4321"),
        ("+49 151 12345678", "+49****5678"),
        ("+1 (415) 555-2671", "+1 ****2671"),
        ("buyer_phone=4915112345678", "buyer_phone=491****5678"),
        ('"mobile": "5551234"', '"mobile": "****34"'),
        ('"phone": "", "phone": null', '"phone": "", "phone": null'),
    ],
)
def test_other_phones_are_hidden_too(text, shown):
    """A landline and a foreign number are phones; a number without a country is one where a field says so."""
    assert redact(text) == shown


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("4111111111111111", id="Visa"),
        pytest.param("5555555555554444", id="Mastercard"),
        pytest.param("2223003122003222", id="Mastercard, newer"),
        pytest.param("378282246310005", id="American Express"),
        pytest.param("6222021234567890128", id="UnionPay, 19 digits"),
        pytest.param("6216261000000000018", id="UnionPay, 19 digits, debit"),
        pytest.param("4222222222222", id="13 digits"),
        pytest.param("4111 1111 1111 1111", id="with spaces"),
        pytest.param("4111-1111-1111-1111", id="with dashes"),
    ],
)
def test_a_card_keeps_its_last_four_digits(number):
    """A number that begins as cards do and has a card's check digit is one, wherever it stands."""
    assert redact(f"card {number} refused") == f"card ****{number[-4:]} refused"
    assert redact(json.dumps({"bank_account": number})) == json.dumps({"bank_account": f"****{number[-4:]}"})
    assert redact(f"accNo={number}&x=1") == f"accNo=****{number[-4:]}&x=1"


@pytest.mark.parametrize("number", ["11010519491231002X", "11010519491231002x", "440524188001010014".replace("1880", "1980")])
def test_an_identity_number_is_hidden(number):
    """Eighteen characters with a date of birth and the right check character are a person's."""
    digits, weights = number[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    right = digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]
    assert redact(f"证件号{right}不符") == "证件号***不符"


@pytest.mark.parametrize(
    "text",
    [
        '{"real_name": "欧阳修"}',
        '{"account_name":"欧阳修","x":1}',
        json.dumps({"body": json.dumps({"real_name": "欧阳修"}, ensure_ascii=False)}, ensure_ascii=False),
        repr({"real_name": "欧阳修"}),
        repr([(b"x", "1"), ("account name", "欧阳修")]),
        "Card(bank='ICBC', holder='欧阳修')",
        "account name: 欧阳修, bank ICBC",
        "real_name=欧阳修&bank=ICBC",
        "<real_name>欧阳修</real_name>",
        "户名：欧阳修，账号",
        json.dumps({"text": "开户银行，户名：欧阳修，账号"}),
        repr(json.dumps({"body": json.dumps({"text": "真实姓名：欧阳修"})}).encode()),
        '{"realName": "欧阳修", "accountName": "欧阳修"}',
        '{"real_name": "欧阳修',
        '{"real_name": "\\"欧阳\\" 欧阳修", "x": 1}',
    ],
)
def test_a_name_in_a_name_field_is_hidden(text):
    """Whose account it is stays out of the log, in JSON, a repr, a form or a sentence, also cut off and one inside another."""
    shown = redact(text)
    assert "欧阳" not in shown
    assert "u6b27" not in shown
    assert "***" in shown
    assert ("账号" in text) == ("账号" in shown)


# --- secrets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", [PEM, repr(PEM), json.dumps({"k": PEM}), PEM[:70], f"before {PEM} between {PEM} after"])
def test_a_pem_block_is_hidden(text):
    """A key in PEM is hidden however it is written, also when it is cut off; what stands around it stays."""
    shown = redact(text)
    assert "MII" not in shown
    assert "-----" not in shown
    if "before" in text:
        assert shown == "before *** between *** after"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef0123456789",
        f"authorization: {JWT}",
        f"token {JWT} of buyer",
        repr({"Authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1900",nonce_str="abcdef0123456789"'}),
        repr([(b"Authorization", b"AWS4-HMAC-SHA256 Credential=abcdef0123456789, Signature=abcdef0123456789")]),
        "GET /x\r\nAuthorization: Basic abcdef0123456789==\r\nHost: h",
        "host:h\nx-amz-security-token:abcdef0123456789\nnext",
        "https://b/k?X-Amz-Signature=abcdef0123456789",
        '{"SecretString": "abcdef0123456789", "x": 1}',
        "api_key=abcdef0123456789",
        "key sk_live_abcdef0123456789 and whsec_abcdef0123456789",
        repr({"apiv3_key": "abcdef0123456789"}),
    ],
)
def test_a_credential_is_hidden(text):
    """What lets somebody in is hidden: headers, tokens and keys, by their names or their forms."""
    shown = redact(text)
    assert "abcdef0123456789" not in shown
    assert "eyJ" not in shown
    for word in ("Host: h", "\nnext", "of buyer", '"x": 1'):
        assert (word in shown) == (word in text)


def test_a_known_secret_is_hidden_however_it_is_written():
    """A secret that was read is never shown: not as it is, not line by line, not as JSON, a repr or an address write it."""
    secret = f'{uuid4().hex}\n"{uuid4().hex}/+{uuid4().hex}" 钥'
    text = f"{secret} | {secret.splitlines()[1]} | {json.dumps(secret)} | {secret!r} | {urlencode({'s': secret.splitlines()[1]})}"
    assert redact(text) == text
    learn(secret)
    assert redact(text) == "*** | *** | \"***\" | '***' | s=***"


def test_a_short_secret_does_not_black_out_words():
    """What has fewer than eight characters is no secret worth the name; nothing is hidden for it, and nothing for ""."""
    learn("of")
    learn("")
    assert redact("the state of things") == "the state of things"


# --- what must stay readable ------------------------------------------------------------------------------------------
READABLE = [
    pytest.param("4200001234202611221234567890", id="WeChat Pay transaction"),
    pytest.param("1217752501201407033233368018", id="WeChat Pay transaction, older"),
    pytest.param("50000000382019052709732678859", id="WeChat Pay refund"),
    pytest.param("2026112222001412341234567890", id="Alipay trade"),
    pytest.param("202611221530451234567", id="UnionPay query"),
    pytest.param("pi_3Mtw4gLkdIwHu7ix28a3tqPa", id="Stripe payment"),
    pytest.param("R6f1d0c5e8f2b4a0d9c3e7b1a2f4d6c8e-1", id="refund of ours"),
    pytest.param("R13812345678411111111111111111122-1", id="refund of ours, all digits"),
    pytest.param("13812345-6781-4111-8111-411111111111", id="UUID, all digits"),
    pytest.param("20261122-0001", id="order of the mall"),
    pytest.param("202611221530450001", id="order by its time"),
    pytest.param("SF1381234567890", id="waybill of SF"),
    pytest.param("YT7512345678901", id="waybill of YTO"),
    pytest.param("1732245600123", id="time in milliseconds"),
    pytest.param("2026-11-22T03:15:59.123456+00:00", id="instant"),
    pytest.param("SANDBOX0001", id="merchant"),
    pytest.param("127.0.0.1:25678", id="address"),
    pytest.param("secret:wechatpay#private_key", id="the address of a secret"),
]


@pytest.mark.parametrize("number", READABLE)
def test_what_a_log_is_searched_for_stays_readable(number):
    """Numbers of orders, payments, refunds and parcels are what an operator looks for: none of them is touched."""
    for text in (
        f"refund {number}: no answer",
        json.dumps({"transaction_id": number}),
        f"GET /v3/refund/{number}?mchid=1",
        repr([number]),
    ):
        assert redact(text) == text


DIGITS = "0123456789"


@given(st.text(DIGITS, min_size=24, max_size=24), st.uuids(), st.integers(1, 20))
def test_no_transaction_and_no_refund_is_ever_masked(tail, case, leg):
    """Whatever its digits, a WeChat Pay transaction (28 of them) and a refund number of ours stay as they are."""
    text = f"refund {refund_key(case.hex, leg)} of 4200{tail}: WeChat Pay answers 500 SYSTEM_ERROR"
    assert redact(text) == text


@given(st.sampled_from("3456789"), st.text(DIGITS, min_size=9, max_size=9), st.text("ab 手机:=\"'\n{}", max_size=5))
def test_no_mobile_number_is_ever_shown(second, tail, around):
    """Whatever its digits and whatever stands beside it (no letter or digit), a mobile number never comes through."""
    number = f"1{second}{tail}"
    assert number not in redact(f"{around.rstrip('ab')}{number}{around.lstrip('ab')}")


def test_a_long_text_takes_no_time():
    """A body of a megabyte, written out at DEBUG, is redacted in seconds at most, also one made to be slow."""
    for text in (
        '"real_name": "a\\" ' * 50_000,
        "+1 2-3 4" * 120_000,
        "1" * 1_000_000,
        "-----BEGIN A-----" * 60_000,
        "phone_" * 160_000,
    ):
        begun = time.process_time()
        redact(text)
        assert time.process_time() - begun < 5


# --- in logs ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger with a handler of its own, as Chalice has it, in a process that redacts."""
    before = logging.getLogRecordFactory(), sys.excepthook
    redaction.install()
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.getLogger(f"test.{uuid4().hex}")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, out
    logging.setLogRecordFactory(before[0])
    sys.excepthook = before[1]


def test_no_handler_sees_what_is_hidden(log):
    """Message, arguments, trace and stack are redacted before any handler has them; the trace stays a trace."""
    logger, out = log
    logger.warning("told %s of %s", "13812345678", {"real_name": "欧阳修"})
    try:
        int("card 4111111111111111")
    except ValueError:
        logger.exception("broke")
    logger.error("here 13812345678", stack_info=True)
    said = out.getvalue()
    assert not any(word in said for word in ("13812345678", "欧阳修", "4111111111111111"))
    assert "told 138****5678" in said
    assert "ValueError: invalid literal for int() with base 10: 'card ****1111'" in said
    assert "test_no_handler_sees_what_is_hidden" in said
    assert "Stack (most recent call last)" in said


def test_a_handler_that_reads_the_record_itself_finds_nothing_else(log):
    """A handler that writes JSON from a record's parts finds text only: no arguments and no exception to write out again."""
    logger, _ = log
    seen: list[logging.LogRecord] = []
    logger.addHandler(type("Keeps", (logging.Handler,), {"emit": lambda _, record: seen.append(record)})())
    try:
        int("x13812345678 13812345678")
    except ValueError:
        logger.exception("told %s", "13812345678")
    assert " 13812345678" not in repr(vars(seen[0]))


def test_a_record_with_wrong_arguments_is_still_said(log):
    """A mistake in a log call loses neither the line nor what is hidden in it."""
    logger, out = log
    logger.warning("told %s and %s of 13812345678", "one")  # noqa: PLE1206  # the mistake
    assert out.getvalue() == "told %s and %s of 138****5678 (its arguments do not fit)\n"


def test_installing_twice_is_installing_once(log):
    """Every entry point says it; nothing is done twice."""
    factory = logging.getLogRecordFactory()
    redaction.install()
    assert logging.getLogRecordFactory() is factory


@pytest.mark.parametrize("where", ["main", "thread"])
def test_what_ends_a_process_or_a_thread_is_redacted(where):
    """An error that nobody catches is printed with its trace and without what must not be read."""
    code = f"""
        import threading
        from aftersales import redaction
        redaction.install()
        def fail():
            raise RuntimeError("told 13812345678")
        if {where == "thread"}:
            thread = threading.Thread(target=fail)
            thread.start()
            thread.join()
        else:
            fail()
    """
    ran = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode == (0 if where == "thread" else 1)
    assert "RuntimeError: told 138****5678" in ran.stderr
    assert "in fail" in ran.stderr
    assert "13812345678" not in ran.stderr


def test_an_error_that_shows_nothing_passes_as_it_is():
    """Whoever catches errors by their class still does; only one that would show something is replaced, with all it has to say."""

    def fail(error: Exception) -> None:
        raise error from KeyError("4111111111111111") if isinstance(error, ValueError) else None

    with pytest.raises(KeyError, match="refund R1-1"):
        guarded(lambda: fail(KeyError("refund R1-1")))
    with pytest.raises(Hidden, match=r"ValueError: told 138\*\*\*\*5678") as hidden:
        guarded(lambda: fail(ValueError("told 13812345678")))
    assert "****1111" in str(hidden.value)
    assert hidden.value.__cause__ is hidden.value.__context__ is None
    assert guarded(lambda: 5) == 5
