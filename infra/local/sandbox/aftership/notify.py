"""What happens to a number is told by itself, again until somebody answers 2xx, to loopback addresses only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from infra.local.sandbox.aftership.front import NAME, Front
from infra.local.sandbox.aftership.keys import Keys
from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.following import STOPPED, Following, Row
from infra.local.sandbox.loopback import deliver
from infra.local.sandbox.provider import Env

#: Seconds before each further try, fourteen tries in all: 30, 60, 120 … (its document on webhooks, read 2026-11).
RETRIES_S = tuple(30 * 2**n for n in range(13))

#: A message of the kind ``stale`` is so old.
STALE_S = 5 * 86_400


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
    spoils = frozenset({Kind.BAD_SIGNATURE, Kind.UNSIGNED, Kind.STALE})

    def __init__(self, book: Following, keys: Keys, front: Front, env: Env) -> None:
        super().__init__(f"sandbox-{NAME}-notices", book, env.script, env.retry_scale)
        self._keys, self._front = keys, front

    def made(self, row: Row, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a message about the number as it stands. Its ``ts`` is real time, as signatures are."""
        never = {**row, "number": "NEVER0000000", "key": "c0-parcel-1"} if fault is Kind.UNKNOWN_REFUND else row
        said = {
            "ts": int(time.time()) - (STALE_S if fault is Kind.STALE else 0),
            "event": "tracking_update",
            "event_id": str(uuid.uuid4()),
            "is_tracking_first_tag": False,
            "msg": self._front.tracking(never),
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        sign = base64.b64encode(hmac.new(self._keys.webhook_secret.encode(), body, hashlib.sha256).digest()).decode()
        headers = {"Content-Type": "application/json", "as-webhook-version": "2026-07"}
        if fault is not Kind.UNSIGNED:
            headers["aftership-hmac-sha256"] = sign[::-1] if fault is Kind.BAD_SIGNATURE else sign
        return headers, body

    def _waiting(self) -> Iterable[Notice]:
        return self._book.pending()

    def _number(self, notice: Notice) -> str:
        return str(self._book.followed(notice["followed"])["number"])

    def _hold(self, notice: Notice) -> None:
        notice |= {"tries": 1, "state": "held"}
        self._book.put_notice(notice)

    def _let_go(self) -> None:
        for row in self._book.held():
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        if notice["what"] == STOPPED:  # it tells nobody that it looks no more
            return True
        row, kind = self._book.followed(notice["followed"]), fault.kind if fault is not None else None
        headers, body = self.made(row, kind)
        status, _ = deliver(str(self._book.setting("notify_url") or ""), headers, body)
        self.deliveries.append(Delivery(row["number"], notice["what"], kind or "", status))
        self._book.parcels.told(NAME, row["key"], row["number"], notice["what"], status, answered=200 <= status < 300)
        return 200 <= status < 300
