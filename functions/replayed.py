"""Replayed: every decision on a case, made again from what is stored of it alone: no clock, no order, no setting as it is now.

::

    step 3  decided       the rules' word, row and facts ─┐ the step that judges anew carries them: ``Step.replaced``
    step 7  overruled     the same                        ├─┘
    step 9  judged anew   another word ─┐
    step 12 goods refused the same      ┴─ the case's own decision has them

Steps are hashed one after the other; what they say of a decision and what is kept of it have to agree, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aftersales.case import Case, Event
from aftersales.change import Step, verify_chain
from aftersales.decision import Outcome, Past
from aftersales.errors import Invalid
from aftersales.money import Money
from aftersales.query import StepsOf
from aftersales.ruling.replay import Again, again, plain, seen
from aftersales.ruling.table import Table
from functions import words
from functions.context import Context
from functions.reply import WordView
from functions.reply_decision import DecisionsView, DifferenceView, MadeView, Replay
from functions.ruling import number_of

Tables = Callable[[str], Table]

#: What a step of each event decided.
OUTCOMES = {
    Event.APPROVED: Outcome.APPROVE,
    Event.REJECTED: Outcome.REJECT,
    Event.GOODS_REFUSED: Outcome.REJECT,
    Event.EVIDENCE_ASKED: Outcome.ASK_EVIDENCE,
    Event.PERSON_ASKED: Outcome.PERSON,
    Event.SECOND_PERSON_ASKED: Outcome.PERSON,
}

#: Rules of decisions that the system makes over the rules' word.
ABOVE = frozenset({"merchant.appealed", "merchant.uncovered"})

#: Before any of these nobody has agreed to an amount.
AGREED = frozenset({Event.APPROVED, Event.COUNTERED, Event.SECOND_PERSON_ASKED})


@dataclass(frozen=True, slots=True)
class Made:
    """A decision that was made again."""

    step: Step
    past: Past
    replay: Replay
    differs: tuple[DifferenceView, ...] = ()


def decisions(ctx: Context, case_id: str) -> DecisionsView:
    """The decisions on a case, in order, each with what its replay gives. Raises NotFound for a case that is not the reader's."""
    case, steps = ctx.case(case_id).case, _steps(ctx, case_id)
    intact = verify_chain(steps) is None and (not steps or steps[-1].chain == case.chain)

    def table(version: str) -> Table:
        return ctx.registry.rules.table(case.merchant, number_of(version))

    made = [_view(ctx, case, one, table) for one in replayed(case, steps, table)]
    return DecisionsView(case_id=case_id, intact=intact, decisions=made)


def replayed(case: Case, steps: tuple[Step, ...], table: Tables) -> Iterator[Made]:
    """Each decision, in order. ``table`` gives that of a version by its name; it raises Invalid for none that can be run."""
    pasts: dict[int, Past] = {}
    past = case.decision.past if case.decision else Past()
    for step in reversed(steps):
        if "rules_version" in step.data:
            pasts[step.seq] = past
            past = step.replaced if step.replaced is not None else past
    agreed = False
    for step in steps:
        if step.seq in pasts:
            yield _made(case, step, pasts[step.seq], table, agreed=agreed)
        agreed = agreed or step.event in AGREED


# --- inside -----------------------------------------------------------------------------------------------------------
def _steps(ctx: Context, case_id: str) -> tuple[Step, ...]:
    found: list[Step] = []
    cursor = None
    while True:
        page = ctx.registry.store.find(StepsOf(case_id), cursor, 100)
        found += page.found
        cursor = page.cursor
        if cursor is None:
            return tuple(found)


def _made(case: Case, step: Step, past: Past, table: Tables, *, agreed: bool) -> Made:
    if past.said is None:
        return Made(step, past, Replay.NOT_KEPT if step.by == "system" else Replay.PERSON)
    try:
        found = again(table(past.rules_version), past)
    except (Invalid, ValueError) as error:  # ValueError: a version that is none
        return Made(step, past, Replay.DIFFERS, (_difference("table", past.rules_version, str(error)),))
    pairs = [*_pairs(step, past, found), *_amounts(case, step, past, found, agreed=agreed)]
    differs = tuple(_difference(what, stored, told) for what, stored, told in pairs if stored != told)
    return Made(step, past, Replay.DIFFERS if differs else Replay.SAME, differs)


def _pairs(step: Step, past: Past, found: Again) -> Iterator[tuple[str, object, object]]:
    """What is stored beside what the replay gives, and what is kept beside what the step says."""
    said, word = past.said, found.word
    assert said is not None
    yield "version", step.data["rules_version"], past.rules_version
    yield "row", past.row, found.row
    yield "row", step.data.get("row", past.row), past.row
    yield "outcome", said.outcome, word.outcome
    yield "rule", said.rule, word.rule
    yield "reason", said.reason, word.reason
    if step.by == "system" and step.data.get("rule") not in ABOVE:
        yield "rule", step.data.get("rule"), said.rule


def _amounts(case: Case, step: Step, past: Past, found: Again, *, agreed: bool) -> Iterator[tuple[str, object, object]]:
    """What the row gives of what the trade priced the case at. What was agreed to before stands: no share of a share."""
    given = step.data.get("amount_minor")
    if step.by != "system" or step.event is not Event.APPROVED or found.result is None or not isinstance(given, int):
        return
    whole = Money(past.priced_minor or given, case.amount.currency)
    awarded = found.result.awarded(whole, whole.currency)
    if past.priced_minor or not agreed:
        yield "amount", given, awarded.minor if awarded else None


def _difference(what: str, stored: object, told: object) -> DifferenceView:
    return DifferenceView(what=what, stored=str(stored), again=str(told))


def _view(ctx: Context, case: Case, made: Made, table: Tables) -> MadeView:
    step, past, vertical = made.step, made.past, ctx.registry.vertical(case.vertical)
    rule, findings = str(step.data.get("rule", "")), case.decision.findings if case.decision else ()
    outcome, said = OUTCOMES[step.event], past.said
    if said is not None and (said.rule, said.outcome, outcome) == (rule, Outcome.TWO_PERSONS, Outcome.PERSON):
        outcome = said.outcome
    amount = step.data.get("amount_minor")
    other = said if said is not None and (said.outcome, said.rule) != (outcome, rule) else None
    ruled = words.of_reason(vertical, other.reason, ctx.locale, findings) if other else ""
    return MadeView(
        seq=step.seq,
        at=step.at,
        by=step.by,
        outcome=outcome,
        rule=rule,
        reason=words.of_reason(vertical, str(step.data.get("reason") or ""), ctx.locale, findings),
        amount_minor=amount if isinstance(amount, int) else None,
        rules_version=str(step.data["rules_version"]),
        row=past.row,
        seen=_seen(past, table),
        ruled=WordView(outcome=other.outcome, rule=other.rule, text=ruled) if other else None,
        replay=made.replay,
        differs=list(made.differs),
    )


def _seen(past: Past, table: Tables) -> dict[str, str | int | bool | None]:
    """The facts by name; none where no table looked, or it cannot be read any more."""
    try:
        return {name: plain(value) for name, value in seen(table(past.rules_version), past.seen).items()} if past.seen else {}
    except (Invalid, ValueError):
        return {}
