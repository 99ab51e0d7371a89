"""The tally: what was played and what really happened in it, added up over scripts and processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

from tests.property.scripts import boundary
from tests.property.scripts.plan import CHANNELS, FAULTS_OF, HAPPENINGS

#: What is done to everybody, beside the faults at each provider.
COMMON = (
    "notice twice", "notice old", "notice forged", "notice foreign", "notice of another amount", "stream lost", "stream again",
    "clock back", "outage", "short", "topped up", "together", "race", "frozen", "bounce", "consent", "release", "retry",
    "asked again",
    *(f"in the middle: {what}" for what in dict.fromkeys(HAPPENINGS) if what != "dies"),
)  # fmt: skip


def kinds() -> set[str]:
    """Every kind of fault there is, as it is counted."""
    return {f"{name} {fault}" for name, faults in FAULTS_OF.items() for fault in faults} | set(COMMON)


@dataclass
class Tally:
    """Counts. ``most`` is the most that was executed of any approved refund, as a share of it: 1.0, or money was lost."""

    scripts: int = 0
    approved: int = 0  # legs that were reserved for an approved case, without those that stand in for one
    settled: int = 0
    left: int = 0  # that a person still has, with a ticket
    given_up: int = 0
    renumbered: int = 0
    redirected: int = 0
    calls: int = 0
    most: float = 0.0
    by_channel: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """All of it together."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            setattr(self, each.name, max(mine, theirs) if each.name == "most" else mine + theirs)

    def never(self) -> list[str]:
        """The kinds of faults and the boundaries of death that did not happen."""
        return sorted(kinds() - set(+self.faults)) + sorted(f"death at {name}" for name in set(boundary.ALL) - set(+self.kills))

    def table(self) -> str:
        """What is printed."""
        rows = [
            ("scripts", self.scripts),
            ("refunds approved", self.approved),
            ("  executed in full, once", self.settled),
            ("  waiting for a person, with a ticket", self.left),
            ("  given up by a person", self.given_up),
            ("  most executed of any", self.most),
            ("renumbered", self.renumbered),
            ("sent to another account", self.redirected),
            ("calls to channels", self.calls),
            ("faults injected", sum(self.faults.values())),
            ("kills", sum(self.kills.values())),
            *((f"refunds by {name}", self.by_channel[name]) for name in CHANNELS),
        ]
        told = [f"{name:<42}{value:>12,}" for name, value in rows]
        for title, counts, all_names in (("fault", self.faults, kinds()), ("killed at", self.kills, set(boundary.ALL))):
            told.append("")
            told += [f"{title} {name:<{41 - len(title)}}{counts[name]:>12,}" for name in sorted(all_names | set(counts))]
        return "\n".join(told)
