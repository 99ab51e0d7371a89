"""The provider's side of Alipay's signatures, written on its own: no fault of our client can hide in a shared function.

Source: Alipay open platform, signing with RSA2 in key mode and in certificate mode.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.local.sandbox.alipay.keys import Keys, number_of, root_number_of
from infra.local.sandbox.fault import Kind


def why_refused(keys: Keys, said: Mapping[str, str]) -> str:
    """The sub-code for what is wrong with a request's application, certificates or signature; empty when nothing is."""
    if not said.get("app_id"):
        return "isv.missing-app-id"
    if said["app_id"] != keys.app_id:
        return "isv.invalid-app-id"
    if not said.get("sign"):
        return "isv.missing-signature"
    if said.get("sign_type") != "RSA2":
        return "isv.invalid-signature-type"
    if "app_cert_sn" in said or "alipay_root_cert_sn" in said:
        own = (number_of(keys.app_cert), root_number_of(keys.roots))
        if (said.get("app_cert_sn"), said.get("alipay_root_cert_sn")) != own:
            return "isv.missing-signature-config"
    parts = [f"{name}={said[name]}" for name in sorted(said) if name != "sign" and said[name]]
    try:
        signature = base64.b64decode(said["sign"], validate=True)
        keys.merchant.public_key().verify(signature, "&".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return "isv.invalid-signature"
    return ""


def answer(keys: Keys, node: str, said: Mapping[str, Any], fault: Kind | None, *, certificates: bool) -> bytes:
    """The body of an answer: the node, and the signature over its very characters; ``fault`` spoils it on purpose."""
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    if fault is Kind.UNSIGNED:
        return f'{{"{node}":{text}}}'.encode()
    key, number = keys.signs_with
    if fault is Kind.UNKNOWN_SERIAL:
        key, number = rsa.generate_private_key(public_exponent=65537, key_size=2048), "0" * 32
    named = f'"alipay_cert_sn":"{number}",' if certificates else ""
    return f'{{"{node}":{text},{named}"sign":"{_sign(key, text + _spoilt(fault))}"}}'.encode()


def form(keys: Keys, said: Mapping[str, str], fault: Kind | None) -> bytes:
    """The body of a notice: a form with its signature over all that stands in it, sorted; ``fault`` spoils it on purpose."""
    text = "&".join(f"{name}={said[name]}" for name in sorted(said))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if fault is Kind.UNKNOWN_SERIAL else keys.signs_with[0]
    signed = {**said, "sign_type": "RSA2", "sign": _sign(key, text + _spoilt(fault))}
    if fault is Kind.UNSIGNED:
        signed.pop("sign")
    return "&".join(f"{name}={quote_plus(value)}" for name, value in signed.items()).encode()


def _spoilt(fault: Kind | None) -> str:
    """What makes a signature wrong: Alipay has no probes and no freshness, so these are wrong signatures too."""
    return " " if fault in (Kind.BAD_SIGNATURE, Kind.SIGNTEST, Kind.STALE) else ""


def _sign(key: rsa.RSAPrivateKey, text: str) -> str:
    return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
