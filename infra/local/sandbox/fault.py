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
    ORDER = "order"  # the query of a payment
    REDIRECT = "redirect"  # a refund sent to another account
    BILL = "bill"  # where the file of a day is
    FILE = "file"  # the file itself
    LOCK = "lock"  # of what was sold; likewise
    VOID = "void"
    UNLOCK = "unlock"


class Kind(StrEnum):
    """What goes wrong."""

    HANG = "hang"  # the connection is held for ``seconds`` and closed without an answer
    CUT = "cut"  # half of the answer, then the connection ends
    TRICKLE = "trickle"  # the answer byte by byte, spread over ``seconds``
    ERROR = "error"  # ``status``, ``code`` and ``message``
    HTML = "html"  # an error page of a proxy, with ``status``
    WRONG_AMOUNT = "wrong_amount"  # validly signed, ``minor`` in place of the amount
    WRONG_NUMBER = "wrong_number"  # validly signed, about another refund
    OUTCOME = "outcome"  # the refund will end as ``status_text`` after ``seconds``
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
    REORDERED = "reordered"  # the next two change places
    UNKNOWN_REFUND = "unknown_refund"  # one more, about a refund that never was
    # files of a day
    NOT_READY = "not_ready"
    EXPIRED = "expired"  # its address is not valid any more
    WRONG_DIGEST = "wrong_digest"
    MISSING_ROW = "missing_row"
    EXTRA_ROW = "extra_row"
    WRONG_ROW = "wrong_row"  # ``minor`` in place of the amount of a row, the summary as it was


SIGNATURES = frozenset({Kind.BAD_SIGNATURE, Kind.STALE, Kind.SIGNTEST, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL})
_WIRE = frozenset({Kind.HANG, Kind.CUT, Kind.TRICKLE, Kind.ERROR, Kind.HTML})
_SOUND = _WIRE | SIGNATURES | {Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER}
_ROWS = frozenset({Kind.MISSING_ROW, Kind.EXTRA_ROW, Kind.WRONG_ROW})
_NOTICES = SIGNATURES | {
    Kind.NONE, Kind.DUPLICATE, Kind.EARLY, Kind.LATE, Kind.REORDERED, Kind.UNKNOWN_REFUND, Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER,
}  # fmt: skip

#: What can go wrong where, at any provider; each provider honours what makes sense for it.
FITS: dict[At, frozenset[Kind]] = {
    At.CREATE: _SOUND | {Kind.OUTCOME},
    At.QUERY: _SOUND,
    At.NOTICE: _NOTICES,
    At.ORDER: _SOUND,
    At.REDIRECT: _SOUND | {Kind.OUTCOME},
    At.BILL: _WIRE | SIGNATURES | _ROWS | {Kind.NOT_READY, Kind.WRONG_DIGEST},
    At.FILE: _WIRE | {Kind.EXPIRED},
    At.LOCK: _SOUND,
    At.VOID: _SOUND,
    At.UNLOCK: _SOUND,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, for the next ``times`` calls that fit. ``executed``: whether the call is carried out before it goes wrong.

    ``key`` restricts it to one refund number. ``status_text`` is a word of the provider's.
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


class Script:
    """One provider's faults still to come, taken in the order they were given, from any thread.

    ``outcomes``: how its refunds can end; a provider says it when it is built, and :meth:`add` refuses others. Empty: anyhow.
    """

    def __init__(self) -> None:
        self.outcomes: frozenset[str] = frozenset()
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(self, *faults: Fault) -> None:
        """Append to the script. Raises ValueError for an outcome that the provider does not have."""
        for fault in faults:
            if fault.kind is Kind.OUTCOME and self.outcomes and fault.status_text not in self.outcomes:
                raise ValueError(f"a refund does not end as {fault.status_text}")
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
