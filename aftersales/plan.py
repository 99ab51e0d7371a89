"""Plan: what a refund is made of, and which payment gives what, before anybody is called. Preview and execution share it.

Money only: whether somebody may ask is for the trade's rules. The ledger has the last word on every part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aftersales.case import Fault, Item
from aftersales.entry import Leg, Turn
from aftersales.errors import Invalid, OverRefund
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.quote import SELLERS, lowered


@dataclass(frozen=True, slots=True)
class Plan:
    """``goods`` are after the ``fee`` that is kept back from them; the legs add up to the amount."""

    goods: Money
    freight: Money
    tax: Money
    fee: Money
    legs: tuple[Leg, ...]

    @property
    def amount(self) -> Money:
        """What goes back."""
        return self.goods + self.freight + self.tax


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of an order's money: pieces, an amount (of the pieces, or of all that is left when none are named), freight.

    Freight without pieces is the freight alone, unless the amount is more than that: then it is of all that is left.
    """

    items: tuple[Item, ...] = ()
    asked: Money | None = None
    freight: bool = False
    fault: Fault = Fault.NONE


@dataclass(frozen=True, slots=True)
class Terms:
    """What a merchant has set about refunds: the fee in thousandths of the goods, and which payment gives first."""

    fee_permille: int = 0
    turn: Turn = Turn.AS_PAID


def fee_of(goods: Money, fault: Fault, fee_permille: int) -> Money:
    """What is kept back from goods: nothing where the seller, or the carrier, answers for the reason; rounded half up (RF-8)."""
    return goods - goods if fault in SELLERS else goods.share(fee_permille, 1000)


def plan(ledger: Ledger, goods: Money, freight: Money, tax: Money, fee: Money, turn: Turn = Turn.AS_PAID) -> Plan:
    """The plan for these parts, ``goods`` after the fee. Raises OverRefund when the payments do not hold as much."""
    return Plan(goods, freight, tax, fee, ledger.legs(goods.minor, freight.minor, tax.minor, turn))


def reserved(ledger: Ledger, case_id: str, wish: Wish, terms: Terms, at: datetime) -> tuple[Plan, Ledger]:
    """The plan for ``wish`` and the ledger with its pieces held and its legs reserved under ``case_id``-1, -2, ...

    Raises PiecesTaken, OverRefund (more is asked for than the pieces are worth), NotFound for an unknown line, Invalid for a wish
    for nothing.
    """
    if not wish.items and not wish.freight and wish.asked is None:
        raise Invalid("Nothing is asked for.", todo="Name pieces, an amount, or the freight.")
    if wish.asked is not None and wish.asked.minor <= 0:
        raise Invalid("A refund is more than nothing.", found=wish.asked.minor)
    freight = Money(max(0, ledger.freight_left) if wish.freight else 0, ledger.currency)
    freight_alone = wish.freight and (wish.asked is None or wish.asked <= freight)
    items = wish.items if wish.items or freight_alone else _all_left(ledger)
    ledger, _ = ledger.hold(case_id, items, freight.minor)
    goods, tax = (Money(minor, ledger.currency) for minor in ledger.held_value(case_id))
    if wish.asked is not None and wish.asked > goods + tax + freight:
        worth = goods + tax + freight
        raise OverRefund(
            f"{wish.asked} cannot be refunded: what is asked about is worth {worth}.",
            todo="Lower the amount, or name more pieces.",
            expected=f"at most {worth.minor}",
            found=wish.asked.minor,
            refundable_minor=worth.minor,
        )
    goods, tax, freight = lowered((goods, tax, freight), wish.asked)
    if not wish.items and not goods + tax + freight:
        raise OverRefund("Nothing is left to be refunded.", refundable_minor=0)
    fee = fee_of(goods, wish.fault, terms.fee_permille)
    made = plan(ledger, goods - fee, freight, tax, fee, terms.turn)
    for number, leg in enumerate(made.legs, 1):
        ledger = ledger.reserve(f"{case_id}-{number}", case_id, leg, at)
    return made, ledger


def carried_out(ledger: Ledger, case_id: str, at: datetime) -> Ledger:
    """The ledger once a reserved wish was paid and is over: what it did not use of its pieces' worth may be asked for again."""
    for entry in [e for e in ledger.open_entries() if e.case_id == case_id]:
        ledger = ledger.settle(entry.key, at)
    return ledger.conclude(case_id)


def _all_left(ledger: Ledger) -> tuple[Item, ...]:
    free = {line.line_id: sum(stop - start for start, stop in ledger.free_units(line.line_id)) for line in ledger.lines}
    return tuple(Item(line_id, pieces) for line_id, pieces in free.items() if pieces)
