"""Alipay's gateway, as the provider answers it: verify, do (or not), answer (or not)."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import formatdate
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from infra.local.sandbox.alipay.bill import bill_of, rows_of
from infra.local.sandbox.alipay.book import Ask, Book, Refusal
from infra.local.sandbox.alipay.keys import Keys
from infra.local.sandbox.alipay.notify import Notifier
from infra.local.sandbox.alipay.signature import answer, why_refused
from infra.local.sandbox.alipay.tell import BEIJING, query_node, refund_node, yuan
from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind, Script
from infra.local.sandbox.provider import Env, Reply

GATEWAY = "/gateway.do"
FILE = "/downloadBillFile.resource"

METHODS = {
    "alipay.trade.refund": At.CREATE,
    "alipay.trade.fastpay.refund.query": At.QUERY,
    "alipay.data.dataservice.bill.downloadurl.query": At.BILL,
}

#: What may stand in ``biz_content``. Alipay warns that anything else may fail, or refund twice.
NAMES = {
    At.CREATE: {
        "trade_no", "out_trade_no", "refund_amount", "refund_reason", "out_request_no", "refund_goods_detail",
        "refund_royalty_parameters", "query_options", "related_settle_confirm_no", "operator_id", "store_id", "terminal_id",
    },
    At.QUERY: {"trade_no", "out_trade_no", "out_request_no", "query_options"},
    At.BILL: {"bill_type", "bill_date"},
}  # fmt: skip

#: The gateway's own refusals: sub-codes by code, the first where a script names none.
SUB_CODES = {"20000": "isp.unknow-error", "20001": "aop.invalid-auth-token", "40001": "isv.missing-method"} | {
    "40002": "isv.invalid-parameter", "40003": "isv.missing-signature-config", "40005": "isv.app-call-limited",
    "40006": "isv.insufficient-isv-permissions",
}  # fmt: skip

#: Those that come without a signature: the gateway does not know, or does not believe, who asks.
UNSIGNED = frozenset({"isv.missing-app-id", "isv.invalid-app-id", "isv.missing-signature", "isv.invalid-signature"}) | {
    "isv.invalid-signature-type",
    "isv.missing-signature-config",
}

#: How long the address of a bill is valid, and the hour at which the bill of the day before is there.
LINK_S, READY_HOUR = 30.0, 9

_YUAN = re.compile(r"\d{1,13}(\.\d{1,2})?")
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"


class Front:
    """The provider's front: one ``answer`` per HTTP request, from any thread."""

    def __init__(self, env: Env, book: Book, keys: Keys, script: Script, notifier: Notifier) -> None:
        self._env, self._book, self._keys, self._script, self._notifier = env, book, keys, script, notifier
        self._lock, self._calls, self._seconds = Lock(), Counter[str](), Counter[int]()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request. Parameters may stand in the address, in a form, or both."""
        if urlsplit(path).path == FILE:
            reply = self._file(parse_qs(urlsplit(path).query).get("fileId", [""])[0])
        else:
            reply = self._call(_parameters(path, headers, body if method == "POST" else b""))
        self._count("all")
        return replace(reply, headers={**reply.headers, "Date": formatdate(self._book.now(), usegmt=True)})

    def report(self) -> dict[str, Any]:
        """Calls by method, the fullest second, refunds too close to each other, and timestamps that are not Beijing's."""
        with self._lock:
            most = max(self._seconds.values(), default=0)
            return {**self._calls, "most_per_s": most, "too_close": self._book.too_close}

    def _count(self, what: str) -> None:
        with self._lock:
            self._calls[what] += 1
            self._seconds[int(time.time())] += what == "all"

    # --- one call of the gateway --------------------------------------------------------------------------------------
    def _call(self, said: dict[str, str] | None) -> Reply:
        if said is None:
            return self._refused("error_response", "40002", "isv.invalid-parameter", {})
        wrong, at = why_refused(self._keys, said), METHODS.get(said.get("method", ""))
        node = said.get("method", "").replace(".", "_") + "_response" if at else "error_response"
        if wrong:
            return self._refused(node, "40001" if wrong.startswith("isv.missing") else "40002", wrong, said)
        if at is None:
            return self._refused(node, "40002", "isv.invalid-method", said)
        if not self._is_dated(said):
            return self._refused(node, "40002", "isv.invalid-timestamp", said)
        self._count(at)
        try:
            asked = json.loads(said.get("biz_content", ""))
        except ValueError:
            return self._refused(node, "40002", "isv.illegal-json", said)
        if not isinstance(asked, dict) or set(asked) - NAMES[at]:
            return self._no(node, Refusal("ACQ.INVALID_PARAMETER", f"参数无效: {sorted(set(asked) - NAMES[at])}"), said)
        does: dict[At, Callable[[str, dict[str, Any], dict[str, str]], Reply]]
        does = {At.CREATE: self._refund, At.QUERY: self._query, At.BILL: self._bill}
        return does[at](node, asked, said)

    def _is_dated(self, said: Mapping[str, str]) -> bool:
        """Whether the timestamp has its form. Alipay forgives a wrong zone, which is counted here."""
        try:
            at = datetime.strptime(said.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        except ValueError:
            return False
        if abs(at.timestamp() - time.time()) > 300:
            self._count("not_beijing")
        return said.get("version") == "1.0"

    def _refund(self, node: str, asked: dict[str, Any], said: dict[str, str]) -> Reply:
        key = str(asked.get("out_request_no", ""))
        outcome = self._script.take(At.CREATE, key, {Kind.OUTCOME})
        early = self._script.take(At.NOTICE, key, {Kind.EARLY})
        fault = self._script.take(At.CREATE, key)
        if fault is not None and not fault.executed:
            return self._spoilt(node, fault, said, None)
        try:
            after = outcome.seconds if outcome is not None else None
            refund = self._book.refund(_ask(asked), outcome.status_text if outcome is not None else "SUCCESS", after)
        except Refusal as refusal:
            return self._no(node, refusal, said, fault)
        if early is not None:
            self._notifier.step()  # the receiver hears of it before the caller does
        self._notifier.wake()
        made = refund_node(refund, _options(asked))
        if fault is not None and fault.kind is Kind.WRONG_AMOUNT:
            made["refund_fee"] = yuan(fault.minor)
        if fault is not None and fault.kind is Kind.WRONG_NUMBER:
            made["trade_no"] += "X"
        return self._spoilt(node, fault, said, made)

    def _query(self, node: str, asked: dict[str, Any], said: dict[str, str]) -> Reply:
        key = str(asked.get("out_request_no", ""))
        fault = self._script.take(At.QUERY, key)
        self._book.end_due()
        self._notifier.wake()
        try:
            refund = self._book.find(str(asked.get("trade_no", "")), str(asked.get("out_trade_no", "")), key)
        except Refusal as refusal:
            return self._no(node, refusal, said, fault)
        found = query_node(refund, _options(asked)) if refund is not None else {}
        if fault is not None and fault.kind is Kind.WRONG_AMOUNT:
            found["refund_amount"] = yuan(fault.minor)
        if fault is not None and fault.kind is Kind.WRONG_NUMBER:
            found["out_request_no"] = f"{key}X"
        return self._spoilt(node, fault, said, found)

    # --- bills --------------------------------------------------------------------------------------------------------
    def _bill(self, node: str, asked: dict[str, Any], said: dict[str, str]) -> Reply:
        fault = self._script.take(At.BILL, "")
        try:
            day = datetime.strptime(str(asked.get("bill_date")), "%Y-%m-%d").replace(tzinfo=BEIJING)
        except ValueError:
            return self._no(node, Refusal("isv.invalid_arguments", "参数不合法"), said, fault)
        now, ready = self._book.now(), day + timedelta(days=1)
        if asked.get("bill_type") != "trade" or now < ready.timestamp():
            return self._no(node, Refusal("isv.invalid_arguments", "参数不合法"), said, fault)
        early = now < (ready + timedelta(hours=READY_HOUR)).timestamp() or (fault is not None and fault.kind is Kind.NOT_READY)
        self._book.end_due()
        if early or not rows_of(self._book, f"{day:%Y-%m-%d}"):
            return self._no(node, Refusal("isp.bill_not_exist", "账单不存在"), said, fault)
        link, kind = secrets.token_hex(16), f"{fault.kind} {fault.minor}" if fault is not None else ""
        with self._book.base.writing() as db:
            db.execute("insert into link values (?, ?, ?, ?)", (link, f"{day:%Y-%m-%d}", now + LINK_S, kind))
        address = f"{self._env.base_url}{FILE}?bizType=trade&userId={self._keys.seller_id}&fileType=csv.zip&fileId={link}"
        return self._spoilt(node, fault, said, {"bill_download_url": address})

    def _file(self, link: str) -> Reply:
        fault = self._script.take(At.FILE, "")
        rows = self._book.base.rows("select * from link where id = ?", link)
        if not rows or rows[0]["expires_at"] < self._book.now() or (fault is not None and fault.kind is Kind.EXPIRED):
            return Reply(200, "<html>链接已失效</html>".encode(), {"Content-Type": "text/html;charset=utf-8"})
        if fault is not None and fault.kind in (Kind.HTML, Kind.ERROR):
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        kind, _, minor = rows[0]["fault"].partition(" ")
        content = bill_of(self._book, self._keys.seller_id, rows[0]["day"], Kind(kind) if kind else None, int(minor or 1))
        return _acted(Reply(200, content, {"Content-Type": "application/octet-stream"}), fault)

    # --- answers ------------------------------------------------------------------------------------------------------
    def _spoilt(self, node: str, fault: Fault | None, said: Mapping[str, str], made: Mapping[str, Any] | None) -> Reply:
        """The reply with what the script says about it; ``made`` None: nothing was done."""
        if fault is not None and fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        if fault is not None and fault.kind is Kind.ERROR:
            return self._error(node, fault, said)
        if made is None:
            return _acted(self._refused(node, "20000", "isp.unknow-error", said), fault)
        return self._told(node, {"code": "10000", "msg": "Success", **made}, said, fault)

    def _error(self, node: str, fault: Fault, said: Mapping[str, str]) -> Reply:
        """A script's error: ``ACQ.…`` (the business), ``40002 isv.…`` (the gateway), or something that only has a status."""
        code, _, sub_code = fault.code.partition(" ")
        if code in SUB_CODES:
            return self._refused(node, code, sub_code or SUB_CODES[code], said)
        if "." in code or code == "40004":
            return self._no(node, Refusal(sub_code or code, fault.message), said)
        return Reply(fault.status, f"{fault.status} {code}".encode(), {"Content-Type": "text/plain"})

    def _no(self, node: str, refusal: Refusal, said: Mapping[str, str], fault: Fault | None = None) -> Reply:
        if fault is not None and fault.kind in (Kind.HTML, Kind.ERROR):
            return self._spoilt(node, fault, said, None)
        told = {"code": "40004", "msg": "Business Failed", "sub_code": refusal.sub_code, "sub_msg": refusal.message}
        return self._told(node, told, said, fault)

    def _refused(self, node: str, code: str, sub_code: str, said: Mapping[str, str]) -> Reply:
        told = {"code": code, "msg": "Service Currently Unavailable" if code == "20000" else "Invalid Arguments"}
        unsigned = Fault(At.CREATE, Kind.UNSIGNED) if sub_code in UNSIGNED else None
        return self._told(node, {**told, "sub_code": sub_code, "sub_msg": sub_code}, said, unsigned)

    def _told(self, node: str, made: Mapping[str, Any], said: Mapping[str, str], fault: Fault | None) -> Reply:
        kind = fault.kind if fault is not None and fault.kind in SIGNATURES else None
        body = answer(self._keys, node, made, kind, certificates="app_cert_sn" in said)
        return _acted(Reply(200, body, {"Content-Type": "text/html;charset=utf-8"}), fault)


def _acted(reply: Reply, fault: Fault | None) -> Reply:
    """What the socket has to act out."""
    if fault is not None and fault.kind in (Kind.HANG, Kind.CUT, Kind.TRICKLE):
        return replace(reply, kind=fault.kind, seconds=fault.seconds)
    return reply


def _parameters(path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str] | None:
    """The parameters; None when one stands twice or cannot be read. Only forms have them in the body."""
    form = body if "x-www-form-urlencoded" in (headers.get("Content-Type") or "") else b""
    try:
        texts = (urlsplit(path).query, form.decode("ascii"))
        pairs = [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True, errors="strict")]
    except ValueError:
        return None
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def _ask(asked: Mapping[str, Any]) -> Ask:
    """The request for a refund. Raises Refusal when it is not well formed."""
    texts = {name: asked.get(name, "") for name in ("trade_no", "out_trade_no", "out_request_no", "refund_reason", "refund_amount")}
    amount = str(texts.pop("refund_amount"))
    if not all(isinstance(text, str) for text in texts.values()) or not (texts["trade_no"] or texts["out_trade_no"]):
        raise Refusal("ACQ.INVALID_PARAMETER", "参数无效")
    if len(texts["out_request_no"]) > 64 or len(texts["refund_reason"]) > 256 or not _YUAN.fullmatch(amount):
        raise Refusal("ACQ.INVALID_PARAMETER", "参数无效")
    whole, _, rest = amount.partition(".")
    minor = int(whole + rest.ljust(2, "0"))
    if minor == 0:
        raise Refusal("ACQ.REFUND_FEE_ERROR", "交易退款金额有误")
    tells = "deposit_back_info" in _options(asked)
    return Ask(texts["trade_no"], texts["out_trade_no"], texts["out_request_no"], minor, tells)


def _options(asked: Mapping[str, Any]) -> frozenset[str]:
    options = asked.get("query_options") or []
    return frozenset(str(option) for option in options) if isinstance(options, list) else frozenset()
