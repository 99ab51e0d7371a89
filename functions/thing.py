"""Thing: what clients send about a thing that is given in place of money."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from functions.body import END, At, Body, Dated, Id, Text, Word


class RemedyBody(Body):
    """How far it is: somebody is at it, it was sent (with carrier and waybill), it is done, or it cannot be (with the reason)."""

    action: Literal["started", "sent", "done", "failed"]
    carrier: Annotated[str, Meta(max_length=32, pattern=r"^[A-Za-z0-9_-]*" + END)] = ""
    number: Annotated[str, Meta(max_length=40, pattern=r"^[A-Za-z0-9-]*" + END)] = ""
    reason: Text = ""

    def __post_init__(self) -> None:
        if self.action == "failed" and not self.reason.strip():
            raise ValueError("what cannot be done comes with a reason")
        if bool(self.carrier) != bool(self.number):
            raise ValueError("a carrier and a number belong together")


class ReceivedBody(Body):
    """Whether the buyer has it, and what is wrong if not."""

    received: bool
    note: Text = ""


class ExtraBody(Dated):
    """The buyer's payment of the difference: all of it, in one payment."""

    payment_id: Id
    channel: Word
    transaction_id: Annotated[str, Meta(min_length=1, max_length=64)]
    paid_minor: Annotated[int, Meta(ge=1, le=10**12)]
    paid_at: At | None = None
