"""What Kuaidi100 tells by itself, and the settings of its two sides."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from aftersales.errors import BadPlugin, BadSettings, BadSignature, Unknown
from aftersales.registry import Registry
from aftersales.tracking import Found
from plugins.kuaidi100_carrier import build
from plugins.kuaidi100_carrier.sign import query_signature, salt_of

KEY, YTO, NOW = "c1-parcel-1", "YT1234567890123", datetime(2026, 11, 20, 2, tzinfo=UTC)
A_LINE = {"ftime": "2026-11-20 09:00:00", "context": "【杭州市】已揽收", "statusCode": "103", "areaName": "浙江,杭州市,余杭区"}
SETTINGS = {
    "query_url": "https://platform.example/poll/query.do", "subscribe_url": "https://platform.example/poll",
    "customer": "TESTCUSTOMER", "trace_key": "testkey", "push_url": "https://shop.example/v1/callbacks/kuaidi100",
}  # fmt: skip
BOOKING = {
    "base_url": "https://platform.example/order", "notify_url": "https://shop.example/v1/callbacks/kuaidi100",
    "key": "k", "secret": "0123456789" * 4, "companies": "jtexpress",
}  # fmt: skip


def pushed(said: object, key: str = KEY) -> Any:
    """The trace of a push that says this, genuinely signed."""
    param = json.dumps(said, ensure_ascii=False)
    sign = query_signature(param, salt_of("testkey", key), "")
    body = urlencode({"param": param, "sign": sign}).encode()
    (trace,) = build(SETTINGS).pushed({}, {"key": key}, body, NOW).traces
    return trace


def test_each_side_needs_its_own_settings_only() -> None:
    """Who books needs nothing of tracing, who traces nothing of booking; who asks for the other side is told what is missing."""
    both = {"carriers": {"k": "kuaidi100_carrier"}, "tracers": {"k": "kuaidi100_carrier"}}
    booking = Registry({"settings": {"kuaidi100_carrier": BOOKING}, "carriers": both["carriers"]})
    assert booking.carrier("k").companies == ("jtexpress",)
    tracing = Registry({"settings": {"kuaidi100_carrier": SETTINGS}, "tracers": both["tracers"]})
    assert tracing.tracer("k").follows("yto")
    with pytest.raises(BadSettings, match="query_url"):
        Registry({"settings": {"kuaidi100_carrier": BOOKING}, **both}).check()
    with pytest.raises(BadSettings, match="base_url"):
        Registry({"settings": {"kuaidi100_carrier": SETTINGS}, **both}).check()
    Registry({"settings": {"kuaidi100_carrier": {**SETTINGS, **BOOKING}}, **both}).check()


def test_it_is_no_more_than_it_is() -> None:
    """What neither side has it lacks, so that nobody takes it for another port's plugin."""
    assert not hasattr(build({**SETTINGS, **BOOKING}), "refund")
    with pytest.raises(BadPlugin):
        Registry({"settings": {"kuaidi100_carrier": SETTINGS}, "sources": {"k": "kuaidi100_carrier"}}).source("k")


@pytest.mark.parametrize(
    "wrong",
    [
        {"query_url": "http://platform.example"},
        {"push_url": "https://shop.example/" + "x" * 130},
        {"customer": ""},
        {"trace_key": " "},
    ],
    ids=lambda w: next(iter(w)),
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, str]) -> None:
    """Settings that cannot work are refused with their name and without a key."""
    with pytest.raises(BadSettings) as error:
        build({**SETTINGS, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "testkey" not in error.value.message


LAST = {"nu": YTO, "com": "yuantong", "status": "200", "data": [A_LINE]}
NONE = {"message": "快递公司参数异常：单号不存在或者已经过期", "nu": YTO, "com": "yuantong", "status": "201", "data": []}


NO_RECORD, NO_CHANGE = {"status": "abort", "message": "3天查询无记录"}, {"status": "abort", "message": "60天无变化"}
STRANGER = {**NONE, "message": "快递公司参数异常：验证码错误"}
MOVED = {"status": "polling", "autoCheck": "1", "comOld": "yuantong", "comNew": "zhongtong"}


@pytest.mark.parametrize(
    ("said", "last", "found", "over", "frozen", "carrier"),
    [
        ({"status": "polling"}, LAST, Found.KNOWN, False, False, ""),
        ({"status": "updateall"}, LAST, Found.KNOWN, False, False, ""),
        ({"status": "shutdown"}, LAST, Found.KNOWN, True, False, ""),
        ({"status": "polling"}, None, Found.NOT_YET, False, False, ""),
        (NO_RECORD, NONE, Found.NEVER, True, False, ""),
        (NO_CHANGE, LAST, Found.KNOWN, True, True, ""),
        ({**NO_RECORD, "comNew": "zhongtong"}, NONE, Found.NOT_YET, False, False, "zto"),
        (NO_RECORD, STRANGER, Found.OTHER_PARTY, False, False, ""),
        (MOVED, LAST, Found.KNOWN, False, False, "zto"),
        ({**MOVED, "comNew": "unheard-of"}, LAST, Found.KNOWN, False, False, "unheard-of"),
        ({"status": "abort", "message": "?"}, LAST, Found.KNOWN, False, False, ""),
        (NO_RECORD, LAST, Found.KNOWN, False, False, ""),
    ],
)
def test_pushes_mean(said: dict[str, Any], last: object, found: Found, over: bool, frozen: bool, carrier: str) -> None:
    """An end is one by its message; with another company's code it is none, and what was seen once never becomes "never"."""
    trace = pushed({**said, "lastResult": last})
    assert (trace.key, trace.found, trace.over, trace.frozen, trace.carrier) == (KEY, found, over, frozen, carrier)


def test_the_thanks_are_what_it_wants_to_hear() -> None:
    """Anything else is told again."""
    param = json.dumps({"status": "polling", "lastResult": LAST})
    body = urlencode({"param": param, "sign": query_signature(param, salt_of("testkey", KEY), "").lower()}).encode()
    reply = build(SETTINGS).pushed({}, {"key": KEY}, body, NOW).reply
    assert json.loads(reply) == {"result": True, "returnCode": "200", "message": "成功"}


@pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"param=%7B%7D&sign=0", b"a=1&" * 50])
def test_what_is_no_push_is_refused(body: bytes) -> None:
    """Bytes, nothing, a stranger's signature and a flood of fields tell nothing."""
    with pytest.raises(BadSignature):
        build(SETTINGS).pushed({}, {"key": KEY}, body, NOW)


@pytest.mark.parametrize("param", ["x", "[]", "[" * 50_000])
def test_a_signed_push_that_cannot_be_read_is_told_again(param: str) -> None:
    """Genuine and unreadable is not thanked for."""
    body = urlencode({"param": param, "sign": query_signature(param, salt_of("testkey", KEY), "")}).encode()
    with pytest.raises(Unknown):
        build(SETTINGS).pushed({}, {"key": KEY}, body, NOW)
