"""Run: the whole system on this machine, seeded when it is new, until Ctrl-C. State survives in the home folder."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from infra.local.client import plain_http
from infra.local.engine import CannotInstall, EngineFailed, EngineLocked
from infra.local.home import DEFAULT, ROOT
from infra.local.photos import NoPhotos, default_folder
from infra.local.seed import is_seeded, seed
from infra.local.system import AlreadyRunning, System, SystemFailed
from infra.local.token import token
from infra.local.walk import ARRIVED, walk

#: How often it is looked whether every part is alive, and how often one may be started again before something is clearly wrong.
LOOK_S, MOST_RESTARTS = 0.5, 5
WALK_TIMEOUT_S = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where it lives and whether it stays."""
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder that keeps everything (default: .local)")
    parser.add_argument("--once", action="store_true", help="start, seed, walk through one claim, and end")


def main(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; with ``--once`` until the walk-through is done."""

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the signature is the signal module's)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"  {time.monotonic() - begun:5.1f} s  {line}", flush=True)

    print(f"starting on {args.home} …", flush=True)
    system = System(args.home, say=say)
    try:
        system.photos = default_folder()
        with system:
            say("database, WeChat Pay's sandbox, API and worker are ready")
            for name in _left_out(system):
                say(f"{name} is broken and left out; `aftersales plugins` says why")
            if not is_seeded(system):
                say("a fresh home: building the mall …")
                seed(system, say)
            if args.once:
                return _walked(system)
            _show(system)
            return _watch(system, say)
    except KeyboardInterrupt:
        print(f"\nended; everything is kept in {system.home.folder}, `make run` goes on with it")
        return 0
    except (AlreadyRunning, CannotInstall, EngineFailed, EngineLocked, NoPhotos, SystemFailed) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


def _left_out(system: System) -> list[str]:
    """What is switched on and does not work, as the running API says it."""
    with plain_http() as http:
        names: list[str] = http.get(f"{system.home.url}/v1/health").raise_for_status().json().get("left_out", [])
    return names


def _show(system: System) -> None:
    """Print the addresses, a token per role, and the walk-through."""
    home = system.home
    script = home.folder / "walk.sh"
    script.write_text(walk(home), encoding="utf-8")
    script.chmod(0o600)  # it holds tokens
    print(f"\n{walk(home)}")
    print("Tokens of shop m1 for 12 hours (`make token ROLE=clerk MERCHANT=m2` prints others):")
    people = (("buyer", "b1"), ("clerk", "clerk-1"), ("approver", "approver-1"), ("admin", "admin-1"))
    for role, sub in (*people, ("platform", "platform-1"), ("integrator", "mall")):
        print(f"  {role:10} {token(home, role, '' if role == 'platform' else 'm1', sub)}")
    print(f"""
  API            {home.url}/v1       (OpenAPI: {home.url}/v1/openapi.json)
  WeChat Pay     {home.sandbox_url}  (what really was paid: {home.truth_url}/truth)
  database       {home.engine_url}  (table {home.table})
  data and logs  {home.folder}  (logs in {home.log})
  local clock    {system.now():%Y-%m-%d %H:%M} UTC; `make tick HOURS=48` moves it: watch silence approve

The commands above are a whole claim, to be pasted into another terminal (also in {script}). Ctrl-C ends everything.
""")


def _walked(system: System) -> int:
    """Run the walk-through as a shell would, and print OK when it arrived."""
    commands = ["bash", "-e", "-o", "pipefail", "-c", walk(system.home)]
    done = subprocess.run(commands, cwd=ROOT, capture_output=True, text=True, timeout=WALK_TIMEOUT_S, check=False)
    print(done.stdout)
    if done.returncode != 0 or ARRIVED not in done.stdout:
        print(f"run: the walk-through did not arrive ({done.returncode}):\n{done.stderr}", file=sys.stderr)
        return 1
    print("OK")
    return 0


def _watch(system: System, say: Callable[[str], None]) -> int:
    """Start again what ended by itself, until that happens too often; Ctrl-C leaves by an exception.

    The worker may end as often as it likes: a photo that it dies of is put aside. One that does not start raises SystemFailed.
    """
    restarts = 0
    while True:
        time.sleep(LOOK_S)
        for part in system.ended():
            restarts += part != "worker"
            if restarts > MOST_RESTARTS:
                print(f"run: the {part} ended again; {system.home.log} says why", file=sys.stderr)
                return 1
            say(f"the {part} ended by itself; starting it again (see {system.home.log / f'{part}.log'})")
            system.restart(part)
