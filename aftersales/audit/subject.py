"""Subject: what is looked at. A name (a trade, a plugin, an installed package) or a path (a project, or the folder of its code)."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from aftersales import manifest, offered
from aftersales.errors import BadPlugin, NotFound
from aftersales.offered import PLUGINS, VERTICALS, Offered


@dataclass(frozen=True, slots=True)
class Subject:
    """One trade or plugin. ``folder`` holds its code, ``root`` is what has to be on the path to import ``module``.

    ``attribute`` is what the entry point names in the module. ``project`` is the folder that a path named, with tests and README;
    None for what is installed. ``requires`` are its package's requirements, None for what comes with the system.
    """

    group: str
    name: str
    module: str
    attribute: str
    folder: Path
    root: Path
    package: str = ""
    requires: tuple[str, ...] | None = None
    project: Path | None = None

    @property
    def is_trade(self) -> bool:
        """Whether it is a trade and not a plugin."""
        return self.group == VERTICALS


def find(word: str) -> tuple[Subject, ...]:
    """All that the word names. Raises NotFound, with what to do, where that is nothing, or offers nothing."""
    path = Path(word)
    if path.is_dir():
        return _in_project(path.resolve()) if (path / "pyproject.toml").is_file() else (_in_folder(path.resolve()),)
    if "/" in word or "\\" in word:
        raise NotFound(f"There is no folder {word}.", todo="Name a folder, or something that is installed.")
    every = [one for group in (VERTICALS, PLUGINS) for one in offered.offered(group)]
    found = [one for one in every if one.name == word] or [one for one in every if _is_called(one, word)]
    if found:
        return tuple(_installed(one) for one in found)
    known = sorted({one.name for one in every})
    try:
        metadata.distribution(word)
    except (metadata.PackageNotFoundError, ValueError):
        raise NotFound(
            f"There is no {word}, neither here nor installed.",
            todo="Name a folder, or one of: " + (", ".join(known) or "nothing is offered here"),
            known=known,
        ) from None
    raise NotFound(f"The package {word} has no entry point.", todo=_ADD)


_ADD = """Add to its pyproject.toml, and install it again:
  [project.entry-points."aftersales.verticals"]   (or "aftersales.plugins")
  name = "its_module\""""


def _is_called(one: Offered, word: str) -> bool:
    plain = re.sub(r"[-_.]+", "-", word).lower()
    return bool(one.entry) and re.sub(r"[-_.]+", "-", one.package.partition(" ")[0]).lower() == plain


def _installed(one: Offered) -> Subject:
    folder = one.folder
    if folder is None:
        raise NotFound(
            f"{one.module}, which offers {one.name}, cannot be found.", todo="Correct the entry point, or install it again."
        )
    root = folder.parents[one.module.count(".")]
    dist = one.entry.dist if one.entry else None
    attribute = one.entry.attr if one.entry else ""
    requires = tuple(dist.requires or ()) if dist else None
    project = None if one.entry else root
    return Subject(one.group, one.name, one.module, attribute, folder, root, one.package, requires, project)


def _in_folder(folder: Path) -> Subject:
    """The folder of a package's code, without the project around it."""
    above = next((p for p in folder.parents if (p / "pyproject.toml").is_file()), None)
    if not (folder / "__init__.py").is_file():
        raise NotFound(
            f"{folder.name} is neither a project (pyproject.toml) nor a package (__init__.py).", todo="Name one of them."
        )
    for subject in _offers(above) if above else ():
        if subject.folder == folder:
            return subject
    root = next(p for p in folder.parents if not (p / "__init__.py").is_file())
    module = ".".join(folder.relative_to(root).parts)
    return Subject(_group(folder), folder.name, module, "", folder, root, project=root)


def _group(folder: Path) -> str:
    """What the folder holds: as its manifest says, else as it looks."""
    try:
        told = manifest.read(folder)
    except BadPlugin:
        told = None
    is_trade = told.kind is manifest.Kind.VERTICAL if told else folder.parent.name != PLUGINS
    return VERTICALS if is_trade else PLUGINS


def _in_project(project: Path) -> tuple[Subject, ...]:
    found = tuple(_offers(project))
    if not found:
        raise NotFound(f"The package in {project.name} has no entry point.", todo=_ADD)
    return found


def _offers(project: Path) -> Iterable[Subject]:
    table = _project_table(project)
    points = table.get("entry-points", {})
    for group in (VERTICALS, PLUGINS):
        for name, value in points.get(f"aftersales.{group}", {}).items():
            module, _, attribute = str(value).partition(":")
            root = next((r for r in (project / "src", project) if _source(r, module)), None)
            source = _source(root, module) if root else None
            if root is None or source is None:
                raise NotFound(
                    f"{module}, which offers {name}, is not in {project.name}.", todo="Correct the entry point in pyproject.toml."
                )
            package = f"{table.get('name', project.name)} {table.get('version', '')}".strip()
            requires = tuple(str(one) for one in table.get("dependencies", ()))
            yield Subject(group, name, module, attribute, source.parent, root, package, requires, project)


def _project_table(project: Path) -> Mapping[str, Any]:
    try:
        table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError) as error:
        raise NotFound(f"pyproject.toml of {project.name} cannot be read: {error}", todo="Correct it.") from error
    return table if isinstance(table, dict) else {}


def _source(root: Path, module: str) -> Path | None:
    base = root.joinpath(*module.split("."))
    return next((p for p in (base / "__init__.py", base.with_suffix(".py")) if p.is_file()), None)


def importable(subject: Subject) -> list[str]:
    """The path to import it with: its own root first, then this process's."""
    here = [part for part in sys.path if part]
    return [str(subject.root), *(part for part in here if part != str(subject.root))]
