"""Words: what findings and decisions say to a person, in their language."""

from __future__ import annotations

from datetime import datetime

from aftersales.case import Case, Event, Kind
from aftersales.change import Plain, Step
from aftersales.company import company_of
from aftersales.deadline import Deadline
from aftersales.decision import Finding
from aftersales.failure import Failure
from aftersales.money import Money
from aftersales.order import Line
from aftersales.refund import Cause
from aftersales.registry import Registry
from aftersales.text import text
from aftersales.vertical import Merchant, Vertical
from functions import failures
from functions.failures import Audience, Sign, Worded

RULES = "aftersales.ruling"  # where the words for what merchants' rules say are
APART = "; "  # between the reasons of one decision, as aftersales.decision joins them

#: Steps that say that goods are missing on their way back.
GOODS_SIGNS = {
    Event.GOODS_NOT_FOUND: Sign.UNKNOWN_NUMBER,
    Event.GOODS_LOST: Sign.LOST,
    Event.GOODS_TURNED_BACK: Sign.TURNED_BACK,
}

#: What a step says of a parcel that nobody heard of (``functions.sweep``).
SILENT = "no word from the carrier"

#: Why silence paid nobody: it takes two persons.
TWO_PERSONS = "silence.two_persons"


def of_finding(vertical: Vertical, finding: Finding, locale: str) -> str:
    """What one check saw, as a sentence."""
    return _words(vertical, finding.reason, locale, f"plugins.{finding.check.partition('.')[0]}", **dict(finding.data))


def of_next(reason: str, locale: str, audience: Audience) -> str:
    """What would do about a check that did not pass, for this reader; "" where nothing has to be done."""
    keys = (f"{reason}.next.shop", f"{reason}.next") if audience is Audience.SHOP else (f"{reason}.next",)
    return next((found for key in keys if (found := text("functions", key, locale)) != key), "")


def of_reason(vertical: Vertical, reason: str, locale: str, findings: tuple[Finding, ...] = ()) -> str:
    """The reason of a decision: each text key as a sentence, filled from its finding; what a person wrote as it is."""
    known = {f.reason: f for f in findings}
    parts = reason.split(APART)
    told = (of_finding(vertical, known[p], locale) if p in known else _words(vertical, p, locale, RULES) for p in parts)
    return joined(locale, *dict.fromkeys(told))


def of_doubts(vertical: Vertical, reason: str, locale: str) -> str:
    """What speaks against a parcel, each with what would do, as its buyer reads it."""
    parts = reason.split(APART)
    return joined(locale, *(joined(locale, _words(vertical, p, locale), of_next(p, locale, Audience.BUYER)) for p in parts))


def of_rules(vertical: Vertical, kind: Kind, locale: str, merchant: Merchant) -> str:
    """The terms of a kind as buyers read them, with what the trade says beside all of them (``rules.also``)."""
    also = vertical.text("rules.also", locale)
    told = vertical.text(f"rules.{kind}", locale, window_days=merchant.window_days)
    return told if also == "rules.also" else joined(locale, told, also)


def of_terms(vertical: Vertical, line: Line, locale: str) -> list[str]:
    """What the buyer confirmed when ordering the line, as far as its trade has words: ``terms.<name>`` or ``terms.<name>.<value>``.

    A share of a thousand is told in percent, too.
    """
    told = []
    for name, value in line.terms.items():
        percent = f"{value / 10:g}" if type(value) is int else ""
        for key in (f"terms.{name}", f"terms.{name}.{value}"):
            said = vertical.text(key, locale, value=value, percent=percent)
            if said != key and value is not False:
                told.append(said)
    return told


def joined(locale: str, *sentences: str) -> str:
    """Sentences in a row: Chinese ones need no space between them."""
    return ("" if locale.startswith("zh") else " ").join(s for s in sentences if s)


def of_channel(what: str, channel: str, locale: str) -> str:
    """The ``channel`` as people call it, or its ``arrival``; in general words where it has none of its own."""
    key = f"{what}.{channel}"
    found = text("functions", key, locale)
    return found if found != key else text("functions", f"{what}.other", locale)


def of_carrier(code: str, locale: str) -> str:
    """The name of a carrier; one that we have no name for is called as it was told."""
    company = company_of(code)
    return code if company is None else company.zh if locale.startswith("zh") else company.en


def unasked(step: Step) -> bool:
    """Whether the step opened a case that nobody asked for: a trade did by itself."""
    return step.event is Event.OPENED and step.by.startswith("system")


def of_sources(vertical: Vertical, step: Step, locale: str) -> dict[str, str]:
    """Who was asked, what was answered and how keeping it ended: as its trade calls them, else in general words."""
    names = str(step.data.get("source", "")).split(", ")
    called = dict.fromkeys(_called(vertical, f"source.{name}", locale, "source.other") for name in names)
    said = {"source": ("、" if locale.startswith("zh") else ", ").join(called)}
    if "status" in step.data:
        said["status"] = _called(vertical, f"source.{names[0]}.{step.data['status']}", locale, "source.answered")
    return said | ({"how": text("functions", f"hold.{step.data['how']}", locale)} if "how" in step.data else {})


def of_refusal(registry: Registry, case: Case, step: Step, locale: str) -> str:
    """Why goods that came back were not accepted: the check that says so, and what the shop wrote."""
    vertical, reason = registry.vertical(case.vertical), str(step.data.get("reason") or "")
    findings = case.decision.findings if case.decision else ()
    return joined(locale, of_reason(vertical, reason, locale, findings) if reason else "", str(step.data.get("note") or ""))


def of_instant(registry: Registry, case: Case, deadline: Deadline | None) -> str:
    """The end of a deadline in the merchant's zone, as ``2026-11-27 12:00``; "" for none."""
    return _local(registry, case, deadline.due_at) if deadline and deadline.due_at else ""


def of_holiday(registry: Registry, case: Case, step: Step, locale: str) -> dict[str, str]:
    """What a step that moved a parcel's deadline out of a holiday says: which one, whose wait, from when to when. Else nothing."""
    if step.event is not Event.DEADLINE_MOVED or "holiday" not in step.data:
        return {}
    was, due = (_local(registry, case, datetime.fromisoformat(str(step.data[name]))) for name in ("was", "due_at"))
    wait = text("functions", f"wait.{step.data['parcel']}", locale)
    return {"holiday": holiday(str(step.data["holiday"]), locale), "wait": wait, "was": was, "due": due}


def holiday(name: str, locale: str) -> str:
    """A holiday as people call it; one that we have no word for as its calendar does."""
    key = f"holiday.{name}"
    found = text("functions", key, locale)
    return found if found != key else name


def figures(step: Step, currency: str, locale: str) -> dict[str, Plain]:
    """The data of a step as people read it: ``amount``, what the buyer ``received``, a number to ask with, carriers by name."""
    data = dict(step.data)
    data |= {name: of_carrier(str(data[name]), locale) for name in ("carrier", "company") if name in data}
    minor, received = data.get("amount_minor"), data.get("payer_minor")
    if isinstance(minor, int):
        data["amount"] = str(Money(minor, currency))
        data["received"] = str(Money(received, currency)) if isinstance(received, int) else data["amount"]
    if not data.get("channel_id"):
        data["channel_id"] = data.get("key", "")
    return data


def failure_of(registry: Registry, case: Case, step: Step, locale: str, audience: Audience) -> Worded | None:
    """The known failure that a step tells of, None when it tells of none."""
    cause = step.data.get("cause")
    if step.event in (Event.REFUND_FAILED, Event.COMPENSATION_FAILED) and cause in set(Cause):
        return failures.of_cause(Cause(str(cause)), locale, audience)
    if step.event is Event.GOODS_NOT_SENT:
        return failures.worded(Failure.MISSING_LOGISTICS, locale, audience, sign=Sign.NOT_SENT)
    if step.event in GOODS_SIGNS:
        due = _local(registry, case, datetime.fromisoformat(str(step.data["due_at"]))) if step.data.get("due_at") else ""
        return failures.worded(Failure.MISSING_LOGISTICS, locale, audience, sign=GOODS_SIGNS[step.event], due=due)
    if step.event is Event.GOODS_DELIVERED and cause == SILENT:
        return failures.worded(Failure.MISSING_LOGISTICS, locale, audience, sign=Sign.TAKEN_AS_ARRIVED)
    if step.event in (Event.REJECTED, Event.GOODS_REFUSED):
        known = registry.vertical(case.vertical).failures
        found = [known[part] for part in str(step.data.get("reason", "")).split(APART) if part in known]
        return failures.worded(found[0], locale, audience) if found else None
    return None


def _local(registry: Registry, case: Case, at: datetime) -> str:
    return at.astimezone(registry.merchant(case.merchant).zone).strftime("%Y-%m-%d %H:%M")


def _called(vertical: Vertical, key: str, locale: str, other: str) -> str:
    found = vertical.text(key, locale)
    return found if found != key else text("functions", other, locale)


def _words(vertical: Vertical, key: str, locale: str, *more: str, **data: object) -> str:
    for package in (vertical.package, *vertical.also, "functions", *more):
        found = text(package, key, locale, **data)
        if found != key:
            return found
    return key
