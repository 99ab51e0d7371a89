"""``aftersales rules``: a merchant's decision table checked, run over facts, written as Excel and read back; and the list of facts.

::

    rules check FILE.json [--json]                      every error by row and column; 0 fine, 1 errors, 2 no such file
    rules run FILE.json --facts FACTS.json [--json]     which row decides, what follows, why not the rows above
    rules facts [--json]                                what a table may look at
    rules export FILE.json FILE.xlsx · rules import FILE.xlsx FILE.json
    rules default FILE.json                             the set every shop starts with, as a file to change
    rules trial FILE.json --since DATE [--json]         what it would have decided of the running system's past cases
    rules replay CASE_ID [--json]                       each decision on a case there, made again; 1 where one differs

FACTS is an object of facts by name: numbers as numbers (amounts in main units, 49.9), unknown ones null or left out. What follows
from an amount by the limits that every shop starts with (RV-2) is filled in, in CNY; other facts that are never unknown and were
left out stand for no, nothing or the first of their values, and are told as ``assumed``. Answers write amounts as texts, digit by
digit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from aftersales.errors import AftersalesError, Invalid
from aftersales.money import Money
from aftersales.ruling import standard
from aftersales.ruling.check import Checked, check
from aftersales.ruling.explain import looks
from aftersales.ruling.fact import FACTS, NAMED, Fact, FactType, Plain
from aftersales.ruling.jdm import MOST_BYTES
from aftersales.ruling.problem import Problem
from aftersales.ruling.table import Table
from aftersales.ruling.values import everything, steps
from aftersales.text import DEFAULT_LOCALE
from aftersales.vertical import Merchant
from functions.sheet import as_jdm, as_xlsx
from infra.local import replay, trial
from plugins import zen_rules

#: What a file may have: a table's own limit, and some, so that the check says what is wrong with a larger one.
MOST_READ = 4 * MOST_BYTES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done with rules."""
    doing = parser.add_subparsers(
        dest="doing", required=True, metavar="check | run | facts | export | import | default | trial | replay"
    )
    one = doing.add_parser("check", help="say all that is wrong with a table")
    one.add_argument("file", type=Path, metavar="FILE.json")
    run = doing.add_parser("run", help="run a table over the facts of one case")
    run.add_argument("file", type=Path, metavar="FILE.json")
    run.add_argument("--facts", type=Path, required=True, metavar="FACTS.json")
    facts = doing.add_parser("facts", help="list what a table may look at")
    for told in (one, run, facts):
        told.add_argument("--json", action="store_true", help="print one JSON document")
        told.add_argument("--locale", default=DEFAULT_LOCALE, help="the language of the sentences")
    for name, first, second in (("export", "FILE.json", "FILE.xlsx"), ("import", "FILE.xlsx", "FILE.json")):
        told = doing.add_parser(name, help=f"write {second} from {first}")
        told.add_argument("file", type=Path, metavar=first)
        told.add_argument("into", type=Path, metavar=second)
    trial.add_arguments(doing.add_parser("trial", help="try a table on past cases of the running system"))
    replay.add_arguments(doing.add_parser("replay", help="make each decision on a case of the running system again"))
    doing.add_parser("default", help="write the set every shop starts with").add_argument("into", type=Path, metavar="FILE.json")


def main(args: argparse.Namespace) -> int:
    """Do it; 1 where the table has errors, 2 where a file cannot be read or written."""
    act: dict[str, Callable[[argparse.Namespace], int]] = {
        "check": _check, "run": _run, "facts": _facts, "export": _export, "import": _import, "default": _default,
        "trial": trial.main, "replay": replay.main,
    }  # fmt: skip
    try:
        return act[args.doing](args)
    except AftersalesError as error:
        if getattr(args, "json", False):
            problem = {"code": error.code, "detail": error.message, "todo": error.todo, "details": error.details}
            print(json.dumps(problem, ensure_ascii=False, default=str))
        print(f"aftersales rules {args.doing}: {error.message} {error.todo}".rstrip(), file=sys.stderr)
        return 2


def _check(args: argparse.Namespace) -> int:
    found = check(_read(args.file))
    if args.json:
        print(json.dumps(_said(found, args.locale), ensure_ascii=False))
    else:
        print("\n".join(_line(problem, args.locale) for problem in found.problems) or "ok")
    return 1 if found.errors else 0


def _run(args: argparse.Namespace) -> int:
    found = check(_read(args.file))
    if found.table is None:
        if args.json:
            print(json.dumps(_said(found, args.locale), ensure_ascii=False))
        print("\n".join(_line(problem, args.locale) for problem in found.errors), file=sys.stderr)
        return 1
    figures, assumed = figures_of(_read(args.facts))
    said = answer(found.table, figures) | {"assumed": assumed}
    if args.json:
        print(json.dumps(said, ensure_ascii=False, default=str))
    else:
        print(f"row {said['row']}: {said['outcome']} {said['reason']}".rstrip())
        print(
            "\n".join(f"  not row {x['row']}: {x['fact']} is {x['was']}, not {x['asked']}" for x in said["trace"] if not x["held"])
        )
    return 0


def answer(table: Table, figures: Mapping[str, Plain]) -> dict[str, Any]:
    """What the table says of these facts, as one document. Raises Unknown where the engine does not answer."""
    fired = zen_rules.build({}).run(table, figures)
    result = table.rows[fired.row].result
    return {
        "row": fired.row + 1,
        "outcome": result.outcome,
        "reason": result.reason or f"ruling.{result.outcome}",
        "rule": result.rule or f"rules.row_{fired.row + 1}",
        "up_to": result.up_to,
        "share_percent": result.share_percent,
        "facts": table.seen(figures),
        "trace": [
            {"row": x.row, "held": x.held, "fact": x.fact, "asked": x.asked, "was": x.was} for x in looks(table, figures, fired.row)
        ],
        "table": table.digest,
    }


def figures_of(content: bytes) -> tuple[dict[str, Plain], list[str]]:
    """Every fact by name, and which of those that are never unknown were left out. Raises Invalid."""
    try:
        said = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise Invalid(f"The facts are no JSON: {error}") from error
    if not isinstance(said, dict):
        raise Invalid("The facts are no object.", todo="Write names and values, as aftersales rules facts lists them.")
    for name in said:
        if name not in NAMED:
            raise Invalid(f"There is no fact {name[:60]}.", todo="aftersales rules facts lists them.", found=name[:60])
    told = {**_money(said), **{name: value for name, value in said.items() if value is not None}}
    figures = {fact.name: _value(fact, told.get(fact.name)) for fact in FACTS}
    return figures, [fact.name for fact in FACTS if told.get(fact.name) is None and not fact.unknown]


def _money(said: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the amount that was told, in main or minor units; nothing from none."""
    minor: Any = said.get("amount_minor")
    amount: Any = said.get("amount")
    if type(amount) in (int, Decimal) and abs(amount) < 10**12:
        minor = int(amount * 100)
    elif type(minor) is int and abs(minor) < 10**14:
        amount = Decimal(minor) / 100
    else:
        return {}
    worth, merchant = Money(minor, "CNY"), Merchant("")
    return {
        "amount": amount,
        "amount_minor": minor,
        "amount_in_order_currency": amount,
        "amount_is_small": merchant.is_small(worth),
        "amount_needs_two": merchant.needs_two(worth),
        "currency": "CNY",
        "own_currency": True,
    }


def _value(fact: Fact, told: Any) -> Plain:
    if told is None:
        empty: dict[FactType, Plain] = {FactType.YES_NO: False, FactType.WHOLE: 0, FactType.AMOUNT: Decimal(0), FactType.TEXT: ""}
        return None if fact.unknown else fact.values[0] if fact.type is FactType.CHOICE else empty[fact.type]
    kinds: dict[FactType, tuple[type, ...]] = {
        FactType.YES_NO: (bool,), FactType.WHOLE: (int,), FactType.AMOUNT: (int, Decimal)
    }  # fmt: skip
    fits = type(told) in kinds.get(fact.type, (str,))
    value: Plain = Decimal(told) if fits and fact.type is FactType.AMOUNT else told
    fine = not isinstance(value, Decimal) or (value.is_finite() and abs(value) < 10**12 and value == round(value, 3))
    if not fits or not fine or not everything(fact).has(steps(fact, value)):
        raise Invalid(
            f"{fact.name} cannot be {str(told)[:60]!r}.",
            todo=f"It is of the type {fact.type}{': ' + ', '.join(fact.values) if fact.values else ''}.",
            where=fact.name,
        )
    return value


def _facts(args: argparse.Namespace) -> int:
    told = [
        {
            "name": fact.name,
            "type": str(fact.type),
            "unit": fact.unit,
            "values": list(fact.values),
            "unknown": fact.unknown,
            "meaning": {locale: fact.meaning(locale) for locale in ("zh-CN", "en")},
        }
        for fact in FACTS
    ]
    if args.json:
        print(json.dumps({"facts": told}, ensure_ascii=False))
    else:
        print("\n".join(f"{f.name:26}{f.type:8}{'null  ' if f.unknown else '      '}{f.meaning(args.locale)}" for f in FACTS))
    return 0


def _export(args: argparse.Namespace) -> int:
    return _write(args.into, as_xlsx(_read(args.file)))


def _import(args: argparse.Namespace) -> int:
    return _write(args.into, as_jdm(_read(args.file)).encode())


def _default(args: argparse.Namespace) -> int:
    return _write(args.into, standard.FILE.read_bytes())


def _said(found: Checked, locale: str) -> dict[str, Any]:
    problems = [
        {
            "code": problem.code,
            "level": "note" if problem.is_note else "error",
            "row": problem.row,
            "column": problem.column,
            "detail": problem.what(locale),
            "todo": problem.todo(locale),
        }
        for problem in found.problems
    ]
    return {"ok": found.table is not None, "table": found.table.digest if found.table else None, "problems": problems}


def _line(problem: Problem, locale: str) -> str:
    where = " ".join(part for part in (f"row {problem.row}" if problem.row else "", problem.column) if part)
    level = "note" if problem.is_note else "error"
    return f"{level} {problem.code}{' ' if where else ''}{where}: {problem.what(locale)} {problem.todo(locale)}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_READ + 1)
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from error


def _write(path: Path, content: bytes) -> int:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Invalid(f"{path.name} cannot be written: {error.strerror}.") from error
    print(f"{path.name}: {len(content)} bytes")
    return 0
