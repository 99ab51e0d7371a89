"""Wording: what a shop says of a case, in its own words where it wrote some: at once when it is handed in, and with a decision."""

from __future__ import annotations

from aftersales.case import Case, State
from aftersales.deadline import Deadline
from aftersales.decision import Outcome, Verdict
from aftersales.order import Order
from aftersales.registry import Registry
from aftersales.ruling.replay import BROKEN
from aftersales.template import Use, fill
from aftersales.text import DEFAULT_LOCALE, text, texts_of
from functions import guard, reading, ruling, words

LOCALES = (DEFAULT_LOCALE, "en")

#: The states whose deadline is the shop's to answer by; nothing speaks of another one.
ANSWERING = frozenset({State.REVIEWING, State.SECOND_REVIEW})

#: States in which a case that was handed in waits for somebody, and its buyer is told so at once.
WAITS = ANSWERING | {State.VERIFYING}

#: What is said with each decision of a person, and the verdicts that it is about.
SAID: dict[Outcome, tuple[Use, Verdict]] = {
    Outcome.APPROVE: (Use.APPROVAL, Verdict.PASS),
    Outcome.REJECT: (Use.REJECTION, Verdict.FAIL),
    Outcome.ASK_EVIDENCE: (Use.EVIDENCE, Verdict.MISSING),
}

MOST_WORDS = 1_000  # characters of the reason of a decision


def words_for(registry: Registry, case: Case, outcome: Outcome, locale: str, order: Order | None = None) -> str:
    """The reason of a decision where nobody gives one: the shop's own for why it is so, else for why the buyer asks, else ours.

    The shop's words are those this process knows: nothing is read for the second case of a minute. Without the ``order`` a sentence
    about the ``{goods}`` is left out.
    """
    use, verdict = SAID[outcome]
    locale = spoken(locale)
    found = case.decision.findings if case.decision else ()
    whys = (*(f.reason for f in found if f.verdict is verdict and verdict is not Verdict.PASS), *reasons_of(case))
    own = registry.replies.of(case.merchant)
    facts = facts_of(registry, case, locale, order)
    said = fill((own and own.text(use, locale, whys)) or "", facts) or fill(default(use, locale), facts)
    return said[:MOST_WORDS]


def acknowledgement(registry: Registry, case: Case) -> str:
    """What a buyer is told when a case is handed in and waits: it is there, what comes next, until when, and what silence does.

    The shop's own words take the place of all of it.
    """
    locale = spoken(case.locale)
    own = registry.replies.of(case.merchant)
    facts = facts_of(registry, case, locale)
    mine = fill((own and own.text(Use.ACKNOWLEDGEMENT, locale, reasons_of(case))) or "", facts)
    if mine:
        return mine
    until = facts["deadline"] if silence_approves(registry, case) else ""
    return fill(texts_of("functions")[locale][f"acknowledgement.{case.state}"], {**facts, "silence": until})


def silence_approves(registry: Registry, case: Case) -> bool:
    """Whether the shop's silence is a yes to the money that is asked for."""
    return case.state is State.REVIEWING and case.promise is None and not silence_asks(registry, case)


def silence_asks(registry: Registry, case: Case) -> bool:
    """Whether silence asks again and pays nobody: where two persons have to agree to the money, or nobody could judge the case."""
    decision = case.decision
    two = case.promise is None and registry.merchant(case.merchant).needs_two(case.payable)
    broken = decision is not None and (decision.rule == BROKEN or any(f.reason == guard.BROKEN for f in decision.findings))
    return two or broken or ruling.asks_two(decision)


def reasons_of(case: Case) -> tuple[str, ...]:
    """Why the buyer asks, as the trade calls it, and as it would be said in words."""
    return (case.reason, *(str(complaint) for complaint in reading.CHOSEN.get(case.reason, ())))


def facts_of(registry: Registry, case: Case, locale: str, order: Order | None = None) -> dict[str, str]:
    """What the places of a text are filled with; "" where there is nothing to say."""
    deadline = words.of_instant(registry, case, case.deadline) if case.state in ANSWERING else ""
    return {
        "order_id": case.order_id,
        "case_id": case.case_id,
        "goods": _goods(case, order, locale) if order else "",
        "amount": str(case.amount) if case.amount.minor else "",
        "reason": registry.vertical(case.vertical).text(f"reason.{case.reason}", locale) if case.reason else "",
        "deadline": deadline,
        "answer_by": _promised(registry, case) or deadline,
        "return_address": registry.merchant(case.merchant).return_address,
    }


def spoken(locale: str) -> str:
    """The one of our languages that is nearest to it."""
    return DEFAULT_LOCALE if locale.lower().startswith("zh") else "en"


def default(use: Use, locale: str) -> str:
    """The words that come along; of an acknowledgement those for a case that waits for the shop."""
    key = f"acknowledgement.{State.REVIEWING}" if use is Use.ACKNOWLEDGEMENT else f"draft.{use}"
    return texts_of("functions")[locale][key]


def _promised(registry: Registry, case: Case) -> str:
    """The instant of a pledge that still runs."""
    pledge = case.pledge
    runs = pledge is not None and pledge.kept_at is None and pledge.late_at is None and case.state in WAITS
    return words.of_instant(registry, case, Deadline(pledge.by, pledge.cause)) if pledge is not None and runs else ""


def _goods(case: Case, order: Order, locale: str) -> str:
    titles = dict.fromkeys(order.line(item.line_id).title for item in case.items)
    return ("、" if locale == DEFAULT_LOCALE else ", ").join(titles) or text("functions", "draft.freight", locale)
