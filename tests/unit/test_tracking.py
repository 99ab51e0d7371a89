"""What carriers say of a parcel: a set of scans, in one vocabulary, without anybody's phone in it."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.testing.builders import NOW
from aftersales.testing.tracer import HONEST, scans
from aftersales.tracking import (
    FIRST_SCANS,
    LAST_SCANS,
    Found,
    Passage,
    Scan,
    Trace,
    Trail,
    case_of_trail,
    masked,
    merged,
    trail_key,
)

ONE_WAY = scans(NOW)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("快递员 张三 13800001111 正在派件", "快递员 张三 ****11 正在派件"),
        ("电话：１３８００００１１１１", "电话：****11"),
        ("客服 0571-87654321。", "客服 ****21。"),
        ("call +86 138 0000 1111 please", "call ****11 please"),
        ("运单 YT1234567890123 已签收，尾号4321", "运单 YT1234567890123 已签收，尾号4321"),
    ],
)
def test_a_sentence_loses_its_phones_and_keeps_the_rest(said: str, kept: str) -> None:
    """Phones of couriers are masked however they are written; numbers of parcels and tails stay."""
    assert masked(said) == kept


@given(st.text())
def test_no_sentence_is_too_long_or_breaks(said: str) -> None:
    """Whatever a carrier writes has a masked form of bounded length."""
    assert len(masked(said)) <= 120


def test_words_in_any_order_come_to_one_trail() -> None:
    """Five scans told in any order, one by one and again, are one trail, and the latest says where the parcel is."""
    blank = trail = Trail("c1", "m1", "eyes", "yto", "YT1234567890123", NOW, None)
    ends = set()
    for order in permutations(ONE_WAY):
        trail = blank
        for scan in (*order, order[0]):
            trail = trail.told(Trace(trail.key, Found.KNOWN, (scan,)), NOW)
        ends.add(trail.scans)
    assert ends == {ONE_WAY}
    assert trail.last is not None
    assert trail.last.state is HONEST[-1][1]


def test_an_older_not_yet_takes_nothing_back() -> None:
    """A carrier that knew a parcel and then knows nothing of it has not unsaid its scans."""
    trail = Trail("c1", "m1", "eyes", "yto", "YT1", NOW, None).told(Trace("k", Found.KNOWN, ONE_WAY), NOW)
    assert trail.told(Trace("k", Found.NOT_YET), NOW).found is Found.KNOWN


def test_of_very_many_scans_the_ends_are_kept() -> None:
    """A parcel that is scanned every minute keeps where it began and where it is."""
    many = [Scan(NOW + timedelta(minutes=n), Passage.IN_TRANSIT) for n in range(500)]
    kept = merged((), many)
    assert (kept[0], kept[-1], len(kept)) == (many[0], many[-1], FIRST_SCANS + LAST_SCANS)


def test_keys_name_case_and_turn() -> None:
    """A key leads back to its case and its waybill's turn; what is none of ours leads nowhere."""
    assert case_of_trail(trail_key("c-1", 3)) == ("c-1", 3)
    for strange in ("", "c1-parcel-", "c1-parcel-x", "c1-pickup-1", "c1-parcel-１"):
        assert case_of_trail(strange) is None
