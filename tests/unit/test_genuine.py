"""The check list over made-up parcels: every forgery fails at its own line, nothing honest fails, each limit on both sides."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales import course
from aftersales.decision import Verdict
from aftersales.genuine import BY_LABEL, CHECKS, NECESSARY, Returned, checks, overall
from aftersales.place import Place, place_of
from aftersales.text import texts_of
from aftersales.tracking import Found, Party, Passage, Scan

P, V = Passage, Verdict
APPROVED = datetime(2026, 11, 10, 2, tzinfo=UTC)
BOTH = (Party.BUYER, Party.SHOP)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)

HOME, SHOP, FAR, BESIDE_HOME, BESIDE_SHOP = "杭州市", "烟台市", "乌鲁木齐市", "绍兴市", "威海市"

Way = tuple[tuple[float, Passage, str], ...]
NORMAL: Way = (
    (24, P.PICKED_UP, HOME),
    (30, P.IN_TRANSIT, HOME),
    (50, P.IN_TRANSIT, SHOP),
    (56, P.OUT_FOR_DELIVERY, SHOP),
    (60, P.SIGNED, SHOP),
)


def trace(*way: tuple[float, Passage, str], weight_g: int | None = 2_100) -> tuple[Scan, ...]:
    """Scans by hours after the approval; the first is weighed."""
    return tuple(
        Scan(APPROVED + h * HOUR, state, city=city, text=f"【{city}】{state}", weight_g=None if n else weight_g)
        for n, (h, state, city) in enumerate(way)
    )


def signed(words: str) -> tuple[Scan, ...]:
    """An ordinary way that ends with these words."""
    return (*trace(*NORMAL[:-1]), Scan(APPROVED + 60 * HOUR, P.SIGNED, text=words, city=SHOP))


def returned(**other: Any) -> Returned:
    """A parcel about which everything is known and right."""
    known: dict[str, Any] = {
        "carrier": "ems",
        "number": "EA123456785CN",
        "now": APPROVED + 5 * DAY,
        "approved_at": APPROVED,
        "ship_by": APPROVED + 7 * DAY,
        "told_at": APPROVED + 20 * HOUR,
        "outbound": ("sf", "SF1111111111111"),
        "home": place_of(HOME),
        "home_tail": "1111",
        "shop": place_of(SHOP),
        "shop_tail": "4321",
        "expected_g": 2_000,
        "scans": trace(*NORMAL),
        "found": Found.KNOWN,
        "proved": BOTH,
        "elsewhere": False,
    }
    return Returned(**(known | other))


def failed(it: Returned) -> set[str]:
    """The lines that speak against it."""
    return {f.check.removeprefix("parcel.") for f in checks(it) if f.verdict is V.FAIL}


def line(it: Returned, name: str) -> tuple[Verdict, str]:
    """What one line says: verdict, and why."""
    found = CHECKS[name](it)
    return found.verdict, found.reason.rpartition(".")[2]


def test_a_parcel_with_nothing_wrong_passes_every_line() -> None:
    """An ordinary return of which everything is known passes all twelve, in the order of the list."""
    found = checks(returned())
    assert [(f.check, f.verdict) for f in found] == [(f"parcel.{name}", V.PASS) for name in CHECKS]
    assert overall(found).verdict is V.PASS


RECALLED: Way = (*NORMAL[:2], (40, P.RETURNING, HOME), (60, P.RETURNED, HOME))
FORGED: dict[str, tuple[str, dict[str, Any]]] = {
    "garbage": ("format", {"number": "hello"}),
    "check_digit": ("format", {"number": "EA123456784CN"}),
    "country_of_nobody": ("format", {"number": "EA123456785XX"}),
    "outbound_number": ("outbound", {"outbound": ("ems", "EA 123456785 CN")}),
    "outbound_number_other_carrier": ("outbound", {"outbound": ("yto", "ea123456785cn")}),
    "number_used_twice": ("unique", {"elsewhere": True}),
    "invented": ("exists", {"scans": (), "found": Found.NEVER}),
    "unknown_for_days": ("exists", {"scans": (), "found": Found.NOT_YET}),
    "not_found_for_days": ("exists", {"scans": trace((21, P.NOT_FOUND, "")), "found": None}),
    "label_cancelled": ("exists", {"scans": trace((24, P.REGISTERED, HOME), (27, P.CANCELLED, HOME))}),
    "label_only": ("picked_up", {"scans": trace((24, P.REGISTERED, HOME)), "now": APPROVED + 8 * DAY}),
    "before_the_approval": ("began", {"scans": trace((-48, P.PICKED_UP, HOME), *NORMAL[1:])}),
    "too_late": ("in_time", {"scans": trace(*((h + 14 * 24, s, c) for h, s, c in NORMAL))}),
    "other_city": ("origin", {"scans": trace((24, P.PICKED_UP, FAR), *NORMAL[2:])}),
    "signed_elsewhere": ("destination", {"scans": trace(*NORMAL[:2], (60, P.SIGNED, FAR))}),
    "at_a_door_elsewhere": ("destination", {"scans": trace(*NORMAL[:2], (60, P.OUT_FOR_DELIVERY, FAR))}),
    "strangers": ("parties", {"proved": (), "denied": BOTH}),
    "not_to_the_shop": ("parties", {"proved": (Party.BUYER,), "denied": (Party.SHOP,)}),
    "another_receiver_in_words": ("parties", {"proved": (), "scans": signed("收件人尾号 9999，已签收")}),
    "empty_box": ("weight", {"scans": trace(*NORMAL, weight_g=120)}),
    "recalled": ("course", {"scans": trace(*RECALLED)}),
    "recalled_after_signing": ("course", {"scans": trace(*NORMAL, (80, P.RETURNING, SHOP))}),
    "cancelled_after_pickup": ("course", {"scans": trace(*NORMAL[:2], (40, P.CANCELLED, HOME))}),
    "frozen": ("course", {"scans": trace(*NORMAL[:2]), "frozen": True}),
    "expired": ("course", {"scans": trace(*NORMAL[:2], (1500, P.EXPIRED, ""))}),
}  # fmt: skip


@pytest.mark.parametrize(("at", "changes"), FORGED.values(), ids=FORGED.keys())
def test_a_forgery_fails_at_its_own_line_and_nowhere_else(at: str, changes: dict[str, Any]) -> None:
    """Each way to forge a return is caught by the line that is there for it, and by no other."""
    it = returned(**changes)
    assert failed(it) == {at}
    assert overall(checks(it)).verdict is V.FAIL


def test_every_line_has_a_forgery() -> None:
    """No line is there that catches nothing."""
    assert {at for at, _ in FORGED.values()} == set(CHECKS)


def test_the_waybill_of_the_way_out_is_caught_although_it_is_not_on_record() -> None:
    """The parcel that brought the goods began before the approval, elsewhere, and went the other way."""
    way = ((-120, P.PICKED_UP, SHOP), (-90, P.IN_TRANSIT, HOME), (-80, P.SIGNED, HOME))
    assert failed(returned(outbound=None, scans=trace(*way))) == {"began", "origin", "destination"}


HONEST: dict[str, tuple[Verdict, dict[str, Any]]] = {
    "late_first_scan": (V.PASS, {"scans": trace((6 * 24 + 47, P.PICKED_UP, HOME), (200, P.SIGNED, SHOP))}),
    "no_pickup_scan": (V.PASS, {"scans": trace(*NORMAL[1:])}),
    "no_pickup_scan_far_hub": (V.UNSURE, {"scans": trace((30, P.IN_TRANSIT, "南京市"), *NORMAL[2:])}),
    "neighbour_city": (V.PASS, {"scans": trace((24, P.PICKED_UP, BESIDE_HOME), *NORMAL[1:])}),
    "neighbour_of_the_shop": (V.PASS, {"scans": trace(*NORMAL[:2], (60, P.SIGNED, BESIDE_SHOP))}),
    "neighbour_by_the_shops_table": (
        V.PASS,
        {"scans": trace((24, P.PICKED_UP, "南京市"), *NORMAL[1:]), "also": {"杭州": ["南京"]}},
    ),
    "merged_return": (V.PASS, {"elsewhere": True, "declared": True}),
    "carrier_corrected": (V.PASS, {"carrier": "yto", "number": "SF1234567890123", "corrected": "sf"}),
    "carrier_misnamed": (V.PASS, {"carrier": "yto", "number": "SF1234567890123"}),
    "clock_skew": (V.PASS, {"scans": trace((-0.7, P.PICKED_UP, HOME), *NORMAL[1:])}),
    "clock_far_off": (V.UNSURE, {"scans": trace((-1.5, P.PICKED_UP, HOME), *NORMAL[1:])}),
    "pickup_stamped_after_the_hub": (V.PASS, {"scans": trace((24, P.IN_TRANSIT, "南京市"), (25, P.PICKED_UP, HOME), *NORMAL[2:])}),
    "local_time_abroad": (
        V.UNSURE,
        {"scans": trace((-13, P.PICKED_UP, HOME), *NORMAL[1:]), "carrier": "ups", "number": "1Z5R89390357567127"},
    ),
    "label_just_ordered": (V.UNSURE, {"scans": trace((24, P.REGISTERED, HOME)), "now": APPROVED + 2 * DAY}),
    "label_while_there_is_time": (V.UNSURE, {"scans": trace((24, P.REGISTERED, HOME))}),
    "young_number": (V.UNSURE, {"scans": (), "found": Found.NOT_YET, "now": APPROVED + 2 * DAY}),
    "on_its_way": (V.UNSURE, {"scans": trace(*NORMAL[:2])}),
    "dropped_at_a_station_at_home": (V.PASS, {"scans": trace((20, P.AT_STATION, HOME), *NORMAL)}),
    "station_then_signed": (V.PASS, {"scans": trace(*NORMAL[:3], (56, P.AT_STATION, SHOP), (99, P.SIGNED, SHOP))}),
    "sent_by_somebody_for_the_buyer": (V.PASS, {"proved": (Party.SHOP,), "denied": (Party.BUYER,)}),
    "first_kilogram_unweighed": (V.PASS, {"expected_g": 3_000, "scans": trace(*NORMAL, weight_g=1_000)}),
    "small_goods_billed_by_the_kilogram": (V.PASS, {"expected_g": 150, "scans": trace(*NORMAL, weight_g=1_000)}),
    "lost": (V.UNSURE, {"scans": trace(*NORMAL[:3], (90, P.LOST, SHOP))}),
    "lost_and_found": (V.PASS, {"scans": trace(*NORMAL[:3], (52, P.LOST, SHOP), *NORMAL[3:])}),
    "damaged": (V.UNSURE, {"scans": trace(*NORMAL[:3], (52, P.DAMAGED, SHOP))}),
    "refused_by_the_shop": (
        V.UNSURE,
        {"scans": trace(*NORMAL[:4], (60, P.REJECTED, SHOP), (70, P.RETURNING, SHOP), (99, P.RETURNED, HOME))},
    ),
    "turned_and_came_again": (V.UNSURE, {"scans": trace(*NORMAL[:3], (52, P.RETURNING, SHOP), *NORMAL[3:])}),
    "cancelled_by_mistake": (V.UNSURE, {"scans": trace(*NORMAL[:2], (40, P.CANCELLED, HOME), *NORMAL[2:])}),
    "cities_in_words_only": (
        V.UNSURE,
        {"scans": (Scan(APPROVED + DAY, P.PICKED_UP, text="快件已发往 济南转运中心"), *trace(*NORMAL[2:]))},
    ),
    "nothing_known": (V.UNSURE, {"scans": (), "found": None}),
}  # fmt: skip


@pytest.mark.parametrize(("expected", "changes"), HONEST.values(), ids=HONEST.keys())
def test_what_honest_parcels_look_like_never_fails(expected: Verdict, changes: dict[str, Any]) -> None:
    """No line of an honest return fails, however oddly its carrier tells of it; what is certain passes."""
    it = returned(**changes)
    assert failed(it) == set()
    assert overall(checks(it)).verdict is expected


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("began", {"scans": trace((0, P.PICKED_UP, HOME))}, (V.PASS, "after")),
        ("began", {"approved_at": APPROVED + DAY + SECOND}, (V.PASS, "clocks")),
        ("began", {"approved_at": APPROVED + DAY + course.SKEW}, (V.PASS, "clocks")),
        ("began", {"approved_at": APPROVED + DAY + course.SKEW + SECOND}, (V.UNSURE, "just_before")),
        ("began", {"approved_at": APPROVED + DAY + course.DOUBT}, (V.UNSURE, "just_before")),
        ("began", {"approved_at": APPROVED + DAY + course.DOUBT + SECOND}, (V.FAIL, "before")),
        ("began", {"approved_at": APPROVED + DAY + course.ZONES, "carrier": "dhl"}, (V.UNSURE, "just_before")),
        ("began", {"approved_at": APPROVED + DAY + course.ZONES + SECOND, "carrier": "dhl"}, (V.FAIL, "before")),
        ("in_time", {"ship_by": APPROVED + DAY}, (V.PASS, "in_time")),
        ("in_time", {"ship_by": APPROVED + DAY - course.LATE}, (V.PASS, "late_scan")),
        ("in_time", {"ship_by": APPROVED + DAY - course.LATE - SECOND}, (V.UNSURE, "a_bit_late")),
        ("in_time", {"ship_by": APPROVED + DAY - course.TOO_LATE}, (V.UNSURE, "a_bit_late")),
        ("in_time", {"ship_by": APPROVED + DAY - course.TOO_LATE - SECOND}, (V.FAIL, "too_late")),
        ("exists", {"scans": (), "found": Found.NOT_YET, "told_at": APPROVED + 2 * DAY + SECOND}, (V.UNSURE, "not_yet")),
        ("exists", {"scans": (), "found": Found.NOT_YET, "told_at": APPROVED + 2 * DAY}, (V.FAIL, "not_found")),
        ("exists", {"scans": (), "found": Found.NOT_YET, "told_at": None}, (V.UNSURE, "not_yet")),
        ("exists", {"scans": (), "found": Found.KNOWN}, (V.PASS, "known")),
        ("exists", {"scans": (), "found": Found.OTHER_PARTY}, (V.UNSURE, "other_party")),
        ("exists", {"scans": (), "found": None}, (V.UNSURE, "not_asked")),
        ("picked_up", {"scans": trace((1, P.REGISTERED, "")), "ship_by": APPROVED + 5 * DAY}, (V.FAIL, "only_label")),
        ("picked_up", {"scans": trace((1, P.REGISTERED, "")), "ship_by": APPROVED + 5 * DAY + SECOND}, (V.UNSURE, "not_yet")),
        ("weight", {"scans": trace(*NORMAL, weight_g=999)}, (V.FAIL, "far_too_light")),
        ("weight", {"scans": trace(*NORMAL, weight_g=1_000)}, (V.UNSURE, "outside")),
        ("weight", {"expected_g": 2_400, "scans": trace(*NORMAL, weight_g=1_199)}, (V.FAIL, "far_too_light")),
        ("weight", {"expected_g": 2_400, "scans": trace(*NORMAL, weight_g=1_200)}, (V.UNSURE, "outside")),
        ("weight", {"scans": trace(*NORMAL, weight_g=1_599)}, (V.UNSURE, "outside")),
        ("weight", {"scans": trace(*NORMAL, weight_g=1_600)}, (V.PASS, "fits")),
        ("weight", {"scans": trace(*NORMAL, weight_g=4_000)}, (V.PASS, "fits")),
        ("weight", {"scans": trace(*NORMAL, weight_g=4_001)}, (V.UNSURE, "outside")),
        ("weight", {"scans": trace(*NORMAL, weight_g=900_000)}, (V.UNSURE, "outside")),
        ("weight", {"expected_g": 150, "scans": trace(*NORMAL, weight_g=50)}, (V.FAIL, "far_too_light")),
        ("weight", {"expected_g": 149, "scans": trace(*NORMAL, weight_g=50)}, (V.UNSURE, "outside")),
        ("weight", {"scans": trace(*NORMAL, weight_g=0)}, (V.UNSURE, "not_weighed")),
        ("weight", {"expected_g": None}, (V.UNSURE, "not_known")),
        ("outbound", {"number": "YT1234567890123", "outbound": ("sf", "SF1234567890123")}, (V.UNSURE, "alike")),
        ("outbound", {"number": "YT12345678901", "outbound": ("", "12345678901")}, (V.UNSURE, "alike")),
        ("outbound", {"number": "YT1234567890", "outbound": ("", "1234567890")}, (V.PASS, "other")),
        ("outbound", {"outbound": ("post", "RA123456785CN")}, (V.PASS, "other")),
        ("outbound", {"outbound": None}, (V.PASS, "later")),
        ("outbound", {"outbound": None, "scans": ()}, (V.UNSURE, "not_known")),
        ("unique", {"elsewhere": None}, (V.UNSURE, "not_known")),
    ],
)  # fmt: skip
def test_each_limit_is_where_it_is_said_to_be(name: str, changes: dict[str, Any], expected: tuple[Verdict, str]) -> None:
    """Exactly on a tolerance counts as within it; a second, a gram or a digit further does not."""
    assert line(returned(**changes), name) == expected


@pytest.mark.parametrize(
    ("name", "way", "expected"),
    [
        ("destination", (*NORMAL[:-1], (60, P.SIGNED, "")), (V.PASS, "signed")),
        ("destination", (*NORMAL[:2], (50, P.IN_TRANSIT, FAR), (60, P.SIGNED, "")), (V.UNSURE, "on_its_way")),
        ("destination", (*NORMAL[:2], (60, P.SIGNED, FAR), (61, P.SIGNED, SHOP)), (V.PASS, "signed")),
        ("destination", (*NORMAL[:2], (60, P.OUT_FOR_DELIVERY, HOME)), (V.UNSURE, "on_its_way")),
        ("destination", ((24, P.PICKED_UP, ""), (60, P.SIGNED, "")), (V.UNSURE, "no_city")),
        ("origin", ((24, P.PICKED_UP, ""), (30, P.IN_TRANSIT, ""), (35, P.IN_TRANSIT, HOME)), (V.PASS, "there")),
        ("origin", ((24, P.PICKED_UP, ""), (60, P.SIGNED, HOME)), (V.UNSURE, "no_city")),
        ("origin", ((60, P.OUT_FOR_DELIVERY, FAR), (61, P.SIGNED, FAR)), (V.UNSURE, "no_city")),
        ("course", (*NORMAL, (80, P.LOST, SHOP)), (V.UNSURE, "lost")),
        ("course", (*NORMAL[:2], (40, P.REJECTED, SHOP)), (V.UNSURE, "rejected")),
        ("course", (*NORMAL[:2], (40, P.PROBLEM, SHOP)), (V.UNSURE, "problem")),
        ("course", (*NORMAL[:2], (40, P.PROBLEM, SHOP), *NORMAL[2:]), (V.PASS, "arrived")),
        ("course", ((1, P.CANCELLED, HOME), *NORMAL), (V.PASS, "arrived")),
        ("course", (*NORMAL[:2], (40, P.RETURNING, HOME), (45, P.IN_TRANSIT, SHOP)), (V.FAIL, "turned_back")),
        ("course", (*NORMAL[:2], (40, P.RETURNING, HOME), (45, P.SIGNED, HOME)), (V.FAIL, "turned_back")),
        ("course", (*NORMAL[:2], (40, P.RETURNING, HOME), (45, P.REJECTED, HOME)), (V.FAIL, "turned_back")),
        ("course", (*NORMAL, (1500, P.EXPIRED, "")), (V.PASS, "arrived")),
    ],
)
def test_a_line_reads_the_scans_that_it_is_about(name: str, way: Way, expected: tuple[Verdict, str]) -> None:
    """Where a scan says no city the one beside it may; what came later counts more, and only what came after the pickup."""
    assert line(returned(scans=trace(*way)), name) == expected


def test_a_carrier_that_stops_telling_leaves_it_open() -> None:
    """Followed no longer and not signed for: nobody knows; once signed for it does not matter."""
    assert line(returned(scans=trace(*NORMAL[:2]), over=True), "course") == (V.UNSURE, "ended")
    assert line(returned(over=True, frozen=True), "course") == (V.PASS, "arrived")


def test_a_city_in_a_sentence_counts_for_a_parcel_and_never_against_it() -> None:
    """A sentence may name the next stop; where it names the right one, that is where it was."""
    told = tuple(replace(scan, city="") for scan in trace(*NORMAL))
    assert overall(checks(returned(scans=told))).verdict is V.PASS
    elsewhere = tuple(replace(scan, city="", text=f"发往{FAR}") for scan in trace(*NORMAL))
    it = returned(scans=elsewhere)
    assert (line(it, "origin"), line(it, "destination")) == ((V.UNSURE, "seen_elsewhere"), (V.UNSURE, "on_its_way"))


@pytest.mark.parametrize(
    ("carrier", "number", "scanned", "expected"),
    [
        ("ems", "EA123456785CN", False, (V.PASS, "valid")),
        ("中国邮政", "ea 123 456 785 cn", False, (V.PASS, "valid")),
        ("ups", "1Z5R89390357567127", False, (V.PASS, "valid")),
        ("ups", "1Z5R89390357567128", True, (V.FAIL, "check_digit")),
        ("sf", "EA123456784CN", False, (V.FAIL, "check_digit")),
        ("sf", "SF1234567890123", True, (V.UNSURE, "form_only")),
        ("", "SF1234567890123", True, (V.UNSURE, "form_only")),
        ("sf", "YT1234567890123", False, (V.UNSURE, "other_carrier")),
        ("sf", "12345678901234", False, (V.UNSURE, "other_carrier")),
        ("sf", "SF12345678", False, (V.FAIL, "not_its_form")),
        ("sf", "SF12345678", True, (V.UNSURE, "other_carrier")),
        ("a carrier nobody knows", "Q123456789", False, (V.UNSURE, "form_unknown")),
        ("", "123456789012", False, (V.UNSURE, "form_unknown")),
        ("sf", "", True, (V.FAIL, "no_number")),
        ("sf", "不知道", True, (V.FAIL, "no_number")),
    ],
)  # fmt: skip
def test_a_number_fails_only_where_nobody_could_have_given_it(
    carrier: str, number: str, scanned: bool, expected: tuple[Verdict, str]
) -> None:
    """A form that fits proves nothing; another carrier's is a mistake, and what carriers scan may be new."""
    it = returned(carrier=carrier, number=number, scans=trace(*NORMAL) if scanned else ())
    assert line(it, "format") == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"proved": (), "denied": BOTH}, (V.FAIL, "strangers")),
        ({"proved": (), "denied": (Party.SHOP,)}, (V.FAIL, "not_the_shop")),
        ({"proved": (Party.SHOP,)}, (V.UNSURE, "one_of_two")),
        ({"proved": ()}, (V.UNSURE, "not_asked")),
        ({"proved": (), "found": Found.OTHER_PARTY}, (V.UNSURE, "other_phone")),
        ({"home_tail": "4321"}, (V.UNSURE, "one_phone")),
        ({"home_tail": "", "shop_tail": ""}, (V.PASS, "both")),
    ],
)
def test_phones_prove_the_parties_only_where_both_are_taken(changes: dict[str, Any], expected: tuple[Verdict, str]) -> None:
    """One phone, or two that end alike, proves nothing; and what was not asked speaks against nobody."""
    assert line(returned(**changes), "parties") == expected


def test_what_a_sentence_says_of_a_phone_counts_where_the_carrier_was_not_asked() -> None:
    """Sender and receiver are told apart; a courier's phone, and a party that was asked about, are left alone."""
    words = "寄件人 138****1111，收件人电话 13800004321，派件员电话 13900009999"
    scans = signed(words)
    assert line(returned(proved=(), scans=scans), "parties") == (V.PASS, "both")
    assert line(returned(proved=(), denied=(Party.SHOP,), scans=scans), "parties") == (V.FAIL, "not_the_shop")
    courier = signed("收件人：前台，派件员电话 13900009999")
    assert line(returned(proved=(), scans=courier), "parties") == (V.UNSURE, "not_asked")


@pytest.mark.parametrize(
    ("name", "changes", "figures"),
    [
        ("began", {"approved_at": APPROVED + 4 * DAY}, {"hours": 72}),
        ("in_time", {"ship_by": APPROVED - 5 * DAY}, {"hours": 144}),
        ("origin", {"scans": trace((24, P.PICKED_UP, FAR))}, {"city": FAR}),
        ("destination", {"scans": trace((24, P.SIGNED, FAR))}, {"city": FAR}),
        ("weight", {"scans": trace(*NORMAL, weight_g=120)}, {"expected_g": 2_000, "weighed_g": 120}),
        ("weight", {"scans": trace(*NORMAL, weight_g=9_000)}, {"expected_g": 2_000, "weighed_g": 9_000}),
        ("exists", {"scans": (), "found": Found.NOT_YET}, {"days": 3}),
    ],
)
def test_the_figures_behind_a_doubt_are_told(name: str, changes: dict[str, Any], figures: dict[str, Any]) -> None:
    """A person sees by how much a parcel is off; nobody's phone is among the figures."""
    assert dict(CHECKS[name](returned(**changes)).data) == figures


@pytest.mark.parametrize("name", CHECKS)
def test_a_label_of_ours_settles_what_is_not_known(name: str) -> None:
    """Number, addresses, phones and time are ours: those lines pass unasked. Whether and how it went, only the carrier can say."""
    empty = Returned("sf", "SF1234567890123", APPROVED, label=True)
    found = {f.check: f for f in checks(empty)}[f"parcel.{name}"]
    assert found.verdict is (V.PASS if name in BY_LABEL else V.UNSURE)
    assert overall(checks(empty)).verdict is V.UNSURE


@pytest.mark.parametrize(("at", "changes"), FORGED.values(), ids=FORGED.keys())
def test_a_label_of_ours_hides_no_forgery(at: str, changes: dict[str, Any]) -> None:
    """What speaks against a parcel speaks against it also where we made its label."""
    assert failed(returned(**changes, label=True)) == {at}


@pytest.mark.parametrize("name", NECESSARY)
def test_a_necessary_line_that_is_open_keeps_the_whole_open(name: str) -> None:
    """A pass needs every necessary line, and the whole names the ones that are open."""
    found = tuple(replace(f, verdict=V.UNSURE) if f.check == f"parcel.{name}" else f for f in checks(returned()))
    whole = overall(found)
    assert (whole.verdict, dict(whole.data)) == (V.UNSURE, {"checks": name})


@pytest.mark.parametrize("name", sorted(set(CHECKS) - set(NECESSARY)))
def test_other_lines_may_stay_open(name: str) -> None:
    """What is often not known at all, a weight or a phone, keeps no return waiting."""
    found = tuple(replace(f, verdict=V.UNSURE) if f.check == f"parcel.{name}" else f for f in checks(returned()))
    assert overall(found).verdict is V.PASS


def test_a_city_that_our_table_does_not_have_is_itself() -> None:
    """Parcels from abroad are compared by the city's name as it was told."""
    scans = trace((24, P.PICKED_UP, "Springfield"), *NORMAL[2:])
    assert line(returned(home=Place(city="springfield"), scans=scans), "origin")[0] is V.PASS
    assert line(returned(home=Place(city="Shelbyville"), scans=scans), "origin") == (V.UNSURE, "no_city")


# --- words --------------------------------------------------------------------------------------------------------------
def reasons() -> set[str]:
    """Every reason that the source can give, by its calls of good, bad, unsure and finding."""
    found = {f"parcel.{name}.ours" for name in BY_LABEL} | {f"parcel.course.{state}" for state in course._DOUBTFUL}
    for path in ("genuine", "course"):
        tree = ast.parse((Path(course.__file__).parent / f"{path}.py").read_text(encoding="utf-8"))
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)):
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            if name in ("good", "bad", "unsure", "finding"):
                why = call.args[2 if name == "finding" else 1]
                options = [why.body, why.orelse] if isinstance(why, ast.IfExp) else [why]
                said = ast.literal_eval(call.args[0])
                found |= {f"parcel.{said}.{option.value}" for option in options if isinstance(option, ast.Constant)}
    return found


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_everybody_can_read_every_reason(locale: str) -> None:
    """Each reason has a sentence in both languages, without a gap to fill; and none is written for a reason that is not given."""
    table = texts_of("functions")[locale]
    written = {key for key in table if key.startswith("parcel.") and not key.endswith((".next", ".shop"))}
    assert written == reasons()
    assert not [key for key in table if key.startswith("parcel.") and "{" in table[key]]


@pytest.mark.parametrize(("at", "changes"), FORGED.values(), ids=FORGED.keys())
def test_who_is_doubted_reads_what_would_do(at: str, changes: dict[str, Any]) -> None:
    """Behind every fail stands a next step, the buyer's and the shop's, in both languages."""
    reason = CHECKS[at](returned(**changes)).reason
    assert all(texts_of("functions")[locale][f"{reason}{end}"] for locale in ("zh-CN", "en") for end in (".next", ".next.shop"))
