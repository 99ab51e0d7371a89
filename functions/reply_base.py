"""Reply base: what every answer is made of: a view, a known failure, what one check saw."""

from __future__ import annotations

from msgspec import Struct

from aftersales.decision import Source, Verdict
from aftersales.failure import Failure


class View(Struct):
    """What a client gets."""


class FailureView(View):
    """One of the nine known failures in the reader's words: what is wrong, and the next step. ``passes``: it passes by itself."""

    code: Failure
    text: str
    next: str
    passes: bool


class FindingView(View):
    """What one check saw; ``next`` is what would do, where the check says so."""

    check: str
    verdict: Verdict
    reason: str
    text: str
    source: Source
    confidence: float
    data: dict[str, str | int | float | bool]
    regions: list[list[tuple[float, float]]]
    failure: FailureView | None
    next: str = ""
