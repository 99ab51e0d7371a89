"""``aftersales duty``: taxes and their refund, from a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AFTERSALES = str(Path(sys.executable).parent / "aftersales")
LINE = {"value_minor": 100_000, "qty": 1, "returned_qty": 1, "consumption_rate": 0, "vat_rate": 0.13, "duty_rate": 0}
FILE = {
    "lines": [LINE], "freight_minor": 0, "released_on": "2026-03-01", "applied_on": "2026-03-21", "arrived_on": "2026-04-10",
    "indivisible": False, "quota_left_minor": None, "tax_bill": None,
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """The command over a document: (exit status, what it printed as JSON, stderr)."""

    def run(said: Any) -> tuple[int, Any, str]:
        file = tmp_path / "duty.json"
        file.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
        command = [AFTERSALES, "duty", str(file), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout), done.stderr

    return run


def of(**line: Any) -> dict[str, Any]:
    """The file with another line."""
    return {**FILE, "lines": [{**LINE, **line}]}


def test_a_whole_return_in_time(run: Any) -> None:
    """Milk powder for CNY 1,000: CNY 91.00 comes back, and the buyer's yearly amount gets CNY 1,000."""
    status, said, _ = run(FILE)
    assert (status, said["tax_refund_minor"], said["quota_returned_minor"]) == (0, 9_100, 100_000)
    assert said["rule"] == "70_percent, in_time"
    assert said["lines"][0]["refund_minor"] == 9_100


def test_rates_are_read_to_the_last_digit(run: Any) -> None:
    """0.13 and "0.13" are thirteen hundredths, no binary fraction near it: 230.59, and not the common 196.00."""
    for rates in ({"consumption_rate": 0.15}, {"consumption_rate": "0.15", "vat_rate": "0.13"}):
        _, said, _ = run(of(**rates))
        line = said["lines"][0]
        assert (line["consumption_minor"], line["vat_minor"], line["tax_minor"]) == (12_353, 10_706, 23_059)


def test_noise_of_binary_fractions_is_no_rate(run: Any) -> None:
    """What a program computed as 0.3 - 0.17 is read as 0.13, also where the next fen hangs on it."""
    for value_minor in (100_000, 50_000, 5_000):
        (_, noisy, _), (_, plain, _) = (run(of(value_minor=value_minor, duty_rate=0, vat_rate=r)) for r in (0.3 - 0.17, 0.13))
        assert noisy == plain
    _, said, _ = run(of(vat_rate=0.1 + 0.2))
    assert said["lines"][0]["vat_minor"] == 21_000


def test_parts_add_up(run: Any) -> None:
    """One of three, and later the other two: 54.60 and 109.20 of 163.80."""
    three = {"value_minor": 180_000, "qty": 3}
    _, one, _ = run(of(**three))
    _, rest, _ = run(of(**three, returned_qty=2, returned_before_qty=1))
    assert (one["tax_refund_minor"], rest["tax_refund_minor"]) == (5_460, 10_920)
    assert (one["quota_returned_minor"], rest["quota_returned_minor"]) == (60_000, 120_000)


@pytest.mark.parametrize(
    ("days", "refund", "rule"),
    [
        ({"applied_on": "2026-03-31", "arrived_on": "2026-04-15"}, 9_100, "in_time"),
        ({"applied_on": "2026-04-01"}, 0, "applied_late"),
        ({"applied_on": "2026-03-31", "arrived_on": "2026-04-16"}, 0, "arrived_late"),
        ({"arrived_on": None}, 0, "not_arrived"),
        ({"applied_on": None, "arrived_on": None}, 0, "not_applied"),
        ({"released_on": None, "applied_on": None, "arrived_on": None}, 9_100, "not_released"),
    ],
)
def test_customs_days(run: Any, days: dict[str, Any], refund: int, rule: str) -> None:
    """Day 30 and day 45 count; later, and before it is applied for and back, nothing comes back; the answer says why."""
    _, said, _ = run({**FILE, **days})
    assert (said["tax_refund_minor"], said["quota_returned_minor"]) == (refund, 100_000 if refund else 0)
    assert said["rule"].endswith(rule)
    assert said["notes"]


def test_the_bill_wins_over_rates(run: Any) -> None:
    """With customs' own figures rates are neither needed nor used; lines are found by their number on the declaration."""
    bare = [{"value_minor": v, "qty": 2, "returned_qty": 1} for v in (10_000, 20_000)]
    rows = [
        {"gnum": 2, "customsTax": "0", "valueAddedTax": "18.21", "consumptionTax": 0},
        {"gnum": 1, "customsTax": "0.0", "valueAddedTax": 9.1, "consumptionTax": "0.00"},
    ]
    _, said, _ = run({**FILE, "lines": bare, "tax_bill": {"lines": rows}})
    assert [line["tax_minor"] for line in said["lines"]] == [910, 1_821]
    assert (said["tax_refund_minor"], said["rule"]) == (455 + 911, "tax_bill, 70_percent, in_time")


def test_a_heading_stands_in_for_rates(run: Any) -> None:
    """Where a line says its tariff heading, the rates of the day of declaration are looked up."""
    line = {"value_minor": 100_000, "qty": 1, "returned_qty": 1, "hs": "3304990039"}
    _, said, _ = run({**FILE, "lines": [line], "declared_on": "2026-02-27"})
    assert said["tax_refund_minor"] == 23_059


def test_above_the_limit(run: Any) -> None:
    """One indivisible piece above CNY 5,000 pays full rates; beyond the yearly amount it is general trade, which says so."""
    piece = of(value_minor=600_000, duty_rate=0.1)
    _, full, _ = run({**piece, "indivisible": True, "quota_left_minor": 600_000})
    _, over, _ = run({**piece, "indivisible": True, "quota_left_minor": 599_999})
    assert (full["rule"], full["lines"][0]["duty_minor"], full["quota_returned_minor"]) == (
        "full_rates_indivisible, in_time",
        60_000,
        600_000,
    )
    assert (over["rule"], over["quota_returned_minor"]) == ("general_trade, in_time", 0)
    assert any("General trade" in note for note in over["notes"])


WRONG: dict[str, Any] = {
    "no JSON": "{",
    "not a number": json.dumps(FILE).replace("0.13", "NaN"),
    "a list": [],
    "no lines": {**FILE, "lines": []},
    "an unknown name": {**FILE, "freigth_minor": 1},
    "a fraction of a fen": of(value_minor=1.5),
    "less than nothing": of(value_minor=-1),
    "true as a number": of(qty=True),
    "no piece": of(qty=0),
    "more back than sold": of(returned_qty=2),
    "more back than is left": of(qty=2, returned_qty=2, returned_before_qty=1),
    "a percentage": of(vat_rate=13),
    "an endless rate": of(vat_rate="Infinity"),
    "a word": of(vat_rate="many"),
    "all consumption tax": of(consumption_rate=1),
    "no rate at all": {**FILE, "lines": [{"value_minor": 1, "qty": 1, "returned_qty": 1}]},
    "no duty rate above the limit": of(value_minor=600_000, duty_rate=None),
    "no such day": {**FILE, "released_on": "2026-02-29"},
    "a day with a time": {**FILE, "released_on": "2026-03-01T00:00:00"},
    "a week": {**FILE, "released_on": "2026-W09-7"},
    "a number as a day": {**FILE, "applied_on": 20260301},
    "perhaps": {**FILE, "indivisible": "yes"},
    "a bill of other lines": {**FILE, "tax_bill": {"lines": []}},
    "a bill of no such line": {**FILE, "tax_bill": [{"gnum": 2, "valueAddedTax": 1}]},
    "a bill with less than a fen": {**FILE, "tax_bill": {"lines": [{"valueAddedTax": "0.001"}]}},
    "a bill below nothing": {**FILE, "tax_bill": {"lines": [{"valueAddedTax": "-1"}]}},
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
def test_a_file_with_bad_values_ends_with_2(run: Any, said: Any) -> None:
    """Nothing is guessed: a wrong value is named on both streams, and no amount is printed."""
    status, answered, told = run(said)
    assert (status, answered["code"]) == (2, "invalid")
    assert told.startswith("aftersales duty: ")
    assert "tax_refund_minor" not in answered
