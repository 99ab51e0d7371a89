"""Notices: signed forms, tried again on Alipay's schedule until the receiver says ``success``, to loopback addresses only."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.local.sandbox.alipay.book import Book
from infra.local.sandbox.alipay.keys import Keys
from infra.local.sandbox.alipay.signature import form
from infra.local.sandbox.alipay.tell import local_time, yuan
from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import SIGNATURES, Fault, Kind, Script
from infra.local.sandbox.loopback import deliver

#: Seconds before each further try: 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h (from general knowledge, not checked).
RETRIES_S = (240, 600, 600, 3600, 7200, 21600, 54000)

HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one notice and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    out_request_no: str
    fault: str
    status: int
    answer: str


class Notifier(Deliverer[Book, Delivery]):
    """Does what is due in the books and delivers notices, in a thread of its own."""

    retries_s = RETRIES_S
    spoils = SIGNATURES | {Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER}

    def __init__(self, book: Book, keys: Keys, script: Script, retry_scale: float) -> None:
        super().__init__("alipay-notices", book, script, retry_scale)
        self._keys = keys
        self._held: set[str] = set()

    def made(self, said: Mapping[str, str], fault: Kind | None = None) -> bytes:
        """The body of a notice with these parameters, and those that every notice has."""
        common = {"app_id": self._keys.app_id, "auth_app_id": self._keys.app_id, "notify_time": local_time(self._book.now())}
        seller = {} if "msg_method" in said else {"seller_id": self._keys.seller_id}
        return form(self._keys, {**common, **seller, "notify_id": secrets.token_hex(17), **said}, fault)

    def _waiting(self) -> Iterator[Notice]:
        return (notice for notice in self._book.pending() if notice["id"] not in self._held)

    def _number(self, notice: Notice) -> str:
        return str(notice["out_request_no"])

    def _hold(self, notice: Notice) -> None:
        notice["state"] = "held"  # here only: in the books it stays pending, and is free again after a restart
        self._held.add(notice["id"])

    def _let_go(self) -> None:
        if self._held:
            self._held.clear()
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        notice_id = secrets.token_hex(17) if kind is Kind.UNKNOWN_REFUND else notice["id"]
        said: dict[str, str] = {**notice["said"], "notify_id": notice_id}
        if fault is not None and kind is Kind.WRONG_AMOUNT:
            said["refund_fee"] = yuan(fault.minor)
        if kind is Kind.WRONG_NUMBER:
            said["out_biz_no"] = f"{said.get('out_biz_no', '')}X"
        if kind is Kind.UNKNOWN_REFUND:
            said["out_biz_no"] = f"NEVER{secrets.token_hex(8)}"
        status, heard = deliver(notice["notify_url"], HEADERS, self.made(said, kind))
        told = heard[:100].decode(errors="replace")
        self.deliveries.append(Delivery(notice_id, said.get("out_biz_no", self._number(notice)), kind or "", status, told))
        return status == 200 and told == "success"
