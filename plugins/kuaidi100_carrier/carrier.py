"""The carrier: booking, finding and cancelling an order of merchant shipping, and what the platform tells of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qs, urlencode

from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.pickup import Booking, BookingStatus, Refusal, Slot, Told, Wish
from plugins.kuaidi100_carrier.setting import Setting
from plugins.kuaidi100_carrier.sign import check, salt_of
from plugins.kuaidi100_carrier.wire import Answer, Wire
from plugins.kuaidi100_carrier.word import DONE, FINAL, NOT_COLLECTED, STATUSES, TWICE, refusal_of, slot_of

log = logging.getLogger(__name__)

#: What the platform wants to hear; anything else is told again half an hour later, three times.
THANKS = b'{"result":true,"returnCode":"200","message":"success"}'

#: Between the platform's two numbers in our ``ref``: its task, and the order in it.
APART = "/"


class Kuaidi100Carrier:
    """A :class:`~aftersales.ports.Carrier` and :class:`~aftersales.ports.Telltale`.

    ``now`` is the real time in seconds since 1970: signatures live in it. Safe for threads.
    """

    moves = False
    days_ahead = 2

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting = setting
        self._wire = Wire(setting, now)
        self.companies = setting.companies

    def book(self, wish: Wish, now: datetime) -> Booking:
        """See :class:`~aftersales.ports.Carrier`. What was handed in before is found, not booked again."""
        when = slot_of(wish.slot, now) if wish.slot else None  # it gives no labels
        if when is None:
            return Booking(wish.key, BookingStatus.REFUSED, refusal=Refusal.SLOT_TAKEN)
        said = self._wire.call("bOrder", self._order(wish) | when)
        if said.done and said.code == DONE:
            return Booking(wish.key, BookingStatus.STANDS, _ref(said.data), wish.company, _number(said.data))
        if said.code == TWICE:
            found = self.find(wish.key, "", now)
            if found is None:
                raise Unknown("Kuaidi100 says that it was booked before, and does not find it.")
            return found
        if said.code in FINAL:
            log.warning("Kuaidi100 refuses %s: %s", wish.key, said.code)
            return Booking(wish.key, BookingStatus.REFUSED, refusal=refusal_of(said.code, said.message))
        raise Unknown(f"Kuaidi100 answers {said.code[:8]}.")

    def find(self, key: str, ref: str, now: datetime) -> Booking | None:  # noqa: ARG002 (now is part of the port)
        """See :class:`~aftersales.ports.Carrier`. Without the platform's number only where it is known to find by ours."""
        if not ref and not self._setting.find_by_number:
            raise Unknown("Kuaidi100 is asked by its own number, and never told it.")
        task, _, order = ref.partition(APART)
        said = self._wire.call("detail", {"taskId": task} if ref else {"thirdOrderId": key})
        if said.done and not said.data:
            return None
        if not said.done or said.code != DONE:
            raise Unknown(f"Kuaidi100 answers {said.code[:8]}.")
        return self._read(key, order, said)

    def move(self, key: str, ref: str, slot: Slot, now: datetime) -> Booking:  # noqa: ARG002 (part of the port)
        """Raises Rejected: an order is cancelled and placed anew."""
        raise Rejected("Kuaidi100 moves no orders.", found=key)

    def cancel(self, key: str, ref: str, now: datetime) -> None:
        """See :class:`~aftersales.ports.Carrier`. A refusal may mean that it is cancelled already: the order itself says."""
        task, _, order = ref.partition(APART)
        said = self._wire.call("cancel", {"taskId": task, "orderId": order, "cancelMsg": "暂时不寄件了"})
        if said.done and said.code == DONE:
            return
        found = self.find(key, ref, now)
        if found is not None and found.status is BookingStatus.COLLECTED:
            raise Rejected("It was collected.", found=key)
        if found is None or found.status is BookingStatus.STANDS:
            raise Unknown(f"Kuaidi100 does not cancel: {said.code[:8]}.")

    def told(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Told:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Telltale`. The booking is named in the address, and the signature is that booking's own."""
        try:
            form = {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=20).items()}
        except ValueError as error:
            raise BadSignature("The notice is no form.") from error
        key, param = query.get("key", ""), form.get("param", "")
        check(param, salt_of(self._setting.secret, key), form.get("sign", ""))
        try:
            data = json.loads(param).get("data") or {}
            order = str(data.get("orderId") or "")
        except (ValueError, AttributeError, RecursionError):
            order = ""
        task = form.get("taskId", "")
        return Told(key, f"{task}{APART}{order}" if task and order else "", THANKS)

    def price(self, wish: Wish, now: datetime) -> int:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Telltale`."""
        places = {"sendManPrintAddr": wish.sender.address, "recManPrintAddr": wish.receiver.address}
        said = self._wire.call("price", {"kuaidiCom": wish.company, **places, "weight": _kilograms(wish)})
        if not said.done or said.code != DONE:
            if said.code in FINAL:
                raise Rejected("Kuaidi100 names no price for this.", found=said.code)
            raise Unknown(f"Kuaidi100 answers {said.code[:8]}.")
        try:
            return int((Decimal(str(said.data["price"])) * 100).to_integral_exact())
        except (KeyError, InvalidOperation, ValueError) as error:
            raise Unknown("Kuaidi100's price cannot be read.") from error

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _order(self, wish: Wish) -> dict[str, str]:
        parties: dict[str, str] = {}
        for prefix, party in (("sendMan", wish.sender), ("recMan", wish.receiver)):
            parties |= {f"{prefix}Name": party.name, f"{prefix}Mobile": party.phone, f"{prefix}PrintAddr": party.address}
        return {
            "kuaidicom": wish.company,
            **parties,
            "cargo": wish.goods,
            "weight": _kilograms(wish),
            "payment": "SHIPPER",
            "thirdOrderId": wish.key,
            "callBackUrl": f"{self._setting.notify_url}?{urlencode({'key': wish.key})}",
            "salt": salt_of(self._setting.secret, wish.key),
        }

    def _read(self, key: str, order: str, said: Answer) -> Booking:
        """The order that the platform describes. Raises Unknown for another one than was asked about, or what cannot be read."""
        data, ref = said.data, _ref(said.data)
        if data.get("thirdOrderId") not in (None, "", key) or (order and ref.partition(APART)[2] != order):
            raise Unknown("Kuaidi100 describes another order.")
        try:
            status = int(data["status"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unknown("Kuaidi100's order cannot be read.") from error
        known = STATUSES.get(status)
        if known is None:
            raise Unknown(f"Kuaidi100's order has the status {status}.")
        why = None
        if known is BookingStatus.REFUSED:
            why = Refusal.NOT_FOUND if status == NOT_COLLECTED else refusal_of("", str(data.get("errorMsg") or ""))
        company = str(data.get("kuaidiCom") or data.get("kuaidicom") or "")
        return Booking(key, known, ref, company, _number(data), refusal=why)


def _ref(data: Mapping[str, Any]) -> str:
    task, order = data.get("taskId"), data.get("orderId")
    if not (task and order):
        raise Unknown("Kuaidi100's answer names no order.")
    return f"{task}{APART}{order}"


def _number(data: Mapping[str, Any]) -> str:
    return str(data.get("kuaidinum") or data.get("kuaidiNum") or "")


def _kilograms(wish: Wish) -> str:
    """With three places at most: 1.5 for 1500 g."""
    return f"{Decimal(wish.weight_g) / 1000:f}"
