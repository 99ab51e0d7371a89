"""Callbacks: a channel's notice, its signature first, believed only where it agrees with our own record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from aftersales.channel import Outside, OutsideKind, OutsideState, RefundNotice
from aftersales.errors import AftersalesError, ChannelBusy
from aftersales.money import Money
from aftersales.refund import case_of
from aftersales.registry import Registry
from functions import deadletters, legs, outside, refunds
from functions.deadletters import What, Work

log = logging.getLogger(__name__)


def receive(registry: Registry, channel: str, headers: Mapping[str, str], body: bytes) -> RefundNotice:
    """Verify the notice, record what it says, and give what the channel wants to hear.

    Told twice it changes nothing the second time. Raises BadSignature before anything is read, NotFound for a refund that is
    not ours, Conflict for another amount than was asked, Unknown when the channel does not confirm a word that contradicts our
    record: the channel then tells again, and polling finds the truth meanwhile.
    """
    now = registry.clock.now()
    notice = registry.channel(channel).notice(headers, body, now)
    try:
        if notice.receipt is not None:
            refunds.apply(registry, notice.receipt, now)
        if notice.outside is not None:
            outside.heard(registry, channel, notice.outside, now)
    except AftersalesError:
        raise  # an answer: the channel tells again
    except Exception as error:
        if not deadletters.failed(registry, _work(channel, notice), error, now):
            raise
        log.exception("a notice of %s is put aside", channel)
    return notice


def made_up_for(registry: Registry, needs: Mapping[str, str | int]) -> None:
    """Do what a notice that was put aside asked for. About a refund of ours, the channel itself is asked what is true now."""
    now, channel = registry.clock.now(), str(needs["channel"])
    if "outside" in needs:
        outside.heard(registry, channel, _outside(needs), now)
        return
    leg = legs.leg_of(legs.file_of(registry, str(needs["key"])), str(needs["key"]))
    if refunds.poll(registry, leg, now) is not None:
        raise ChannelBusy("The channel takes no calls just now.", todo="Run it again later.")


def _work(channel: str, notice: RefundNotice) -> Work:
    """The notice as work that can be run again: numbers, amounts and words of ours, nothing that a payer wrote."""
    if notice.receipt is not None:
        key = notice.receipt.key
        return Work(What.CALLBACK, {"channel": channel, "key": key}, case_id=case_of(key) or "", key=key, channel=channel)
    told = notice.outside
    if told is None:
        return Work(What.CALLBACK, {"channel": channel, "key": notice.notice_id}, channel=channel)
    needs: dict[str, str | int] = {
        "channel": channel,
        "outside": told.key,
        "transaction_id": told.transaction_id,
        "minor": told.amount.minor,
        "currency": told.amount.currency,
        "kind": told.kind,
        "state": told.state,
        "at": told.at.isoformat() if told.at else "",
    }
    return Work(What.CALLBACK, needs, key=told.key, channel=channel)


def _outside(needs: Mapping[str, str | int]) -> Outside:
    return Outside(
        str(needs["outside"]),
        str(needs["transaction_id"]),
        Money(int(needs["minor"]), str(needs["currency"])),
        OutsideKind(str(needs["kind"])),
        OutsideState(str(needs["state"])),
        datetime.fromisoformat(str(needs["at"])) if needs["at"] else None,
    )
