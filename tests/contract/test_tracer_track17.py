"""17TRACK as a tracer keeps the contract, against the platform of the sandbox over real HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.errors import ChannelBusy, Unknown
from aftersales.testing.builders import NOW
from aftersales.testing.tracer import BUYER_TAIL, SHOP_TAIL, TracerContract, a_waybill, scans
from aftersales.tracking import Found, Passage, Scan
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import End
from plugins.track17_carrier import build

NUMBER = "RR123456785CN"
Push = tuple[dict[str, str], dict[str, str], bytes]


class SandboxBench:
    """The sandbox is the other side; its clock stands at ``now``."""

    carrier, number, pushes = "post", NUMBER, True

    def __init__(self, sandbox: Sandbox, **settings: Any) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("track17")
        self.tracer = build({**sandbox.settings(provider="track17"), "read_s": 1, **settings})
        self.now = datetime.fromtimestamp(int(sandbox.now()), UTC)

    def happen(self, number: str, scans: Sequence[Scan]) -> None:
        """See the kit. The core has a number registered before it asks."""
        ends = End("杭州市", BUYER_TAIL), End("烟台市", SHOP_TAIL)
        self.sandbox.parcels.happen(number, self.carrier, *ends, [Scan(s.at, s.state, "", s.text, s.city) for s in scans])

    def fall_silent(self) -> None:
        """See the kit."""
        self.sandbox.fault(Fault(At.QUERY, Kind.HANG), provider="track17")

    def move(self, by: timedelta) -> None:
        """See the kit."""
        self.now += by
        self.sandbox.set_clock(self.sandbox.offset_s + by.total_seconds())

    def push(self, key: str) -> Push:
        """See the kit."""
        number = next(number for number, row in self.other.truth()["followed"].items() if row["key"] == key)
        found: Push = self.other.notice_of(number)
        return found

    def forged(self, push: Push, how: str) -> Push:
        """Spoilt on the way, or by a stranger."""
        headers, query, body = push
        if how == "body":
            return headers, query, body.replace(b"Delivered", b"Returned!")
        return ({"sign": headers["sign"][::-1]} if how == "sign" else {}), query, body


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def bench(neighbours: WechatKeys) -> Iterator[SandboxBench]:
    """The plugin and a fresh platform, which refuses what is above its limits."""
    with Sandbox(keys=neighbours, limited=True) as sandbox:
        bench = SandboxBench(sandbox)
        yield bench
        bench.tracer.close()


class TestPlugin(TracerContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, bench: SandboxBench) -> SandboxBench:
        """An empty one."""
        return bench


def test_it_follows_what_crosses_borders(bench: SandboxBench) -> None:
    """Posts, international couriers and numbers of any post are followed; companies inside China are asked elsewhere."""
    assert all(
        bench.tracer.follows(code) for code in ("post", "ems", "s10", "usps", "royalmail", "dhl", "ups", "fedex", "4px", "yanwen")
    )
    assert not any(bench.tracer.follows(code) for code in ("sf", "yto", "zto", "sto", "yunda", "jt", "jd", "deppon", ""))


# --- asking -----------------------------------------------------------------------------------------------------------
def waybills(count: int) -> list[Any]:
    """So many of them, of as many cases."""
    return [a_waybill(f"RB{n:08}0CN", "post", key=f"c{n}-parcel-1", phone="") for n in range(count)]


def test_forty_numbers_fit_into_a_call_and_forty_one_do_not(bench: SandboxBench) -> None:
    """A full call is answered whole, and no limit is broken; a larger one is never sent."""
    assert bench.tracer.subscribe(waybills(40), bench.now) == {w.key for w in waybills(40)}
    assert len(bench.tracer.trace(waybills(40), bench.now)) == 40
    with pytest.raises(ValueError, match="41"):
        bench.tracer.trace(waybills(41), bench.now)
    with pytest.raises(ValueError, match="41"):
        bench.tracer.subscribe(waybills(41), bench.now)
    assert bench.sandbox.parcels.truth()["broken"] == []
    calls = bench.other.truth()["calls"]
    assert (calls["register"], calls["gettrackinfo"], calls["exceeded"]) == (1, 1, False)


def test_the_platform_refuses_the_forty_first(bench: SandboxBench) -> None:
    """The sandbox has the real number: more than forty in a call are refused, and the broken limit is on record."""
    import httpx

    said = [{"number": w.number} for w in waybills(41)]
    settings = bench.sandbox.settings(provider="track17")
    answer = httpx.post(f"{settings['base_url']}/register", json=said, headers={"17token": settings["key"]}, trust_env=False)
    assert answer.json()["code"] == -18010013
    assert [b["what"] for b in bench.sandbox.parcels.truth()["broken"]] == ["batch"]
    assert bench.other.truth()["followed"] == {}


def test_what_is_not_registered_is_and_then_asked_about(bench: SandboxBench) -> None:
    """A number of which 17TRACK never heard is registered under our key in the same breath, and answered."""
    bench.happen(NUMBER, scans(bench.now - timedelta(hours=31)))
    (trace,) = bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
    assert trace.found is Found.KNOWN
    assert bench.other.truth()["followed"][NUMBER]["key"] == "c1-parcel-1"


def test_a_number_that_was_registered_just_now_is_not_judged(bench: SandboxBench) -> None:
    """Before 17TRACK has looked at all there is no answer, which is no "not found"; later the same question has one."""
    bench.other.lag(3_600)
    assert bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now) == ()
    bench.move(timedelta(minutes=30))
    (trace,) = bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
    assert trace.found is Found.NOT_YET
    bench.move(timedelta(hours=1))
    bench.happen(NUMBER, scans(bench.now - timedelta(hours=31)))
    (trace,) = bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
    assert trace.found is Found.KNOWN


def test_one_that_cannot_be_registered_takes_nothing_from_the_others(bench: SandboxBench) -> None:
    """Whatever becomes of registering: those that have an answer have it."""
    other = a_waybill("LZ123456789CN", "post", key="c2-parcel-1")
    bench.tracer.subscribe([other], bench.now)
    bench.sandbox.fault(Fault(At.CREATE, Kind.HTML, executed=False, status=502), provider="track17")
    assert [t.key for t in bench.tracer.trace([a_waybill(NUMBER, "post"), other], bench.now)] == ["c2-parcel-1"]


def test_a_carrier_that_was_found_otherwise_is_corrected(bench: SandboxBench) -> None:
    """A postal number of nobody's we know is asked without a carrier, and who really drives is told back; else nothing is."""
    item = a_waybill("LZ123456785US", "s10", key="c2-parcel-1")
    bench.sandbox.parcels.happen(item.number, "usps", End("", ""), End("", ""), scans(bench.now - timedelta(hours=31)))
    bench.happen(NUMBER, scans(bench.now - timedelta(hours=31)))
    told = bench.tracer.trace([item, a_waybill(NUMBER, "post")], bench.now)
    assert {t.key: t.carrier for t in told} == {"c1-parcel-1": "", "c2-parcel-1": "usps"}


def test_a_number_of_another_case_is_told_to_that_one(bench: SandboxBench) -> None:
    """Registered under another key it is no subscription of ours, though it may be asked about."""
    assert bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now) == {"c1-parcel-1"}
    again = a_waybill(NUMBER, "post", key="c2-parcel-1")
    assert bench.tracer.subscribe([again, a_waybill(NUMBER, "post")], bench.now) == {"c1-parcel-1"}
    assert [t.key for t in bench.tracer.trace([again], bench.now)] == ["c2-parcel-1"]


def test_the_third_call_of_a_second_is_the_last(bench: SandboxBench) -> None:
    """Asked for more by eight at once, the plugin has them wait for their turn: the platform never has to refuse."""
    bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now), range(8)))
    assert [len(traces) for traces in told] == [1] * 8
    calls = bench.other.truth()["calls"]
    assert calls["gettrackinfo"] == 8
    assert (calls["over_limit"], calls["most_per_s"]["track17"]) == (0, 3)


@pytest.mark.parametrize(("status", "code"), [(429, "-18010014"), (200, "-18010014"), (429, "x")])
def test_too_often_says_when_to_come_again(bench: SandboxBench, status: int, code: str) -> None:
    """Where others took the second, the call was not made, and says until when to wait."""
    bench.sandbox.fault(Fault(At.QUERY, Kind.ERROR, executed=False, status=status, code=code), provider="track17")
    with pytest.raises(ChannelBusy) as busy:
        bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
    assert bench.now < busy.value.details["until"] <= bench.now + timedelta(seconds=2)


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.HTML, Kind.TRICKLE, Kind.HANG, Kind.ERROR])
@pytest.mark.parametrize(("at", "what"), [(At.QUERY, "trace"), (At.CREATE, "subscribe")])
def test_an_answer_that_cannot_be_read_is_no_answer(bench: SandboxBench, kind: Kind, at: At, what: str) -> None:
    """Cut, a proxy's page, one that does not end, none, or an error of theirs: Unknown."""
    impatient = SandboxBench(bench.sandbox, total_s=1)
    bench.sandbox.fault(Fault(at, kind, status=502, seconds=3), provider="track17")
    with pytest.raises(Unknown):
        getattr(impatient.tracer, what)([a_waybill(NUMBER, "post")], bench.now)
    impatient.tracer.close()


def test_a_wrong_key_is_no_answer(bench: SandboxBench, caplog: pytest.LogCaptureFixture) -> None:
    """Who is not known is told so in the log, without the key."""
    stranger = build({**bench.sandbox.settings(provider="track17"), "key": "0123456789ABCDEF"})
    with caplog.at_level(logging.DEBUG), pytest.raises(Unknown):
        stranger.trace([a_waybill(NUMBER, "post")], bench.now)
    stranger.close()
    assert "401" in caplog.text
    assert "0123456789ABCDEF" not in caplog.text


def test_nothing_personal_is_logged(bench: SandboxBench, caplog: pytest.LogCaptureFixture) -> None:
    """Neither phone nor number nor text of a parcel is in the log, whatever goes wrong."""
    waybill = a_waybill(NUMBER, "post")
    bench.happen(NUMBER, scans(bench.now - timedelta(hours=31)))
    with caplog.at_level(logging.DEBUG):
        bench.tracer.subscribe([waybill], bench.now)
        bench.tracer.trace([waybill], bench.now)
        bench.tracer.pushed(*bench.push(waybill.key), bench.now)
        bench.sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False), provider="track17")
        bench.tracer.trace([a_waybill("LZ123456789CN", "post")], bench.now)
    for secret in (waybill.phone, NUMBER, "LZ123456789CN", "杭州", bench.other.keys.key):
        assert secret not in caplog.text


def test_what_the_platform_says_when_it_stops_is_understood(bench: SandboxBench) -> None:
    """The sandbox tells that it looks no more, and no more than that: the number was never found."""
    bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now)
    said: Push = bench.other.notice_of(NUMBER, "stopped")
    (trace,) = bench.tracer.pushed(*said, NOW).traces
    assert (trace.key, trace.found, trace.over) == ("c1-parcel-1", Found.NEVER, True)


def test_one_that_stood_still_for_a_month_is_frozen(bench: SandboxBench) -> None:
    """After thirty days without a scan a parcel is told to be expired, and not before."""
    bench.happen(NUMBER, scans(bench.now, ((0, Passage.PICKED_UP, "杭州市"),)))
    bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now)
    bench.move(timedelta(days=29))
    assert [t.frozen for t in bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)] == [False]
    bench.move(timedelta(days=2))
    assert [t.frozen for t in bench.tracer.pushed(*bench.push("c1-parcel-1"), bench.now).traces] == [True]
