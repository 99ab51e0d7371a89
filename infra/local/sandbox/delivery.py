"""What all providers' notices have in common: a thread that delivers what is due, again on a schedule, and spoils it on a script.

A provider's ``Notifier`` says what is its own: the schedule, what a notice looks like, how it is signed and what counts as taken.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from threading import Event, Lock, Thread
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from infra.local.sandbox.fault import At, Fault, Kind, Script
from infra.local.sandbox.loopback import ANSWER_WITHIN_S

#: A row of the books: at least ``id``, ``tries``, ``next_at`` and ``state``, which says ``pending`` while it is to be tried.
Notice = dict[str, Any]

_PUT_OFF = frozenset({Kind.NONE, Kind.LATE, Kind.REORDERED})
_UPFRONT = _PUT_OFF | {Kind.DUPLICATE, Kind.UNKNOWN_REFUND}


class Books(Protocol):
    """What delivering needs of a provider's books."""

    #: The sandbox's time, in seconds since 1970.
    now: Callable[[], float]

    def end_due(self) -> float | None:
        """End what is due. Gives the instant at which more will be; None when nothing is in progress."""

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far a notice is: its ``tries``, ``next_at`` and ``state``."""


B = TypeVar("B", bound=Books)
D = TypeVar("D")


class Deliverer(ABC, Generic[B, D]):
    """Does what is due in the books ``B`` and delivers notices, in a thread of its own; each try leaves a ``D``."""

    #: Seconds before each further try, times ``retry_scale``.
    retries_s: ClassVar[tuple[int, ...]]
    #: What the script may spoil in a notice.
    spoils: ClassVar[frozenset[Kind]]
    #: A receiver that takes longer has not answered.
    answer_within_s: ClassVar[float] = ANSWER_WITHIN_S

    def __init__(self, name: str, book: B, script: Script, retry_scale: float) -> None:
        self._book, self._script, self._scale = book, script, retry_scale
        self._wake, self._stopped, self._lock = Event(), Event(), Lock()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self.deliveries: list[D] = []

    def start(self) -> None:
        """Begin delivering."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the try under way."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(self.answer_within_s + 1)

    def wake(self) -> None:
        """Something new is due, or the clock was moved."""
        self._wake.set()

    def step(self) -> float | None:
        """Do everything that is due. Gives the seconds until there is more to do; None when nothing waits."""
        with self._lock:
            due = [self._book.end_due()]
            for notice in self._waiting():
                if notice["next_at"] <= self._book.now() and not self._stopped.is_set():
                    self._try(notice)
                if notice["state"] == "pending":
                    due.append(notice["next_at"])
            return self._until(due)

    # --- a provider's own -------------------------------------------------------------------------------------------------
    @abstractmethod
    def _waiting(self) -> Iterable[Notice]:
        """The notices that are pending and not held back, the next one first."""

    @abstractmethod
    def _number(self, notice: Notice) -> str:
        """The number of the refund it is about, by which the script knows it."""

    @abstractmethod
    def _send(self, notice: Notice, fault: Fault | None) -> bool:
        """Make it, sign it, deliver it and note that; whether the receiver took it."""

    @abstractmethod
    def _hold(self, notice: Notice) -> None:
        """Keep it back until another one was tried: it is not ``pending`` any more, or its ``next_at`` lies ahead."""

    @abstractmethod
    def _let_go(self) -> None:
        """One was tried: what it had to overtake may go now."""

    # --- the same for all -------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        while not self._stopped.is_set():
            wait = self.step()
            self._wake.wait(wait)
            self._wake.clear()

    def _until(self, due: Iterable[float | None]) -> float | None:
        soonest = min((at for at in due if at is not None), default=None)
        return None if soonest is None else max(soonest - self._book.now(), 0.0)

    def _try(self, notice: Notice) -> None:
        now = self._book.now()  # before anybody can hear of the try, and move the clock for it
        number = self._number(notice)
        upfront = self._script.take(At.NOTICE, number, _UPFRONT) if notice["tries"] == 0 else None
        kind = upfront.kind if upfront is not None else None
        if upfront is not None and kind in _PUT_OFF:
            self._put_off(notice, upfront, now)
            return
        if kind is Kind.UNKNOWN_REFUND:
            self._send(notice, upfront)
        accepted = self._send(notice, self._script.take(At.NOTICE, number, self.spoils))
        if kind is Kind.DUPLICATE:
            self._send(notice, upfront)
        self._tried(notice, now, accepted=accepted)
        self._let_go()

    def _put_off(self, notice: Notice, fault: Fault, now: float) -> None:
        """Keep a notice back: until another one was tried, for a while, or for good."""
        if fault.kind is Kind.REORDERED:
            self._hold(notice)
            return
        late = {"tries": 1, "next_at": now + fault.seconds}
        notice |= late if fault.kind is Kind.LATE else {"state": "dropped"}
        self._book.put_notice(notice)

    def _tried(self, notice: Notice, now: float, *, accepted: bool) -> None:
        """Note one more try, and when the next one is due."""
        tries = notice["tries"] + 1
        if accepted or tries > len(self.retries_s):
            notice |= {"tries": tries, "state": "acknowledged" if accepted else "given up"}
        else:
            next_at = now + self.retries_s[tries - 1] * self._scale
            notice |= {"tries": tries, "state": "pending", "next_at": next_at}
        self._book.put_notice(notice)
