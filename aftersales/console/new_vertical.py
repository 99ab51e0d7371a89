"""``aftersales new-vertical NAME``: the package of a new trade, which passes its own tests, and what to type next."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aftersales.errors import AftersalesError
from aftersales.scaffold.write import VERTICAL, checked, words, written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the name and the place."""
    parser.add_argument("name", metavar="NAME", help="what orders call the trade, such as jewelry")
    parser.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="where its folder is made (default: here)")


def main(args: argparse.Namespace) -> int:
    """Write it; 2, and nothing written, where the name or the place cannot be."""
    try:
        fill = words(checked(args.name, "verticals"))
        folder = written("vertical", VERTICAL, fill, args.into)
    except (AftersalesError, OSError) as error:
        todo = error.todo if isinstance(error, AftersalesError) else ""
        print(f"aftersales new-vertical: {error} {todo}".rstrip(), file=sys.stderr)
        return 2
    print(f"""wrote {folder}

  cd {folder}
  pip install -e '.[test]'        # makes the trade available; in a checkout: see docs/guide-vertical.md
  pytest                          # its own tests
  aftersales check .              # what is wrong, by name
  aftersales scenario .           # given, expected, got""")
    return 0
