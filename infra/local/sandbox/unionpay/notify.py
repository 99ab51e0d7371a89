"""Notices: signed forms, tried again on UnionPay's schedule, to loopback addresses only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.loopback import deliver
from infra.local.sandbox.provider import Env
from infra.local.sandbox.unionpay.book import Book
from infra.local.sandbox.unionpay.keys import Keys
from infra.local.sandbox.unionpay.signature import SPOILT
from infra.local.sandbox.unionpay.signature import notice as signed
from infra.local.sandbox.unionpay.table import Refund, told

#: Seconds before each further try: five in all (UnionPay's sample programs: 0, 1, 2 and 4 minutes apart).
RETRIES_S = (0, 60, 120, 240)

#: A receiver that takes longer has not answered; 200 and 302 acknowledge (same source).
ANSWER_WITHIN_S = 10.0
ACKNOWLEDGED = (200, 302)

HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one notice and what the receiver answered; ``status`` 0: no answer."""

    notice_id: str
    key: str
    code: str
    fault: str
    status: int


class Notifier(Deliverer[Book, Delivery]):
    """Ends refunds that are due and delivers their notices, in a thread of its own."""

    retries_s = RETRIES_S
    spoils = SPOILT | {Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER}
    answer_within_s = ANSWER_WITHIN_S

    def __init__(self, book: Book, keys: Keys, env: Env) -> None:
        super().__init__("sandbox-unionpay-notices", book, env.script, env.retry_scale)
        self._keys = keys

    def made(self, refund: Refund, minor: int | None = None, fault: Kind | None = None) -> bytes:
        """The body of a notice about ``refund`` as it is now; ``minor`` puts another amount into it."""
        said = told(refund if minor is None else replace(refund, minor=minor))
        code, message = said.pop("origRespCode"), said.pop("origRespMsg")
        same = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0", "bizType": "000201"}
        about = {"merId": self._keys.mer_id, "orderId": refund.order_id, "txnTime": refund.txn_time, "accNo": "621626******0018"}
        return signed(self._keys, {**said, **same, **about, "respCode": code, "respMsg": message}, fault)

    def _waiting(self) -> list[Notice]:
        return [row for row in self._book.pending() if row["state"] == "pending"]

    def _number(self, notice: Notice) -> str:
        return self._about(notice).key

    def _hold(self, notice: Notice) -> None:
        notice |= {"tries": 1, "state": "held"}
        self._book.put_notice(notice)

    def _let_go(self) -> None:
        for row in self._book.rows("select * from notice where state = 'held'"):
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        refund = about = self._about(notice)
        if kind is Kind.UNKNOWN_REFUND:
            about = replace(refund, order_id=f"NEVER{secrets.token_hex(8).upper()}", own="", query_id="0" * 21)
        elif kind is Kind.WRONG_NUMBER:
            about = replace(refund, order_id=f"{refund.order_id[:39]}X", own="")
        body = self.made(about, fault.minor if fault is not None and kind is Kind.WRONG_AMOUNT else None, kind)
        status, _ = deliver(refund.notify_url, HEADERS, body, ANSWER_WITHIN_S)
        self.deliveries.append(Delivery(notice["id"], about.key, refund.code, kind or "", status))
        return status in ACKNOWLEDGED

    def _about(self, notice: Notice) -> Refund:
        refund = self._book.find(notice["order_id"], notice["txn_time"])
        assert refund is not None
        return refund
