"""Tables and facts by chance: every form of condition, with blanks and quotes as people write them, and facts near its limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random

from aftersales.decision import Outcome
from aftersales.ruling.check import check
from aftersales.ruling.fact import FACTS, Fact, FactType, Plain
from aftersales.ruling.table import Table
from aftersales.testing.tables import jdm

TEXTS = (
    "fruit",
    "shoes",
    "custom_made",
    "gold",
    "diamond",
    "null",
    "true",
    "in",
    "not in",
    "a,b",
    "]",
    "it's",
    'say "x"',
    "中文",
    "${kind}",
    "1",
    " ",
)


def literal(rng: Random, fact: Fact) -> str:
    """A value of the fact as it can be written."""
    if fact.type is FactType.WHOLE:
        return str(rng.choice((0, 1, 2, 3, 7, 15, 30, 100, 5_000, 50_000, 10**11)))
    if fact.type is FactType.AMOUNT:
        return rng.choice(("0", "0.01", "0.3", "1", "49.99", "50", "50.00", "50.001", "99999999999.99", "7.5"))
    if fact.type is FactType.YES_NO:
        return rng.choice(("true", "false"))
    value = rng.choice(fact.values or TEXTS)
    quote = '"' if "'" in value else "'" if '"' in value else rng.choice("\"'")
    return f"{quote}{value}{quote}"


def cell(rng: Random, fact: Fact) -> str:
    """A condition; half of them are empty."""
    forms: list[Callable[[], str]] = [lambda: literal(rng, fact), lambda: blank(rng, ",").join(several(rng, fact))]
    forms += [lambda: f"=={blank(rng)}{literal(rng, fact)}", lambda: f"!={blank(rng)}{literal(rng, fact)}"]
    forms += [lambda: f"{rng.choice(('in', 'not in'))} [{blank(rng)}{blank(rng, ',').join(several(rng, fact))}{blank(rng)}]"]
    if fact.unknown:
        forms += [lambda: rng.choice(("null", "!= null", "not in [null]")), lambda: f"null, {literal(rng, fact)}"]
    if fact.is_number:
        forms += [lambda: compare(rng, fact), lambda: between(rng, fact), lambda: f"{compare(rng, fact)}, {between(rng, fact)}"]
        forms += [lambda: f"null, {compare(rng, fact)}"] if fact.unknown else []
    return "" if rng.random() < 0.5 else blank(rng) + rng.choice(forms)() + blank(rng)


def several(rng: Random, fact: Fact) -> list[str]:
    """One to five values."""
    return [literal(rng, fact) for _ in range(rng.randint(1, 5))]


def compare(rng: Random, fact: Fact) -> str:
    """A comparison by size."""
    return f"{rng.choice(('<', '<=', '>', '>='))}{blank(rng)}{literal(rng, fact)}"


def between(rng: Random, fact: Fact) -> str:
    """An interval, its ends in order more often than not."""
    ends = sorted((literal(rng, fact), literal(rng, fact)), key=Decimal, reverse=rng.random() < 0.05)
    return f"{rng.choice('[(')}{blank(rng)}{ends[0]}{blank(rng, '..')}{ends[1]}{blank(rng)}{rng.choice('])')}"


def blank(rng: Random, around: str = "") -> str:
    """Some blanks, or none, on both sides."""
    some = ("", "", "", " ", " ", "  ", "\n", "\t")
    return rng.choice(some) + around + rng.choice(some) if around else rng.choice(some)


def outputs(rng: Random) -> dict[str, str]:
    """What a row says."""
    outcome = rng.choice(tuple(Outcome))
    said = {"outcome": f'"{outcome}"', "reason": rng.choice(('"坏了"', "'reason.small'", '"it\'s late"'))}
    if outcome is Outcome.APPROVE:
        said |= {"up_to": rng.choice(("", "30", "49.9", "0.01")), "share_percent": rng.choice(("", "1", "50", "100"))}
    return said | ({"rule": '"shop.rule_1"'} if rng.random() < 0.5 else {})


def drawn_table(rng: Random) -> tuple[str, Table]:
    """A table that passes the check, as its file and as it was read: rows that can never fire are taken out again."""
    columns = rng.sample(FACTS, rng.randint(1, 8))
    rows = [{f.name: cell(rng, f) for f in columns} | outputs(rng) for _ in range(rng.randint(1, 25))]
    while True:
        text = jdm([f.name for f in columns], [*rows, {"outcome": '"person"'}])
        checked = check(text)
        if checked.table:
            return text, checked.table
        bad = {problem.row for problem in checked.errors}
        assert bad.isdisjoint({None, len(rows) + 1}), checked.errors
        rows = [row for number, row in enumerate(rows, 1) if number not in bad]


_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def limits_of(table: Table) -> dict[str, tuple[Decimal, ...]]:
    """The numbers that the table's cells name, by fact."""
    found: dict[str, set[Decimal]] = {}
    for row in table.rows:
        for column, one in zip(table.columns, row.cells, strict=True):
            if one and column.fact.is_number:
                found.setdefault(column.fact.name, set()).update(map(Decimal, _NUMBER.findall(one.written)))
    return {name: tuple(sorted(numbers)) for name, numbers in found.items()}


def drawn_figures(rng: Random, limits: dict[str, tuple[Decimal, ...]]) -> dict[str, Plain]:
    """Every fact, numbers at a limit of the table's or a step beside it more often than not."""
    return {fact.name: figure(rng, fact, limits.get(fact.name, ())) for fact in FACTS}


def figure(rng: Random, fact: Fact, limits: tuple[Decimal, ...]) -> Plain:
    """One fact."""
    if fact.unknown and rng.random() < 0.15:
        return None
    if fact.type is FactType.YES_NO:
        return rng.random() < 0.5
    if not fact.is_number:
        return rng.choice(fact.values or TEXTS)
    near = rng.choice(limits) if limits and rng.random() < 0.8 else Decimal(rng.choice((0, 1, 5, 49, 5_000, 10**6)))
    if fact.type is FactType.WHOLE:
        return max(0, int(near) + rng.choice((-1, 0, 0, 1)))
    return max(Decimal(0), near + rng.choice((Decimal("-0.001"), Decimal(0), Decimal(0), Decimal("0.001"), Decimal("0.01"))))
