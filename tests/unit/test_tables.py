from dataclasses import replace
from datetime import timedelta

import pytest

from aftersales.case import ASIDE, BESIDE, CARRIED, ENDINGS, TERMINAL, TIMEOUTS, TRANSITIONS, Ending, Event, State, advance
from aftersales.errors import IllegalTransition
from aftersales.parcel import (
    PARCEL_TERMINAL,
    PARCEL_TIMEOUTS,
    PARCEL_TRANSITIONS,
    Disposition,
    ParcelEvent,
    ParcelState,
    advance_parcel,
)
from aftersales.refund import (
    OVERDUE,
    POLLS,
    REFUND_TERMINAL,
    REFUND_TRANSITIONS,
    Cause,
    RefundEvent,
    RefundState,
    advance_refund,
    case_of,
    refund_key,
)
from aftersales.testing.builders import NOW, a_case, a_parcel, a_refund

LATER_ON = NOW + timedelta(hours=1)


def pairs(states, events):
    """Every state with every event, named for people."""
    return [pytest.param(s, e, id=f"{s} + {e}") for s in states for e in events]


def reachable(transitions, start, back=False):
    """The states that can follow ``start``, or lead to it when ``back``."""
    found, rest = {start}, [start]
    while rest:
        here = rest.pop()
        ways = [(b, a) if back else (a, b) for (a, _), b in transitions.items()]
        new = {to for origin, to in ways if origin is here} - found
        found |= new
        rest += new
    return found


# --- case -------------------------------------------------------------------------------------------------------------
#: Rows that ask for more than the state: a lapse while evidence was awaited, an ending as refunded.
GUARDED = {(State.CLOSED, Event.REOPENED), (State.CLOSED, Event.REFUND_BOUNCED)}


def test_a_refund_that_bounced_opens_a_refunded_case_again():
    """Money that came back brings a refunded case back to settling, and no other ending."""
    case = a_case(state=State.CLOSED, ending=Ending.REFUNDED)
    moved = advance(case, Event.REFUND_BOUNCED, LATER_ON)
    assert (moved.state, moved.ending) == (State.SETTLING, None)
    for ending in set(Ending) - {Ending.REFUNDED}:
        with pytest.raises(IllegalTransition):
            advance(replace(case, ending=ending), Event.REFUND_BOUNCED, LATER_ON)


@pytest.mark.parametrize(("state", "event"), pairs(State, Event))
def test_the_table_decides_every_event_of_a_case(state, event):
    """For every state and event the case moves as its table says, stays beside it, or the event is refused by name (T09)."""
    case = a_case(state=state, ending=None)
    if event in BESIDE or (event in ASIDE and state not in TERMINAL):
        assert advance(case, event, LATER_ON) == replace(case, updated_at=LATER_ON)
    elif (state, event) in TRANSITIONS and (state, event) not in GUARDED:
        moved = advance(case, event, LATER_ON)
        assert moved.state is TRANSITIONS[state, event]
        assert moved.updated_at == LATER_ON
    else:
        with pytest.raises(IllegalTransition, match=state.value):
            advance(case, event, LATER_ON)


@pytest.mark.parametrize("state", State)
def test_a_case_never_waits_for_ever(state):
    """Every state of a case is the end, is carried by a parcel or refund, or has a deadline and a row for silence."""
    assert (state in TERMINAL) + (state in CARRIED) + (state in TIMEOUTS) == 1
    assert (state in TIMEOUTS) == ((state, Event.DEADLINE_PASSED) in TRANSITIONS)
    assert (a_case(state=state).deadline is not None) == (state in TIMEOUTS)
    assert a_case(state=state).terminal is (state in TERMINAL)


@pytest.mark.parametrize("state", State)
def test_every_state_of_a_case_can_be_reached_and_ended(state):
    """No state is unreachable from a draft, and from each one the case can close."""
    assert state in reachable(TRANSITIONS, State.DRAFT)
    assert state in reachable(TRANSITIONS, State.CLOSED, back=True)


def test_every_event_has_a_meaning():
    """Each event is a row of the table, stands aside, or opens the case; none is dead."""
    assert {e for _, e in TRANSITIONS} | ASIDE | BESIDE | {Event.OPENED} == set(Event)


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (State.DRAFT, State.CLOSED),
        (State.VERIFYING, State.REVIEWING),
        (State.REVIEWING, State.APPROVED),
        (State.SECOND_REVIEW, State.SECOND_REVIEW),
        (State.AWAITING_EVIDENCE, State.CLOSED),
        (State.COUNTERED, State.CLOSED),
        (State.REJECTED, State.CLOSED),
    ],
)
def test_what_silence_means(state, after):
    """Silence of the shop is a yes after review, never a second person's yes, and never a no to the buyer's application."""
    assert advance(a_case(state=state), Event.DEADLINE_PASSED, LATER_ON).state is after


def test_a_second_person_is_asked_again():
    """Each silence of the second person escalates, with the whole time anew, and approves nothing."""
    case = a_case(state=State.SECOND_REVIEW)
    for times in (1, 2, 3):
        case = advance(case, Event.DEADLINE_PASSED, LATER_ON)
        assert (case.escalations, case.state) == (times, State.SECOND_REVIEW)
        assert case.deadline.due_at == LATER_ON + TIMEOUTS[State.SECOND_REVIEW]


@pytest.mark.parametrize(
    ("state", "event", "ending"),
    [
        (State.REJECTED, Event.DEADLINE_PASSED, Ending.REJECTED),
        (State.SETTLING, Event.SETTLED, Ending.REFUNDED),
        (State.APPROVED, Event.SETTLED, Ending.REFUNDED),
        (State.APPROVED, Event.GOODS_NOT_SENT, Ending.LAPSED),
        (State.DRAFT, Event.DEADLINE_PASSED, Ending.LAPSED),
        (State.AWAITING_EVIDENCE, Event.DEADLINE_PASSED, Ending.LAPSED),
        (State.COUNTERED, Event.DEADLINE_PASSED, Ending.LAPSED),
        *((s, Event.WITHDRAWN, Ending.WITHDRAWN) for s, e in TRANSITIONS if e is Event.WITHDRAWN),
    ],
    ids=str,
)
def test_how_a_case_ended(state, event, ending):
    """A closed case says how it ended: paid, refused, taken back or lapsed (T69)."""
    assert advance(a_case(state=state), event, LATER_ON).ending is ending


def test_every_way_to_the_end_is_an_ending():
    """The rows that name an ending all lead to the end."""
    assert all(TRANSITIONS[row] is State.CLOSED for row in ENDINGS)


def test_only_a_lapse_while_evidence_was_awaited_can_be_reopened():
    """A case that was refused, taken back or paid stays closed; one that lapsed for want of a photo goes on, its time anew."""
    lapsed = advance(a_case(state=State.AWAITING_EVIDENCE), Event.DEADLINE_PASSED, NOW)
    reopened = advance(lapsed, Event.REOPENED, LATER_ON)
    assert (reopened.state, reopened.ending, reopened.lapsed_from) == (State.AWAITING_EVIDENCE, None, None)
    assert reopened.deadline.due_at == LATER_ON + TIMEOUTS[State.AWAITING_EVIDENCE]
    for state, event in (
        (State.DRAFT, Event.DEADLINE_PASSED),
        (State.AWAITING_EVIDENCE, Event.WITHDRAWN),
        (State.SETTLING, Event.SETTLED),
    ):
        with pytest.raises(IllegalTransition):
            advance(advance(a_case(state=state), event, NOW), Event.REOPENED, LATER_ON)


def test_a_case_says_why_it_waits_so_long():
    """A length that somebody set is on the case together with its cause; without one the default is."""
    slow = {State.REVIEWING: (timedelta(hours=1), "tier:diamond")}
    case = advance(a_case(state=State.SUBMITTED), Event.PERSON_ASKED, NOW, slow)
    assert (case.deadline.due_at, case.deadline.cause) == (NOW + timedelta(hours=1), "tier:diamond")
    assert advance(a_case(state=State.SUBMITTED), Event.PERSON_ASKED, NOW).deadline.cause == "default"


def test_news_that_changes_nothing_leaves_the_clock_alone():
    """A late finding or a photo added does not give anybody more time."""
    case = a_case(state=State.REVIEWING)
    assert advance(case, Event.FINDINGS_RECORDED, LATER_ON).deadline == case.deadline
    assert advance(case, Event.MESSAGE_SENT, LATER_ON).deadline == case.deadline


# --- parcel -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("state", "event"), pairs(ParcelState, ParcelEvent))
def test_the_table_decides_every_event_of_a_parcel(state, event):
    """For every state and event the parcel moves as its table says or the event is refused."""
    if (state, event) in PARCEL_TRANSITIONS:
        assert advance_parcel(a_parcel(state=state), event, LATER_ON).state is PARCEL_TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=state.value):
            advance_parcel(a_parcel(state=state), event, LATER_ON)


@pytest.mark.parametrize("state", ParcelState)
def test_a_parcel_never_waits_for_ever(state):
    """Every state of a parcel is the end, or has a deadline and a row that says what silence means; the end can be reached."""
    assert (state in PARCEL_TERMINAL) != (state in PARCEL_TIMEOUTS)
    assert (state in PARCEL_TIMEOUTS) == ((state, ParcelEvent.DEADLINE_PASSED) in PARCEL_TRANSITIONS)
    assert state in reachable(PARCEL_TRANSITIONS, ParcelState.AWAITING_SHIPMENT)
    assert PARCEL_TERMINAL & reachable(PARCEL_TRANSITIONS, state)


@pytest.mark.parametrize("state", [ParcelState.DELIVERED, ParcelState.INSPECTING])
def test_goods_nobody_looked_at_are_taken_for_sound(state):
    """After ten days of the shop's silence the goods are accepted as sound."""
    parcel = advance_parcel(a_parcel(state=state), ParcelEvent.DEADLINE_PASSED, LATER_ON)
    assert (parcel.state, parcel.disposition, parcel.deadline) == (ParcelState.ACCEPTED, Disposition.SOUND, None)


def test_a_parcel_without_news_counts_as_arrived():
    """When no carrier answers for twenty days, the shop's ten days begin."""
    parcel = advance_parcel(a_parcel(state=ParcelState.IN_TRANSIT), ParcelEvent.DEADLINE_PASSED, LATER_ON)
    assert (parcel.state, parcel.delivered_at) == (ParcelState.DELIVERED, LATER_ON)
    assert parcel.deadline.due_at == LATER_ON + timedelta(days=10)


# --- refund -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("state", "event"), pairs(RefundState, RefundEvent))
def test_the_table_decides_every_event_of_a_refund(state, event):
    """For every state and event the refund moves as its table says or the event is refused."""
    if (state, event) in REFUND_TRANSITIONS:
        assert advance_refund(a_refund(state=state), event, LATER_ON).state is REFUND_TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=state.value):
            advance_refund(a_refund(state=state), event, LATER_ON)


@pytest.mark.parametrize("cause", [None, *Cause], ids=str)
@pytest.mark.parametrize(("state", "event"), [pytest.param(*row, id=f"{row[0]} + {row[1]}") for row in REFUND_TRANSITIONS])
def test_a_refund_is_always_looked_at_again(state, event, cause):
    """After every event a refund is at its end or has an instant of its next look, also while a person has to see to it."""
    moved = advance_refund(a_refund(state=state, cause=cause), event, LATER_ON)
    assert (moved.deadline is None) == (moved.state in REFUND_TERMINAL)


@pytest.mark.parametrize("state", RefundState)
def test_every_state_of_a_refund_can_end(state):
    """From every state the refund can settle or be released; only settled money that came back to the merchant moves again."""
    assert REFUND_TERMINAL & reachable(REFUND_TRANSITIONS, state)
    assert [row for row in REFUND_TRANSITIONS if row[0] in REFUND_TERMINAL] == [(RefundState.SETTLED, RefundEvent.BOUNCED)]


def test_silence_never_pays_again():
    """A deadline never settles, fails or releases a refund: it is called or asked again under the same key (T08)."""
    for (state, event), after in REFUND_TRANSITIONS.items():
        if event is RefundEvent.DEADLINE_PASSED:
            assert after not in REFUND_TERMINAL | {RefundState.FAILED}
            assert advance_refund(a_refund(state=state), event, LATER_ON).key == a_refund().key


@pytest.mark.parametrize(("waited", "overdue"), [(OVERDUE - timedelta(seconds=1), False), (OVERDUE, True), (OVERDUE * 2, True)])
def test_a_refund_is_overdue_after_48_hours(waited, overdue):
    """A second less is not overdue, 48 hours are; once overdue it stays so (RF-4, T56)."""
    refund = advance_refund(a_refund(state=RefundState.PROCESSING), RefundEvent.DEADLINE_PASSED, NOW + waited)
    assert refund.overdue is overdue
    assert advance_refund(refund, RefundEvent.ACCEPTED, NOW).overdue is overdue


def test_looks_without_news_grow_further_apart():
    """The schedule of looks is kept, its last length repeats, and news begins it anew."""
    refund, lengths = a_refund(state=RefundState.SENT), []
    for _ in range(len(POLLS) + 2):
        refund = advance_refund(refund, RefundEvent.DEADLINE_PASSED, NOW)
        lengths.append(refund.deadline.due_at - NOW)
    assert lengths == [*POLLS[1:], POLLS[-1], POLLS[-1], POLLS[-1]]
    assert list(POLLS) == sorted(POLLS)
    assert advance_refund(refund, RefundEvent.ACCEPTED, NOW).looks == 0


def test_a_settled_refund_says_when():
    """Arrived money carries its instant; released money has none."""
    assert advance_refund(a_refund(), RefundEvent.SUCCEEDED, LATER_ON).settled_at == LATER_ON
    assert advance_refund(a_refund(state=RefundState.FAILED), RefundEvent.GIVEN_UP, LATER_ON).settled_at is None


def test_a_refund_number_belongs_to_case_and_leg():
    """The number is the same at every attempt, differs per leg, and leads back to its case (T07, T15)."""
    assert refund_key("c1", 1) == refund_key("c1", 1) != refund_key("c1", 2)
    assert case_of(refund_key("c-1", 12)) == "c-1"
    assert [case_of(k) for k in ("", "Rc1", "Rc1-x", "c1-1", "-1")] == [None] * 5
