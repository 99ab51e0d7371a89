"""Entry: what a ledger is made of. Lines that are only ever added, pieces that are spoken for, and payments in their turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from aftersales.money import Money
from aftersales.order import Runs


class Step(StrEnum):
    """What an entry says about its key."""

    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"
    BOUNCED = "bounced"  # settled, and the money came back to the merchant: still spoken for, until it is released or sent anew


class Payout(StrEnum):
    """Refunds give back what was paid; compensation goes beyond, under its own cap; the others happened without us."""

    REFUND = "refund"
    COMPENSATION = "compensation"
    OUTSIDE = "outside"  # refunded in the channel's console, or by another system
    CHARGEBACK = "chargeback"  # taken back by the buyer's bank


#: What lessens the money that may still be refunded.
BACK = (Payout.REFUND, Payout.OUTSIDE, Payout.CHARGEBACK)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. One key, one amount: every later step repeats the reserved amounts."""

    key: str
    step: Step
    payout: Payout
    case_id: str
    payment_id: str
    goods_minor: int
    freight_minor: int
    tax_minor: int
    at: datetime

    @property
    def minor(self) -> int:
        """The whole of the entry."""
        return self.goods_minor + self.freight_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment, as far as the ledger needs it."""

    payment_id: str
    channel: str
    transaction_id: str
    minor: int


class Turn(StrEnum):
    """Which of several payments gives first."""

    AS_PAID = "as_paid"
    WALLETS_FIRST = "wallets_first"
    WALLETS_LAST = "wallets_last"


#: Channels that are a promise of the mall rather than money: its own balance, and its gift cards.
WALLETS = frozenset({"balance", "gift_card"})

FREIGHT = ""  # the line id under which freight is held; no real line has it


@dataclass(frozen=True, slots=True)
class Taken:
    """What was given back for each of the pieces ``start`` to ``stop`` (half-open) by a case that is over, in minor units."""

    start: int
    stop: int
    goods_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Added:
    """A payment that came later, for dearer pieces in the place of those of the order; ``shares`` are what it adds to each."""

    case_id: str
    line_id: str
    payment: Paid
    shares: tuple[Taken, ...]

    def over(self, units: Runs) -> int:
        """Minor units that it adds to these pieces."""
        return sum(s.goods_minor * max(0, min(stop, s.stop) - max(start, s.start)) for s in self.shares for start, stop in units)


@dataclass(frozen=True, slots=True)
class Hold:
    """Pieces that one case speaks for; for :data:`FREIGHT` the units are its minor units.

    A hold with ``taken`` is over: its pieces may be spoken for again, for what is left of their worth. One that is ``gone`` is over
    for good, also where nothing was paid: its pieces are with the shop, or were never sent.
    """

    case_id: str
    line_id: str
    units: Runs
    taken: tuple[Taken, ...] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of a refund that goes to one payment."""

    payment: Paid
    goods_minor: int
    freight_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Cost:
    """A memo: what the shop paid a carrier for bringing a case's goods back, under the pickup's key. No money of the order moves.

    ``kept_minor`` is what was kept back from the refund for it, in the order's currency; the rest is the shop's.
    """

    key: str
    case_id: str
    minor: int
    currency: str
    kept_minor: int
    at: datetime


def in_turn(payments: tuple[Paid, ...], turn: Turn) -> tuple[Paid, ...]:
    """The payments in the order in which they give; equals stay as they were paid."""
    if turn is Turn.AS_PAID:
        return payments
    return tuple(sorted(payments, key=lambda p: (p.channel in WALLETS) is (turn is Turn.WALLETS_LAST)))


def spread(minor: int, weights: list[int], currency: str) -> list[int]:
    """``minor`` in proportion to ``weights``, to the minor unit; zeros for nothing."""
    return [part.minor for part in Money(minor, currency).split(weights)] if minor else [0] * len(weights)


def joined(taken: list[Taken]) -> tuple[Taken, ...]:
    """Neighbours of which the same was given back, as one."""
    found: list[Taken] = []
    for part in taken:
        last = found[-1] if found else None
        if last and (last.stop, last.goods_minor, last.tax_minor) == (part.start, part.goods_minor, part.tax_minor):
            found[-1] = replace(last, stop=part.stop)
        else:
            found.append(part)
    return tuple(found)
