"""Shift: whether a scenario notices when a limit moves by the smallest step. One that nobody notices is held by no scenario.

A limit is a number or length of time that stands, in capitals, at the top of one of the package's modules. The package is loaded
once more for each step, its source changed by that step alone; nothing is written.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_SHIFT = "__aftersales_shift__"


@dataclass(frozen=True, slots=True)
class Limit:
    """``name`` at the top of ``module``, and where that is written."""

    module: str
    name: str
    where: str


def limits(module: str, folder: Path) -> Iterator[Limit]:
    """The limits of a loaded package, by module and name."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join((module, *(part for part in parts if part != "__init__")))
        loaded = sys.modules.get(name)
        for node in ast.parse(path.read_text(encoding="utf-8")).body if loaded else ():
            target = _target(node)
            if target and target.strip("_").isupper() and _moved(getattr(loaded, target, None), 1) is not None:
                yield Limit(name, target, f"{path.relative_to(folder).as_posix()}:{node.lineno}")


def unnoticed(limit: Limit, package: str, noticed: Callable[[Any], bool]) -> tuple[str, ...]:
    """The steps ("+1", "-1 s") that change no scenario; ``noticed`` is asked with the package loaded anew."""
    value = getattr(sys.modules[limit.module], limit.name)
    unit = " s" if isinstance(value, timedelta) else ""
    return tuple(f"{step:+d}{unit}" for step in (1, -1) if not _asked(limit, package, step, noticed))


def _asked(limit: Limit, package: str, step: int, noticed: Callable[[Any], bool]) -> bool:
    kept = {name: module for name, module in sys.modules.items() if name == package or name.startswith(f"{package}.")}
    for name in kept:
        del sys.modules[name]
    finder = _Finder(limit)
    sys.meta_path.insert(0, finder)
    setattr(builtins, _SHIFT, lambda value: _moved(value, step))
    try:
        return noticed(import_module(package))
    except Exception:  # noqa: BLE001  # a step that breaks the package was noticed
        return True
    finally:
        sys.meta_path.remove(finder)
        delattr(builtins, _SHIFT)
        for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
            del sys.modules[name]
        sys.modules.update(kept)


def _moved(value: object, step: int) -> object:
    """The value one step on; None for what is no limit."""
    if isinstance(value, timedelta):
        return value + timedelta(seconds=step)
    return value + step if type(value) is int else None


def _target(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return node.target.id if isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name) else ""


class _Finder(MetaPathFinder, Loader):
    """Loads one module with one of its values moved; all others are found as ever."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._path = ""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module of the limit, with its own loader replaced by this one."""
        if fullname != self._limit.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        self._path, spec.loader = spec.origin, self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """Run the source with the value moved."""
        tree = ast.parse(Path(self._path).read_text(encoding="utf-8"))
        for node in tree.body:
            if _target(node) == self._limit.name and isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                node.value = ast.Call(ast.Name(_SHIFT, ast.Load()), [node.value], [])
        exec(compile(ast.fix_missing_locations(tree), self._path, "exec"), vars(module))  # noqa: S102  # the package's own source
