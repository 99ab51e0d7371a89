"""Notices: signed forms, tried again on Alipay's schedule until the receiver says ``success``, to loopback addresses only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

from infra.local.sandbox.alipay.book import Book
from infra.local.sandbox.alipay.keys import Keys
from infra.local.sandbox.alipay.signature import form
from infra.local.sandbox.alipay.tell import local_time, yuan
from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind, Script
from infra.local.sandbox.loopback import ANSWER_WITHIN_S, deliver

#: Seconds before each further try: 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h (from general knowledge, not checked).
RETRIES_S = (240, 600, 600, 3600, 7200, 21600, 54000)

HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

_UPFRONT = frozenset({Kind.NONE, Kind.LATE, Kind.DUPLICATE, Kind.UNKNOWN_REFUND, Kind.REORDERED})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one notice and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    out_request_no: str
    fault: str
    status: int
    answer: str


class Notifier:
    """Does what is due in the books and delivers notices, in a thread of its own."""

    def __init__(self, book: Book, keys: Keys, script: Script, retry_scale: float) -> None:
        self._book, self._keys, self._script, self._scale = book, keys, script, retry_scale
        self._wake, self._stopped, self._lock = Event(), Event(), Lock()
        self._thread = Thread(target=self._run, name="alipay-notices", daemon=True)
        self._held: set[str] = set()
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

    def made(self, said: Mapping[str, str], fault: Kind | None = None) -> bytes:
        """The body of a notice with these parameters, and those that every notice has."""
        common = {"app_id": self._keys.app_id, "auth_app_id": self._keys.app_id, "notify_time": local_time(self._book.now())}
        seller = {} if "msg_method" in said else {"seller_id": self._keys.seller_id}
        return form(self._keys, {**common, **seller, "notify_id": secrets.token_hex(17), **said}, fault)

    def step(self) -> float | None:
        """Do everything that is due. Gives the seconds until there is more to do; None when nothing waits."""
        with self._lock:
            due = [self._book.end_due()]
            for notice in self._book.pending():
                if notice["next_at"] <= self._book.now() and not self._stopped.is_set():
                    self._try(notice)
                if notice["state"] == "pending" and notice["id"] not in self._held:
                    due.append(notice["next_at"])
            waiting = [at for at in due if at is not None]
            return max(min(waiting) - self._book.now(), 0.0) if waiting else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            wait = self.step()
            self._wake.wait(wait)
            self._wake.clear()

    def _try(self, notice: dict[str, Any]) -> None:
        number = notice["out_request_no"]
        if notice["id"] in self._held:
            return  # another goes first
        upfront = self._script.take(At.NOTICE, number, _UPFRONT) if notice["tries"] == 0 else None
        if upfront is not None and upfront.kind is Kind.REORDERED:
            self._held.add(notice["id"])
            return
        if upfront is not None and upfront.kind in (Kind.NONE, Kind.LATE):
            late = upfront.kind is Kind.LATE
            notice |= {"tries": 1, "next_at": self._book.now() + upfront.seconds} if late else {"state": "dropped"}
            self._book.put_notice(notice)
            return
        if upfront is not None and upfront.kind is Kind.UNKNOWN_REFUND:
            self._send({**notice, "id": secrets.token_hex(17)}, upfront)
        spoilt = self._script.take(At.NOTICE, number, SIGNATURES | {Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER})
        accepted = self._send(notice, spoilt)
        if upfront is not None and upfront.kind is Kind.DUPLICATE:
            self._send(notice, upfront)
        tries = notice["tries"] + 1
        if accepted or tries > len(RETRIES_S):
            notice |= {"tries": tries, "state": "acknowledged" if accepted else "given up"}
        else:
            notice |= {"tries": tries, "next_at": self._book.now() + RETRIES_S[tries - 1] * self._scale}
        self._book.put_notice(notice)
        if self._held:
            self._held.clear()
            self._wake.set()

    def _send(self, notice: Mapping[str, Any], fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        said = {**notice["said"], "notify_id": notice["id"]}
        if fault is not None and kind is Kind.WRONG_AMOUNT:
            said["refund_fee"] = yuan(fault.minor)
        if kind is Kind.WRONG_NUMBER:
            said["out_biz_no"] = f"{said.get('out_biz_no', '')}X"
        if kind is Kind.UNKNOWN_REFUND:
            said["out_biz_no"] = f"NEVER{secrets.token_hex(8)}"
        status, heard = deliver(notice["notify_url"], HEADERS, self.made(said, kind))
        told = heard[:100].decode(errors="replace")
        self.deliveries.append(Delivery(notice["id"], said.get("out_biz_no", notice["out_request_no"]), kind or "", status, told))
        return status == 200 and told == "success"
