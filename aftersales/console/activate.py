"""``aftersales activate NAME``: switches a trade on in a stage file. What else stands there, comments too, stays as it is.

The trade has to be available and sound enough to be loaded; `--off` switches it off again.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tomllib
from pathlib import Path

from aftersales import offered
from aftersales.console.plugins import STAGE
from aftersales.errors import AftersalesError, BadSettings

_LIST = re.compile(r"(?ms)^\[verticals\]\s*$.*?^active\s*=\s*\[(?P<names>[^\]]*)\]")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the trade and the stage."""
    parser.add_argument("name", metavar="NAME", help="the trade")
    parser.add_argument("--stage", type=Path, help=f"the stage file ($AFTERSALES_STAGE, else {STAGE.as_posix()})")
    parser.add_argument("--off", action="store_true", help="switch it off")


def main(args: argparse.Namespace) -> int:
    """Rewrite the list; 0 when the trade is (not) in it now, 2 when that cannot be."""
    path = args.stage or Path(os.environ.get("AFTERSALES_STAGE", STAGE))
    try:
        if not args.off:
            offered.vertical(args.name)
        text = path.read_text(encoding="utf-8")
        changed = switched(text, args.name, on=not args.off)
    except AftersalesError as error:
        print(f"aftersales activate: {error.message} {error.todo}".rstrip(), file=sys.stderr)
        return 2
    except OSError as error:
        print(f"aftersales activate: {path} cannot be read: {error.strerror}. Name a stage file with --stage.", file=sys.stderr)
        return 2
    if changed != text:
        path.write_text(changed, encoding="utf-8")
    print(f"{args.name} is {'off' if args.off else 'active'} in {path}")
    return 0


def switched(text: str, name: str, *, on: bool) -> str:
    """The stage file with the trade last in ``[verticals] active``, or out of it. Raises BadSettings where that is no list."""
    try:
        before = tomllib.loads(text).get("verticals", {}).get("active")
    except ValueError as error:
        raise BadSettings(f"The stage file cannot be read: {error}") from error
    found = _LIST.search(text)
    if not isinstance(before, list) or found is None:
        raise BadSettings("The stage file has no list of active trades.", todo='Add [verticals] with active = ["general"].')
    if (name in before) is on:
        return text
    after = [*before, name] if on else [one for one in before if one != name]
    names = ", ".join(f'"{one}"' for one in after)
    changed = text[: found.start("names")] + names + text[found.end("names") :]
    assert tomllib.loads(changed)["verticals"]["active"] == after
    return changed
