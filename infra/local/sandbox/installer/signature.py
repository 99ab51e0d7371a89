"""The sandbox's side of the signatures, written by the protocol and apart from the plugin, so that each holds the other to it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.installer.keys import Keys

FRESH_MS = 300_000


def _mac(secret: str, kind: str, about: str, head: Mapping[str, str], body: bytes) -> str:
    lines = (kind, about, head["X-License-Id"], head["X-Timestamp"], head["X-Nonce"], hashlib.sha256(body).hexdigest())
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def why_refused(keys: Keys, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """Why a request is not believed, "" when it is."""
    head = {name: headers.get(name) or "" for name in ("X-License-Id", "X-Timestamp", "X-Nonce")}
    if head["X-License-Id"] != keys.license_id:
        return "unknown_license"
    if not (head["X-Timestamp"].isdigit() and abs(time.time() * 1000 - int(head["X-Timestamp"])) <= FRESH_MS):
        return "stale"
    given = headers.get("X-Sign") or ""
    right = (_mac(secret, "request", path, head, body) for secret in keys.secrets)
    return "" if any(hmac.compare_digest(one, given) for one in right) else "bad_signature"


def signed(keys: Keys, kind: str, about: str, body: bytes, fault: Kind | None = None) -> dict[str, str]:
    """The headers that sign an answer (to the nonce ``about``) or a node, spoilt as the script says."""
    if fault is Kind.UNSIGNED:
        return {}
    at = int(time.time() * 1000) - (2 * FRESH_MS if fault is Kind.STALE else 0)
    license_id = f"{keys.license_id}{'X' if fault is Kind.UNKNOWN_SERIAL else ''}"
    head = {"X-License-Id": license_id, "X-Timestamp": str(at), "X-Nonce": secrets.token_hex(16)}
    secret = "another" if fault is Kind.BAD_SIGNATURE else keys.secrets[0]
    return {**head, "X-Sign": _mac(secret, kind, "0" * 32 if fault is Kind.WRONG_NUMBER else about, head, body)}
