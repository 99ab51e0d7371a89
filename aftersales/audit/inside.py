"""Inside: the part of a check that runs what it looks at, in a process of its own. Prints one JSON document.

What is looked at may print, loop or end the process: the document goes to the file descriptor that was standard output, everything
else to standard error, and whoever started this ends it in time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import Any

from aftersales.audit import adapter, trade, watch
from aftersales.audit.play import Run
from aftersales.audit.problem import Problem
from aftersales.audit.subject import Subject
from aftersales.manifest import Level

#: What loading may cost beyond the core, in seconds of the processor: a cold start pays it.
HEAVY_S = 0.5
#: How long loading may take at all.
LOAD_S = 10.0


def main(told: str) -> None:
    """Look at the subject that the JSON text tells of."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    said = json.loads(told)
    for name in ("folder", "root", "project"):
        said[name] = Path(said[name]) if said[name] else None
    watch.install()
    problems, runs = looked_at(Subject(**said))
    json.dump({"problems": [asdict(one) for one in problems], "scenarios": [asdict(one) for one in runs]}, out, default=str)
    out.close()
    os._exit(0)  # whatever threads it has started: nobody waits for them


def looked_at(subject: Subject) -> tuple[list[Problem], tuple[Run, ...]]:
    """What is wrong with it once it is loaded, and how its scenarios ended."""
    before, begun = set(sys.modules), time.process_time()
    try:
        module, _ = watch.watched(lambda: import_module(subject.module), LOAD_S)
        found: Any = getattr(module, subject.attribute) if subject.attribute else module
    except (Exception, SystemExit, watch.TooSlow) as error:  # noqa: BLE001  # it may break in any way, which is what is looked for
        said = f"it does not end within {LOAD_S:.0f} s" if isinstance(error, watch.TooSlow) else f"{type(error).__name__}: {error}"
        return [
            Problem(
                "import.breaks",
                subject.module,
                f"it cannot be imported: {said}{_line(subject, error)}",
                "Correct it; nothing else was looked at.",
            )
        ], ()
    problems = _weight(subject, time.process_time() - begun, set(sys.modules) - before)
    if not subject.is_trade:
        return [*problems, *adapter.problems(subject, found)], ()
    vertical, wrong = trade.loaded(subject, found)
    problems += wrong
    if vertical is None or any(one.code.startswith("vertical.offer") for one in wrong):
        return problems, ()
    others, runs = trade.problems(subject, vertical)
    return [*problems, *others], runs


def _line(subject: Subject, error: BaseException) -> str:
    """Where in its own code it broke, "" where that is somewhere else."""
    own = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(subject.folder)]
    return f" ({Path(own[-1].filename).relative_to(subject.folder)}:{own[-1].lineno})" if own else ""


def _weight(subject: Subject, seconds: float, modules: set[str]) -> list[Problem]:
    own = subject.module.partition(".")[0]
    tops = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) - {own, "aftersales"}
    strange = sorted(top for top in tops if not top.startswith("_"))
    found = []
    if strange:
        blocks = Level.BRONZE if subject.is_trade else Level.SILVER
        todo = "A trade needs the core only." if subject.is_trade else "Import them inside the function that needs them."
        found.append(Problem("import.heavy", subject.module, f"loading it loads {', '.join(strange)}", todo, blocks))
    if seconds > HEAVY_S:
        said = f"loading it takes {seconds:.1f} s of the processor"
        found.append(Problem("import.slow", subject.module, said, f"Stay below {HEAVY_S} s: do the work when it is asked for."))
    return found
