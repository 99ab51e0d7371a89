"""Notices: signed forms, tried again on UnionPay's schedule, to loopback addresses only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread
from typing import Any

from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.loopback import deliver
from infra.local.sandbox.provider import Env
from infra.local.sandbox.unionpay.book import Book
from infra.local.sandbox.unionpay.keys import Keys
from infra.local.sandbox.unionpay.signature import SPOILT, notice
from infra.local.sandbox.unionpay.table import Refund, told

#: Seconds before each further try: five in all (UnionPay's sample programs: 0, 1, 2 and 4 minutes apart).
RETRIES_S = (0, 60, 120, 240)

#: A receiver that takes longer has not answered; 200 and 302 acknowledge (same source).
ANSWER_WITHIN_S = 10.0
ACKNOWLEDGED = (200, 302)

HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}

_UPFRONT = frozenset({Kind.NONE, Kind.LATE, Kind.DUPLICATE, Kind.UNKNOWN_REFUND, Kind.REORDERED})
_IN_IT = SPOILT | {Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one notice and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    key: str
    code: str
    fault: str
    status: int


class Notifier:
    """Ends refunds that are due and delivers their notices, in a thread of its own."""

    def __init__(self, book: Book, keys: Keys, env: Env) -> None:
        self._book, self._keys, self._script, self._scale = book, keys, env.script, env.retry_scale
        self._wake, self._stopped, self._lock = Event(), Event(), Lock()
        self._thread = Thread(target=self._run, name="sandbox-unionpay-notices", daemon=True)
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

    def made(self, refund: Refund, minor: int | None = None, fault: Kind | None = None) -> bytes:
        """The body of a notice about ``refund`` as it is now; ``minor`` puts another amount into it."""
        said = told(refund if minor is None else replace(refund, minor=minor))
        code, message = said.pop("origRespCode"), said.pop("origRespMsg")
        same = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0", "bizType": "000201"}
        about = {"merId": self._keys.mer_id, "orderId": refund.order_id, "txnTime": refund.txn_time, "accNo": "621626******0018"}
        return notice(self._keys, {**said, **same, **about, "respCode": code, "respMsg": message}, fault)

    def step(self) -> float | None:
        """Do everything that is due. Gives the seconds until there is more to do; None when nothing waits."""
        with self._lock:
            due = [self._book.end_due()]
            for row in self._book.pending():
                if row["state"] == "pending" and row["next_at"] <= self._book.now() and not self._stopped.is_set():
                    self._try(row)
                if row["state"] == "pending":
                    due.append(row["next_at"])
            waiting = [at for at in due if at is not None]
            return max(min(waiting) - self._book.now(), 0.0) if waiting else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            wait = self.step()
            self._wake.wait(wait)
            self._wake.clear()

    def _try(self, row: dict[str, Any]) -> None:
        refund = self._book.find(row["order_id"], row["txn_time"])
        assert refund is not None
        upfront = self._script.take(At.NOTICE, refund.key, _UPFRONT) if row["tries"] == 0 else None
        if upfront is not None and upfront.kind in (Kind.NONE, Kind.LATE, Kind.REORDERED):
            changed: Mapping[Kind, dict[str, Any]] = {
                Kind.NONE: {"state": "dropped"},
                Kind.LATE: {"tries": 1, "next_at": self._book.now() + upfront.seconds},
                Kind.REORDERED: {"tries": 1, "state": "held"},
            }
            row |= changed[upfront.kind]
            self._book.put_notice(row)
            return
        if upfront is not None and upfront.kind is Kind.UNKNOWN_REFUND:
            self._send(replace(refund, order_id=f"NEVER{secrets.token_hex(8).upper()}", own="", query_id="0" * 21), row, upfront)
        accepted = self._send(refund, row, self._script.take(At.NOTICE, refund.key, _IN_IT))
        if upfront is not None and upfront.kind is Kind.DUPLICATE:
            self._send(refund, row, upfront)
        tries = row["tries"] + 1
        if accepted or tries > len(RETRIES_S):
            row |= {"tries": tries, "state": "acknowledged" if accepted else "given up"}
        else:
            row |= {"tries": tries, "next_at": self._book.now() + RETRIES_S[tries - 1] * self._scale}
        self._book.put_notice(row)
        self._release()

    def _release(self) -> None:
        """What was held back until another one went first may go now."""
        for row in self._book.rows("select * from notice where state = 'held'"):
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, refund: Refund, row: Mapping[str, Any], fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        about = replace(refund, own="", order_id=f"{refund.order_id[:39]}X") if kind is Kind.WRONG_NUMBER else refund
        body = self.made(about, fault.minor if fault is not None and kind is Kind.WRONG_AMOUNT else None, kind)
        status, _ = deliver(refund.notify_url, HEADERS, body, ANSWER_WITHIN_S)
        self.deliveries.append(Delivery(row["id"], about.key, refund.code, kind or "", status))
        return status in ACKNOWLEDGED
