"""Many parcels on their way for ten virtual days, in short: what ``python -m tests.property.fleet`` plays with ten thousand."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.property.fleet import DAYS, PACE, Fleet, wrong

PARCELS = 10_000 if os.environ.get("SOAK") else 80


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What was counted."""
    fleet = Fleet(PARCELS)
    fleet.play()
    return fleet.report()


def test_no_carrier_is_asked_more_than_it_allows(told: dict[str, Any]) -> None:
    """Calls a second, numbers a call and the time between two questions about one number stay within what each tracer says."""
    assert told["most_calls_in_a_second"] <= PACE.per_second
    assert told["fullest_call"] <= PACE.batch
    assert told["asked_too_soon"] == 0


def test_every_change_reaches_its_case_once(told: dict[str, Any]) -> None:
    """Each parcel's scans, state and events are those of the truth, in its order, half an hour or four hours later at most."""
    assert told["changes_missed_or_told_twice"] == 0
    assert told["hours_until_signed_is_known"]["pushed"] <= 0.5
    assert told["hours_until_signed_is_known"]["asked"] <= 4.1


def test_words_told_again_or_out_of_order_are_written_nowhere(told: dict[str, Any]) -> None:
    """One word in five comes twice and one in ten hours late: none of them writes anything."""
    assert told["pushes_without_news"] > told["parcels"]
    assert told["writes_for_pushes_without_news"] == 0


def test_following_costs_what_the_readme_says(told: dict[str, Any]) -> None:
    """Questions, reads and writes per parcel stay under the limits that the run gates."""
    assert told["days"] == DAYS
    assert wrong(told) == []
