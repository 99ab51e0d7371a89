"""Rule sets: a merchant's versions of its rules, read, written, compared and taken back (RV-1). What is written never changes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from aftersales.change import Change
from aftersales.decision import Outcome
from aftersales.errors import BadTable, Conflict, Invalid, NotFound
from aftersales.query import RulebookOf, RuleSetNamed, RuleSetsOf
from aftersales.ruling import standard
from aftersales.ruling.book import BUILT_IN, Rulebook
from aftersales.ruling.check import check
from aftersales.ruling.fact import FACTS
from aftersales.ruling.problem import Problem
from aftersales.ruling.table import RuleSet, Table
from functions import sheet
from functions.body_rules import RollbackBody, RulesBody
from functions.context import Context
from functions.export import XLSX_MEDIA
from functions.reply_money import File
from functions.reply_rules import CompareView, FactsView, FactView, RowView, RulesNote, RulesPage, RulesRow, RulesView


def get(ctx: Context, version: int | None = None) -> RulesView:
    """The rules in force, or one version of them. Raises NotFound for a version that is none."""
    book = _book(ctx)
    wanted = book.at(ctx.now) if version is None else version
    return _view(ctx, book, _stored(ctx, wanted) if wanted else None)


def as_workbook(ctx: Context, version: int | None = None) -> File:
    """The rules in force, or one version of them, as an Excel workbook, to be changed and sent back. Raises NotFound."""
    said = get(ctx, version)
    return File(sheet.as_xlsx(bytes(said.table), ctx.locale), XLSX_MEDIA, f"rules-{said.version}.xlsx")


def versions(ctx: Context, cursor: str | None = None, limit: int = 50) -> RulesPage:
    """All versions, newest first; the one that every shop starts with is not among them."""
    book = _book(ctx)
    page = ctx.registry.store.find(RuleSetsOf(ctx.caller.merchant), cursor, limit)
    rows = [
        RulesRow(
            version=rules.version,
            in_force=rules.version == book.at(ctx.now),
            author=rules.author,
            note=rules.note,
            effective_at=rules.effective_at,
            created_at=rules.created_at,
            digest=rules.digest,
        )
        for rules in page.found
    ]
    return RulesPage(versions=rows, cursor=page.cursor)


def put(ctx: Context, body: RulesBody) -> RulesView:
    """Write a new version. ``If-Match`` names the newest one that was read, 0 before the first.

    Raises BadTable with every error by row and column, Invalid for an instant that has passed, StaleVersion.
    """
    effective_at = body.effective_at or ctx.now
    if effective_at < ctx.now:
        raise Invalid("Rules come into force now or later.", todo="Leave effective_at out.", found=effective_at.isoformat())
    if bool(bytes(body.table)) == bool(body.workbook):
        raise Invalid("A version is a table, or a workbook.", where="$.table", expected="one of the two")
    content = sheet.as_jdm(body.workbook).encode() if body.workbook else bytes(body.table)
    return _written(ctx, read(ctx, content), body.note, effective_at)


def rollback(ctx: Context, body: RollbackBody) -> RulesView:
    """Take a version's table up again as a new version, in force at once. Raises NotFound, StaleVersion, BadTable."""
    content = _stored(ctx, body.version).table if body.version else standard.table().text
    note = body.note or f"Back to version {body.version}."
    return _written(ctx, read(ctx, content.encode()), note, ctx.now)


def compare(ctx: Context, first: int = BUILT_IN, second: int | None = None) -> CompareView:
    """What two versions have not in common, row by row; the second is the one in force unless it is named. Raises NotFound."""
    second = _book(ctx).at(ctx.now) if second is None else second
    before, after = (_rows(_table(ctx, version)) for version in (first, second))
    kept = [row for row in before if row in after]
    return CompareView(
        first=first,
        second=second,
        removed=[_row(number, row) for number, row in enumerate(before, 1) if row not in after],
        added=[_row(number, row) for number, row in enumerate(after, 1) if row not in before],
        reordered=kept != [row for row in after if row in before],
    )


def facts(ctx: Context) -> FactsView:
    """What a table may look at."""
    found = [
        FactView(name=f.name, type=f.type, unit=f.unit, values=list(f.values), unknown=f.unknown, text=f.meaning(ctx.locale))
        for f in FACTS
    ]
    return FactsView(facts=found)


def read(ctx: Context, content: bytes) -> Table:
    """The table in a file of JDM. Raises BadTable, with all that is wrong by row and column."""
    found = check(content)
    if found.table is None:
        problems = [msgspec.to_builtins(_note(ctx, problem)) for problem in found.errors]
        first = found.errors[0]
        where = " ".join(part for part in (f"row {first.row}" if first.row else "", first.column) if part)
        told = f"{where}: {first.what(ctx.locale)}" if where else first.what(ctx.locale)
        raise BadTable(told, todo=first.todo(ctx.locale), where="$.table", problems=problems)
    return found.table


def stored_table(ctx: Context, version: int) -> Table:
    """The table of a version of the caller's merchant. Raises NotFound, BadTable."""
    return _table(ctx, version)


# --- inside -----------------------------------------------------------------------------------------------------------
def _written(ctx: Context, table: Table, note: str, effective_at: datetime) -> RulesView:
    if ctx.registry.tables is None:
        raise Conflict("Nothing runs rules of merchants at this stage.", todo="Ask the operator to switch a table engine on.")
    merchant, book = ctx.caller.merchant, _book(ctx)
    ctx.unchanged(book.version)
    rules = RuleSet.of(table, merchant, book.version + 1, ctx.caller.name, note, effective_at, ctx.now)
    written = book.written(effective_at)
    after = msgspec.structs.replace(_view(ctx, written, rules), latest=rules.version)
    view = ctx.commit(Change(rulebook=written, rules=rules), after)
    ctx.registry.rules.forget(merchant)
    return view


def _book(ctx: Context) -> Rulebook:
    """The book as it is stored now."""
    found = ctx.registry.store.find(RulebookOf(ctx.caller.merchant)).found
    return found[0] if found else Rulebook(ctx.caller.merchant)


def _stored(ctx: Context, version: int) -> RuleSet:
    found = ctx.registry.store.find(RuleSetNamed(ctx.caller.merchant, version)).found
    if not found:
        raise NotFound("There is no such version of the rules.", todo="Read the list of versions.", found=version)
    return found[0]


def _table(ctx: Context, version: int) -> Table:
    return standard.table() if version == BUILT_IN else read(ctx, _stored(ctx, version).table.encode())


def _view(ctx: Context, book: Rulebook, rules: RuleSet | None) -> RulesView:
    table = standard.table()
    content = rules.table if rules else table.text
    return RulesView(
        version=rules.version if rules else BUILT_IN,
        latest=book.version,
        in_force=(rules.version if rules else BUILT_IN) == book.at(ctx.now),
        author=rules.author if rules else "",
        note=rules.note if rules else "",
        effective_at=rules.effective_at if rules else None,
        created_at=rules.created_at if rules else None,
        digest=rules.digest if rules else table.digest,
        notes=[_note(ctx, problem) for problem in check(content).problems if problem.is_note],
        table=msgspec.Raw(content.encode()),
    )


def _note(ctx: Context, problem: Problem) -> RulesNote:
    text, todo = problem.what(ctx.locale), problem.todo(ctx.locale)
    return RulesNote(code=problem.code, row=problem.row, column=problem.column, text=text, todo=todo)


_Row = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]


def _rows(table: Table) -> list[_Row]:
    """Rows by what they say: two tables that differ in names and places of cells alone have the same ones."""
    return [
        (
            tuple(
                f"{column.fact.name} {cell.written}"
                for column, cell in zip(table.columns, row.cells, strict=True)
                if cell is not None
            ),
            tuple((name, str(value)) for name, value in row.result.outputs().items()),
        )
        for row in table.rows
    ]


def _row(number: int, row: _Row) -> RowView:
    conditions, outputs = row
    said = dict(outputs)
    share = said.get("share_percent")
    return RowView(
        row=number,
        conditions=list(conditions),
        outcome=Outcome(said["outcome"]),
        reason=said.get("reason", ""),
        rule=said.get("rule", ""),
        up_to=said.get("up_to"),
        share_percent=int(share) if share else None,
    )
