"""Nodes are told by themselves, again until the answer's ``retCode`` is 200, to loopback addresses only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import SIGNATURES, Fault, Kind
from infra.local.sandbox.installer.book import Book
from infra.local.sandbox.installer.keys import Keys
from infra.local.sandbox.installer.signature import signed
from infra.local.sandbox.loopback import deliver
from infra.local.sandbox.provider import Env

#: Seconds before each further try. The platform says that it tries several times and not how often: these are ours.
RETRIES_S = (15, 60, 300, 1_800, 3_600)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of telling a node; ``status`` 0: no answer."""

    number: str
    word: str
    fault: str
    status: int


class Notifier(Deliverer[Book, Delivery]):
    """Tells the nodes, in a thread of its own."""

    retries_s = RETRIES_S
    spoils = SIGNATURES | {Kind.WRONG_NUMBER}

    def __init__(self, book: Book, keys: Keys, env: Env) -> None:
        super().__init__("sandbox-installer-nodes", book, env.script, env.retry_scale)
        self._keys = keys

    def made(self, node: Mapping[str, Any], fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a call-back about the node; ``unknown_refund`` is one about an order that never was."""
        number = "NEVER-WAS/l1" if fault is Kind.UNKNOWN_REFUND else node["number"]
        said = {"orderStatus": node["status"], "thirdOrderId": number, "data": json.loads(node["data"])}
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json;charset=UTF-8", **signed(self._keys, "node", "", body, fault)}
        return headers, body

    def _waiting(self) -> list[Notice]:
        return [row for row in self._book.pending() if row["state"] == "pending"]

    def _number(self, notice: Notice) -> str:
        return str(notice["number"])

    def _hold(self, notice: Notice) -> None:
        notice |= {"tries": 1, "state": "held"}
        self._book.put_notice(notice)

    def _let_go(self) -> None:
        for row in self._book.rows("select * from node where state = 'held'"):
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        headers, body = self.made(notice, kind)
        status, answer = deliver(str(self._book.setting("notify_url")), headers, body)
        self.deliveries.append(Delivery(notice["number"], notice["status"], kind or "", status))
        try:
            return status == 200 and json.loads(answer).get("retCode") == "200"
        except (ValueError, AttributeError):
            return False
