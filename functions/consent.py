"""Consent: to which other account a refund may go once its own way is closed, and what the buyer agrees to in saying so."""

from __future__ import annotations

from typing import Literal

from aftersales.entry import Payout
from aftersales.refund import Cause, Refund, RefundState
from aftersales.registry import Registry
from functions import calls

To = Literal["balance", "card"]

#: The texts (``consent.*`` in texts.toml) that a buyer agrees to; it goes on record with the consent. Change one, change this.
VERSION = "2026-11"

BALANCE = "balance"

#: Causes after which the money can only go elsewhere; whether nothing moved the channel is asked before anything does.
ELSEWHERE = frozenset({Cause.CLOSED, Cause.BOUNCED, Cause.NOT_FOUND, Cause.OVER_LIMIT})


def choices(registry: Registry, refund: Refund) -> tuple[To, ...]:
    """The accounts that the buyer may name for this leg.

    A refund that its channel has accepted and holds can only be redirected there, to a card; one that the channel never accepted,
    closed, or took back can go to the mall balance.
    """
    if refund.state is not RefundState.FAILED or refund.payout is not Payout.REFUND or refund.channel == BALANCE:
        return ()
    if refund.cause is Cause.ACCOUNT_ABNORMAL and refund.channel_id:
        return ("card",) if calls.redirects(registry, refund.channel) else ()
    if refund.cause is Cause.ACCOUNT_ABNORMAL or refund.cause in ELSEWHERE:
        return ("balance",) if BALANCE in registry.channels else ()
    return ()
