"""Carriers keep their contract: the fake, moving and not, and the plugin against the platform of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from aftersales.errors import BadSettings, BadSignature, Unknown
from aftersales.pickup import BookingStatus, Refusal
from aftersales.testing.builders import NOW
from aftersales.testing.carrier import CarrierContract, FakeCarrier, a_wish
from aftersales.tracking import Passage, Waybill
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from plugins.kuaidi100_carrier import build
from plugins.kuaidi100_carrier.sign import signature

KEY = "c1-pickup-1"
Notice = tuple[dict[str, str], dict[str, str], bytes]

#: A code and a sentence with which the platform refuses, by its reason.
SAID = {
    Refusal.NO_SERVICE: ("400", "该地区停派"),
    Refusal.SLOT_TAKEN: ("400", "该时段不可预约"),
    Refusal.TOO_HEAVY: ("400", "大于2.49公斤请选择其他产品"),
    Refusal.BAD_ADDRESS: ("400", "寄件地址有误"),
    Refusal.NO_FUNDS: ("601", "KEY已过期"),
    Refusal.OTHER: ("400", "……"),
}


class FakeBench:
    """Everything in memory."""

    def __init__(self, *, moves: bool) -> None:
        self.carrier = FakeCarrier(moves=moves, labels=moves)

    def alive(self) -> list[str]:
        """Those that stand."""
        return self.carrier.alive

    def collect(self, key: str) -> None:
        """The courier took it."""
        self.carrier.collect(key)

    def refuse_next(self, why: Refusal) -> None:
        """Once."""
        self.carrier.script = [why]

    def fall_silent(self, *, done: bool) -> None:
        """Once."""
        self.carrier.script = ["lost" if done else "deaf"]

    def notice(self, key: str) -> Notice:
        """What it tells."""
        return self.carrier.notice(key)

    def forged(self, notice: Notice, how: str) -> Notice:
        """The fake believes a word, not bytes."""
        return {"sign": "bad"} if how != "none" else {}, *notice[1:]


class SandboxBench:
    """The sandbox is the other side."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("kuaidi100")
        self.carrier = build({**sandbox.settings(provider="kuaidi100"), "read_s": 1})

    def alive(self) -> list[str]:
        """Those that stand."""
        found: list[str] = self.other.truth()["standing"]
        return found

    def collect(self, key: str) -> None:
        """The courier took it."""
        assert self.other.happen(key, 10)["done"]

    def refuse_next(self, why: Refusal) -> None:
        """Nothing is placed, and the company's sentence says why."""
        code, message = SAID[why]
        self.sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False, code=code, message=message), provider="kuaidi100")

    def fall_silent(self, *, done: bool) -> None:
        """The connection ends without an answer, whatever is asked next."""
        self.sandbox.provider("kuaidi100")
        for at in (At.CREATE, At.VOID):
            self.sandbox.fault(Fault(at, Kind.HANG, executed=done), provider="kuaidi100")

    def notice(self, key: str) -> Notice:
        """What it tells."""
        found: Notice = self.other.notice_of(key)
        return found

    def forged(self, notice: Notice, how: str) -> Notice:
        """Spoilt on the way, or by a stranger."""
        headers, query, body = notice
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if how == "body":
            form["param"] = form["param"].replace("KD", "XX")
        if how == "sign":
            form["sign"] = form["sign"][::-1]
        if how == "none":
            del form["sign"]
        return headers, {"key": "c2-pickup-1"} if how == "key" else query, urlencode(form).encode()


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def played(neighbours: WechatKeys) -> Iterator[SandboxBench]:
    """The plugin and a fresh platform."""
    with Sandbox(keys=neighbours) as sandbox:
        bench = SandboxBench(sandbox)
        yield bench
        bench.carrier.close()


class TestFake(CarrierContract):
    """The fake that moves, and gives labels."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """An empty one."""
        return FakeBench(moves=True)


class TestStiffFake(CarrierContract):
    """The fake that moves nothing."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """An empty one."""
        return FakeBench(moves=False)


class TestPlugin(CarrierContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, played: SandboxBench) -> SandboxBench:
        """An empty one."""
        return played


def a_parcel_for(played: SandboxBench, key: str = KEY) -> Any:
    """A wish that its first company drives."""
    return a_wish(key, played.carrier.companies[0])


def test_the_signature_is_the_platforms() -> None:
    """MD5 over parameters, time, key and secret without anything between, in capitals (computed with md5sum)."""
    assert signature('{"a":1}', "1576123932000", "KEY", "SECRET") == "01D6B4074CAB8BBFDE72598C866DE614"


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.HTML, Kind.TRICKLE])
def test_an_answer_that_cannot_be_read_is_no_answer(played: SandboxBench, kind: Kind) -> None:
    """Cut, a proxy's page or one that does not end: Unknown, and the order is found by our number."""
    carrier = build({**played.sandbox.settings(provider="kuaidi100"), "read_s": 1, "total_s": 1})
    played.sandbox.fault(Fault(At.CREATE, kind, status=502, seconds=3), provider="kuaidi100")
    with pytest.raises(Unknown):
        carrier.book(a_parcel_for(played), NOW)
    found = carrier.find(KEY, "", NOW)
    assert found is not None
    assert found.status is BookingStatus.STANDS
    carrier.close()


def test_an_error_of_the_server_says_nothing(played: SandboxBench) -> None:
    """500 may come after the order was placed: it is Unknown, never a refusal."""
    played.sandbox.fault(Fault(At.CREATE, Kind.ERROR, code="500", message="服务器错误"), provider="kuaidi100")
    with pytest.raises(Unknown):
        played.carrier.book(a_parcel_for(played), NOW)
    assert played.alive() == [KEY]


def test_without_a_number_nothing_is_concluded_where_ours_is_not_known_to_be_found(played: SandboxBench) -> None:
    """Where nobody tried that our number finds an order, "none" would be a guess; the platform's number finds it everywhere."""
    careful = build({**played.sandbox.settings(provider="kuaidi100"), "find_by_number": False})
    ref = careful.book(a_parcel_for(played), NOW).ref
    with pytest.raises(Unknown):
        careful.find(KEY, "", NOW)
    found = careful.find(KEY, ref, NOW)
    assert found is not None
    assert found.number == "KD0000000001"
    careful.close()


def test_another_order_under_a_task_is_not_believed(played: SandboxBench) -> None:
    """A task's order has to be the one whose number was signed."""
    ref = played.carrier.book(a_parcel_for(played), NOW).ref
    with pytest.raises(Unknown):
        played.carrier.find(KEY, ref.partition("/")[0] + "/999", NOW)
    with pytest.raises(Unknown):
        played.carrier.find("c9-pickup-1", ref, NOW)


@pytest.mark.parametrize("days", [-1, 3])
def test_a_day_that_the_platform_has_no_word_for_is_refused_unasked(played: SandboxBench, days: int) -> None:
    """Today, tomorrow and the day after: yesterday and later days are no slot, and nobody is called."""
    wish = a_parcel_for(played)
    moved = replace(wish.slot, start=wish.slot.start + timedelta(days=days - 1), end=wish.slot.end + timedelta(days=days - 1))
    said = played.carrier.book(replace(wish, slot=moved), NOW)
    assert (said.status, said.refusal) == (BookingStatus.REFUSED, Refusal.SLOT_TAKEN)
    assert played.other.front.calls() == {}


def test_the_platform_reads_what_we_mean(played: SandboxBench) -> None:
    """Tomorrow from nine to eleven in China, who gives and who takes, one and a half kilograms, and where to tell."""
    played.carrier.book(replace(a_parcel_for(played), weight_g=1_500), NOW)
    asked = json.loads(played.other.book.order("number", KEY)["param"])
    assert (asked["dayType"], asked["pickupStartTime"], asked["pickupEndTime"]) == ("明天", "09:00", "11:00")
    assert (asked["sendManName"], asked["recManName"], asked["weight"], asked["payment"]) == ("王小明", "退货组", "1.5", "SHIPPER")
    assert asked["callBackUrl"].endswith(f"/v1/callbacks/kuaidi100?key={KEY}")
    assert len(asked["callBackUrl"].encode()) <= 200


@pytest.mark.parametrize(
    ("status", "why", "meant", "refusal"),
    [
        (1, "", BookingStatus.STANDS, None),
        (99, "", BookingStatus.GONE, None),
        (11, "", BookingStatus.REFUSED, Refusal.NOT_FOUND),
        (610, "余额不足", BookingStatus.REFUSED, Refusal.NO_FUNDS),
        (610, "", BookingStatus.REFUSED, Refusal.OTHER),
        (15, "", BookingStatus.COLLECTED, None),
    ],
)
def test_statuses_mean(played: SandboxBench, status: int, why: str, meant: BookingStatus, refusal: Refusal | None) -> None:
    """Accepted stands, cancelled by them is gone, not collected and not placed are refused, settled was collected."""
    ref = played.carrier.book(a_parcel_for(played), NOW).ref
    played.other.happen(KEY, status, why)
    found = played.carrier.find(KEY, ref, NOW)
    assert found is not None
    assert (found.status, found.refusal) == (meant, refusal)


def test_a_status_that_nobody_knows_is_unknown(played: SandboxBench) -> None:
    """A new word of the platform's is no reason to book again, or to believe that somebody comes."""
    ref = played.carrier.book(a_parcel_for(played), NOW).ref
    played.other.happen(KEY, 777)
    with pytest.raises(Unknown):
        played.carrier.find(KEY, ref, NOW)


def test_what_was_collected_is_a_parcel_that_can_be_traced(played: SandboxBench) -> None:
    """The waybill of a pickup leads to its parcel: sent from the buyer's city, in the weight that was told, to the shop."""
    played.carrier.book(replace(a_parcel_for(played), weight_g=1_500), NOW)
    played.collect(KEY)
    (trace,) = played.carrier.trace([Waybill("c1-parcel-1", "jt", "KD0000000001")], NOW)
    assert [(scan.state, scan.city, scan.weight_g) for scan in trace.scans] == [(Passage.PICKED_UP, "杭州市", 1_500)]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"param=%7B%7D&sign=0", b"a=1&" * 50])
def test_what_is_no_notice_is_refused(played: SandboxBench, body: bytes) -> None:
    """Bytes, nothing, a stranger's signature and a flood of fields are no notice."""
    with pytest.raises(BadSignature):
        played.carrier.told({}, {"key": KEY}, body, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://platform.example"},
        {"notify_url": "ftp://x"},
        {"notify_url": "https://shop.example/" + "x" * 130},
        {"key": ""},
        {"secret": ""},
        {"companies": ""},
        {"companies": "Jet Express"},
        {"total_s": -1},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    right = {
        "base_url": "https://platform.example/order", "notify_url": "https://shop.example/v1/callbacks/kuaidi100",
        "key": "k", "secret": "0123456789" * 4, "companies": "jtexpress",
    }  # fmt: skip
    with pytest.raises(BadSettings) as error:
        build({**right, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "0123456789" not in error.value.message
