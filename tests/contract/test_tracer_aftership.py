"""AfterShip as a tracer keeps the contract, against the platform of the sandbox over real HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.errors import ChannelBusy, Unknown
from aftersales.testing.tracer import BUYER_TAIL, SHOP_TAIL, TracerContract, a_waybill, scans
from aftersales.tracking import Found, Passage, Scan
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import End
from plugins.aftership_carrier import build

NUMBER = "RR123456785CN"
Push = tuple[dict[str, str], dict[str, str], bytes]


class SandboxBench:
    """The sandbox is the other side; its clock stands at ``now``."""

    carrier, number, pushes = "post", NUMBER, True

    def __init__(self, sandbox: Sandbox, **settings: Any) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("aftership")
        self.tracer = build({**sandbox.settings(provider="aftership"), "read_s": 1, **settings})
        self.now = datetime.fromtimestamp(int(sandbox.now()), UTC)

    def happen(self, number: str, scans: Sequence[Scan]) -> None:
        """See the kit."""
        ends = End("杭州市", BUYER_TAIL), End("烟台市", SHOP_TAIL)
        self.sandbox.parcels.happen(number, self.carrier, *ends, [Scan(s.at, s.state, "", s.text, s.city) for s in scans])

    def fall_silent(self) -> None:
        """See the kit."""
        self.sandbox.fault(Fault(At.QUERY, Kind.HANG), provider="aftership")

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
        sign = headers["aftership-hmac-sha256"]
        return ({"aftership-hmac-sha256": sign[::-1]} if how == "sign" else {}), query, body


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


def test_twenty_numbers_fit_into_a_question_and_twenty_one_do_not(bench: SandboxBench) -> None:
    """All are created within the limits and asked about by one call; more are never sent."""
    assert bench.tracer.subscribe(waybills(20), bench.now) == {w.key for w in waybills(20)}
    assert len(bench.tracer.trace(waybills(20), bench.now)) == 20
    for call in (bench.tracer.trace, bench.tracer.subscribe):
        with pytest.raises(ValueError, match="21"):
            call(waybills(21), bench.now)
    calls = bench.other.truth()["calls"]
    assert (calls["POST"], calls["GET"], calls["exceeded"]) == (20, 1, False)


@pytest.mark.parametrize("count", [20, 7])
def test_what_is_not_followed_is_from_now_on(bench: SandboxBench, count: int) -> None:
    """A first question creates what AfterShip never heard of, and the answer to that is one: also for more than a second takes."""
    for waybill in waybills(count):
        bench.happen(waybill.number, scans(bench.now - timedelta(hours=31)))
    for _ in range(2):
        assert {t.found for t in bench.tracer.trace(waybills(count), bench.now)} == {Found.KNOWN}
    assert {row["key"] for row in bench.other.truth()["followed"].values()} == {w.key for w in waybills(count)}
    assert bench.sandbox.parcels.truth()["broken"] == []


def test_the_platform_refuses_the_fifty_first_number(bench: SandboxBench) -> None:
    """The sandbox has the real number: fifty in a question are answered, one more is refused and on record."""
    import httpx

    settings = bench.sandbox.settings(provider="aftership")
    for count, status in ((50, 200), (51, 400)):
        numbers = ",".join(w.number for w in waybills(count))
        where, headers = f"{settings['base_url']}/trackings", {"as-api-key": settings["key"]}
        assert httpx.get(where, params={"tracking_numbers": numbers}, headers=headers, trust_env=False).status_code == status
    assert [b["what"] for b in bench.sandbox.parcels.truth()["broken"]] == ["batch"]


def test_the_seventh_question_of_a_second_waits(bench: SandboxBench) -> None:
    """Told that none is left, the plugin waits for the next second: the platform never has to refuse."""
    bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now)
    for _ in range(15):
        bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
    calls = bench.other.truth()["calls"]
    assert calls["GET"] == 15
    assert (calls["over_limit"], calls["most_per_s"]["GET"] <= 6) == (0, True)


def test_too_often_says_when_to_come_again(bench: SandboxBench) -> None:
    """Where others took the second, the call was not made, and says until when to wait: as AfterShip does."""
    import httpx

    settings = bench.sandbox.settings(provider="aftership")
    busy = None
    until = time.monotonic() + 10
    while busy is None and time.monotonic() < until:
        for _ in range(6):
            httpx.get(f"{settings['base_url']}/trackings", headers={"as-api-key": settings["key"]}, trust_env=False)
        try:
            bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
        except ChannelBusy as error:
            busy = error
    assert busy is not None
    assert bench.now < busy.details["until"] <= bench.now + timedelta(seconds=1.1)


def test_a_number_that_was_created_just_now_is_not_judged(bench: SandboxBench) -> None:
    """Before AfterShip has looked at all there is no answer, which is no "not found"; later the same question has one."""
    bench.other.lag(3_600)
    assert bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now) == ()
    assert bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now) == ()
    bench.move(timedelta(hours=1))
    (trace,) = bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
    assert trace.found is Found.NOT_YET


@pytest.mark.parametrize(
    "fault", [Fault(At.CREATE, Kind.HTML, executed=False, status=502), Fault(At.CREATE, Kind.ERROR, status=400, code="4012")]
)
def test_one_that_cannot_be_created_takes_nothing_from_the_others(bench: SandboxBench, fault: Fault) -> None:
    """Whatever becomes of creating: those that have an answer have it, and nobody believes that this one is followed."""
    other = a_waybill("LZ123456789CN", "post", key="c2-parcel-1")
    bench.tracer.subscribe([other], bench.now)
    bench.sandbox.fault(fault, provider="aftership")
    assert [t.key for t in bench.tracer.trace([a_waybill(NUMBER, "post"), other], bench.now)] == ["c2-parcel-1"]
    assert bench.sandbox.envs["aftership"].script.left == 0


def test_what_was_taken_before_it_fell_silent_is_taken(bench: SandboxBench) -> None:
    """Silence in the middle of a subscription loses none of those that are followed by then."""
    bench.sandbox.fault(Fault(At.CREATE, Kind.HANG, key=waybills(3)[1].number), provider="aftership")
    assert bench.tracer.subscribe(waybills(3), bench.now) == {"c0-parcel-1"}
    assert bench.tracer.subscribe(waybills(3), bench.now) == {w.key for w in waybills(3)}


def test_a_carrier_that_was_found_otherwise_is_corrected(bench: SandboxBench) -> None:
    """A postal number of nobody's we know is asked without a carrier, and who really drives is told back; else nothing is."""
    item = a_waybill("LZ123456785US", "s10", key="c2-parcel-1")
    bench.sandbox.parcels.happen(item.number, "usps", End("", ""), End("", ""), scans(bench.now - timedelta(hours=31)))
    bench.happen(NUMBER, scans(bench.now - timedelta(hours=31)))
    told = bench.tracer.trace([item, a_waybill(NUMBER, "post")], bench.now)
    assert {t.key: t.carrier for t in told} == {"c1-parcel-1": "", "c2-parcel-1": "usps"}


def test_a_number_of_another_case_is_told_to_that_one(bench: SandboxBench) -> None:
    """Followed under another key it is no subscription of ours, though it may be asked about."""
    assert bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now) == {"c1-parcel-1"}
    again = a_waybill(NUMBER, "post", key="c2-parcel-1")
    assert bench.tracer.subscribe([again, a_waybill(NUMBER, "post")], bench.now) == {"c1-parcel-1"}
    assert [t.key for t in bench.tracer.trace([again], bench.now)] == ["c2-parcel-1"]


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.HTML, Kind.TRICKLE, Kind.HANG, Kind.ERROR])
@pytest.mark.parametrize(("at", "what"), [(At.QUERY, "trace"), (At.CREATE, "subscribe")])
def test_an_answer_that_cannot_be_read_is_no_answer(bench: SandboxBench, kind: Kind, at: At, what: str) -> None:
    """Cut, a proxy's page, one that does not end, none, or an error of theirs: Unknown."""
    impatient = SandboxBench(bench.sandbox, total_s=1)
    bench.sandbox.fault(Fault(at, kind, status=502, seconds=3), provider="aftership")
    with pytest.raises(Unknown):
        getattr(impatient.tracer, what)([a_waybill(NUMBER, "post")], bench.now)
    impatient.tracer.close()


def test_a_wrong_key_is_no_answer(bench: SandboxBench, caplog: pytest.LogCaptureFixture) -> None:
    """Who is not known is told so in the log, without the key."""
    stranger = build({**bench.sandbox.settings(provider="aftership"), "key": "0123456789ABCDEF"})
    with caplog.at_level(logging.DEBUG), pytest.raises(Unknown):
        stranger.trace([a_waybill(NUMBER, "post")], bench.now)
    stranger.close()
    assert "401" in caplog.text
    assert "0123456789ABCDEF" not in caplog.text


def test_nothing_personal_is_logged_by_us(bench: SandboxBench, caplog: pytest.LogCaptureFixture) -> None:
    """Neither phone nor number nor text of a parcel is in our log, whatever goes wrong."""
    waybill = a_waybill(NUMBER, "post")
    bench.happen(NUMBER, scans(bench.now - timedelta(hours=31)))
    with caplog.at_level(logging.DEBUG):
        bench.tracer.subscribe([waybill], bench.now)
        bench.tracer.trace([waybill], bench.now)
        bench.tracer.pushed(*bench.push(waybill.key), bench.now)
        bench.sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False, status=400, code="4012"), provider="aftership")
        bench.tracer.trace([a_waybill("LZ123456789CN", "post")], bench.now)
    ours = " ".join(record.getMessage() for record in caplog.records if record.name.partition(".")[0] == "plugins")
    assert "4012" in ours
    for secret in (waybill.phone, NUMBER, "LZ123456789CN", "杭州", bench.other.keys.key, bench.other.keys.webhook_secret):
        assert secret not in ours


def test_one_that_stood_still_for_a_month_is_frozen(bench: SandboxBench) -> None:
    """After thirty days without a scan a parcel is told to be expired, and not before."""
    bench.happen(NUMBER, scans(bench.now, ((0, Passage.PICKED_UP, "杭州市"),)))
    bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now)
    bench.move(timedelta(days=29))
    assert [t.frozen for t in bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)] == [False]
    bench.move(timedelta(days=2))
    assert [t.frozen for t in bench.tracer.pushed(*bench.push("c1-parcel-1"), bench.now).traces] == [True]
