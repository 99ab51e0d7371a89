"""Legs: one word about a refund, believed or not, and what it makes of the leg.

A word may be late, told twice, out of order, or about another amount. What would change a leg that has ended or failed, or release
one, is believed only when the channel's own ``find`` says it now; an old notice never moves money.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aftersales.change import Change
from aftersales.channel import ReceiptStatus, RefundReceipt
from aftersales.deadline import Deadline
from aftersales.errors import Conflict, IllegalTransition, NotFound, StaleVersion
from aftersales.query import CaseFile
from aftersales.refund import RENUMBER, Cause, Refund, RefundEvent, RefundState, advance_refund, case_of
from aftersales.registry import Registry
from functions import outcome
from functions.context import again, commit

S, E = RefundState, RefundEvent

#: How long a channel may not have heard of a payment that was just made; later it never will by itself.
SYNCED = timedelta(hours=2)

#: Looks are a minute apart: what differs by less than half of it is looked at in the same round.
ROUND = timedelta(seconds=30)


class Contradiction(Exception):
    """The word contradicts what is known of the leg, or would release it: only the channel's own ``find`` decides."""


@dataclass(frozen=True, slots=True)
class Word:
    """What is said about a leg: what happened, why it failed, and the channel's receipt if it gave one.

    ``sure``: the channel's own ``find`` says it now.
    """

    event: RefundEvent
    cause: Cause | None = None
    receipt: RefundReceipt | None = None
    sure: bool = False


def word_of(receipt: RefundReceipt, *, sure: bool = False) -> Word:
    """What a channel's receipt says."""
    if receipt.status is ReceiptStatus.FAILED:
        return Word(E.REFUSED, receipt.cause or Cause.OTHER, receipt, sure)
    return Word(E.ACCEPTED if receipt.status is ReceiptStatus.PROCESSING else E.SUCCEEDED, None, receipt, sure)


def record(registry: Registry, key: str, word: Word, now: datetime, *, known: Refund | None = None) -> Refund:
    """The leg after a word about it, stored; begun anew while somebody else moves it. ``known`` is the leg as it was just read.

    Raises NotFound for a number that is not ours, Conflict for another amount, Contradiction (and nothing is stored) for a word
    that has to be confirmed first.
    """
    fresh = [known]

    def once() -> Refund:
        refund, file = fresh.pop() if fresh else None, None
        if refund is None or _concerns_case(refund, word, now):
            file = file_of(registry, key)
            refund = leg_of(file, key)
        _check_amount(refund, word)
        event = _event(refund, word, now)
        if event is None:
            return refund
        if _contradicts(refund, word):
            raise Contradiction
        if refund.state is S.RELEASED:
            return _paid_after_all(registry, file or file_of(registry, key), refund, now)
        moved = _moved(refund, event, word, now)
        change = outcome.of_leg(registry, file, refund, moved, now, sure=word.sure) if file else Change(refunds=(moved,))
        commit(registry, change)
        return replace(change.refunds[0], version=refund.version + 1)

    return again(once)


def held(registry: Registry, refund: Refund, until: datetime | None, now: datetime) -> None:
    """Put the next look at a leg off, or forward, to ``until``: no event, no new state, no look counted.

    Nothing is stored where the schedule would look at about that time anyway, or somebody moved the leg meanwhile.
    """
    if until is None or refund.deadline is None or refund.deadline.due_at is None:
        return
    if abs(max(refund.deadline.due_at, now) - until) < ROUND:
        return
    try:
        commit(registry, Change(refunds=(replace(refund, deadline=Deadline(until, "poll")),)))
    except StaleVersion:
        return


def file_of(registry: Registry, key: str) -> CaseFile:
    """The case that a refund number belongs to. Raises NotFound when it is not ours."""
    case_id = case_of(key)
    file = registry.store.case(case_id) if case_id else None
    if file is None or all(r.key != key for r in file.refunds):
        raise NotFound("This refund number is not ours.", key=key)
    return file


def leg_of(file: CaseFile, key: str) -> Refund:
    """The leg with this number. Raises NotFound."""
    for refund in file.refunds:
        if refund.key == key:
            return refund
    raise NotFound("This refund number is not ours.", key=key)


# --- what it means ----------------------------------------------------------------------------------------------------
def _event(refund: Refund, word: Word, now: datetime) -> RefundEvent | None:
    """What the word means for the leg as it is; None when it is no news."""
    if refund.state is S.RELEASED:
        return word.event if word.event is E.SUCCEEDED else None
    if refund.state is S.SETTLED:
        return E.BOUNCED if (word.event, word.cause) == (E.REFUSED, Cause.BOUNCED) else None
    if refund.state is not S.FAILED:
        due = refund.deadline is not None and refund.deadline.passed(now)
        known = refund.state is S.PROCESSING and word.event is E.ACCEPTED and not due
        uncalled = refund.state is S.RESERVED and word.event is E.DEADLINE_PASSED
        return None if known or (word.event in (E.LOOKED, E.DEADLINE_PASSED) and not uncalled) else word.event
    if word.event is E.REFUSED:
        return E.LOOKED if word.receipt and word.cause is not refund.cause else None
    if word.event is E.UNANSWERED and refund.cause in RENUMBER:
        return None  # the number is used up: whatever call had no answer paid nothing
    return word.event


def _contradicts(refund: Refund, word: Word) -> bool:
    if word.sure or word.receipt is None:
        return False
    return refund.state in (S.FAILED, S.SETTLED, S.RELEASED) or (word.event is E.REFUSED and word.cause in RENUMBER)


def _concerns_case(refund: Refund, word: Word, now: datetime) -> bool:
    """Whether the case hears of it: settled, failed for another cause than before, or overdue for the first time."""
    if word.event in (E.SUCCEEDED, E.REFUSED):
        return True
    if word.event is E.LOOKED and word.cause is not None:
        return True
    try:
        return advance_refund(refund, word.event, now).overdue and not refund.overdue
    except IllegalTransition:
        return True  # somebody moved it meanwhile: read it again


def _check_amount(refund: Refund, word: Word) -> None:
    if word.receipt and word.receipt.amount != refund.amount:
        raise Conflict(
            "The channel names another amount than was asked.", expected=str(refund.amount), found=str(word.receipt.amount)
        )


def _moved(refund: Refund, event: RefundEvent, word: Word, now: datetime) -> Refund:
    moved = advance_refund(replace(refund, cause=_cause(refund, event, word, now)), event, now)
    receipt = word.receipt
    if receipt is None:
        return moved
    return replace(
        moved,
        channel_id=receipt.channel_id or refund.channel_id,
        account=receipt.account or refund.account,
        payer_minor=receipt.payer_amount.minor if receipt.payer_amount else refund.payer_minor,
        accepted_at=refund.accepted_at or now,
        settled_at=(receipt.at or now) if moved.state is S.SETTLED else None,
    )


def _cause(refund: Refund, event: RefundEvent, word: Word, now: datetime) -> Cause | None:
    """Why the leg does not go through. A payment that the channel does not know may not have reached its books yet."""
    if event is E.LOOKED and word.cause is None:
        return refund.cause
    if word.cause in (Cause.NOT_FOUND, Cause.NOT_SYNCED):
        return Cause.NOT_SYNCED if now - refund.reserved_at < SYNCED else Cause.NOT_FOUND
    return word.cause


def _paid_after_all(registry: Registry, file: CaseFile, refund: Refund, now: datetime) -> Refund:
    change = outcome.paid_after_all(registry, file, refund, now)
    if change is not None:
        commit(registry, change)
    return refund
