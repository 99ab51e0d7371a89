"""``aftersales rules``: what a merchant's table is worth, from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftersales.ruling import standard
from aftersales.ruling.fact import FACTS
from aftersales.testing.tables import jdm, row
from infra.local import cli


def ran(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Status, output and errors of a command."""
    status = cli.main(["rules", *map(str, args)])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The default set as a file."""
    path = tmp_path / "rules.json"
    path.write_bytes(standard.FILE.read_bytes())
    return path


def written(path: Path, content: object) -> Path:
    """The content as JSON."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_table_that_is_right_is_said_so(file, capsys):
    """Status 0, notes beside it; the document names the table by its digest."""
    status, out, _ = ran(capsys, "check", file, "--json")
    said = json.loads(out)
    assert (status, said["ok"], said["table"]) == (0, True, standard.table().digest)
    assert {problem["level"] for problem in said["problems"]} == {"note"}


@pytest.mark.parametrize(("locale", "word"), [("zh-CN", "取值"), ("en", "never")])
def test_an_error_names_row_and_column_in_the_readers_language(tmp_path, capsys, locale, word):
    """Status 1, and every error with what to do, as lines and as a document."""
    path = tmp_path / "wrong.json"
    path.write_text(jdm(["kind"], [row("a", kind='"claims"'), {"outcome": '"person"'}]), encoding="utf-8")
    status, out, _ = ran(capsys, "check", path, "--locale", locale)
    assert status == 1
    assert "row 1 kind" in out
    assert word in out
    status, out, _ = ran(capsys, "check", path, "--json", "--locale", locale)
    [problem] = json.loads(out)["problems"]
    assert (status, problem["code"], problem["row"], problem["column"], problem["level"]) == (1, "cell_value", 1, "kind", "error")
    assert problem["todo"]


def test_a_table_is_run_over_facts_and_says_why(file, tmp_path, capsys):
    """Which row, what follows, the facts it saw, and what kept the rows above from holding."""
    facts = written(tmp_path / "facts.json", {"kind": "claim", "flaw_seen": True, "amount": 499.99})
    status, out, _ = ran(capsys, "run", file, "--facts", facts, "--json")
    said: dict[str, Any] = json.loads(out)
    assert status == 0
    assert (said["row"], said["outcome"], said["rule"], said["reason"]) == (
        5, "approve", "merchant.verified_claim", "threshold.verified_claim",
    )  # fmt: skip
    assert said["facts"]["kind"] == "claim"
    assert [look["fact"] for look in said["trace"]] == ["kind", "flaw_seen", "amount_needs_two", "amount_is_small", ""]
    assert "is_shipped" in said["assumed"]
    assert "amount_needs_two" not in said["assumed"]
    status, out, _ = ran(capsys, "run", file, "--facts", facts)
    assert out.splitlines()[0] == "row 5: approve threshold.verified_claim"


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ({"kind": "return_refund", "amount": 50}, 4),
        ({"kind": "return_refund", "amount": 50.01}, 7),
        ({"kind": "return_refund", "amount_minor": 5_000}, 4),
        ({"kind": "return_refund", "amount_minor": 50_001}, 3),
        ({"kind": "return_refund", "amount": 30, "amount_is_small": False}, 7),
        ({"kind": "refund_only", "amount": 30_000}, 1),
    ],
)
def test_what_follows_from_an_amount_is_filled_in(file, tmp_path, capsys, told, row):
    """By the limits that every shop starts with, to the minor unit; what is told wins."""
    status, out, _ = ran(capsys, "run", file, "--facts", written(tmp_path / "facts.json", told), "--json")
    assert (status, json.loads(out)["row"]) == (0, row)


@pytest.mark.parametrize(
    "told",
    [
        {"kinds": "claim"},
        {"kind": "claims"},
        {"kind": 7},
        {"pieces": 1.5},
        {"pieces": -1},
        {"pieces": True},
        {"is_shipped": "yes"},
        {"amount": "49.90"},
        {"amount": 0.0001},
        {"amount": 1e300},
        [],
    ],
)
def test_facts_that_are_none_are_refused(file, tmp_path, capsys, told):
    """A name that is not in the list, a value of another type: status 2, and nothing is decided."""
    status, out, err = ran(capsys, "run", file, "--facts", written(tmp_path / "facts.json", told))
    assert (status, out) == (2, "")
    assert err.startswith("aftersales rules run: ")


def test_a_wrong_table_is_not_run(tmp_path, capsys):
    """Status 1 and its errors, as the check tells them."""
    path = tmp_path / "wrong.json"
    path.write_text(jdm(["kind"], [{"kind": '"claim"', "outcome": '"approve"'}]), encoding="utf-8")
    status, out, err = ran(capsys, "run", path, "--facts", written(tmp_path / "facts.json", {}), "--json")
    assert (status, json.loads(out)["ok"]) == (1, False)
    assert "no_default" in err


def test_the_list_of_facts_is_the_list(capsys):
    """Every fact with type, unit, values and both meanings."""
    status, out, _ = ran(capsys, "facts", "--json")
    said = json.loads(out)["facts"]
    assert (status, [fact["name"] for fact in said]) == (0, [fact.name for fact in FACTS])
    assert all(fact["meaning"]["zh-CN"] and fact["meaning"]["en"] for fact in said)
    assert len(ran(capsys, "facts")[1].splitlines()) == len(FACTS)


def test_excel_and_back_is_the_same_table(file, tmp_path, capsys):
    """Exported, imported and checked it has the same digest; so has the default set that is written out."""
    book, again, fresh = tmp_path / "rules.xlsx", tmp_path / "again.json", tmp_path / "fresh.json"
    assert ran(capsys, "export", file, book)[0] == 0
    assert ran(capsys, "import", book, again)[0] == 0
    assert ran(capsys, "default", fresh)[0] == 0
    for path in (again, fresh):
        assert json.loads(ran(capsys, "check", path, "--json")[1])["table"] == standard.table().digest


@pytest.mark.parametrize(
    "args", [("check", "nowhere.json"), ("export", "nowhere.json", "x.xlsx"), ("import", "nowhere.xlsx", "x.json")]
)
def test_a_file_that_is_not_there_is_status_2(tmp_path, capsys, monkeypatch, args):
    """And nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert ran(capsys, *args)[0] == 2
    assert list(tmp_path.iterdir()) == []
