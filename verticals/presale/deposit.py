"""What was paid down on a line, how much of it binds, whether the balance came, and until when the shop has to ship.

Before the balance a line is pushed with what was paid for it, the deposit; with the balance it is pushed again at its whole price.
So what was paid for the line tells where it stands, and every order adds up at every moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aftersales.deadline import end_of_days
from aftersales.fact import Plain, instant_of
from aftersales.ledger import Ledger
from aftersales.order import Line, Order, Runs
from aftersales.vertical import Facts

DINGJIN, ADVANCE = "dingjin", "advance"

LIMIT_PERCENT = 20  # of the main contract's value: what is above has no effect as a deposit (Civil Code, art. 586)
SHIP_BY_DAYS = 7  # days to ship after the balance, where the order does not say otherwise (seed rule VT-4)
MOST_DAYS = 3 * 365  # a longer promise is a typing error, and is read as this


class Stage(StrEnum):
    """Where a line stands."""

    DEPOSIT = "deposit"  # only the deposit was paid
    BALANCE = "balance"  # the balance too
    UNCLEAR = "unclear"  # what was told and what was paid do not agree, or nobody says when


@dataclass(frozen=True, slots=True)
class Deposit:
    """Of ``minor`` paid down ``bound`` is a deposit that is kept or comes back double, the rest an advance; None: nobody can say.

    ``pieces`` is how many pieces of the line it is spread over.
    """

    minor: int
    bound: int | None
    pieces: int

    def bound_of(self, units: Runs) -> int:
        """What binds of it for these pieces, in minor units. However the pieces are split up, the parts add up."""
        whole = self.bound or 0
        return sum(whole * stop // self.pieces - whole * start // self.pieces for start, stop in units)


def deposit_of(line: Line, ledger: Ledger) -> Deposit | None:
    """The line's deposit; None where the order does not say what it is."""
    minor, kind = whole(line.data.get("deposit_minor")), line.data.get("deposit_kind")
    if minor is None or kind not in (DINGJIN, ADVANCE):
        return None
    if kind == ADVANCE:
        return Deposit(minor, 0, line.pieces)
    price = price_of(line, ledger)
    return Deposit(minor, None if price is None else min(minor, price * LIMIT_PERCENT // 100), line.pieces)


def price_of(line: Line, ledger: Ledger) -> int | None:
    """What the whole line was agreed to cost, in minor units: as the order says, else what was paid once the balance came."""
    told = whole(line.data.get("price_minor"))
    paid = paid_for(line, ledger)
    return told if told is not None else paid if paid > (whole(line.data.get("deposit_minor")) or 0) else None


def stage(line: Line, order: Order, ledger: Ledger) -> Stage:
    """Where the line stands, by what was paid for it and by what was told."""
    down, paid = whole(line.data.get("deposit_minor")), paid_for(line, ledger)
    if down is None or paid < down:
        return Stage.UNCLEAR
    if paid > down:
        return Stage.BALANCE if balance_at(line, order) else Stage.UNCLEAR
    return Stage.DEPOSIT if order.told("balance_paid", line.line_id) is None else Stage.UNCLEAR


def balance_at(line: Line, order: Order) -> datetime | None:
    """When the balance was paid: as told, else as the latest payment beside the deposit's says; None where nobody does."""
    told = order.told("balance_paid", line.line_id)
    if told is not None:
        return told.at
    others = [p.paid_at for p in order.payments if p.payment_id != line.data.get("deposit_payment") and p.paid_minor]
    return max((at for at in others if at is not None), default=None) if None not in others else None


def ship_end(line: Line, facts: Facts) -> datetime | None:
    """The first instant at which the line is late: 24:00 of the last day, from the day after the balance, where the shop is."""
    paid_at = balance_at(line, facts.order)
    return end_of_days(paid_at, ship_days(line), facts.merchant.zone) if paid_at else None


def ship_days(line: Line) -> int:
    """The days the shop has to ship after the balance."""
    days = whole(line.data.get("ship_by_days"))
    return SHIP_BY_DAYS if days is None else min(days, MOST_DAYS)


def instant(line: Line, name: str) -> datetime | None:
    """From when (``balance_from``) or until when (``balance_until``) the balance can be paid, None where the order does not say."""
    told = line.data.get(name)
    return instant_of(told) if isinstance(told, str) else None


def paid_for(line: Line, ledger: Ledger) -> int:
    """What was paid for the whole line, tax included."""
    share = ledger.line(line.line_id)
    pieces = ((0, share.pieces),)
    return share.goods_of(pieces) + share.tax_of(pieces)


def whole(value: Plain | None) -> int | None:
    """A whole number from 0; None for anything else."""
    return value if type(value) is int and value >= 0 else None
