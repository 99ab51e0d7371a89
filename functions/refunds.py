"""Refunds: the call to the channel, what its answer means, and the looks at what waits.

::

    reserved (stored) ──► execute ──► answer ──► record ──► settled: ledger + refund + case, one transaction
                             │                     ▲
                             └── no answer ── poll ┘   same key always; a crash at any arrow is mended by the next look
"""

from __future__ import annotations

import logging
from datetime import datetime

from aftersales.channel import ReceiptStatus, RefundReceipt
from aftersales.errors import ChannelBusy, Rejected, Unknown
from aftersales.refund import LATER, OVERDUE, RENUMBER, UNDER_WAY, Cause, Refund, RefundEvent, RefundState
from aftersales.registry import Registry
from functions import calls, gate, keeping, legs, reach
from functions.legs import Contradiction, Word, word_of
from functions.outcome import order_of
from functions.payout import FIRST_LOOK
from functions.renumber import crowded_out

log = logging.getLogger(__name__)


def execute(registry: Registry, refund: Refund, now: datetime) -> None:
    """Call the channel for a leg that was just reserved. Told late, or again, only while nobody has called it yet.

    Within the first minute the reservation itself says that there is room for it, and the leg is released by nobody
    (:data:`functions.mend.QUIET`): nothing is read. A second call at once is harmless, for the key is the same.
    """
    if now - refund.reserved_at < FIRST_LOOK:
        try:
            _first(registry, refund, now)
        except ChannelBusy as busy:
            legs.held(registry, refund, gate.until_of(busy), now)
        return
    stored = legs.leg_of(legs.file_of(registry, refund.key), refund.key)
    if stored.state is RefundState.RESERVED:
        poll(registry, stored, now)


def poll(registry: Registry, refund: Refund, now: datetime) -> datetime | None:
    """Look after a leg that waits. Where its channel takes no calls just now, nothing happens but that the look is put off.

    That it is late is told all the same. Gives when the channel is to be asked again then; None when the leg was looked after.
    """
    try:
        _look(registry, refund, now)
    except ChannelBusy as busy:
        until = gate.until_of(busy)
        if not _told_late(registry, refund, now):
            legs.held(registry, refund, until, now)
        return until
    return None


def _look(registry: Registry, refund: Refund, now: datetime) -> None:
    """Ask the channel what became of a leg that waits; what it never heard of is asked for again, under the same key.

    A leg that was never called, or failed for a cause that passes, is called, unless its payment has no room for it any more: money
    that left without us is not sent again. "Not known" soon after a call proves nothing, and calling again with the same key is
    safe either way. A leg that failed for good is only asked for, never sent.
    """
    if refund.state is RefundState.RESERVED and reach.refused(refund):
        _first(registry, refund, now)
        return
    _keep(registry, refund)
    later = refund.state is RefundState.FAILED and refund.cause in LATER
    if (later or refund.state is RefundState.RESERVED) and _has_room(registry, refund):
        _send_again(registry, refund, now)
        return
    try:
        receipt = calls.ask(registry, refund)
    except Unknown as silence:
        log.warning("refund %s cannot be asked for: %s", refund.key, silence.message)
        _silent(registry, refund, now)
        return
    if receipt is not None:
        _found(registry, refund, receipt, now)
    elif _may_be_sent(refund):
        _missing(registry, refund, now)
    else:
        _silent(registry, refund, now)


def apply(registry: Registry, receipt: RefundReceipt, now: datetime, *, known: Refund | None = None) -> None:
    """Record a channel's verified word. What contradicts the record is believed only as far as the channel says it when asked.

    Raises NotFound for a number not ours, Conflict for another amount, Unknown when the channel does not confirm its word.
    """
    try:
        legs.record(registry, receipt.key, word_of(receipt), now, known=known)
    except Contradiction:
        refund = legs.leg_of(legs.file_of(registry, receipt.key), receipt.key)
        found = calls.ask(registry, refund)
        if found is None:
            log.warning("refund %s: a word about it is not believed, the channel does not know it", refund.key)
            return
        legs.record(registry, refund.key, word_of(found, sure=True), now)


# --- inside -----------------------------------------------------------------------------------------------------------
def _first(registry: Registry, refund: Refund, now: datetime) -> None:
    """The first call, unless it is for later, or known to be in vain."""
    if reach.refused(refund):
        legs.record(registry, refund.key, Word(RefundEvent.REFUSED, refund.cause), now, known=refund)
    elif not reach.waits(refund) and _is_kept(registry, refund, now):
        gate.enter(registry, refund.channel)
        _send(registry, refund, now)


def _send(registry: Registry, refund: Refund, now: datetime) -> None:
    """Call the channel, whose gate has let in, and record what it says."""
    try:
        receipt = calls.send(registry, refund)
    except Rejected as refusal:
        _refused(registry, refund, Cause(refusal.details.get("cause", Cause.OTHER)), now)
        return
    except Unknown as silence:
        log.warning("refund %s has no answer: %s", refund.key, silence.message)
        legs.record(registry, refund.key, Word(RefundEvent.UNANSWERED), now, known=refund)
        return
    try:
        apply(registry, receipt, now, known=refund)
    except (Unknown, ChannelBusy) as silence:  # the next look asks again
        log.warning("refund %s is not confirmed: %s", refund.key, silence.message)


def _keep(registry: Registry, refund: Refund) -> None:
    """Keep what a leg on its way is for, so that no hold runs out before it is known whether the money arrived."""
    if refund.kept and refund.state is not RefundState.RESERVED and refund.cause is not Cause.NOT_KEPT:
        try:
            if not keeping.renewed(registry, refund):
                log.error("refund %s may be paid, and what it is for is not kept any more", refund.key)
        except Unknown as silence:
            log.warning("refund %s: what it is for is not said to be kept: %s", refund.key, silence.message)


def _is_kept(registry: Registry, refund: Refund, now: datetime) -> bool:
    """Whether the leg may be sent: what it is for is kept, and as it was judged. Otherwise that is on record; nothing is sent."""
    if not refund.kept:
        return True
    failed = refund.state is RefundState.FAILED
    try:
        if keeping.renewed(registry, refund):
            return True
        word = Word(RefundEvent.LOOKED if failed else RefundEvent.REFUSED, Cause.NOT_KEPT)
        log.error("refund %s is not sent: what it is for is not kept any more", refund.key)
    except Unknown as silence:
        log.warning("refund %s waits: what it is for is not said to be kept: %s", refund.key, silence.message)
        unsent = refund.state is RefundState.RESERVED
        word = Word(RefundEvent.LOOKED if failed else RefundEvent.DEADLINE_PASSED if unsent else RefundEvent.UNANSWERED)
    legs.record(registry, refund.key, word, now, known=refund)
    return False


def _refused(registry: Registry, refund: Refund, cause: Cause, now: datetime) -> None:
    """A final no to this call. Where it says that the number is used up, the channel is asked for its word on the number."""
    word = Word(RefundEvent.REFUSED, cause)
    if cause in RENUMBER:
        try:
            found = calls.ask(registry, refund)
        except (Unknown, ChannelBusy) as silence:
            log.warning("refund %s is not confirmed: %s", refund.key, silence.message)
        else:
            word = word_of(found, sure=True) if found else word
    legs.record(registry, refund.key, word, now, known=refund)


def _send_again(registry: Registry, refund: Refund, now: datetime) -> None:
    """The same for a leg that waited; a failed one is on record as sent before it is, and after its channel's gate let in."""
    if not _is_kept(registry, refund, now):
        return
    gate.enter(registry, refund.channel)
    if refund.state is RefundState.FAILED:
        refund = legs.record(registry, refund.key, Word(RefundEvent.DEADLINE_PASSED), now, known=refund)
    if refund.state in (RefundState.RESERVED, RefundState.SENT):
        _send(registry, refund, now)


def _found(registry: Registry, refund: Refund, receipt: RefundReceipt, now: datetime) -> None:
    word = word_of(receipt, sure=True)
    if refund.state is RefundState.FAILED and receipt.status is ReceiptStatus.FAILED:
        word = Word(RefundEvent.LOOKED, word.cause, receipt, sure=True)
    legs.record(registry, refund.key, word, now, known=refund)


def _missing(registry: Registry, refund: Refund, now: datetime) -> None:
    """The channel does not know a leg that is still to be paid: send it, if there is room for it."""
    if _has_room(registry, refund):
        _send_again(registry, refund, now)
        return
    event = RefundEvent.LOOKED if refund.state is RefundState.FAILED else RefundEvent.REFUSED
    legs.record(registry, refund.key, Word(event, Cause.PAID_OUTSIDE), now, known=refund)


def _told_late(registry: Registry, refund: Refund, now: datetime) -> bool:
    """Tell, once, of a leg that nobody could call or ask for until it was late; whether that was news."""
    event = RefundEvent.DEADLINE_PASSED if refund.state is RefundState.RESERVED else RefundEvent.UNANSWERED
    is_news = refund.state in UNDER_WAY and not refund.overdue and now - refund.reserved_at >= OVERDUE
    if is_news:
        legs.record(registry, refund.key, Word(event), now, known=refund)
    return is_news


def _silent(registry: Registry, refund: Refund, now: datetime) -> None:
    failed = refund.state is RefundState.FAILED
    legs.record(registry, refund.key, Word(RefundEvent.LOOKED if failed else RefundEvent.UNANSWERED), now, known=refund)


def _may_be_sent(refund: Refund) -> bool:
    """Whether a leg that its channel does not know goes out by itself, once there is room for it."""
    if refund.state is RefundState.FAILED:
        return refund.cause in LATER or refund.cause is Cause.PAID_OUTSIDE
    return refund.state in (RefundState.RESERVED, RefundState.SENT)


def _has_room(registry: Registry, refund: Refund) -> bool:
    legs_before = legs.file_of(registry, refund.key).refunds if refund.replaces else ()
    return not crowded_out(order_of(registry, refund).ledger, refund, legs_before)
