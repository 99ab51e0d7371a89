"""The two tables beside this file: under which law a line was sold, and who bears what for which reason."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from aftersales.case import Fault, Kind
from aftersales.order import Line
from aftersales.vertical import Facts, Reason

DEFAULT = "cn_retail_import"


@dataclass(frozen=True, slots=True)
class Regime:
    """The law of a line; ``tax`` says who asks for taxes that are not due after all: ``customs``, ``merchant`` or ``buyer``."""

    name: str
    no_reason_days: int
    fault_days: int
    tax: str
    freight_with_all: bool
    never_back: frozenset[str]
    not_once_opened: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bears:
    """Who answers for a reason, and who bears what: ``merchant``, or ``terms`` where the buyer may have agreed otherwise."""

    code: str
    kinds: frozenset[Kind]
    fault: Fault
    late_tax: str
    failed_freight: str


NOBODY = Bears("", frozenset(), Fault.NONE, "merchant", "merchant")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def regimes() -> dict[str, Regime]:
    """All laws by name."""
    return {
        name: Regime(
            name,
            row["no_reason_days"],
            row["fault_days"],
            row["tax"],
            row["freight_with_all"],
            frozenset(row["never_back"]),
            frozenset(row["not_once_opened"]),
        )
        for name, row in _read("regimes.toml").items()
    }


@lru_cache(maxsize=1)
def bearers() -> dict[str, Bears]:
    """All reasons by code, in their order."""
    rows = _read("bears.toml")["reason"]
    return {
        r["code"]: Bears(r["code"], frozenset(map(Kind, r["kinds"])), Fault(r["fault"]), r["late_tax"], r["failed_freight"])
        for r in rows
    }


def reasons_of(kind: Kind) -> tuple[Reason, ...]:
    """The preset reasons of a kind of case."""
    return tuple(Reason(b.code, b.fault) for b in bearers().values() if kind in b.kinds)


def regime_of(line: Line) -> Regime:
    """The law that the line was sold under; China's retail imports where it says none."""
    return regimes().get(str(line.data.get("regime", DEFAULT)), regimes()[DEFAULT])


def bears(facts: Facts) -> Bears:
    """Who bears what for the reason of these facts; nobody answers while none is given."""
    return bearers().get(facts.reason, NOBODY)
