"""The tracer: where a parcel is, and what the platform tells of it by itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlencode

from aftersales.errors import BadSignature, ChannelBusy, Unknown
from aftersales.tracking import Found, Pace, Passage, Pushed, Trace, Waybill
from aftersales.waybill import needs_phone
from plugins.kuaidi100_carrier.company import CODES, ours, tail_of
from plugins.kuaidi100_carrier.post import Post
from plugins.kuaidi100_carrier.reading import scans_of
from plugins.kuaidi100_carrier.setting import Tracing
from plugins.kuaidi100_carrier.sign import check, query_signature, salt_of

log = logging.getLogger(__name__)

#: The platform locks a number that is asked about again sooner (query, read 2026-11).
GAP = timedelta(minutes=30)

#: Characters of a number that it takes.
SHORTEST, LONGEST = 6, 32

#: What it wants to hear; anything else is told again half an hour later, three times.
THANKS = '{"result":true,"returnCode":"200","message":"成功"}'.encode()

#: 查询成功; 验证码错误: the phone is of neither party; 查询无结果: nothing so far, or nobody's number.
DONE, OTHER_PARTY, NOTHING = "200", "408", frozenset({"500", "201"})

#: 提交成功 and 重复订阅: it is told by itself. 600, 601: our key. 700, 701, 702: not this parcel.
SUBSCRIBED, OUR_KEY, NOT_THIS = frozenset({"200", "501"}), frozenset({"503", "600", "601"}), frozenset({"700", "701", "702"})

#: After these it says no more by itself.
ARRIVED = frozenset({Passage.SIGNED, Passage.RETURNED})

#: Words of an end that is told: nothing in three days, nothing new in sixty; and those of a refusal that our haste has earned.
NO_RECORD, NO_CHANGE, WRONG_PHONE, TOO_OFTEN = "无记录", "无变化", "验证码错误", ("频繁", "锁单", "锁定")


class Kuaidi100Tracer:
    """A :class:`~aftersales.ports.Tracer` and :class:`~aftersales.ports.Pushing`. Safe for threads.

    It remembers which number it asked about when, and asks about none again before :data:`GAP` is over, whoever wants to know.
    """

    pace = Pace(batch=1, gap=GAP)

    def __init__(self, setting: Tracing) -> None:
        self._setting, self._post = setting, Post(setting.times)
        self._asked: dict[str, datetime] = {}
        self._lock = Lock()

    def follows(self, carrier: str) -> bool:
        """See :class:`~aftersales.ports.Tracer`. Chinese companies; those abroad are left to others."""
        return carrier in CODES

    def wants_phone(self, carrier: str) -> bool:
        """See :class:`~aftersales.ports.Tracer`."""
        return needs_phone(carrier)

    def trace(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:
        """See :class:`~aftersales.ports.Tracer`. A number that the platform takes in no case is left out."""
        return tuple(self._trace(waybill, now) for waybill in waybills if _asks(waybill))

    def subscribe(self, waybills: Sequence[Waybill], now: datetime) -> frozenset[str]:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Pushing`."""
        return frozenset(waybill.key for waybill in waybills if _asks(waybill) and self._subscribe(waybill))

    def pushed(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Pushed:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Pushing`. The address names our waybill, and the signature is that waybill's own."""
        try:
            form = {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=20).items()}
        except ValueError as error:
            raise BadSignature("The notice is no form.") from error
        key, param = query.get("key", ""), form.get("param", "")
        check(param, salt_of(self._setting.key, key), form.get("sign", ""))
        return Pushed((_told(key, _read(param.encode())),), THANKS)

    def close(self) -> None:
        """Close the connections."""
        self._post.close()

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _trace(self, waybill: Waybill, now: datetime) -> Trace:
        self._take_turn(waybill.number, now)
        asked = {"com": CODES[waybill.carrier], "num": waybill.number, "resultv2": "4"}
        if self.wants_phone(waybill.carrier):
            asked["phone"] = tail_of(waybill.phone)
        param = json.dumps(asked, separators=(",", ":"))
        customer = self._setting.customer
        sign = query_signature(param, self._setting.key, customer)
        said = _read(self._post.form(self._setting.query_url, {"customer": customer, "sign": sign, "param": param}))
        return _answered(waybill, said, now)

    def _take_turn(self, number: str, now: datetime) -> None:
        """Note that the number is asked about now. Raises ChannelBusy where that would be too soon: nothing is sent."""
        with self._lock:
            while self._asked and now - next(iter(self._asked.values())) >= GAP:
                del self._asked[next(iter(self._asked))]
            last = self._asked.get(number)
            if last is not None and now - last < GAP:
                raise ChannelBusy("Kuaidi100 was asked about this number a moment ago.", until=last + GAP)
            self._asked.pop(number, None)
            self._asked[number] = now

    def _subscribe(self, waybill: Waybill) -> bool:
        key = self._setting.key
        parameters = {
            "callbackurl": f"{self._setting.push_url}?{urlencode({'key': waybill.key})}",
            "salt": salt_of(key, waybill.key),
            "resultv2": "4",
        }
        if self.wants_phone(waybill.carrier):
            parameters["phone"] = tail_of(waybill.phone)
        asked = {"company": CODES[waybill.carrier], "number": waybill.number, "key": key, "parameters": parameters}
        said = _read(self._post.form(self._setting.subscribe_url, {"schema": "json", "param": json.dumps(asked)}))
        code = str(said.get("returnCode") or "")
        if code in SUBSCRIBED:
            return True
        if code in OUR_KEY:
            log.error("Kuaidi100 takes no subscription: our key is refused (%s)", code)
        elif code not in NOT_THIS:
            raise Unknown(f"Kuaidi100 answers {code[:8]}.")
        return False


def _asks(waybill: Waybill) -> bool:
    """Whether the platform can be asked: its number is one, and the phone is there where one is needed."""
    if waybill.carrier not in CODES or not SHORTEST <= len(waybill.number) <= LONGEST:
        return False
    return not needs_phone(waybill.carrier) or bool(tail_of(waybill.phone))


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unknown("Kuaidi100's answer is not of its form.") from error
    if not isinstance(said, dict):
        raise Unknown("Kuaidi100's answer is not of its form.")
    return said


def _answered(waybill: Waybill, said: Mapping[str, Any], now: datetime) -> Trace:
    """The answer to a question. Raises Unknown for what says nothing of this number, ChannelBusy where it was asked too often."""
    refused, message = str(said.get("returnCode") or ""), str(said.get("message") or "")
    code = refused or str(said.get("status") or "")
    if code != DONE and any(word in message for word in TOO_OFTEN):
        raise ChannelBusy("Kuaidi100 was asked about this number too often.", until=now + GAP)
    if code == OTHER_PARTY or (code != DONE and WRONG_PHONE in message):
        return Trace(waybill.key, Found.OTHER_PARTY)
    if code in NOTHING:
        return Trace(waybill.key, Found.NOT_YET)
    if code != DONE:
        if code in OUR_KEY:
            log.error("Kuaidi100 answers no question: our key or customer is refused (%s)", code)
        raise Unknown(f"Kuaidi100 answers {code[:8]}.")
    if str(said.get("nu") or "").upper() != waybill.number:
        raise Unknown("Kuaidi100 describes another parcel.")
    return _of(waybill.key, said, asked=waybill.carrier)


def _told(key: str, said: Mapping[str, Any]) -> Trace:
    """What a push says. An end with another company's code is none: it is followed under that one."""
    status, message = str(said.get("status") or ""), str(said.get("message") or "")
    last = said.get("lastResult")
    result: Mapping[str, Any] = last if isinstance(last, Mapping) else {}
    why = message + str(result.get("message") or "")
    moved = str(said.get("comNew") or "")
    trace = _of(key, result, carrier=ours(moved) if moved else "")
    if status == "shutdown":
        return _ended(trace)
    if status != "abort" or moved:
        return trace
    if WRONG_PHONE in why and not trace.scans:
        return Trace(key, Found.OTHER_PARTY)
    if NO_CHANGE in message:
        return Trace(key, trace.found, trace.scans, over=True, frozen=True)
    if NO_RECORD in message and not trace.scans:
        return Trace(key, Found.NEVER, over=True)
    return trace


def _of(key: str, result: Mapping[str, Any], *, asked: str = "", carrier: str = "") -> Trace:
    scans = scans_of(result.get("data") or [])
    if not scans:
        return Trace(key, Found.NOT_YET, carrier=carrier)
    said = ours(str(result.get("com") or ""))
    if asked and said in CODES and said != asked:
        carrier = said
    return Trace(key, Found.KNOWN, scans, carrier, over=scans[-1].state in ARRIVED)


def _ended(trace: Trace) -> Trace:
    return Trace(trace.key, trace.found, trace.scans, trace.carrier, over=True)
