"""Guard: a trade that raises, loops or answers nonsense hurts only its own cases. They go to a person, with the reason.

A loop is ended from outside: a watching thread raises TooSlow in the thread that runs the rule, again and again until it lets go.
What waits inside the interpreter's own code (a sleep, a regular expression) is ended once it returns from there.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from aftersales.absent import is_absent
from aftersales.decision import Finding, Verdict
from aftersales.money import Money
from aftersales.quote import lowered
from aftersales.redaction import redact
from aftersales.vertical import Facts, Offer, Quote, Rule, Vertical, Watch

T = TypeVar("T")
log = logging.getLogger(__name__)

#: How long one question to a trade may take; the slowest rule of ours takes a thousandth of it.
LIMIT_S = 2.0

#: The reason of a finding that a trade did not give.
BROKEN = "trade.broken"


class TooSlow(BaseException):
    """A trade took longer than LIMIT_S. No Exception, so that a rule's own ``except`` does not keep it."""


class Broke(Exception):
    """A trade gave no answer; ``name`` is of the error that it ended in."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def findings(vertical: Vertical, rules: tuple[Rule, ...], facts: Facts) -> tuple[Finding, ...]:
    """What each rule says; of one that breaks, that a person has to look."""
    return tuple(_finding(vertical, rule, facts) for rule in rules)


def answers(vertical: Vertical, offer: Offer, facts: Facts) -> tuple[Finding, ...]:
    """What all rules of the offer say, and that a person has to look where the trade cannot say what the case is worth."""
    found = findings(vertical, (*offer.when, *offer.rules), facts)
    worth = quote(vertical, offer, facts)
    return (*found, _broke(vertical, "amount", worth.text)) if worth.text == BROKEN else found


def quote(vertical: Vertical, offer: Offer, facts: Facts) -> Quote:
    """What the trade says the case is worth; where it breaks, all that was paid for the pieces, for a person to lower."""
    try:
        return _asked(lambda: _quoted(offer.amount(facts), facts))
    except Broke as broke:
        _tell(vertical, "amount", broke)
        goods, tax = facts.value
        return Quote(*lowered((goods, tax, Money(0, goods.currency)), facts.asked), BROKEN)


def knows(vertical: Vertical, worth: Quote) -> bool:
    """Whether the trade itself said so: one that broke, or is left out, knows no better than what stands."""
    return worth.text != BROKEN and not is_absent(vertical)


def watches(vertical: Vertical, facts: Facts) -> tuple[Watch, ...] | None:
    """What the trade wants to do by itself; None where it breaks: then nobody knows."""
    if vertical.watch is None:
        return ()
    asked = vertical.watch
    try:
        return _asked(lambda: tuple(_watched(w) for w in asked(facts)))
    except Broke as broke:
        _tell(vertical, "watch", broke)
        return None


def within(work: Callable[[], T]) -> T:
    """What ``work`` gives. Raises Broke for anything that it raises, and when it takes longer than LIMIT_S."""
    return _asked(work)


# --- inside -----------------------------------------------------------------------------------------------------------
def _finding(vertical: Vertical, rule: Rule, facts: Facts) -> Finding:
    name = getattr(rule, "__name__", "rule")
    try:
        return _asked(lambda: _found(rule(facts)))
    except Broke as broke:
        _tell(vertical, name, broke)
        return _broke(vertical, name, broke.name)


def _broke(vertical: Vertical, question: str, error: str) -> Finding:
    data = (("error", error), ("question", question))
    return Finding(f"{vertical.name}.{question}", Verdict.UNSURE, BROKEN, confidence=0.0, data=data)


def _found(said: object) -> Finding:
    """The finding. Raises TypeError for what could not be stored, shown or decided on."""
    if not isinstance(said, Finding) or not isinstance(said.verdict, Verdict):
        raise TypeError(f"a rule gives a Finding, not {type(said).__name__}")
    names: tuple[object, ...] = (said.check, said.reason)
    if not all(isinstance(name, str) and name for name in names):
        raise TypeError("a finding names its check and its reason")
    pairs: tuple[object, ...] = said.data
    if not all(isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], str | int | float | bool) for pair in pairs):
        raise TypeError("a finding's data are pairs of a name and a plain value")
    return said


def _quoted(said: object, facts: Facts) -> Quote:
    """The quote. Raises TypeError or ValueError for one that is below nothing, above what was paid, or in another currency."""
    if not isinstance(said, Quote):
        raise TypeError(f"an amount gives a Quote, not {type(said).__name__}")
    parts = (said.goods, said.tax, said.freight, *((said.beyond,) if said.beyond else ()))
    if any(part.minor < 0 or part.currency != facts.order.currency for part in parts):
        raise ValueError("the parts of a quote are whole amounts of the order's currency from 0")
    if said.amount.minor > facts.ledger.paid.minor:
        raise ValueError("a quote is at most what was paid")
    return said


def _watched(said: object) -> Watch:
    """The watch. Raises TypeError for what is none, or is at no certain instant."""
    if not isinstance(said, Watch) or said.due_at.tzinfo is None:
        raise TypeError("a watch is a Watch, at an aware instant")
    return said


def _tell(vertical: Vertical, question: str, broke: Broke) -> None:
    log.error("the trade %s broke at %s: %s %s", vertical.name, question, broke.name, redact(str(broke))[:200])


def _asked(work: Callable[[], T]) -> T:
    """What the trade answers. Raises Broke for anything that it raises, and when it takes too long."""
    timed = _Timed(threading.get_ident(), time.monotonic() + LIMIT_S)
    try:
        _watchdog.begin(timed)
        try:
            return work()
        finally:
            _watchdog.end(timed)
    except (Exception, TooSlow, SystemExit) as error:
        _watchdog.end(timed)  # once more: it may have come while the clock was being stopped
        raise Broke(type(error).__name__, str(error)) from error


@dataclass(eq=False, slots=True)
class _Timed:
    """One question under way in a thread. ``firing``: the watchdog is at it; ``done``: it must not be any more."""

    thread: int
    until: float
    firing: bool = False
    done: bool = False


class _Watchdog:
    """One thread that ends what takes too long, started when it is first needed. No locks: the guarded thread may end anywhere.

    ::

        watchdog: firing = True, not done? raise TooSlow there, firing = False
        guarded:  done = True, wait while firing, take back what is on its way    → nothing reaches it once it has ended
    """

    def __init__(self) -> None:
        self._timed: dict[_Timed, None] = {}
        self._wake, self._rest = threading.Event(), threading.Event()  # nobody sets the second: waiting for it is a rest
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def begin(self, timed: _Timed) -> None:
        if self._thread is None or not self._thread.is_alive():  # not there yet, or left behind by a fork
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._timed.clear()
                    self._thread = threading.Thread(target=self._run, name="guard", daemon=True)
                    self._thread.start()
        self._timed[timed] = None
        self._wake.set()

    def end(self, timed: _Timed) -> None:
        while True:
            try:
                timed.done = True
                self._timed.pop(timed, None)
                while timed.firing:
                    self._rest.wait(0.001)
                _raise_in(timed.thread, None)
            except TooSlow:
                continue
            return

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._timed:
                self._rest.wait(LIMIT_S / 20)
                for timed in tuple(self._timed):
                    self._look(timed)

    def _look(self, timed: _Timed) -> None:
        if timed.until > time.monotonic():
            return
        timed.firing = True
        if not timed.done:
            timed.until += LIMIT_S / 4  # again, if it does not let go
            _raise_in(timed.thread, TooSlow)
        timed.firing = False


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise ``error`` in a thread as soon as it runs Python code; None takes back what was not raised yet."""
    what = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


_watchdog = _Watchdog()
