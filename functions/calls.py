"""Calls: what a channel is asked about one leg, and what its silence means. Nobody else calls a channel for a refund."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

from aftersales.channel import Card, RefundOrder, RefundReceipt
from aftersales.errors import Rejected, Unknown
from aftersales.ports import Redirects
from aftersales.refund import Refund
from aftersales.registry import Registry
from functions import gate

T = TypeVar("T")

log = logging.getLogger(__name__)


def send(registry: Registry, refund: Refund) -> RefundReceipt:
    """Ask the channel to pay the leg, once its gate has let in. Raises Rejected (final: nothing moved) or Unknown."""
    return _heard(registry, refund, lambda: registry.channel(refund.channel).refund(order_of(refund)))


def ask(registry: Registry, refund: Refund) -> RefundReceipt | None:
    """What the channel knows of the leg, None when it never heard of it.

    Raises Unknown when it does not say, ChannelBusy when its gate lets nobody in: it was not asked.
    """
    gate.enter(registry, refund.channel)
    try:
        return _heard(registry, refund, lambda: registry.channel(refund.channel).find(order_of(refund)))
    except Rejected as error:  # to a question there is no final no
        raise Unknown(error.message, key=refund.key) from error


def redirects(registry: Registry, channel: str) -> Redirects | None:
    """The channel, if it can send an accepted refund to another card; None when it cannot, or is not switched on."""
    found = registry.channel(channel) if channel in registry.channels else None
    return cast("Redirects", found) if callable(getattr(found, "redirect", None)) else None


def redirect(to: Redirects, refund: Refund, card: Card) -> RefundReceipt:
    """Ask the channel to send the accepted leg to this card. Raises Rejected (the card is not taken) or Unknown.

    What a defect says is not told on: it may hold the card.
    """
    try:
        return to.redirect(order_of(refund), refund.channel_id, card)
    except (Rejected, Unknown):
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is: its text may hold the card, so only its kind is told)
        log.error("the channel %s broke over refund %s and another card: %s", refund.channel, refund.key, type(error).__name__)  # noqa: TRY400 (see above)
        raise Unknown("The channel broke.", key=refund.key) from None


def order_of(refund: Refund) -> RefundOrder:
    """What the channel is asked; the same at every call."""
    return RefundOrder(
        key=refund.key,
        merchant=refund.merchant,
        order_id=refund.order_id,
        buyer_id=refund.buyer_id,
        payment_id=refund.payment_id,
        transaction_id=refund.transaction_id,
        amount=refund.amount,
        paid=replace(refund.amount, minor=refund.payment_minor),
        asked_at=refund.reserved_at,
        reason=f"After-sales {refund.order_id}",
    )


def _heard(registry: Registry, refund: Refund, ask: Callable[[], T]) -> T:
    """What the channel says. A defect of its plugin is no answer (Unknown): whether money moved is not known then."""
    try:
        return gate.heard(registry, refund.channel, ask)
    except (Rejected, Unknown):
        raise
    except Exception as error:
        log.exception("the channel %s broke over refund %s", refund.channel, refund.key)
        raise Unknown(f"The channel broke: {error!r}", key=refund.key) from error
