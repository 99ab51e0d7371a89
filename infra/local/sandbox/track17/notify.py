"""What happens to a number is told by itself, again until somebody answers 200, to loopback addresses only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.following import STOPPED, Following, Row
from infra.local.sandbox.loopback import deliver
from infra.local.sandbox.provider import Env
from infra.local.sandbox.track17.front import NAME, Front
from infra.local.sandbox.track17.keys import Keys

#: Seconds before each further try: ten minutes, half an hour and an hour. From memory: nothing that could be read says so.
RETRIES_S = (600, 1_800, 3_600)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of telling; ``status`` 0: no answer."""

    number: str
    event: str
    fault: str
    status: int


class Notifier(Deliverer[Following, Delivery]):
    """Tells, in a thread of its own."""

    retries_s = RETRIES_S
    spoils = frozenset({Kind.BAD_SIGNATURE, Kind.UNSIGNED})

    def __init__(self, book: Following, keys: Keys, front: Front, env: Env) -> None:
        super().__init__(f"sandbox-{NAME}-notices", book, env.script, env.retry_scale)
        self._keys, self._front = keys, front

    def made(self, row: Row, what: str, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a message about the number as it stands; the one that it stopped says no more than that."""
        never = {**row, "number": "NEVER0000000", "key": "c0-parcel-1"} if fault is Kind.UNKNOWN_REFUND else row
        entry = self._front.entry(never)
        if what == STOPPED:
            del entry["track_info"]
        said: dict[str, Any] = {"event": "TRACKING_STOPPED" if what == STOPPED else "TRACKING_UPDATED", "data": entry}
        body = json.dumps(said, ensure_ascii=False).encode()
        sign = hashlib.sha256(body + b"/" + self._keys.key.encode()).hexdigest()
        headers = {"Content-Type": "application/json", "sign": sign[::-1] if fault is Kind.BAD_SIGNATURE else sign}
        if fault is Kind.UNSIGNED:
            del headers["sign"]
        return headers, body

    def _waiting(self) -> Iterable[Notice]:
        return self._book.pending()

    def _number(self, notice: Notice) -> str:
        return str(self._book.followed(notice["followed"])["number"])

    def _hold(self, notice: Notice) -> None:
        self._book.put_notice({**notice, "tries": 1, "state": "held"})
        notice |= {"tries": 1, "state": "held"}

    def _let_go(self) -> None:
        for row in self._book.held():
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        row, kind = self._book.followed(notice["followed"]), fault.kind if fault is not None else None
        headers, body = self.made(row, notice["what"], kind)
        status, _ = deliver(str(self._book.setting("notify_url") or ""), headers, body)
        self.deliveries.append(Delivery(row["number"], notice["what"], kind or "", status))
        self._book.parcels.told(NAME, row["key"], row["number"], notice["what"], status, answered=status == 200)
        return status == 200
