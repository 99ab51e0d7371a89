"""Problem: one thing that is wrong, where, and what to do. ``blocks`` is the lowest level that cannot be reached with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aftersales.manifest import Level


@dataclass(frozen=True, slots=True)
class Problem:
    """``code`` is stable (``texts.missing``); ``where`` a file, key, rule or scenario."""

    code: str
    where: str
    what: str
    todo: str
    blocks: Level = Level.BRONZE


def reached(problems: Iterable[Problem]) -> Level:
    """The highest level that nothing blocks."""
    lowest = min((problem.blocks.rank for problem in problems), default=len(Level))
    return list(Level)[max(0, lowest - 1)]


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The same, each once, what blocks the lowest level first."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.blocks.rank, p.code, p.where)))
