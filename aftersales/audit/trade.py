"""Trade: everything that can be said about a loaded trade; runs in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from aftersales import offered
from aftersales.audit import rules, shift, words
from aftersales.audit.play import Run, begun, run
from aftersales.audit.problem import Problem
from aftersales.audit.subject import Subject
from aftersales.audit.variety import Variety
from aftersales.decision import Verdict
from aftersales.manifest import Level
from aftersales.vertical import Offer, Vertical


def loaded(subject: Subject, found: Any) -> tuple[Vertical | None, tuple[Problem, ...]]:
    """The trade that the module offers, or why it is none."""
    vertical = found if isinstance(found, Vertical) else getattr(found, "VERTICAL", None)
    where = subject.module
    if vertical is None:
        return None, (Problem("vertical.none", where, "it offers no VERTICAL", "Give VERTICAL = Vertical(name=…, …)."),)
    if not isinstance(vertical, Vertical):
        said = f"VERTICAL is a {type(vertical).__name__}, not a Vertical"
        return None, (Problem("vertical.wrong", where, said, "Give VERTICAL = aftersales.vertical.Vertical(…)."),)
    return vertical, tuple(_declared(subject, vertical))


def _declared(subject: Subject, vertical: Vertical) -> Iterator[Problem]:
    where = subject.module
    if vertical.name != subject.name:
        said = f"VERTICAL calls itself {vertical.name!r}, it is offered as {subject.name!r}"
        yield Problem("vertical.name", where, said, "Use one word: the stage file, orders and cases know it by that.")
    if not vertical.version:
        yield Problem("vertical.version", where, "it has no version", "Give one: every case keeps it.")
    if vertical.around and not vertical.offers:
        return
    if not vertical.offers or {type(offer) for offer in vertical.offers} != {Offer}:
        yield Problem("vertical.offers", where, "it offers nothing, or something that is no Offer", "Give offers=(Offer(…), …).")
        return
    kinds = [offer.kind for offer in vertical.offers]
    for kind in {kind for kind in kinds if kinds.count(kind) > 1}:
        yield Problem("vertical.offers", where, f"it offers {kind} twice", "Offer each kind once.")
    for offer in vertical.offers:
        codes = [reason.code for reason in offer.reasons]
        if not offer.when or not codes or len(set(codes)) != len(codes):
            said = "it needs a rule in `when`, and reasons of different codes"
            yield Problem("vertical.offer", f"{where} {offer.kind}", said, "Say when it is offered, and for which reasons.")


def problems(subject: Subject, vertical: Vertical) -> tuple[list[Problem], tuple[Run, ...]]:
    """What is wrong with its words, rules and scenarios; of one around others, as it is around those that its scenarios name."""
    runs, unread = _scenarios(vertical)
    found = [*unread, *(_of_run(one) for one in runs if not one.ok)]
    values = [vertical] if vertical.offers else [vertical.around(offered.vertical(n)) for n in _inner(runs) if vertical.around]
    answered, shown, whole = set(), set(), bool(runs)
    for one in values:
        found += words.problems(one)
        facts = [facts for _, facts in begun(one)] if runs else []
        seen = rules.asked(one, [*facts, *Variety(one, facts).facts()])
        found += seen.problems.values()
        whole = whole and not seen.broken
        answered |= {(check, verdict) for check, verdict in seen.verdicts if check.startswith(f"{vertical.name}.")}
        shown |= rules.asked(one, facts).verdicts if whole else set()
        found += _kinds(one, runs) if runs and vertical.offers else ()
    if whole:
        found += _silent(answered, shown, {check for one in runs for check in one.got.get("because", ())})
        found += _limits(subject) if all(one.ok for one in runs) else ()
    return found, runs


def _inner(runs: tuple[Run, ...]) -> list[str]:
    return sorted({str(one.given["around"]) for one in runs if one.given.get("around")})


def _scenarios(vertical: Vertical) -> tuple[tuple[Run, ...], tuple[Problem, ...]]:
    todo = "Write scenarios.toml beside __init__.py; the words are in aftersales.testing.scenario."
    try:
        runs = run(vertical)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return (), (Problem("scenario.none", "scenarios.toml", f"it cannot be read: {error}", todo),)
    titles = [one.en for one in runs]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    return runs, tuple(Problem("scenario.twice", title, "two scenarios have this title", "Say what differs.") for title in twice)


def _of_run(one: Run) -> Problem:
    given = ", ".join(f"{name} = {value!r}" for name, value in one.given.items())
    return Problem(
        "scenario.fails", one.en, f"{'; '.join(one.differences)} (given {given})", "Correct the rule, or what is expected."
    )


def _silent(answered: set[tuple[str, Verdict]], shown: set[tuple[str, Verdict]], told: set[str]) -> Iterator[Problem]:
    """Checks that can object and do so in no scenario; for gold, every verdict of every check in one."""
    objecting = {check for check, verdict in answered if verdict is not Verdict.PASS}
    for check in sorted(objecting - told):
        yield Problem(
            "scenario.missing", check, "it can object, and does so in no scenario", "Write one in which it does.", Level.SILVER
        )
    for check, verdict in sorted(answered - shown):
        if check in told or verdict is Verdict.PASS:
            yield Problem("scenario.verdict", check, f"no scenario shows its {verdict}", "Write one.", Level.GOLD)


def _kinds(vertical: Vertical, runs: tuple[Run, ...]) -> Iterator[Problem]:
    for offer in vertical.offers:
        got = {str(one.got.get("outcome")) for one in runs if one.given.get("kind") == offer.kind}
        if not got:
            yield Problem("scenario.kind", str(offer.kind), "no scenario is about it", "Write one.")
        elif got <= {"not offered", "reject", "incomplete", "ask_evidence"} or got <= {"approve", "offered"}:
            said = "all its scenarios end the same way"
            yield Problem("scenario.kind", str(offer.kind), said, "Write one that is granted and one that is not.", Level.SILVER)


def _limits(subject: Subject) -> Iterator[Problem]:
    noticed: Callable[[Any], bool] = lambda module: not _all_well(subject, module)  # noqa: E731  # one name for one question
    for limit in shift.limits(subject.module, subject.folder):
        steps = shift.unnoticed(limit, subject.module, noticed)
        if steps:
            said = f"{limit.name} can move by {' and '.join(steps)}, and no scenario notices"
            yield Problem(
                "scenario.limit", limit.where, said, "Write a scenario exactly on the limit and one just past it.", Level.GOLD
            )


def _all_well(subject: Subject, module: Any) -> bool:
    found = getattr(module, subject.attribute) if subject.attribute else module
    vertical = found if isinstance(found, Vertical) else found.VERTICAL
    return all(one.ok for one in run(vertical))
