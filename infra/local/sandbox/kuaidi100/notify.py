"""What happens to an order is told by itself, again until it is thanked for, to loopback addresses only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.kuaidi100.book import Book, order_of, task_of, waybill_of
from infra.local.sandbox.loopback import deliver, is_loopback
from infra.local.sandbox.provider import Env

#: Seconds before each further try: after half an hour, three times (the platform's document, read 2026-11).
RETRIES_S = (1_800, 1_800, 1_800)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of telling; ``status`` 0: no answer."""

    number: str
    order_status: int
    fault: str
    status: int


class Notifier(Deliverer[Book, Delivery]):
    """Tells, in a thread of its own."""

    retries_s = RETRIES_S
    spoils = frozenset({Kind.BAD_SIGNATURE, Kind.UNSIGNED, Kind.UNKNOWN_REFUND})

    def __init__(self, book: Book, env: Env) -> None:
        super().__init__("sandbox-kuaidi100-notices", book, env.script, env.retry_scale)

    def made(self, order: Mapping[str, Any], status: int, fault: Kind | None = None) -> tuple[dict[str, str], str, bytes]:
        """Headers, address and body of a notice about the order."""
        asked = json.loads(order["param"])
        data = {"orderId": order_of(order), "status": status, "courierName": "", "courierMobile": ""}
        said = {"kuaidicom": order["com"], "kuaidinum": waybill_of(order), "status": "200", "message": "成功", "data": data}
        param, url = json.dumps(said, ensure_ascii=False), str(asked["callBackUrl"])
        sign = hashlib.md5(f"{param}{asked.get('salt', '')}".encode(), usedforsecurity=False).hexdigest().upper()
        form = {"taskId": task_of(order), "sign": sign[::-1] if fault is Kind.BAD_SIGNATURE else sign, "param": param}
        if fault is Kind.UNSIGNED:
            del form["sign"]
        return {"Content-Type": "application/x-www-form-urlencoded"}, url, urlencode(form).encode()

    def _waiting(self) -> list[Notice]:
        return self._book.pending()

    def _number(self, notice: Notice) -> str:
        order = self._book.order("id", notice["shipping"])
        return str(order["number"]) if order else ""

    def _hold(self, notice: Notice) -> None:
        notice |= {"tries": 1, "state": "held"}
        self._book.put_notice(notice)

    def _let_go(self) -> None:
        for row in self._book.rows("select * from notice where state = 'held'"):
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        order = self._book.order("id", notice["shipping"])
        if order is None:
            return True
        kind = fault.kind if fault is not None else None
        headers, url, body = self.made(order, notice["status"], kind)
        if not is_loopback(urlsplit(url).hostname):
            return True
        status, answer = deliver(url, headers, body)
        self.deliveries.append(Delivery(order["number"], notice["status"], kind or "", status))
        try:
            return status == 200 and json.loads(answer).get("result") is True
        except (ValueError, AttributeError):
            return False
