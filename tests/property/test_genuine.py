"""The check list over any story: it always answers, scans are a set, and what is not known speaks against nobody."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.decision import Finding, Source, Verdict
from aftersales.genuine import CHECKS, NECESSARY, Returned, checks, overall
from aftersales.place import Place, place_of
from aftersales.tracking import CARRIED, Found, Party, Passage, Scan

P, V = Passage, Verdict
APPROVED = datetime(2026, 11, 10, 2, tzinfo=UTC)
ANY = settings(max_examples=200, deadline=None)

PLACES = ("", "杭州市", "绍兴", "烟台市", "威海", "乌鲁木齐市", "Hangzhou", "Springfield", "浙江省", "转运中心")
TEXTS = ("", "【杭州市】快件已揽收", "快件离开杭州，发往烟台转运中心", "派件员电话 13900009999")
NUMBERS = ("SF1234567890123", "EA123456785CN", "EA123456784CN", "1Z5R89390357567127", "12345678901234", "SF12345678", "hello", "")

around = st.integers(-24 * 60, 40 * 24 * 60).map(lambda m: APPROVED + timedelta(minutes=m))
scan = st.builds(
    Scan,
    at=around,
    state=st.sampled_from(Passage),
    text=st.sampled_from(TEXTS),
    city=st.sampled_from(PLACES),
    weight_g=st.none() | st.integers(0, 5_000),
)
#: A journey as carriers tell it, whole or broken off, so that lists which pass are met as well.
WAY = (
    (0, P.PICKED_UP, "杭州市"),
    (5, P.IN_TRANSIT, "杭州市"),
    (20, P.IN_TRANSIT, "烟台市"),
    (26, P.OUT_FOR_DELIVERY, "烟台"),
    (30, P.SIGNED, "烟台市"),
)


@st.composite
def journeys(draw: st.DrawFn) -> tuple[Scan, ...]:
    """An ordinary journey that begins at any time, steps of it left out, strange scans put in."""
    begins = draw(around)
    weight = draw(st.none() | st.integers(1, 5_000))
    kept = [n for n in range(len(WAY)) if draw(st.integers(0, 5))]
    way = [Scan(begins + timedelta(hours=WAY[n][0]), WAY[n][1], city=WAY[n][2], weight_g=weight) for n in kept]
    return (*way, *draw(st.lists(scan, max_size=2)))


parties = st.sets(st.sampled_from(Party)).flatmap(
    lambda proved: st.tuples(
        st.just(tuple(sorted(proved))), st.sets(st.sampled_from(Party)).map(lambda denied: tuple(sorted(denied - proved)))
    )
)
places = st.none() | st.sampled_from(PLACES).map(lambda name: place_of(name) if place_of(name).city else Place(city=name))


@st.composite
def stories(draw: st.DrawFn) -> Returned:
    """Any story of a parcel, true or not."""
    proved, denied = draw(parties)
    return Returned(
        carrier=draw(st.sampled_from(("sf", "ems", "ups", "顺丰", "nobody", ""))),
        number=draw(st.sampled_from(NUMBERS)),
        now=draw(around),
        approved_at=draw(st.none() | st.just(APPROVED)),
        ship_by=draw(st.none() | around),
        told_at=draw(st.none() | around),
        outbound=draw(st.none() | st.tuples(st.sampled_from(("sf", "")), st.sampled_from(NUMBERS))),
        home=draw(places),
        home_tail=draw(st.sampled_from(("", "1111"))),
        shop=draw(places),
        shop_tail=draw(st.sampled_from(("", "1111", "4321"))),
        expected_g=draw(st.none() | st.integers(0, 5_000)),
        scans=draw(journeys() | st.lists(scan, max_size=6).map(tuple)),
        found=draw(st.none() | st.sampled_from(Found)),
        corrected=draw(st.sampled_from(("", "yto"))),
        frozen=draw(st.booleans()),
        over=draw(st.booleans()),
        proved=proved,
        denied=denied,
        elsewhere=draw(st.none() | st.booleans()),
        declared=draw(st.booleans()),
        label=draw(st.booleans()),
        also=draw(st.sampled_from(({}, {"杭州市": ["乌鲁木齐市"]}))),
    )


@ANY
@given(stories())
def test_any_story_gets_a_verdict_from_every_line(it: Returned) -> None:
    """Twelve findings in one order, each a pass, fail or unsure with a reason of its own; the whole follows from them."""
    found = checks(it)
    assert [f.check for f in found] == [f"parcel.{name}" for name in CHECKS]
    for f in found:
        assert f.verdict in (V.PASS, V.FAIL, V.UNSURE)
        assert f.reason.startswith(f"{f.check}.")
        assert f.source is Source.FACT
        assert list(f.data) == sorted(f.data)
    whole = overall(found)
    passed = {f.check for f in found if f.verdict is V.PASS}
    if any(f.verdict is V.FAIL for f in found):
        assert whole.verdict is V.FAIL
    else:
        assert whole.verdict is (V.PASS if passed >= {f"parcel.{name}" for name in NECESSARY} else V.UNSURE)


@ANY
@given(stories(), st.booleans())
def test_nothing_passes_that_no_carrier_has_had_in_its_hands(it: Returned, label: bool) -> None:
    """Without a scan with the goods the whole is never a pass, however much else is known, also with a label of ours."""
    empty = replace(it, scans=tuple(s for s in it.scans if s.state not in CARRIED), label=label)
    assert overall(checks(empty)).verdict is not V.PASS


@ANY
@given(stories(), st.randoms(use_true_random=False))
def test_scans_told_twice_or_out_of_order_change_nothing(it: Returned, random: Any) -> None:
    """The list is a function of the set of scans."""
    again = [*it.scans, *random.choices(it.scans, k=3)] if it.scans else []
    random.shuffle(again)
    assert checks(replace(it, scans=tuple(again))) == checks(it)


#: Facts that may not be known. What speaks *for* a parcel (a declaration, a label, a correction, a phone that was taken, a
#: neighbour) is none of them: without it less is forgiven.
LEFT_OUT: dict[str, Any] = {
    "approved_at": None, "ship_by": None, "told_at": None, "outbound": None, "home": None, "home_tail": "", "shop": None,
    "shop_tail": "", "expected_g": None, "found": None, "frozen": False, "over": False, "denied": (), "elsewhere": None,
}  # fmt: skip


def test_every_fact_is_either_left_out_or_speaks_for_the_parcel() -> None:
    """No field of a parcel is forgotten here."""
    forgives = {"carrier", "number", "now", "scans", "corrected", "proved", "declared", "label", "also"}
    assert {f.name for f in fields(Returned)} == set(LEFT_OUT) | forgives


def _against(findings: tuple[Finding, ...]) -> set[str]:
    return {f.check for f in findings if f.verdict is V.FAIL}


@ANY
@given(stories(), st.sets(st.sampled_from(sorted(LEFT_OUT)), min_size=1), st.booleans(), st.booleans())
def test_what_is_not_known_never_speaks_against_a_parcel(it: Returned, names: set[str], cities: bool, weights: bool) -> None:
    """With facts, cities or weights left out, no line fails that did not fail before."""
    scans = tuple(
        replace(s, city="" if cities else s.city, text="" if cities else s.text, weight_g=None if weights else s.weight_g)
        for s in it.scans
    )
    less = replace(it, scans=scans, **{name: LEFT_OUT[name] for name in names})
    assert _against(checks(less)) <= _against(checks(it))


@ANY
@given(stories())
def test_a_label_of_ours_opens_no_line_and_closes_no_fail(it: Returned) -> None:
    """It turns unsure into pass, and nothing else."""
    for plain, labelled in zip(checks(replace(it, label=False)), checks(replace(it, label=True)), strict=True):
        assert labelled.verdict is plain.verdict or (plain.verdict, labelled.verdict) == (V.UNSURE, V.PASS)


@ANY
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=120), st.text(max_size=60))
def test_any_words_are_judged(carrier: str, number: str, sentence: str, city: str) -> None:
    """Whatever stands in a number, a carrier's name, a city or a sentence, there is an answer."""
    scans = (Scan(APPROVED, P.PICKED_UP, text=sentence, city=city), Scan(APPROVED, P.SIGNED, text=sentence))
    it = Returned(
        carrier, number, APPROVED, outbound=(carrier, sentence), home=Place(city=city), shop=place_of(sentence),
        home_tail="1111", shop_tail="4321", scans=scans,
    )  # fmt: skip
    assert len(checks(it)) == len(CHECKS)
