"""Verdict: everything that was found about one trade or plugin, the level that is reached, and whether that is what it claims."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from aftersales.audit import paper, static
from aftersales.audit.problem import Problem, in_order, reached
from aftersales.audit.subject import Subject, importable
from aftersales.manifest import Level

#: How long all of it may take; then it hangs somewhere that a signal does not reach.
LIMIT_S = 120.0
_CHILD = "import json, sys; sys.path[:] = json.loads(sys.argv[2]); from aftersales.audit.inside import main; main(sys.argv[1])"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``claimed`` is NONE where there is no manifest. ``scenarios`` are runs as :class:`~aftersales.audit.play.Run` has them."""

    subject: Subject
    claimed: Level
    problems: tuple[Problem, ...]
    scenarios: tuple[Mapping[str, Any], ...] = ()

    @property
    def reached(self) -> Level:
        """The highest level that nothing blocks."""
        return reached(self.problems)

    @property
    def wrong(self) -> tuple[Problem, ...]:
        """What has to be put right: what blocks bronze, and what blocks the level that is claimed."""
        least = max(Level.BRONZE.rank, self.claimed.rank)
        return tuple(one for one in self.problems if one.blocks.rank <= least)

    @property
    def ok(self) -> bool:
        """Whether it is at least bronze, and what it claims."""
        return not self.wrong


def judged(subject: Subject, limit_s: float = LIMIT_S) -> Verdict:
    """The verdict on it; whatever it does happens in a process of its own, which is ended after ``limit_s``."""
    level, found, is_python = read(subject)
    scenarios: tuple[Mapping[str, Any], ...] = ()
    if is_python:
        inside, scenarios = _inside(subject, limit_s)
        found += inside
    return Verdict(subject, level, in_order(found), scenarios)


def read(subject: Subject) -> tuple[Level, list[Problem], bool]:
    """What can be said without running it: the level it claims, what is wrong, and whether all of it is Python."""
    sources, unreadable = static.sources(subject.folder)
    told, found = paper.problems(subject)
    own = static.of_trade(subject, sources) if subject.is_trade else static.of_plugin(subject, sources, told.port if told else "")
    found += [*unreadable, *own, *static.types(sources)]
    return told.level if told else Level.NONE, found, not unreadable


def _inside(subject: Subject, limit_s: float) -> tuple[list[Problem], tuple[Mapping[str, Any], ...]]:
    told = json.dumps(asdict(subject), default=str)
    command = [sys.executable, "-c", _CHILD, told, json.dumps(importable(subject))]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter on our own module
            command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        late = f"it does not end within {limit_s:.0f} s"
        return [Problem("hangs", subject.module, late, "Find the loop; a rule takes microseconds.")], ()
    try:
        said = json.loads(done.stdout)
    except ValueError:
        end = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"status {done.returncode}"]
        return [Problem("dies", subject.module, f"it ends the process: {end[0]}", "Leave the process alone.")], ()
    problems = [replace(Problem(**one), blocks=Level(one["blocks"])) for one in said["problems"]]
    return problems, tuple(said["scenarios"])
