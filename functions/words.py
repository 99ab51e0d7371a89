"""Words: what findings and decisions say to a person, in their language."""

from __future__ import annotations

from aftersales.decision import Finding
from aftersales.text import text
from aftersales.vertical import Vertical

APART = "; "  # between the reasons of one decision, as aftersales.decision joins them


def of_finding(vertical: Vertical, finding: Finding, locale: str) -> str:
    """What one check saw, as a sentence."""
    return _words(vertical, finding.reason, locale, f"plugins.{finding.check.partition('.')[0]}", **dict(finding.data))


def of_reason(vertical: Vertical, reason: str, locale: str, findings: tuple[Finding, ...] = ()) -> str:
    """The reason of a decision: each text key as a sentence, filled from its finding; what a person wrote as it is."""
    known = {f.reason: f for f in findings}
    parts = reason.split(APART)
    told = (of_finding(vertical, known[p], locale) if p in known else _words(vertical, p, locale) for p in parts)
    return ("" if locale.startswith("zh") else " ").join(dict.fromkeys(told))


def _words(vertical: Vertical, key: str, locale: str, *more: str, **data: object) -> str:
    for package in (vertical.package, "functions", *more):
        found = text(package, key, locale, **data)
        if found != key:
            return found
    return key
