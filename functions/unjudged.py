"""Unjudged: a case whose trade, or whose merchant's table, broke is not approved by silence: nobody, man or rule, has judged it.

It is put off by a day; once both answer again it is priced and judged anew, and silence means what it always means.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aftersales.absent import is_absent
from aftersales.case import Event
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.decision import Decision
from aftersales.query import CaseFile, OrderFile
from aftersales.registry import Registry
from aftersales.ruling.replay import BROKEN
from functions import guard, lookups
from functions.judgement import considered, judge_anew
from functions.payout import facts_of, offer_of

AGAIN = timedelta(hours=24)


def kept_silent(registry: Registry, file: CaseFile, order: OrderFile, now: datetime) -> Change | None:
    """What silence does to a case that waits for a person because its trade or its rules broke; None where silence may decide."""
    case = file.case
    if case.decision is None or not (_is_broken(case.decision) or case.decision.rule == BROKEN):
        return None
    vertical, facts = registry.vertical(case.vertical), facts_of(registry, file, order, now)
    answers = guard.answers(vertical, offer_of(registry, case), facts)
    sound = not is_absent(vertical) and all(f.reason != guard.BROKEN for f in answers)
    if sound and considered(registry, file, order, now).decision.rule != BROKEN:
        change = judge_anew(registry, lookups.priced(registry, Change(case), file, order, now), file, order, now)
        return None if change.case is case else change  # at another amount, silence is heard again at the next look
    moved = Change(case).then(Event.DEADLINE_MOVED, "system", now, reason="silence.broken", due_at=(now + AGAIN).isoformat())
    return moved.with_case(deadline=Deadline.after(now, AGAIN, "broken"))


def _is_broken(decision: Decision) -> bool:
    return any(f.reason == guard.BROKEN for f in decision.findings)
