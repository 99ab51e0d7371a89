import pytest

from aftersales.case import Kind
from aftersales.decision import Outcome, Source, Verdict
from aftersales.money import Money
from aftersales.order import OrderStatus
from aftersales.rules import THRESHOLDS, VERSION, decide
from aftersales.testing.builders import a_finding, a_merchant, an_evidence, an_order, facts

SEEN = a_finding(check="vision.spoilage", source=Source.MODEL)
VERIFIED = (an_evidence(findings=(SEEN,)),)
UNSHIPPED = an_order(status=OrderStatus.PAID)


def outcome(minor: int, **changes: object) -> tuple[Outcome, str]:
    """What the thresholds alone decide on this amount."""
    decision = decide(facts(changes.pop("order", None), **changes), (a_finding(),), Money(minor, "CNY"))
    return decision.outcome, decision.rule


@pytest.mark.parametrize(
    ("minor", "expected"),
    [
        (0, (Outcome.APPROVE, "merchant.small_amount")),
        (4_999, (Outcome.APPROVE, "merchant.small_amount")),
        (5_000, (Outcome.APPROVE, "merchant.small_amount")),
        (5_001, (Outcome.PERSON, "merchant.person")),
        (49_999, (Outcome.PERSON, "merchant.person")),
        (50_000, (Outcome.PERSON, "merchant.person")),
        (50_001, (Outcome.TWO_PERSONS, "merchant.two_persons")),
    ],
)
def test_small_amounts_need_nobody_and_large_ones_two(minor, expected):
    """Up to CNY 50.00, that included, nobody looks; above CNY 500.00, that excluded, two persons do (RV-2)."""
    assert outcome(minor, kind=Kind.RETURN_REFUND) == expected


@pytest.mark.parametrize(
    ("minor", "expected"),
    [
        (5_000, (Outcome.APPROVE, "merchant.small_amount")),
        (5_001, (Outcome.APPROVE, "merchant.verified_claim")),
        (50_000, (Outcome.APPROVE, "merchant.verified_claim")),
        (50_001, (Outcome.TWO_PERSONS, "merchant.two_persons")),
    ],
)
def test_a_verified_claim_is_approved_up_to_two_persons(minor, expected):
    """Seen on the photo, a claim is approved without a person as long as the amount does not need two (RV-2)."""
    assert outcome(minor, evidence=VERIFIED) == expected


@pytest.mark.parametrize("minor", [1, 5_000, 50_001])
def test_an_unverified_claim_goes_to_a_person_however_small(minor):
    """A claim nobody has seen is not paid for being small."""
    assert outcome(minor) == (Outcome.PERSON, "merchant.unverified_claim")
    fact = (an_evidence(findings=(a_finding(check="vision.spoilage"),)),)
    assert outcome(minor, evidence=fact) == (Outcome.PERSON, "merchant.unverified_claim")


@pytest.mark.parametrize("minor", [1, 5_001, 50_001])
def test_what_was_not_shipped_goes_back_at_once(minor):
    """Nothing has left the shop, so the money returns whatever the amount (RV-2)."""
    assert outcome(minor, order=UNSHIPPED, kind=Kind.REFUND_ONLY) == (Outcome.APPROVE, "merchant.not_shipped")
    assert outcome(5_001, kind=Kind.REFUND_ONLY) == (Outcome.PERSON, "merchant.person")


def test_a_merchant_sets_the_limits():
    """Another merchant's limits judge another merchant's cases."""
    strict = a_merchant(small_minor=100, two_persons_above_minor=200)
    assert [outcome(m, kind=Kind.RETURN_REFUND, merchant=strict)[0] for m in (100, 101, 200, 201)] == [
        Outcome.APPROVE,
        Outcome.PERSON,
        Outcome.PERSON,
        Outcome.TWO_PERSONS,
    ]


@pytest.mark.parametrize(("amount", "currency"), [(1, "JPY"), (50_000, "JPY"), (1, "KWD"), (50_000, "KWD"), (1, "USD")])
def test_another_currency_is_never_small(amount, currency):
    """What JPY 50,000 is worth is not guessed from a limit in CNY: two persons look, unless the merchant's limits are in it."""
    decision = decide(facts(kind=Kind.RETURN_REFUND), (a_finding(),), Money(amount, currency))
    assert decision.outcome is Outcome.TWO_PERSONS
    own = facts(kind=Kind.RETURN_REFUND, merchant=a_merchant(currency=currency))
    assert decide(own, (a_finding(),), Money(1, currency)).outcome is Outcome.APPROVE


def test_findings_come_before_thresholds():
    """A fact against a claim rejects it although the amount is small, and the decision names the rules' version."""
    decision = decide(facts(), (a_finding(Verdict.FAIL, "fresh.claim_window"),), Money(1, "CNY"))
    assert (decision.outcome, decision.rule, decision.rules_version) == (Outcome.REJECT, "fresh.claim_window", VERSION)


def test_every_decision_names_rule_version_and_findings():
    """Whatever the thresholds say, the decision can be explained later."""
    for minor in (1, 5_001, 50_001):
        decision = decide(facts(kind=Kind.RETURN_REFUND), (a_finding(),), Money(minor, "CNY"))
        assert decision.rule
        assert decision.reason
        assert decision.rules_version == VERSION
        assert decision.findings == (a_finding(),)


def test_every_threshold_has_a_name_of_its_own():
    """Rule ids are unique, so that a decision names one row."""
    assert len({t.rule for t in THRESHOLDS}) == len(THRESHOLDS)
