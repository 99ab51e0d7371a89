"""Webhooks: signed, tried again for three days, doubled, late and out of order on a script, to loopback addresses only."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

from infra.local.sandbox.fault import At, Fault, Kind, Script
from infra.local.sandbox.loopback import ANSWER_WITHIN_S, MARK, deliver
from infra.local.sandbox.stripe import shape
from infra.local.sandbox.stripe.book import NUMBER, Book
from infra.local.sandbox.stripe.keys import Keys
from infra.local.sandbox.stripe.table import Refund, made_id

#: Seconds before each further try. Stripe says only: ever longer, for up to three days (Stripe documentation, webhooks).
RETRIES_S = (60, 300, 1800, 7200, 18000, 36000, 86400, 86400)

_SIGNED = frozenset({Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL})
_WORDS = frozenset({Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER})
_UPFRONT = frozenset({Kind.NONE, Kind.LATE, Kind.DUPLICATE, Kind.REORDERED, Kind.UNKNOWN_REFUND})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one event and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    type: str
    number: str
    fault: str
    status: int


class Notifier:
    """Takes the steps that are due and delivers their events, in a thread of its own."""

    def __init__(self, book: Book, keys: Keys, script: Script, retry_scale: float) -> None:
        self._book, self._keys, self._script, self._scale = book, keys, script, retry_scale
        self._wake, self._stopped, self._lock = Event(), Event(), Lock()
        self._thread = Thread(target=self._run, name="sandbox-stripe-events", daemon=True)
        self._held: list[dict[str, Any]] = []
        self.deliveries: list[Delivery] = []

    def start(self) -> None:
        """Begin delivering."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the try under way."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(ANSWER_WITHIN_S + 1)

    def wake(self) -> None:
        """Something new is due, or the clock was moved."""
        self._wake.set()

    def made(self, found: Refund, kind: str = "refund.updated", fault: Fault | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of an event about a refund as it is now, not delivered to anyone."""
        said = shape.refund(found, self._book.paid(found.charge))
        body = json.dumps(shape.event(made_id("evt"), kind, said, {}, self._book.now()), ensure_ascii=False).encode()
        body = _spoilt(body, fault)
        return self._headers(body, fault.kind if fault else None), body

    def step(self) -> float | None:
        """Do everything that is due. Gives the seconds until there is more to do; None when nothing waits."""
        with self._lock:
            due = [self._book.end_due()]
            for event in self._book.pending():
                if event["next_at"] <= self._book.now() and not self._stopped.is_set():
                    self._try(event)
                if event["state"] == "pending":
                    due.append(event["next_at"])
            waiting = [at for at in due if at is not None]
            return max(min(waiting) - self._book.now(), 0.0) if waiting else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            wait = self.step()
            self._wake.wait(wait)
            self._wake.clear()

    def _try(self, event: dict[str, Any]) -> None:
        upfront = self._script.take(At.NOTICE, event["number"], _UPFRONT) if event["tries"] == 0 else None
        kind = upfront.kind if upfront else None
        if upfront and kind in (Kind.NONE, Kind.LATE):
            late = {"tries": 1, "next_at": self._book.now() + upfront.seconds}
            event |= late if kind is Kind.LATE else {"state": "dropped"}
            self._book.put_event(event)
            return
        if kind is Kind.REORDERED:
            event |= {"state": "held"}
            self._book.put_event(event)
            self._held.append(event)
            return
        if upfront and kind is Kind.UNKNOWN_REFUND:
            self._send({**event, "id": made_id("evt")}, upfront)
        spoilt = self._script.take(At.NOTICE, event["number"], _SIGNED | _WORDS)
        self._tried(event, accepted=self._send(event, spoilt))
        if upfront and kind is Kind.DUPLICATE:
            self._send(event, upfront)
        while self._held:  # what this one has overtaken
            behind = self._held.pop(0)
            self._tried(behind, accepted=self._send(behind, Fault(At.NOTICE, Kind.REORDERED)))

    def _tried(self, event: dict[str, Any], *, accepted: bool) -> None:
        tries = event["tries"] + 1
        if accepted or tries > len(RETRIES_S):
            event |= {"tries": tries, "state": "acknowledged" if accepted else "given up"}
        else:
            event |= {"tries": tries, "state": "pending", "next_at": self._book.now() + RETRIES_S[tries - 1] * self._scale}
        self._book.put_event(event)

    def _send(self, event: dict[str, Any], fault: Fault | None) -> bool:
        body = _spoilt(event["body"].encode(), fault)
        status, _ = deliver(self._book.setting("endpoint") or "", self._headers(body, fault.kind if fault else None), body)
        self.deliveries.append(Delivery(event["id"], event["type"], event["number"], fault.kind if fault else "", status))
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
