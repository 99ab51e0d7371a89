"""Variety: many odd facts about a trade's orders, the same ones each time, made with the standard library alone.

The kit of :mod:`aftersales.testing.vertical` asks more, and finds the smallest example; this is what can be asked wherever the
package is installed. Half of the facts begin with what a scenario describes, so that deep places are reached.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import TypeVar
from zoneinfo import ZoneInfo

from aftersales.case import Item
from aftersales.decision import Finding, Source, Verdict
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState
from aftersales.fact import Field, FieldKind, OrderFact, Plain
from aftersales.ledger import Ledger
from aftersales.lookup import Ask, Lookup, pairs
from aftersales.money import Money
from aftersales.order import Order, OrderStatus
from aftersales.testing.builders import NOW, a_case, a_line, a_merchant, an_evidence, an_order
from aftersales.vertical import Facts, Offer, Vertical

T = TypeVar("T")

#: How many facts per kind of case.
PER_KIND = 250
ZONES = ("Asia/Shanghai", "Europe/Berlin", "Pacific/Kiritimati")
TERMS: tuple[dict[str, Plain], ...] = ({}, {"no_return": True}, {"window_days": 15}, {"window_days": "15", "no_return": "yes"})
LENGTHS = (-1, 0, 1, 3_600, 86_400, 86_401, 7 * 86_400, 8 * 86_400, 20 * 86_400, 400 * 86_400)
VALUES: dict[FieldKind, Sequence[Plain]] = {
    FieldKind.TEXT: ("", "x1", "certificate"),
    FieldKind.WHOLE: (0, 1, 7, 30, 400),
    FieldKind.MINOR: (0, 1, 2_000, 200_000),
    FieldKind.PERMILLE: (0, 1, 200, 1_000),
    FieldKind.YES_NO: (True, False),
    FieldKind.INSTANT: tuple((NOW + timedelta(days=d)).isoformat() for d in (-60, -8, -7, -1, 0, 1, 30)),
    FieldKind.DAY: tuple((NOW + timedelta(days=d)).date().isoformat() for d in (-60, -8, -7, -1, 0, 1, 30)),
}


class Variety:
    """Draws facts about ``vertical``; ``begun`` are those that its scenarios describe."""

    def __init__(self, vertical: Vertical, begun: Sequence[Facts] = ()) -> None:
        self._vertical, self._begun = vertical, begun
        self._random = random.Random(vertical.name)  # noqa: S311  # the same odd facts each time, nothing secret

    def facts(self) -> Iterator[Facts]:
        """Every reason in every state once, then facts at random."""
        for offer in self._vertical.offers:
            reasons = ("", "nonsense", *(reason.code for reason in offer.reasons))
            for reason, status in product(reasons, OrderStatus):
                order = an_order(lines=(a_line(vertical=self._vertical.name),), status=status)
                yield Facts(order, Ledger.open(order), a_merchant(), offer.kind, (Item("l1", 1),), NOW, reason)
            for _ in range(PER_KIND):
                yield self._changed(self._any(offer), offer)

    def _any(self, offer: Offer) -> Facts:
        begun = [facts for facts in self._begun if facts.kind == offer.kind]
        if begun and self._random.random() < 0.5:
            return self._pick(begun)
        order = self._order()
        return Facts(order, Ledger.open(order), a_merchant(), offer.kind, (Item("l1", 1),), NOW)

    def _changed(self, facts: Facts, offer: Offer) -> Facts:
        """The facts with some of them made odd."""
        changes: dict[str, object] = {}
        odd: dict[str, Callable[[], object]] = {
            "reason": lambda: self._pick(("", "nonsense", *(reason.code for reason in offer.reasons))),
            "items": lambda: tuple(
                Item("l1", self._pick((-1, 0, 1, 2, 99)), self._pick((-10, 0, 20, 100, 150))) for _ in range(self._pick((0, 1, 2)))
            ),
            "freight": lambda: self._pick((True, False)),
            "asked": lambda: self._pick(
                (None, Money(-5, "CNY"), Money(0, "CNY"), Money(1_000, "CNY"), Money(10**7, "CNY"), Money(5, "JPY"))
            ),
            "evidence": lambda: tuple(self._photo() for _ in range(self._pick((0, 1, 2)))),
            "lookups": lambda: tuple(self._lookup(ask) for ask in offer.asks if self._pick((True, True, False))),
            "merchant": lambda: a_merchant(window_days=self._pick((-1, 0, 7, 15, 10**9)), zone=ZoneInfo(self._pick(ZONES))),
            "case": lambda: self._pick((None, a_case(submitted_at=None), a_case(submitted_at=NOW - self._length()))),
            "order": lambda: self._order(facts.order),
        }
        for name, made in odd.items():
            if self._random.random() < 0.35:
                changes[name] = made()
        found = replace(facts, **changes)  # type: ignore[arg-type]  # names and kinds are those of Facts
        if "order" in changes:
            found = replace(found, ledger=Ledger.open(found.order))
        known = {line.line_id for line in found.order.lines}
        return replace(found, items=tuple(i for i in found.items if i.line_id in known))

    def _order(self, order: Order | None = None) -> Order:
        vertical = self._vertical
        line = a_line(
            vertical=vertical.name,
            pieces=self._pick((1, 2, 5)),
            unit_price_minor=self._pick((0, 1, 1_990, 60_000)),
            tax_minor=self._pick((0, 0, 300)),
            terms=self._pick(TERMS),
            data=self._data(vertical.needs),
        )
        told = () if not vertical.tells else tuple(self._told() for _ in range(self._pick((0, 1, 1, 2))))
        made = replace(
            an_order(lines=(line,)), facts=told, shipped_at=self._instant(), signed_at=self._instant(), paid_at=self._instant()
        )
        if order is not None and self._pick((True, False)):  # a scenario's own order with other instants
            made = replace(order, shipped_at=made.shipped_at, signed_at=made.signed_at)
        return replace(made, status=self._pick(tuple(OrderStatus)))

    def _told(self) -> OrderFact:
        tells = self._pick(self._vertical.tells)
        return OrderFact(
            tells.name, NOW - self._length(), "l1" if tells.per_line else "", self._pick(("", "source")), self._data(tells.fields)
        )

    def _lookup(self, ask: Ask) -> Lookup:
        status = self._pick((*ask.statuses, "never heard of"))
        return Lookup(ask.source, "l1", status, NOW - self._length(), self._pick((True, False)), pairs(self._data(ask.fields)))

    def _photo(self) -> Evidence:
        seen = Finding("vision.spoilage", self._pick(tuple(Verdict)), "seen", Source.MODEL, self._pick((0.0, 0.5, 0.95)))
        kind, state = self._pick(tuple(EvidenceKind)), self._pick(tuple(EvidenceState))
        return an_evidence(kind=kind, state=state, findings=self._pick(((), (seen,))))

    def _data(self, fields: Sequence[Field]) -> dict[str, Plain]:
        told = [field for field in fields if field.required or self._pick((True, False))]
        return {field.name: self._pick(field.one_of or VALUES[field.kind]) for field in told}

    def _instant(self) -> datetime | None:
        return self._pick((None, NOW - self._length()))

    def _length(self) -> timedelta:
        return timedelta(seconds=self._pick(LENGTHS))

    def _pick(self, of: Sequence[T]) -> T:
        return self._random.choice(of)
