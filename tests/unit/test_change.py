from dataclasses import replace
from datetime import timedelta

import pytest

from aftersales.case import Event, State
from aftersales.change import Change, verify_chain
from aftersales.errors import IllegalTransition
from aftersales.testing.builders import NOW, a_case

LATER = NOW + timedelta(minutes=5)


def a_change() -> Change:
    """A draft that was opened, edited, handed in and sent to a person."""
    change = Change.opened(a_case(), "buyer:b1", NOW, amount_minor=1990)
    change = change.then(Event.EDITED, "buyer:b1", LATER, note="两斤坏了")
    change = change.then(Event.SUBMITTED, "buyer:b1", LATER)
    return change.then(Event.PERSON_ASKED, "system", LATER, rule="fresh.window")


def test_every_event_is_on_record():
    """Steps are numbered from 1, say who did what and where it led, and the case carries the last number and hash."""
    change = a_change()
    assert [(s.seq, s.event) for s in change.steps] == [
        (1, Event.OPENED),
        (2, Event.EDITED),
        (3, Event.SUBMITTED),
        (4, Event.PERSON_ASKED),
    ]
    last = change.steps[-1]
    assert (last.before, last.after, last.by, last.data) == (State.SUBMITTED, State.REVIEWING, "system", {"rule": "fresh.window"})
    assert change.case is not None
    assert (change.case.seq, change.case.chain, change.case.state) == (4, last.chain, State.REVIEWING)


def test_an_untouched_chain_verifies():
    """Steps as they were written follow from each other, whether all of them or only the first few are shown."""
    steps = a_change().steps
    assert verify_chain(steps) is None
    assert verify_chain(steps[:2]) is None
    assert verify_chain(()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("by", "clerk:eve"),
        ("at", LATER + timedelta(microseconds=1)),
        ("event", Event.EVIDENCE_ADDED),
        ("after", State.APPROVED),
        ("before", State.SUBMITTED),
        ("data", {"note": "两斤坏了。"}),
        ("data", {}),
        ("case_id", "c2"),
        ("chain", "0" * 64),
    ],
)
def test_an_altered_step_is_found(name, value):
    """Whatever is changed in a step afterwards, the chain breaks at that step."""
    steps = list(a_change().steps)
    steps[1] = replace(steps[1], **{name: value})
    assert verify_chain(steps) == 2


def test_a_step_that_was_altered_and_hashed_anew_is_found_at_the_next():
    """Who forges one step has to forge all that follow, and the case's own hash."""
    first, second, *rest = a_change().steps
    forged = replace(second, by="clerk:eve")
    forged = replace(forged, chain=forged.hashed(first.chain))
    assert verify_chain([first, forged, *rest]) == 3


def test_a_missing_moved_or_repeated_step_is_found():
    """Leaving a step out, changing the order, or showing one twice breaks the chain where it happens."""
    one, two, three, four = a_change().steps
    assert verify_chain([one, three, four]) == 3
    assert verify_chain([two, three, four]) == 2
    assert verify_chain([one, three, two, four]) == 3
    assert verify_chain([one, two, two, three, four]) == 2


def test_a_record_that_begins_later_is_found():
    """Steps that follow from each other but are not numbered from 1 have lost their beginning."""
    second = replace(a_change().steps[1], chain="")
    assert verify_chain([replace(second, chain=second.hashed(""))]) == 2


def test_what_the_table_does_not_allow_leaves_no_step():
    """An event the state does not know raises, and the change that was there stays as it was."""
    change = Change.opened(a_case(), "buyer:b1", NOW)
    with pytest.raises(IllegalTransition):
        change.then(Event.APPROVED, "clerk:eve", NOW)
    assert len(change.steps) == 1


def test_other_values_of_the_case_leave_the_record_alone():
    """What events do not compute is set beside them; the steps and their chain stay."""
    change = a_change()
    changed = change.with_case(tier="diamond")
    assert changed.case is not None
    assert changed.case.tier == "diamond"
    assert changed.steps == change.steps
