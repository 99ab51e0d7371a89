"""A merchant's rules go to Excel and come back as they were, or as they were changed there."""

from __future__ import annotations

import io
import json
import zipfile
from random import Random
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.errors import Invalid
from aftersales.ruling import jdm, standard
from aftersales.ruling.check import check
from functions.sheet import ID, MOST_UNPACKED, as_jdm, as_xlsx
from tests.property.ruling.drawn import drawn_table

FILE = standard.FILE.read_bytes()
texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["_x0041_", "=1+1", "\r\n\t", "007", " 5 ", "true", "\x01", "\ufffe"]
)


def edited(*changes: tuple[str, object]) -> bytes:
    """The default set as a workbook in which somebody wrote into cells."""
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(FILE)))
    for cell, value in changes:
        book["rules"][cell] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rules(text: str) -> list[dict[str, str]]:
    """The rows of a file."""
    found: list[dict[str, str]] = json.loads(text)["nodes"][1]["content"]["rules"]
    return found


@settings(deadline=None)
@given(st.integers(0, 2**32), st.lists(texts, max_size=6))
def test_a_table_comes_back_as_it_was(seed, odd):
    """To the last character: cells, blanks, notes, ids, positions, left-over cells, and rows that have no id."""
    rng = Random(seed)
    raw: dict[str, Any] = json.loads(drawn_table(rng)[0])
    rows = raw["nodes"][1]["content"]["rules"]
    for text in odd:
        name = rng.choice([ID, "_description", "gone", *(c["id"] for c in raw["nodes"][1]["content"]["inputs"])])
        rng.choice(rows)[name] = text
    if rng.random() < 0.3:
        rng.choice(rows).pop(ID, None)
    raw["nodes"][0]["position"] = {"x": rng.random() * 1000, "y": -0.1}
    told = json.dumps(raw)
    assert as_jdm(as_xlsx(told)) == jdm.parse(told).text


def test_what_somebody_changes_in_excel_is_what_changes():
    """One cell is another condition, a new row at the end is a row, an emptied row is gone; everything else stays."""
    before = rules(standard.table().text)
    heads = [cell.value for cell in next(openpyxl.load_workbook(io.BytesIO(as_xlsx(FILE)))["rules"].iter_rows())]
    assert heads[0] == "kind"
    assert [row["kind"] for row in rules(as_jdm(edited(("A3", '"repair"'))))] == ['"repair"', *(row["kind"] for row in before[1:])]
    after = rules(as_jdm(edited(("A10", '"repair"'), (f"{chr(65 + heads.index('outcome'))}10", '"approve"'))))
    assert after[:7] == before
    assert after[7] == {"_id": "row-8", "kind": '"repair"', "outcome": '"approve"'}
    gone = edited(*((f"{chr(65 + at)}5", None) for at in range(len(heads))))
    assert rules(as_jdm(gone)) == [*before[:2], *before[3:]]


def test_what_excel_makes_of_a_value_is_what_was_meant():
    """Numbers, yes and no that Excel took for its own, and words without quotes, are conditions all the same."""
    found = rules(as_jdm(edited(("A3", "repair"), ("B3", True), ("C4", 0))))
    assert (found[0]["kind"], found[0]["is_shipped"], found[1]["self_evident"]) == ('"repair"', "true", "0")
    assert found[0]["kind"] == '"repair"'
    changed = check(as_jdm(edited(("A3", "repair"), ("B3", True))))
    assert changed.table is not None
    assert [p.column for p in check(as_jdm(edited(("C4", 0)))).errors] == ["self_evident"]


@pytest.mark.parametrize("cell", ["A1", "J1"])
def test_columns_are_not_changed_in_excel(cell):
    """Another name at the head of a column is told, not guessed at."""
    with pytest.raises(Invalid, match="columns"):
        as_jdm(edited((cell, "amount")))


def zipped(**files: bytes) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def other_book() -> bytes:
    """A workbook that is nobody's rules."""
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04", id="half a zip"),
        pytest.param(zipped(a=b"x"), id="a zip of something"),
        pytest.param(zipped(a=b"0" * (MOST_UNPACKED + 1)), id="a zip that unpacks to too much"),
        pytest.param(zipped(**{f"f{n}": b"" for n in range(100)}), id="a zip of many files"),
        pytest.param(as_xlsx(FILE)[:-200], id="a workbook cut short"),
        pytest.param(other_book(), id="another workbook"),
    ],
)
def test_what_is_no_workbook_of_rules_is_refused(content):
    """With a sentence, whatever it is, and without unpacking what is too large."""
    with pytest.raises(Invalid):
        as_jdm(content)


def test_a_workbook_that_calls_on_entities_is_refused():
    """XML that would grow when it is read is not read."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx(FILE))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, bomb if name.startswith("xl/worksheets/") else source.read(name))
    with pytest.raises(Invalid):
        as_jdm(out.getvalue())


def test_a_file_that_is_no_table_is_not_exported():
    """What cannot be taken apart has no sheet; what has wrong cells has one, to be mended there."""
    with pytest.raises(Invalid, match="JDM"):
        as_xlsx(b"[]")
    wrong = FILE.replace(b'\\"claim\\"', b'\\"claims\\"')
    assert as_jdm(as_xlsx(wrong)) == jdm.parse(wrong).text
