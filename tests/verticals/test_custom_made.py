"""Goods made to order: the kit, and what no scenario says."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from aftersales.case import Item, Kind
from aftersales.fact import OrderFact
from aftersales.order import OrderStatus
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Facts
from verticals.custom_made import VERTICAL
from verticals.custom_made.amount import cancelled
from verticals.custom_made.making import Stage, stage_of
from verticals.custom_made.rules import making, no_return, return_window

SPEC = {"custom_spec": "engraving A&B", "cancel_after_start_permille": 300}


class TestCustomMade(VerticalContract):
    """Goods made to order keep what every trade keeps, and their scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 45


def cancelling(*lines: object, told: tuple[OrderFact, ...] = (), **changes: object) -> Facts:
    """A cancellation of the first piece of each line, not shipped."""
    order = an_order(lines=lines or (a_line(vertical="custom_made", terms=SPEC),), status=OrderStatus.PAID, facts=told)
    items = tuple(Item(line.line_id, 1) for line in order.lines)
    return facts(order, **{"kind": Kind.REFUND_ONLY, "reason": "changed_mind", "items": items, **changes})


def began(line_id: str = "l1", **ago: float) -> OrderFact:
    """That making began so long ago."""
    return OrderFact("production_started", NOW - timedelta(**ago), line_id)


def test_each_line_is_made_by_itself():
    """Of two lines one is being made: only of that one the agreed share is kept."""
    lines = (a_line(terms=SPEC, unit_price_minor=1000), a_line(line_id="l2", terms=SPEC, unit_price_minor=2000))
    found = cancelling(*lines, told=(began("l2", hours=1),))
    assert [stage_of(found, line) for line in found.lines] == [Stage.NOT_STARTED, Stage.STARTED]
    assert cancelled(found).amount.minor == 1000 + 1400


def test_shares_of_several_lines_are_told_each():
    """The buyer reads every share that was agreed."""
    lines = (a_line(terms=SPEC), a_line(line_id="l2", terms={"custom_spec": "x", "cancel_after_start_permille": 505}))
    found = making(cancelling(*lines, told=(began("l1", hours=1), began("l2", hours=1))))
    assert dict(found.data) == {"kept_percent": "30 / 50.5"}


def test_told_again_later_it_began_no_later():
    """A shop that tells the start twice cannot move it, neither way: the first word counts."""
    found = cancelling(told=(began(days=2), OrderFact("production_started", NOW + timedelta(days=1), "l1")))
    assert stage_of(found, found.lines[0]) is Stage.STARTED


@pytest.mark.parametrize("agreed", [True, "300", 30.5, -1, 1001, None])
def test_a_share_that_is_none_is_not_guessed(agreed):
    """Terms come from outside: what is no share of a thousand leaves it to a person."""
    terms = {"custom_spec": "x", **({} if agreed is None else {"cancel_after_start_permille": agreed})}
    found = cancelling(a_line(terms=terms), told=(began(hours=1),))
    assert (making(found).verdict, making(found).reason) == ("unsure", "making.nothing_agreed")
    assert cancelled(found).amount.minor == 1990


@pytest.mark.parametrize(("permille", "minor"), [(1, 1988), (250, 1492), (251, 1491), (500, 995)])
def test_what_is_kept_is_rounded_to_the_minor_unit(permille, minor):
    """Of CNY 19.90 the kept share is rounded half up, and the rest is what comes back."""
    found = cancelling(a_line(terms={"custom_spec": "x", "cancel_after_start_permille": permille}), told=(began(hours=1),))
    assert cancelled(found).amount.minor == minor


@pytest.mark.parametrize("spec", ["", "   ", True, 7])
def test_goods_from_the_list_are_not_made_to_order(spec):
    """A confirmed term counts only where something of the buyer's own was agreed."""
    line = a_line(terms={"no_return": True, "custom_spec": spec})
    assert no_return(facts(an_order(lines=(line,)), reason="no_reason")).reason == "no_return.void"


def test_what_was_agreed_is_read_in_the_refusal():
    """The buyer who cannot send it back reads what was confirmed, of every line."""
    lines = (a_line(terms={"no_return": True, **SPEC}), a_line(line_id="l2", terms={"no_return": True, "custom_spec": "red"}))
    order = an_order(lines=lines)
    found = no_return(facts(order, reason="no_reason", items=tuple(Item(x.line_id, 1) for x in lines)))
    assert (found.verdict, dict(found.data)) == ("fail", {"spec": "engraving A&B / red"})


def test_days_are_counted_where_the_merchant_is():
    """Signed on the 20th in Shanghai is the 19th in Los Angeles, and so is the end of the window."""
    here = return_window(facts(an_order()))
    there = return_window(facts(an_order(), merchant=a_merchant(zone=ZoneInfo("America/Los_Angeles"))))
    assert (dict(here.data)["last_day"], dict(there.data)["last_day"]) == ("2026-11-27", "2026-11-26")
