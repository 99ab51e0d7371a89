"""Allowance: what this process knows to be spent of a day's allowance, so that nobody tries in vain what was refused a moment ago.

A day gives nothing back: what was spent of it once is spent for good, and this knowledge, however old, never says too much.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from aftersales.errors import AllowanceSpent
from aftersales.ticket import Allowance, Spend

#: So many days of merchants one process remembers.
MOST = 10_000


class KnownSpends:
    """What is spent at least. Safe for threads. The store alone knows what is spent exactly."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spent: OrderedDict[Allowance, int] = OrderedDict()

    def learn(self, spends: Iterable[Spend], refused: AllowanceSpent) -> bool:
        """Remember what was left of the day of whichever of these spends was refused; False where it was of no day."""
        told = [spend for spend in spends if spend.day and spend.day == refused.details.get("day")]
        with self._lock:
            for spend in told:
                least = spend.cap_minor - int(refused.details["left_minor"])
                self._spent[spend.allowance] = max(self._spent.get(spend.allowance, 0), least)
                self._spent.move_to_end(spend.allowance)
            while len(self._spent) > MOST:
                self._spent.popitem(last=False)
        return bool(told)

    def left(self, spend: Spend) -> int:
        """What may be left of its allowance, in minor units; never less than nothing."""
        with self._lock:
            return max(0, spend.cap_minor - self._spent.get(spend.allowance, 0))
