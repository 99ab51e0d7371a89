"""The carrier: placing, finding and cancelling an order that brings goods back, and where parcels are."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from aftersales.errors import ChannelBusy, Rejected, Unknown
from aftersales.pickup import Booking, BookingStatus, Party, Refusal, Slot, Wish
from aftersales.place import place_of
from aftersales.tracking import Pace, Trace, Waybill
from plugins.sf_carrier.route import MOST, is_carried, traced
from plugins.sf_carrier.setting import Setting
from plugins.sf_carrier.wire import Answer, Wire
from plugins.sf_carrier.word import CANCELLED, NO_ORDER, OUT_OF_REACH, REFUSALS, TWICE, local

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Our code for the one company that drives.
COMPANY = "sf"

#: How an order is placed and cancelled, by the setting ``orders``.
SERVICES = {
    "reverse": ("EXP_RECE_CREATE_REVERSE_ORDER", "EXP_RECE_CANCEL_REVERSE_ORDER"),
    "express": ("EXP_RECE_CREATE_ORDER", "EXP_RECE_UPDATE_ORDER"),
}

#: ``dealType`` and ``resStatus``: to cancel, and that it is done.
CANCEL, DONE = 2, "2"


class SfCarrier:
    """A :class:`~aftersales.ports.Carrier` with prices and labels, and a :class:`~aftersales.ports.Tracer`.

    ``now`` is the real time in seconds since 1970: digests live in it. Safe for threads. Its ``ref`` is our own key: SF finds an
    order by it.
    """

    moves = False
    labels = True
    days_ahead = 2
    #: A question holds ten numbers that share a phone, at worst one; SF takes 30 in a second where it counts them (README.md).
    pace = Pace(batch=MOST, gap=timedelta(minutes=30), per_second=3)

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting = setting
        self._wire = Wire(setting, now)
        self.companies: tuple[str, ...] = (COMPANY,) if setting.collects else ()

    # --- goods that are fetched, or brought to a station ----------------------------------------------------------------
    def book(self, wish: Wish, now: datetime) -> Booking:
        """See :class:`~aftersales.ports.Carrier`. Without a slot nobody comes: the number is for goods that are brought."""
        if wish.slot is not None and not self._comes(wish, wish.slot):
            return self.find(wish.key, "", now) or Booking(wish.key, BookingStatus.REFUSED, refusal=Refusal.SLOT_TAKEN)
        said = self._call(SERVICES[self._setting.orders][0], self._order(wish))
        if said.done:
            return _placed(wish.key, said)
        if said.code == TWICE:
            found = self.find(wish.key, "", now)
            if found is None:
                raise Unknown("SF says that it was ordered before, and does not find it.")
            return found
        if said.code in REFUSALS:
            log.warning("SF refuses %s: %s", wish.key, said.code)
            return Booking(wish.key, BookingStatus.REFUSED, refusal=REFUSALS[said.code])
        raise Unknown(f"SF answers {said.code[:8]}.")

    def find(self, key: str, ref: str, now: datetime) -> Booking | None:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Carrier`. Collected is what its routes say, not what its order says."""
        said = self._call("EXP_RECE_SEARCH_ORDER_RESP", {"searchType": "1", "orderId": key, "language": "zh-CN"})
        if said.code in NO_ORDER:
            return None
        if said.code in CANCELLED:
            return Booking(key, BookingStatus.GONE, key, COMPANY)
        if not said.done:
            raise Unknown(f"SF answers {said.code[:8]}.")
        found = _placed(key, said)
        if found.status is BookingStatus.STANDS and _asking(lambda: is_carried(self._wire, key)):
            return Booking(key, BookingStatus.COLLECTED, key, COMPANY, found.number)
        return found

    def move(self, key: str, ref: str, slot: Slot, now: datetime) -> Booking:  # noqa: ARG002 (part of the port)
        """Raises Rejected: an order is cancelled and placed anew."""
        raise Rejected("Orders of SF are not moved here.", found=key)

    def cancel(self, key: str, ref: str, now: datetime) -> None:
        """See :class:`~aftersales.ports.Carrier`. What SF refuses to cancel may have been scanned: its routes say."""
        service = SERVICES[self._setting.orders][1]
        asked: dict[str, Any] = {"orderId": key, "language": "zh-CN"}
        if service == "EXP_RECE_UPDATE_ORDER":
            asked |= {"dealType": CANCEL, "waybillNoInfoList": []}
        said = self._call(service, asked)
        if said.code in CANCELLED or (said.done and str(said.data.get("resStatus", DONE)) == DONE):
            return
        found = self.find(key, ref, now)
        if found is not None and found.status is BookingStatus.COLLECTED:
            raise Rejected("It was collected.", found=key)
        if found is None or found.status is BookingStatus.STANDS:
            raise Unknown(f"SF does not cancel: {said.code[:8]}.")

    def price(self, wish: Wish, now: datetime) -> int:
        """What it would cost, minor units of CNY; see :class:`~aftersales.ports.Telltale`. Booked on the shop's account."""
        asked = {
            "businessType": str(self._setting.product),
            "weight": _kilograms(wish.weight_g),
            "consignedTime": local(wish.slot.start if wish.slot else now),
            "searchPrice": "1",
            "srcAddress": _address(wish.sender),
            "destAddress": _address(wish.receiver),
            "monthlyCard": self._setting.monthly_card,
        }
        said = self._call("EXP_RECE_QUERY_DELIVERTM", asked)
        if not said.done:
            if said.code in REFUSALS:
                raise Rejected("SF names no price for this.", found=said.code)
            raise Unknown(f"SF answers {said.code[:8]}.")
        return _fee(said, str(self._setting.product))

    # --- parcels on their way ---------------------------------------------------------------------------------------------
    def follows(self, carrier: str) -> bool:
        """See :class:`~aftersales.ports.Tracer`."""
        return carrier == COMPANY

    def wants_phone(self, carrier: str) -> bool:
        """See :class:`~aftersales.ports.Tracer`."""
        return carrier == COMPANY

    def trace(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Tracer`. SF tells the routes of three months."""
        return traced(self._wire, waybills)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _call(self, service: str, said: Mapping[str, Any]) -> Answer:
        """One question about an order: asked too often is no answer either."""
        return _asking(lambda: self._wire.call(service, said))

    def _comes(self, wish: Wish, slot: Slot) -> bool:
        """Whether a courier fetches goods there at that time."""
        asked = {
            "address": wish.sender.address,
            "addressType": 1,
            "sendTime": local(slot.start),
            "sysCode": "bsp",
            "version": "V1.1",
            **{name: part for name, part in _address(wish.sender).items() if name in ("province", "city")},
        }
        said = self._call("EXP_EXCE_CHECK_PICKUP_TIME", asked)
        if not said.done:
            return True  # the order itself is refused where nobody comes
        return str(said.data.get("status", True)).lower() != "false"

    def _order(self, wish: Wish) -> dict[str, Any]:
        setting = self._setting
        order: dict[str, Any] = {
            "language": "zh-CN",
            "orderId": wish.key,
            "cargoDetails": [{"name": wish.goods, "count": 1, "unit": "件"}],
            "contactInfoList": [_contact(1, wish.sender), _contact(2, wish.receiver)],
            "monthlyCard": setting.monthly_card,
            "payMethod": setting.pay_method,
            "expressTypeId": setting.product,
            "parcelQty": 1,
            "totalWeight": _kilograms(wish.weight_g),
            "isDocall": 1 if wish.slot else 0,
        }
        if wish.slot is not None:
            order |= {"sendStartTm": local(wish.slot.start), "pickupAppointEndtime": local(wish.slot.end)}
        return order | ({"bizTemplateCode": setting.template} if setting.template else {})


def _asking(question: Callable[[], T]) -> T:
    """The answer, where the port knows no other failure than that there is none."""
    try:
        return question()
    except ChannelBusy as error:
        raise Unknown("SF takes no more calls just now.") from error


def _placed(key: str, said: Answer) -> Booking:
    """The order as SF describes it: it stands, or nobody comes to this address. Raises Unknown for another one."""
    if str(said.data.get("orderId") or key) != key:
        raise Unknown("SF describes another order.")
    if str(said.data.get("filterResult") or "") == OUT_OF_REACH:
        return Booking(key, BookingStatus.REFUSED, key, COMPANY, refusal=Refusal.NO_SERVICE)
    numbers = said.data.get("waybillNoInfoList") or ()
    if not isinstance(numbers, list | tuple) or not all(isinstance(each, dict) for each in numbers):
        raise Unknown("SF's order cannot be read.")
    first = next((str(each.get("waybillNo") or "") for each in numbers if str(each.get("waybillType", 1)) == "1"), "")
    return Booking(key, BookingStatus.STANDS, key, COMPANY, first.upper())


def _fee(said: Answer, product: str) -> int:
    """The price of the product, exact. Raises Rejected where none is named, Unknown for what is no price."""
    options = said.data.get("deliverTmDto") or ()
    try:
        fees = [o.get("fee") for o in options if str(o.get("businessType") or product) == product and o.get("fee") is not None]
        if not fees:
            raise Rejected("SF names no price for this.")
        minor = (Decimal(str(fees[0])) * 100).to_integral_exact()
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise Unknown("SF's price cannot be read.") from error
    if not 0 <= minor < 10**9 or minor != Decimal(str(fees[0])) * 100:
        raise Unknown("SF's price cannot be read.")
    return int(minor)


def _contact(kind: int, party: Party) -> dict[str, Any]:
    """Who sends (1) or receives (2)."""
    mobile = len(party.phone) == 11 and party.phone.startswith("1") and party.phone.isdigit()
    told = {"contactType": kind, "contact": party.name, "country": "CN", "address": party.address}
    place = {name: part for name, part in _address(party).items() if name in ("province", "city")}
    return told | place | {"mobile" if mobile else "tel": party.phone}


def _address(party: Party) -> dict[str, str]:
    """The whole address, with province and city beside it where they are clear."""
    place = place_of(party.address)
    parts = {"province": place.province, "city": place.city, "address": party.address}
    return {name: part for name, part in parts.items() if part}


def _kilograms(weight_g: int) -> float:
    """With two places, and never nothing: 1.5 for 1500 g."""
    return max(0.01, round(weight_g / 1000, 2))
