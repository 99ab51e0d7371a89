"""The embedded database: a DynamoDB-compatible engine on loopback, durable on disk or in memory for tests.

``install()`` fetches it once; ``Engine`` runs it as a child process that never outlives its parent. Which engine it is:

1. ``DYNAMODB_ENDPOINT``, where it is set: nothing is installed or started, the endpoint is used as it is;
2. dynoxide: SQLite on disk, every acknowledged write survives a kill;
3. ministack, where dynoxide cannot be had: atomic as well, but it writes to disk only when it is stopped in order.

``client`` holds what both lack beside AWS (deletion of expired items) and what loading and backing up need.
"""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from infra.local.engine.client import (
    backup,
    check_table_name,
    dynamodb_client,
    seed,
    streams_client,
    sweep_expired,
)
from infra.local.engine.installation import CannotInstall, Installed, NotGenuine, install, installed
from infra.local.engine.process import DATABASE, Engine, EngineFailed, EngineLocked, endpoint_given

__all__ = [
    "DATABASE",
    "CannotInstall",
    "Engine",
    "EngineFailed",
    "EngineLocked",
    "Installed",
    "NotGenuine",
    "backup",
    "check_table_name",
    "dynamodb_client",
    "endpoint_given",
    "install",
    "installed",
    "seed",
    "streams_client",
    "sweep_expired",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``install``, ``start`` and ``backup``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("install", help="fetch the engine once, and check that it is genuine")
    start = actions.add_parser("start", help="run the engine in the foreground until Ctrl-C")
    start.add_argument("--data", type=Path, default=None, help="folder that keeps the data (default: in memory only)")
    start.add_argument("--port", type=int, default=0, help="port on loopback (default: a free one)")
    copy = actions.add_parser("backup", help="copy the data, also while the engine runs")
    copy.add_argument("--data", type=Path, required=True, help="folder that keeps the data")
    copy.add_argument("target", type=Path, help="file to write")


def main(args: argparse.Namespace) -> int:
    """Do what was asked for and give the exit status."""
    try:
        match args.action:
            case "install":
                install()
            case "start":
                serve(args.data, args.port)
            case "backup":
                backup(args.data / DATABASE, args.target)
                print(f"copied to {args.target}")
    except (CannotInstall, NotGenuine, EngineFailed, EngineLocked, FileNotFoundError) as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    return 0


def serve(data: Path | None, port: int) -> None:
    """Run the engine until Ctrl-C or SIGTERM; its end by itself is an error."""

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the signature is the signal module's)
        raise KeyboardInterrupt

    if given := endpoint_given():
        print(f"DYNAMODB_ENDPOINT is set: {given} is the database, and nothing is started")
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        with Engine(data, port) as engine:
            print(f"database on {engine.endpoint} ({'in memory' if data is None else data}); Ctrl-C ends it", flush=True)
            engine.wait()
    except KeyboardInterrupt:
        return
    raise EngineFailed("the engine ended by itself; its log says more")
