"""Change: what one transaction writes. A case after its events, with the records and the money that belong to the same step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aftersales.batch import Batch, Part
from aftersales.case import Case, Event, State, advance
from aftersales.count import Counted, Shift
from aftersales.decision import Decision, Past
from aftersales.delegation import Delegations
from aftersales.evidence import Evidence, Proof
from aftersales.ledger import Ledger
from aftersales.order import Order
from aftersales.parcel import Parcel
from aftersales.pickup import Pickup
from aftersales.refund import Refund
from aftersales.refusal import Refusal
from aftersales.report import Report
from aftersales.ruling.book import Rulebook
from aftersales.ruling.table import RuleSet
from aftersales.template import Templates
from aftersales.ticket import Spend, Ticket
from aftersales.tracking import Trail

Plain = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a case as it is kept: who did what, when, and where it led. ``chain`` hashes this step and the one before.

    A step that says ``rules_version`` made a decision. ``replaced`` is what stays of the one before it, where the rules' word on
    the case is another since; None where it is the same, or there was none before.
    """

    case_id: str
    seq: int
    at: datetime
    event: Event
    by: str
    before: State
    after: State
    data: Mapping[str, Plain] = field(default_factory=dict)
    chain: str = ""
    replaced: Past | None = None

    def hashed(self, previous: str) -> str:
        """The sha256 (hex) over ``previous`` and this step as canonical JSON. Anyone can recompute it."""
        body: list[Any] = [self.case_id, self.seq, self.at.isoformat(), self.event, self.by, self.before, self.after]
        body += [dict(self.data)] if self.replaced is None else [dict(self.data), _said(self.replaced)]
        return hashlib.sha256(
            (previous + json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)).encode()
        ).hexdigest()


def _said(value: Any) -> Any:
    """A value as plain JSON; fields that say nothing are left out, so that later ones change no hash."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _said(held) for f in fields(value) if (held := getattr(value, f.name)) != f.default}
    return [_said(one) for one in value] if isinstance(value, tuple) else value


def verify_chain(steps: Iterable[Step]) -> int | None:
    """The ``seq`` of the first step that does not follow from the one before it; None when all of them, from the first on, do.

    A step that was altered, left out, put in or moved breaks the chain there. Steps cut off at the end do not: compare the last
    ``chain`` with the case's.
    """
    previous, expected = "", 1
    for step in steps:
        if step.seq != expected or step.chain != step.hashed(previous):
            return step.seq
        previous, expected = step.chain, expected + 1
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an idempotent request, kept with its effect. ``request`` is a hash of what was asked."""

    caller: str
    key: str
    request: str
    status: int
    body: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One in-app message to one person, kept with the step it tells of. ``key`` and ``at`` name it."""

    key: str
    merchant: str
    recipient: str
    case_id: str
    order_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PhotoPrint:
    """The words under which a photo is found again, in any case of any merchant. ``at`` is when the photo was handed in.

    Words are short and opaque; copies of one picture share some of them, most other pictures none.
    """

    words: tuple[str, ...]
    merchant: str
    case_id: str
    evidence_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that becomes true together, or not at all.

    ``case`` carries the version it was read at; the store writes version + 1 and refuses (StaleVersion) when it changed meanwhile;
    0 means that it must not exist yet. The same holds for order, ledger, parcel, pickup, trail, refunds, tickets, reports,
    templates, delegations, rulebook, batch, parts and what was counted, with which its shift goes. ``rules`` are one version, new
    and never overwritten. Evidence and proofs are overwritten whole.
    ``claims`` are names that may exist once (``waybill#sf#SF123``); a taken one raises ClaimTaken; ``frees`` are names that may be
    taken again. A spend beyond its cap raises AllowanceSpent.
    """

    case: Case | None = None
    steps: tuple[Step, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    parcel: Parcel | None = None
    pickup: Pickup | None = None
    trail: Trail | None = None
    refunds: tuple[Refund, ...] = ()
    order: Order | None = None
    ledger: Ledger | None = None
    prints: tuple[PhotoPrint, ...] = ()
    claims: tuple[str, ...] = ()
    frees: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    reports: tuple[Report, ...] = ()
    templates: Templates | None = None
    delegations: Delegations | None = None
    refusals: tuple[Refusal, ...] = ()
    rulebook: Rulebook | None = None
    rules: RuleSet | None = None
    spends: tuple[Spend, ...] = ()
    proofs: tuple[Proof, ...] = ()
    batch: Batch | None = None
    parts: tuple[Part, ...] = ()
    counted: Counted | None = None
    shift: Shift | None = None
    answer: Answer | None = None

    def then(
        self,
        event: Event,
        by: str,
        now: datetime,
        timeouts: Mapping[State, tuple[timedelta, str]] | None = None,
        **data: Plain,
    ) -> Change:
        """This change with one more event on its case, on record and hashed. Raises IllegalTransition."""
        if self.case is None:
            raise ValueError("only a case has events")
        return self._recorded(advance(self.case, event, now, timeouts), event, by, now, data)

    def decided(
        self,
        decision: Decision,
        event: Event,
        by: str,
        now: datetime,
        timeouts: Mapping[State, tuple[timedelta, str]] | None = None,
        **data: Plain,
    ) -> Change:
        """The same with another decision on the case; what stays of the one before goes on record with the step."""
        if self.case is None:
            raise ValueError("only a case is decided")
        before = self.case.decision
        replaced = before.past if before is not None and before.past != decision.past else None
        moved = advance(replace(self.case, decision=decision), event, now, timeouts)
        return self._recorded(moved, event, by, now, {**data, "rules_version": decision.rules_version}, replaced)

    def _recorded(
        self, moved: Case, event: Event, by: str, now: datetime, data: Mapping[str, Plain], replaced: Past | None = None
    ) -> Change:
        assert self.case is not None
        step = Step(moved.case_id, self.case.seq + 1, now, event, by, self.case.state, moved.state, data, replaced=replaced)
        step = replace(step, chain=step.hashed(self.case.chain))
        return replace(self, case=replace(moved, seq=step.seq, chain=step.chain), steps=(*self.steps, step))

    @classmethod
    def opened(cls, case: Case, by: str, now: datetime, **data: Plain) -> Change:
        """The change that brings a new draft into the world."""
        return cls(case)._recorded(case, Event.OPENED, by, now, data)

    def with_case(self, **fields: object) -> Change:
        """This change with other values on its case; for what events do not compute themselves."""
        assert self.case is not None
        return replace(self, case=replace(self.case, **fields))  # type: ignore[arg-type]  # checked where the fields are named
