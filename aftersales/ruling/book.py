"""Book: which version of a merchant's rules is in force when. Versions never change; this list alone is written anew.

A later version takes the place of all before it from its instant on: one that was planned for a later day and overtaken by a newer
version never comes into force.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

#: Of so many versions the instants are kept here; a case from before all of them is judged by the oldest of these.
MOST_MARKS = 200

#: The version that every shop starts with.
BUILT_IN = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """From when a version is in force."""

    version: int
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A merchant's versions, oldest first. ``version`` is how often it was written, which is the newest version of the rules."""

    merchant: str
    marks: tuple[Mark, ...] = ()
    version: int = 0

    def at(self, now: datetime) -> int:
        """The version in force at that instant, :data:`BUILT_IN` before the first one."""
        in_force = [mark.version for mark in self.marks if mark.effective_at <= now]
        if not in_force and len(self.marks) == MOST_MARKS:
            return self.marks[0].version
        return max(in_force, default=BUILT_IN)

    def written(self, effective_at: datetime) -> Rulebook:
        """The book with one version more. A store writes it as ``version`` + 1, which is that version's number."""
        return replace(self, marks=(*self.marks, Mark(self.version + 1, effective_at))[-MOST_MARKS:])
