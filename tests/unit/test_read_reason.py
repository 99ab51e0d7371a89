import codecs
import json
import subprocess
import sys
from pathlib import Path

import pytest

from aftersales.complaint import Complaint
from infra.bundle import ROOT
from infra.local import cli

ROWS = "id,text\n1,草莓烂了\n2,\n3,The parcel never arrived\n"
READ = [Complaint.SPOILED, Complaint.OTHER, Complaint.LATE]


def said(file: Path, capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, object]]:
    """The answers to the rows of a file."""
    assert cli.main(["read-reason", str(file), "--json", *more]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert isinstance(answers, list)
    return answers


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ROWS.encode(), id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + ROWS.encode(), id="with a byte order mark"),
        pytest.param(ROWS.encode("gb18030"), id="GB18030"),
        pytest.param(ROWS.replace("\n", "\r\n").encode(), id="lines as Windows ends them"),
    ],
)
def test_every_row_has_its_answer_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    """One answer per row, in row order, also for an empty cell, in whichever encoding a table is saved."""
    file = tmp_path / "claims.csv"
    file.write_bytes(content)
    answers = said(file, capsys)
    assert [a["reason"] for a in answers] == READ
    assert answers[1]["confidence"] == 0.1
    assert all({"reason", "confidence", "second", "language", "sure"} == a.keys() for a in answers)


def test_another_column_is_read_when_it_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names may be Chinese; quoted cells may hold lines and commas."""
    file = tmp_path / "claims.csv"
    file.write_text('编号,"买家 留言"\n1,"第一行，\n发错货了, 不是我买的"\n', encoding="utf-8")
    assert [a["reason"] for a in said(file, capsys, "--column", "买家 留言")] == [Complaint.WRONG]


def test_a_table_without_rows_is_an_empty_array(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing asked, nothing answered."""
    file = tmp_path / "claims.csv"
    file.write_text("text\n", encoding="utf-8")
    assert said(file, capsys) == []


def test_without_json_a_person_reads_a_line_per_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason, how sure, and a word where it is not."""
    file = tmp_path / "claims.csv"
    file.write_text(ROWS, encoding="utf-8")
    assert cli.main(["read-reason", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == READ
    assert lines[1].endswith("unsure")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"id,words\n1,x\n", "no column 'text'", id="no such column"),
        pytest.param(b"", "no column", id="an empty file"),
        pytest.param(b"\xff\xfe\x00t", "neither UTF-8 nor GB18030", id="another encoding"),
        pytest.param(b'id,text\n1,"open\n', "cannot be read as CSV", id="a quote that is never closed"),
        pytest.param(b"id,text\n1\n", "Row 2", id="a row that is too short"),
        pytest.param(ROWS.encode() * 200 + b"9\n", "Row 801", id="a short row at the end"),
        pytest.param(b"text\n" + b"x" * 2_000_000, "cannot be read as CSV", id="a cell without end"),
    ],
)
def test_a_broken_file_is_named_and_nothing_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    """Status 2, one sentence on stderr, and no beginning of an array that a program could take for an answer."""
    file = tmp_path / "claims.csv"
    file.write_bytes(content)
    assert cli.main(["read-reason", str(file), "--json"]) == 2
    out = capsys.readouterr()
    assert words in out.err
    assert out.out == ""


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The path and what the system says of it."""
    assert cli.main(["read-reason", str(tmp_path / "none.csv"), "--json"]) == 2
    assert "none.csv" in capsys.readouterr().err


def test_a_reader_who_has_enough_is_no_error(tmp_path: Path) -> None:
    """Cut short by `head`, the command ends as shells expect, and shows nobody its insides."""
    file = tmp_path / "many.csv"
    file.write_text("text\n" + "少发了两个\n" * 5_000, encoding="utf-8")
    words = [sys.executable, "-m", "infra.local.cli", "read-reason", str(file), "--column", "text"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert command.stdout.read(10)
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == 141
