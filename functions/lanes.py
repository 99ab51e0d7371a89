"""Lanes: a case that comes to wait for a person is put into one, in the transaction that brings it there."""

from __future__ import annotations

from aftersales import triage
from aftersales.case import WAITS, Event
from aftersales.change import Change, Step
from aftersales.registry import Registry


def settled(registry: Registry, change: Change) -> Change:
    """The change with its case's lane: as hard as it is where it begins to wait, or was asked about again; never an easier one."""
    case = change.case
    if case is None or case.state not in WAITS or not any(_begins(step) for step in change.steps):
        return change
    lane = triage.harder(case.lane, triage.lane_of(case, registry.merchant(case.merchant)))
    return change if lane is case.lane else change.with_case(lane=lane)


def _begins(step: Step) -> bool:
    """Whether this step lets the case wait for somebody, or for somebody else since nobody answered."""
    return step.after in WAITS and (step.before not in WAITS or step.event is Event.DEADLINE_PASSED)
