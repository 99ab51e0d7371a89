"""What happens to a subscribed parcel is told by itself, all of it each time, again until it is thanked for; to loopback only.

::

    polling ─► shutdown                     it has arrived
       ├─────► abort 3天查询无记录            nobody knows it, three days after it was subscribed
       ├─────► abort, comNew ─► polling     … but another company does: it is followed under that one
       └─────► abort 60天无变化               nothing new in sixty days
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aftersales.tracking import Scan
from infra.local.sandbox.delivery import Deliverer, Notice
from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.kuaidi100.show import ARRIVED, carrier_of, nothing, result, shown
from infra.local.sandbox.kuaidi100.watch import Row, Watch
from infra.local.sandbox.loopback import deliver, is_loopback
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import Env

#: Seconds before each further try: after half an hour, three times (the platform's document, read 2026-11).
RETRIES_S = (1_800, 1_800, 1_800)

#: It gives a number up that nobody knows, and one to which nothing happens.
NO_RECORD_S, NO_CHANGE_S = 3 * 86_400, 60 * 86_400

#: Codes of the platform's for companies under which it finds a parcel that was subscribed under another one.
_COM = {"zto": "zhongtong", "yto": "yuantong", "sf": "shunfeng", "sto": "shentong", "jt": "jtexpress", "best": "huitongkuaidi"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try of telling; ``status`` 0: no answer."""

    number: str
    what: str
    fault: str
    status: int


class Pusher(Deliverer[Watch, Delivery]):
    """Follows what is subscribed and tells, in a thread of its own."""

    retries_s = RETRIES_S
    spoils = frozenset({Kind.BAD_SIGNATURE, Kind.UNSIGNED})

    def __init__(self, watch: Watch, parcels: Parcels, env: Env) -> None:
        super().__init__("sandbox-kuaidi100-pushes", watch, env.script, env.retry_scale)
        self._parcels = parcels
        watch.end = self._follow

    def again(self, number: str) -> bool:
        """Tell all of it once more, unasked (重新推送); False where nobody subscribed it."""
        row = self._book.of(number)
        if row is None:
            return False
        self._book.tell(row, "updateall", self.param(row, "updateall"))
        self.wake()
        return True

    def param(self, row: Mapping[str, Any], status: str, message: str = "", *, com_new: str = "", why: str = "") -> str:
        """The body of a push about a subscription, as things are now."""
        scans = shown(self._parcels, row["com"], row["number"], row["phone"])
        last = result(self._parcels, row["com"], row["number"], scans) if scans else nothing(row["com"], row["number"], why)
        corrected = bool(row["com_old"])
        said = {
            "status": status, "billstatus": "got", "message": message, "autoCheck": "1" if corrected else "0",
            "comOld": row["com_old"], "comNew": com_new or (row["com"] if corrected else ""), "lastResult": last,
        }  # fmt: skip
        return json.dumps(said, ensure_ascii=False)

    def signed(self, param: str, salt: str, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a push."""
        sign = hashlib.md5(f"{param}{salt}".encode(), usedforsecurity=False).hexdigest().upper()
        form = {"sign": sign[::-1] if fault is Kind.BAD_SIGNATURE else sign, "param": param}
        if fault is Kind.UNSIGNED:
            del form["sign"]
        return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode()

    # --- following --------------------------------------------------------------------------------------------------------
    def _follow(self) -> float | None:
        for row in self._book.due():
            self._book.claim(row)
            self._look(row)
        return self._book.next_due()

    def _look(self, row: Row) -> None:
        now = self._book.now()
        scans = shown(self._parcels, row["com"], row["number"], row["phone"], now)
        mark = zlib.crc32(repr(scans).encode())
        if scans and mark != row["told"]:
            row |= {"told": mark, "state": "shutdown" if scans[-1].state in ARRIVED else "polling"}
            self._book.tell(row, row["state"], self.param(row, row["state"]))
        elif not scans and now - row["since"] >= NO_RECORD_S:
            self._give_up(row, stranger=scans is None)
        elif scans and now - max(row["since"], scans[-1].at.timestamp()) >= NO_CHANGE_S:
            row["state"] = "abort"
            self._book.tell(row, "abort", self.param(row, "abort", "60天无变化"))
        self._book.keep(row, self._due(row, scans, now))

    def _give_up(self, row: Row, *, stranger: bool) -> None:
        """Nobody knows it. Where another company does, it is followed under that one."""
        parcel = self._parcels.parcel(row["number"])
        other = _COM.get(parcel.carrier, "") if parcel is not None and parcel.carrier != carrier_of(row["com"]) else ""
        row["state"] = "abort"
        why = "验证码错误" if stranger else "单号不存在或者已经过期"
        self._book.tell(row, "abort", self.param(row, "abort", "3天查询无记录", com_new=other, why=why))
        if other:
            self._book.goes_on(row, other)

    def _due(self, row: Row, scans: tuple[Scan, ...] | None, now: float) -> float | None:
        if row["state"] != "polling":
            return None
        end: float = max(row["since"], scans[-1].at.timestamp()) + NO_CHANGE_S if scans else row["since"] + NO_RECORD_S
        return min(end, self._parcels.next_at(row["number"], now) or end)

    # --- telling ----------------------------------------------------------------------------------------------------------
    def _waiting(self) -> list[Notice]:
        return self._book.pending()

    def _number(self, notice: Notice) -> str:
        return str(notice["number"])

    def _hold(self, notice: Notice) -> None:
        notice |= {"tries": 1, "state": "held"}
        self._book.put_notice(notice)

    def _let_go(self) -> None:
        for row in self._book.held():
            self._book.put_notice({**row, "state": "pending"})
            self._wake.set()

    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else None
        to = urlsplit(notice["callback"])
        if not is_loopback(to.hostname):
            return True
        url = notice["callback"].replace("key=", "key=never-") if kind is Kind.UNKNOWN_REFUND else notice["callback"]
        headers, body = self.signed(notice["param"], notice["salt"], kind)
        status, answer = deliver(url, headers, body)
        try:
            thanked = status == 200 and json.loads(answer).get("result") is True
        except (ValueError, AttributeError):
            thanked = False
        key = parse_qs(to.query).get("key", [""])[0]
        self._parcels.told("kuaidi100", key, notice["number"], notice["what"], status, answered=thanked)
        self.deliveries.append(Delivery(notice["number"], notice["what"], kind or "", status))
        return thanked
