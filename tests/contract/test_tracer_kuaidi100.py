"""Kuaidi100 as a tracer: the contract over real HTTP, its signatures, every code, its half hour, and what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from aftersales.errors import BadSignature, ChannelBusy, Unknown
from aftersales.testing.tracer import BUYER_TAIL, SHOP_TAIL, TracerContract, a_waybill, scans
from aftersales.tracking import Found, Passage, Scan
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import End
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server
from plugins.kuaidi100_carrier import build
from plugins.kuaidi100_carrier.sign import query_signature

P = Passage
Push = tuple[dict[str, str], dict[str, str], bytes]
BUYER, SHOP = End("杭州市", BUYER_TAIL), End("烟台市", SHOP_TAIL)
YTO = "YT1234567890123"
KEY = "c1-parcel-1"


class SandboxBench:
    """The sandbox is the platform; SF, which it follows by phone."""

    carrier, number, pushes = "sf", "SF1234567890123", True

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("kuaidi100")
        self.tracer: Any = build({**sandbox.settings(provider="kuaidi100"), "read_s": 1})
        self.now = datetime.fromtimestamp(int(sandbox.now()), UTC)

    def happen(self, number: str, scans: Sequence[Scan]) -> None:
        """See the kit."""
        self.sandbox.parcels.happen(number, self.carrier if number == self.number else "yto", BUYER, SHOP, scans)

    def fall_silent(self) -> None:
        """See the kit."""
        self.sandbox.fault(Fault(At.QUERY, Kind.HANG, executed=False), provider="kuaidi100")

    def move(self, by: timedelta) -> None:
        """See the kit."""
        self.now += by
        self.sandbox.set_clock(self.sandbox.offset_s + by.total_seconds())

    def push(self, key: str) -> Push:
        """See the kit."""
        found: Push = self.other.push_of(key)
        return found

    def forged(self, push: Push, how: str) -> Push:
        """See the kit."""
        headers, query, body = push
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if how == "body":
            form["param"] = form["param"].replace("杭州", "北京")
        if how == "sign":
            form["sign"] = form["sign"][::-1]
        if how == "none":
            del form["sign"]
        return headers, query, urlencode(form).encode()


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def bench(neighbours: WechatKeys) -> Iterator[SandboxBench]:
    """The plugin and a fresh platform."""
    with Sandbox(keys=neighbours) as sandbox:
        bench = SandboxBench(sandbox)
        yield bench
        bench.tracer.close()


class TestPlugin(TracerContract):
    """The plugin against our sandbox."""


# --- what the platform says, without it -----------------------------------------------------------------------------------
SETTINGS = {
    "query_url": "https://platform.example/poll/query.do", "subscribe_url": "https://platform.example/poll",
    "customer": "TESTCUSTOMER", "trace_key": "testkey", "push_url": "https://shop.example/v1/callbacks/kuaidi100",
}  # fmt: skip


@contextmanager
def saying(body: bytes) -> Iterator[Any]:
    """A tracer whose platform answers everything with ``body``."""
    server = Server("odd", "127.0.0.1", 0, lambda *_: Reply(200, body))
    server.start()
    tracer = build({**SETTINGS, "query_url": f"{server.url}/q", "subscribe_url": f"{server.url}/s", "total_s": 2})
    yield tracer
    tracer.close()
    server.stop()


NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
A_LINE = {"ftime": "2026-11-20 09:00:00", "context": "【杭州市】已揽收", "statusCode": "103", "areaName": "浙江,杭州市,余杭区"}


def answer(*lines: Mapping[str, Any], **more: Any) -> bytes:
    """The platform's answer about the usual parcel."""
    return json.dumps({"message": "ok", "nu": YTO, "com": "yuantong", "status": "200", "data": list(lines), **more}).encode()


def refusal(code: str, message: str = "") -> bytes:
    """The platform's refusal."""
    return json.dumps({"result": False, "returnCode": code, "message": message}).encode()


# --- signatures and settings ----------------------------------------------------------------------------------------------
def test_the_signature_is_the_platforms() -> None:
    """MD5 over parameters, key and customer without anything between, in capitals (computed with md5sum)."""
    param = '{"com":"yuantong","num":"YT9876543210123"}'
    assert query_signature(param, "testkey", "TESTCUSTOMER") == "A4E6F387195764F6008FED0112701B4C"


def test_a_push_of_one_waybill_is_none_of_another(bench: SandboxBench) -> None:
    """The salt is the waybill's own: what was signed for one key is refused under another's, though every byte is genuine."""
    bench.tracer.subscribe([a_waybill(bench.number, bench.carrier)], bench.now)
    bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
    headers, _, body = bench.push(KEY)
    with pytest.raises(BadSignature):
        bench.tracer.pushed(headers, {"key": "c2-parcel-1"}, body, bench.now)
    with pytest.raises(BadSignature):
        bench.tracer.pushed(headers, {}, body, bench.now)


# --- what is asked ----------------------------------------------------------------------------------------------------------
def test_the_half_hour_is_kept_here(bench: SandboxBench) -> None:
    """Asked again within thirty minutes nothing is sent, whichever case wants to know; at thirty minutes it is asked."""
    bench.happen(YTO, scans(bench.now - timedelta(hours=31)))
    first = a_waybill(YTO, "yto")
    bench.tracer.trace([first], bench.now)
    for waybill, after in ((first, timedelta(0)), (replace(first, key="c2-parcel-1"), timedelta(minutes=29, seconds=59))):
        with pytest.raises(ChannelBusy) as busy:
            bench.tracer.trace([waybill], bench.now + after)
        assert busy.value.details["until"] == bench.now + timedelta(minutes=30)
    assert bench.sandbox.parcels.truth()["asked"][YTO]["kuaidi100"] == {"count": 1, "refused": 0}
    bench.move(timedelta(minutes=30))
    assert bench.tracer.trace([first], bench.now)[0].found is Found.KNOWN
    assert bench.sandbox.parcels.truth()["broken"] == []


def test_the_platforms_own_refusal_of_haste_is_busy(bench: SandboxBench) -> None:
    """Another process has asked a moment ago: the platform says so, and that is no word about the parcel."""
    bench.happen(YTO, scans(bench.now - timedelta(hours=31)))
    bench.tracer.trace([a_waybill(YTO, "yto")], bench.now)
    other = build(bench.sandbox.settings(provider="kuaidi100"))
    with pytest.raises(ChannelBusy) as busy:
        other.trace([a_waybill(YTO, "yto")], bench.now)
    assert busy.value.details["until"] == bench.now + timedelta(minutes=30)
    assert [b["what"] for b in bench.sandbox.parcels.truth()["broken"]] == ["gap"]
    other.close()


def test_a_phone_leaves_only_where_it_must(bench: SandboxBench) -> None:
    """SF and ZTO are asked with four digits of a phone, the others with none, and without one SF is not asked at all."""
    seen: list[dict[str, Any]] = []

    def heard(*said: Any) -> Reply:
        seen.append(json.loads(parse_qs(said[3].decode())["param"][0]))
        return Reply(200, refusal("500"))

    server = Server("listener", "127.0.0.1", 0, heard)
    server.start()
    tracer = build({**SETTINGS, "query_url": server.url, "subscribe_url": server.url})
    for number, carrier in (("SF1", "sf"), ("75000000001", "zto"), (YTO, "yto"), ("SF1234567890999", "sf")):
        phone = "" if number.endswith("999") else "13800001111"
        tracer.trace([a_waybill(number, carrier, phone=phone)], NOW)
    assert seen == [
        {"com": "zhongtong", "num": "75000000001", "resultv2": "4", "phone": "1111"},
        {"com": "yuantong", "num": YTO, "resultv2": "4"},
    ]
    tracer.close()
    server.stop()


def test_what_it_cannot_be_asked_about_is_left_out() -> None:
    """A number shorter than six characters or longer than 32, and a company abroad, get no answer and cost no call."""
    tracer = build(SETTINGS)
    waybills = [a_waybill("YT123", "yto"), a_waybill("Y" * 33, "yto"), a_waybill("1Z999AA10123456784", "ups")]
    assert tracer.trace(waybills, NOW) == ()
    assert tracer.subscribe(waybills, NOW) == frozenset()
    assert not tracer.follows("ups")


# --- what it says -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (refusal("500", "查询无结果，请隔段时间再查"), Found.NOT_YET),
        (answer(status="201", message="查询无结果"), Found.NOT_YET),
        (answer(), Found.NOT_YET),
        (refusal("408", "快递公司参数异常：验证码错误"), Found.OTHER_PARTY),
        (refusal("500", "快递公司参数异常：验证码错误"), Found.OTHER_PARTY),
        (answer(A_LINE), Found.KNOWN),
    ],
)
def test_answers_mean(body: bytes, found: Found) -> None:
    """Nothing found is no "never": only days of it are; a wrong phone is another's parcel, under whichever code."""
    with saying(body) as tracer:
        assert tracer.trace([a_waybill(YTO, "yto")], NOW)[0].found is found


NO_ANSWERS = {
    "server": refusal("501", "服务器错误"),
    "busy": refusal("502"),
    "signature": refusal("503", "验证签名失败"),
    "key": refusal("601"),
    "incomplete": refusal("400"),
    "new code": refusal("777"),
    "nothing": b"",
    "cut": b"{",
    "list": b"[]",
    "null": b"null",
    "page": b"<html>502</html>",
    "bytes": b"\xff\xfe",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "huge": answer(A_LINE) + b" " * (1 << 19),
    "another parcel": answer(A_LINE, nu="YT0000000000000"),
    "no times": answer({"ftime": "x"}),
    "no lines": answer(data="x"),
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_about_this_parcel_is_unknown(body: bytes) -> None:
    """An error of the server's, ours of the key, another parcel, and bytes of any kind: nothing is concluded."""
    with saying(body) as tracer, pytest.raises(Unknown):
        tracer.trace([a_waybill(YTO, "yto")], NOW)


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.CUT, Kind.TRICKLE, Kind.HANG])
def test_a_broken_wire_is_unknown(bench: SandboxBench, kind: Kind) -> None:
    """A proxy's page, half a body, one byte at a time, or nothing at all."""
    tracer = build({**bench.sandbox.settings(provider="kuaidi100"), "read_s": 1, "total_s": 1})
    bench.happen(YTO, scans(bench.now - timedelta(hours=31)))
    bench.sandbox.fault(Fault(At.QUERY, kind, status=502, seconds=3), provider="kuaidi100")
    with pytest.raises(Unknown):
        tracer.trace([a_waybill(YTO, "yto")], bench.now)
    tracer.close()


def test_another_company_in_the_answer_is_who_drives() -> None:
    """Asked about YTO it answers of ZTO: that is the carrier; another code of the same company is no correction."""
    with saying(answer(A_LINE, com="zhongtong")) as tracer:
        assert tracer.trace([a_waybill(YTO, "yto")], NOW)[0].carrier == "zto"
    with saying(answer(A_LINE, com="shunfengkuaiyun")) as tracer:
        assert tracer.trace([a_waybill(YTO, "sf")], NOW)[0].carrier == ""


# --- subscriptions and pushes -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "taken"),
    [("200", True), ("501", True), ("600", False), ("601", False), ("700", False), ("701", False), ("702", False)],
)
def test_subscriptions_are_taken_or_not(code: str, taken: bool) -> None:
    """Taken now or before is taken; a refused key or company is none, and the parcel is asked about instead."""
    with saying(json.dumps({"result": code == "200", "returnCode": code, "message": ""}).encode()) as tracer:
        assert tracer.subscribe([a_waybill(YTO, "yto")], NOW) == ({KEY} if taken else frozenset())


def test_an_error_says_nothing_of_a_subscription() -> None:
    """500 may be either."""
    with saying(refusal("500")) as tracer, pytest.raises(Unknown):
        tracer.subscribe([a_waybill(YTO, "yto")], NOW)


def test_a_refused_key_is_in_the_log_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Somebody has to hear that our key is refused; the key itself nobody hears."""
    with saying(refusal("600")) as tracer:
        tracer.subscribe([a_waybill(YTO, "yto")], NOW)
    assert [record.levelname for record in caplog.records if "our key" in record.message] == ["ERROR"]
    assert "testkey" not in caplog.text
