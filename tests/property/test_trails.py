"""Return parcels under any script: numbers corrected and told again, words twice, late and out of order, outages and crashes."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersales.case import State
from aftersales.testing.builders import NOW
from aftersales.testing.tracer import scans
from aftersales.tracking import Found, Passage, Trace, Trail
from functions import sweep
from tests.property.parcels import NUMBERS, WAYS, Yard

P = Passage

many = settings(
    max_examples=3_000 if os.environ.get("SOAK") else 120,
    deadline=None,
    derandomize=not os.environ.get("SOAK"),
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

ACTS = (
    *("send",) * 6,
    *("tell",) * 3,
    *("happen",) * 3,
    *("push",) * 4,
    *("wait",) * 7,
    *("look",) * 3,
    "join",
    "join",
    "label",
    "label",
    "truth",
    "down",
    "inspect",
    "withdraw",
)

#: What strikes between two steps of an act, and after how many of them.
STRIKE = st.tuples(st.integers(min_value=0, max_value=7), st.sampled_from(("crash", "look", "push")))

#: What is done, in which case, with which number, in which of its ways, and what strikes meanwhile.
ACT = st.tuples(
    st.sampled_from(ACTS),
    st.integers(min_value=0, max_value=2),
    st.integers(min_value=0, max_value=len(NUMBERS) - 1),
    st.integers(min_value=0, max_value=19),
    st.lists(STRIKE, max_size=2),
)
SCRIPT = st.lists(ACT, min_size=1, max_size=40)


@many
@given(st.booleans(), SCRIPT)
def test_whatever_happens_nothing_is_lost_asked_too_soon_or_paid_on_nobodys_word(pushes: bool, script: list[Any]) -> None:
    """After every act: asked in time, told once, one case a waybill, nothing waits forever, silence pays what is vouched for."""
    yard = Yard(pushes=pushes)
    yard.live(script)
    yard.eyes.down = False
    for _ in range(40):
        yard.clock.move(timedelta(hours=26))
        sweep.follow_parcels(yard.registry)
        sweep.sweep(yard.registry)
        yard.pump()
        yard.laws()
    for case_id in yard.cases:
        file = yard.file(case_id)
        asked = any(str(step.event) == "goods_escalated" for step in yard.steps(case_id))
        assert file.case.state is not State.APPROVED or asked, "forty days later it is over, or a person was asked"


@settings(many, max_examples=25)
@given(st.booleans(), SCRIPT)
def test_the_same_script_has_the_same_end(pushes: bool, script: list[Any]) -> None:
    """Nothing depends on chance, or on the order of a set."""
    ends = []
    for _ in range(2):
        yard = Yard(pushes=pushes)
        yard.live(script)
        ends.append(yard.end())
    assert ends[0] == ends[1]


@many
@given(st.integers(min_value=0, max_value=len(WAYS) - 1), st.lists(st.integers(min_value=0, max_value=80), min_size=1, max_size=12))
def test_words_in_any_order_make_the_same_trail(way: int, hours: list[int]) -> None:
    """What a carrier knew at any hours, told in any order and again: trail, check list and parcel are those of the sorted words."""
    yards = []
    for told in (sorted(set(hours)), hours + hours[::-1]):
        yard = Yard(pushes=True)
        yard.act("happen", 0, 0, 2)
        yard.eyes.known[NUMBERS[0][1]] = scans(yard.clock.now(), WAYS[way])
        yard.act("tell", 0, 0, 0)
        yard.act("look", 0, 0, 0)
        yard.clock.move(timedelta(hours=90))
        for hour in told:
            yard.tells(f"{yard.cases[0]}-parcel-1", timedelta(hours=90 - hour))
            yard.laws()
        yards.append(yard)
    ends = [yard.file(yard.cases[0]) for yard in yards]
    assert ends[0].parcel is not None
    assert ends[1].parcel is not None
    assert ends[0].parcel.state is ends[1].parcel.state
    trails = [(t.scans, t.found, t.over, t.frozen, t.carrier, t.checks) for end in ends if (t := end.trail)]
    assert trails[0] == trails[1]


SCANS = scans(NOW, ((0, P.PICKED_UP, "a"), (1, P.IN_TRANSIT, "b"), (2, P.LOST, "c"), (3, P.IN_TRANSIT, "d"), (4, P.SIGNED, "e")))

#: What a carrier says: some of the scans (all that it says later, it says with the earlier ones), and whether that was all.
WORD = st.builds(
    lambda first, last, over, frozen: Trace(
        "c1-parcel-1", Found.KNOWN if SCANS[first:last] else Found.NOT_YET, SCANS[first:last], over=over, frozen=frozen
    ),
    st.integers(min_value=0, max_value=2),
    st.integers(min_value=0, max_value=5),
    st.booleans(),
    st.booleans(),
)


@settings(many, max_examples=400)
@given(st.lists(WORD, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_told_in_any_order_a_trail_is_one(words: list[Trace], chance: random.Random) -> None:
    """Scans, where it is, whether that was all and whether it stands: the same for each order, and for words told twice."""
    shuffled = [*words, *words[: len(words) // 2]]
    chance.shuffle(shuffled)
    ends = []
    for told in (words, shuffled):
        trail = Trail("c1", "m1", "eyes", "yto", "YT1", NOW, None)
        for word in told:
            trail = trail.told(word, NOW)
        ends.append(trail)
    assert ends[0] == ends[1]
