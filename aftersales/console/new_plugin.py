"""``aftersales new-plugin NAME --port PORT``: the package of a new plugin, which passes the contract kit of its port."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aftersales.errors import AftersalesError
from aftersales.scaffold.plugin import filled, ports, shape_of
from aftersales.scaffold.write import checked, written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the name, the port and the place."""
    parser.add_argument("name", metavar="NAME", help="what the stage file calls the plugin, such as gem_certificates")
    parser.add_argument("--port", required=True, metavar="PORT", help=f"what it is for: {', '.join(ports())}")
    parser.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="where its folder is made (default: here)")


def main(args: argparse.Namespace) -> int:
    """Write it; 2, and nothing written, where the name, the port or the place cannot be."""
    try:
        kit, shape = shape_of(args.port)
        folder = written("plugin", shape.places, filled(checked(args.name, "plugins"), kit, shape), args.into)
    except (AftersalesError, OSError) as error:
        todo = error.todo if isinstance(error, AftersalesError) else ""
        print(f"aftersales new-plugin: {error} {todo}".rstrip(), file=sys.stderr)
        return 2
    print(f"""wrote {folder}

  cd {folder}
  pip install -e '.[test]'        # makes the plugin available
  pytest                          # the contract kit of the port {kit.port}
  aftersales check .              # what is wrong, by name

README.md has the lines of the stage file that switch it on.""")
    return 0
