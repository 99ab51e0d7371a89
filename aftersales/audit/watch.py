"""Watch: one call of a stranger's function, with an end, and with what it did to the world while it ran.

For a process that runs nothing else: the end comes as a signal in the main thread where there are such, and an audit hook, once
set, stays. Where there are no such signals, whoever started the process ends it.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

#: One question to a rule; the slowest of ours takes a thousandth of it.
LIMIT_S = 1.0
#: What Python itself reports when somebody opens a file, talks to somebody or starts something (audit events, Python 3.11).
EVENTS = (
    "open",
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.putenv",
    "os.remove",
    "os.listdir",
    "sqlite3.",
    "urllib.",
)

_seen: list[str] = []
_watching = False


class TooSlow(BaseException):
    """The call took longer than LIMIT_S. No Exception, so that the function's own ``except`` does not keep it."""


def install() -> None:
    """Watch what Python reports from now on; once per process."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event.startswith(EVENTS):
        _seen.append(f"{event} {str(arguments[0])[:80] if arguments else ''}".strip())


def watched(call: Callable[[], T], limit_s: float = LIMIT_S) -> tuple[T, tuple[str, ...]]:
    """What ``call`` gives, and what it did beside. Raises TooSlow after ``limit_s``, and whatever it raises."""
    global _watching  # noqa: PLW0603  # the hook cannot be told in another way
    _seen.clear()

    def late(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature is the signal module's
        raise TooSlow

    timed = hasattr(signal, "setitimer")
    before = signal.signal(signal.SIGALRM, late) if timed else None
    if timed:
        signal.setitimer(signal.ITIMER_REAL, limit_s, 0.05)  # again and again, until it lets go
    _watching = True
    try:
        given = call()
    finally:
        _watching = False
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    return given, tuple(dict.fromkeys(_seen))
