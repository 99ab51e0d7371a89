"""17TRACK as a tracer keeps the contract, against the platform of the sandbox over real HTTP."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.errors import BadSettings, BadSignature, ChannelBusy, Unknown
from aftersales.testing.builders import NOW
from aftersales.testing.tracer import BUYER_TAIL, SHOP_TAIL, TracerContract, a_waybill, scans
from aftersales.tracking import Found, Passage, Scan
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import End
from plugins.track17_carrier import build
from plugins.track17_carrier.said import instant_of, scans_of, trace_of
from plugins.track17_carrier.sign import check, signature
from plugins.track17_carrier.word import MAIN, NUMBERS, STAGE, SUB, carrier_of, passage_of

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


# --- words ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sub", "state"),
    [
        ("InfoReceived", Passage.REGISTERED),
        ("InTransit_PickedUp", Passage.PICKED_UP),
        ("InTransit_Other", Passage.IN_TRANSIT),
        ("InTransit_Departure", Passage.IN_TRANSIT),
        ("InTransit_Arrival", Passage.IN_TRANSIT),
        ("InTransit_CustomsProcessing", Passage.CUSTOMS_PENDING),
        ("InTransit_CustomsReleased", Passage.CUSTOMS_RELEASED),
        ("InTransit_CustomsRequiringInformation", Passage.CUSTOMS_HELD),
        ("Expired_Other", Passage.EXPIRED),
        ("AvailableForPickup_Other", Passage.AT_STATION),
        ("OutForDelivery_Other", Passage.OUT_FOR_DELIVERY),
        ("DeliveryFailure_Other", Passage.PROBLEM),
        ("DeliveryFailure_NoBody", Passage.PROBLEM),
        ("DeliveryFailure_Security", Passage.PROBLEM),
        ("DeliveryFailure_Rejected", Passage.REJECTED),
        ("DeliveryFailure_InvalidAddress", Passage.PROBLEM),
        ("Delivered_Other", Passage.SIGNED),
        ("Exception_Other", Passage.PROBLEM),
        ("Exception_Returning", Passage.RETURNING),
        ("Exception_Returned", Passage.RETURNED),
        ("Exception_NoBody", Passage.PROBLEM),
        ("Exception_Security", Passage.PROBLEM),
        ("Exception_Damage", Passage.DAMAGED),
        ("Exception_Rejected", Passage.REJECTED),
        ("Exception_Delayed", Passage.PROBLEM),
        ("Exception_Lost", Passage.LOST),
        ("Exception_Destroyed", Passage.LOST),
        ("Exception_Cancel", Passage.CANCELLED),
        ("InTransit_TransportArrived", Passage.IN_TRANSIT),  # of a later version
        ("Delivered_ByDrone", Passage.SIGNED),
        ("Teleported_Other", Passage.PROBLEM),
        ("", Passage.PROBLEM),
    ],
)
def test_sub_statuses_mean(sub: str, state: Passage) -> None:
    """Every published sub-status has a meaning, a new one its main status's, and what nobody understands proves nothing."""
    (scan,) = scans_of({"latest_event": {"time_utc": "2026-11-20T08:00:00Z", "sub_status": sub}})
    assert scan.state is state
    assert scan.code == (sub or "none")


@pytest.mark.parametrize("stage", [*STAGE, *(main for main in MAIN if main != "NotFound")])
def test_milestones_mean_where_there_is_no_sub_status(stage: str) -> None:
    """An event that only says its milestone is understood, and keeps that word as the raw code."""
    (scan,) = scans_of({"latest_event": {"time_utc": "2026-11-20T08:00:00Z", "stage": stage, "sub_status": None}})
    assert scan.state is {**MAIN, **STAGE}[stage]
    assert scan.code == stage


def test_every_sub_status_agrees_with_its_main_status_or_says_more() -> None:
    """The tables know the same main statuses; none of the published ones is left to the fallback."""
    assert {sub.partition("_")[0] for sub in SUB} == set(MAIN)
    assert passage_of("NotFound_InvalidCode", "") is Passage.NOT_FOUND


@pytest.mark.parametrize(
    ("status", "found", "over", "frozen"),
    [
        ({"status": "NotFound", "sub_status": "NotFound_Other"}, Found.NOT_YET, False, False),
        ({"status": "NotFound", "sub_status": "NotFound_InvalidCode"}, Found.NOT_YET, False, False),
        ({"status": "InfoReceived", "sub_status": "InfoReceived"}, Found.KNOWN, False, False),
        ({"status": "Expired", "sub_status": "Expired_Other"}, Found.KNOWN, False, True),
        ({"status": "Delivered", "sub_status": "Delivered_Other"}, Found.KNOWN, True, False),
        ({"status": "Exception", "sub_status": "Exception_Returned"}, Found.KNOWN, True, False),
        ({"status": "Exception", "sub_status": "Exception_Returning"}, Found.KNOWN, False, False),
    ],
)
def test_a_parcels_status_means(status: dict[str, str], found: Found, *, over: bool, frozen: bool) -> None:
    """Young numbers and those that a carrier calls invalid are not found yet, never fake; arrived is over, unchanged is frozen."""
    trace = trace_of("c1-parcel-1", "post", {"track_info": {"latest_status": status}})
    assert trace is not None
    assert (trace.found, trace.over, trace.frozen) == (found, over, frozen)


@pytest.mark.parametrize("said", [{}, {"track_info": None}, {"track_info": {"latest_status": None, "tracking": []}}])
def test_an_entry_that_says_nothing_is_no_answer(said: dict[str, Any]) -> None:
    """Where status and events are missing, nothing is concluded about the parcel."""
    assert trace_of("c1-parcel-1", "post", said) is None


AT = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        {"time_utc": "2026-11-20T00:30:00Z", "time_iso": "2026-01-01T00:00:00+08:00"},
        {"time_utc": None, "time_iso": "2026-11-19T19:30:00-05:00", "time_raw": {"date": "2026-01-01", "time": "00:00"}},
        {"time_iso": "2026-11-20T08:30:00"},  # no zone: China's
        {"time_raw": {"date": "2026-11-20", "time": "08:30:00", "timezone": "+08:00"}},
        {"time_raw": {"date": "2026-11-20", "time": "00:30:00", "timezone": "Z"}},
        {"time_raw": {"date": "2026-11-20", "time": "08:30:00", "timezone": None}},
        {"time_utc": "yesterday", "time_iso": "", "time_raw": {"date": "2026-11-20", "time": "08:30"}},
    ],
)
def test_times_are_read_in_their_zone(said: dict[str, Any]) -> None:
    """UTC comes first, then the time with a zone, then the carrier's own words; without a zone it is China's."""
    assert instant_of(said) == AT


@pytest.mark.parametrize(
    "said", [{}, {"time_utc": 5}, {"time_raw": {"date": "2026-13-40", "time": "25:00"}}, {"time_utc": "0001-01-01T00:00:00+14:00"}]
)
def test_an_event_without_a_readable_time_has_no_place(said: dict[str, Any]) -> None:
    """What cannot be placed among the others is left out, and breaks nothing."""
    assert scans_of({"latest_event": {**said, "sub_status": "Delivered_Other"}}) == ()


def test_phones_in_what_carriers_write_are_not_kept() -> None:
    """A courier's phone is masked in text and place, and a long sentence is cut."""
    event = {"time_utc": "2026-11-20T08:00:00Z", "sub_status": "OutForDelivery_Other", "location": "Depot 138 0000 1234"}
    (scan,) = scans_of({"latest_event": {**event, "description": "Courier 13800001234 " + "x" * 500}})
    assert "1380000" not in scan.text + scan.city
    assert len(scan.text) == 120


@pytest.mark.parametrize(
    ("said", "weight_g"),
    [("0.512", 512), (1.5, 1_500), ("0", None), ("about 1", None), ("NaN", None), (None, None), ("5000", None)],
)
def test_what_a_parcel_weighs_stands_with_the_first_scan_of_a_carrier_that_has_it(said: Any, weight_g: int | None) -> None:
    """Kilograms become grams; what cannot be a parcel's weight is not kept."""
    events = [
        {"time_utc": f"2026-11-20T0{hour}:00:00Z", "sub_status": sub}
        for hour, sub in enumerate(["InfoReceived", "InTransit_Other", "Delivered_Other"])
    ]
    told = scans_of({"misc_info": {"weight_kg": said}, "tracking": {"providers": [{"events": events}]}})
    assert [scan.weight_g for scan in told] == [None, weight_g, None]


def test_carriers_have_one_number_each_and_come_back_by_it() -> None:
    """Each code of ours has a number of its own and comes back from it; further numbers mean companies we know, others nobody."""
    assert {carrier_of(number): number for number in NUMBERS.values()} == NUMBERS
    assert carrier_of(7041) == "dhl"
    assert carrier_of(999_999) == carrier_of(None) == carrier_of("3011") == ""


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
    """Asked for more, the plugin waits for its turn: the platform never has to refuse."""
    bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now)
    for _ in range(5):
        bench.tracer.trace([a_waybill(NUMBER, "post")], bench.now)
    calls = bench.other.truth()["calls"]
    assert calls["gettrackinfo"] == 5
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


# --- being told -------------------------------------------------------------------------------------------------------
def test_the_signature_is_the_platforms() -> None:
    """SHA-256 over body, slash and key (computed with sha256sum)."""
    body = b'{"event":"TRACKING_UPDATED"}'
    assert signature(body, "KEY") == "68a7ac99df71d5d85a5e8be3ecba4eb64834ac9b0e6d7fc89c1f45f982c8019a"
    check(body, "KEY", signature(body, "KEY").upper())


@pytest.mark.parametrize("given", ["", "0" * 64, "é", "\x00"])
def test_another_signature_is_refused(given: str) -> None:
    """None, another one and nonsense are BadSignature, and nothing else."""
    with pytest.raises(BadSignature):
        check(b"{}", "KEY", given)


def told(bench: SandboxBench, said: Any) -> Push:
    """A message that 17TRACK signed."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return {"sign": signature(body, bench.other.keys.key)}, {}, body


@pytest.mark.parametrize("said", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, {"event": "TRACKING_UPDATED", "data": 5}])
def test_a_message_of_another_form_is_refused(bench: SandboxBench, said: Any) -> None:
    """What is signed and still no message is refused like one that is not signed."""
    with pytest.raises(BadSignature):
        bench.tracer.pushed(*told(bench, said), NOW)


@pytest.mark.parametrize(
    "said", [{"event": "QUOTA_LOW", "data": {"tag": "c1-parcel-1"}}, {"event": "TRACKING_UPDATED", "data": {"number": NUMBER}}, {}]
)
def test_a_message_about_nothing_of_ours_is_thanked_for(bench: SandboxBench, said: Any) -> None:
    """Another event, or a number that somebody registered by hand, changes nothing."""
    assert bench.tracer.pushed(*told(bench, said), NOW).traces == ()


def test_one_that_it_stops_to_follow_is_over(bench: SandboxBench) -> None:
    """Stopped without ever being found it never existed; where something is known, that stays and no more comes."""
    bench.tracer.subscribe([a_waybill(NUMBER, "post")], bench.now)
    headers, query, body = bench.other.notice_of(NUMBER, "stopped")
    (trace,) = bench.tracer.pushed(headers, query, body, NOW).traces
    assert (trace.key, trace.found, trace.over) == ("c1-parcel-1", Found.NEVER, True)
    moved = {
        "track_info": {"latest_event": {"time_utc": "2026-11-20T08:00:00Z", "sub_status": "InTransit_Other"}},
        "tag": "c1-parcel-1",
    }
    (trace,) = bench.tracer.pushed(*told(bench, {"event": "TRACKING_STOPPED", "data": moved}), NOW).traces
    assert (trace.found, trace.over, len(trace.scans)) == (Found.KNOWN, True, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": ""},
        {"base_url": "http://17track.example"},
        {"base_url": "https://u@x.example"},
        {"key": ""},
        {"key": "two words"},
        {"key": "schlüssel"},
        {"total_s": 0},
        {"read_s": "x"},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    with pytest.raises(BadSettings) as error:
        build({"base_url": "https://17track.example/track/v2.2", "key": "0123456789ABCDEF", **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "schlüssel" not in error.value.message
