"""Finding and Decision: what one check saw, and what follows from all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Verdict(StrEnum):
    """What one check says."""

    PASS = "pass"
    FAIL = "fail"  # a fact speaks against the claim
    MISSING = "missing"  # evidence is absent or unusable; the buyer can mend it
    UNSURE = "unsure"  # a person has to look


#: A polygon of (x, y), each in [0, 1] of the upright picture: at most 16 points, rounded to 3 decimals.
Region = tuple[tuple[float, float], ...]


class Source(StrEnum):
    """Where a finding comes from. A model alone never rejects a buyer."""

    FACT = "fact"  # order data, the calendar, the ledger
    MODEL = "model"  # an estimate: photo verification, text reading
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw. ``check`` is ``<vertical or plugin>.<check>``; ``reason`` is a text key or a plain sentence in English.

    ``confidence`` is in [0, 1] and 1.0 for facts. ``data`` has the figures behind it as sorted (name, value) pairs, ``regions`` at
    most 12 places on the picture that show it.
    """

    check: str
    verdict: Verdict
    reason: str
    source: Source = Source.FACT
    confidence: float = 1.0
    data: tuple[tuple[str, str | int | float | bool], ...] = ()
    evidence_id: str | None = None
    regions: tuple[Region, ...] = ()


class Outcome(StrEnum):
    """What a decision says."""

    APPROVE = "approve"
    REJECT = "reject"
    ASK_EVIDENCE = "ask_evidence"
    PERSON = "person"
    TWO_PERSONS = "two_persons"


@dataclass(frozen=True, slots=True)
class Word:
    """What the rules say: an outcome, the rule that fired, and why."""

    outcome: Outcome
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Past:
    """What a decision can be made again from: what the rules had said, of what, and what they had seen of it.

    ``said`` is None where no rules had spoken. ``spoke`` are the findings that forced it, without their figures; empty where a
    row held. The other fields are the decision's.
    """

    rules_version: str = ""
    row: int = 0
    seen: tuple[str | int | bool | None, ...] = ()
    said: Word | None = None
    spoke: tuple[Finding, ...] = ()
    priced_minor: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome, the rule that fired, who decided, and *all* findings it rests on.

    ``row`` (from 1) of the rules of ``rules_version`` held for what they had ``seen``: the values of the facts that they look at,
    in the order of :attr:`aftersales.ruling.table.Table.names`, amounts as texts. 0 where findings decided, or no rules could be
    run. ``ruled`` is what the rules had said, where something or somebody decided otherwise; ``priced_minor`` what the
    trade priced the case at, where the row gave less. The last ``added`` findings came after the rules had spoken.
    """

    outcome: Outcome
    rule: str  # id of the rule that fired, such as ``merchant.small_amount``
    reason: str
    findings: tuple[Finding, ...] = ()
    by: str = "system"
    rules_version: str = ""
    row: int = 0
    seen: tuple[str | int | bool | None, ...] = ()
    ruled: Word | None = None
    priced_minor: int = 0
    added: int = 0

    @property
    def word(self) -> Word:
        """What the rules said, whoever decided."""
        return self.ruled or Word(self.outcome, self.rule, self.reason)

    @property
    def judged_on(self) -> tuple[Finding, ...]:
        """The findings that the rules had before them."""
        return self.findings[: len(self.findings) - self.added]

    @property
    def past(self) -> Past:
        """What stays of it when another decision takes its place."""
        if self.ruled is None and not self.by.startswith("system"):  # a person's, of what no rules had looked at
            return Past()
        spoke = (f for f in self.judged_on if f.verdict is not Verdict.PASS)
        bare = tuple(replace(f, confidence=1.0, data=(), evidence_id=None, regions=()) for f in spoke)
        return Past(self.rules_version, self.row, self.seen, self.word, bare, self.priced_minor)


def judge(findings: Iterable[Finding]) -> Decision | None:
    """The decision that the findings alone force; None when all of them pass and the merchant's thresholds decide.

    A fact that speaks against the claim rejects; what the buyer can mend is asked for first; every doubt goes to a person,
    and so does a model's "fail".
    """
    found = tuple(findings)

    def having(verdict: Verdict, *sources: Source) -> tuple[Finding, ...]:
        return tuple(f for f in found if f.verdict is verdict and (not sources or f.source in sources))

    for outcome, speaking in (
        (Outcome.REJECT, having(Verdict.FAIL, Source.FACT, Source.PERSON)),
        (Outcome.ASK_EVIDENCE, having(Verdict.MISSING)),
        (Outcome.PERSON, having(Verdict.UNSURE) + having(Verdict.FAIL, Source.MODEL)),
    ):
        if speaking:
            return Decision(outcome, speaking[0].check, "; ".join(f.reason for f in speaking), found)
    return None
