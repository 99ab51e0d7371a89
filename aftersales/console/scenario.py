"""``aftersales scenario DIR``: the scenarios of a trade, each with what was given, what was expected and what came out.

DIR is the folder of a trade (``verticals/…``), or of a package's project or code, or the name of one that is available. 0 when all
of them end as written, 1 when one does not, 2 when there are none to play.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from typing import Any

from aftersales.audit.play import Run, run
from aftersales.audit.subject import Subject, find, importable
from aftersales.errors import AftersalesError, BadPlugin, NotFound
from aftersales.vertical import Vertical


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder."""
    parser.add_argument("folder", metavar="DIR", help="the folder of a trade or of its package, or its name")
    parser.add_argument("--failed", action="store_true", help="print those only that end otherwise")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print every scenario; 0 when all end as written."""
    try:
        played = {subject.name: run(_trade(subject)) for subject in find(args.folder) if subject.is_trade}
        if not played:
            raise NotFound(f"{args.folder} is no trade.", todo="Name the folder that holds its scenarios.toml.")
    except AftersalesError as error:
        return _refused(args.json, error.code, error.message, error.todo)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _refused(args.json, "invalid", f"scenarios.toml cannot be read: {error}", "Correct it.")
    failed = sum(not one.ok for runs in played.values() for one in runs)
    if args.json:
        print(
            json.dumps(
                {"ok": not failed, "verticals": [_document(name, runs) for name, runs in played.items()]},
                ensure_ascii=False,
                indent=1,
                default=str,
            )
        )
    else:
        for name, runs in played.items():
            print("\n".join([_text(one) for one in runs if not (args.failed and one.ok)]))
            print(f"{name}: {sum(one.ok for one in runs)} of {len(runs)} scenarios end as written")
    return 1 if failed else 0


def _refused(as_json: bool, code: str, detail: str, todo: str) -> int:
    if as_json:
        print(json.dumps({"code": code, "detail": detail, "todo": todo}))
    print(f"aftersales scenario: {detail} {todo}".rstrip(), file=sys.stderr)
    return 2


def _trade(subject: Subject) -> Vertical:
    sys.path[:] = importable(subject)
    try:
        module = import_module(subject.module)
        found = getattr(module, subject.attribute) if subject.attribute else module
    except (Exception, SystemExit) as error:  # it may break in any way while it is imported
        raise BadPlugin(
            f"{subject.module} cannot be imported: {type(error).__name__}: {error}", todo="Run `aftersales check` on it."
        ) from error
    vertical = found if isinstance(found, Vertical) else getattr(found, "VERTICAL", None)
    if not isinstance(vertical, Vertical):
        raise BadPlugin(f"{subject.module} offers no VERTICAL.", todo="Give VERTICAL = Vertical(name=…, …).")
    return vertical


def _document(name: str, runs: tuple[Run, ...]) -> dict[str, Any]:
    scenarios = [{**asdict(one), "ok": one.ok} for one in runs]
    return {
        "vertical": name,
        "passed": sum(one.ok for one in runs),
        "failed": sum(not one.ok for one in runs),
        "scenarios": scenarios,
    }


def _text(one: Run) -> str:
    lines = [f"{'ok' if one.ok else 'NO':4}{one.en}", f"    {one.zh}"]
    lines += [f"    given     {_said(one.given)}", f"    expected  {_said(one.expected)}"]
    lines.append(f"    got       {_said(one.got) if one.got else 'no answer'}")
    return "\n".join([*lines, *(f"    !! {difference}" for difference in one.differences), ""])


def _said(words: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} = {value!r}" if isinstance(value, str) else f"{name} = {_plain(value)}" for name, value in words.items()
    )


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
