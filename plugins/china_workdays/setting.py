"""What the plugin is told: notices that the library does not hold, as TOML, and what is wrong with them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from aftersales.errors import BadSettings
from aftersales.workday import Day, DayKind

HERE = Path(__file__).with_name("days.toml")

#: The days off that every year has: 1 January, 1 and 2 May, 1 to 3 October, and 13 in all (Regulation on Public Holidays for
#: National Annual Festivals and Memorial Days as amended 2024-11, State Council Decree 795, in force from 2025-01-01).
FIXED = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
AT_LEAST = 13
ONE_DAY = timedelta(days=1)


def year_of(day: date) -> int:
    """The year whose notice speaks of the day: New Year's holiday and its make-up days began as early as 29 December (2018)."""
    return day.year + ((day.month, day.day) >= (12, 29))


@dataclass(frozen=True, slots=True)
class Notice:
    """What was told of one year: its days, and whether they are the whole notice."""

    days: Mapping[date, Day]
    whole: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """``notices`` by year: those that come with the plugin, and over them those of the setting ``days``."""

    notices: Mapping[int, Notice]

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The setting ``days`` is TOML, as in ``days.toml``; "" adds nothing. Raises BadSettings."""
        own = said.get("days", "")
        if not isinstance(own, str):
            raise BadSettings("china_workdays: days is TOML text; file:PATH and env:NAME are read.")
        return cls({**_notices(HERE.read_text(encoding="utf-8")), **_notices(own)})


def _notices(text: str) -> dict[int, Notice]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"china_workdays: days cannot be read: {error}") from error
    return {_year(name): _notice(_year(name), table) for name, table in tables.items()}


def _year(name: str) -> int:
    if not (name.isascii() and name.isdigit() and len(name) == 4):
        raise BadSettings(f"china_workdays: {name} is no year.", expected="[2027]")
    return int(name)


def _notice(year: int, table: Any) -> Notice:
    if not isinstance(table, Mapping) or set(table) - {"off", "work", "names"}:
        raise BadSettings(f"china_workdays: {year} has off, work and names.", found=str(table)[:200])
    off, work = _dates(year, "off", table), _dates(year, "work", table)
    both = sorted(set(off) & set(work))
    if both:
        raise BadSettings(f"china_workdays: {both[0]} is told to be off and worked.")
    names = _names(year, table, {*off, *work})
    days = {day: Day(DayKind.HOLIDAY, _name(day, names, off)) for day in off}
    kinds = {day: DayKind.MAKE_UP if day.weekday() > 4 else DayKind.WORKING for day in work}
    days |= {day: Day(kind, names.get(day, "")) for day, kind in kinds.items()}
    fixed = all(date(year, month, number) in off for month, number in FIXED)
    return Notice(days, whole=fixed and len(off) >= AT_LEAST)


def _dates(year: int, name: str, table: Mapping[str, Any]) -> list[date]:
    found = table.get(name, [])
    if not isinstance(found, list) or any(type(day) is not date for day in found):
        raise BadSettings(f"china_workdays: {name} of {year} is a list of days.", expected="[2027-01-01, 2027-01-02]")
    strange = [day for day in found if year_of(day) != year]
    if strange:
        raise BadSettings(f"china_workdays: {strange[0]} stands in the notice of {year_of(strange[0])}, not of {year}.")
    return sorted(found)


def _names(year: int, table: Mapping[str, Any], known: set[date]) -> dict[date, str]:
    found = table.get("names", {})
    try:
        named = {date.fromisoformat(day): name for day, name in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise BadSettings(f"china_workdays: names of {year} are by day.", expected='{ 2027-01-01 = "new_years_day" }') from error
    if any(not isinstance(name, str) or not name for name in named.values()) or set(named) - known:
        raise BadSettings(f"china_workdays: names of {year} name days that are off or worked.", found=str(found)[:200])
    return named


def _name(day: date, names: Mapping[date, str], off: list[date]) -> str:
    """Its own name, or that of the row of days off which it goes on."""
    while day not in names and day - ONE_DAY in off:
        day -= ONE_DAY
    return names.get(day, "")
