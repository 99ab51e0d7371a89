"""Views: a case as its reader may see it, in the reader's language."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from msgspec import structs

from aftersales import triage
from aftersales.caller import Role
from aftersales.case import WAITS, Approval, Case, Event, Lane, State
from aftersales.change import Step, verify_chain
from aftersales.decision import Decision, Finding, Outcome
from aftersales.evidence import Evidence, Requirement, missing
from aftersales.failure import Failure
from aftersales.goods import Back
from aftersales.parcel import ParcelState
from aftersales.query import CaseFile
from aftersales.refund import Cause, Refund
from aftersales.remedy import Remedy, Stage
from aftersales.text import text
from aftersales.vertical import Vertical
from functions import arrival, collected, consent, exhibit, failures, holiday, reuse, unanswered, words
from functions.context import Context
from functions.failures import Worded
from functions.reply import (
    AccountChoice,
    ApprovalView,
    CaseRow,
    CaseView,
    DeadlineView,
    DecisionView,
    EvidenceView,
    ItemView,
    Need,
    RefundView,
    RemedyView,
    StepView,
    TimelineView,
    WantedView,
)
from functions.reply_base import FailureView, FindingView
from functions.reply_parcel import BackView, CountView, ParcelView
from functions.ruled import trace_of
from functions.whereabouts import trail_view


class Promised(TypedDict, total=False):
    """What a case shows of its pledge."""

    answer_by: datetime
    late: bool


class Inward(TypedDict, total=False):
    """What a case shows to the shop's people alone."""

    category: str
    lane: Lane | None
    lane_why: list[str]
    clerk: str
    claimed_at: datetime | None


#: What the shop's people do among themselves: a buyer's timeline leaves it out.
AMONG_THEMSELVES = frozenset({Event.CLAIMED, Event.RELEASED, Event.TRIAGED})

#: Steps that say what an inspection counted, where it lacked something.
COUNTED = frozenset({Event.GOODS_ACCEPTED, Event.SECOND_PERSON_ASKED})


def case_view(ctx: Context, file: CaseFile, *, version: int | None = None) -> CaseView:
    """The whole case. ``version`` overrides the stored one where the view is made before the commit."""
    case, vertical = file.case, ctx.registry.vertical(file.case.vertical)
    return CaseView(
        case_id=case.case_id,
        order_id=case.order_id,
        merchant=case.merchant,
        kind=case.kind,
        state=case.state,
        ending=case.ending,
        terminal=case.terminal,
        order_continues=case.terminal or case.state in (State.DRAFT, State.REJECTED),
        version=case.version if version is None else version,
        vertical=case.vertical,
        reason=case.reason,
        note=case.note,
        items=[ItemView(line_id=i.line_id, pieces=i.pieces, share_percent=i.share_percent, bad=i.bad or None) for i in case.items],
        freight=case.freight,
        amount_minor=case.amount.minor,
        beyond_minor=case.beyond_minor,
        currency=case.amount.currency,
        opened_at=case.opened_at,
        updated_at=case.updated_at,
        deadline=deadline_view(ctx, file),
        decision=_decision(ctx, vertical, case.merchant, case.decision),
        approvals=[_approval(ctx, a) for a in case.approvals],
        missing=needs(ctx, vertical, lacking(vertical, file)),
        evidence=[_evidence(ctx, vertical, e) for e in file.evidence],
        comparison=exhibit.comparison(ctx, vertical, _with_first(ctx, file)),
        parcel=_parcel(ctx, file),
        pickup=collected.view_of(ctx, file),
        refunds=[refund_view(ctx, r) for r in file.refunds],
        remedy=_remedy(ctx, case),
        apart_of=case.apart_of or None,
        **_inward(ctx, case),
        **promised(case),
    )


def _with_first(ctx: Context, file: CaseFile) -> CaseFile:
    """The file with the evidence of the case with whose parcel its pieces should have come, too."""
    first = ctx.registry.store.case(file.case.apart_of) if file.case.apart_of else None
    return replace(file, evidence=(*first.evidence, *file.evidence)) if first else file


def stored(ctx: Context, file: CaseFile) -> CaseView:
    """The view of a case that is about to be stored: its version is the one it will have."""
    return case_view(ctx, file, version=file.case.version + 1)


def lacking(vertical: Vertical, file: CaseFile) -> tuple[Requirement, ...]:
    """The evidence a case still needs."""
    offer = vertical.offer(file.case.kind)
    return missing(offer.required(file.case.reason), file.evidence) if offer else ()


def needs(ctx: Context, vertical: Vertical, required: tuple[Requirement, ...]) -> list[Need]:
    """Required evidence, in words."""
    return [
        Need(kinds=list(r.kinds), at_least=r.at_least, text=vertical.text(r.text, ctx.locale, at_least=r.at_least))
        for r in required
    ]


def row(case: Case) -> CaseRow:
    """A case in a list."""
    return CaseRow(
        case_id=case.case_id,
        order_id=case.order_id,
        kind=case.kind,
        state=case.state,
        ending=case.ending,
        amount_minor=case.amount.minor,
        currency=case.amount.currency,
        opened_at=case.opened_at,
        due_at=case.deadline.due_at if case.deadline else None,
        tier=case.tier,
        **promised(case),
    )


def shop_row(case: Case) -> CaseRow:
    """The same for the shop's people: with who has it, and how hard it is."""
    return structs.replace(row(case), category=case.category, lane=case.lane, clerk=case.clerk, claimed_at=case.claimed_at)


def _inward(ctx: Context, case: Case) -> Inward:
    """What the shop's people read alone."""
    if not ctx.caller.is_staff:
        return {}
    why = triage.reasons(case, ctx.registry.merchant(case.merchant)) if case.state in WAITS else ()
    said = [text("functions", f"triage.{reason}", ctx.locale) for reason in why]
    shown: Inward = {"category": case.category, "lane": case.lane, "lane_why": said}
    return shown | {"clerk": case.clerk, "claimed_at": case.claimed_at}


def promised(case: Case) -> Promised:
    """Until when an answer was promised, and whether it was late."""
    return {"answer_by": case.pledge.by, "late": case.pledge.late_at is not None} if case.pledge else {}


def timeline(ctx: Context, file: CaseFile, steps: tuple[Step, ...]) -> TimelineView:
    """Who did what, in order, and what comes next by when. A buyer reads staff as ``shop`` or ``platform``, not by name."""
    return TimelineView(
        case_id=file.case.case_id,
        state=file.case.state,
        steps=[_step(ctx, file.case, s) for s in steps if ctx.caller.is_staff or s.event not in AMONG_THEMSELVES],
        refunds=[refund_view(ctx, r) for r in file.refunds],
        next=deadline_view(ctx, file),
        intact=verify_chain(steps) is None and (not steps or steps[-1].chain == file.case.chain),
    )


def deadline_view(ctx: Context, file: CaseFile) -> DeadlineView | None:
    """What the case waits for: its own deadline, or its parcel's or refund's while one of them carries it."""
    case, deadline, means = file.case, file.case.deadline, f"silence.{file.case.state}"
    also: tuple[str, ...] = ()
    if case.promise and case.promise.stage in (Stage.SENT, Stage.FAILED) and case.state is not State.APPROVED:
        means += f".{case.promise.stage}"
    if deadline is not None and unanswered.will_ask(ctx.registry, file, ctx.now):
        means = f"silence.{case.state}.two"
    if deadline is None and case.state is State.APPROVED and file.parcel:
        deadline, means = file.parcel.deadline, f"silence.parcel.{file.parcel.state}"
        arrived = file.parcel.state in (ParcelState.DELIVERED, ParcelState.INSPECTING)
        means += ".promise" if arrived and case.promise and case.promise.in_force else ""
        if file.trail is not None and arrival.is_open(file.parcel, file.trail):
            means = f"silence.parcel.{arrival.means(file.parcel, file.trail)}"
        also = holiday.said(deadline, ctx.locale) if deadline else ()
        if deadline and deadline.paused:
            also = (text("functions", "silence.stands", ctx.locale), *also)
    if deadline is None and case.state is State.SETTLING:
        waiting = [r for r in file.refunds if r.deadline]
        deadline = min((r.deadline for r in waiting if r.deadline), key=lambda d: str(d.due_at), default=None)
        means = "silence.settling"
    if deadline is None:
        return None
    return DeadlineView(
        due_at=deadline.due_at,
        paused=deadline.paused,
        cause=deadline.cause,
        means=words.joined(ctx.locale, text("functions", means, ctx.locale), *also),
        provisional=deadline.provisional,
    )


def failure_view(told: Worded | None) -> FailureView | None:
    """A known failure as it is sent; None when there is none."""
    return FailureView(code=told.failure, text=told.text, next=told.next, passes=told.passes) if told else None


def refund_view(ctx: Context, refund: Refund) -> RefundView:
    """One leg of the refund."""
    choices = consent.choices(ctx.registry, refund)
    wrong, then = failures.reason_of(refund.cause, ctx.locale, ctx.audience) if refund.cause else ("", "")
    return RefundView(
        key=refund.key,
        number=refund.number,
        payout=refund.payout,
        replaces=refund.replaces,
        state=refund.state,
        channel=refund.channel,
        amount_minor=refund.amount.minor,
        payer_minor=refund.payer_minor,
        channel_id=refund.channel_id,
        account=refund.account,
        cause=refund.cause,
        text=wrong,
        next=then,
        failure=failure_view(failures.of_cause(refund.cause, ctx.locale, ctx.audience)),
        accounts=[
            AccountChoice(to=to, text=text("functions", f"consent.{to}", ctx.locale), consent=consent.VERSION) for to in choices
        ],
        overdue=refund.overdue,
        settled_at=refund.settled_at,
    )


def finding_view(ctx: Context, vertical: Vertical, finding: Finding) -> FindingView:
    """What one check saw, with its reason in words."""
    return FindingView(
        check=finding.check,
        verdict=finding.verdict,
        reason=finding.reason,
        text=words.of_finding(vertical, finding, ctx.locale),
        source=finding.source,
        confidence=finding.confidence,
        data=dict(reuse.shown(finding).data),
        regions=[list(region) for region in finding.regions],
        failure=failure_view(failures.of_findings(vertical, (finding,), ctx.locale, ctx.audience)),
        next=words.of_next(finding.reason, ctx.locale, ctx.audience),
    )


def _approval(ctx: Context, given: Approval) -> ApprovalView:
    behalf = given.on_behalf or None if ctx.caller.is_staff else None
    return ApprovalView(
        by=_name(ctx, given.by), at=given.at, amount_minor=given.amount.minor, reason=given.reason, on_behalf=behalf
    )


def _decision(ctx: Context, vertical: Vertical, merchant: str, decision: Decision | None) -> DecisionView | None:
    if decision is None:
        return None
    against = decision.findings if decision.outcome is Outcome.REJECT else ()
    return DecisionView(
        outcome=decision.outcome,
        rule=decision.rule,
        reason=words.of_reason(vertical, decision.reason, ctx.locale, decision.findings),
        by=_name(ctx, decision.by),
        rules_version=decision.rules_version,
        findings=[finding_view(ctx, vertical, f) for f in decision.findings],
        failure=failure_view(failures.of_findings(vertical, against, ctx.locale, ctx.audience)),
        **trace_of(ctx, vertical, merchant, decision),
    )


def _evidence(ctx: Context, vertical: Vertical, evidence: Evidence) -> EvidenceView:
    url, masked = exhibit.shown(ctx, evidence)
    return EvidenceView(
        evidence_id=evidence.evidence_id,
        kind=evidence.kind,
        role=evidence.role,
        line_id=evidence.line_id,
        state=evidence.state,
        by=_name(ctx, evidence.by),
        added_at=evidence.added_at,
        sha256=evidence.sha256,
        url=url,
        masked=masked,
        overlay_url=exhibit.overlay(ctx, evidence),
        erased_at=evidence.erased_at,
        text=exhibit.why_not(ctx, evidence),
        findings=[finding_view(ctx, vertical, f) for f in evidence.findings],
    )


def _parcel(ctx: Context, file: CaseFile) -> ParcelView | None:
    parcel = file.parcel
    if parcel is None:
        return None
    vertical = ctx.registry.vertical(file.case.vertical)
    sign, due = failures.sign_of(parcel, file.trail, ctx.now), words.of_instant(ctx.registry, file.case, parcel.deadline)
    told = failures.worded(Failure.MISSING_LOGISTICS, ctx.locale, ctx.audience, sign=sign, due=due) if sign else None
    return ParcelView(
        state=parcel.state,
        carrier=parcel.carrier,
        number=parcel.number,
        due_at=parcel.deadline.due_at if parcel.deadline and parcel.state is not ParcelState.ACCEPTED else None,
        disposition=parcel.disposition,
        note=parcel.note,
        counts=[CountView(**{f: getattr(c, f) for f in CountView.__struct_fields__}) for c in parcel.counts],
        evidence=list(parcel.photos),
        apart=parcel.apart.case_id if parcel.apart else None,
        trail=trail_view(ctx, file.trail, lambda finding: finding_view(ctx, vertical, finding)),
        restock=[_back(b) for b in parcel.restock.backs] if parcel.restock and ctx.caller.is_staff else [],
        failure=failure_view(told),
    )


def _back(back: Back) -> BackView:
    return BackView(line_id=back.line_id, disposition=back.disposition, pieces=back.pieces, told_at=back.told_at)


def _remedy(ctx: Context, case: Case) -> RemedyView | None:
    given = case.promise
    if given is None:
        return None
    other = given.wanted
    wanted = WantedView(sku=other.sku, title=other.title, price_minor=other.price_minor) if other else None
    shown = Remedy.MONEY if given.stage is Stage.MONEY else given.remedy
    return RemedyView(
        remedy=given.remedy,
        stage=given.stage,
        text=text("functions", f"remedy.{shown}", ctx.locale),
        wanted=wanted,
        extra_minor=given.extra_minor,
        paid=bool(given.payment_id),
        refund_minor=case.amount.minor,
        carrier=given.carrier,
        number=given.number,
        sent_at=given.sent_at,
        reason=text("functions", given.reason, ctx.locale),
    )


def _step(ctx: Context, case: Case, step: Step) -> StepView:
    told = words.failure_of(ctx.registry, case, step, ctx.locale, ctx.audience)
    data = words.figures(step, case.amount.currency, ctx.locale)
    if told:
        data |= {"failure": told.text, "next": told.next}
    if step.event is Event.PAID_OUTSIDE:
        data |= {name: text("functions", f"outside.{data.get(name)}", ctx.locale) for name in ("kind", "state")}
    if data.get("cause") in set(Cause):
        data["cause"], data["next"] = failures.reason_of(str(data["cause"]), ctx.locale, ctx.audience)
    if isinstance(data.get("reason"), str):
        vertical, findings = ctx.registry.vertical(case.vertical), case.decision.findings if case.decision else ()
        data["reason"] = words.of_reason(vertical, str(data["reason"]), ctx.locale, findings)
    if step.event is Event.GOODS_REFUSED:
        data["note"] = words.of_refusal(ctx.registry, case, step, ctx.locale)
    if "passage" in data:
        data["passage"] = text("functions", f"passage.{data['passage']}", ctx.locale)
    if "lane" in data:
        data["lane"] = text("functions", f"lane.{data['lane']}", ctx.locale)
    if "source" in data:
        data |= words.of_sources(ctx.registry.vertical(case.vertical), step, ctx.locale)
    if "remedy" in data:
        data["remedy"] = text("functions", f"remedy.{data['remedy']}", ctx.locale)
    kind = ".silent" if step.event is Event.GOODS_DELIVERED and told is not None else ""
    if moved := words.of_holiday(ctx.registry, case, step, ctx.locale):
        kind, data = ".holiday", {**data, **moved}
    kind = ".counted" if "missing" in step.data and step.event in COUNTED else ".apart" if "apart_of" in step.data else kind
    kind = ".silent" if step.event is Event.SECOND_PERSON_ASKED and step.data.get("reason") == words.TWO_PERSONS else kind
    kind = ".given" if step.event is Event.CLAIMED and step.by.partition(":")[2] != step.data.get("clerk") else kind
    kind = ".drop_off" if "drop_off" in step.data else kind
    if words.unasked(step):
        kind, data["why"] = ".unasked", ctx.registry.vertical(case.vertical).text(f"reason.{case.reason}", ctx.locale)
    return StepView(
        seq=step.seq,
        at=step.at,
        event=step.event,
        by=_name(ctx, step.by),
        before=step.before,
        after=step.after,
        text=text("functions", f"event.{step.event}{kind}", ctx.locale, **data),
        data={name: value for name, value in step.data.items() if name != "on_behalf" or ctx.caller.is_staff},
        failure=failure_view(told),
        chain=step.chain,
    )


def _name(ctx: Context, by: str) -> str:
    role = by.partition(":")[0]
    if ctx.caller.is_staff or role in ("buyer", "system"):
        return by
    return role if role == Role.PLATFORM else "shop"
