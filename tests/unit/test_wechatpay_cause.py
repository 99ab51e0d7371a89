"""What WeChat Pay's refusals mean, and how many requests it allows."""

import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aftersales.errors import Unknown
from aftersales.refund import Cause
from infra.local.sandbox.wechatpay.rate import CALLS_PER_S, Rate
from plugins.wechatpay_refund.cause import cause_of, is_final, says_no, was_used
from plugins.wechatpay_refund.setting import Setting
from plugins.wechatpay_refund.sign import seal
from plugins.wechatpay_refund.wire import Answer, Wire


def answer(status: int, code: str, message: str = "") -> Answer:
    """An answer that is an error."""
    return Answer(status, {"code": code, "message": message}, "r1")


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("该笔订单存在交易争议，资金已冻结", Cause.RISK_CONTROL),
        ("商户号涉嫌违规，退款功能受限，请稍后重试", Cause.RISK_CONTROL),
        ("同一笔订单的两次退款须间隔1分钟，请稍后重试", Cause.TOO_SOON),
        ("订单处理中，暂时无法退款，请稍后再试", Cause.TOO_SOON),
        ("申请退款金额大于订单可退金额", Cause.OVER_LIMIT),
        ("订单已全额退款", Cause.OVER_LIMIT),
        ("订单已超过一年，不可退款", Cause.OVER_LIMIT),
        ("订单部分退款超过50次", Cause.OVER_LIMIT),
        ("请求不符合业务规则", Cause.OTHER),
        ("", Cause.OTHER),
    ],
)
def test_an_invalid_request_has_its_cause_in_the_message(message: str, cause: Cause) -> None:
    """There is no finer code; what holds a payment counts before what asks for patience."""
    assert cause_of(answer(400, "INVALID_REQUEST", message)) is cause


@pytest.mark.parametrize(
    ("status", "code", "final"),
    [
        (403, "REQUEST_BLOCKED", True),
        (403, "USER_ACCOUNT_ABNORMAL", True),
        (403, "RULE_LIMIT", False),
        (429, "NOT_ENOUGH", False),
        (500, "NOT_ENOUGH", False),
        (302, "NOT_ENOUGH", False),
        (400, "", False),
    ],
)
def test_only_a_known_no_is_final(status: int, code: str, final: bool) -> None:
    """A word we do not understand, and any word with a 429 or a 5xx, proves nothing."""
    assert is_final(answer(status, code)) is final


def test_a_changed_request_is_told_from_a_wrong_one() -> None:
    """WeChat Pay says that the number was used before: then it stands for something, and is no final no."""
    assert was_used(answer(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"))
    assert not was_used(answer(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额"))
    assert [says_no(answer(status, "INVALID_REQUEST")) for status in (400, 429, 500)] == [True, False, False]


def test_a_sealed_secret_is_what_openssl_opens(tmp_path: Path) -> None:
    """RSA-OAEP with SHA-1, as WeChat Pay opens it, another text each time; umlauts and Chinese included."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to ask")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sealed = [seal(key.public_key(), text) for text in ("6225880137706868", "王小明", "王小明")]
    assert len(set(sealed)) == 3
    options = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha1"]
    command = [openssl, "pkeyutl", "-decrypt", "-inkey", str(tmp_path / "key.pem"), *options]
    opened = [subprocess.run(command, input=b64decode(one), capture_output=True, check=True).stdout.decode() for one in sealed]
    assert opened == ["6225880137706868", "王小明", "王小明"]


def test_a_hundred_and_fifty_requests_fit_into_a_second() -> None:
    """The next one is counted as above the limit; where limits hold it is not let in, and takes no place."""
    counted, held = Rate(), Rate()
    for n in range(CALLS_PER_S + 10):
        assert counted.admit(limited=False)
        assert held.admit(limited=True) is (n < CALLS_PER_S)
    assert (counted.report()["most_calls_per_s"], counted.report()["over_limit"]) == (160, 10)
    assert (held.report()["most_calls_per_s"], held.report()["over_limit"]) == (150, 10)


def test_six_errors_fit_into_a_second() -> None:
    """After the sixth nothing is let in for the rest of the second, right or wrong."""
    rate = Rate()
    for _ in range(6):
        assert rate.admit(limited=True)
        rate.fail()
    assert not rate.admit(limited=True)
    assert (rate.report()["most_errors_per_s"], rate.report()["exceeded"]) == (6, True)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b"", b"[" * 200_000], ids=lambda body: repr(body[:8]))
def test_what_is_no_json_object_is_no_answer(body: bytes) -> None:
    """A page of some proxy, or nonsense however deep, is Unknown: the call may have been carried out."""
    said = {"mchid": "1900000001", "serial_no": "S1", "private_key": "-----BEGIN PRIVATE KEY-----", "apiv3_key": "k" * 32}
    setting = Setting.parse({**said, "platform_keys": {"P": "-----BEGIN"}, "base_url": "https://api.example.test"})
    with pytest.raises(Unknown) as unknown:
        Wire(setting, lambda: 0.0)._believed(403, {}, body)
    assert unknown.value.details["sent"] is True
