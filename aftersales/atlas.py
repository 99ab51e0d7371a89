"""Atlas: the provinces of China, their prefecture-level places and districts, and which places border on one another.

It is read from ``place.toml`` when it is first asked for. Every city stands under its full name, ``杭州市``; no two share one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class City:
    """A prefecture-level place: a city, or a league, region, autonomous prefecture, or county right below its province."""

    name: str
    province: str
    districts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Atlas:
    """Everything by name. ``words`` gives what a Chinese name can mean, ``latin`` the same for letters alone, in lower case.

    ``stems`` gives districts by their names without the kind of place: 余杭 counts behind another place's name only.
    """

    cities: dict[str, City]
    near: dict[str, frozenset[str]]
    words: dict[str, tuple[Meaning, ...]]
    latin: dict[str, tuple[Meaning, ...]]
    stems: dict[str, tuple[Meaning, ...]]
    longest: int


@dataclass(frozen=True, slots=True)
class Meaning:
    """A place that a name can mean: a province alone, a city, or a city's district. ``full``: the name is whole, no short form."""

    province: str
    city: str = ""
    district: str = ""
    full: bool = True


@cache
def atlas() -> Atlas:
    """The atlas, read once."""
    told = tomllib.loads(Path(__file__).with_name("place.toml").read_text(encoding="utf-8"))
    cities: dict[str, City] = {}
    other: dict[str, list[str]] = {}
    borders: dict[str, list[str]] = {}
    for province, rows in told.items():
        other[province] = rows.pop("names").split()
        for name, (names, near, districts) in rows.items():
            cities[name] = City(name, province, tuple(districts.split()))
            other[name] = [*other.get(name, []), *names.split()]
            borders[name] = near.split()
    words = _words(told, cities, other)
    chinese = {word: tuple(means) for word, means in words.items() if not word.isascii()}
    latin = {word.lower(): tuple(means) for word, means in words.items() if word.isascii()}
    return Atlas(cities, _near(cities, borders), chinese, latin, _stems(cities), max(map(len, chinese)))


def short(name: str) -> str:
    """A place's name without what kind of place it is: 杭州, 延边, 锡林郭勒."""
    return _KIND.sub("", name)


_PEOPLES = "朝鲜族|土家族|布依族|傈僳族|景颇族|哈尼族|柯尔克孜|哈萨克|蒙古族|蒙古|藏族|羌族|彝族|傣族|白族|壮族|苗族|侗族|回族|黎族"
_KIND = re.compile(rf"(?<=..)(?:(?:{_PEOPLES})*自治[州县]|特别行政区|地区|林区|[市县区盟])$")


def _words(told: Mapping[str, object], cities: dict[str, City], other: dict[str, list[str]]) -> dict[str, list[Meaning]]:
    """What every name can mean; provinces first, then cities, then districts."""
    words: dict[str, list[Meaning]] = {}

    def add(word: str, meaning: Meaning) -> None:
        if meaning not in (known := words.setdefault(word, [])):
            known.append(meaning)

    for province in told:
        if province not in cities:
            add(province, Meaning(province))
            for name in other[province]:
                add(name, Meaning(province, full=False))
    for city in cities.values():
        add(city.name, Meaning(city.province, city.name))
        for name in other[city.name]:
            add(name, Meaning(city.province, city.name, full=False))
        if city.name.endswith("自治州"):
            add(f"{short(city.name)}州", Meaning(city.province, city.name))
    for city in cities.values():
        for district in city.districts:
            add(district, Meaning(city.province, city.name, district))
            if district.endswith("市") and short(district) not in words:
                add(short(district), Meaning(city.province, city.name, district, full=False))
    return words


def _stems(cities: dict[str, City]) -> dict[str, tuple[Meaning, ...]]:
    stems: dict[str, tuple[Meaning, ...]] = {}
    for city in cities.values():
        for district in city.districts:
            if (stem := short(district)) != district:
                stems[stem] = (*stems.get(stem, ()), Meaning(city.province, city.name, district, full=False))
    return stems


def _near(cities: dict[str, City], borders: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    """Borders go both ways; the file tells each once, by short names."""
    full = {short(name): name for name in cities} | {name: name for name in cities}
    near: dict[str, set[str]] = {name: set() for name in cities}
    for name, others in borders.items():
        for other in others:
            near[name].add(full[other])
            near[full[other]].add(name)
    return {name: frozenset(others) for name, others in near.items()}
