"""Money: whole minor units of one currency, with exact splits and no float anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aftersales.errors import CurrencyMismatch, Invalid

#: Digits after the point per currency, ISO 4217 (checked 2026-11). A currency that is not here is refused, never guessed.
EXPONENTS: dict[str, int] = {
    "AED": 2, "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2,
    "IDR": 2, "INR": 2, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "MOP": 2, "MXN": 2, "MYR": 2, "NOK": 2, "NZD": 2, "OMR": 3,
    "PHP": 2, "PLN": 2, "RUB": 2, "SAR": 2, "SEK": 2, "SGD": 2, "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "USD": 2, "VND": 0,
    "ZAR": 2,
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``minor`` whole minor units (fen, cents, yen) of ``currency`` (ISO 4217). May be negative inside a sum, never at an edge."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:  # bool and float are refused on purpose
            raise Invalid("An amount is a whole number of minor units.", found=repr(self.minor))
        if self.currency not in EXPONENTS:
            raise Invalid("Unknown currency.", found=self.currency)

    @classmethod
    def total(cls, parts: Iterable[Money], currency: str) -> Money:
        """The sum of ``parts``; zero of ``currency`` when there are none."""
        result = cls(0, currency)
        for part in parts:
            result += part
        return result

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(
                "Amounts of two currencies cannot be put together.", expected=self.currency, found=other.currency
            )

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.minor != 0

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Shares in proportion to ``weights`` (whole, >= 0, not all 0) that sum to exactly this amount.

        Largest remainder; equal remainders go to the earlier share, so the same input always gives the same split.
        """
        whole = sum(weights)
        if whole <= 0 or any(w < 0 for w in weights):
            raise Invalid("Weights are whole numbers from 0 with a positive sum.", found=list(weights))
        sign = -1 if self.minor < 0 else 1
        floors = [divmod(abs(self.minor) * w, whole) for w in weights]
        left = abs(self.minor) - sum(q for q, _ in floors)
        first = sorted(range(len(weights)), key=lambda i: (-floors[i][1], i))[:left]
        return tuple(Money(sign * (q + (i in first)), self.currency) for i, (q, _) in enumerate(floors))

    def share(self, part: int, whole: int) -> Money:
        """``part`` of ``whole`` of this amount, rounded half up to the minor unit by :meth:`split`."""
        if not 0 <= part <= whole or whole == 0:
            raise Invalid("A share lies between nothing and the whole.", found=[part, whole])
        return self.split((part, whole - part))[0]

    def __str__(self) -> str:
        """The amount for people: ``CNY 19.90``, ``JPY 500``."""
        digits = EXPONENTS[self.currency]
        sign, units = ("-" if self.minor < 0 else ""), f"{abs(self.minor):0{digits + 1}d}"
        number = units if digits == 0 else f"{units[:-digits]}.{units[-digits:]}"
        return f"{self.currency} {sign}{number}"
