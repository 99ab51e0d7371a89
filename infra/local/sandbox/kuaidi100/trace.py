"""Questions about parcels, and subscriptions: ``/poll/query.do`` and ``/poll``. Signatures are of the bytes that came."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.kuaidi100.keys import Keys
from infra.local.sandbox.kuaidi100.show import carrier_of, result, shown
from infra.local.sandbox.kuaidi100.watch import Watch
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import Env, Reply

QUERY, SUBSCRIBE = "/kuaidi100/poll/query.do", "/kuaidi100/poll"
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"

#: Seconds between two questions about one number; characters of a number; bytes of a call-back's address.
GAP_S, SHORTEST, LONGEST, CALLBACK = 1_800, 6, 32, 200


class TraceFront:
    """One ``answer`` per HTTP request, from any thread. ``told`` wakes who tells."""

    def __init__(self, watch: Watch, parcels: Parcels, keys: Keys, env: Env, told: Callable[[], None]) -> None:
        self._watch, self._parcels, self._keys, self._env, self._told = watch, parcels, keys, env, told
        self._lock, self._calls = Lock(), Counter[str]()

    def calls(self) -> dict[str, int]:
        """How often what was called, by its answer."""
        with self._lock:
            return dict(self._calls)

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """The reply to a request. The HTTP status is 200 for every answer."""
        if method != "POST":
            return Reply(404)
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), keep_blank_values=True).items()}
        ask, at = (self._query, At.QUERY) if path.partition("?")[0] == QUERY else (self._subscribe, At.CREATE)
        number = self._number(form)
        fault = self._env.script.take(at, number)
        if fault is not None and not fault.executed:
            return self._spoilt(fault, self._no("501", "服务器错误"))
        reply = ask(form)
        return self._spoilt(fault, reply) if fault is not None else reply

    # --- what is asked ----------------------------------------------------------------------------------------------------
    def _query(self, form: Mapping[str, str]) -> Reply:
        param, customer = form.get("param", ""), form.get("customer", "")
        right = hashlib.md5(f"{param}{self._keys.key}{self._keys.customer}".encode(), usedforsecurity=False).hexdigest().upper()
        signed = hmac.compare_digest(right, form.get("sign", "").encode("ascii", "replace").decode())
        if not signed or customer != self._keys.customer:
            return self._no("503", "验证签名失败")
        try:
            asked = json.loads(param)
            com, number, phone = str(asked["com"]), str(asked["num"]), str(asked.get("phone") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._no("400", "提交的数据不完整")
        if not carrier_of(com) or not SHORTEST <= len(number) <= LONGEST:
            return self._no("400", "找不到对应公司")
        if not self._parcels.ask("kuaidi100", number, GAP_S):
            return self._no("500", "查询过于频繁，该单号已锁单，请半小时后再试")
        scans = shown(self._parcels, com, number, phone)
        if scans is None:
            return self._no("408", "快递公司参数异常：验证码错误")
        if not scans:
            return self._no("500", "查询无结果，请隔段时间再查")
        self._count("query 200")
        return _say(result(self._parcels, com, number, scans))

    def _subscribe(self, form: Mapping[str, str]) -> Reply:
        try:
            asked = json.loads(form.get("param", ""))
            com, number, key, more = str(asked["company"]), str(asked["number"]), asked["key"], dict(asked["parameters"])
            callback, salt, phone = str(more["callbackurl"]), str(more.get("salt") or ""), str(more.get("phone") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._no("700", "订阅数据存在错误", "poll")
        if key != self._keys.key:
            return self._no("600", "您不是合法的订阅者", "poll")
        if not carrier_of(com) or not SHORTEST <= len(number) <= LONGEST or len(callback.encode()) > CALLBACK:
            return self._no("700", "不支持的快递公司", "poll")
        if not self._watch.subscribe(com, number, callback, salt, phone):
            return self._no("501", "重复订阅", "poll")
        self._told()
        self._count("poll 200")
        return _say({"result": True, "returnCode": "200", "message": "提交成功"})

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _number(self, form: Mapping[str, str]) -> str:
        try:
            asked = json.loads(form.get("param", ""))
            return str(asked.get("num") or asked.get("number") or "")
        except (ValueError, AttributeError, RecursionError):
            return ""

    def _spoilt(self, fault: Fault, reply: Reply) -> Reply:
        if fault.kind is Kind.ERROR:
            return self._no(fault.code, fault.message)
        if fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        return Reply(reply.status, reply.body, reply.headers, fault.kind, fault.seconds)

    def _no(self, code: str, message: str, what: str = "query") -> Reply:
        self._count(f"{what} {code}")
        return _say({"result": False, "returnCode": code, "message": message})

    def _count(self, what: str) -> None:
        with self._lock:
            self._calls[what] += 1


def _say(said: Mapping[str, Any]) -> Reply:
    return Reply(200, json.dumps(said, ensure_ascii=False).encode(), {"Content-Type": "application/json;charset=UTF-8"})
