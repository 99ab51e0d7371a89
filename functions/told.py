"""Told: facts that trades understand about an order, from the mall or from outside systems, and what open cases make of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from aftersales.case import State
from aftersales.change import Change
from aftersales.errors import Conflict, Invalid, NotFound
from aftersales.fact import OrderFact, Tells, check
from aftersales.lookup import Heard
from aftersales.order import Order
from aftersales.ports import Telling
from aftersales.registry import Registry
from functions import evidence, lookups, watch
from functions.asked import left
from functions.context import again, commit
from functions.judgement import judge_anew

log = logging.getLogger(__name__)

#: Facts of one order: they lie in its record.
MOST = 200


def check_lines(registry: Registry, order: Order) -> None:
    """Raise Invalid, naming the place, for a line whose data its trade does not understand, or lacks."""
    for line in order.lines:
        check(registry.vertical(line.vertical).needs, line.data, f"lines.{line.line_id}.data")


def with_fact(registry: Registry, order: Order, fact: OrderFact) -> Order:
    """The order with one more fact; told again it changes nothing.

    Raises Invalid for a fact that no trade of the order understands or whose line is wrong, Conflict for too many.
    """
    tells = _understood(registry, order, fact)
    if tells is None:
        known = sorted({t.name for line in order.lines for t in registry.vertical(line.vertical).tells})
        raise Invalid("No trade of this order understands this fact.", where="fact", expected=known, found=fact.name)
    check(tells.fields, fact.data or {}, "data")
    if fact in order.facts:
        return order
    if len(order.facts) >= MOST:
        raise Conflict(f"An order takes {MOST} facts.", found=len(order.facts))
    return replace(order, facts=(*order.facts, fact))


def _understood(registry: Registry, order: Order, fact: OrderFact) -> Tells | None:
    """How the order's trades declare the fact, None where none does. Raises Invalid where a line is missing, or named in vain."""
    lines = (order.line(fact.line_id),) if fact.line_id else order.lines
    found = next((t for line in lines for t in registry.vertical(line.vertical).tells if t.name == fact.name), None)
    if found is None:
        return None
    if found.per_line and not fact.line_id:
        if len(order.lines) == 1:
            return found
        raise Invalid("This fact is about one line.", where="line_id", expected=[x.line_id for x in order.lines])
    if not found.per_line and fact.line_id:
        raise Invalid("This fact is about the whole order.", where="line_id", expected="", found=fact.line_id)
    return found


def receive(registry: Registry, source: str, headers: Mapping[str, str], body: bytes) -> Heard:
    """What an outside system tells by itself, stored, and open cases of those orders judged anew.

    Facts that no trade of the order understands are left. Raises BadSignature before anything is read, NotFound for an order that
    is not ours, Invalid for values of another kind: the source tells again, or stops.
    """
    teller = registry.source(source)
    if not hasattr(teller, "heard"):
        raise NotFound(f"The source {source} tells nothing by itself.", found=source)
    heard = cast("Telling", teller).heard(headers, body, registry.clock.now())
    for one in heard.facts:
        again(lambda one=one: _store(registry, one.merchant, one.order_id, replace(one.fact, source=source)))  # type: ignore[misc]  # bound per turn
    return heard


def _store(registry: Registry, merchant: str, order_id: str, fact: OrderFact) -> None:
    file = registry.store.order(merchant, order_id)
    if file is None:
        raise NotFound("There is no such order.", found=order_id)
    if _understood(registry, file.order, fact) is None:
        log.info("nobody of order %s understands %s", order_id, fact.name)
        return
    order = with_fact(registry, file.order, fact)
    if order is not file.order:
        commit(registry, Change(order=watch.watched(registry, replace(file, order=order), registry.clock.now()).order))


def followed(registry: Registry, before: Order | None, after: Order) -> None:
    """Judge the open cases of an order anew once it is told more than it was; may run twice, or late."""
    if not after.facts or (before is not None and before.facts == after.facts):
        return
    file = registry.store.order(after.merchant, after.order_id)
    for case_id in file.cases if file else ():
        again(lambda case_id=case_id: _judged(registry, case_id))  # type: ignore[misc]  # bound per turn


def _judged(registry: Registry, case_id: str) -> None:
    file = registry.store.case(case_id)
    if file is None or file.case.state not in (State.VERIFYING, State.REVIEWING):
        return
    if left(registry, file.case) or evidence.awaits_look(file.evidence):
        return  # it is judged once that is there
    order, now = registry.store.order(file.case.merchant, file.case.order_id), registry.clock.now()
    change = Change(file.case)
    if order is not None:
        judged = judge_anew(registry, lookups.priced(registry, change, file, order, now), file, order, now)
        if judged is not change:
            commit(registry, judged)
