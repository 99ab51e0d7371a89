"""The kit for trades: what every vertical keeps, whatever it sells.

::

    class TestFresh(VerticalContract):
        vertical = VERTICAL
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from itertools import count
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from aftersales.decision import Verdict
from aftersales.money import Money
from aftersales.quote import picked
from aftersales.testing.scenario import Scenario, differences, play, read
from aftersales.testing.strategies import facts_of
from aftersales.text import texts_of
from aftersales.vertical import Facts, Vertical

LANGUAGES = ("zh-CN", "en")
PLACE = re.compile(r"\{(\w*)\}")

generated = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)


class VerticalContract:
    """Inherit, name the class ``Test…`` and set ``vertical``; ``scenarios_at_least`` says how many scenarios it brings."""

    vertical: ClassVar[Vertical]
    scenarios_at_least: ClassVar[int] = 12

    @property
    def packages(self) -> tuple[str, ...]:
        """Where its words lie."""
        return (self.vertical.package, *self.vertical.also)

    def words(self, language: str) -> dict[str, str]:
        """All its words in a language."""
        return {key: told for package in reversed(self.packages) for key, told in texts_of(package)[language].items()}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test per scenario, named by its title."""
        if "scenario" in metafunc.fixturenames:
            metafunc.parametrize("scenario", read(self.vertical), ids=lambda s: s.en)

    # --- what it declares ---------------------------------------------------------------------------------------------
    def test_it_has_a_name_a_version_and_offers(self) -> None:
        """A case keeps the trade's name and version; each kind is offered once, with reasons, checks before and an amount."""
        assert self.vertical.name
        assert self.vertical.version
        kinds = [offer.kind for offer in self.vertical.offers]
        assert kinds
        assert len(set(kinds)) == len(kinds)
        for offer in self.vertical.offers:
            codes = [reason.code for reason in offer.reasons]
            assert codes, offer.kind
            assert len(set(codes)) == len(codes), offer.kind
            assert offer.when, offer.kind

    def test_buyers_read_everything_in_both_languages(self) -> None:
        """Terms, reasons, requirements and the notice on signing exist in Chinese and English."""
        keys = [f"rules.{offer.kind}" for offer in self.vertical.offers]
        keys += [f"reason.{reason.code}" for offer in self.vertical.offers for reason in offer.reasons]
        keys += [requirement.text for offer in self.vertical.offers for requirement in offer.requires]
        keys += [self.vertical.on_signing] if self.vertical.on_signing else []
        keys += list(self.vertical.failures)
        for language in LANGUAGES:
            lacking = [key for key in keys if not self.words(language).get(key)]
            assert not lacking, f"{language} lacks {', '.join(lacking)}"

    def test_both_languages_say_the_same(self) -> None:
        """Every text exists in both languages and names the same figures, so that no reader learns less."""
        chinese, english = (self.words(language) for language in LANGUAGES)
        alone = sorted(set(chinese) ^ set(english))
        assert not alone, f"in one language only: {', '.join(alone)}"
        unlike = [key for key in chinese if set(PLACE.findall(chinese[key])) != set(PLACE.findall(english[key]))]
        assert not unlike, f"other figures in the other language: {', '.join(unlike)}"

    def test_it_explains_itself(self) -> None:
        """A README beside it names the law or policy behind every number."""
        assert (files(self.vertical.package) / "README.md").is_file()

    # --- what it does, whatever it is asked ---------------------------------------------------------------------------
    @generated
    @given(data=st.data())
    def test_rules_answer_anything_in_words(self, data: st.DataObject) -> None:
        """Every rule gives a finding for any facts, the same one each time, under its own name, in words a buyer reads."""
        facts = data.draw(facts_of(self.vertical))
        offer = self.vertical.offer(facts.kind)
        assert offer is not None
        rules = (*offer.when, *offer.rules)
        findings = [rule(facts) for rule in rules]
        assert findings == [rule(facts) for rule in rules]
        assert len({f.check for f in findings}) == len(findings)
        for finding in findings:
            assert finding.check.partition(".")[0] in self.vertical.name.split(":")  # its own, or of the trade it is around
            assert list(finding.data) == sorted(finding.data)
            for language in LANGUAGES:
                assert finding.reason in self.words(language), f"{language} lacks {finding.reason}"
                told = self.vertical.text(finding.reason, language, **dict(finding.data))
                assert not PLACE.search(told), f"{finding.check} gives no figure for {told}"

    @generated
    @given(data=st.data())
    def test_an_amount_never_exceeds_what_was_paid(self, data: st.DataObject) -> None:
        """A quote is made for any facts, the same each time; its parts are at least nothing and at most what was paid for them."""
        facts = data.draw(facts_of(self.vertical))
        offer = self.vertical.offer(facts.kind)
        assert offer is not None
        quote = offer.amount(facts)
        assert quote == offer.amount(facts)
        assert min(quote.goods.minor, quote.tax.minor, quote.freight.minor) >= 0
        units = [(facts.ledger.line(item.line_id), item.units) for item in picked(facts)]
        assert quote.goods.minor <= sum(line.goods_of(u) for line, u in units)
        assert quote.tax.minor <= sum(line.tax_of(u) for line, u in units)
        assert quote.freight.minor <= facts.ledger.freight_left_for(facts.case.case_id if facts.case else "")
        for language in LANGUAGES:
            assert quote.text in self.words(language), f"{language} lacks {quote.text}"
        part, whole = quote.share
        assert 0 <= part <= whole
        assert whole > 0

    @generated
    @given(data=st.data())
    def test_what_is_asked_can_only_lower_it(self, data: st.DataObject) -> None:
        """Asking for less gives exactly that; asking for more gives what it is worth."""
        facts = data.draw(facts_of(self.vertical))
        offer = self.vertical.offer(facts.kind)
        assert offer is not None
        whole = offer.amount(replace(facts, asked=None)).amount
        asked = data.draw(st.integers(0, whole.minor + 100))
        quote = offer.amount(replace(facts, asked=Money(asked, whole.currency)))
        assert quote.amount.minor == min(asked, whole.minor)

    @generated
    @given(data=st.data())
    def test_what_it_quotes_the_ledger_can_pay(self, data: st.DataObject) -> None:
        """For pieces that are free, the quoted parts can be held and reserved, however they are spread over the payments."""
        facts = data.draw(facts_of(self.vertical))
        offer = self.vertical.offer(facts.kind)
        assert offer is not None
        assume(all(item.pieces > 0 and 0 < item.share_percent <= 100 for item in facts.items))
        assume(sum(item.pieces for item in facts.items) == sum(b - a for item in picked(facts) for a, b in item.units))
        quote = offer.amount(facts)
        ledger, _ = facts.ledger.hold("own", facts.items)
        before, numbers = ledger.spent, count(1)
        for leg in ledger.legs(quote.goods.minor, quote.freight.minor, quote.tax.minor):
            ledger = ledger.reserve(f"Rown-{next(numbers)}", "own", leg, facts.now)
        assert ledger.spent == before + quote.amount

    # --- what it answers ----------------------------------------------------------------------------------------------
    def test_a_scenario_ends_as_written(self, scenario: Scenario) -> None:
        """Every scenario a merchant reads in the docs is what the trade really does."""
        found = differences(scenario, play(self.vertical, scenario))
        assert not found, "; ".join(found)

    def test_scenarios_cover_every_check(self) -> None:
        """Each check of the trade that can speak against a claim does so in at least one scenario."""
        scenarios = read(self.vertical)
        assert len(scenarios) >= self.scenarios_at_least
        titles = [s.en for s in scenarios]
        assert len(set(titles)) == len(titles)
        spoken = {check for s in scenarios for check in s.because}
        own = self.vertical.name.partition(":")[0] + "."  # the checks of a trade that it is around speak in that one's scenarios
        silent = sorted(check for check in self.doubting() - spoken if check.startswith(own))
        assert not silent, f"no scenario shows {', '.join(silent)}"

    def doubting(self) -> set[str]:
        """The checks of this trade that gave anything but a pass over many generated facts."""
        found: set[str] = set()

        @settings(generated, max_examples=200, database=None)
        @given(facts=facts_of(self.vertical))
        def look(facts: Facts) -> None:
            offer = self.vertical.offer(facts.kind)
            rules = (*offer.when, *offer.rules) if offer else ()
            found.update(f.check for f in (rule(facts) for rule in rules) if f.verdict is not Verdict.PASS)

        look()
        return found
