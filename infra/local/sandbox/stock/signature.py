"""The sandbox's side of the signatures, written by the contract and apart from the plugin, so that each holds the other to it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from threading import Lock

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.stock.keys import Keys

FRESH_S = 300


def _mac(secret: str, *lines: str) -> str:
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Seen:
    """Nonces of the last minutes: a request that comes again is refused."""

    def __init__(self) -> None:
        self._lock, self._until = Lock(), dict[str, float]()

    def is_new(self, nonce: str) -> bool:
        """Whether it was not seen yet; it is from now on."""
        now = time.time()
        with self._lock:
            if len(self._until) > 10_000:
                self._until = {known: until for known, until in self._until.items() if until > now}
            is_new = self._until.get(nonce, 0.0) <= now
            self._until[nonce] = now + 2 * FRESH_S
            return is_new


def why_refused(keys: Keys, seen: Seen, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """Why a request is not believed, "" when it is."""
    at, nonce, given = (headers.get(f"Stock-{name}") or "" for name in ("Timestamp", "Nonce", "Signature"))
    if headers.get("Stock-Key") != keys.key_id:
        return "unknown_key"
    if not (at.isdigit() and abs(time.time() - int(at)) <= FRESH_S):
        return "stale"
    right = (_mac(secret, "STOCK-1-REQUEST", method, path, at, nonce, _digest(body)) for secret in keys.secrets)
    if not any(hmac.compare_digest(one, given) for one in right):
        return "bad_signature"
    return "" if nonce and seen.is_new(nonce) else "replayed"


def answer_headers(keys: Keys, status: int, asked: str, body: bytes, fault: Kind | None = None) -> dict[str, str]:
    """The headers that sign an answer to the request with the nonce ``asked``, spoilt as the script says."""
    if fault is Kind.UNSIGNED:
        return {}
    at = str(int(time.time()) - (2 * FRESH_S if fault is Kind.STALE else 0))
    nonce, asked = secrets.token_hex(16), "0" * 32 if fault is Kind.WRONG_NUMBER else asked
    secret = "another" if fault is Kind.BAD_SIGNATURE else keys.secrets[0]
    made = _mac(secret, "STOCK-1-ANSWER", str(status), asked, at, nonce, _digest(body))
    return _headers(f"{keys.key_id}{'X' if fault is Kind.UNKNOWN_SERIAL else ''}", at, nonce, made)


def _headers(key_id: str, at: str, nonce: str, made: str) -> dict[str, str]:
    return {"Stock-Key": key_id, "Stock-Timestamp": at, "Stock-Nonce": nonce, "Stock-Signature": made}
