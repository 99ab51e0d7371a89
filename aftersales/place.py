"""Place: where somebody or something is, as far as parcels need it: province, prefecture-level city, district.

An address, a place's name or a carrier's sentence becomes a :class:`Place`. Two of them are one city, neighbours, far apart, or
nobody knows. A name that several places have is none of them until the province is told: nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from aftersales.atlas import Atlas, Meaning, atlas

#: Characters of an address or a sentence that are looked at.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A place in words, as it was told; "" where it was not. Never a street or a house."""

    province: str = ""
    city: str = ""
    district: str = ""


def place_of(address: str) -> Place:
    """The place that an address, a name or a carrier's sentence tells, in full Chinese names; of several, the first.

    Districts are found in Chinese only. What is not told, or could be several places, stays "".
    """
    text = unicodedata.normalize("NFKC", address[:LONGEST])[:LONGEST]
    found = _chosen([*_chinese(text, atlas())])
    if found.city or not re.search("[A-Za-z]{2}", text):
        return found
    return _chosen([*_latin(text, atlas())], found.province)


def city_of(text: str) -> str:
    """The full name of the prefecture-level place that ``text`` tells, "杭州市"; "" where it tells none."""
    return place_of(text).city


def same(a: Place | str, b: Place | str) -> bool | None:
    """Whether both are in one prefecture-level place; None where one of them is not known."""
    one, other = _city(a), _city(b)
    return one == other if one and other else None


def same_district(a: Place | str, b: Place | str) -> bool | None:
    """Whether both are in one district; None where the cities are one, or may be, and a district is not known."""
    one, other = _whole(a), _whole(b)
    if one.city and other.city and one.city != other.city:
        return False
    if not (one.district and other.district and one.city and other.city):
        return None
    return one.district == other.district


def near(a: Place | str, b: Place | str, also: Mapping[str, Collection[str]] = {}) -> bool | None:  # never changed
    """Whether both are in one prefecture-level place or in two that border on each other; None where one of them is not known.

    ``also`` names further neighbours by city, in any spelling; each pair goes both ways.
    """
    one, other = _city(a), _city(b)
    if not one or not other:
        return None
    if one == other or other in atlas().near[one]:
        return True
    return any({city_of(city), city_of(beside)} == {one, other} for city, others in also.items() for beside in others)


def _whole(said: Place | str) -> Place:
    return place_of(said if isinstance(said, str) else f"{said.province} {said.city} {said.district}")


def _city(said: Place | str) -> str:
    return _whole(said).city


# --- names in a text ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Named:
    """What a name in a text can mean."""

    means: tuple[Meaning, ...]


#: What follows makes a city's name that of a street, a gate, a park or a house somewhere else.
_STREET = re.compile(r"[东西南北中一二三四五六七八九十]{0,2}(?:大?[路街道巷弄里]|大街|胡同|门|公园|广场|酒店|饭店|大厦|宾馆)")

#: Where a name stands alone: a county-level city without its 市, a county of two characters, and what is a word as well must.
_BEFORE = re.compile(r"(?:^|[\s【\[(（,，。:：、省州盟区市]|到达|离开|发往|[在从由至到往])$")
_BEHIND = re.compile(r"$|[\s】\])）,，。:：、-]|转运|分拨|集散|处理|中转|中心|营业|网点|分部|公司|服务|站")
_WORDS = frozenset("安康 安顺 大同 来宾 新星 白杨 东方 兴安".split())  # noqa: SIM905
_NEVER = frozenset({"合作", "同仁"})

#: What may stand between a place and its district.
_BETWEEN = re.compile(r"[\s,，】\]·-]*")


def _chinese(text: str, known: Atlas) -> Iterator[_Named]:
    """Names from left to right, the longest at each place."""
    at = ended = 0
    while at < len(text):
        named, size = _name(text, at, ended, known)
        if named:
            yield named
            ended = at + size
        at += size or 1


def _name(text: str, at: int, ended: int, known: Atlas) -> tuple[_Named | None, int]:
    """The name that begins at ``at``, and how far to go on; ``ended`` is where the last name did, 0 for none."""
    sizes = range(min(known.longest, len(text) - at), 1, -1)
    size = next((n for n in sizes if text[at : at + n] in known.words), 0)
    word, follows = text[at : at + size], bool(ended) and _BETWEEN.fullmatch(text, ended, at) is not None
    means = known.words.get(word, ())
    if means and not _is_place(word, means, text[ended:at], text[at + size :]):
        means = ()
    stem = next((n for n in sizes if text[at : at + n] in known.stems), 0)
    if (
        stem >= (size if means else 1)
        and text[at : at + stem] not in _NEVER
        and (follows or (not means and text[at + stem : at + stem + 1] in tuple("市县区")))
    ):
        means += tuple(m for m in known.stems[text[at : at + stem]] if m not in means and not _STREET.match(text[at + stem :]))
        size = stem
    return (_Named(means) if means else None), size


def _is_place(word: str, means: tuple[Meaning, ...], before: str, rest: str) -> bool:
    """Whether a name means a place here; ``before`` is the text between the name before it and this one."""
    if any(meaning.full for meaning in means):
        return len(word) > 2 or not means[0].district or bool(_BEFORE.search(before))
    if _STREET.match(rest) or word in _NEVER:
        return False
    if means[0].district or word in _WORDS:
        return bool(_BEFORE.search(before)) and bool(_BEHIND.match(rest))
    return True


#: A name before one of these is a street's or a district's.
_NO_CITY = frozenset(
    "district county road rd street st avenue ave lane town township village north south east west middle".split()  # noqa: SIM905
)


def _latin(text: str, known: Atlas) -> Iterator[_Named]:
    """Names in letters: one to three words read as one, so that "Hong Kong" and "Xi'an" are found; no streets, no districts."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if c not in "'’" and not unicodedata.combining(c))
    words = re.findall(r"[a-z]+", plain)
    at = 0
    while at < len(words):
        size = next((n for n in (3, 2, 1) if "".join(words[at : at + n]) in known.latin), 0)
        following = words[at + size] if at + size < len(words) else ""
        if size and following not in _NO_CITY:
            yield _Named(known.latin["".join(words[at : at + size])])
        at += size or 1


def _chosen(names: list[_Named], province: str = "") -> Place:
    """The first city that the names tell for certain, and a district of it."""
    told = province or next((only[0] for named in names if len(only := _provinces(named)) == 1), "")
    for named in names:
        cities = {meaning.city for meaning in named.means if meaning.city and (not told or meaning.province == told)}
        if len(cities) > 1:  # a district's name that several cities have: another name may tell which
            cities &= {meaning.city for other in names for meaning in other.means if not meaning.district}
        if len(cities) == 1:
            city = atlas().cities[cities.pop()]
            return Place(city.province, city.name, _district(city.name, names))
    return Place(told)


def _provinces(named: _Named) -> list[str]:
    """The provinces that a name can mean by itself."""
    return [meaning.province for meaning in named.means if not meaning.city]


def _district(city: str, names: list[_Named]) -> str:
    """The first name that means one district of the city, and not the city itself as well."""
    for named in names:
        own = [meaning.district for meaning in named.means if meaning.city == city]
        if len(own) == 1 and own[0]:
            return own[0]
    return ""
