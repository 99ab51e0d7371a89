"""The command ``aftersales``: the local system's, where there is a checkout of it; elsewhere it says so."""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> int:
    """Run the checkout's command line; 2 where the package was installed by itself, for then there is no system to run."""
    try:
        command = import_module("infra.local.cli")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("infra"):
            raise
        print(
            "aftersales: this command runs the system from a checkout; the package alone is the core to build on.", file=sys.stderr
        )
        return 2
    return int(command.main())
