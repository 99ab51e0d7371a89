"""A merchant's rules as an Excel workbook, and back: the same table to the last character, or what was changed in it.

The first sheet has the table: a row of facts and outputs, a row of the names that the editor shows, then the rules, each cell as it
stands in JDM. The whole file lies in a second, hidden one, so that what nobody changed comes back as it was.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

from aftersales.errors import Invalid
from aftersales.ruling import jdm
from aftersales.ruling.fact import NAMED, FactType
from aftersales.ruling.jdm import canonical
from aftersales.text import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

RULES, FRAME = "rules", "jdm"
#: Heads of the columns beside the table's own: which row of the file it was, and what the editor notes beside it.
ID, NOTE = "_id", "_description"
#: What a workbook of ours may hold, unpacked: a zip of a thousand times its size is no table.
MOST_BYTES, MOST_UNPACKED, MOST_FILES = 2_000_000, 20_000_000, 60
#: Characters of one cell: Excel takes 32,767 halves of pairs.
PART = 16_000
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
#: A word without quotes, where a text is wanted: people leave them out.
BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*|[\u3400-\u9fff]+")
WORDS = frozenset({"null", "true", "false", "in", "not"})
#: Outputs that are texts.
TEXTS = frozenset({"outcome", "reason", "rule"})


def as_xlsx(content: bytes | str, locale: str = "zh-CN") -> bytes:
    """The table of a JDM file as a workbook. Raises Invalid for a file whose table cannot be taken apart."""
    import xlsxwriter

    try:
        raw = json.loads(jdm.parse(content).text)
    except jdm.Refused as refused:
        raise _refused(refused) from refused
    table, out = _table(raw), io.BytesIO()
    columns = [*table["inputs"], *table["outputs"]]
    rows: list[dict[str, str]] = table.pop("rules")
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        plain, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
        sheet = book.add_worksheet(RULES)
        heads = [*((c.get("field") or "") for c in columns), NOTE, ID]
        shown = [*(_meant(c, locale) for c in columns), "", ""]
        for at, line in enumerate((heads, shown)):
            for column, value in enumerate(line):
                sheet.write_string(at, column, _shown(value), bold)
        for at, row in enumerate(rows, 2):
            for column, name in enumerate([*(c["id"] for c in columns), NOTE, ID]):
                if row.get(name):
                    sheet.write_string(at, column, _shown(row[name]), plain)
        sheet.freeze_panes(2, 0)
        sheet.set_column(0, len(heads) - 1, 22, plain)
        hidden = book.add_worksheet(FRAME)
        hidden.hide()
        told = json.dumps({"frame": raw, "rows": rows})
        for at in range(0, len(told), PART):
            hidden.write_string(at // PART, 0, told[at : at + PART], plain)
    return out.getvalue()


def as_jdm(content: bytes) -> str:
    """The workbook's table as canonical JSON of JDM, not checked yet. Raises Invalid for what is no such workbook."""
    import openpyxl

    _harmless(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        told = json.loads("".join(_text(row[0]) for row in _lines(book[FRAME], jdm.MOST_BYTES // PART + 2)))
        lines = list(_lines(book[RULES], jdm.MOST_ROWS + 3))
        return canonical(_joined(told["frame"], told["rows"], lines))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, RecursionError) as error:
        raise Invalid(
            "This is no workbook of rules.",
            todo="Export one with aftersales rules export, and change that.",
            found=type(error).__name__,
        ) from error


def _joined(frame: dict[str, Any], before: list[dict[str, str]], lines: list[list[Any]]) -> dict[str, Any]:
    """The file: its frame, and the rows of the sheet with what the sheet did not show. Raises KeyError, ValueError."""
    table = _table(frame)
    columns = [*table["inputs"], *table["outputs"]]
    heads = [_text(value) for value in lines[0]]
    wanted = [*(_shown(c.get("field") or "") for c in columns), NOTE, ID]
    if heads[: len(wanted)] != wanted:
        raise Invalid(
            "The columns of the sheet are not those of the table.",
            todo="Change rows in Excel, and columns in the rule editor.",
            expected=wanted[:-2],
            found=heads,
        )
    kept: dict[str, list[dict[str, str]]] = {}
    for was in before:
        kept.setdefault(_shown(was.get(ID, "")), []).append(was)
    rules = []
    for number, line in enumerate(lines[2:], 1):
        cells = [_text(value) for value in line[: len(wanted)]]
        if any(cells):
            cells += [""] * (len(wanted) - len(cells))
            known = kept.get(cells[-1])
            rules.append(_row(cells, columns, known.pop(0) if known else {ID: cells[-1] or f"row-{number}"}))
    table["rules"] = rules
    return frame


def _row(cells: list[str], columns: list[dict[str, Any]], was: dict[str, str]) -> dict[str, str]:
    """The row with what was changed in the sheet; a cell that shows what it showed is what it was."""
    row = dict(was)
    for (name, field), value in zip([*((c["id"], c.get("field") or "") for c in columns), (NOTE, "")], cells, strict=False):
        if value != _shown(was.get(name, "")):
            row[name] = _quoted(value, field)
    return row


def _shown(value: str) -> str:
    """The text as a sheet can hold it: XML has no control characters."""
    return UNSHOWN.sub("\ufffd", value)


def _table(raw: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(node for node in raw["nodes"] if node["type"] == "decisionTableNode")["content"]
    return found


def _meant(column: dict[str, Any], locale: str) -> str:
    name, field = column.get("name") or "", column.get("field") or ""
    return name or (NAMED[field].meaning(locale) if field in NAMED else text("aftersales.ruling", f"output.{field}", locale))


def _quoted(value: str, field: str) -> str:
    """The cell with quotes around a single bare word where a text is wanted."""
    wanted = field in TEXTS or (field in NAMED and NAMED[field].type in (FactType.TEXT, FactType.CHOICE))
    return f'"{value}"' if wanted and BARE.fullmatch(value) and value not in WORDS else value


def _text(value: object) -> str:
    """What a cell holds, as it would be written: people's Excel makes numbers and yes and no of what looks like them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _lines(sheet: ReadOnlyWorksheet, most: int) -> Iterator[list[Any]]:
    for number, line in enumerate(sheet.iter_rows(values_only=True, max_col=2 * jdm.MOST_COLUMNS + 2)):
        if number > most and any(value is not None for value in line):
            raise Invalid("The sheet has more rows than a table may have.", expected=f"at most {jdm.MOST_ROWS}")
        if number <= most:
            yield list(line)


def _harmless(content: bytes) -> None:
    """Raise Invalid for a zip that would unpack to more than a table can be."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Invalid("This is no Excel workbook.", todo="Save it as .xlsx.") from error
    if len(content) > MOST_BYTES or size > MOST_UNPACKED or len(entries) > MOST_FILES:
        raise Invalid("The workbook is larger than any table.", expected=f"at most {MOST_BYTES} bytes", found=len(content))


def _refused(refused: jdm.Refused) -> Invalid:
    problem = refused.problems[0]
    return Invalid(problem.what("en"), todo=problem.todo("en"))
