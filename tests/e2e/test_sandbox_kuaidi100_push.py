"""What Kuaidi100 of the sandbox tells by itself: as parcels go, again until it is thanked, and how it ends."""

from __future__ import annotations

import pytest

from aftersales.testing.tracer import SHOP_TAIL
from aftersales.tracking import Found, Passage
from infra.local.sandbox import Kind
from tests.e2e import kuaidi100 as set_up
from tests.e2e.kuaidi100 import DAY, HOUR, KEY, SF, SHOWN, YTO, Play, until

pytestmark = pytest.mark.e2e
neighbours, play = set_up.neighbours, set_up.play


# --- told by itself ---------------------------------------------------------------------------------------------------------
def test_a_parcel_is_told_as_it_goes_until_it_has_arrived(play: Play) -> None:
    """Each scan is told when it happens, thanked for once, and the last word is that it is over."""
    assert play.subscribe()
    play.send()
    assert until(lambda: len(play.shop.traces) == 1)
    for hours, told in ((6, 2), (15, 3), (6, 4), (4, 5)):
        play.pass_by(hours * HOUR)
        assert until(lambda told=told: len(play.shop.traces) == told)
    assert [trace.over for trace in play.shop.traces] == [False] * 4 + [True]
    assert [(s.at, s.state) for s in play.shop.scans] == [(s.at, s.state) for s in play.sandbox.parcels.shown(YTO)]
    assert until(lambda: len(play.told()) == 5)
    assert {(told["key"], told["answered"]) for told in play.told()} == {(KEY, 1)}
    assert play.sandbox.truth("parcels")["asked"] == {}


def test_who_does_not_thank_is_told_again_three_times(play: Play) -> None:
    """Half an hour apart, four times in all; then the platform gives it up."""
    play.shop.thankful = False
    play.send("label_only")
    play.subscribe()
    for tries in (1, 2, 3, 4):
        assert until(lambda tries=tries: len(play.told()) == tries)
        play.pass_by(1_801)
    assert until(lambda: play.other.truth()["pushes"][0]["state"] == "given up")
    assert len(play.told()) == 4
    assert len({trace.scans for trace in play.shop.traces}) == 1


@pytest.mark.parametrize("kind", [Kind.DUPLICATE, Kind.REORDERED, Kind.LATE, Kind.UNKNOWN_REFUND])
def test_whatever_way_it_is_told_the_truth_arrives(kind: Kind, play: Play) -> None:
    """Twice, the later one first, late, or with one about nothing of ours: the scans are those of the truth."""
    play.fault(kind, seconds=7_200)
    play.subscribe()
    play.send()
    for _ in range(4):
        play.pass_by(9 * HOUR)
    assert until(lambda: len(play.shop.scans) == 5)
    assert until(lambda: not [p for p in play.other.truth()["pushes"] if p["state"] != "acknowledged"])
    assert [s.state for s in play.shop.scans] == SHOWN["normal"]
    assert play.shop.refused == (["never-c1-parcel-1"] if kind is Kind.UNKNOWN_REFUND else [])


@pytest.mark.parametrize("kind", [Kind.BAD_SIGNATURE, Kind.UNSIGNED])
def test_a_push_that_is_not_the_platforms_is_refused_and_comes_again(kind: Kind, play: Play) -> None:
    """Another signature, or none: nothing is believed, and the genuine one half an hour later is."""
    play.fault(kind)
    play.send("label_only")
    play.subscribe()
    assert until(lambda: play.shop.refused == [KEY])
    assert play.shop.traces == []
    play.pass_by(1_801)
    assert until(lambda: len(play.shop.traces) == 1)


def test_a_lost_push_is_made_up_for_by_the_next(play: Play) -> None:
    """Each push tells all of it, so that one which never came leaves no hole; asked to, the platform tells again."""
    play.fault(Kind.NONE)
    play.subscribe()
    play.send()
    play.pass_by(6 * HOUR)
    assert until(lambda: len(play.shop.scans) == 2)
    assert play.sandbox.lever("notices", "kuaidi100", number=YTO) == {"done": True}
    assert until(lambda: len(play.shop.traces) == 2)


# --- its ends ---------------------------------------------------------------------------------------------------------------
def test_an_invented_number_is_given_up_after_three_days(play: Play) -> None:
    """A minute before three days nothing is said; then that there is no such number, for good."""
    play.send("invented")
    play.subscribe()
    play.pass_by(3 * DAY - 60)
    assert play.shop.traces == []
    play.pass_by(60)
    assert until(lambda: len(play.shop.traces) == 1)
    assert (play.shop.traces[0].found, play.shop.traces[0].over) == (Found.NEVER, True)


def test_a_wrong_company_is_corrected_and_followed(play: Play) -> None:
    """The end under the wrong company is none: it is told of under the right one, and as that one's."""
    play.send("corrected_carrier")
    play.subscribe()
    play.pass_by(3 * DAY)
    assert until(lambda: any(trace.over for trace in play.shop.traces))
    assert [trace.carrier for trace in play.shop.traces] == ["sto", "sto"]
    assert play.shop.traces[0].found is Found.NOT_YET
    assert play.shop.traces[-1].scans[-1].state is Passage.SIGNED


def test_a_frozen_parcel_is_given_up_after_sixty_days(play: Play) -> None:
    """Nothing new in sixty days after the last scan: the platform follows it no more, and says why."""
    play.send("frozen")
    play.subscribe()
    play.pass_by(6 * HOUR)
    assert until(lambda: len(play.shop.scans) == 2)
    play.pass_by(60 * DAY)
    assert until(lambda: play.shop.traces[-1].frozen)
    assert play.shop.traces[-1].over


def test_a_stranger_s_phone_is_told_a_stranger_s(play: Play) -> None:
    """SF's parcel, subscribed with a phone of neither party: after three days it is said whose fault that is."""
    play.send(number=SF, carrier="sf")
    play.subscribe(SF, "sf", phone="13800009999")
    play.pass_by(3 * DAY)
    assert until(lambda: len(play.shop.traces) == 1)
    assert (play.shop.traces[0].found, play.shop.traces[0].over) == (Found.OTHER_PARTY, False)
    assert play.trace(SF, "sf", phone=f"1380000{SHOP_TAIL}").found is Found.KNOWN
