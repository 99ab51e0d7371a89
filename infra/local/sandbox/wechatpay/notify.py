"""Notices: signed, encrypted, tried again on WeChat Pay's schedule, to loopback addresses only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind, Script
from infra.local.sandbox.loopback import ANSWER_WITHIN_S, deliver
from infra.local.sandbox.wechatpay.book import Book, Refund, local_time
from infra.local.sandbox.wechatpay.keys import Keys
from infra.local.sandbox.wechatpay.signature import envelope, sign

#: Seconds before each further try (WeChat Pay APIv3 documentation, notices): 15 tries after the first.
RETRIES_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)

_UPFRONT = frozenset({Kind.NONE, Kind.LATE, Kind.DUPLICATE, Kind.UNKNOWN_REFUND})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one notice and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    out_refund_no: str
    event: str
    fault: str
    status: int


class Notifier:
    """Ends refunds that are due and delivers their notices, in a thread of its own."""

    def __init__(self, book: Book, keys: Keys, script: Script, retry_scale: float) -> None:
        self._book, self._keys, self._script, self._scale = book, keys, script, retry_scale
        self._wake, self._stopped, self._lock = Event(), Event(), Lock()
        self._thread = Thread(target=self._run, name="sandbox-notices", daemon=True)
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

    def made(self, refund: Refund, minor: int | None = None, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a notice about ``refund`` as it is now; ``minor`` puts another amount into it."""
        body = envelope(self._keys, secrets.token_hex(16), _event(refund), local_time(self._book.now()), self._plain(refund, minor))
        return _headers(self._keys, body, fault), body

    def step(self) -> float | None:
        """Do everything that is due. Gives the seconds until there is more to do; None when nothing waits."""
        with self._lock:
            due = [self._book.end_due()]
            for notice in self._book.pending():
                if notice["next_at"] <= self._book.now() and not self._stopped.is_set():
                    self._try(notice)
                if notice["state"] == "pending":
                    due.append(notice["next_at"])
            waiting = [at for at in due if at is not None]
            return max(min(waiting) - self._book.now(), 0.0) if waiting else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            wait = self.step()
            self._wake.wait(wait)
            self._wake.clear()

    def _try(self, notice: dict[str, Any]) -> None:
        refund = self._book.find(notice["out_refund_no"])
        assert refund is not None
        upfront = self._script.take(At.NOTICE, refund.out_refund_no, _UPFRONT) if notice["tries"] == 0 else None
        if upfront is not None and upfront.kind in (Kind.NONE, Kind.LATE):
            late = upfront.kind is Kind.LATE
            notice |= {"tries": 1, "next_at": self._book.now() + upfront.seconds} if late else {"state": "dropped"}
            self._book.put_notice(notice)
            return
        if upfront is not None and upfront.kind is Kind.UNKNOWN_REFUND:
            self._send(refund, {**notice, "id": secrets.token_hex(16)}, upfront)
        spoilt = self._script.take(At.NOTICE, refund.out_refund_no, SIGNATURES | {Kind.WRONG_AMOUNT})
        accepted = self._send(refund, notice, spoilt)
        if upfront is not None and upfront.kind is Kind.DUPLICATE:
            self._send(refund, notice, upfront)
        tries = notice["tries"] + 1
        if accepted or tries > len(RETRIES_S):
            notice |= {"tries": tries, "state": "acknowledged" if accepted else "given up"}
        else:
            notice |= {"tries": tries, "next_at": self._book.now() + RETRIES_S[tries - 1] * self._scale}
        self._book.put_notice(notice)

    def _send(self, refund: Refund, notice: dict[str, Any], fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        plain = self._plain(refund, fault.minor if fault is not None and kind is Kind.WRONG_AMOUNT else None)
        if kind is Kind.UNKNOWN_REFUND:
            plain |= {"out_refund_no": f"NEVER-{secrets.token_hex(8)}", "refund_id": "50300000000000000000000000000000"}
        body = envelope(self._keys, notice["id"], notice["event"], local_time(notice["created_at"]), plain)
        status, _ = deliver(refund.notify_url, _headers(self._keys, body, kind), body)
        self.deliveries.append(Delivery(notice["id"], plain["out_refund_no"], notice["event"], kind or "", status))
        return status in (200, 204)

    def _plain(self, refund: Refund, minor: int | None) -> dict[str, Any]:
        said: dict[str, Any] = {
            "mchid": self._keys.mchid,
            "out_trade_no": refund.out_trade_no,
            "transaction_id": refund.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "refund_status": _event(refund),
            "user_received_account": ACCOUNT,
            "amount": {
                "total": refund.total,
                "refund": refund.minor if minor is None else minor,
                "payer_total": refund.payer_total,
                "payer_refund": refund.payer_minor if minor is None else minor,
            },
        }
        return said | ({"success_time": local_time(refund.success_at)} if refund.success_at is not None else {})


#: Where the sandbox's refunds arrive.
ACCOUNT = "招商银行信用卡0403"


def _event(refund: Refund) -> str:
    return "SUCCESS" if refund.status == "PROCESSING" else refund.status


def _headers(keys: Keys, body: bytes, fault: Kind | None) -> dict[str, str]:
    return {"Content-Type": "application/json; charset=utf-8", **sign(keys, body, fault)}
