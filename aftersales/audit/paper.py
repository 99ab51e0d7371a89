"""Paper: what a package says about itself without being run: manifest, README, compatibility, types, tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from aftersales import __version__, compatible, manifest
from aftersales.audit.problem import Problem
from aftersales.audit.subject import Subject
from aftersales.errors import BadPlugin
from aftersales.kits import KITS, kit_of
from aftersales.manifest import Kind, Level, Manifest

#: A source has a date: "2026-11", "2020-10-23".
DATED = re.compile(r"\b20\d\d-[01]\d\b")
RANGE = ".".join(__version__.split(".")[:2])


def problems(subject: Subject) -> tuple[Manifest | None, list[Problem]]:
    """The manifest as far as there is one, and what is wrong with the papers."""
    told, found = _manifest(subject)
    found += [*_compatible(subject), *_readme(subject), *_typed(subject), *_tests(subject, told)]
    return told, found


def _manifest(subject: Subject) -> tuple[Manifest | None, list[Problem]]:
    kind = Kind.VERTICAL if subject.is_trade else Kind.PLUGIN
    try:
        told = manifest.read(subject.folder)
    except BadPlugin as error:
        return None, [Problem("manifest.wrong", manifest.FILE, error.message, "See aftersales.manifest.")]
    if told is None:
        todo = f'Write {manifest.FILE} beside __init__.py: kind = "{kind}", level = "bronze".'
        return None, [Problem("manifest.missing", manifest.FILE, "there is none", todo)]
    found = []
    if told.kind is not kind:
        found.append(
            Problem("manifest.kind", manifest.FILE, f"it says {told.kind}, and this is offered as a {kind}", f'kind = "{kind}".')
        )
    if told.port and kit_of(told.port) is None:
        known = ", ".join(kit.port for kit in KITS)
        found.append(Problem("manifest.port", manifest.FILE, f"there is no port {told.port}", f"One of: {known}."))
    if not told.summary:
        found.append(Problem("manifest.summary", manifest.FILE, "it has no summary", "Say in a line what it is for.", Level.SILVER))
    return told, found


def _compatible(subject: Subject) -> Iterator[Problem]:
    if subject.requires is None:
        return
    wanted, todo = compatible.declared(subject.requires), f'dependencies = ["aftersales>={RANGE},<{_next(RANGE)}"].'
    if wanted is None:
        yield Problem("compatible.missing", "pyproject.toml", "it does not depend on aftersales", todo)
    elif not compatible.fits(__version__, wanted):
        said = f"it was made for aftersales {wanted}, and this is {__version__}"
        yield Problem("compatible.not", "pyproject.toml", said, "Try it with this version, then widen the range.")
    elif not compatible.bounded(wanted):
        said = f"aftersales{wanted} has no upper end" if wanted else "it takes any version of aftersales"
        yield Problem("compatible.open", "pyproject.toml", said, todo, Level.SILVER)


def _next(version: str) -> str:
    major, minor = version.split(".")
    return f"{major}.{int(minor) + 1}"


def _readme(subject: Subject) -> Iterator[Problem]:
    places = [subject.folder, *([subject.project] if subject.requires is not None and subject.project else [])]
    text = "\n".join(p.read_text(encoding="utf-8", errors="replace") for place in places if (p := place / "README.md").is_file())
    if not text.strip():
        yield Problem(
            "readme.missing", "README.md", "there is none beside the code", "Say for whom it is, and where its numbers come from."
        )
        return
    if subject.is_trade and not DATED.search(text):
        said = "it names no source with its date"
        yield Problem(
            "readme.sources", "README.md", said, 'Name the law or policy behind every number, "as read 2026-11".', Level.SILVER
        )
    if not subject.is_trade and "setting" not in text.lower():
        yield Problem(
            "readme.settings", "README.md", "it says nothing of settings", "List them, or say that there are none.", Level.SILVER
        )
    if not subject.is_trade and not DATED.search(text):
        said = "it names no documentation with its date"
        yield Problem("readme.sources", "README.md", said, 'Name what it was written after, "as read 2026-11".', Level.GOLD)


def _typed(subject: Subject) -> Iterator[Problem]:
    if subject.requires is not None and not (subject.folder / "py.typed").is_file():
        yield Problem(
            "source.py_typed",
            "py.typed",
            "there is none beside the code",
            "Add an empty file py.typed, and package it.",
            Level.SILVER,
        )


def _tests(subject: Subject, told: Manifest | None) -> Iterator[Problem]:
    """Whether its tests inherit the kit; what is installed brings no tests along."""
    if subject.project is None:
        return
    name = "VerticalContract" if subject.is_trade else _contract(told)
    if name and not any(_inherits(path, name, subject) for path in (subject.project / "tests").rglob("test_*.py")):
        todo = f"class TestMine({name}): … in tests/; docs/kits.md has the lines."
        yield Problem("tests.kit", "tests", f"none of its tests inherits {name}", todo, Level.SILVER)


def _contract(told: Manifest | None) -> str:
    kit = kit_of(told.port) if told else None
    return kit.contract[0] if kit else ""


def _inherits(path: Path, name: str, subject: Subject) -> bool:
    """Whether a class of the file has the kit, or one that stands on it, among its bases, and the file names the package."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if subject.module not in text and subject.module.rpartition(".")[2] not in text:
        return False
    try:
        bases = {ast.unparse(base) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef) for base in node.bases}
    except (SyntaxError, ValueError):
        return False
    held = {base for base in bases if base.removeprefix("*") in (name, "KITS")}
    return bool(held) or (name in _OF_SOURCES and any(base.endswith("Contract") for base in bases))


#: What a source answers differs by trade, and so do the kits that hold it.
_OF_SOURCES = frozenset({"SourceContract", "HoldingContract", "TellingContract"})
