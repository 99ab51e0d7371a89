"""Every decision by rules can be made again from what is stored of it, whatever rules and facts it was made on."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales import offered
from aftersales.change import Change
from aftersales.decision import Decision, Outcome
from aftersales.registry import Registry
from aftersales.remedy import Remedy
from aftersales.ruling.book import Mark, Rulebook
from aftersales.ruling.replay import again, plain
from aftersales.ruling.table import RuleSet
from aftersales.testing.builders import NOW, a_case
from aftersales.testing.store import FakeStore
from functions import ruling
from plugins.dynamodb_store.record import item, value
from plugins.zen_rules import build
from tests.property.ruling.drawn import drawn_figures, drawn_table, limits_of
from tests.property.test_ruling import cases, seeds

ENGINE = build({})
OFFER = next(o for v in (offered.vertical("fresh"), offered.vertical("general")) for o in v.offers if o.remedy is Remedy.MONEY)


def a_shop(seed: int | None) -> Registry:
    """A stage with a table engine, and one version of rules at merchant ``m1`` unless ``seed`` is None."""
    registry = Registry({})
    registry.put("tables", ENGINE)
    registry.put("store", FakeStore())
    if seed is not None:
        _, table = drawn_table(Random(seed))
        rules = RuleSet.of(table, "m1", 1, "admin:li", "drawn", NOW, NOW)
        registry.store.commit(Change(rulebook=Rulebook("m1", (Mark(1, NOW.replace(year=2000)),)), rules=rules))
    return registry


@settings(deadline=None, max_examples=200)
@given(cases(), st.one_of(st.none(), seeds), st.booleans())
def test_a_stored_decision_gives_the_same_answer_again(drawn, seed, by_person):
    """From its findings, its version and what was seen alone, as the store gives them back; also under a person's decision."""
    facts, found, amount = drawn
    registry, case = a_shop(seed), a_case(amount=amount, merchant="m1")
    said = ruling.said_of(registry, case, OFFER, facts, found)
    decision = said.decision
    assert said.amount is None or said.amount < case.amount
    if by_person:
        decision = ruling.overruled(decision, Decision(Outcome.REJECT, "person", "no", (), "clerk:wang", "built-in-1"))
    stored = value(Decision, item(("d", "HEAD"), decision))
    table = registry.rules.table("m1", ruling.number_of(stored.rules_version))
    found = again(table, stored.past)
    assert found.word == said.decision.word == stored.word
    assert found.row == stored.row
    assert stored.rules_version == ("built-in-1" if seed is None else "rules-1")


@settings(deadline=None, max_examples=50)
@given(seeds)
def test_what_was_seen_decides_the_replay(seed):
    """A replay goes by the facts that are stored: with others in their place it gives the row that holds for those."""
    rng = Random(seed)
    _, table = drawn_table(rng)
    other = drawn_figures(rng, limits_of(table))
    decision = Decision(Outcome.PERSON, "x", "x", row=1, seen=tuple(plain(other[name]) for name in table.names))
    result = table.rows[table.first(other)].result
    found = again(table, decision.past)
    assert (found.word.outcome, found.result) == (result.outcome, result)
