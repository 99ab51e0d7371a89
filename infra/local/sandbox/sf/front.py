"""The platform's HTTP: check the digest, count the call, hand it to a service, answer (or not)."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.sf import order
from infra.local.sandbox.sf.book import COLLECTED, Book, waybill_of
from infra.local.sandbox.sf.digest import fits
from infra.local.sandbox.sf.keys import Keys
from infra.local.sandbox.sf.route import MOST, refused, routes_of

_PATH = "/sf/std/service"
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"
_FIELDS = ("partnerID", "requestID", "serviceCode", "timestamp", "msgDigest", "msgData")
_ROUTES = "EXP_RECE_SEARCH_ROUTES"

#: Where a fault strikes, by service.
_AT = {
    "EXP_RECE_CREATE_ORDER": At.CREATE,
    "EXP_RECE_CREATE_REVERSE_ORDER": At.CREATE,
    "EXP_RECE_UPDATE_ORDER": At.VOID,
    "EXP_RECE_CANCEL_REVERSE_ORDER": At.VOID,
    "EXP_RECE_SEARCH_ORDER_RESP": At.QUERY,
    _ROUTES: At.LOCK,
    "EXP_EXCE_CHECK_PICKUP_TIME": At.ORDER,
    "EXP_RECE_QUERY_DELIVERTM": At.ORDER,
}


class Front:
    """One ``answer`` per HTTP request, from any thread."""

    def __init__(self, book: Book, keys: Keys, env: Env, parcels: Parcels) -> None:
        self._book, self._keys, self._env, self._parcels = book, keys, env, parcels
        self._lock, self._refused = Lock(), Counter[str]()

    def refusals(self) -> dict[str, int]:
        """How often the platform turned somebody away, by its code."""
        with self._lock:
            return dict(self._refused)

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """The reply to a request. The HTTP status is 200 for every answer; ``apiResultCode`` says what it is."""
        if (method, path.partition("?")[0]) != ("POST", _PATH):
            return Reply(404)
        form = _form(body)
        service = form.get("serviceCode", "")
        if any(not form.get(name) for name in _FIELDS):
            return self._turn_away("A1001", "必传参数不可为空")
        if form["partnerID"] != self._keys.partner_id or service not in _AT:
            return self._turn_away("A1004", "无对应服务权限")
        if not fits(form["msgDigest"], form["msgData"], form["timestamp"], self._keys.checkword):
            return self._turn_away("A1006", "数字签名无效")
        if not self._book.count(service):
            self._parcels.broke("sf", service, "rate")
            if self._env.limited:
                return self._turn_away("A1005", "流量受控")
        try:
            asked = json.loads(form["msgData"])
            fault = self._env.script.take(_AT[service], _about(asked))
        except (ValueError, AttributeError, RecursionError):
            return self._say("S0001", "非法的JSON格式", None)
        if fault is not None and not fault.executed:
            return self._spoilt(fault, self._turn_away("A1099", "系统异常"))
        reply = self._say(*self._done(service, asked))
        return self._spoilt(fault, reply) if fault is not None else reply

    # --- what is asked ------------------------------------------------------------------------------------------------------
    def _done(self, service: str, asked: Mapping[str, Any]) -> order.Said:
        try:
            if service in order.PLACES:
                return order.place(self._book, self._keys, service, asked)
            if service in order.PLACES.values():
                self._scanned(str(asked.get("orderId") or ""))
                return order.cancel(self._book, service, asked)
            if service == "EXP_RECE_SEARCH_ORDER_RESP":
                return order.found(self._book, str(asked.get("orderId") or ""))
            if service == "EXP_EXCE_CHECK_PICKUP_TIME":
                return order.pickup_time(asked)
            return self._routes(asked) if service == _ROUTES else order.price(self._keys, asked)
        except (ValueError, TypeError, AttributeError, KeyError):
            return "S0007", "参数数据类型错误", None

    def _routes(self, asked: Mapping[str, Any]) -> order.Said:
        given = asked.get("trackingNumber") or ()
        if not given or not isinstance(given, list):
            return "8013", "未传入查询单号", None
        if len(given) > MOST:
            self._parcels.broke("sf", str(given[0]), "batch")
            return "8003", "查询单号超过最大限制", None
        by_order = str(asked.get("trackingType") or "1") == "2"
        numbers = [self._waybill(str(number)) if by_order else str(number) for number in given]
        tail = str(asked.get("checkPhoneNo") or "")
        if not by_order and refused(self._parcels, numbers, tail):
            return "S0003", "收寄方电话号码校验不通过", None
        for number in numbers:
            self._parcels.ask("sf", number)
        return "S0000", "", {"routeResps": [routes_of(self._parcels, number, self._env.now()) for number in numbers]}

    def _waybill(self, number: str) -> str:
        found = self._book.order(number)
        return waybill_of(found) if found else number

    def _scanned(self, number: str) -> None:
        """What was scanned is not waited for any more."""
        if self._parcels.shown(self._waybill(number)):
            self._book.become(number, COLLECTED)

    # --- inside -------------------------------------------------------------------------------------------------------------
    def _spoilt(self, fault: Fault, reply: Reply) -> Reply:
        if fault.kind is Kind.ERROR:
            return (
                self._turn_away(fault.code, fault.message) if fault.code[:1] == "A" else self._say(fault.code, fault.message, None)
            )
        if fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        if fault.kind is Kind.WRONG_NUMBER:
            return self._say("S0000", "", {"orderId": "somebody-elses", "waybillNoInfoList": [], "filterResult": 2})
        return Reply(reply.status, reply.body, reply.headers, fault.kind, fault.seconds)

    def _turn_away(self, code: str, message: str) -> Reply:
        with self._lock:
            self._refused[code] += 1
        return _reply({"apiErrorMsg": message, "apiResponseID": uuid.uuid4().hex, "apiResultCode": code, "apiResultData": None})

    def _say(self, code: str, message: str, data: Any) -> Reply:
        said = {"success": code == "S0000", "errorCode": code, "errorMsg": message or None, "msgData": data}
        inner = json.dumps(said, ensure_ascii=False)
        return _reply({"apiErrorMsg": "", "apiResponseID": uuid.uuid4().hex, "apiResultCode": "A1000", "apiResultData": inner})


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; none for what is no form, or has too many."""
    try:
        return {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), max_num_fields=20).items()}
    except ValueError:
        return {}


def _about(asked: Mapping[str, Any]) -> str:
    numbers = asked.get("trackingNumber")
    return str(asked.get("orderId") or (numbers[0] if isinstance(numbers, list) and numbers else ""))


def _reply(said: Mapping[str, Any]) -> Reply:
    return Reply(200, json.dumps(said, ensure_ascii=False).encode(), {"Content-Type": "application/json;charset=UTF-8"})
