"""What is wrong with a merchant's table is said by row and column, in both languages, and what is right is read as it was meant."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aftersales.case import Kind
from aftersales.decision import Finding, Outcome, Verdict
from aftersales.errors import Invalid, Unknown
from aftersales.lookup import ASKED, Lookup
from aftersales.money import Money
from aftersales.rules import THRESHOLDS, decide
from aftersales.ruling import standard
from aftersales.ruling.check import check
from aftersales.ruling.explain import looks
from aftersales.ruling.fact import FACTS, FactType
from aftersales.ruling.figure import figures
from aftersales.ruling.result import Result
from aftersales.ruling.ruled import ruled
from aftersales.ruling.table import Fired, RuleSet
from aftersales.testing.builders import a_finding, a_merchant, facts
from aftersales.testing.tables import FakeTables, jdm, row, some_figures, table
from aftersales.text import texts_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LAST = {"outcome": '"person"'}


def wrong(text: str) -> list[tuple[str, int | None, str]]:
    """Every error as (code, row, column)."""
    return [(p.code, p.row, p.column) for p in check(text).errors]


@pytest.mark.parametrize(
    ("fact", "cell", "code"),
    [
        ("pieces", '"3"', "cell_type"),
        ("pieces", "three", "cell_type"),
        ("pieces", "true", "cell_type"),
        ("pieces", "1.5", "number_whole"),
        ("pieces", "1234567890123", "number_huge"),
        ("pieces", "null", "null_never"),
        ("pieces", "< 0", "cell_never"),
        ("pieces", "-1", "cell_never"),
        ("pieces", "[5..3]", "cell_never"),
        ("pieces", "(3..4)", "cell_never"),
        ("pieces", "]3..4[", "cell_type"),
        ("pieces", "not in [1..3]", "cell_syntax"),
        ("pieces", "not in[1]", "list_form"),
        ("pieces", "not  in [1]", "list_form"),
        ("pieces", "1,", "cell_ends"),
        ("pieces", "1 2", "cell_syntax"),
        ("pieces", "> 1 and < 3", "cell_syntax"),
        ("pieces", "> lines", "cell_type"),
        ("pieces", "1 + 1", "cell_syntax"),
        ("pieces", "len([1..9]) > 2", "cell_type"),
        ("pieces", "!= 1, != 2", "cell_syntax"),
        ("pieces", ", ".join(map(str, range(51))), "cell_many"),
        ("pieces", "1" * 501, "cell_long"),
        ("amount", "0.0001", "number_fine"),
        ("days_since_signing", "> 7, null", "null_first"),
        ("days_since_signing", "[1..3], null", "null_first"),
        ("kind", "claim", "cell_type"),
        ("kind", '"claims"', "cell_value"),
        ("kind", '> "claim"', "cell_not_number"),
        ("kind", '"claim" or "repair"', "cell_syntax"),
        ("tier", '"a\\n"', "text_barred"),
        ("tier", "`gold`", "cell_syntax"),
        ("tier", '"gold', "cell_syntax"),
        ("is_shipped", '"true"', "cell_type"),
        ("is_shipped", "yes", "cell_type"),
        ("is_shipped", "not true", "list_form"),
        ("tier", 'matches($, "^(a+)+$")', "cell_syntax"),
    ],
)
def test_a_condition_that_is_no_condition_of_this_fact_is_named(fact, cell, code):
    """Its row and its column, whatever is wrong with it; the rows around it are not."""
    assert wrong(jdm([fact], [{fact: cell, "outcome": '"approve"'}, LAST])) == [(code, 1, fact)]


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ({"outcome": ""}, "outcome_unknown", "outcome"),
        ({"outcome": '"approved"'}, "outcome_unknown", "outcome"),
        ({"outcome": "approve"}, "output_syntax", "outcome"),
        ({"outcome": '"reject"'}, "reason_missing", "reason"),
        ({"outcome": '"ask_evidence"', "reason": '" "'}, "reason_missing", "reason"),
        ({"outcome": '"reject"', "reason": f'"{"长" * 301}"'}, "reason_long", "reason"),
        ({"outcome": '"reject"', "reason": "7"}, "output_text", "reason"),
        ({"outcome": '"approve"', "reason": "kind"}, "output_syntax", "reason"),
        ({"outcome": '"approve"', "rule": '"My rule"'}, "rule_name", "rule"),
        ({"outcome": '"approve"', "up_to": "amount * 2"}, "output_syntax", "up_to"),
        ({"outcome": '"approve"', "up_to": '"30"'}, "up_to_wrong", "up_to"),
        ({"outcome": '"approve"', "up_to": "0"}, "up_to_wrong", "up_to"),
        ({"outcome": '"approve"', "share_percent": "101"}, "share_wrong", "share_percent"),
        ({"outcome": '"approve"', "share_percent": "1.5"}, "share_wrong", "share_percent"),
        ({"outcome": '"person"', "up_to": "30"}, "amount_unasked", "up_to"),
        ({"outcome": '"approve"', "reason": f'"{"x" * 600}"'}, "cell_long", "reason"),
    ],
)
def test_an_output_that_says_nothing_certain_is_named(cells, code, column):
    """An outcome nobody knows, a no without a reason, an amount that is computed or belongs to nothing."""
    assert wrong(jdm(["pieces"], [{"pieces": "1", **cells}, LAST])) == [(code, 1, column)]


def test_columns_and_rows_that_are_missing_or_unknown_are_named():
    """A fact that does not exist comes with its likely name; a table without its last row answers for nobody."""
    [problem] = check(jdm(["days_since_sining"], [LAST])).errors
    assert (problem.code, problem.column) == ("fact_unknown", "days_since_sining")
    assert "days_since_signing" in problem.todo("zh-CN")
    assert wrong(jdm(["pieces + 1"], [LAST])) == [("fact_unknown", None, "pieces + 1")]
    assert wrong(jdm([], [{"verdict": '"x"', **LAST}], ["outcome", "verdict"])) == [("output_unknown", None, "verdict")]
    assert wrong(jdm([], [], ["outcome"])) == [("no_rows", None, "")]
    assert ("outcome_missing", None, "outcome") in wrong(jdm([], [{}], ["reason"]))
    assert wrong(jdm(["pieces"], [{"pieces": "1", "outcome": '"approve"'}])) == [("no_default", 1, "")]


def test_an_amount_in_any_currency_names_the_one_it_means():
    """``> 50`` of an order's own currency is 50 yuan, 50 dollars and 50 yen: the row says which."""
    columns = ["amount_in_order_currency", "currency"]
    for cell in ("", '"USD", "CNY"', '!= "USD"'):
        told = [{"amount_in_order_currency": "<= 50", "currency": cell, "outcome": '"approve"'}, LAST]
        assert wrong(jdm(columns, told)) == [("currency_open", 1, "amount_in_order_currency")]
    assert not wrong(jdm(columns, [{"amount_in_order_currency": "<= 50", "currency": '"USD"', "outcome": '"approve"'}, LAST]))


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["> 3", "> 5"], ("row_dead", 2)),
        (["<= 5", "> 3", "4"], ("row_dead", 3)),
        (["<= 5", "> 5", "[2..8]"], ("row_covered", 3)),
        (["(3..6)", "<= 3, >= 6", "1"], ("row_dead", 3)),
        (["[0..4]", "[5..9]", "> 9", "7, 12"], ("row_covered", 4)),
        (["[0..4]", "[5..9]", "> 10", "7, 10"], None),
        (["[0..4]", "[6..9]", "> 9", "[3..7]"], None),
        (["!= 3", "3", "3"], ("row_dead", 3)),
    ],
)
def test_a_row_that_can_never_fire_is_found_exactly(cells, code):
    """Also where several rows above hold for all of its cases only together, to the whole number."""
    found = [(p.code, p.row) for p in check(jdm(["pieces"], [row(str(n), pieces=c) for n, c in enumerate(cells)] + [LAST])).errors]
    assert found == ([code] if code else [])


def test_several_conditions_are_looked_at_together():
    """Rows above that hold for all cases of a row between them, over two facts, leave it dead; one case less does not."""
    rows = [
        {"kind": '"claim"', "is_shipped": "true"},
        {"kind": '"claim"', "is_shipped": "false"},
        {"kind": '"claim"', "pieces": "3"},
    ]
    told = [{**cells, **row(str(n))} for n, cells in enumerate(rows)]
    assert wrong(jdm(["kind", "is_shipped", "pieces"], [*told, LAST])) == [("row_covered", 3, "")]
    told[1]["pieces"] = "!= 3"
    assert not wrong(jdm(["kind", "is_shipped", "pieces"], [*told, LAST]))


def test_two_columns_of_one_fact_hold_together():
    """Both have to: what one of them leaves out has cases of its own further down, what both hold has none."""
    raw = json.loads(
        jdm(["pieces"], [{"pieces": ">= 10", "also": "<= 20", **row("between")}, {"pieces": "5", **row("five")}, LAST])
    )
    inputs, rules = (raw["nodes"][1]["content"][name] for name in ("inputs", "rules"))
    inputs.append({"id": "also", "name": "and", "field": "pieces"})
    made = check(json.dumps(raw)).table
    assert made is not None
    assert [made.first(some_figures(pieces=n)) for n in (5, 9, 10, 20, 21)] == [1, 2, 0, 0, 2]
    rules[1]["pieces"] = "15"
    assert wrong(json.dumps(raw)) == [("row_dead", 2, "")]


def test_what_is_always_known_is_covered_by_every_number():
    """Two rows that share all numbers between them leave a row about something else without a case."""
    rows = [row("few", pieces="< 5"), row("many", pieces=">= 5"), row("other", lines="3")]
    assert wrong(jdm(["pieces", "lines"], [*rows, LAST])) == [("row_covered", 3, "")]


def test_what_is_not_known_is_a_case_of_its_own():
    """Every number is not everything where a fact can be unknown: the last row still has its cases."""
    rows = [row("early", days_since_signing="<= 7"), row("late", days_since_signing="> 7")]
    assert not wrong(jdm(["days_since_signing"], [*rows, row("unknown", days_since_signing="null"), LAST]))
    assert wrong(jdm(["days_since_signing"], [*rows, row("any", days_since_signing="!= null"), LAST])) == [("row_covered", 3, "")]


def test_rows_whose_order_matters_are_a_note_and_exceptions_are_not():
    """Two rows that overlap and say otherwise are told with the one that wins; a narrow row above a wide one is not."""
    crossing = [row("a", Outcome.APPROVE, pieces="< 5"), row("b", Outcome.PERSON, lines="< 5")]
    notes = check(jdm(["pieces", "lines"], [*crossing, LAST])).problems
    assert [(p.code, p.row, p.is_note, p.told["first"]) for p in notes] == [("rows_overlap", 2, True, "1")]
    nested = [row("a", Outcome.REJECT, pieces="3", lines="3"), row("b", Outcome.APPROVE, lines="< 5")]
    assert check(jdm(["pieces", "lines"], [*nested, LAST])).problems == ()
    same = [row("a", Outcome.APPROVE, pieces="< 5"), row("b", Outcome.APPROVE, lines="< 5")]
    assert check(jdm(["pieces", "lines"], [*same, LAST])).problems == ()


def test_every_problem_is_worded_in_both_languages_with_all_it_names():
    """Each code has what is wrong and what to do, in Chinese and English, and every place in a sentence is filled."""
    told = texts_of("aftersales.ruling")
    codes = {key.removeprefix("wrong.") for key in told["en"] if key.startswith("wrong.")}
    assert codes == {key.removeprefix("todo.") for key in told["en"] if key.startswith("todo.")}
    assert set(told["en"]) == set(told["zh-CN"])
    places = {key: sorted(re.findall(r"\{(\w+)", text)) for key, text in told["en"].items()}
    assert {key: sorted(re.findall(r"\{(\w+)", text)) for key, text in told["zh-CN"].items()} == places
    for text in (
        jdm(["pieces"], [{"pieces": "x", **LAST}, LAST]),
        jdm(["nope"], [LAST]),
        jdm(["kind"], [{"kind": '"x"', **LAST}, LAST]),
    ):
        for problem in check(text).problems:
            for locale in ("zh-CN", "en"):
                assert "{" not in problem.what(locale) + problem.todo(locale)


def test_every_fact_is_documented_and_closed_ones_list_their_values():
    """Who writes a rule reads what each fact means, in both languages; a choice has values, a number a unit."""
    for fact in FACTS:
        assert fact.meaning("en") != fact.meaning("zh-CN") != f"fact.{fact.name}"
        assert bool(fact.values) == (fact.type is FactType.CHOICE)
        assert bool(fact.unit) == fact.is_number


def test_the_file_keeps_what_its_editor_keeps_and_one_content_has_one_digest():
    """Positions, names and notes stay; the order of names and blanks change nothing, a changed cell does."""
    raw = json.loads(standard.FILE.read_text(encoding="utf-8"))
    found = standard.table()
    assert json.loads(found.text) == raw
    again = check(json.dumps(dict(reversed(raw.items())), indent=3)).table
    assert again is not None
    assert again.digest == found.digest
    raw["nodes"][1]["content"]["rules"][0]["is_shipped"] = "true"
    changed = check(json.dumps(raw)).table
    assert changed is not None
    assert changed.digest != found.digest


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        ({"kind": "refund_only", "amount_needs_two": True}, "merchant.not_shipped"),
        ({"kind": "claim", "amount_is_small": True}, "merchant.unverified_claim"),
        ({"kind": "claim", "flaw_seen": True, "amount_needs_two": True}, "merchant.two_persons"),
        ({"kind": "claim", "self_evident": True, "amount_is_small": True}, "merchant.small_amount"),
        ({"kind": "claim", "flaw_seen": True}, "merchant.verified_claim"),
        ({"kind": "refund_only", "is_shipped": True, "kept_outside": True}, "merchant.kept"),
        ({"kind": "return_refund"}, "merchant.person"),
    ],
)
def test_every_row_of_the_default_set_can_decide(told, rule):
    """The seed rules as written (RV-2), each by the row that is named after it."""
    plain = dict.fromkeys(("is_shipped", "flaw_seen", "self_evident", "kept_outside", "amount_needs_two", "amount_is_small"), False)
    figures = some_figures(**plain | told)
    assert standard.table().rows[standard.table().first(figures)].result.rule == rule
    assert {row.result.rule for row in standard.table().rows} == {*(t.rule for t in THRESHOLDS), "merchant.person"}


@pytest.mark.parametrize(
    ("status", "held", "kept"), [("unused", True, True), ("unused", False, False), (ASKED, True, False), (ASKED, False, False)]
)
def test_what_was_only_asked_about_is_not_kept(status, held, kept):
    """Until a source has answered nobody knows whether it keeps the thing, in the table as in the built-in rules."""
    said = facts(kind=Kind.REFUND_ONLY, merchant=a_merchant(), lookups=(Lookup("voucher", "l1", status, NOW, held=held),))
    assert figures(said, (), Money(30_000, "CNY"))["kept_outside"] is kept
    assert (decide(said, (), Money(30_000, "CNY")).rule == "merchant.kept") is kept


def test_a_version_is_the_table_it_was_stored_with():
    """A stored version whose text was changed is refused, as is one without an aware instant."""
    version = RuleSet.of(standard.table(), "m1", 3, "clerk:anna", "first try", NOW, NOW)
    assert (version.name, version.digest) == ("rules-3", standard.table().digest)
    with pytest.raises(Invalid):
        RuleSet("m1", 3, "clerk:anna", "", NOW, NOW, version.table.replace("approve", "reject"), version.digest)
    with pytest.raises(Invalid):
        RuleSet("m1", 3, "clerk:anna", "", NOW.replace(tzinfo=None), NOW, version.table, version.digest)


@pytest.mark.parametrize(
    ("result", "amount", "expected"),
    [
        (Result(Outcome.APPROVE), Money(1_999, "CNY"), Money(1_999, "CNY")),
        (Result(Outcome.APPROVE, up_to=Decimal("10.5")), Money(1_999, "CNY"), Money(1_050, "CNY")),
        (Result(Outcome.APPROVE, up_to=Decimal(30)), Money(1_999, "CNY"), Money(1_999, "CNY")),
        (Result(Outcome.APPROVE, share_percent=50), Money(1_999, "CNY"), Money(1_000, "CNY")),
        (Result(Outcome.APPROVE, share_percent=50, up_to=Decimal("9.99")), Money(1_999, "CNY"), Money(999, "CNY")),
        (Result(Outcome.APPROVE, share_percent=50), Money(1_999, "USD"), Money(1_000, "USD")),
        (Result(Outcome.APPROVE, up_to=Decimal(30)), Money(1_999, "USD"), None),
        (Result(Outcome.APPROVE, up_to=Decimal("0.009")), Money(1_999, "CNY"), Money(0, "CNY")),
    ],
)
def test_what_a_row_approves_is_exact(result, amount, expected):
    """The share first, to the minor unit, then the limit; a limit in another currency approves nothing by itself."""
    assert result.awarded(amount, "CNY") == expected


def decided(made, minor=1_999, currency="CNY", engine=None, finding: Finding | None = None):
    """What the table decides for a claim of one jin over this amount."""
    case = facts(merchant=a_merchant())
    return ruled(engine or FakeTables(), made, "rules-3", case, (finding or a_finding(),), Money(minor, currency))


def test_a_decision_names_the_row_the_version_and_what_was_seen():
    """A row without a name is told by its number; the amount is what it approves."""
    made = table(["pieces", "amount"], [{"pieces": "> 1", **row("many")}, {"amount": "< 20", **row("", up_to="15")}])
    said = decided(made)
    assert (said.decision.outcome, said.decision.rule, said.decision.reason) == (Outcome.APPROVE, "rules.row_2", "ruling.approve")
    assert (said.row, said.amount, said.decision.rules_version) == (2, Money(1_500, "CNY"), "rules-3")
    assert said.figures == {"pieces": 1, "amount": Decimal("19.99")}


def test_findings_come_before_any_table():
    """A table that approves everything pays nothing against a fact, and nothing past a doubt."""
    made = table([], [])
    assert decided(made).decision.outcome is Outcome.PERSON
    for verdict, outcome in (
        (Verdict.FAIL, Outcome.REJECT),
        (Verdict.MISSING, Outcome.ASK_EVIDENCE),
        (Verdict.UNSURE, Outcome.PERSON),
    ):
        said = decided(made, finding=a_finding(verdict))
        assert (said.decision.outcome, said.decision.rule, said.row) == (outcome, "test.check", None)


def test_a_limit_in_another_currency_asks_a_person():
    """What a limit in yuan is worth in yen is not guessed."""
    made = table(["pieces"], [row("few", pieces="1", up_to="15")])
    said = decided(made, currency="JPY")
    assert (said.decision.outcome, said.decision.reason, said.row) == (Outcome.PERSON, "ruling.other_currency", 1)


def test_a_table_that_cannot_be_run_asks_a_person():
    """An engine that gives no answer decides nothing, and the case says so."""

    class Silent:
        def run(self, table, figures) -> Fired:
            raise Unknown("no answer")

    said = decided(table([], []), engine=Silent())
    assert (said.decision.outcome, said.decision.rule, said.row) == (Outcome.PERSON, "rules.broken", None)


def test_why_it_was_this_row_is_told_row_by_row():
    """For each row above, the first fact that said no, what was asked of it, and what it was."""
    made = table(["pieces", "tier"], [row("a", pieces="> 3"), row("b", tier='"gold"', pieces="1"), row("c", pieces="1")])
    told = looks(made, some_figures(pieces=1, tier=None), 2)
    assert [(look.row, look.held, look.fact, look.asked, look.was) for look in told] == [
        (1, False, "pieces", "> 3", 1),
        (2, False, "tier", '"gold"', None),
        (3, True, "", "", None),
    ]
