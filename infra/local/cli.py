"""The command ``aftersales``: one sub-command per thing a developer does with the local system.

Each command lives in a module of its own, ``infra.local.<command>`` (``-`` becomes ``_``), that offers
``add_arguments(parser)`` and ``main(args) -> int``. A module is imported only when its command is asked for, so that
``--help`` stays quick and a broken command breaks nobody else's. What integrators do with the package alone is in
:mod:`aftersales.console`.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import cast

from aftersales import command

COMMANDS: dict[str, str] = {
    "run": "start the whole system on this machine, on durable state",
    "demo": "play claims from end to end against the local system",
    "tick": "move the local clock forward",
    "token": "print a token for the local system",
    "call": "send one request to the running local system, as anybody",
    "docs": "write the generated documentation, or check that it is fresh",
    "engine": "install or start the embedded database",
    "options": "what a buyer may ask for of an order, and why not the rest, from a file",
    "quote": "plan refunds of an order, from files",
    "duty": "compute import taxes and what of them comes back, from a file",
    "reconcile": "match a channel's bill against a ledger",
    "verify-photo": "judge the photos of one claim, from a file",
    "tracking": "say how a parcel's number is written, and whether its check digit is right",
    "trace": "is this return real? the check list over what a file tells of one parcel",
    "rules": "a merchant's decision table: check it, run it over facts, list the facts, write it as Excel",
    "read-reason": "read what buyers' words complain of, from a file",
    "bench": "measure what a case costs",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named on the command line and give its status, as shells do: 130 after Ctrl-C, 141 after a closed pipe."""
    return command.run(argv, {**COMMANDS, **command.COMMANDS}, load, "The after-sales system on one machine.")


def load(name: str) -> command.Command | None:
    """Give the module of the command, or None where the checkout has no such file."""
    if name in command.COMMANDS:
        return command.load(name)
    module = f"infra.local.{name.replace('-', '_')}"
    try:
        return cast("command.Command", importlib.import_module(module))
    except ModuleNotFoundError as error:
        if error.name == module:
            return None
        raise  # the module is there, and something it needs is not: that is worth a full report


if __name__ == "__main__":
    sys.exit(main())
