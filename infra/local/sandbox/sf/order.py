"""Orders as the platform takes, finds and cancels them; its answers are ``(errorCode, errorMsg, msgData)``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.local.sandbox.sf.book import CANCELLED, STANDS, Book, waybill_of
from infra.local.sandbox.sf.keys import Keys
from infra.local.sandbox.sf.route import BEIJING

Said = tuple[str, str, Any]

#: Services that place an order, and the one that cancels what it placed.
PLACES = {"EXP_RECE_CREATE_ORDER": "EXP_RECE_UPDATE_ORDER", "EXP_RECE_CREATE_REVERSE_ORDER": "EXP_RECE_CANCEL_REVERSE_ORDER"}

_UNKNOWN, _GONE, _CONFIRMED = ("8018", "未获取到订单信息", None), ("8037", "已消单", None), ("8252", "订单已确认", None)

#: What is wrong where it is empty, by contact type.
_LACKS = {
    1: (("1010", "address"), ("1011", "contact"), ("1012", "phone")),
    2: (("1014", "address"), ("1015", "contact"), ("1016", "phone")),
}


def place(book: Book, keys: Keys, service: str, asked: Mapping[str, Any]) -> Said:
    """Place an order: once for each number of the client's."""
    number = str(asked.get("orderId") or "")
    wrong = ("S0002", "必填参数orderId为空", None) if not number or len(number) > 64 else _wrong(keys, asked, book.now())
    if wrong is not None:
        return wrong
    if not book.place(number, service, asked):
        return "8016", "重复下单", None
    return found(book, number)


def found(book: Book, number: str) -> Said:
    """The order of that number; one that was cancelled says so."""
    order = book.order(number)
    if order is None:
        return _UNKNOWN
    if order["state"] == CANCELLED:
        return _GONE
    return "S0000", "", _described(order)


def cancel(book: Book, service: str, asked: Mapping[str, Any]) -> Said:
    """Cancel an order by the service that goes with the one that placed it; what SF has the goods of is not cancelled."""
    order = book.order(str(asked.get("orderId") or ""))
    if order is None or PLACES[order["service"]] != service:
        return _UNKNOWN
    if service == "EXP_RECE_UPDATE_ORDER" and str(asked.get("dealType")) != "2":
        return "6136", "未传入订单确认信息", None
    if order["state"] == CANCELLED:
        return _GONE
    if order["state"] != STANDS or not book.become(order["number"], CANCELLED):
        return _CONFIRMED
    return "S0000", "", {**_described(order), "resStatus": 2}


def pickup_time(asked: Mapping[str, Any]) -> Said:
    """Whether a courier comes at that time: from eight to eight, wherever it is."""
    try:
        at = datetime.strptime(str(asked["sendTime"]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except (KeyError, ValueError):
        return "S0002", "必填参数sendTime为空", None
    if not asked.get("address"):
        return "S0002", "必填参数address为空", None
    window = {"status": 8 <= at.hour < 20, "startTm": "0800", "endTm": "2000"}
    return "S0000", "", window if asked.get("version") == "V1.1" else window["status"]


def price(keys: Keys, asked: Mapping[str, Any]) -> Said:
    """What it costs: 12 yuan for the first kilogram, 2.50 for each further one begun."""
    if not (asked.get("srcAddress") or {}).get("address") or not (asked.get("destAddress") or {}).get("address"):
        return "S0002", "必填参数为空", None
    if asked.get("monthlyCard") not in (None, keys.monthly_card):
        return "8119", "月结卡号不存在或已失效", None
    kind, kg = str(asked.get("businessType") or "2"), float(asked.get("weight") or 1)
    fee = 12 + 2.5 * max(0, -(-kg // 1) - 1)
    priced = str(asked.get("searchPrice")) == "1"
    line = {
        "businessType": kind,
        "businessTypeDesc": "顺丰标快",
        "fee": fee if priced else None,
        "searchPrice": "1" if priced else "0",
    }
    return "S0000", "", {"deliverTmDto": [line]}


def _described(order: Mapping[str, Any]) -> dict[str, Any]:
    numbers = [{"waybillType": 1, "waybillNo": waybill_of(order)}]
    return {"orderId": order["number"], "waybillNoInfoList": numbers, "filterResult": 2, "remark": None}


def _wrong(keys: Keys, asked: Mapping[str, Any], now: float) -> Said | None:
    contacts = {c.get("contactType"): c for c in asked.get("contactInfoList") or () if isinstance(c, dict)}
    for kind, lacks in _LACKS.items():
        said = contacts.get(kind) or {}
        has = {"address": said.get("address"), "contact": said.get("contact"), "phone": said.get("mobile") or said.get("tel")}
        for code, name in lacks:
            if not has[name]:
                return code, f"{name}不能为空", None
    if not (asked.get("cargoDetails") or [{}])[0].get("name"):
        return "1023", "拖寄物品名不能为空", None
    if asked.get("monthlyCard") != keys.monthly_card:
        return "8119", "月结卡号不存在或已失效", None
    start = asked.get("sendStartTm")
    if start and datetime.strptime(str(start), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp() < now:
        return "20034", "预约时间必须大于当前时间", None
    return None


def asked_of(order: Mapping[str, Any]) -> dict[str, Any]:
    """What the client asked for when it placed the order."""
    said: dict[str, Any] = json.loads(order["said"])
    return said
