"""The platform's HTTP: check the signature, do what is asked, answer (or not)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.kuaidi100.book import CANCELLED, STANDING, Book, order_of, task_of, waybill_of
from infra.local.sandbox.kuaidi100.keys import Keys
from infra.local.sandbox.provider import Env, Reply

_PATH = "/kuaidi100/order/borderapi.do"
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"
_AT = {"bOrder": At.CREATE, "detail": At.QUERY, "cancel": At.VOID, "price": At.ORDER}
_PARTIES = tuple(f"{who}Man{what}" for who in ("rec", "send") for what in ("Name", "Mobile", "PrintAddr"))
_NEEDED = ("kuaidicom", "callBackUrl", *_PARTIES)

#: Bytes and characters of the longest address, call-back address and reason (its documents, read 2026-11).
ADDRESS, CALLBACK, REASON = 300, 200, 30


class Front:
    """One ``answer`` per HTTP request, from any thread."""

    def __init__(self, book: Book, keys: Keys, env: Env, told: Any) -> None:
        self._book, self._keys, self._env, self._told = book, keys, env, told
        self._lock, self._calls = Lock(), Counter[str]()

    def calls(self) -> dict[str, int]:
        """How often what was called, refusals of signatures included."""
        with self._lock:
            return dict(self._calls)

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """The reply to a request. The HTTP status is 200 for every answer; ``returnCode`` says what it is."""
        if (method, path.partition("?")[0]) != ("POST", _PATH):
            return Reply(404)
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        what, param = form.get("method", ""), form.get("param", "")
        right = hashlib.md5(
            f"{param}{form.get('t')}{self._keys.key}{self._keys.secret}".encode(), usedforsecurity=False
        ).hexdigest()
        if form.get("key") != self._keys.key:
            return self._say("600", "您不是合法的用户")
        if not hmac.compare_digest(right.upper(), form.get("sign", "")):
            return self._say("503", "签名认证失败")
        try:
            asked = json.loads(param)
            fault = self._env.script.take(_AT[what], self._number(asked))
        except (ValueError, KeyError, AttributeError):
            return self._say("400", "参数错误")
        self._count(what)
        if fault is not None and not fault.executed:
            return self._spoilt(fault, self._say("500", "服务器错误"))
        reply = {"bOrder": self._place, "detail": self._detail, "cancel": self._cancel, "price": self._price}[what](asked)
        return self._spoilt(fault, reply) if fault is not None else reply

    # --- what is asked ------------------------------------------------------------------------------------------------------
    def _place(self, asked: Mapping[str, Any]) -> Reply:
        lacking = [name for name in _NEEDED if not asked.get(name)]
        long = [n for n in ("recManPrintAddr", "sendManPrintAddr") if len(str(asked.get(n)).encode()) > ADDRESS]
        if lacking or long or len(str(asked.get("callBackUrl")).encode()) > CALLBACK:
            return self._say("400", f"参数错误 {' '.join(lacking + long)}")
        if asked.get("dayType") not in ("今天", "明天", "后天"):
            return self._say("400", "预约时间错误")
        order, fresh = self._book.place(str(asked.get("thirdOrderId") or f"none-{id(asked)}"), asked["kuaidicom"], asked)
        if not fresh:
            return self._say("501", "重复提交")
        return self._say("200", "提交成功", {"taskId": task_of(order), "orderId": order_of(order), "kuaidinum": waybill_of(order)})

    def _detail(self, asked: Mapping[str, Any]) -> Reply:
        order = self._book.order("number", self._number(asked))
        if order is None:
            return self._say("200", "成功", {})
        said = {
            "taskId": task_of(order), "orderId": order_of(order), "kuaidiCom": order["com"], "kuaidiNum": waybill_of(order),
            "status": order["status"], "thirdOrderId": order["number"], "errorMsg": order["error"],
        }  # fmt: skip
        return self._say("200", "成功", said)

    def _cancel(self, asked: Mapping[str, Any]) -> Reply:
        order = self._book.order("number", self._number(asked))
        if order is None or order_of(order) != asked.get("orderId") or len(str(asked.get("cancelMsg") or "")) > REASON:
            return self._say("400", "参数错误")
        if order["status"] not in STANDING or not self._book.become(order["number"], CANCELLED):
            return self._say("500", "订单已取消或已揽收")
        self._told()
        return self._say("200", "提交成功", {})

    def _price(self, asked: Mapping[str, Any]) -> Reply:
        if not (asked.get("kuaidiCom") and asked.get("sendManPrintAddr") and asked.get("recManPrintAddr")):
            return self._say("400", "参数错误")
        yuan = 8 + 2 * max(float(asked.get("weight") or 1) - 1, 0)
        return self._say("200", "成功", {"price": f"{yuan:.2f}", "defPrice": f"{yuan + 2:.2f}", "kuaidiCom": asked["kuaidiCom"]})

    # --- inside -------------------------------------------------------------------------------------------------------------
    def _number(self, asked: Mapping[str, Any]) -> str:
        """Our number of what is asked about, "" where it is of none."""
        if asked.get("taskId"):
            return next((n for n, o in self._book.all().items() if task_of(o) == asked["taskId"]), "")
        return str(asked.get("thirdOrderId") or "")

    def _spoilt(self, fault: Fault, reply: Reply) -> Reply:
        if fault.kind is Kind.ERROR:
            return self._say(fault.code, fault.message)
        if fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        return Reply(reply.status, reply.body, reply.headers, fault.kind, fault.seconds)

    def _say(self, code: str, message: str, data: Mapping[str, Any] | None = None) -> Reply:
        said = {"result": code == "200", "returnCode": code, "message": message, "data": data}
        return Reply(200, json.dumps(said, ensure_ascii=False).encode(), {"Content-Type": "application/json;charset=UTF-8"})

    def _count(self, what: str) -> None:
        with self._lock:
            self._calls[what] += 1
