"""Merchants' tables: the default set says what the built-in rules say, and the engine what this system reads."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest
import zen
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales import offered
from aftersales.case import Kind
from aftersales.decision import Finding, Source, Verdict
from aftersales.lookup import ASKED, Lookup
from aftersales.money import Money
from aftersales.rules import VERSION, decide
from aftersales.ruling import reach, standard
from aftersales.ruling.cell import read
from aftersales.ruling.fact import FACTS, NAMED, FactType
from aftersales.ruling.figure import figures
from aftersales.ruling.problem import Wrong
from aftersales.ruling.ruled import ruled
from aftersales.ruling.table import Table
from aftersales.ruling.values import both, either, everything, less, steps
from aftersales.testing.builders import NOW, a_finding, an_evidence
from aftersales.testing.strategies import facts_of
from aftersales.testing.tables import jdm
from plugins.zen_rules import build
from tests.property.ruling.drawn import cell, drawn_figures, drawn_table, figure, limits_of
from tests.property.ruling.soak import bare

TRADES = tuple(offered.vertical(one.name) for one in offered.ours("verticals"))
ENGINE = build({})
seeds = st.integers(0, 2**32)
findings = st.lists(
    st.builds(
        Finding,
        st.sampled_from(["vision.spoilage", "fresh.window", "risk.history", "text.reason", "parcel.genuine", "x.y"]),
        st.sampled_from([Verdict.PASS] * 12 + list(Verdict)),
        st.just("seen"),
        st.sampled_from(Source),
        st.floats(0, 1),
        st.sampled_from([(), (("points", 70), ("refunds", -3)), (("reason", "nonsense"), ("sure", True)), (("points", True),)]),
    ),
    max_size=4,
).map(tuple)


@st.composite
def cases(draw):
    """Facts of any trade, its findings and an amount, at a merchant with any limits."""
    facts = draw(st.sampled_from([v for v in TRADES if v.offers]).flatmap(facts_of))
    small = draw(st.integers(0, 30_000))
    merchant = replace(facts.merchant, small_minor=small, two_persons_above_minor=draw(st.integers(0, 300_000)))
    facts = replace(facts, merchant=merchant, self_evident=draw(st.booleans()), kind=draw(st.sampled_from(Kind)))
    if draw(st.booleans()):  # rare by chance: everything is kept where it was issued, the flaw was seen
        status = draw(st.sampled_from(["unused"] * 4 + [ASKED]))
        held = draw(st.sampled_from([True] * 4 + [False]))
        kept = (Lookup("voucher", item.line_id, status, NOW, held=held) for item in facts.items)
        facts = replace(facts, lookups=tuple(kept))
    if draw(st.booleans()):
        seen = a_finding(check="vision.spoilage", source=Source.MODEL)
        facts = replace(facts, evidence=(*facts.evidence, an_evidence(findings=(seen,))))
    minor = draw(st.one_of(st.integers(-5, 120_000), st.sampled_from([small, small + 1, merchant.two_persons_above_minor])))
    return facts, draw(findings), Money(minor, draw(st.sampled_from([*["CNY"] * 8, "JPY", "KWD"])))


@settings(deadline=None, max_examples=300)
@given(cases())
def test_the_default_set_says_what_the_built_in_rules_say(case):
    """For whatever facts, findings and amount the decision is the built-in one: outcome, rule, reason, findings and version."""
    facts, found, amount = case
    said = ruled(ENGINE, standard.table(), standard.VERSION, facts, found, amount)
    assert said.decision == decide(facts, found, amount)
    assert said.amount == amount
    assert standard.VERSION == VERSION


@settings(deadline=None)
@given(cases())
def test_every_fact_is_there_of_its_type_and_the_same_each_time(case):
    """However odd an order is, each fact of the list has a value of its type, and None only where the list says so."""
    facts, found, amount = case
    told = figures(facts, found, amount)
    assert sorted(told) == sorted(NAMED)
    assert told == figures(facts, found, amount)
    for name, value in told.items():
        fact = NAMED[name]
        assert (value is None and fact.unknown) or everything(fact).has(steps(fact, value)), (name, value)
        if value is not None and fact.is_number and fact.type is FactType.WHOLE:
            assert type(value) is int


def understood(told, fact):
    """The condition, None for an empty cell and for one that nothing fits: an interval whose ends are the wrong way round."""
    try:
        return read(told, fact)
    except Wrong as wrong:
        if wrong.code != "cell_never":
            raise
        return None


@settings(deadline=None)
@given(seeds)
def test_a_cell_means_to_the_engine_what_it_means_here(seed):
    """Of every condition that is let through, the engine admits exactly the values that were read from it."""
    rng = Random(seed)
    fact = rng.choice(FACTS)
    told = cell(rng, fact)
    found = understood(told, fact)
    if found is None:
        return
    raw = jdm([fact.name], [{fact.name: told, "outcome": '"approve"'}, {"outcome": '"person"'}], ["outcome"])
    decision = zen.ZenEngine().create_decision(raw)
    again = read(found.written, fact)
    assert again == found
    for value in [figure(rng, fact, ()) for _ in range(6)]:
        holds = bare(decision, {fact.name: value})["outcome"] == "approve"
        assert holds == found.values.has(steps(fact, value)), (told, value)


@settings(deadline=None)
@given(seeds)
def test_a_table_fires_the_same_row_here_alone_and_through_the_engine(seed):
    """Our seam, the bare engine on the merchant's own file, and the rows as they were read: one row, the same outputs."""
    rng = Random(seed)
    text, table = drawn_table(rng)
    decision, limits = zen.ZenEngine().create_decision(text), limits_of(table)
    for _ in range(30):
        facts = drawn_figures(rng, limits)
        fired = ENGINE.run(table, facts)
        assert fired.outputs == bare(decision, facts)
        assert fired.row == table.first(facts)


@settings(deadline=None)
@given(seeds)
def test_sets_of_values_are_sets(seed):
    """What is in both, in one alone and in either of two conditions is what membership says, for numbers and for names."""
    rng = Random(seed)
    fact = rng.choice(FACTS)
    sets = []
    while len(sets) < 2:
        found = understood(cell(rng, fact), fact)
        if found:
            sets.append(found.values)
    one, two = sets
    for value in [figure(rng, fact, ()) for _ in range(12)]:
        at = steps(fact, value)
        assert both(one, two).has(at) == (one.has(at) and two.has(at))
        assert either(one, two).has(at) == (one.has(at) or two.has(at))
        assert less(one, two).has(at) == (one.has(at) and not two.has(at))
    assert less(one, everything(fact)).is_empty


@settings(deadline=None)
@given(seeds)
def test_a_row_that_is_said_never_to_fire_never_fires(seed):
    """Whatever the facts are, a row that is called dead is not the first that holds; one that stands there twice is dead."""
    rng = Random(seed)
    _, table = drawn_table(rng)
    rows = list(table.rows[:-1])
    rows += rng.sample(rows, min(len(rows), 3))
    rng.shuffle(rows)
    twice = Table(table.columns, (*rows, table.rows[-1]), "", "")
    dead = {p.row for p in reach.problems(twice) if not p.is_note}
    assert {n + 1 for n, row in enumerate(rows) if row.cells in [above.cells for above in rows[:n]]} <= dead
    limits = limits_of(twice)
    fired = {twice.first(drawn_figures(rng, limits)) + 1 for _ in range(60)}
    assert dead.isdisjoint(fired)


@pytest.mark.parametrize("number", range(6))
def test_thousands_of_facts_leave_no_difference(number):
    """A few thousand of the million that ``make soak`` runs: none differs."""
    rng = Random(number)
    text, table = drawn_table(rng)
    decision, limits = zen.ZenEngine().create_decision(text), limits_of(table)
    for _ in range(500):
        facts = drawn_figures(rng, limits)
        fired = ENGINE.run(table, facts)
        assert (fired.outputs, fired.row) == (bare(decision, facts), table.first(facts)), json.dumps(facts, default=str)
