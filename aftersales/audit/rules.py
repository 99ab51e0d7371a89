"""Rules: what a trade's rules and amounts answer to odd facts, and what they do meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aftersales.audit.problem import Problem
from aftersales.audit.watch import LIMIT_S, TooSlow, watched
from aftersales.audit.words import LANGUAGES, PLACE, missing, tables
from aftersales.decision import Finding, Verdict
from aftersales.manifest import Level
from aftersales.money import Money
from aftersales.quote import picked
from aftersales.vertical import Facts, Offer, Quote, Vertical, Watch

#: A rule's share of the processor, on average; ours take some hundredths of it.
SLOW_S = 0.005
GENTLE = "A rule never raises: a value that is missing or odd is UNSURE."


@dataclass(slots=True)
class Seen:
    """What came out: problems, and every (check, verdict) that was answered. A rule that broke once is not asked again."""

    problems: dict[tuple[str, str], Problem] = field(default_factory=dict)
    verdicts: set[tuple[str, Verdict]] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    calls: int = 0
    seconds: float = 0.0

    def note(self, problem: Problem) -> None:
        """Keep the first problem of its kind at its place."""
        self.problems.setdefault((problem.code, problem.where), problem)


def asked(vertical: Vertical, facts: Iterable[Facts]) -> Seen:
    """Everything of the trade asked about all these facts, twice."""
    seen, texts = Seen(), tables(vertical)
    for one in facts:
        offer = vertical.offer(one.kind)
        if offer is None:
            continue
        findings = [found for rule in (*offer.when, *offer.rules) if (found := _finding(vertical, rule, one, seen, texts))]
        checks = [finding.check for finding in findings]
        for check in {check for check in checks if checks.count(check) > 1}:
            seen.note(
                Problem(
                    "rule.twice",
                    f"{vertical.name} {offer.kind}",
                    f"two rules call themselves {check}",
                    "Give each a check of its own.",
                )
            )
        _quote(vertical, offer, one, seen, texts)
        if vertical.watch:
            _watches(vertical, one, seen)
    if seen.calls and seen.seconds / seen.calls > SLOW_S:
        said = f"a rule takes {1000 * seen.seconds / seen.calls:.0f} ms on average"
        seen.note(
            Problem(
                "rule.slow",
                vertical.name,
                said,
                f"Stay below {1000 * SLOW_S:.0f} ms: it runs for every line of every order.",
                Level.SILVER,
            )
        )
    return seen


def _call(name: str, call: Callable[[], Any], seen: Seen, key: int) -> Any:
    """What it gives, the same both times; None, with a problem noted, where it breaks or does anything beside."""
    if key in seen.broken:
        return None
    begun = time.process_time()
    try:
        (given, did), (again, _) = watched(call), watched(call)
    except TooSlow:
        seen.broken.add(key)
        seen.note(
            Problem("rule.loops", name, f"it does not answer within {LIMIT_S:.0f} s", "End every loop; a rule takes microseconds.")
        )
        return None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # that it raises is what is looked for
        seen.broken.add(key)
        seen.note(Problem("rule.raises", name, f"it raises {type(error).__name__}: {error}", GENTLE))
        return None
    seen.calls, seen.seconds = seen.calls + 2, seen.seconds + time.process_time() - begun
    for event in did:
        seen.note(Problem("rule.world", name, f"it does something beside answering: {event}", "A rule looks at its Facts only."))
    if given != again:
        seen.note(Problem("rule.changes", name, "it answers otherwise when it is asked again", "Answer from the facts alone."))
    return given


def _finding(
    vertical: Vertical, rule: Callable[[Facts], Finding], facts: Facts, seen: Seen, texts: dict[str, dict[str, str]]
) -> Finding | None:
    name = f"rule {getattr(rule, '__name__', 'of no name')}"
    found = _call(name, lambda: rule(facts), seen, id(rule))
    if found is None and id(rule) in seen.broken:
        return None
    if not isinstance(found, Finding) or not isinstance(found.verdict, Verdict):
        seen.broken.add(id(rule))
        seen.note(
            Problem(
                "rule.nonsense", name, f"it answers {type(found).__name__}, not a Finding", "Give Finding(check, Verdict, reason)."
            )
        )
        return None
    seen.verdicts.add((found.check, found.verdict))
    if found.check.partition(".")[0] not in vertical.name.split(":"):  # its own, or of the trade that it is around
        said = f"its check is called {found.check}"
        seen.note(Problem("rule.name", name, said, f"Call it {vertical.name}.{found.check.rpartition('.')[2]}."))
    if list(found.data) != sorted(found.data):
        seen.note(Problem("rule.data", name, "its data is not sorted by name", "Give data=tuple(sorted(data.items()))."))
    _said(name, found.reason, dict(found.data), seen, texts)
    return found


def _said(name: str, key: str, data: dict[str, Any], seen: Seen, texts: dict[str, dict[str, str]]) -> None:
    for language in LANGUAGES:
        template = texts[language].get(key)
        if not template:
            seen.note(missing(language, key, f"{name} says it"))
            continue
        lacking = sorted(set(PLACE.findall(template)) - set(data))
        if lacking:
            said = f'it gives no {", ".join(lacking)} for the text "{key}"'
            seen.note(Problem("rule.figures", name, said, "Put them into the finding's data, or leave them out of the text."))


def _quote(vertical: Vertical, offer: Offer, facts: Facts, seen: Seen, texts: dict[str, dict[str, str]]) -> None:
    name = f"amount of {offer.kind}"
    quote = _call(name, lambda: offer.amount(facts), seen, id(offer.amount))
    if quote is None and id(offer.amount) in seen.broken:
        return
    if not isinstance(quote, Quote) or not all(isinstance(part, Money) for part in (quote.goods, quote.tax, quote.freight)):
        seen.broken.add(id(offer.amount))
        seen.note(
            Problem("amount.nonsense", name, f"it answers {type(quote).__name__}, not a Quote", "Give aftersales.quote.quote(…).")
        )
        return
    for problem in _of_money(name, quote, facts, whole=":" in vertical.name):
        seen.note(problem)
    for language in LANGUAGES:
        if not texts[language].get(quote.text):
            seen.note(missing(language, quote.text, f"{name} says it"))


def _of_money(name: str, quote: Quote, facts: Facts, *, whole: bool) -> Iterator[Problem]:
    """What is below nothing, or above what was paid: for the pieces, or, where parts share a price, for the ``whole`` order."""
    units = [(facts.ledger.line(item.line_id), item.units) for item in picked(facts)]
    units = [(line, ((0, line.pieces),)) for line in facts.ledger.lines] if whole else units
    most = {
        "goods": (quote.goods.minor, sum(line.goods_of(u) for line, u in units)),
        "tax": (quote.tax.minor, sum(line.tax_of(u) for line, u in units)),
        "freight": (quote.freight.minor, facts.ledger.freight_left_for(facts.case.case_id if facts.case else "")),
    }
    for part, (minor, paid) in most.items():
        if not 0 <= minor <= max(0, paid):
            said = f"{part} of {minor} where {paid} was paid (minor units)"
            yield Problem("amount.over", name, said, "Never below nothing, never above what was paid for the pieces.")
    if facts.asked and facts.asked.currency == quote.amount.currency and quote.amount.minor > max(0, facts.asked.minor):
        said = f"{quote.amount} where {facts.asked} was asked for"
        yield Problem("amount.asked", name, said, "Lower it with aftersales.quote.lowered(…).")


def _watches(vertical: Vertical, facts: Facts, seen: Seen) -> None:
    assert vertical.watch is not None
    watch = vertical.watch
    found = _call("watch", lambda: watch(facts), seen, id(watch))
    if id(watch) in seen.broken:
        return
    if not isinstance(found, tuple) or not all(
        isinstance(one, Watch) and one.due_at.tzinfo and vertical.offer(one.kind) for one in found
    ):
        seen.broken.add(id(watch))
        seen.note(
            Problem(
                "watch.nonsense", "watch", f"it answers {found!r:.80}", "Give a tuple of Watch, aware instants, kinds it offers."
            )
        )
