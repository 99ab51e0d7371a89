"""Inquiry: one round of questions about parcels on their way back, as many in a call as fit."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from aftersales.change import Change
from aftersales.errors import ChannelBusy
from aftersales.query import CaseFile, Due
from aftersales.registry import Registry
from functions import beside, silence, track
from functions.context import commit

log = logging.getLogger(__name__)

#: Calls in a row without an answer after which one round asks that tracer no more.
DEAF = 3


@dataclass(slots=True)
class Round:
    """Questions, put together until they fill a call of whom they are put to.

    ``passed_by``: stay due, it takes no calls now. ``failed``: could not be asked, or what was said could not be put on record.
    A tracer that does not answer is not waited for again and again: the others count as asked in vain.
    """

    registry: Registry
    passed_by: int = 0
    failed: int = 0
    _waiting: dict[str, list[CaseFile]] = field(default_factory=dict)
    _deaf: Counter[str] = field(default_factory=Counter)
    _busy: set[str] = field(default_factory=set)

    def add(self, due: Due, now: datetime) -> bool:
        """Take in what is due; whether something was done about it already."""
        file = self.registry.store.case(due.case_id)
        trail = file.trail if file else None
        if file is None or trail is None or trail.deadline is None or not trail.deadline.passed(now):
            return False
        if not silence.is_out(file) or not (trail.tracer or trail.lead):
            commit(self.registry, Change(trail=replace(trail, deadline=None)))
            return True
        if trail.lead:
            beside.look(self.registry, file, trail, now)
            return True
        if trail.tracer not in self.registry.tracers:  # it was switched off since: the next one goes on
            name = track.tracer_of(self.registry, trail.carrier)
            commit(self.registry, Change(trail=replace(trail, tracer=name, subscribed=False, asked_at=None)))
            return True
        batch = self.registry.tracer(trail.tracer).pace.batch
        self._waiting.setdefault(trail.tracer, []).append(file)
        if len(self._waiting[trail.tracer]) >= batch:
            self._ask(trail.tracer)
        return False

    def finish(self) -> None:
        """Ask what is left."""
        for tracer in tuple(self._waiting):
            self._ask(tracer)

    def _ask(self, tracer: str) -> None:
        files, deaf = self._waiting.pop(tracer), self._deaf[tracer]
        try:
            if deaf >= DEAF:
                track.in_vain(self.registry, files)
            elif (answered := track.ask(self.registry, tracer, files)) is not None:
                self._deaf[tracer] = 0 if answered else deaf + 1
        except ChannelBusy as busy:
            if tracer not in self._busy:
                log.warning("%s takes no calls: %s", tracer, busy.message)
            self._busy.add(tracer)
            if deaf:  # its gate was shut after those
                track.in_vain(self.registry, files)
            else:
                self.passed_by += len(files)
        except Exception:  # whatever it is, the others are due too
            log.exception("parcels of %s could not be followed; they are looked at again", tracer)
            self.failed += len(files)
