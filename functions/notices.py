"""Notices: what a buyer is told at each step, in their language, stored with the step itself.

One notice per news. A case that moved to another state is news, and so is what happens to the money of each leg; a step that has
a notice of its own speaks for the state it led to.
"""

from __future__ import annotations

from dataclasses import replace

from aftersales.case import UNANSWERED, Case, Event, State
from aftersales.change import Change, Notice, Step
from aftersales.deadline import Deadline
from aftersales.entry import Payout
from aftersales.money import Money
from aftersales.order import Order
from aftersales.refund import Cause, Refund
from aftersales.registry import Registry
from aftersales.text import text
from functions import consent, failures, wording, words
from functions.failures import Audience
from functions.part import part_of

#: Steps with a notice of their own, and its text.
TOLD = {
    Event.REFUND_SETTLED: "notice.refund_arrived",
    Event.REFUND_DELAYED: "notice.refund_delayed",
    Event.REFUND_BOUNCED: "notice.refund_bounced",
    Event.REFUND_REDIRECTED: "notice.refund_redirected",
    Event.COMPENSATION_SETTLED: "notice.compensation_settled",
    Event.PAYMENT_AWAITED: "notice.payment_awaited",
    Event.REMEDY_SENT: "notice.remedy_sent",
    Event.REMEDY_FAILED: "notice.remedy_failed",
    Event.GOODS_REFUSED: "notice.goods_refused",
    Event.GOODS_NOT_SENT: "notice.goods_not_sent",
    Event.GOODS_DOUBTED: "notice.goods_doubted",
    Event.GOODS_NOT_FOUND: "notice.goods_not_found",
    Event.GOODS_TURNED_BACK: "notice.goods_turned_back",
    Event.GOODS_LOST: "notice.goods_lost",
    Event.GOODS_ESCALATED: "notice.goods_escalated",
    Event.PICKUP_BOOKED: "notice.pickup_booked",
    Event.PICKUP_MOVED: "notice.pickup_moved",
    Event.PICKUP_FAILED: "notice.pickup_failed",
}


def of_change(registry: Registry, change: Change) -> tuple[Notice, ...]:
    """The notices that a change of a case calls for; none when nothing is news to the buyer."""
    case = change.case
    if case is None or not change.steps:
        return ()
    return (*_unasked(registry, case, change.steps[0]), *_with_holidays(registry, change, case, _of_case(registry, change, case)))


def _unasked(registry: Registry, case: Case, first: Step) -> tuple[Notice, ...]:
    """Why there is a case that the buyer did not open."""
    if not words.unasked(first):
        return ()
    why = registry.vertical(case.vertical).text(f"reason.{case.reason}", case.locale)
    return (replace(_notice(registry, case, "notice.opened", why=why), key=f"{case.case_id}:opened"),)


def _of_case(registry: Registry, change: Change, case: Case) -> tuple[Notice, ...]:
    """The news of the steps themselves, else of the state that they led to."""
    news = [(key, step) for step in change.steps if (key := _key_of(registry, case, step))]
    if news:
        return tuple(_of_step(registry, change, case, key, step) for key, step in news)
    if case.state in (change.steps[0].before, State.DRAFT):
        return ()
    if any(step.event is Event.REFUND_RESERVED for step in change.steps):
        return _started(registry, change, case)
    if case.state in wording.WAITS and any(step.event is Event.SUBMITTED for step in change.steps):
        return (replace(_notice(registry, case, "notice.submitted"), text=wording.acknowledgement(registry, case)),)
    key, amount = f"notice.{case.state}.{case.ending}" if case.ending else f"notice.{case.state}", case.amount
    if case.state is State.REVIEWING and wording.silence_asks(registry, case):
        key = "notice.reviewing.asked"
    if change.steps[-1].event is Event.SETTLED and _minor(change.steps[-1]) != case.amount.minor:
        key, amount = "notice.closed.given_up", Money(_minor(change.steps[-1]), case.amount.currency)
    return (_notice(registry, case, key, amount=str(amount), due=_due(registry, change, case)),)


def _with_holidays(registry: Registry, change: Change, case: Case, told: tuple[Notice, ...]) -> tuple[Notice, ...]:
    """The notices with what holidays did to the parcel's deadline: a sentence more of other news, else news of its own."""
    for step in change.steps:
        said = words.of_holiday(registry, case, step, case.locale)
        if said and told:
            more = text("functions", "notice.deadline_moved.also", case.locale, **said)
            told = (*told[:-1], replace(told[-1], text=words.joined(case.locale, told[-1].text, more)))
        elif said:
            told = (replace(_notice(registry, case, "notice.deadline_moved", **said), key=f"{case.case_id}:{step.seq}"),)
    return told


def of_signing(registry: Registry, order: Order) -> tuple[Notice, ...]:
    """What the trades of an order say when its parcel was signed for."""
    found = []
    for name in sorted({line.vertical for line in order.lines}):
        vertical = registry.vertical(name)
        if vertical.on_signing and order.signed_at:
            told = vertical.text(vertical.on_signing, order.buyer.locale, order_id=order.order_id)
            key = f"{order.order_id}:signed:{name}"
            found.append(Notice(key, order.merchant, order.buyer.id, "", order.order_id, told, order.signed_at))
    return tuple(found)


# --- money ------------------------------------------------------------------------------------------------------------
def _started(registry: Registry, change: Change, case: Case) -> tuple[Notice, ...]:
    """One notice per leg: how much goes where, and when to expect it."""
    found = []
    for leg in change.refunds:
        part = part_of(change.refunds, leg)
        beside = leg.payout is not Payout.REFUND
        key = "notice.beyond" if beside else "notice.settling"
        told = _notice(registry, case, key, amount=str(leg.amount), **_way(leg.channel, part, case.locale))
        if leg.pickup_minor:
            kept = text("functions", "notice.pickup_kept", case.locale, pickup=str(Money(leg.pickup_minor, leg.currency)))
            told = replace(told, text=words.joined(case.locale, told.text, kept))
        found.append(replace(told, key=f"{told.key}:{leg.number}") if part or beside else told)
    return tuple(found)


def _key_of(registry: Registry, case: Case, step: Step) -> str:
    """The text that one step calls for by itself, "" for none."""
    if step.event is Event.REFUND_FAILED and step.data.get("cause") == Cause.ACCOUNT_ABNORMAL:
        return "notice.account_needed"
    if step.event is Event.DEADLINE_PASSED and step.before is State.FULFILLING:
        return "notice.remedy_failed"
    if step.event is Event.GOODS_DELIVERED:
        silent = words.failure_of(registry, case, step, case.locale, Audience.BUYER)
        return "notice.goods_delivered" if silent else "notice.goods_arrived"
    if step.event is Event.PICKUP_BOOKED and "drop_off" in step.data:
        return "notice.pickup_booked.drop_off"
    if step.event is Event.SECOND_PERSON_ASKED and step.data.get("reason") == words.TWO_PERSONS:
        return "notice.escalated"
    if step.event is Event.SECOND_PERSON_ASKED and "missing" in step.data:
        return "notice.goods_counted"
    if step.event is Event.ANSWER_LATE:
        came = "" if case.state in UNANSWERED else ".answered"
        return f"notice.answer_late{came}{'' if step.data['points'] else '.plain'}"
    return TOLD.get(step.event, "")


def _of_step(registry: Registry, change: Change, case: Case, key: str, step: Step) -> Notice:
    why = text("functions", case.promise.reason, case.locale) if case.promise else ""
    data = {"due": _due(registry, change, case), "why": why, **words.figures(step, case.amount.currency, case.locale)}
    told = words.failure_of(registry, case, step, case.locale, Audience.BUYER)
    if told:
        data |= {"failure": told.text, "next": told.next}
    if step.event is Event.PICKUP_FAILED:
        data["why"], data["next"] = (text("functions", f"{step.data['reason']}{end}", case.locale) for end in ("", ".next"))
    if step.event is Event.GOODS_DOUBTED:
        data["doubts"] = words.of_doubts(registry.vertical(case.vertical), str(step.data["reason"]), case.locale)
    if step.event is Event.GOODS_REFUSED:
        data["note"], data["next"] = words.of_refusal(registry, case, step, case.locale), told.next if told else ""
    if step.event is Event.ANSWER_LATE and case.pledge is not None:
        data["until"] = words.of_instant(registry, case, Deadline(case.pledge.by, case.pledge.cause))
    leg = next((r for r in change.refunds if r.key == step.data.get("key")), None)
    if leg is not None:
        card = step.event is Event.REFUND_REDIRECTED and not step.data.get("replaces")
        data |= _way("card" if card else leg.channel, str(step.data.get("part", "")), case.locale)
        data["account"] = f" {step.data.get('account')}" if card else ""
        data["choose"] = _choose(registry, leg, case.locale)
        data["cause"] = failures.reason_of(leg.cause, case.locale, Audience.BUYER)[0] if leg.cause else ""
    notice = _notice(registry, case, key, **data)
    if step.event is Event.REFUND_SETTLED:
        notice = replace(notice, text=words.joined(case.locale, notice.text, *_tail(change, case, step)))
    return replace(notice, key=f"{case.case_id}:{step.seq}")


def _tail(change: Change, case: Case, arrived: Step) -> tuple[str, ...]:
    """What is said beside the sum that arrived: coupons that are no money, and that the case is settled."""
    found, whole, received = [], _minor(arrived), arrived.data.get("payer_minor")
    if isinstance(received, int) and received < whole:
        sums = {"amount": str(Money(whole, case.amount.currency)), "coupon": str(Money(whole - received, case.amount.currency))}
        found.append(text("functions", "notice.coupon", case.locale, **sums))
    last = change.steps[-1]
    if last.event is Event.SETTLED:
        end = "settled" if _minor(last) == case.amount.minor else "rest_given_up"
        found.append(text("functions", f"notice.{end}", case.locale))
    return tuple(found)


def _way(channel: str, part: str, locale: str) -> dict[str, str]:
    """Where a leg goes and when it is expected there, and which of several it is."""
    return {
        "channel": words.of_channel("channel", channel, locale),
        "arrival": words.of_channel("arrival", channel, locale),
        "leg": text("functions", "notice.part", locale, part=part) if part else "",
    }


def _choose(registry: Registry, leg: Refund, locale: str) -> str:
    """What the buyer can do about a leg that failed."""
    offered = consent.choices(registry, leg)
    return text("functions", f"choose.{offered[0] if offered else 'shop'}", locale)


# --- words ------------------------------------------------------------------------------------------------------------
def _notice(registry: Registry, case: Case, key: str, /, **data: object) -> Notice:
    vertical, decision = registry.vertical(case.vertical), case.decision
    reason = words.of_reason(vertical, decision.reason, case.locale, decision.findings) if decision else ""
    told = text("functions", key, case.locale, **{**data, "order_id": case.order_id, "reason": reason})
    return Notice(f"{case.case_id}:{case.seq}", case.merchant, case.buyer_id, case.case_id, case.order_id, told, case.updated_at)


def _due(registry: Registry, change: Change, case: Case) -> str:
    """Until when the case, or the parcel it waits for, waits."""
    parcel = change.parcel.deadline if change.parcel else None
    return words.of_instant(registry, case, case.deadline or parcel)


def _minor(step: Step) -> int:
    minor = step.data.get("amount_minor")
    return minor if isinstance(minor, int) else 0
