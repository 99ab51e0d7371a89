"""The kit for trades finds what it promises to find: each broken trade here breaks exactly one promise."""

from dataclasses import replace
from itertools import count

import pytest

from aftersales.decision import Finding, Verdict
from aftersales.errors import Invalid, OverRefund
from aftersales.money import Money
from aftersales.testing import scenario as scenarios
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Quote, Vertical
from verticals.fresh import VERTICAL
from verticals.fresh.amount import amount

CLAIM = VERTICAL.offers[1]
ticks = count()


def with_claim(**changes: object) -> Vertical:
    """Fresh produce with another way to handle claims, and nothing else."""
    return replace(VERTICAL, offers=(replace(CLAIM, **changes),))


def with_rule(rule: object) -> Vertical:
    """Fresh produce with one more rule for claims."""
    return with_claim(rules=(*CLAIM.rules, rule))


def finding(
    check: str = "fresh.more", reason: str = "claim.not_signed", verdict: Verdict = Verdict.PASS, **data: object
) -> Finding:
    """What an added rule says."""
    return Finding(check, verdict, reason, data=tuple(data.items()))


def more(quote: Quote, minor: int) -> Quote:
    """The quote with this much more for goods."""
    return replace(quote, goods=quote.goods + Money(minor, quote.goods.currency))


RULES, MONEY, LOWER, PAY = (
    "test_rules_answer_anything_in_words",
    "test_an_amount_never_exceeds_what_was_paid",
    "test_what_is_asked_can_only_lower_it",
    "test_what_it_quotes_the_ledger_can_pay",
)
DECLARES, READS, COVERS = (
    "test_it_has_a_name_a_version_and_offers",
    "test_buyers_read_everything_in_both_languages",
    "test_scenarios_cover_every_check",
)


@pytest.mark.parametrize(
    ("test", "broken"),
    [
        pytest.param(RULES, with_rule(lambda facts: 1 / 0), id="a rule raises"),
        pytest.param(RULES, with_rule(lambda facts: finding(reason=f"claim.{next(ticks)}")), id="a rule changes its mind"),
        pytest.param(RULES, with_rule(lambda facts: finding(reason="no.such.text")), id="a reason has no text"),
        pytest.param(RULES, with_rule(lambda facts: finding(reason="claim.in_time")), id="a text lacks its figures"),
        pytest.param(RULES, with_rule(lambda facts: finding(check="general.more")), id="a check under another's name"),
        pytest.param(RULES, with_rule(CLAIM.rules[0]), id="two rules are one check"),
        pytest.param(RULES, with_rule(lambda facts: finding(reason="claim.in_time", until="x", a=1)), id="figures out of order"),
        pytest.param(MONEY, with_claim(amount=lambda facts: 1 / 0), id="an amount raises"),
        pytest.param(MONEY, with_claim(amount=lambda facts: more(amount(facts), 1)), id="a cent too much"),
        pytest.param(MONEY, with_claim(amount=lambda facts: more(amount(facts), -1)), id="less than nothing"),
        pytest.param(
            MONEY, with_claim(amount=lambda facts: replace(amount(facts), text="no.such.text")), id="an amount without a text"
        ),
        pytest.param(MONEY, with_claim(amount=lambda facts: replace(amount(facts), share=(2, 1))), id="more than the whole"),
        pytest.param(LOWER, with_claim(amount=lambda facts: amount(replace(facts, asked=None))), id="what is asked is ignored"),
        pytest.param(PAY, with_claim(amount=lambda facts: more(amount(facts), 1)), id="a cent the ledger does not have"),
        pytest.param(DECLARES, replace(VERTICAL, version=""), id="no version"),
        pytest.param(DECLARES, replace(VERTICAL, offers=()), id="no offers"),
        pytest.param(DECLARES, replace(VERTICAL, offers=(CLAIM, CLAIM)), id="one kind twice"),
        pytest.param(DECLARES, with_claim(reasons=()), id="no reasons"),
        pytest.param(DECLARES, with_claim(reasons=CLAIM.reasons[:1] * 2), id="one reason twice"),
        pytest.param(DECLARES, with_claim(when=()), id="offered whatever the order's state"),
        pytest.param(READS, with_claim(reasons=(replace(CLAIM.reasons[0], code="stolen"),)), id="a reason nobody can read"),
        pytest.param(READS, replace(VERTICAL, on_signing="notice.lost"), id="a notice nobody can read"),
        pytest.param(COVERS, with_rule(lambda facts: finding(verdict=Verdict.UNSURE)), id="a doubt no scenario shows"),
    ],
)
def test_a_broken_trade_fails_its_promise(test, broken):
    """The very test that promises it fails; test_fresh.py shows that it passes for the sound trade."""

    class Kit(VerticalContract):
        """The kit on the broken trade."""

        vertical = broken
        scenarios_at_least = 1

    with pytest.raises((AssertionError, ZeroDivisionError, OverRefund)):
        getattr(Kit(), test)()


def test_a_scenario_that_ends_otherwise_is_told_in_words():
    """Outcome, checks, amount, share and rule are each compared, and the differences named."""
    one = scenarios.read(VERTICAL)[0]
    odd = replace(one, outcome="reject", because=("fresh.paid",), amount="19.91", share="1/4", rule="merchant.person")
    told = scenarios.differences(odd, scenarios.play(VERTICAL, odd))
    assert [line.partition(":")[0] for line in told] == ["outcome", "because", "amount", "share", "rule"]
    assert "expected CNY 19.91, found CNY 19.90" in told[2]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"kind": "claim", "en": "x", "zh": "x", "outcome": "approve", "piece": 1}, id="a misspelt word"),
        pytest.param({"kind": "gift", "en": "x", "zh": "x", "outcome": "approve"}, id="an unknown kind"),
        pytest.param({"kind": "claim", "en": "x", "zh": "x", "outcome": "approve", "state": "lost"}, id="an unknown state"),
        pytest.param({"kind": "claim", "en": "x"}, id="no outcome"),
    ],
)
def test_words_a_scenario_does_not_know_are_refused(words):
    """A typing error never turns into a scenario that tests something else."""
    with pytest.raises(Invalid, match="'x'"):
        scenarios.understood(words)


def test_a_scenario_of_a_kind_the_trade_has_not_is_refused():
    """A scenario about repair in a trade without repair is a mistake of its author."""
    with pytest.raises(Invalid, match="repair"):
        scenarios.play(VERTICAL, replace(scenarios.read(VERTICAL)[0], kind="repair"))


@pytest.mark.parametrize(("amount_text", "minor"), [("19.90", 1990), ("19.9", 1990), ("20", 2000)])
def test_amounts_are_written_as_people_write_them(amount_text, minor):
    """Digits of the currency and no more; a tenth of a cent is refused."""
    assert scenarios._money(amount_text, "CNY") == Money(minor, "CNY")
    with pytest.raises(Invalid):
        scenarios._money("19.901", "CNY")
