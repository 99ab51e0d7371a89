"""The provider's side of WeChat Pay's signatures, written on its own: no fault of our client can hide in a shared function.

Source: WeChat Pay APIv3 documentation, request signing, answer verification, notice decryption.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.loopback import MARK
from infra.local.sandbox.wechatpay.keys import Keys

_SCHEME = "WECHATPAY2-SHA256-RSA2048 "
_FIELD = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*(?:,|$)')

#: How far a timestamp may be from now, both ways.
FRESH_S = 300


def why_refused(keys: Keys, method: str, path: str, authorization: str, body: bytes) -> str:
    """What is wrong with a request's Authorization, over the path and bytes as they came; empty when nothing is."""
    if not authorization.startswith(_SCHEME):
        return "Authorization 不合法"
    said = dict(_FIELD.findall(authorization.removeprefix(_SCHEME)))
    if set(said) != {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}:
        return "Authorization 缺少字段"
    if (said["mchid"], said["serial_no"]) != (keys.mchid, keys.serial_no):
        return "商户号或证书序列号不匹配"
    if not said["timestamp"].isdigit() or abs(time.time() - int(said["timestamp"])) > FRESH_S:
        return "时间戳已过期"
    message = "\n".join((method, path, said["timestamp"], said["nonce_str"])).encode() + b"\n" + body + b"\n"
    try:
        signature = base64.b64decode(said["signature"], validate=True)
        keys.merchant.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return "签名错误"
    return ""


def sign(keys: Keys, body: bytes, fault: Kind | None = None) -> dict[str, str]:
    """The headers that sign an answer or a notice; ``fault`` spoils them on purpose."""
    if fault is Kind.UNSIGNED:
        return {}
    timestamp = str(int(time.time()) - (600 if fault is Kind.STALE else 0))
    nonce = secrets.token_hex(16)
    signed = body + b" " if fault is Kind.BAD_SIGNATURE else body
    message = f"{timestamp}\n{nonce}\n".encode() + signed + b"\n"
    key = keys.platform[keys.signs_with]
    signature = base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
    serial = f"PUB_KEY_ID_{MARK}_UNKNOWN" if fault is Kind.UNKNOWN_SERIAL else keys.signs_with
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{signature[:-20]}" if fault is Kind.SIGNTEST else signature,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }


def envelope(keys: Keys, notice_id: str, event: str, created: str, plain: Mapping[str, Any]) -> bytes:
    """The body of a notice: ``plain`` encrypted with the APIv3 key, AES-256-GCM, the tag appended."""
    nonce, about = secrets.token_hex(6), "refund"
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
    cipher = AESGCM(keys.apiv3_key.encode()).encrypt(nonce.encode(), text, about.encode())
    resource = {
        "original_type": "refund",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(cipher).decode(),
        "associated_data": about,
        "nonce": nonce,
    }
    summary = {"SUCCESS": "退款成功", "CLOSED": "退款关闭", "ABNORMAL": "退款异常"}[event]
    said = {"id": notice_id, "create_time": created, "resource_type": "encrypt-resource", "event_type": f"REFUND.{event}"}
    return json.dumps({**said, "summary": summary, "resource": resource}, ensure_ascii=False).encode()
