"""Remedy: what clients send about refunds that failed, money that moved without us, and tickets."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from aftersales.channel import OutsideKind, OutsideState
from functions.body import END, At, Body, Dated, Id, Private, Text


class AccountBody(Private):
    """Where the buyer wants a refund that cannot go back: the mall balance, or a bank card of their own.

    ``bank`` is the channel's code of it. Card number and holder are handed to the channel, and kept nowhere.
    """

    to: Literal["balance", "card"]
    bank: Annotated[str, Meta(max_length=32, pattern=r"^[A-Za-z0-9_]*" + END)] = ""
    number: Annotated[str, Meta(max_length=19, pattern=r"^[0-9]*" + END)] = ""
    holder: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*" + END)] = ""

    def __post_init__(self) -> None:
        if self.to == "card" and not (self.bank and len(self.number) >= 12 and self.holder.strip()):
            raise ValueError("a card has a bank, a number of 12 to 19 digits, and a holder")
        if self.to == "balance" and (self.bank or self.number or self.holder):
            raise ValueError("the balance needs no card")

    def remembered(self) -> bytes:
        """Where to, and the last four digits."""
        return f"{self.to} {self.bank} {self.number[-4:]}".encode()


class ReleaseBody(Body):
    """Why a failed refund is given up: it was paid another way, or it is not owed."""

    how: Literal["paid_elsewhere", "not_owed"]
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


class OutsideBody(Dated):
    """Money of a payment that moved without us. ``key`` is the number it has elsewhere; ``state`` is told anew as it changes."""

    key: Id
    payment_id: Id
    amount_minor: Annotated[int, Meta(ge=1, le=10**12)]
    kind: OutsideKind
    state: OutsideState
    at: At
    reason: Text = ""


class CloseBody(Body):
    """What became of a ticket's matter."""

    resolution: Annotated[str, Meta(min_length=1, max_length=1000)]
