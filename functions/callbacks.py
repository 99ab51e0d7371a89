"""Callbacks: a channel's notice, its signature first, believed only where it agrees with our own record."""

from __future__ import annotations

from collections.abc import Mapping

from aftersales.channel import RefundNotice
from aftersales.registry import Registry
from functions import outside, refunds


def receive(registry: Registry, channel: str, headers: Mapping[str, str], body: bytes) -> RefundNotice:
    """Verify the notice, record what it says, and give what the channel wants to hear.

    Told twice it changes nothing the second time. Raises BadSignature before anything is read, NotFound for a refund that is
    not ours, Conflict for another amount than was asked, Unknown when the channel does not confirm a word that contradicts our
    record: the channel then tells again, and polling finds the truth meanwhile.
    """
    now = registry.clock.now()
    notice = registry.channel(channel).notice(headers, body, now)
    if notice.receipt is not None:
        refunds.apply(registry, notice.receipt, now)
    if notice.outside is not None:
        outside.heard(registry, channel, notice.outside, now)
    return notice
