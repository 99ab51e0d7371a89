"""How unusual a buyer's recent cases are: points that add up, and the sentence about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aftersales.case import Approval, Case, Ending, Kind, State
from aftersales.decision import Decision, Finding, Outcome, Verdict
from aftersales.money import Money
from aftersales.risk import MOST, RECENT, History, finding, history
from aftersales.testing.builders import NOW, a_case


def ended(number: int, ending: Ending | None = Ending.REFUNDED, kind: Kind = Kind.RETURN_REFUND, **changes: object) -> Case:
    """A case that was handed in a day ago and has ended so."""
    day = NOW - timedelta(days=1)
    case = a_case(case_id=f"c{number}", state=State.CLOSED, ending=ending, kind=kind, opened_at=day, submitted_at=day)
    return replace(case, **changes)  # type: ignore[arg-type]  # named where they are used


@pytest.mark.parametrize(
    ("found", "points"),
    [
        pytest.param(History(), 0, id="nothing"),
        pytest.param(History(refunds=4), 0, id="four_refunds_are_usual"),
        pytest.param(History(refunds=5), 8, id="the_fifth_counts"),
        pytest.param(History(kept=2), 0, id="two_without_return_are_usual"),
        pytest.param(History(kept=3), 10, id="the_third_counts"),
        pytest.param(History(rejected=1), 0, id="one_no_is_usual"),
        pytest.param(History(rejected=2), 10, id="the_second_counts"),
        pytest.param(History(reused=2), 60, id="two_photos_seen_elsewhere"),
        pytest.param(History(reused=1, appeals_won=1), 10, id="a_won_appeal_takes_points_off"),
        pytest.param(History(appeals_won=3), 0, id="never_below_nothing"),
        pytest.param(History(reused=9), MOST, id="never_above_the_most"),
    ],
)
def test_points_add_up(found: History, points: int) -> None:
    """Each weight, on both sides of what is usual."""
    assert found.points == points


@pytest.mark.parametrize(("limit", "verdict"), [(61, Verdict.PASS), (60, Verdict.UNSURE), (59, Verdict.UNSURE)])
def test_from_the_limit_on_a_person_looks(limit: int, verdict: Verdict) -> None:
    """The limit itself counts as high; the finding never says no."""
    assert finding(History(reused=2), limit).verdict is verdict


def test_only_recent_matters_that_were_handed_in_count() -> None:
    """Drafts and what is more than ninety days old say nothing; the ninetieth day still counts."""
    old = [ended(1, opened_at=NOW - RECENT), ended(2, opened_at=NOW - RECENT - timedelta(seconds=1)), ended(3, submitted_at=None)]
    assert history(old, NOW) == History(cases=1, refunds=1)


def test_what_a_case_says() -> None:
    """Refunds, those without goods back, rejections, lapses and money on its way are told apart."""
    cases = [
        ended(1),
        ended(2, kind=Kind.CLAIM),
        ended(3, Ending.REJECTED),
        ended(4, Ending.LAPSED),
        ended(5, state=State.SETTLING, ending=None),
    ]
    assert history(cases, NOW) == History(cases=5, refunds=3, kept=1, rejected=1)


@pytest.mark.parametrize(("rule", "refunds"), [("merchant.not_shipped", 0), ("merchant.kept", 0), ("merchant.small_amount", 1)])
def test_refunds_that_risked_nothing_do_not_count(rule: str, refunds: int) -> None:
    """Who cancels before shipping, or returns what was kept unused, has cost nobody anything."""
    assert history([ended(1, decision=Decision(Outcome.APPROVE, rule, rule, ()))], NOW).refunds == refunds


def test_a_photo_seen_before_counts_unless_a_person_approved_it() -> None:
    """A person who looked and said yes has answered for it."""
    seen = Finding("vision.reused", Verdict.UNSURE, "vision.seen_before")
    decision = Decision(Outcome.PERSON, "vision.reused", "vision.seen_before", (seen,))
    suspect = ended(1, decision=decision)
    approved = replace(suspect, approvals=(Approval("approver:ann", NOW, Money(1, "CNY")),))
    assert (history([suspect], NOW).reused, history([approved], NOW).reused) == (1, 0)


def test_a_won_appeal_is_on_record() -> None:
    """A no that a second person took back speaks for the buyer."""
    assert history([ended(1, appealed=True), ended(2, Ending.REJECTED, appealed=True)], NOW).appeals_won == 1
