"""Words: whether buyers read everything a trade says, in both languages, with the same figures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aftersales.audit.problem import Problem
from aftersales.text import texts_of
from aftersales.vertical import Vertical

LANGUAGES = ("zh-CN", "en")
PLACE = re.compile(r"\{(\w*)\}")
#: A number that is written out; a time such as 24:00 and a year are no figure of a rule.
FIGURE = re.compile(r"\{\w*\}|\d+:\d\d|\d{4}(?!\d)|(\d+(?:\.\d+)?)")
#: Small numbers are words as often as figures.
WORDED = {
    "zh-CN": dict(zip("一二两三四五六七八九十半", (1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2), strict=True)),
    "en": {
        **dict(zip(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], range(1, 11), strict=True)),
        **dict(
            zip(
                ["first", "second", "third", "once", "twice", "double", "half", "fifteen", "twenty", "thirty"],
                (1, 2, 3, 1, 2, 2, 2, 15, 20, 30),
                strict=True,
            )
        ),
    },
}


def tables(vertical: Vertical) -> dict[str, dict[str, str]]:
    """The trade's texts by language, from its own package and those it names besides."""
    found: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for package in reversed((vertical.package, *vertical.also)):
        for language in LANGUAGES:
            found[language].update(texts_of(package).get(language, {}))
    return found


def wanted(vertical: Vertical) -> dict[str, str]:
    """The keys that the trade declares, each with what it is for."""
    keys: dict[str, str] = {}
    for offer in vertical.offers:
        keys[f"rules.{offer.kind}"] = f"the terms of {offer.kind}"
        keys |= {f"reason.{reason.code}": f"the reason {reason.code}" for reason in offer.reasons}
        keys |= {requirement.text: f"what {offer.kind} requires" for requirement in offer.requires}
        for ask in offer.asks:
            keys[f"source.{ask.source}"] = f"what the source {ask.source} is called"
            keys |= {f"source.{ask.source}.{status}": f"what {ask.source} answers" for status in ask.statuses}
        keys |= {field.text: f"the value {field.name}" for ask in offer.asks for field in ask.fields if field.text}
    keys |= {field.text: f"the value {field.name}" for field in vertical.needs if field.text}
    keys |= dict.fromkeys(vertical.failures, "a known failure")
    return keys | ({vertical.on_signing: "the notice on signing"} if vertical.on_signing else {})


def problems(vertical: Vertical) -> Iterator[Problem]:
    """What is missing, empty, alone, or says other figures in the other language."""
    found = tables(vertical)
    if not any(found.values()):
        yield Problem(
            "texts.none", "texts.toml", "there are no texts", "Write texts.toml with [zh-CN] and [en] beside __init__.py."
        )
        return
    for key, what in wanted(vertical).items():
        for language in LANGUAGES:
            if not found[language].get(key, "").strip():
                yield missing(language, key, what)
    chinese, english = (found[language] for language in LANGUAGES)
    for key in sorted(set(chinese) ^ set(english)):
        language = "en" if key in chinese else "zh-CN"
        yield missing(language, key, "the other language has it")
    for key in sorted(set(chinese) & set(english)):
        here, there = set(PLACE.findall(chinese[key])), set(PLACE.findall(english[key]))
        if here != there:
            said = f"zh-CN names {_listed(here)}, en {_listed(there)}"
            yield Problem("texts.unlike", f'texts.toml "{key}"', said, "Name the same figures in both languages.")
        for language, other in (LANGUAGES, LANGUAGES[::-1]):
            alone = figures(found[language][key]) - figures(found[other][key]) - worded(found[other][key], other)
            if alone:
                said = f"{language} says {', '.join(sorted(alone))}, {other} does not"
                yield Problem("texts.unlike", f'texts.toml "{key}"', said, "Say the same figures in both languages.")


def figures(told: str) -> set[str]:
    """The numbers that a text says in figures."""
    return set(FIGURE.findall(told)) - {""}


def worded(told: str, language: str) -> set[str]:
    """The small numbers that a text says in words."""
    words = told if language == "zh-CN" else re.findall(r"[a-z]+", told.lower())
    return {str(WORDED[language][word]) for word in words if word in WORDED[language]}


def missing(language: str, key: str, what: str) -> Problem:
    """That a language lacks a text."""
    return Problem("texts.missing", f'texts.toml [{language}] "{key}"', f"it is missing ({what})", f'Add "{key}" to [{language}].')


def _listed(names: set[str]) -> str:
    return ", ".join("{" + name + "}" for name in sorted(names)) or "none"
