"""Bodies about batches."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from aftersales.batch import MOST_NAMED, Act
from aftersales.case import Kind, Lane, State
from functions.body import Body, Colleague, Id, Minor, Text, Title, Word


class ChoiceBody(Body):
    """Which of the shop's open cases: those in ``state`` that have all that is said here.

    ``clerk`` is a ``sub``, ``me``, or ``-`` for cases that nobody took. Amounts are included.
    """

    state: State = State.REVIEWING
    kind: Kind | None = None
    vertical: Word = ""
    category: Title = ""
    evidence: Literal["", "none", "waiting", "fine", "doubtful"] = ""
    lane: Lane | None = None
    clerk: Word = ""
    min_minor: Minor = 0
    max_minor: Annotated[int, Meta(ge=1, le=10**12)] | None = None  # 0 would be mistaken for none
    late: bool = False


class BatchBody(Body):
    """One decision over many cases: those of ``ids``, or those of ``choice``.

    ``reason`` is what the other side reads; without one each reads the shop's own words for its case. ``to`` is the ``sub`` of the
    clerk (``me`` for oneself) to whom cases are assigned, with ``take_over`` also those that a colleague has. With ``dry_run``
    nothing is done until its maker says run.
    """

    action: Act
    reason: Text = ""
    ids: Annotated[list[Id], Meta(min_length=1, max_length=MOST_NAMED)] | None = None
    choice: ChoiceBody | None = None
    to: Colleague = ""
    take_over: bool = False
    dry_run: bool = False
