"""UnionPay's back-office calls, as the provider answers them: verify, do (or not), answer (or not)."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from infra.local.sandbox.fault import At, Fault, Kind, Script
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.unionpay.book import Book
from infra.local.sandbox.unionpay.keys import Keys
from infra.local.sandbox.unionpay.notify import Notifier
from infra.local.sandbox.unionpay.signature import SPOILT, answer, fields_in, why_refused
from infra.local.sandbox.unionpay.statement import content_of, settled_on
from infra.local.sandbox.unionpay.table import WORDS, Ask, Refusal, told

BACK = "/gateway/api/backTransReq.do"
QUERY = "/gateway/api/queryTrans.do"
FILE = "/filedownload/"

#: One transaction is asked for at most so often in :data:`ASK_AGAIN_S` seconds (sample programs: at most 6 times, 1 to 32 s apart).
MOST_QUERIES, ASK_AGAIN_S = 6, 64

#: What a merchant gives as backUrl who wants no notice.
NO_NOTICE = "http://www.specialurl.com"

_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"
_FORMS = {
    "orderId": r"[0-9A-Za-z]{8,40}",
    "txnTime": r"20[0-9]{12}",
    "txnAmt": r"[1-9][0-9]{0,11}",
    "origQryId": r"[0-9A-Za-z]{1,21}",
    "currencyCode": r"156",
    "backUrl": r"[^?#]{1,256}",
    "reqReserved": r".{0,1024}",  # any: what a merchant puts there and cannot read in the answer is its own trouble
}
_ASKED = ("orderId", "txnTime", "txnAmt", "origQryId", "backUrl")
_ECHOED = ("version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType", "merId", "orderId", "txnTime")


class Rate:
    """Counts calls, and how often one transaction was asked for lately; a test can assert that a limit was never exceeded."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: dict[str, list[float]] = defaultdict(list)
        self._calls: Counter[str] = Counter()
        self._most = 0

    def count(self, what: str) -> None:
        """One more call."""
        with self._lock:
            self._calls[what] += 1

    def asked(self, name: str) -> int:
        """How often this transaction was asked for in the last minute, this time included."""
        with self._lock:
            now = time.monotonic()
            self._asked[name] = [at for at in self._asked[name] if at > now - ASK_AGAIN_S] + [now]
            self._most = max(self._most, len(self._asked[name]))
            return len(self._asked[name])

    def report(self) -> dict[str, Any]:
        """Calls by operation and result, and the most queries of one transaction in a minute."""
        with self._lock:
            return {**self._calls, "most_queries": self._most, "exceeded": self._most > MOST_QUERIES}


class Front:
    """The provider's front: one ``answer`` per HTTP request, from any thread."""

    def __init__(self, book: Book, keys: Keys, env: Env, notifier: Notifier) -> None:
        self._book, self._keys, self._env, self._notifier = book, keys, env, notifier
        self._script: Script = env.script
        self.rate = Rate()

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """The reply to a request."""
        operation = {BACK: At.CREATE, QUERY: At.QUERY, FILE: At.BILL}.get(path) if method == "POST" else None
        if operation is None:
            return Reply(404, _PAGE % 404, {"Content-Type": "text/html"})
        try:
            said = fields_in(body)
        except ValueError:
            return self._say({}, {}, "13")
        wrong = why_refused(self._keys, said)
        if wrong or said.get("merId") != self._keys.mer_id:
            self.rate.count("unsigned")
            return self._say(said, {}, "11", f"{WORDS['11']}[9100004]{wrong}")
        self.rate.count(str(operation))
        return {At.CREATE: self._create, At.QUERY: self._query, At.BILL: self._file}[operation](said)

    def _create(self, said: Mapping[str, str]) -> Reply:
        key = said.get("reqReserved") or said.get("orderId", "")
        outcome = self._script.take(At.CREATE, key, {Kind.OUTCOME})
        early = self._script.take(At.NOTICE, key, {Kind.EARLY})
        fault = self._script.take(At.CREATE, key, frozenset(Kind) - {Kind.OUTCOME})
        if fault is not None and not fault.executed:
            return self._spoilt(fault, said, {}, "34")
        code, message, more = "00", "", {}
        try:
            delay_s = outcome.seconds if outcome is not None else 3600.0 if early is not None else None
            ends_as = outcome.status_text.replace("SUCCESS", "00") if outcome is not None else "00"
            refund = self._book.refund(ask_of(said), ends_as, delay_s)
            more = {"txnAmt": str(refund.minor), "origQryId": refund.transaction_id, "queryId": refund.query_id}
            if early is not None:
                self._book.end(refund.order_id, refund.txn_time)
                self._notifier.step()  # the receiver hears of it before the caller does
        except Refusal as error:
            code, message = error.code, error.message
        self._notifier.wake()
        return self._spoilt(fault, said, more, code, message)

    def _query(self, said: Mapping[str, str]) -> Reply:
        order_id, txn_time = said.get("orderId", ""), said.get("txnTime", "")
        often = self.rate.asked(f"{order_id}/{txn_time}")
        self._book.end_due()
        self._notifier.wake()
        refund = self._book.find(order_id, txn_time)
        fault = self._script.take(At.QUERY, refund.key if refund is not None else "")
        if self._env.limited and often > MOST_QUERIES:
            return self._say(said, {}, "37")
        if refund is None:
            return self._spoilt(fault, said, {}, NOT_FOUND)
        return self._spoilt(fault, said, told(refund), "00")

    def _file(self, said: Mapping[str, str]) -> Reply:
        text = said.get("settleDate", "")
        fault = self._script.take(At.BILL, text)
        settled = settled_on(text, self._book.now())
        if (said.get("txnType"), said.get("txnSubType"), said.get("fileType")) != ("76", "01", "00") or settled is None:
            return self._say(said, {}, "10")
        made = content_of(self._book, self._keys.mer_id, settled, fault)
        if made is None:
            return self._spoilt(fault, said, {}, "98")
        return self._spoilt(fault, said, {"fileName": made[0], "fileContent": made[1], "settleDate": text}, "00")

    def _spoilt(self, fault: Fault | None, said: Mapping[str, str], more: Mapping[str, str], code: str, message: str = "") -> Reply:
        """The reply with what the script says about it. ERROR with status 200 is a signed answer with its ``code``."""
        if fault is None:
            return self._say(said, more, code, message)
        if fault.kind is Kind.ERROR and fault.status == 200:
            return self._say(said, {}, fault.code, fault.message)
        if fault.kind in (Kind.HTML, Kind.ERROR):
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        if fault.kind is Kind.WRONG_AMOUNT:
            more = {**more, "txnAmt": str(fault.minor)}
        if fault.kind is Kind.WRONG_NUMBER:
            more = {**more, "orderId": f"{said.get('orderId', '')[:39]}X"}
        reply = self._say(said, more, code, message, fault.kind if fault.kind in SPOILT else None)
        if fault.kind in (Kind.HANG, Kind.CUT, Kind.TRICKLE):
            return replace(reply, kind=fault.kind, seconds=fault.seconds)
        return reply

    def _say(
        self, said: Mapping[str, str], more: Mapping[str, str], code: str, message: str = "", fault: Kind | None = None
    ) -> Reply:
        """A signed answer: what UnionPay repeats of the request, the code, and ``more``."""
        echoed = {name: said[name] for name in (*_ECHOED, "reqReserved") if said.get(name)}
        fixed = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": "01",
            "respCode": code,
            "respMsg": message or WORDS.get(code, code),
        }
        self.rate.count("good" if code == "00" else "bad")
        body = answer(self._keys, {**echoed, **fixed, **more}, fault)
        return Reply(200, body, {"Content-Type": "text/html;charset=UTF-8"})


#: A query's code for a transaction that is not there.
NOT_FOUND = "34"


def ask_of(said: Mapping[str, str]) -> Ask:
    """The request in these fields. Raises Refusal when it is not well formed."""
    if any(not said.get(name) for name in _ASKED):
        raise Refusal("13")
    if (said.get("txnType"), said.get("txnSubType"), said.get("bizType")) != ("04", "00", "000201"):
        raise Refusal("32")
    wrong = [name for name, pattern in _FORMS.items() if name in said and not re.fullmatch(pattern, said[name])]
    if wrong:
        raise Refusal("10", f"{WORDS['10']}[{wrong[0]}]")
    url = "" if said["backUrl"].lower() == NO_NOTICE else said["backUrl"]
    return Ask(said["orderId"], said["txnTime"], said["origQryId"], int(said["txnAmt"]), said.get("reqReserved", ""), url)
