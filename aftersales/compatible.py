"""Compatible: whether a version of ``aftersales`` is one that a package says it was made for (``aftersales>=0.1,<0.2``).

The part of the packaging rules (PEP 440, PEP 508) that such a line needs, with the standard library: numbers compared one by one,
a pre-release (``0.2.0rc1``) below its release. Local versions and epochs are not understood and match nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import zip_longest

NAME = "aftersales"
_VERSION = re.compile(
    r"v?(\d+(?:\.\d+)*)(?:[._-]?(a|b|rc|alpha|beta|c|pre|preview|dev)[._-]?(\d*))?(?:[._-]?post\d*)?$", re.IGNORECASE
)
_CLAUSE = re.compile(r"\s*(===|==|!=|~=|<=|>=|<|>)\s*([^\s,]+)\s*$")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?$")
_STAGES = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_RELEASED = (9, 0)

Version = tuple[tuple[int, ...], tuple[int, int]]


def version(text: str) -> Version | None:
    """The version to compare, None where it is not understood."""
    found = _VERSION.match(text.strip())
    if found is None:
        return None
    numbers = tuple(int(part) for part in found[1].split("."))
    stage = (_STAGES[found[2].lower()], int(found[3] or 0)) if found[2] else _RELEASED
    return numbers, stage


def fits(found: str, wanted: str) -> bool:
    """Whether version ``found`` keeps every clause of ``wanted``; an empty one is kept by all. Not understood: no."""
    return all(_keeps(found, clause) for clause in wanted.split(",") if clause.strip())


def declared(requirements: Iterable[str] | None, name: str = NAME) -> str | None:
    """What a distribution's requirements say of ``name``; None where they do not name it, or only for an extra."""
    for requirement in requirements or ():
        read = _REQUIREMENT.match(requirement)
        if read and re.sub(r"[-_.]+", "-", read[1]).lower() == name and "extra" not in (read[3] or ""):
            return read[2].strip()
    return None


def bounded(wanted: str) -> bool:
    """Whether ``wanted`` says from which version on, and up to which: ``>=0.1,<0.2``, ``~=0.1.2``, ``==0.1.*``."""
    signs = {found[1] for found in map(_CLAUSE.match, wanted.split(",")) if found}
    return bool(signs & {"~=", "==", "==="}) or (bool(signs & {">", ">="}) and bool(signs & {"<", "<="}))


def _keeps(found: str, clause: str) -> bool:
    read = _CLAUSE.match(clause)
    have = version(found)
    if read is None or have is None:
        return False
    sign, text = read[1], read[2]
    if sign == "===":
        return found.strip() == text
    if text.endswith(".*") and sign in ("==", "!="):
        want = version(text[:-2])
        return want is not None and (_padded(have[0], len(want[0]))[: len(want[0])] == want[0]) is (sign == "==")
    want = version(text)
    if want is None:
        return False
    if sign == "~=":
        return len(want[0]) > 1 and _compare(have, want) >= 0 and _padded(have[0], len(want[0]))[: len(want[0]) - 1] == want[0][:-1]
    order = _compare(have, want)
    if sign == "<" and have[1] != _RELEASED and want[1] == _RELEASED and not _compare((have[0], _RELEASED), want):
        return False  # <0.2 leaves out 0.2.0rc1: it was not made for what 0.2 becomes
    return {"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]


def _padded(numbers: tuple[int, ...], length: int) -> tuple[int, ...]:
    return (*numbers, *(0 for _ in range(length - len(numbers))))


def _compare(one: Version, other: Version) -> int:
    """-1, 0 or 1; 0.1 and 0.1.0 are the same."""
    for a, b in zip_longest(one[0], other[0], fillvalue=0):
        if a != b:
            return 1 if a > b else -1
    return (one[1] > other[1]) - (one[1] < other[1])
