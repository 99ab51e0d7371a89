"""SF keeps the contract of tracers against the sandbox's truth about parcels: batches, phones, codes and three months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from aftersales.errors import ChannelBusy, Unknown
from aftersales.testing.builders import NOW
from aftersales.testing.tracer import BUYER_TAIL, HONEST, SHOP_TAIL, TracerContract, a_waybill, scans
from aftersales.tracking import Found, Passage, Scan
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import End
from plugins.sf_carrier import build
from plugins.sf_carrier.route import _scans
from plugins.sf_carrier.wire import Answer

ROUTES = "EXP_RECE_SEARCH_ROUTES"
BUYER, SHOP = End("杭州市", BUYER_TAIL), End("烟台市", SHOP_TAIL)


class SfBench:
    """The sandbox is the other side; its clock stands where ``now`` does."""

    carrier, number, pushes = "sf", "SF1234567890123", False

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.now = sandbox, NOW
        self.other = sandbox.provider("sf")
        self.tracer: Any = build({**sandbox.settings(provider="sf"), "read_s": 1})
        self.move(timedelta())

    def happen(self, number: str, scans: Sequence[Scan]) -> None:
        """See the kit."""
        self.other.parcels.happen(number, "sf", BUYER, SHOP, scans)

    def fall_silent(self) -> None:
        """See the kit."""
        self.sandbox.fault(Fault(At.LOCK, Kind.HANG), provider="sf")

    def move(self, by: timedelta) -> None:
        """See the kit."""
        self.now += by
        self.sandbox.set_clock(self.sandbox.offset_s + self.now.timestamp() + 1 - self.sandbox.now())

    def push(self, key: str) -> Any:
        """It tells nothing by itself."""
        raise NotImplementedError

    def forged(self, push: Any, how: str) -> Any:
        """It tells nothing by itself."""
        raise NotImplementedError

    def asked(self) -> int:
        """How many questions about routes the platform heard."""
        return int(self.other.truth()["calls"].get(ROUTES, {"day": 0})["day"])


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def bench(neighbours: WechatKeys) -> Iterator[SfBench]:
    """The plugin and a fresh platform."""
    with Sandbox(keys=neighbours, limited=True) as sandbox:
        made = SfBench(sandbox)
        yield made
        made.tracer.close()


class TestPlugin(TracerContract):
    """The plugin against our sandbox."""


def many(count: int, **changes: Any) -> list[Any]:
    """Waybills of as many cases."""
    return [a_waybill(f"SF{n:013}", key=f"c{n}-parcel-1", **changes) for n in range(count)]


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (10, 1), (11, 2), (20, 2)])
def test_ten_numbers_are_one_question(bench: SfBench, count: int, calls: int) -> None:
    """Numbers that share a phone are asked about ten at a time; each has its answer, and no limit is broken."""
    for waybill in many(count):
        bench.happen(waybill.number, scans(bench.now - timedelta(hours=31)))
    told = bench.tracer.trace(many(count), bench.now)
    assert [(t.key, t.found) for t in told] == [(f"c{n}-parcel-1", Found.KNOWN) for n in range(count)]
    assert bench.asked() == calls
    assert bench.other.parcels.truth()["broken"] == []


def test_numbers_of_other_phones_go_in_other_questions(bench: SfBench) -> None:
    """One question names one phone: the buyer's and the shop's parcels are asked about apart, virtual numbers by their end."""
    phones = ["13800001111", "17012345678-1111", "0535-87654321", ""]
    waybills = [a_waybill(f"SF{n:013}", key=f"c{n}-parcel-1", phone=phone) for n, phone in enumerate(phones)]
    for waybill in waybills:
        bench.happen(waybill.number, scans(bench.now - timedelta(hours=31)))
    told = {t.key: t.found for t in bench.tracer.trace(waybills, bench.now)}
    assert told == {f"c{n}-parcel-1": Found.KNOWN for n in range(3)}  # who names no phone is told nothing
    assert bench.asked() == 3


def test_one_stranger_spoils_nothing_for_the_others(bench: SfBench) -> None:
    """Of three parcels one is nobody's of this phone: the others are told of all the same."""
    waybills = many(3)
    for waybill in waybills[:2]:
        bench.happen(waybill.number, scans(bench.now - timedelta(hours=31)))
    bench.other.parcels.happen(waybills[2].number, "sf", End("北京市", "7070"), SHOP, scans(bench.now - timedelta(hours=31)))
    told = [t.found for t in bench.tracer.trace(waybills, bench.now)]
    assert told == [Found.KNOWN, Found.KNOWN, Found.OTHER_PARTY]


def test_one_number_of_two_cases_is_asked_about_once(bench: SfBench) -> None:
    """Goods of two cases in one parcel: one number in the question, and an answer for each key."""
    bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
    told = bench.tracer.trace([a_waybill(bench.number), a_waybill(bench.number, key="c2-parcel-1")], bench.now)
    assert [(t.key, t.found) for t in told] == [("c1-parcel-1", Found.KNOWN), ("c2-parcel-1", Found.KNOWN)]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("50", Passage.PICKED_UP),
        ("80", Passage.SIGNED),
        ("30", Passage.IN_TRANSIT),
        ("31", Passage.IN_TRANSIT),
        ("44", Passage.OUT_FOR_DELIVERY),
        ("70", Passage.PROBLEM),
        ("99", Passage.RETURNING),
        ("648", Passage.RETURNING),
        ("8000", Passage.IN_TRANSIT),  # the record of a signature that nobody told of
        ("4711", Passage.IN_TRANSIT),
    ],
)
def test_codes_mean(bench: SfBench, code: str, state: Passage) -> None:
    """Picked up and signed are SF's own words; a code that nobody knows is on its way; the raw code stands beside it."""
    bench.happen(bench.number, [Scan(bench.now - timedelta(hours=1), Passage.PROBLEM, code, "运单", "杭州市")])
    (trace,) = bench.tracer.trace([a_waybill(bench.number)], bench.now)
    assert [(s.state, s.code) for s in trace.scans] == [(state, code)]


@pytest.mark.parametrize(
    ("codes", "last", "over"),
    [
        (["50", "80"], Passage.SIGNED, True),
        (["50", "80", "8000"], Passage.SIGNED, True),
        (["50", "648", "80"], Passage.RETURNED, True),  # who signs a parcel that went back is its sender
        (["50", "99", "8000"], Passage.RETURNED, True),
        (["50", "44", "70"], Passage.PROBLEM, False),
        (["50", "8000"], Passage.IN_TRANSIT, False),
    ],
)
def test_who_signed_depends_on_what_was_before(bench: SfBench, codes: list[str], last: Passage, over: bool) -> None:
    """After the way back a signature is the sender's; the record of a signature alone is none."""
    began = bench.now - timedelta(hours=20)
    bench.happen(
        bench.number, [Scan(began + timedelta(hours=n), Passage.PROBLEM, code, "", "杭州市") for n, code in enumerate(codes)]
    )
    (trace,) = bench.tracer.trace([a_waybill(bench.number)], bench.now)
    assert (trace.scans[-1].state, trace.over) == (last, over)


def test_times_are_of_china_and_phones_are_masked(bench: SfBench) -> None:
    """SF writes the hours of China without a zone, and couriers' phones into its sentences."""
    at = bench.now - timedelta(hours=3)
    bench.happen(bench.number, [Scan(at, Passage.OUT_FOR_DELIVERY, "44", "派件员 13800001234 正在派件", "烟台市")])
    (trace,) = bench.tracer.trace([a_waybill(bench.number)], bench.now)
    (scan,) = trace.scans
    assert (scan.at, scan.city) == (at, "烟台市")
    assert "13800001234" not in scan.text


def test_routes_are_told_for_three_months(bench: SfBench) -> None:
    """What happened longer ago is not told any more: nothing is known of it, which is no proof of anything."""
    bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
    bench.move(timedelta(days=92))
    (trace,) = bench.tracer.trace([a_waybill(bench.number)], bench.now)
    assert (trace.found, trace.scans) == (Found.NOT_YET, ())


def test_a_parcel_of_another_carrier_is_none_of_its(bench: SfBench) -> None:
    """SF knows the parcels that it drives."""
    bench.other.parcels.happen(bench.number, "yto", BUYER, SHOP, scans(bench.now - timedelta(hours=31)))
    (trace,) = bench.tracer.trace([a_waybill(bench.number)], bench.now)
    assert trace.found is Found.NOT_YET


@pytest.mark.parametrize("code", ["8247", "8191"])
def test_no_number_of_sf_s(bench: SfBench, code: str) -> None:
    """A number that SF says is none of its own never was one."""
    bench.sandbox.fault(Fault(At.LOCK, Kind.ERROR, code=code, message="运单号不合法"), provider="sf")
    (trace,) = bench.tracer.trace([a_waybill(bench.number)], bench.now)
    assert (trace.found, trace.over) == (Found.NEVER, True)


@pytest.mark.parametrize(
    ("code", "error"), [("A1005", ChannelBusy), ("A1006", Unknown), ("A1099", Unknown), ("S0003", Unknown), ("8003", Unknown)]
)
def test_trouble_is_no_answer_about_a_parcel(bench: SfBench, code: str, error: type[Exception]) -> None:
    """Asked too often, a wrong digest and troubles of the platform say nothing about parcels."""
    bench.sandbox.fault(Fault(At.LOCK, Kind.ERROR, code=code, message="系统异常"), provider="sf")
    with pytest.raises(error):
        bench.tracer.trace([a_waybill(bench.number)], bench.now)


def test_half_an_answer_is_told(bench: SfBench) -> None:
    """Of two questions one is answered: those parcels are told of, and the others left out."""
    one, other = a_waybill(bench.number), a_waybill("SF9999999999999", key="c2-parcel-1", phone=f"0535-876{SHOP_TAIL}")
    for waybill in (one, other):
        bench.happen(waybill.number, scans(bench.now - timedelta(hours=31)))
    bench.sandbox.fault(Fault(At.LOCK, Kind.HANG, key=other.number), provider="sf")
    assert [t.key for t in bench.tracer.trace([one, other], bench.now)] == [one.key]


@pytest.mark.parametrize("routes", ["x", [1], [{"acceptTime": "gestern"}], [{"acceptTime": "2026-13-01 00:00:00"}], [{}]])
def test_what_cannot_be_read_is_unknown(routes: Any) -> None:
    """Lines without an instant, and what is no list of lines, tell nothing."""
    with pytest.raises(Unknown):
        _scans(Answer(True, "S0000", "", {"routeResps": [{"mailNo": "SF1", "routes": routes}]}))


def test_the_honest_way_has_scripts_of_its_own(bench: SfBench) -> None:
    """The kit's honest way is told with SF's codes: picked up, moved, out for delivery, signed."""
    bench.happen(bench.number, scans(bench.now - timedelta(hours=31), HONEST))
    (trace,) = bench.tracer.trace([a_waybill(bench.number)], bench.now)
    assert [s.code for s in trace.scans] == ["50", "30", "30", "44", "80"]
