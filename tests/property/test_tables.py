from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from aftersales.case import CARRIED, TERMINAL, TRANSITIONS, Event, State, advance
from aftersales.change import Change, verify_chain
from aftersales.errors import IllegalTransition
from aftersales.parcel import PARCEL_TERMINAL, PARCEL_TRANSITIONS, ParcelEvent, ParcelState, advance_parcel
from aftersales.refund import LATER, REFUND_TERMINAL, REFUND_TRANSITIONS, Cause, RefundEvent, RefundState, advance_refund
from aftersales.testing.builders import NOW, a_case, a_parcel, a_refund

steps = st.lists(st.tuples(st.sampled_from(Event), st.integers(0, 10**6)), max_size=40)


def walked(events):
    """A case from its draft through whatever of these events its table allows, with the change that records it."""
    now, change = NOW, Change.opened(a_case(), "buyer:b1", NOW)
    for event, seconds in events:
        now += timedelta(seconds=seconds)
        try:
            change = change.then(event, "system", now)
        except IllegalTransition:
            continue
    return change, now


@given(steps)
def test_a_walked_case_is_on_record_and_never_stuck(events):
    """After any history the record verifies, and the case is closed with an ending, carried, or waiting for an instant."""
    change, _ = walked(events)
    case = change.case
    assert verify_chain(change.steps) is None
    assert case.seq == len(change.steps)
    assert case.chain == change.steps[-1].chain
    assert (case.ending is not None) == case.terminal
    assert (case.deadline is None) == (case.state in TERMINAL or case.state in CARRIED)


@given(steps)
def test_silence_leads_somewhere(events):
    """From any open state, silence alone reaches the end, an approval, a person's desk, or work that a parcel or refund carries."""
    change, now = walked(events)
    case = change.case
    for _ in range(10):
        if (case.state, Event.DEADLINE_PASSED) not in TRANSITIONS:
            break
        now = max(now, case.deadline.due_at)
        assert case.deadline.passed(now)
        case = advance(case, Event.DEADLINE_PASSED, now)
    assert case.state in TERMINAL | set(CARRIED) | {State.SECOND_REVIEW}


@given(steps)
def test_money_moves_only_after_an_approval(events):
    """No history settles a case that was never approved, and none is paid twice: the way out of settling is the end."""
    change, _ = walked(events)
    states = [step.after for step in change.steps]
    if State.SETTLING in states:
        assert State.APPROVED in states[: states.index(State.SETTLING)]
        rest = states[states.index(State.SETTLING) :]
        assert set(rest) <= {State.SETTLING, State.CLOSED}


@given(st.sampled_from(ParcelState), st.lists(st.sampled_from(ParcelEvent), max_size=20))
def test_every_parcel_ends_by_silence(state, events):
    """Whatever happened to a parcel, silence alone brings it to an end, accepted goods have a place to go."""
    parcel = a_parcel(state=state)
    for event in events:
        if (parcel.state, event) in PARCEL_TRANSITIONS:
            parcel = advance_parcel(parcel, event, NOW)
    for _ in range(4):
        if parcel.state in PARCEL_TERMINAL:
            break
        parcel = advance_parcel(parcel, ParcelEvent.DEADLINE_PASSED, parcel.deadline.due_at)
        assert parcel.state is not ParcelState.ACCEPTED or parcel.disposition
    assert parcel.state in PARCEL_TERMINAL


@given(st.lists(st.tuples(st.sampled_from(RefundEvent), st.integers(0, 10**5)), max_size=30), st.none() | st.sampled_from(Cause))
def test_a_refund_keeps_its_number_and_amount_for_life(events, cause):
    """Through any history key, amount and payment stay; settled moves only when it bounced; what is open is looked at again."""
    refund, now = a_refund(cause=cause), NOW
    for event, seconds in events:
        now += timedelta(seconds=seconds)
        if (refund.state, event) not in REFUND_TRANSITIONS:
            continue
        assert refund.state not in REFUND_TERMINAL or event is RefundEvent.BOUNCED
        moved = advance_refund(refund, event, now)
        assert (moved.key, moved.amount, moved.payment_id) == (refund.key, refund.amount, refund.payment_id)
        assert moved.overdue >= refund.overdue
        refund = moved
    person = refund.state is RefundState.FAILED and cause not in LATER
    if refund.state not in REFUND_TERMINAL and not person:
        assert refund.deadline.due_at >= refund.reserved_at
