"""Faults on a script: what goes wrong next, at which call, for which refund, how often."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from threading import Lock
from typing import Any


class At(StrEnum):
    """Where a fault strikes."""

    CREATE = "create"
    QUERY = "query"
    NOTICE = "notice"


class Kind(StrEnum):
    """What goes wrong."""

    HANG = "hang"  # the connection is held for ``seconds`` and closed without an answer
    CUT = "cut"  # half of the answer, then the connection ends
    TRICKLE = "trickle"  # the answer byte by byte, spread over ``seconds``
    ERROR = "error"  # ``status``, ``code`` and ``message``
    HTML = "html"  # an error page of a proxy, with ``status``
    WRONG_AMOUNT = "wrong_amount"  # validly signed, ``minor`` in place of the amount
    WRONG_NUMBER = "wrong_number"  # validly signed, about another refund
    OUTCOME = "outcome"  # the refund will end as ``status_text`` (SUCCESS, CLOSED, ABNORMAL) after ``seconds``
    # signatures of answers and notices
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"  # a valid signature, ten minutes old
    SIGNTEST = "signtest"  # the probe that WeChat Pay sends on purpose
    UNSIGNED = "unsigned"
    UNKNOWN_SERIAL = "unknown_serial"
    # notices only
    NONE = "none"  # never sent
    DUPLICATE = "duplicate"
    EARLY = "early"  # before the answer to the create call
    LATE = "late"  # ``seconds`` after it was due
    UNKNOWN_REFUND = "unknown_refund"  # one more, about a refund that never was


SIGNATURES = frozenset({Kind.BAD_SIGNATURE, Kind.STALE, Kind.SIGNTEST, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL})
_NOTICES = SIGNATURES | {Kind.NONE, Kind.DUPLICATE, Kind.EARLY, Kind.LATE, Kind.UNKNOWN_REFUND, Kind.WRONG_AMOUNT}
_ANSWERS = frozenset(Kind) - {Kind.NONE, Kind.DUPLICATE, Kind.EARLY, Kind.LATE, Kind.UNKNOWN_REFUND}
FITS = {At.CREATE: _ANSWERS, At.QUERY: _ANSWERS - {Kind.OUTCOME}, At.NOTICE: _NOTICES}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, for the next ``times`` calls that fit. ``executed``: whether the call is carried out before it goes wrong.

    ``key`` restricts it to one refund number.
    """

    at: At
    kind: Kind
    executed: bool = True
    times: int = 1
    key: str | None = None
    status: int = 500
    code: str = "SYSTEM_ERROR"
    message: str = "系统错误"
    seconds: float = 0.0
    minor: int = 1
    status_text: str = "SUCCESS"

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Fault:
        """The fault in a JSON object with the names above. Raises ValueError for unknown names, kinds and places."""
        unknown = set(said) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {sorted(unknown)}")
        if "at" not in said or "kind" not in said:
            raise ValueError("a fault says at and kind")
        return cls(**{**said, "at": At(said["at"]), "kind": Kind(said["kind"])})

    def __post_init__(self) -> None:
        if self.kind not in FITS[self.at]:
            raise ValueError(f"{self.kind} does not happen at {self.at}")
        if self.status_text not in ("SUCCESS", "CLOSED", "ABNORMAL"):
            raise ValueError(f"a refund does not end as {self.status_text}")


class Script:
    """The faults still to come, taken in the order they were given, from any thread."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(self, *faults: Fault) -> None:
        """Append to the script."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._faults.clear()

    def take(self, at: At, key: str, kinds: Collection[Kind] = frozenset(Kind)) -> Fault | None:
        """Use up the first fault for this call; None when all goes well."""
        with self._lock:
            for i, fault in enumerate(self._faults):
                if fault.at is at and fault.kind in kinds and fault.key in (None, key):
                    if fault.times > 1:
                        self._faults[i] = replace(fault, times=fault.times - 1)
                    else:
                        del self._faults[i]
                    return fault
        return None

    @property
    def left(self) -> int:
        """How many faults were not used up; a test that scripts one checks that it happened."""
        with self._lock:
            return sum(f.times for f in self._faults)
