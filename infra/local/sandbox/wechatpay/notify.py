"""Notices: signed, encrypted, tried again on WeChat Pay's schedule, to loopback addresses only."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import SIGNATURES, Fault, Kind, Script
from infra.local.sandbox.loopback import ANSWER_WITHIN_S, deliver
from infra.local.sandbox.wechatpay.book import Book
from infra.local.sandbox.wechatpay.keys import Keys
from infra.local.sandbox.wechatpay.signature import envelope, sign
from infra.local.sandbox.wechatpay.table import Refund, local_time

#: Seconds before each further try (WeChat Pay APIv3 documentation, notices): 15 tries after the first.
RETRIES_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)

#: So many are delivered at the same time.
AT_ONCE = 8

#: A notice that another one is to overtake waits so long for it.
OVERTAKEN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one notice and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    out_refund_no: str
    event: str
    fault: str
    status: int


class Notifier(Deliverer[Book, Delivery]):
    """Ends refunds that are due and delivers their notices, several at a time, in threads of its own."""

    retries_s = RETRIES_S
    spoils = SIGNATURES | {Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER}

    def __init__(self, book: Book, keys: Keys, script: Script, retry_scale: float) -> None:
        super().__init__("sandbox-notices", book, script, retry_scale)
        self._keys = keys
        self._pool = ThreadPoolExecutor(AT_ONCE, "sandbox-notice")
        self._flying: dict[str, Event] = {}
        self._held: list[str] = []

    def stop(self) -> None:
        """End, after the tries under way."""
        super().stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def made(self, refund: Refund, minor: int | None = None, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a notice about ``refund`` as it is now; ``minor`` puts another amount into it."""
        plain = self._plain(refund, _event(refund), minor)
        body = envelope(self._keys, secrets.token_hex(16), _event(refund), local_time(self._book.now()), plain)
        return _headers(self._keys, body, fault), body

    def deliver(self, out_refund_no: str) -> None:
        """Deliver what is due about one refund, and return when it was tried."""
        for notice in self._book.rows("select id from notice where out_refund_no = ? and state = 'pending'", out_refund_no):
            landed = self._begin(notice["id"])
            if landed is None:
                self._fly(notice["id"])
            else:
                landed.wait(ANSWER_WITHIN_S)

    def step(self) -> float | None:
        """Hand everything that is due to the pool. Gives the seconds until there is more to do; None when nothing waits."""
        following = self._book.end_due()
        for notice in self._waiting():
            if self._begin(notice["id"]) is None:
                self._pool.submit(self._fly, notice["id"])
        return self._until([following, None if self._flying else self._book.next_notice_at()])

    def _waiting(self) -> list[Notice]:
        return self._book.pending(self._book.now())

    def _number(self, notice: Notice) -> str:
        return str(notice["out_refund_no"])

    def _begin(self, notice_id: str) -> Event | None:
        """None when this thread is the one to deliver it; otherwise what tells that another one has."""
        with self._lock:
            if notice_id in self._flying:
                return self._flying[notice_id]
            self._flying[notice_id] = Event()
            return None

    def _fly(self, notice_id: str) -> None:
        try:
            notice = self._book.notice(notice_id)  # as it is now: another thread may have been faster
            if notice["state"] == "pending" and notice["next_at"] <= self._book.now() and not self._stopped.is_set():
                self._try(notice)
        finally:
            with self._lock:
                self._flying.pop(notice_id).set()
            self._wake.set()

    def _hold(self, notice: Notice) -> None:
        notice |= {"tries": 1, "next_at": self._book.now() + OVERTAKEN_S}
        self._book.put_notice(notice)
        with self._lock:
            self._held.append(notice["id"])

    def _let_go(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for notice_id in held:
            self._book.put_notice({**self._book.notice(notice_id), "next_at": self._book.now()})

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        refund = self._book.find(notice["out_refund_no"])
        assert refund is not None
        kind, notice_id = fault.kind if fault is not None else None, notice["id"]
        plain = self._plain(refund, notice["event"], fault.minor if fault is not None and kind is Kind.WRONG_AMOUNT else None)
        if kind is Kind.WRONG_NUMBER:
            plain |= {"out_refund_no": f"{refund.out_refund_no}9"}
        if kind is Kind.UNKNOWN_REFUND:
            notice_id = secrets.token_hex(16)
            plain |= {"out_refund_no": f"R{secrets.token_hex(16)}-1", "refund_id": "50300000000000000000000000000000"}
        body = envelope(self._keys, notice_id, notice["event"], local_time(notice["created_at"]), plain)
        status, _ = deliver(refund.notify_url, _headers(self._keys, body, kind), body)
        self.deliveries.append(Delivery(notice_id, plain["out_refund_no"], notice["event"], kind or "", status))
        return status in (200, 204)

    def _plain(self, refund: Refund, event: str, minor: int | None) -> dict[str, Any]:
        said: dict[str, Any] = {
            "mchid": self._keys.mchid,
            "out_trade_no": refund.out_trade_no,
            "transaction_id": refund.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "refund_status": event,
            "user_received_account": refund.account,
            "amount": {
                "total": refund.total,
                "refund": refund.minor if minor is None else minor,
                "payer_total": refund.payer_total,
                "payer_refund": refund.payer_minor if minor is None else minor,
            },
        }
        done = event == "SUCCESS" and refund.success_at is not None
        return said | ({"success_time": local_time(refund.success_at or 0.0)} if done else {})


def _event(refund: Refund) -> str:
    return "SUCCESS" if refund.status == "PROCESSING" else refund.status


def _headers(keys: Keys, body: bytes, fault: Kind | None) -> dict[str, str]:
    return {"Content-Type": "application/json; charset=utf-8", **sign(keys, body, fault)}
