"""Differences between a channel's bill and our ledger: their classes, and what each one says."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from aftersales.money import EXPONENTS, Money

DifferenceClass = Literal["amount", "duplicate", "ours_only", "status", "summary", "theirs_only", "wrong_order"]

#: All classes, in the order in which they are listed.
CLASSES: tuple[DifferenceClass, ...] = ("amount", "duplicate", "ours_only", "status", "summary", "theirs_only", "wrong_order")


class Difference(NamedTuple):
    """One difference. ``kind`` is its class, ``side`` who has it where one side has (``ours``, ``theirs``).

    ``order`` and ``transaction_id`` are ours where we have the refund, else the bill's. None means: that side does not have it.
    ``text`` says it in a plain sentence. Differences sort by class, then number, then side.
    """

    kind: DifferenceClass
    key: str
    side: str = ""
    order: str = ""
    transaction_id: str = ""
    ours_minor: int | None = None
    theirs_minor: int | None = None
    currency: str = ""
    ours_status: str | None = None
    theirs_status: str | None = None
    text: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON tells it: the class is called ``class``, and a side that does not apply is null."""
        said = self._asdict()
        return {"class": said.pop("kind"), **said, "side": self.side or None}


def told(minor: int, currency: str) -> str:
    """An amount for people, also of a currency that we do not know."""
    return str(Money(minor, currency)) if currency in EXPONENTS else f"{minor} minor units of {currency or 'no currency'}"
