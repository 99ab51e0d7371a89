"""Alipay's signatures (RSA2), both ways. Source: Alipay open platform, signing and verification of requests, answers and notices.

A request is signed over its parameters as they are meant, an answer over the very characters of its node, a notice over its
parameters as they came. Nothing is believed that was not verified.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

_SPACE = frozenset(" \t\r\n")


class Doubtful(Exception):
    """The words are incomplete, contradict themselves, or speak of something else than was asked."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as it came: the node's exact bytes and what they say, beside the signature over them ("" when there is none)."""

    raw: bytes
    said: Mapping[str, Any]
    sign: str
    cert_sn: str


# --- requests ---------------------------------------------------------------------------------------------------------
def request_message(parameters: Mapping[str, str]) -> bytes:
    """The bytes a request's signature covers: all that is not empty, but ``sign``, sorted by name, values raw and not encoded."""
    return "&".join(f"{k}={v}" for k, v in sorted(parameters.items()) if v != "" and k != "sign").encode()


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """RSA PKCS#1 v1.5 over SHA-256, base64."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(key: RSAPublicKey, signature: str, message: bytes) -> bool:
    """Whether the signature (base64) is this key's over the message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def any_signed(keys: Mapping[str, RSAPublicKey], signature: str, message: bytes, cert_sn: str = "") -> bool:
    """Whether one of the keys signed it: the one that ``cert_sn`` names, where an answer names one that could be ours to know."""
    named = {cert_sn: keys[cert_sn]} if cert_sn in keys else {} if cert_sn else keys
    return any(is_signed(key, signature, message) for key in named.values())


# --- answers ----------------------------------------------------------------------------------------------------------
def told(body: bytes, method: str) -> Told:
    """The answer to ``method``, not verified yet. Raises Doubtful for what is no answer of Alipay's.

    The node is cut out by reading the JSON, not by counting braces: ``a}b{c`` may stand in a text. A name that stands twice is
    refused, for two readers could see two answers. Numbers are kept as the texts they are.
    """
    members = _members(body)
    nodes = [name for name in (method.replace(".", "_") + "_response", "error_response") if name in members]
    if len(nodes) != 1:
        raise Doubtful("it has no node of its own")
    raw, said = members[nodes[0]]
    signature, cert_sn = (members.get(name, (b"", ""))[1] for name in ("sign", "alipay_cert_sn"))
    if not isinstance(said, dict) or not isinstance(signature, str) or not isinstance(cert_sn, str):
        raise Doubtful("it is not of its form")
    return Told(raw, said, signature, cert_sn)


def _members(body: bytes) -> dict[str, tuple[bytes, Any]]:
    """The members of a JSON object: the exact bytes of each value, and the value. Raises Doubtful."""
    try:
        return _object(body.decode())
    except (ValueError, RecursionError) as error:
        raise Doubtful("it is no JSON object") from error


def _object(text: str) -> dict[str, tuple[bytes, Any]]:
    at, found = _past(text, 0, "{"), dict[str, tuple[bytes, Any]]()
    while True:
        name, at = _DECODER.raw_decode(text, _past(text, at, '"') - 1)
        begin = _past(text, _past(text, at, ":"))
        value, at = _DECODER.raw_decode(text, begin)
        if name in found:
            raise ValueError("a name stands twice")
        found[name] = (text[begin:at].encode(), value)
        at = _past(text, at)
        if text[at : at + 1] != ",":
            break
        at += 1
    if _past(text, _past(text, at, "}")) != len(text):
        raise ValueError("more after its end")
    return found


def _past(text: str, at: int, mark: str = "") -> int:
    """The place after the space at ``at``, and after ``mark``, which must follow."""
    while text[at : at + 1] in _SPACE:
        at += 1
    if not text.startswith(mark, at):
        raise ValueError(f"{mark} expected")
    return at + len(mark)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _never(_: str) -> NoReturn:
    raise ValueError("no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=str, parse_int=str, parse_constant=_never, strict=False)
