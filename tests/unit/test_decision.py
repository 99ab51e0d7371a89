from itertools import permutations

import pytest

from aftersales.decision import Outcome, Source, Verdict, judge
from aftersales.testing.builders import a_finding

FACT_FAILS = a_finding(Verdict.FAIL, "fact.fails")
PERSON_FAILS = a_finding(Verdict.FAIL, "person.fails", source=Source.PERSON)
MODEL_FAILS = a_finding(Verdict.FAIL, "model.fails", source=Source.MODEL, confidence=0.99)
MISSING = a_finding(Verdict.MISSING, "photo.blurred", source=Source.MODEL)
UNSURE = a_finding(Verdict.UNSURE, "fact.unsure")
PASS = a_finding(Verdict.PASS, "fact.passes")


@pytest.mark.parametrize(
    ("findings", "outcome", "rule"),
    [
        pytest.param([FACT_FAILS], Outcome.REJECT, "fact.fails", id="a fact against it"),
        pytest.param([PERSON_FAILS], Outcome.REJECT, "person.fails", id="a person against it"),
        pytest.param([MODEL_FAILS], Outcome.PERSON, "model.fails", id="a model alone rejects nobody"),
        pytest.param([MISSING], Outcome.ASK_EVIDENCE, "photo.blurred", id="what can be mended is asked for"),
        pytest.param([UNSURE], Outcome.PERSON, "fact.unsure", id="doubt goes to a person"),
        pytest.param([PASS, UNSURE, MISSING, FACT_FAILS], Outcome.REJECT, "fact.fails", id="a fact outweighs the rest"),
        pytest.param([MODEL_FAILS, UNSURE, MISSING], Outcome.ASK_EVIDENCE, "photo.blurred", id="ask before a person looks"),
    ],
)
def test_the_gravest_finding_decides_and_all_are_kept(findings, outcome, rule):
    """Facts reject, gaps are asked for, doubts and models go to a person; every finding stays on the decision."""
    for order in permutations(findings):
        decision = judge(order)
        assert (decision.outcome, decision.rule) == (outcome, rule)
        assert set(decision.findings) == set(findings)


@pytest.mark.parametrize("findings", [[], [PASS], [PASS, PASS]], ids=len)
def test_findings_that_all_pass_decide_nothing(findings):
    """Nothing speaking against a claim leaves it to the merchant's thresholds."""
    assert judge(findings) is None


def test_a_buyer_reads_every_reason_at_once():
    """Two facts against a claim are both in the reason, not only the first."""
    decision = judge([FACT_FAILS, a_finding(Verdict.FAIL, "fact.also")])
    assert "fact.fails" in decision.reason
    assert "fact.also" in decision.reason
