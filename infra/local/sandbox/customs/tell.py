"""The agent pushes receipts: signed forms, tried again at longer and longer intervals, to loopback addresses only."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from infra.local.sandbox.customs.book import Book
from infra.local.sandbox.customs.keys import Keys
from infra.local.sandbox.customs.message import standing
from infra.local.sandbox.customs.signature import SPOILT, signed
from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.loopback import deliver
from infra.local.sandbox.provider import Env

#: Seconds before each further try; our own contract says only that it is told again.
RETRIES_S = (1, 15, 60, 600, 3600)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of one receipt and what the receiver answered; ``status`` 0: no answer."""

    order_no: str
    kind: str
    fault: str
    status: int


class Teller(Deliverer[Book, Delivery]):
    """Pushes receipts in a thread of its own. A fault's ``key`` is the order."""

    retries_s = RETRIES_S
    spoils = SPOILT

    def __init__(self, book: Book, keys: Keys, env: Env) -> None:
        super().__init__("sandbox-customs-receipts", book, env.script, env.retry_scale)
        self._keys = keys

    def made(self, row: Notice, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a push of that receipt. What a message does not say of itself stands beside it."""
        content = bytes(row["content"])
        beside = {"orderNo": row["order_no"], "ebcCode": row["ebc_code"]} if row["kind"] == "818" else {}
        body = urlencode({"data": base64.b64encode(content).decode(), **beside}).encode()
        return {**FORM, **signed(self._keys.secrets[0], "tell", body, fault=fault)}, body

    def _waiting(self) -> list[Notice]:
        return self._book.waiting()

    def _number(self, notice: Notice) -> str:
        return str(notice["order_no"])

    def _hold(self, notice: Notice) -> None:
        notice |= {"tries": 1, "state": "held"}
        self._book.put_notice(notice)

    def _let_go(self) -> None:
        for row in self._book.held():
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        row = notice
        if kind is Kind.UNKNOWN_REFUND:  # about an order that never was
            never = f"NEVER{secrets.token_hex(6)}"
            content = standing("622", never, notice["ebc_code"], "0" * 18, "800", self._book.now())
            row = {**notice, "order_no": never, "kind": "622", "content": content}
        headers, body = self.made(row, kind)
        status, reply = deliver(self._book.url, headers, body)
        self.deliveries.append(Delivery(row["order_no"], row["kind"], kind or "", status))
        return status == 200 and reply == b"true"
