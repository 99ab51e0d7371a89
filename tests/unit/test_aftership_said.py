"""What AfterShip says of a number, in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftersales.tracking import Found, Passage
from plugins.aftership_carrier.said import FIELD, instant_of, scans_of, trace_of
from plugins.aftership_carrier.word import SLUGS, TAGS, carrier_of


def a_checkpoint(subtag: str = "InTransit_001", at: str = "2026-11-20T08:00:00+08:00", **more: Any) -> dict[str, Any]:
    """One checkpoint."""
    return {"checkpoint_time": at, "subtag": subtag, "tag": subtag.partition("_")[0], **more}


@pytest.mark.parametrize(
    ("state", "subtags"),
    [
        (Passage.REGISTERED, ["InfoReceived_001"]),
        (Passage.PICKED_UP, ["InTransit_002"]),
        (Passage.IN_TRANSIT, [f"InTransit_0{n:02}" for n in (1, 3, 4, 7, 8, 9, 10, 11, 12, 13)]),
        (Passage.CUSTOMS_RELEASED, ["InTransit_005"]),
        (Passage.CUSTOMS_PENDING, ["InTransit_006"]),
        (Passage.OUT_FOR_DELIVERY, ["OutForDelivery_001", "OutForDelivery_003", "OutForDelivery_004"]),
        (Passage.AT_STATION, ["AvailableForPickup_001", "OutForDelivery_002"]),
        (Passage.SIGNED, [f"Delivered_00{n}" for n in range(1, 6)]),
        (Passage.PROBLEM, [f"AttemptFail_00{n}" for n in range(1, 4)]),
        (Passage.PROBLEM, [f"Exception_0{n:02}" for n in (1, 2, 5, 6, 7, 8, 9, 14, 15, 16, 17, 19)]),
        (Passage.REJECTED, ["Exception_003"]),
        (Passage.CUSTOMS_HELD, ["Exception_004", "Exception_018"]),
        (Passage.RETURNING, ["Exception_010"]),
        (Passage.RETURNED, ["Exception_011"]),
        (Passage.DAMAGED, ["Exception_012"]),
        (Passage.LOST, ["Exception_013", "Exception_021"]),
        (Passage.CANCELLED, ["Exception_020"]),
        (Passage.EXPIRED, ["Expired_001"]),
        (Passage.SIGNED, ["Delivered_099"]),  # of a later version
        (Passage.PROBLEM, ["Teleported_001", ""]),
    ],
)
def test_subtags_mean(state: Passage, subtags: list[str]) -> None:
    """Every published subtag has a meaning, a new one its tag's, and what nobody understands proves nothing."""
    for subtag in subtags:
        (scan,) = scans_of({"checkpoints": [a_checkpoint(subtag)]})
        assert (scan.state, scan.code) == (state, subtag or "none")


@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != "Pending"])
def test_tags_mean_where_there_is_no_subtag(tag: str) -> None:
    """A checkpoint that only has a tag is understood, and keeps that word as the raw code."""
    (scan,) = scans_of({"checkpoints": [a_checkpoint("", tag=tag)]})
    assert (scan.state, scan.code) == (TAGS[tag], tag)


@pytest.mark.parametrize(
    ("said", "found", "over", "frozen"),
    [
        ({"tag": "Pending", "tracked_count": 3}, Found.NOT_YET, False, False),
        ({"tag": "Pending"}, Found.NOT_YET, False, False),
        ({"tag": "InfoReceived"}, Found.KNOWN, False, False),
        ({"tag": "Expired"}, Found.NEVER, True, False),
        ({"tag": "Expired", "checkpoints": [a_checkpoint()]}, Found.KNOWN, True, True),
        ({"tag": "Delivered", "checkpoints": [a_checkpoint("Delivered_001")]}, Found.KNOWN, True, False),
        ({"tag": "Exception", "subtag": "Exception_011"}, Found.KNOWN, True, False),
        ({"tag": "Exception", "subtag": "Exception_010"}, Found.KNOWN, False, False),
    ],
)
def test_a_trackings_tag_means(said: dict[str, Any], found: Found, *, over: bool, frozen: bool) -> None:
    """Looked for in vain is not found yet, given up without a trace is never; arrived is over, and so is what long stood still."""
    trace = trace_of("c1-parcel-1", "post", said)
    assert trace is not None
    assert (trace.found, trace.over, trace.frozen) == (found, over, frozen)


@pytest.mark.parametrize(
    "said", [{}, {"tag": "Pending", "tracked_count": 0}, {"checkpoints": "none"}, {"tag": None, "checkpoints": [5]}]
)
def test_a_tracking_that_says_nothing_is_no_answer(said: dict[str, Any]) -> None:
    """Where nobody has looked yet, or nothing can be read, nothing is concluded about the parcel."""
    assert trace_of("c1-parcel-1", "post", said) is None


@pytest.mark.parametrize(
    "said",
    ["2026-11-20T08:30:00", "2026-11-20T08:30:00+08:00", "2026-11-20T00:30:00Z", "2026-11-19T19:30:00-05:00", "2026-11-20 08:30"],
)
def test_times_are_read_in_their_zone(said: str) -> None:
    """A zone that is named counts; without one a time is China's."""
    assert instant_of(said) == datetime(2026, 11, 20, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("said", [None, "", "soon", 5, "2026-13-40T00:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_checkpoint_without_a_readable_time_has_no_place(said: Any) -> None:
    """What cannot be placed among the others is left out, and breaks nothing."""
    assert scans_of({"checkpoints": [a_checkpoint(at=said)]}) == ()


def test_a_checkpoint_told_twice_is_one_scan() -> None:
    """By its hash, where the words were changed since; by all of it, where there is none."""
    twice = [
        a_checkpoint(hash="h1", message="Arrived"),
        a_checkpoint(hash="h1", message="Arrived at hub"),
        a_checkpoint(),
        a_checkpoint(),
    ]
    assert [scan.text for scan in scans_of({"checkpoints": twice})] == ["", "Arrived"]


def test_phones_in_what_carriers_write_are_not_kept() -> None:
    """A courier's phone is masked in text and place, and a long sentence is cut."""
    said = a_checkpoint(message="Courier 13800001234 " + "x" * 500, city=None, location="Depot 138 0000 1234")
    (scan,) = scans_of({"checkpoints": [said]})
    assert "1380000" not in scan.text + scan.city
    assert len(scan.text) == 120


@pytest.mark.parametrize(
    ("said", "weight_g"),
    [
        ({"unit": "kg", "value": 0.512}, 512),
        ({"unit": "lb", "value": 2}, 907),
        ({"unit": "oz", "value": "1"}, 28),
        ({"unit": "g", "value": 80}, 80),
        ({"unit": "stone", "value": 1}, None),
        ({"unit": "kg", "value": "much"}, None),
        ({"unit": "kg", "value": 5_000}, None),
        (None, None),
    ],
)
def test_what_a_parcel_weighs_stands_with_the_first_scan_of_a_carrier_that_has_it(said: Any, weight_g: int | None) -> None:
    """Every unit becomes grams; what cannot be a parcel's weight is not kept."""
    way = [
        a_checkpoint(subtag, f"2026-11-20T0{hour}:00:00Z")
        for hour, subtag in enumerate(["InfoReceived_001", "InTransit_002", "Delivered_001"])
    ]
    assert [scan.weight_g for scan in scans_of({"shipment_weight": said, "checkpoints": way})] == [None, weight_g, None]


def test_carriers_have_one_name_each_and_come_back_by_it() -> None:
    """Each code of ours has a name of its own and comes back from it; further names mean companies we know, others nobody."""
    assert {carrier_of(slug): slug for slug in SLUGS.values()} == SLUGS
    assert carrier_of("dpd-uk") == "dpd"
    assert carrier_of("unrecognized") == carrier_of(None) == carrier_of(3) == ""


#: Anything that JSON can say, and among it what is looked for.
WORDS = st.sampled_from(["Delivered", "Delivered_00", "2026-11-20T08:00:00Z", "9999-12-31T23:59:59-14:00", "sNaN", "kg", "\ud800"])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
NAMES = st.sampled_from(
    [
        "tag",
        "subtag",
        "tracked_count",
        "checkpoints",
        "checkpoint_time",
        "hash",
        "message",
        "city",
        "location",
        "slug",
        "shipment_weight",
        "unit",
        "value",
        "custom_fields",
        FIELD,
        "tracking_number",
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
