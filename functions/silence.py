"""Silence of a carrier: what depends on its answer stands still, says so, and goes on with its rest once somebody answers.

::

    a question in vain ─► two hours ─► the parcel's clock stands ─► an answer: it goes on with the rest it had
                                                        └► seven days: it goes on all the same; at its end a person is asked

Nothing is decided about a parcel of which nobody knows where it is, however long that takes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import Event, State
from aftersales.change import Change
from aftersales.parcel import ParcelState
from aftersales.query import CaseFile
from aftersales.tracking import Found

S = ParcelState

#: Parcels that carriers are still asked about.
OUT = frozenset({S.IN_TRANSIT, S.LOST, S.TURNED_BACK})

#: After how long without an answer what depends on a carrier stands still; and for how long at most.
SILENT, STANDS = timedelta(hours=2), timedelta(days=7)

#: The cause of a deadline at which a person is asked once more: that waits for the person alone.
ASKED = "asked again"


def is_out(file: CaseFile) -> bool:
    """Whether somebody still wants to know where the goods are."""
    parcel, trail = file.parcel, file.trail
    if parcel is None or trail is None or file.case.state is not State.APPROVED:
        return False
    late = trail.label or trail.found is Found.NOT_YET  # what was given up unknown may still be scanned
    return parcel.state in OUT or (late and parcel.state is S.AWAITING_SHIPMENT)


def has_arrived(file: CaseFile) -> bool:
    """Whether the goods are there and nobody has decided about them: nobody asks where they are, and what is told still counts."""
    parcel, approved = file.parcel, file.case.state is State.APPROVED
    return parcel is not None and file.trail is not None and approved and parcel.state in (S.DELIVERED, S.INSPECTING)


def unheard(file: CaseFile, now: datetime) -> Change:
    """The change of a question that nobody answers."""
    trail, parcel = file.trail, file.parcel
    assert trail is not None
    trail = replace(trail, silent_since=trail.silent_since or now)
    deadline = parcel.deadline if parcel and is_out(file) else None
    gone = now - (trail.silent_since or now)
    if parcel is None or deadline is None or deadline.cause == ASKED or gone < SILENT:
        return Change(trail=trail)
    if gone >= SILENT + STANDS:
        change = Change(file.case, parcel=parcel, trail=trail)
        return _runs(change, now, "silence.carrier.long") if deadline.paused else Change(trail=trail)
    return Change(trail=trail) if deadline.paused else _stands(replace(file, trail=trail), now)


def over(change: Change, now: datetime) -> Change:
    """The change with the parcel's clock running again, now that somebody has answered."""
    deadline = change.parcel.deadline if change.parcel else None
    return _runs(change, now, "silence.carrier.over") if deadline and deadline.paused else change


def put_off(file: CaseFile, now: datetime) -> Change | None:
    """What becomes of a parcel's deadline that has passed while its carrier gives no answer; None where it may count."""
    trail, deadline = file.trail, file.parcel.deadline if file.parcel else None
    if trail is None or trail.silent_since is None or deadline is None or not is_out(file):
        return None
    waited = deadline.paused or deadline.cause == ASKED or now - trail.silent_since >= SILENT + STANDS
    return None if waited else _stands(file, now)


# --- inside -----------------------------------------------------------------------------------------------------------
def _stands(file: CaseFile, now: datetime) -> Change:
    parcel, trail = file.parcel, file.trail
    assert parcel is not None
    assert parcel.deadline is not None
    assert trail is not None
    stands = replace(parcel, deadline=parcel.deadline.pause(now, (trail.silent_since or now) + SILENT + STANDS))
    change = Change(file.case, parcel=stands, trail=trail)
    return change.then(Event.DEADLINE_PAUSED, "system", now, None, reason="silence.carrier", carrier=trail.carrier)


def _runs(change: Change, now: datetime, why: str) -> Change:
    parcel = change.parcel
    assert parcel is not None
    assert parcel.deadline is not None
    runs = replace(parcel, deadline=parcel.deadline.resume(now))
    due = runs.deadline.due_at if runs.deadline else None
    change = replace(change, parcel=runs)
    return change.then(Event.DEADLINE_RESUMED, "system", now, None, reason=why, due_at=due.isoformat() if due else None)
