"""Notices: forms that Alipay posts to the address that was named when the buyer paid. Source: Alipay open platform, async notices.

Signed over all parameters but ``sign`` and ``sign_type``, sorted by name, as they stand before they are encoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aftersales.errors import BadSignature
from plugins.alipay_refund.sign import any_signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

FORM = "application/x-www-form-urlencoded"
_CHARSETS = {"": "utf-8", "utf-8": "utf-8", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}


def opened(keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The parameters of a notice, verified. ``headers`` has lower-case names. Raises BadSignature for everything else."""
    if not headers.get("content-type", "").lower().startswith(FORM):
        raise BadSignature("The message is no form, as Alipay's notices are.")
    raw = _parameters(body)
    signature, kind = raw.get("sign", ""), raw.get("sign_type", "")
    if not signature or kind != "RSA2":
        raise BadSignature("The notice is not signed with RSA2.")
    message = "&".join(f"{k}={v}" for k, v in sorted(raw.items()) if k not in ("sign", "sign_type")).encode("latin-1")
    if not any_signed(keys, signature, message):
        raise BadSignature("The signature does not fit the notice.", todo="Compare Alipay's key in the settings with its console.")
    charset = _CHARSETS.get(raw.get("charset", "").lower())
    if charset is None:
        raise BadSignature("The notice is in an unknown charset.")
    try:
        return {name: value.encode("latin-1").decode(charset) for name, value in raw.items()}
    except ValueError as error:
        raise BadSignature("The notice is not in the charset it names.") from error


def _parameters(body: bytes) -> dict[str, str]:
    """The parameters, each byte as one character (latin-1): the signature covers bytes, whatever their charset is."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding="latin-1", max_num_fields=200)
    except ValueError as error:
        raise BadSignature("The notice cannot be read.") from error
    raw = dict(pairs)
    if len(raw) != len(pairs):
        raise BadSignature("A parameter of the notice stands twice.")
    return raw
