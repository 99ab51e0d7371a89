"""Signatures: MD5 in capitals, ours over the parameters, the platform's over what it tells, with a salt of that thing alone."""

from __future__ import annotations

import hashlib
import hmac

from aftersales.errors import BadSignature


def signature(param: str, t: str, key: str, secret: str) -> str:
    """Of a question: MD5 of ``param + t + key + secret``, hexadecimal in capitals."""
    return _md5(f"{param}{t}{key}{secret}")


def query_signature(param: str, key: str, customer: str) -> str:
    """Of a question about a parcel: MD5 of ``param + key + customer``, likewise."""
    return _md5(f"{param}{key}{customer}")


def salt_of(secret: str, number: str) -> str:
    """What the platform signs with when it tells of this booking or waybill: a notice of one is none of another."""
    return hmac.new(secret.encode(), f"salt\n{number}".encode(), hashlib.sha256).hexdigest()[:32]


def check(param: str, salt: str, given: str) -> None:
    """Say nothing when the notice was signed with ``salt``; raise BadSignature otherwise."""
    if not param or not hmac.compare_digest(_md5(f"{param}{salt}").encode(), given.upper().encode()):
        raise BadSignature("The signature does not fit the notice.")


def _md5(said: str) -> str:
    return hashlib.md5(said.encode(), usedforsecurity=False).hexdigest().upper()  # the platform's choice
