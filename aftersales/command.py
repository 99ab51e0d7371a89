"""The command ``aftersales``: what an integrator does with this package alone, and, in a checkout, the whole system besides.

Each command lives in a module of its own that offers ``add_arguments(parser)`` and ``main(args) -> int``; it is imported only when
its command is asked for, so that ``--help`` stays quick and a broken command breaks nobody else's.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from aftersales import redaction

#: The commands of the package itself, ``aftersales.console.<command>`` (``-`` becomes ``_``).
COMMANDS: dict[str, str] = {
    "new-vertical": "write the package of a new trade, with rules, texts, scenarios and tests that pass",
    "new-plugin": "write the package of a new plugin, with a fake, tests and the port's contract kit",
    "check": "say by name what is wrong with a trade or plugin, and what to do",
    "scenario": "play the scenarios of a trade: given, expected, got",
    "plugins": "list what is available, active and broken, with its level",
    "activate": "switch a trade on in a stage file",
}


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's own arguments."""

    def main(self, args: argparse.Namespace) -> int:
        """Do it and give the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checkout's command line where this is one; else the commands of the package."""
    try:
        checkout = import_module("infra.local.cli")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("infra"):
            raise
        words = list(sys.argv[1:] if argv is None else argv)
        if words and not words[0].startswith("-") and words[0] not in COMMANDS:
            print(
                f"aftersales: {words[0]!r} is no command of the package alone; what runs the system needs a checkout.",
                file=sys.stderr,
            )
            return 2
        epilog = "Commands that run the system need a checkout of it; the package alone is the core to build on."
        return run(argv, COMMANDS, load, "What integrators do with the after-sales core.", epilog)
    return int(checkout.main(argv))


def run(
    argv: Sequence[str] | None,
    commands: Mapping[str, str],
    find: Callable[[str], Command | None],
    description: str,
    epilog: str = "",
) -> int:
    """Run the command named on the command line and give its status, as shells do: 130 after Ctrl-C, 141 after a closed pipe."""
    redaction.install()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what is said is seen at once, also through a pipe or in a file
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="aftersales", description=description, epilog=epilog)
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {name: choices.add_parser(name, help=text, description=text) for name, text in commands.items()}

    command: Command | None = None
    if words and words[0] in commands:
        command = find(words[0])
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
    """The module of a command of the package, None where it has no such command."""
    return cast("Command", import_module(f"aftersales.console.{name.replace('-', '_')}")) if name in COMMANDS else None
