from datetime import timedelta

from aftersales.case import Event, State, advance
from aftersales.testing.builders import NOW, a_case, facts


def test_a_case_remembers_when_it_was_first_handed_in():
    """Asked for more evidence and handed in again, a case still counts from its first submission."""
    case = advance(a_case(), Event.SUBMITTED, NOW)
    for event in (Event.EVIDENCE_ASKED, Event.EVIDENCE_ADDED):
        case = advance(case, event, NOW + timedelta(hours=1))
    case = advance(case, Event.SUBMITTED, NOW + timedelta(hours=60))
    assert case.submitted_at == NOW


def test_a_draft_has_not_been_handed_in():
    """Opening and editing a draft is no application."""
    assert advance(a_case(), Event.EDITED, NOW).submitted_at is None


def test_windows_are_judged_by_the_instant_of_the_application():
    """However long review takes, facts say when the buyer applied; before that they say now."""
    later = NOW + timedelta(hours=47)
    assert facts(case=a_case(submitted_at=NOW), now=later).applied_at == NOW
    assert facts(case=a_case(), now=later).applied_at == later
    assert facts(now=later).applied_at == later


def test_reopening_is_an_application_of_its_own():
    """A closed case's old application opens no window: whether it can be reopened is judged by the present."""
    later = NOW + timedelta(days=30)
    assert facts(case=a_case(state=State.CLOSED, submitted_at=NOW), now=later).applied_at == later
