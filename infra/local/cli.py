"""The command ``aftersales``: one sub-command per thing a developer does with the local system.

Each command lives in a module of its own, ``infra.local.<command>`` (``-`` becomes ``_``), that offers
``add_arguments(parser)`` and ``main(args) -> int``. A module is imported only when its command is asked for, so that
``--help`` stays quick and a broken command breaks nobody else's.
"""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from aftersales import redaction

COMMANDS: dict[str, str] = {
    "run": "start the whole system on this machine, on durable state",
    "demo": "play claims from end to end against the local system",
    "tick": "move the local clock forward",
    "token": "print a token for the local system",
    "docs": "write the generated documentation, or check that it is fresh",
    "engine": "install or start the embedded database",
    "quote": "plan refunds of an order, from files",
    "duty": "compute import taxes and what of them comes back, from a file",
    "reconcile": "match a channel's bill against a ledger",
    "verify-photo": "judge the photos of one claim, from a file",
    "read-reason": "read what buyers' words complain of, from a file",
    "bench": "measure what a case costs",
}


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's own arguments."""

    def main(self, args: argparse.Namespace) -> int:
        """Do it and give the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named on the command line and give its status, as shells do: 130 after Ctrl-C, 141 after a closed pipe."""
    redaction.install()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what is said is seen at once, also through a pipe or in a file
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="aftersales", description="The after-sales system on one machine.")
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {name: choices.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}

    command: Command | None = None
    if words and words[0] in COMMANDS:
        command = load(words[0])
        if command is None:
            print(f"aftersales: this checkout has no command {words[0]!r} (infra/local/{words[0]}.py)", file=sys.stderr)
            return 2
        command.add_arguments(parsers[words[0]])
    args = parser.parse_args(words)
    assert command is not None  # parse_args leaves by itself when no known command was given
    try:
        return command.main(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads has enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is flushed at the end goes nowhere
        return 141


def load(name: str) -> Command | None:
    """Give the module of the command, or None where the checkout has no such file."""
    module = f"infra.local.{name.replace('-', '_')}"
    try:
        return cast("Command", importlib.import_module(module))
    except ModuleNotFoundError as error:
        if error.name == module:
            return None
        raise  # the module is there, and something it needs is not: that is worth a full report


if __name__ == "__main__":
    sys.exit(main())
