"""Many scripts at once, or one of them again.

``python -m tests.property.scripts.soak --scripts 50000``, and ``--seed 31 --steps 0,4`` for some steps of one.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context

from tests.property.scripts.channel import Channels
from tests.property.scripts.plan import Plan, drawn
from tests.property.scripts.play import Makes, play
from tests.property.scripts.tally import Tally
from tests.property.scripts.world import World

#: So many scripts are handed to a process at once.
CHUNK = 250


def error_of(plan: Plan, channels: Channels, tally: Tally, makes: Makes = World) -> str:
    """What is wrong when this plan is played; "" when nothing is."""
    try:
        play(plan, channels, tally, makes)
    except Exception as error:  # noqa: BLE001 (whatever breaks is told with its seed)
        return f"{type(error).__name__}: {error}"
    return ""


def shortest(plan: Plan, channels: Channels, makes: Makes = World) -> tuple[list[int], str]:
    """The steps without which nothing is wrong any more, and what is wrong with them."""
    kept, error = list(range(len(plan.steps))), error_of(plan, channels, Tally(), makes)
    for n in reversed(range(len(plan.steps))):
        fewer = [i for i in kept if i != n]
        if found := error_of(plan.only(fewer), channels, Tally(), makes):
            kept, error = fewer, found
    return kept, error


def told(seed: int, channels: Channels, makes: Makes = World) -> str:
    """A failure with the shortest command that shows it again."""
    plan = drawn(seed)
    kept, error = shortest(plan, channels, makes)
    steps = ",".join(map(str, kept))
    lines = [f"seed {seed}: {error}", *(f"  {i}: {plan.steps[i]}" for i in kept)]
    return "\n".join([*lines, f"  .venv/bin/python -m tests.property.scripts.soak --seed {seed} --steps {steps}"])


def played(seeds: range) -> tuple[Tally, list[str]]:
    """The tally of these scripts, and the failures of the first few that failed."""
    tally, wrong = Tally(), []
    with quiet():
        for seed in seeds:
            if error_of(drawn(seed), _channels(), tally):
                wrong.append(told(seed, _channels()))
                if len(wrong) > 5:
                    break
    return tally, wrong


@contextmanager
def quiet() -> Iterator[None]:
    """Thousands of lost answers and refused notices are no news here."""
    loggers = [logging.getLogger(name) for name in ("functions", "plugins")]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger in loggers:
            logger.setLevel(logging.NOTSET)


@cache
def _channels() -> Channels:
    return Channels()


def _many(scripts: int, first: int, processes: int) -> int:
    began, tally, wrong = time.monotonic(), Tally(), []
    chunks = [range(n, min(n + CHUNK, first + scripts)) for n in range(first, first + scripts, CHUNK)]
    print(f"{scripts:,} scripts from seed {first} on, in {processes} processes …", flush=True)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for found, failures in pool.map(played, chunks):
            tally.add(found)
            wrong += failures
    print(tally.table())
    print(f"\n{time.monotonic() - began:.0f} s; {len(wrong)} failed")
    if never := tally.never():
        print("never happened:", ", ".join(never))
    for each in wrong[:20]:
        print(each)
    return 1 if wrong else 0


def _one(seed: int, steps: str) -> int:
    plan = drawn(seed)
    if steps:
        plan = plan.only([int(n) for n in steps.split(",")])
    print(plan.orders, *plan.steps, sep="\n")
    tally = Tally()
    error = error_of(plan, _channels(), tally)
    print(error or tally.table())
    return 1 if error else 0


def main(said: list[str] | None = None) -> int:
    """Play what is asked for; 1 when something is wrong."""
    asked = argparse.ArgumentParser(prog="soak", description="Random fault scripts, judged by the providers' own books.")
    asked.add_argument("--scripts", type=int, default=2_000)
    asked.add_argument("--first", type=int, default=0, help="the first seed; -1: other ones each time")
    asked.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--seed", type=int, help="only this one, with what is logged on the way")
    asked.add_argument("--steps", default="", help="of it only these, as 0,3,4")
    given = asked.parse_args(said)
    if given.seed is not None:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        return _one(given.seed, given.steps)
    return _many(given.scripts, int(time.time()) * 1_000 if given.first < 0 else given.first, given.processes)


if __name__ == "__main__":
    sys.exit(main())
