"""``aftersales check PACKAGE``: what is wrong with a trade or plugin, by name, with what to do about it.

PACKAGE is the name of a trade or plugin, an installed package, or a folder. 0 when all of it is at least bronze and what it claims,
1 when something has to be put right, 2 when there is no such package.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from aftersales.audit.problem import Problem
from aftersales.audit.subject import find
from aftersales.audit.verdict import LIMIT_S, Verdict, judged
from aftersales.errors import AftersalesError
from aftersales.manifest import Level


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is looked at."""
    parser.add_argument("package", metavar="PACKAGE", help="a trade, plugin or installed package by name, or a folder")
    parser.add_argument("--level", choices=[str(one) for one in Level][1:], help="what it has to reach (default: what it claims)")
    parser.add_argument("--timeout-s", type=float, default=LIMIT_S, help=f"how long it may take (default: {LIMIT_S:.0f})")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print what is wrong; 0 when nothing is."""
    try:
        verdicts = [judged(subject, args.timeout_s) for subject in find(args.package)]
    except AftersalesError as error:
        if args.json:
            print(json.dumps({"code": error.code, "detail": error.message, "todo": error.todo}))
        print(f"aftersales check: {error.message}\n{error.todo}", file=sys.stderr)
        return 2
    least = Level(args.level) if args.level else Level.NONE
    ok = all(one.ok and one.reached.rank >= least.rank for one in verdicts)
    if args.json:
        print(json.dumps({"ok": ok, "checked": [_document(one) for one in verdicts]}, ensure_ascii=False, indent=1))
    else:
        print("\n\n".join(_text(one, least) for one in verdicts))
    return 0 if ok else 1


def _document(verdict: Verdict) -> dict[str, Any]:
    subject = verdict.subject
    return {
        "kind": "vertical" if subject.is_trade else "plugin",
        "name": subject.name,
        "package": subject.package,
        "module": subject.module,
        "ok": verdict.ok,
        "level": {"claimed": verdict.claimed, "reached": verdict.reached},
        "problems": [{**asdict(one), "wrong": one in verdict.wrong} for one in verdict.problems],
        "scenarios": list(verdict.scenarios),
    }


def _text(verdict: Verdict, least: Level) -> str:
    subject = verdict.subject
    kind = "vertical" if subject.is_trade else "plugin"
    lines = [f"{kind} {subject.name}" + (f" of {subject.package}" if subject.package else "")]
    wanted = max(verdict.claimed.rank, least.rank, Level.BRONZE.rank)
    lines += [_line(one, "wrong" if one.blocks.rank <= wanted else f"for {one.blocks}") for one in verdict.problems]
    claimed = f"claims {verdict.claimed}" if verdict.claimed is not Level.NONE else "claims nothing"
    played = f"; {len(verdict.scenarios)} scenarios played" if verdict.scenarios else ""
    lines.append(f"  {claimed}, reaches {verdict.reached}{played}")
    return "\n".join(lines)


def _line(problem: Problem, weight: str) -> str:
    return f"  {weight}: {problem.where}: {problem.what}\n      {problem.todo} [{problem.code}]"
