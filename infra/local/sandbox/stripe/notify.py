"""Webhooks: signed, tried again for three days, doubled, late and out of order on a script, to loopback addresses only."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass

from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import At, Fault, Kind, Script
from infra.local.sandbox.loopback import MARK, deliver
from infra.local.sandbox.stripe import shape
from infra.local.sandbox.stripe.book import NUMBER, Book
from infra.local.sandbox.stripe.keys import Keys
from infra.local.sandbox.stripe.table import Refund, made_id

#: Seconds before each further try. Stripe says only: ever longer, for up to three days (Stripe documentation, webhooks).
RETRIES_S = (60, 300, 1800, 7200, 18000, 36000, 86400, 86400)

_SIGNED = frozenset({Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL})
_WORDS = frozenset({Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one event and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    type: str
    number: str
    fault: str
    status: int


class Notifier(Deliverer[Book, Delivery]):
    """Takes the steps that are due and delivers their events, in a thread of its own."""

    retries_s = RETRIES_S
    spoils = _SIGNED | _WORDS

    def __init__(self, book: Book, keys: Keys, script: Script, retry_scale: float) -> None:
        super().__init__("sandbox-stripe-events", book, script, retry_scale)
        self._keys = keys
        self._held: list[Notice] = []

    def made(self, found: Refund, kind: str = "refund.updated", fault: Fault | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of an event about a refund as it is now, not delivered to anyone."""
        said = shape.refund(found, self._book.paid(found.charge))
        body = json.dumps(shape.event(made_id("evt"), kind, said, {}, self._book.now()), ensure_ascii=False).encode()
        body = _spoilt(body, fault)
        return self._headers(body, fault.kind if fault else None), body

    def _waiting(self) -> list[Notice]:
        return self._book.pending()

    def _number(self, notice: Notice) -> str:
        return str(notice["number"])

    def _hold(self, notice: Notice) -> None:
        notice["state"] = "held"
        self._book.put_notice(notice)
        self._held.append(notice)

    def _let_go(self) -> None:
        while self._held:
            behind, now = self._held.pop(0), self._book.now()
            self._tried(behind, now, accepted=self._send(behind, Fault(At.NOTICE, Kind.REORDERED)))

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        body = _spoilt(notice["body"].encode(), fault)
        status, _ = deliver(self._book.setting("endpoint") or "", self._headers(body, kind), body)
        notice_id = made_id("evt") if kind is Kind.UNKNOWN_REFUND else notice["id"]
        self.deliveries.append(Delivery(notice_id, notice["type"], notice["number"], kind or "", status))
        return 200 <= status < 300

    def _headers(self, body: bytes, fault: Kind | None) -> dict[str, str]:
        plain = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (sandbox)"}
        if fault is Kind.UNSIGNED:
            return plain
        secrets = [f"whsec_{MARK}unknown"] if fault is Kind.UNKNOWN_SERIAL else self._keys.signing
        return {**plain, "Stripe-Signature": signature(secrets, body, fault)}


def signature(secrets: list[str], body: bytes, fault: Kind | None = None) -> str:
    """The header: the real time, and one ``v1`` per secret. ``fault`` spoils it on purpose."""
    at = str(int(time.time()) - (600 if fault is Kind.STALE else 0))
    signed = at.encode() + b"." + body + (b" " if fault is Kind.BAD_SIGNATURE else b"")
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={one}" for one in made), f"v0={hashlib.sha256(signed).hexdigest()}"])


def _spoilt(body: bytes, fault: Fault | None) -> bytes:
    """The body with another amount, another number, or about a refund that never was; signed as it is, and nothing else changed."""
    if fault is None or fault.kind not in (_WORDS | {Kind.UNKNOWN_REFUND}):
        return body
    said = json.loads(body)
    about = said["data"]["object"]
    if fault.kind is Kind.WRONG_AMOUNT:
        about["amount"] = fault.minor
    elif fault.kind is Kind.WRONG_NUMBER:
        about["metadata"] = {NUMBER: "RNEVER-1"}
    else:
        said["id"], about["id"] = made_id("evt"), made_id("re")
    return json.dumps(said, ensure_ascii=False).encode()
