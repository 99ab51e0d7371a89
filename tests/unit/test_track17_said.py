"""What 17TRACK says of a number, in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftersales.tracking import Found, Passage
from plugins.track17_carrier.said import instant_of, scans_of, trace_of
from plugins.track17_carrier.word import MAIN, NUMBERS, STAGE, SUB, carrier_of, passage_of


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


#: Anything that JSON can say, and among it what is looked for.
WORDS = st.sampled_from(["Delivered", "Delivered_00", "2026-11-20T08:00:00Z", "9999-12-31T23:59:59-14:00", "sNaN", "kg", "\ud800"])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
NAMES = st.sampled_from(
    [
        "track_info",
        "latest_status",
        "status",
        "sub_status",
        "latest_event",
        "tracking",
        "providers",
        "events",
        "time_utc",
        "time_iso",
        "time_raw",
        "date",
        "time",
        "timezone",
        "description",
        "location",
        "address",
        "city",
        "stage",
        "misc_info",
        "weight_kg",
        "carrier",
        "tag",
        "number",
    ]
)
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=40)
LOOSELY = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@given(st.dictionaries(NAMES, ANYTHING, max_size=6))
@LOOSELY
def test_whatever_is_said_of_a_number_is_a_word_or_none(said: dict[str, Any]) -> None:
    """Nothing that the platform could say breaks anything, and what is read can be stored: scans in order, and plain text."""
    trace = trace_of("c1-parcel-1", "post", said)
    for scan in trace.scans if trace else ():
        (scan.text + scan.city + scan.code).encode()
        assert scan.at.tzinfo is UTC
    assert trace is None or [s.order for s in trace.scans] == sorted(s.order for s in trace.scans)
