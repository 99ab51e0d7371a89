"""The table of the nine known failures: complete, unambiguous, and worded for everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from string import Formatter

import pytest

from aftersales.errors import AftersalesError, Invalid, OverRefund, Rejected
from aftersales.failure import Failure
from aftersales.parcel import ParcelEvent, ParcelState, advance_parcel
from aftersales.refund import LATER, Cause, RefundState
from aftersales.testing.builders import NOW, a_parcel, a_refund
from aftersales.text import texts_of
from aftersales.ticket import TicketKind
from aftersales.tracking import Passage, Scan, Trail
from functions import failures
from functions.failures import QUIET, TABLE, Audience, Sign
from functions.part import part_of
from infra.local.docs import verticals

TEXTS = texts_of("functions")
EVERYBODY = [(locale, audience) for locale in ("zh-CN", "en") for audience in Audience]


def test_the_nine_are_all_there() -> None:
    """Every known failure has a row, and every row something that tells of it."""
    assert {row.failure for row in TABLE} == set(Failure)
    assert len(Failure) == 9
    for row in TABLE:
        told = [v.name for v in verticals() if row.failure in v.failures.values()] if row.by_trade else []
        assert [*told, *row.errors, *row.causes, *row.signs], row.words


def test_a_sign_means_one_thing() -> None:
    """No cause, error or sign stands in two rows: what tells of a failure tells of one only."""
    for signs in ([c for r in TABLE for c in r.causes], [e for r in TABLE for e in r.errors], [s for r in TABLE for s in r.signs]):
        assert len(set(signs)) == len(signs)
    assert {s for r in TABLE for s in r.signs} == set(Sign)


@pytest.mark.parametrize(("locale", "audience"), EVERYBODY)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.words)
def test_every_row_is_worded(row: failures.Row, locale: str, audience: Audience) -> None:
    """Each has a sentence and a next step for everybody, which leave nothing open but the instant they are given."""
    told = failures.said(row, locale, audience, due="2026-11-27 12:00")
    assert told.failure is row.failure
    for part in (told.text, told.next):
        assert part != f"failure.{row.words}"
        assert part.endswith("。" if locale == "zh-CN" else ".")
        assert not [name for _, name, _, _ in Formatter().parse(part) if name]


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_worded(cause: Cause) -> None:
    """Whatever a channel says, buyer and shop read a sentence and a step of their language."""
    said = [failures.reason_of(cause, *reader) for reader in EVERYBODY]
    assert not [part for pair in said for part in pair if not part or part in (f"cause.{cause}", f"next.{cause}")]
    known = failures.of_cause(cause, "en", Audience.SHOP)
    assert known is None or known.passes is (cause in LATER)


@pytest.mark.parametrize("kind", TicketKind)
def test_every_ticket_has_a_next_step(kind: TicketKind) -> None:
    """A ticket says what it is about and what to do, in both languages."""
    for texts in TEXTS.values():
        assert texts[f"ticket.{kind}"]
        assert texts[f"ticket.{kind}.next"]


def test_both_languages_say_the_same_things() -> None:
    """No sentence is missing in one language, and both have the same places to fill."""
    assert TEXTS["zh-CN"].keys() == TEXTS["en"].keys()

    def places(said: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(said) if name}

    for key, said in TEXTS["zh-CN"].items():
        if key.startswith(("failure.", "notice.", "event.", "choose.")):
            assert places(said) == places(TEXTS["en"][key]), key


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (OverRefund("too much"), Failure.CAP),
        (Rejected("no", cause=Cause.NOT_ENOUGH), Failure.MERCHANT_ACCOUNT),
        (Rejected("no", cause="risk_control"), Failure.RISK_CONTROL),
        (Rejected("no", cause=Cause.OTHER), None),
        (Invalid("no", failure=Failure.PAST_WINDOW, key="a detail", locale="another"), Failure.PAST_WINDOW),
        (Invalid("no", cause=Cause.NOT_ENOUGH), None),
    ],
)
def test_an_error_tells_of_its_failure(error: AftersalesError, failure: Failure | None) -> None:
    """The one it names, or that of its class or its channel's cause; a detail that only looks like one is none."""
    told = failures.of_error(error, "en", Audience.BUYER)
    assert (told and told.failure) is failure


def test_a_parcel_is_missing_while_nobody_hears_of_it() -> None:
    """Awaited without a number, sent and silent for three days to the instant, or never sent; not while it is on its way."""
    awaited = a_parcel()
    sent = replace(advance_parcel(awaited, ParcelEvent.SENT, NOW), sent_at=NOW)
    assert failures.sign_of(awaited, None, NOW) is Sign.NO_WAYBILL
    assert failures.sign_of(sent, None, NOW + QUIET - timedelta(seconds=1)) is None
    assert failures.sign_of(sent, None, NOW + QUIET) is Sign.NO_SCAN
    assert failures.sign_of(advance_parcel(sent, ParcelEvent.DELIVERED, NOW), None, NOW + 2 * QUIET) is None
    assert failures.sign_of(advance_parcel(awaited, ParcelEvent.DEADLINE_PASSED, NOW), None, NOW) is Sign.NOT_SENT
    assert advance_parcel(awaited, ParcelEvent.OPENED, NOW).state is ParcelState.INSPECTING


def test_a_followed_parcel_that_nobody_has_taken_is_told_as_what_it_is() -> None:
    """Where its carrier is asked, a parcel without a scan never counts as arrived; a label alone is no scan, a pickup is."""
    sent = replace(advance_parcel(a_parcel(), ParcelEvent.SENT, NOW), sent_at=NOW)
    trail = Trail(sent.case_id, "m1", "eyes", "yto", "YT1234567890123", NOW, None)
    label = replace(trail, scans=(Scan(NOW, Passage.REGISTERED),))
    taken = replace(trail, scans=(Scan(NOW, Passage.PICKED_UP),))
    assert failures.sign_of(sent, trail, NOW + QUIET - timedelta(seconds=1)) is None
    assert [failures.sign_of(sent, each, NOW + QUIET) for each in (trail, label, taken)] == [Sign.UNSEEN, Sign.UNSEEN, None]


def test_legs_are_counted_as_people_do() -> None:
    """A leg that stands in for another keeps its place, a compensation has none, and one leg alone is not counted."""
    first, second = a_refund(number=1, key="R1"), a_refund(number=2, key="R2")
    instead = a_refund(number=3, key="R3", replaces="R1")
    again = a_refund(number=4, key="R4", replaces="R3", state=RefundState.RESERVED)
    legs = [first, second, instead, again]
    assert [part_of(legs, leg) for leg in legs] == ["1/2", "2/2", "1/2", "1/2"]
    assert part_of([first], first) == ""
    assert part_of([first, instead], instead) == ""
