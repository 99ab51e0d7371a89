"""Failure: the nine known reasons why a refund does not come about or does not arrive (RF-5)."""

from __future__ import annotations

from enum import StrEnum


class Failure(StrEnum):
    """One of the nine. A trade says which of its checks tell of one; what people read of it is the use cases' matter."""

    ORDER_STATE = "order_state"  # this kind of case is not for an order in this state
    CAP = "cap"  # more pieces or more money than can still go back
    CHANNEL_LIMITS = "channel_limits"  # the channel's window, number, gap or amount
    MERCHANT_ACCOUNT = "merchant_account"  # the merchant's account is short
    OPENED_GOODS = "opened_goods"  # unsealed, where the buyer confirmed that this ends the return
    PAST_WINDOW = "past_window"  # applied for too late
    RISK_CONTROL = "risk_control"  # the payment is frozen or disputed at the channel
    SYNC_DELAY = "sync_delay"  # the payment has not reached the channel's books
    MISSING_LOGISTICS = "missing_logistics"  # nothing is known of the parcel that brings the goods back
