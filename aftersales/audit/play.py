"""Play: the scenarios of a trade, each with what was given, what was expected and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aftersales.audit.watch import LIMIT_S, TooSlow, watched
from aftersales.errors import AftersalesError
from aftersales.money import Money
from aftersales.testing.scenario import Scenario, differences, facts_of, play, understood, written
from aftersales.vertical import Facts, Vertical

T = TypeVar("T")

#: The words of a scenario that say what is expected; all others say what is given.
EXPECTED = ("outcome", "amount", "share", "because", "rule", "beyond")
TITLES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario played. ``got`` has the words that were expected, and always the outcome; ``differences`` are in words."""

    en: str
    zh: str
    given: Mapping[str, Any]
    expected: Mapping[str, Any]
    got: Mapping[str, Any]
    differences: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether all came out as expected."""
        return not self.differences


def run(vertical: Vertical) -> tuple[Run, ...]:
    """Every scenario of the trade. Raises what :func:`~aftersales.testing.scenario.written` raises where there are none."""
    return tuple(_one(vertical, table) for table in written(vertical.package))


def begun(vertical: Vertical) -> tuple[tuple[Scenario, Facts], ...]:
    """The scenarios that are understood, with the facts that they describe."""
    found = []
    for table in written(vertical.package):
        try:
            scenario = understood(table)
            if scenario.around == vertical.name.partition(":")[2]:
                found.append((scenario, facts_of(vertical, scenario)))
        except Exception:  # noqa: BLE001, S112  # `run` says what is wrong with it
            continue
    return tuple(found)


def _one(vertical: Vertical, table: Mapping[str, Any]) -> Run:
    given = {name: value for name, value in table.items() if name not in (*EXPECTED, *TITLES)}
    expected = {name: table[name] for name in EXPECTED if name in table}
    titles = (str(table.get("en", "?")), str(table.get("zh", "?")))
    try:
        scenario = understood(table)
        played, _ = watched(lambda: play(vertical, scenario))
    except TooSlow:
        return Run(*titles, given, expected, {}, (f"it does not end within {LIMIT_S:.0f} s",))
    except AftersalesError as error:
        return Run(*titles, given, expected, {}, (error.message,))
    except Exception as error:  # noqa: BLE001  # a scenario may be written, or a rule may break, in any way
        return Run(*titles, given, expected, {}, (f"{type(error).__name__}: {error}",))
    part, whole = played.quote.share
    beyond = played.quote.beyond
    answers: dict[str, Any] = {
        "outcome": played.outcome,
        "amount": _figure(played.quote.amount),
        "share": f"{part}/{whole}",
        "because": list(played.because),
        "rule": played.rule,
        "beyond": _figure(beyond) if beyond else "",
    }
    got = {name: value for name, value in answers.items() if name in expected or name == "outcome" or (name == "because" and value)}
    return Run(*titles, given, expected, got, tuple(differences(scenario, played)))


def _figure(amount: Money) -> str:
    """The figure as a scenario writes it, without its currency: 19.90."""
    return str(amount).partition(" ")[2]
