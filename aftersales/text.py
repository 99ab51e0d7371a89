"""Texts for people, in every language a package brings: ``texts.toml`` with one table per language (``[zh-CN]``, ``[en]``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

DEFAULT_LOCALE = "zh-CN"


@cache
def texts_of(package: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of a package by language and key; none when it brings no ``texts.toml``. The package itself is not imported."""
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    places = (spec and spec.submodule_search_locations) or ()
    found = next((p for p in (Path(place) / "texts.toml" for place in places) if p.is_file()), None)
    tables = tomllib.loads(found.read_text(encoding="utf-8")) if found else {}
    return {language: {str(k): str(v) for k, v in table.items()} for language, table in tables.items()}


def has(package: str, key: str) -> bool:
    """Whether the package has that text in any language."""
    return any(key in table for table in texts_of(package).values())


def text(package: str, key: str, locale: str, /, **values: object) -> str:
    """The text of ``key`` in ``locale``, ``{name}`` places filled from ``values``.

    Where that language lacks it: in another spelling of it (``zh-TW`` reads ``zh-CN``), for readers of neither language in English,
    else in Chinese. An unknown key comes back as the key itself, so that a person sees at least what it is about.
    """
    tables = texts_of(package)
    for language in _tried(locale, tuple(tables)):
        template = tables.get(language, {}).get(key)
        if template:
            return template.format_map(_Blank(values))
    return key


@cache
def _tried(locale: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The languages to look in, the best first."""
    spoken = locale.partition("-")[0].lower()
    alike = [language for language in known if language.partition("-")[0].lower() == spoken]
    others = (DEFAULT_LOCALE,) if spoken == DEFAULT_LOCALE.partition("-")[0] else ("en", DEFAULT_LOCALE)
    return tuple(dict.fromkeys((locale, *alike, *others)))


class _Blank(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "{" + name + "}"
