"""The sandbox as a process of its own, which never outlives the one that started it."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import signal
import sys
import threading
from pathlib import Path

from aftersales import redaction
from infra.local.sandbox import LooksReal, Sandbox

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or the parent's end; 2 when it refuses to start."""
    args = _arguments().parse_args(argv)
    redaction.install()
    end_with_parent()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        sandbox = Sandbox(
            args.data,
            host=args.host,
            port=args.port,
            truth_port=args.truth_port,
            delay_s=args.delay_s,
            gap_s=args.gap_s,
            retry_scale=args.retry_scale,
            limited=args.limited,
        )
        for name, reason in sandbox.all().items():
            print(f"sandbox: {name} does not play: {reason}", file=sys.stderr)
    except (LooksReal, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    with sandbox:
        keys = str(sandbox.keys.folder) if sandbox.keys.folder is not None else None
        urls = {"base_url": sandbox.base_url, "truth_url": sandbox.truth_url}
        played = {"providers": sorted(sandbox.playing), "broken": sandbox.broken}
        print(json.dumps({**urls, **played, "mchid": sandbox.keys.mchid, "keys": keys}), flush=True)
        ended.wait()
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.sandbox", description="Payment providers on loopback, for development."
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="where the API listens (0: a free port)")
    parser.add_argument("--truth-port", type=int, default=0, help="where the truth and the levers listen (0: a free port)")
    parser.add_argument("--data", type=Path, default=None, help="folder that keeps keys and books (none: in memory)")
    parser.add_argument("--delay-s", type=float, default=0.0, help="how long a refund is in processing")
    parser.add_argument(
        "--gap-s", type=float, default=None, help="least time between two refunds of one payment (none: as the provider has it)"
    )
    parser.add_argument("--retry-scale", type=float, default=1.0, help="factor on the schedules of notices")
    parser.add_argument("--limited", action="store_true", help="refuse calls above the providers' rate limits")
    return parser


def end_with_parent() -> None:
    """Ask the kernel to end this process with the thread that started it; elsewhere than on Linux, watch the parent instead."""
    parent = os.getppid()
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before the kernel knew
            os._exit(1)
        return

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(1)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
