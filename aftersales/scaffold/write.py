"""Write: a package out of templates, all of it or nothing, and never over anything that is there."""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from aftersales import __version__, offered
from aftersales.errors import Conflict, Invalid

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MOST = 40

#: Where each template of a trade goes; the words in braces are those of :func:`words`.
VERTICAL: Mapping[str, str] = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "order.json": "order.json",
    "src/{package}/__init__.py": "init.py",
    "src/{package}/rules.py": "rules.py",
    "src/{package}/texts.toml": "texts.toml",
    "src/{package}/scenarios.toml": "scenarios.toml",
    "src/{package}/manifest.toml": "manifest.toml",
    "src/{package}/README.md": "package_readme.md",
    "src/{package}/py.typed": "",
    "tests/test_{name}.py": "test_trade.py",
}


def checked(name: str, group: str) -> str:
    """The name, if a trade (``verticals``) or plugin can have it. Raises Invalid with a better one, Conflict where it is taken."""
    if not NAME.fullmatch(name) or len(name) > MOST:
        better = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", name.lower())).strip("_0123456789")[:MOST].strip("_")
        todo = f"Call it {better}, say." if NAME.fullmatch(better) else "Choose another one, such as ring_sizes."
        raise Invalid(
            f"{name!r} cannot be a name: small letters, digits and single underscores, {MOST} at most.", todo=todo, found=name
        )
    if keyword.iskeyword(name):
        raise Invalid(f"{name!r} is a word of Python's own.", todo=f"Choose another one, such as {name}_goods.", found=name)
    taken = next((one for one in offered.offered(group) if one.name == name), None)
    if taken:
        owner = taken.package or "the system itself"
        raise Conflict(f"There is a {group[:-1]} {name} already: {owner} offers it.", todo="Choose another name.", found=name)
    return name


def words(name: str) -> dict[str, str]:
    """What templates are filled with."""
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return {
        "name": name,
        "package": f"aftersales_{name}",
        "dist": f"aftersales-{name.replace('_', '-')}",
        "title": "".join(part.title() for part in name.split("_")),
        "low": f"{major}.{minor}",
        "high": f"{major}.{minor + 1}",
    }


def written(templates: str, places: Mapping[str, str], fill: Mapping[str, str], into: Path) -> Path:
    """The folder ``into/<dist>`` with every file of ``places``. Raises Conflict where it is there, Invalid where it cannot be."""
    folder = into / fill["dist"]
    if folder.exists():
        raise Conflict(f"{folder} is there already; nothing was written.", todo="Remove it, or name another place with --into.")
    if not into.is_dir():
        raise Invalid(f"There is no folder {into}.", todo="Make it, or name another place with --into.")
    root = files("aftersales.scaffold") / templates
    made = Path(tempfile.mkdtemp(prefix=f".{fill['dist']}-", dir=into))
    try:
        for place, template in places.items():
            path = made / place.format_map(fill)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = (root / f"{template}.tmpl").read_text(encoding="utf-8") if template else ""
            path.write_text(Template(text).substitute(fill), encoding="utf-8")
        made.chmod(0o755)  # mkdtemp makes it its owner's alone
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return folder
