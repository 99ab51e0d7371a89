"""A broken trade hurts only its own cases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from aftersales.case import Item, Kind
from aftersales.decision import Finding, Verdict
from aftersales.money import Money
from aftersales.testing.builders import NOW, a_ledger, a_line, a_merchant, an_order
from aftersales.vertical import Facts, Quote, Rule, Watch
from functions import guard
from verticals.general import VERTICAL

FACTS = Facts(an_order(), a_ledger(), a_merchant(), Kind.CLAIM, (Item("l1", 2),), NOW)
FINE = Finding("general.fine", Verdict.PASS, "order.paid")
YEN = Money(1, "JPY")


def fine(_: Facts) -> Finding:
    """A rule that works."""
    return FINE


def raises(_: Facts) -> Finding:
    """A rule that divides by nothing."""
    raise ZeroDivisionError


def ends(_: Facts) -> Finding:
    """A rule that wants to end the process."""
    raise SystemExit(3)


def loops(_: Facts) -> Finding:
    """A rule that never ends."""
    while True:
        pass


def stubborn(_: Facts) -> Finding:
    """A rule that never ends, and keeps what is raised in it twice."""
    kept = 0
    while True:
        try:
            loops(_)
        except BaseException:
            kept += 1
            if kept > 2:
                raise


def answers(what: object) -> Rule:
    """A rule that answers with whatever."""
    return lambda _: cast("Finding", what)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question may take a fifth of a second."""
    monkeypatch.setattr(guard, "LIMIT_S", 0.2)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        pytest.param(raises, "ZeroDivisionError", id="raises"),
        pytest.param(ends, "SystemExit", id="ends_the_process"),
        pytest.param(loops, "TooSlow", id="loops"),
        pytest.param(stubborn, "TooSlow", id="loops_and_catches"),
        pytest.param(answers(None), "TypeError", id="no_answer"),
        pytest.param(answers("yes"), "TypeError", id="a_word"),
        pytest.param(answers(replace(FINE, verdict=cast("Verdict", "pass"))), "TypeError", id="no_verdict"),
        pytest.param(answers(replace(FINE, reason="")), "TypeError", id="no_reason"),
        pytest.param(answers(replace(FINE, data=cast("Any", (("a", []),)))), "TypeError", id="data_that_is_not_plain"),
    ],
)
def test_a_rule_that_breaks_is_unsure_and_the_others_are_heard(rule: Rule, error: str) -> None:
    """Whatever a rule does, its answer is that a person has to look, with the reason; the rules around it count as ever."""
    first, broken, last = guard.findings(VERTICAL, (fine, rule, fine), FACTS)
    assert (first, last) == (FINE, FINE)
    assert (broken.verdict, broken.reason, dict(broken.data)["error"]) == (Verdict.UNSURE, guard.BROKEN, error)
    assert broken.check.startswith("general.")


def quoted(what: Callable[[Facts], Any], facts: Facts = FACTS) -> Quote:
    """What the guard makes of a trade's amount."""
    offer = VERTICAL.offer(Kind.CLAIM)
    assert offer is not None
    return guard.quote(VERTICAL, replace(offer, amount=what), facts)


def whole(goods: int = 0, currency: str = "CNY", beyond: Money | None = None) -> Quote:
    """A quote of goods alone."""
    none = Money(0, currency)
    return Quote(Money(goods, currency), none, none, "amount.whole", beyond=beyond)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(raises, id="raises"),
        pytest.param(loops, id="loops"),
        pytest.param(lambda _: None, id="no_answer"),
        pytest.param(lambda _: whole(-1), id="below_nothing"),
        pytest.param(lambda _: whole(9951), id="above_what_was_paid"),
        pytest.param(lambda _: whole(1, "USD"), id="another_currency"),
        pytest.param(lambda _: whole(1, beyond=YEN), id="compensation_in_another_currency"),
    ],
)
def test_an_amount_that_breaks_is_what_was_paid_for_the_pieces(said: Callable[[Facts], Any]) -> None:
    """A person decides then, and starts from what the buyer paid for two of five jin at CNY 19.90."""
    found = quoted(said)
    assert (found.amount, found.text) == (Money(3980, "CNY"), guard.BROKEN)
    lowered = quoted(said, replace(FACTS, asked=Money(1000, "CNY")))
    assert lowered.amount == Money(1000, "CNY")


def test_a_lowered_amount_counts_tax_too() -> None:
    """Where tax came on top, what the buyer lowered to is the sum of both."""
    order = an_order(lines=(a_line(tax_minor=500),))
    facts = replace(FACTS, order=order, ledger=a_ledger(order), asked=Money(4000, "CNY"))
    assert quoted(raises, facts).amount == Money(4000, "CNY")
    assert quoted(raises, replace(facts, asked=Money(100, "CNY"))).amount == Money(100, "CNY")


def test_a_good_amount_is_left_alone() -> None:
    """All that was paid is the most, and no fault of the trade's."""
    assert quoted(lambda _: whole(9950)).goods == Money(9950, "CNY")


def test_a_watch_that_breaks_says_nothing() -> None:
    """Of a trade that raises, loops, or names no certain instant nobody knows what it wants, and it opens no case by itself."""
    naive = Watch("k", datetime(2026, 1, 1), Kind.REFUND_ONLY, "late", ())  # noqa: DTZ001  # just what must not pass
    said: list[Callable[[Facts], Any]] = [raises, loops, lambda _: (naive,), lambda _: 3]
    assert [guard.watches(replace(VERTICAL, watch=watch), FACTS) for watch in said] == [None] * 4
    good = replace(naive, due_at=NOW + timedelta(days=1))
    assert guard.watches(replace(VERTICAL, watch=lambda _: (good,)), FACTS) == (good,)
    assert guard.watches(VERTICAL, FACTS) == ()


def test_nothing_reaches_a_thread_once_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that end just when their time is over, in several threads: what comes after them is never interrupted."""
    monkeypatch.setattr(guard, "LIMIT_S", 0.02)
    stray: list[BaseException] = []

    def near(facts: Facts) -> Finding:
        end = time.monotonic() + 0.02 * facts.now.microsecond / 50
        while time.monotonic() < end:
            pass
        return FINE

    def work() -> None:
        try:
            for turn in range(60):
                guard.findings(VERTICAL, (near,), replace(FACTS, now=NOW.replace(microsecond=40 + turn % 20)))
                sum(range(10_000))
        except BaseException as error:  # noqa: BLE001  # whatever comes
            stray.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stray == []
