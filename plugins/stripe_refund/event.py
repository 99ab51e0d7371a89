"""Stripe's webhooks, once verified, as notices. Source: Stripe documentation, event types, refunds and disputes (2026-11).

An event is a snapshot, and events come doubled, late and in any order: a "succeeded" may arrive after the "failed" that followed.
So whatever an event says that can still change is read again from Stripe, and the notice tells how it stands now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from aftersales.channel import Outside, OutsideKind, OutsideState, RefundNotice
from aftersales.errors import BadSignature, Unknown
from plugins.stripe_refund.receipt import FINAL, Doubtful, Foreign, id_of, key_of, money_of, receipt_of
from plugins.stripe_refund.setting import Setting

#: Events whose object is a refund (the last is what accounts of before 2024-10 know), and those whose object is a dispute.
REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
DISPUTES = "charge.dispute."

#: Disputes under way count as gone until they are won. ``warning_*`` is an inquiry: nothing was taken, and a refund settles it.
DISPUTED = {
    "needs_response": OutsideState.OPEN,
    "under_review": OutsideState.OPEN,
    "appeal_needs_response": OutsideState.OPEN,
    "appeal_under_review": OutsideState.OPEN,
    "won": OutsideState.BACK,
    "lost": OutsideState.GONE,
}
ENDED = frozenset({"won", "lost", "prevented", "warning_closed"})


class Reader(Protocol):
    """Where things are read as they stand now."""

    def refund(self, number: str) -> Mapping[str, Any]:
        """The refund."""

    def dispute(self, number: str) -> Mapping[str, Any]:
        """The dispute."""


def notice_of(body: bytes, setting: Setting, reader: Reader) -> RefundNotice:
    """What a verified body tells us.

    Raises BadSignature for one that is no event, Unknown for words that cannot be used, and what ``reader`` raises.
    """
    event = _object(body)
    number, kind, told = event.get("id"), event.get("type"), event.get("data")
    about = told.get("object") if isinstance(told, Mapping) else None
    if event.get("object") != "event" or not isinstance(number, str) or not isinstance(kind, str) or not isinstance(about, Mapping):
        raise BadSignature("The message is no event of Stripe's.")
    nothing = RefundNotice(None, number)
    if event.get("livemode", setting.live) is not setting.live or event.get("account"):
        return nothing  # of the other mode, or of an account connected to ours: not our money
    try:
        if kind == "charge.refunded":
            about = _newest(about)  # since 2022-11 it names no refund, and refund.created tells of it
        if about is not None and (kind in REFUNDS or kind == "charge.refunded"):
            return _refund(number, event, about, setting, reader)
        if about is not None and kind.startswith(DISPUTES):
            return _dispute(number, event, about, setting, reader)
    except Foreign:
        return nothing  # other business of the same account
    except Doubtful as error:
        raise Unknown(f"Stripe's words on an event cannot be used: {error}.", event=number[:80]) from error
    return nothing


def _refund(number: str, event: Mapping[str, Any], about: Mapping[str, Any], setting: Setting, reader: Reader) -> RefundNotice:
    said = _now(about, FINAL, reader.refund)
    receipt = receipt_of(said, _instant(event) if said.get("status") == about.get("status") else None)
    if key_of(said):
        return RefundNotice(receipt, number)
    state = OutsideState.BACK if said.get("status") in FINAL else OutsideState.GONE
    return RefundNotice(None, number, _outside(said, OutsideKind.REFUND, state, event, setting))


def _dispute(number: str, event: Mapping[str, Any], about: Mapping[str, Any], setting: Setting, reader: Reader) -> RefundNotice:
    said = _now(about, ENDED, reader.dispute)
    state = _state(said)
    return RefundNotice(None, number, _outside(said, OutsideKind.CHARGEBACK, state, event, setting) if state else None)


def _state(said: Mapping[str, Any]) -> OutsideState | None:
    """How far a dispute is; None where nothing was taken. What Stripe booked goes before what the status is called."""
    booked = said.get("balance_transactions")
    sums = [one.get("amount") for one in booked if isinstance(one, Mapping)] if isinstance(booked, list) else []
    moved = sum(amount for amount in sums if type(amount) is int)
    if sums and moved >= 0:
        return OutsideState.BACK
    return DISPUTED.get(str(said.get("status")), OutsideState.GONE if moved < 0 else None)


def _outside(
    said: Mapping[str, Any], kind: OutsideKind, state: OutsideState, event: Mapping[str, Any], setting: Setting
) -> Outside:
    other = "charge" if setting.payment_names == "payment_intent" else "payment_intent"
    payment = id_of(said.get(setting.payment_names)) or id_of(said.get(other))
    if not payment:
        raise Doubtful("it names no payment")
    return Outside(id_of(said), payment, money_of(said), kind, state, _instant(event), str(said.get("reason") or "")[:80])


def _now(about: Mapping[str, Any], ended: frozenset[str], read: Callable[[str], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the snapshot is about, as it stands now; one that has ended stays as it is."""
    if not id_of(about):
        raise Doubtful("it has no id")
    if about.get("status") in ended:
        return about
    said = read(id_of(about))
    if id_of(said) != id_of(about):
        raise Doubtful("Stripe shows something else under its id")
    return said


def _newest(charge: Mapping[str, Any]) -> Mapping[str, Any] | None:
    refunds = charge.get("refunds")
    found = refunds.get("data") if isinstance(refunds, Mapping) else None
    return found[0] if isinstance(found, list) and found and isinstance(found[0], Mapping) else None


def _instant(event: Mapping[str, Any]) -> datetime | None:
    created = event.get("created")
    return datetime.fromtimestamp(created, UTC) if type(created) is int and 0 < created < 1 << 35 else None


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadSignature("The message is no JSON.") from error
    if not isinstance(said, dict):
        raise BadSignature("The message is no JSON object.")
    return said
