"""Context: who asks, when, with which promise of being asked once; and the one way a use case stores its answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from aftersales.caller import SYSTEM, Caller
from aftersales.change import Answer, Change
from aftersales.errors import AllowanceSpent, NotFound, StaleVersion
from aftersales.query import CaseFile, OrderFile
from aftersales.registry import Registry
from aftersales.text import DEFAULT_LOCALE
from functions import lanes, notices, retention
from functions.failures import Audience

T = TypeVar("T")
KEPT = timedelta(hours=24)  # how long an answer can be asked for again
ATTEMPTS = 40  # of a use case whose records somebody else changed meanwhile
OWED = "owed"  # why a compensation is paid that goes with its case's refund (:mod:`functions.beyond`)


class DaySpent(StaleVersion):
    """A day's allowance was used up meanwhile: whoever begins anew knows that."""


@dataclass(frozen=True, slots=True)
class Once:
    """The caller's Idempotency-Key, and a hash of what was asked with it."""

    key: str
    request: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a use case may know about the call."""

    registry: Registry
    caller: Caller
    now: datetime
    locale: str = DEFAULT_LOCALE
    once: Once | None = None
    if_match: int | None = None

    @property
    def asker(self) -> str:
        """Whose idempotency keys these are."""
        return f"{self.caller.merchant}/{self.caller.name}"

    @property
    def audience(self) -> Audience:
        """For whom texts are: people of the shop read of its own matters, everybody else reads what a buyer does."""
        return Audience.SHOP if self.caller.is_staff else Audience.BUYER

    def order(self, order_id: str) -> OrderFile:
        """The order of the caller's merchant. Raises NotFound when there is none, or it is another buyer's."""
        return self.order_of(self.caller.merchant, order_id)

    def order_of(self, merchant: str, order_id: str) -> OrderFile:
        """The order, as far as it exists for the caller."""
        file = self.registry.store.order(merchant, order_id)
        if file is None or not self.caller.sees(merchant, file.order.buyer.id):
            raise NotFound("There is no such order.", todo="Check the order id; orders are pushed by the mall.")
        return file

    def case(self, case_id: str) -> CaseFile:
        """The case, as far as it exists for the caller."""
        file = self.registry.store.case(case_id)
        if file is None or not self.caller.sees(file.case.merchant, file.case.buyer_id):
            raise NotFound("There is no such case.", todo="Check the case id.")
        return file

    def unchanged(self, version: int) -> None:
        """Raise StaleVersion unless the caller's If-Match names this version."""
        if self.if_match is not None and self.if_match != version:
            raise StaleVersion(
                "Somebody else changed this meanwhile.",
                todo="Read it again, apply your edit to what it says now, and send that version in If-Match.",
                expected=self.if_match,
                version=version,
            )

    def commit(self, change: Change, view: T) -> T:
        """Store ``change`` together with the answer ``view``, and give the view back."""
        if self.once:
            body = msgspec.json.encode(view).decode()
            answer = Answer(self.asker, self.once.key, self.once.request, self.once.status, body, self.now + KEPT)
            change = replace(change, answer=answer)
        commit(self.registry, change)
        return view


def told(registry: Registry, change: Change) -> Change:
    """The change as it is stored: with its case's lane, what its buyer is told about it, and how long its files are kept."""
    change = lanes.settled(registry, retention.settled(registry, change))
    return replace(change, notices=change.notices + notices.of_change(registry, change))


def commit(registry: Registry, change: Change) -> None:
    """Store a change, :func:`told`."""
    change = told(registry, change)
    try:
        registry.store.commit(change)
    except AllowanceSpent as spent:
        if registry.spent.learn(change.spends, spent):
            raise DaySpent("One click pays no more for today.", todo="Read it again.") from spent
        if all(step.data.get("why") != OWED for step in change.steps):
            raise
        raise StaleVersion("A yearly sum was used up meanwhile.", todo="Read it again.") from spent  # the refund goes without it


def by_system(registry: Registry) -> Context:
    """The context of what nobody asked for: our own."""
    return Context(registry, SYSTEM, registry.clock.now())


def again(work: Callable[[], T], attempts: int = ATTEMPTS) -> T:
    """The result of ``work``, begun anew while somebody else changes what it read. Raises StaleVersion when that never ends."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except DaySpent:  # what the caller read still stands: the next attempt asks a person
            if attempt == ATTEMPTS:
                raise
        except StaleVersion:
            if attempt >= attempts:
                raise
            time.sleep(random.uniform(0, min(0.01 * 2 ** (attempt - 1), 0.2)))  # noqa: S311  # spreads contenders, nothing secret
    raise AssertionError("unreachable")
