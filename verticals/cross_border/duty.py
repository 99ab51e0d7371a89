"""Import taxes on goods sold across a border into China: what is levied, and what is not levied after all when goods go back.

Retail imports (CaiGuanShui [2018] 49): up to CNY 5,000 a list no duty, VAT and consumption tax at 70 %. Above it, one indivisible
item at full rates. Beyond the buyer's yearly CNY 26,000, or above CNY 5,000 with several items: general trade. Goods for which a
return is applied for within 30 days of release, and which are back within 45, are not taxed, and the yearly amount is given back
(GACC Announcement 2020 No. 45). Sources and dates: README.md.

Amounts are whole fen, rates exact fractions; each tax is rounded half up to the fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from aftersales.errors import Invalid
from aftersales.money import Money

LIST_LIMIT_MINOR = 500_000  # CNY 5,000: CaiGuanShui [2018] 49, art. 1
REDUCED = Fraction(7, 10)  # art. 1
APPLY_DAYS, ARRIVE_DAYS = 30, 45  # GACC 2020 No. 45, art. 3; the day of release is day 0, both last days count


class Basis(StrEnum):
    """By which rule the taxes are what they are."""

    TAX_BILL = "tax_bill"  # customs' own figures win over any computing
    REDUCED = "70_percent"
    FULL = "full_rates_indivisible"
    GENERAL = "general_trade"


class Window(StrEnum):
    """How a return stands to customs' days. Taxes are not levied for the first two only."""

    NOT_RELEASED = "not_released"  # nothing was levied yet
    IN_TIME = "in_time"
    NOT_APPLIED = "not_applied"
    NOT_ARRIVED = "not_arrived"  # may still be in time
    APPLIED_LATE = "applied_late"
    ARRIVED_LATE = "arrived_late"


RELIEVED = frozenset({Window.NOT_RELEASED, Window.IN_TIME})


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of one: VAT from 0, consumption tax from 0 and below 1, duty from 0; None where nobody says the duty."""

    vat: Fraction
    consumption: Fraction = Fraction(0)
    duty: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Taxes:
    """What is levied on a line, in fen."""

    duty: int
    consumption: int
    vat: int

    @property
    def total(self) -> int:
        """All three."""
        return self.duty + self.consumption + self.vat


@dataclass(frozen=True, slots=True)
class Declared:
    """A line of a declaration: the price paid for ``qty`` pieces in fen, and its rates where no tax bill says the taxes."""

    value_minor: int
    qty: int
    rates: Rates | None = None


def half_up(amount: Fraction) -> int:
    """The whole number nearest to ``amount``; a half goes up."""
    return int((2 * amount + 1) // 2)


def dutiable(lines: Sequence[Declared], freight_minor: int) -> tuple[int, ...]:
    """What each line is taxed on: its price and its share of freight and insurance, spread by price to the fen."""
    weights = [line.value_minor for line in lines]
    if not any(weights):
        weights = [line.qty for line in lines]
    shares = Money(freight_minor, "CNY").split(weights) if lines else ()
    return tuple(line.value_minor + share.minor for line, share in zip(lines, shares, strict=True))


def basis_of(lines: Sequence[Declared], freight_minor: int, *, indivisible: bool, quota_left_minor: int | None) -> Basis:
    """The rule that this list of goods falls under. ``quota_left_minor`` is what the buyer had left this year; None: enough."""
    whole = sum(dutiable(lines, freight_minor))
    if quota_left_minor is not None and whole > quota_left_minor:
        return Basis.GENERAL
    if whole <= LIST_LIMIT_MINOR:
        return Basis.REDUCED
    return Basis.FULL if indivisible and sum(line.qty for line in lines) == 1 else Basis.GENERAL


def taxes_of(value_minor: int, rates: Rates | None, basis: Basis) -> Taxes | None:
    """The taxes on a dutiable value: the reduced ones without duty, else duty, consumption tax on top, VAT on all of it.

    None where a rate that this needs is not known.
    """
    reduced = basis is Basis.REDUCED
    if rates is None or (rates.duty is None and not reduced):
        return None
    part, value = (REDUCED if reduced else Fraction(1)), Fraction(value_minor)
    duty = Fraction(0) if reduced else value * (rates.duty or 0)
    consumption = (value + duty) / (1 - rates.consumption) * rates.consumption
    vat = (value + duty + consumption) * rates.vat
    return Taxes(half_up(duty), half_up(part * consumption), half_up(part * vat))


def up_to(whole_minor: int, pieces: int, qty: int) -> int:
    """What the first ``pieces`` of ``qty`` come to, half up. Later ones are the difference, so the last takes what is left."""
    return half_up(Fraction(whole_minor * pieces, qty))


def part_of(whole_minor: int, start: int, stop: int, qty: int) -> int:
    """What the pieces from ``start`` up to ``stop`` of ``qty`` come to. All parts of any division add up to the whole."""
    return up_to(whole_minor, stop, qty) - up_to(whole_minor, start, qty)


def last_days(released_on: date) -> tuple[date, date]:
    """The last day to apply and the last day to be back, both included."""
    return released_on + timedelta(days=APPLY_DAYS), released_on + timedelta(days=ARRIVE_DAYS)


def window_of(released_on: date | None, applied_on: date | None, arrived_on: date | None) -> Window:
    """How a return stands to customs' days. A day that is None has not come yet."""
    if released_on is None:
        return Window.NOT_RELEASED
    if applied_on is None:
        return Window.NOT_APPLIED
    apply_by, arrive_by = last_days(released_on)
    if applied_on > apply_by:
        return Window.APPLIED_LATE
    if arrived_on is None:
        return Window.NOT_ARRIVED
    return Window.IN_TIME if arrived_on <= arrive_by else Window.ARRIVED_LATE


@dataclass(frozen=True, slots=True)
class Returned:
    """A return of ``pieces`` of each line, after ``before`` of it had gone back. ``bill`` are customs' own figures per line."""

    lines: tuple[Declared, ...]
    pieces: tuple[int, ...]
    before: tuple[int, ...]
    freight_minor: int = 0
    released_on: date | None = None
    applied_on: date | None = None
    arrived_on: date | None = None
    indivisible: bool = False
    quota_left_minor: int | None = None
    bill: tuple[Taxes, ...] | None = None


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """A line's taxes in all, and what of them is refunded for the pieces that go back; ``due_minor`` if all is in time."""

    dutiable_minor: int
    taxes: Taxes
    refund_minor: int
    due_minor: int
    quota_minor: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What is levied and what comes back. ``basis`` says by which rule the goods are taxed, also beside a tax bill."""

    lines: tuple[LineAnswer, ...]
    basis: Basis
    window: Window
    by_bill: bool

    @property
    def rule(self) -> str:
        """Everything that decided, as in ``70_percent, in_time`` or ``tax_bill, general_trade, applied_late``."""
        return ", ".join((*((Basis.TAX_BILL,) if self.by_bill else ()), self.basis, self.window))

    @property
    def tax_refund_minor(self) -> int:
        """What is refunded of all taxes."""
        return sum(line.refund_minor for line in self.lines)

    @property
    def quota_returned_minor(self) -> int:
        """What the buyer's yearly amount gets back. General trade never counted towards it."""
        return sum(line.quota_minor for line in self.lines)


def answer(said: Returned) -> Answer:
    """The whole calculation. Raises Invalid, the line named, where there is no bill and a rate is missing."""
    values = dutiable(said.lines, said.freight_minor)
    basis = basis_of(said.lines, said.freight_minor, indivisible=said.indivisible, quota_left_minor=said.quota_left_minor)
    window = window_of(said.released_on, said.applied_on, said.arrived_on)
    found = []
    for n, (line, value) in enumerate(zip(said.lines, values, strict=True)):
        taxes = said.bill[n] if said.bill is not None else taxes_of(value, line.rates, basis)
        if taxes is None:
            raise Invalid(f"By the rule {basis} the taxes need a rate that is not known.", where=f"lines[{n}]")
        start, stop = said.before[n], said.before[n] + said.pieces[n]
        due = part_of(taxes.total, start, stop, line.qty)
        quota = 0 if basis is Basis.GENERAL else part_of(value, start, stop, line.qty)
        refunded = window in RELIEVED
        found.append(LineAnswer(value, taxes, due if refunded else 0, due, quota if refunded else 0))
    return Answer(tuple(found), basis, window, said.bill is not None)
