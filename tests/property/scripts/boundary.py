"""Boundaries: every call to the store or to a channel has one before and one behind it, and there everything may happen.

The process dies there, somebody else's work is done in the middle of ours, or another worker goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from threading import Semaphore, Thread, current_thread
from typing import Any

#: What is watched, and which of its calls; a plugin may lack one.
CALLS = {
    "store": ("order", "case", "find", "commit"),
    "wechatpay": ("refund", "find", "notice", "redirect"),
    "alipay": ("refund", "find", "notice"),
    "stripe": ("refund", "find", "notice"),
    "unionpay": ("refund", "find", "notice"),
    "balance": ("refund", "find"),
    "gate": ("enter", "leave"),
    "wire": ("call",),
}
#: Every boundary, as ``store.commit before``.
ALL = tuple(f"{name}.{call} {when}" for name, calls in CALLS.items() for call in calls for when in ("before", "behind"))


class Died(BaseException):
    """The process died here. No use case may catch it: what it had not stored by now never happens."""


class Boundaries:
    """What happens at the boundaries to come, and who goes on there.

    A happening is ``(where, what)``: ``where`` counts boundaries from here on, or names one. It happens once, and then the next one
    is waited for.
    """

    def __init__(self, died: Callable[[str], None]) -> None:
        self._died = died
        self._next: list[tuple[int | str, Callable[[], None] | None]] = []
        self._duet: _Duet | None = None
        self.crossed = 0

    def expect(self, happenings: Sequence[tuple[int | str, Callable[[], None] | None]]) -> None:
        """These happen, one after another; None is death."""
        self._next = list(happenings)

    def cross(self, name: str) -> None:
        """One boundary."""
        self.crossed += 1
        if self._duet is not None:
            self._duet.hand_over()
        if not self._next:
            return
        where, what = self._next[0]
        if isinstance(where, int) and where > 0:
            self._next[0] = (where - 1, what)
        elif where in (name, 0):
            del self._next[0]
            if what is None:
                self._died(name)
                raise Died(name)
            what()

    def together(self, works: Sequence[Callable[[], Any]], order: Random) -> None:
        """Several workers at once: at each boundary ``order`` draws who goes on. One that died leaves the others."""
        self._duet = _Duet(order)
        try:
            self._duet.run(works)
        finally:
            self._duet = None


class Watched:
    """``inner`` with a boundary before and behind each of its calls."""

    def __init__(self, name: str, inner: Any, boundaries: Boundaries) -> None:
        self._name, self._inner, self._boundaries = name, inner, boundaries

    def __getattr__(self, call: str) -> Any:
        found = getattr(self._inner, call)
        if call not in CALLS[self._name]:
            return found

        def between(*given: Any, **named: Any) -> Any:
            self._boundaries.cross(f"{self._name}.{call} before")
            try:
                return found(*given, **named)
            finally:
                self._boundaries.cross(f"{self._name}.{call} behind")

        return between


class _Duet:
    """Workers in threads of which exactly one runs at any time: the same draw gives the same course."""

    def __init__(self, order: Random) -> None:
        self._order, self._turn = order, Semaphore(0)
        self._may: dict[Thread, Semaphore] = {}
        self._errors: list[BaseException] = []

    def run(self, works: Sequence[Callable[[], Any]]) -> None:
        threads = [Thread(target=self._work, args=(work,), daemon=True) for work in works]
        self._may = {thread: Semaphore(0) for thread in threads}
        for thread in threads:
            thread.start()
        while alive := [thread for thread in threads if thread in self._may]:
            self._may[self._order.choice(alive)].release()
            self._turn.acquire()
        for thread in threads:
            thread.join()
        for error in self._errors:
            raise error

    def hand_over(self) -> None:
        """At a boundary: whoever is drawn goes on."""
        mine = self._may.get(current_thread())
        if mine is not None:
            self._turn.release()
            mine.acquire()

    def _work(self, work: Callable[[], Any]) -> None:
        me = current_thread()
        self._may[me].acquire()
        try:
            work()
        except Died:
            pass
        except BaseException as error:  # noqa: BLE001 (whatever it is, whoever started the workers hears of it)
            self._errors.append(error)
        finally:
            del self._may[me]
            self._turn.release()
