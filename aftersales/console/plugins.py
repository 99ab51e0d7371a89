"""``aftersales plugins``: which trades and plugins are available, which are active at a stage, which are broken and why.

Ours and those of installed packages, each with the level that its manifest claims (`aftersales check NAME` says what it reaches).
1 when something that has to work is broken, or is switched on and not there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from aftersales import offered
from aftersales.errors import AftersalesError, BadPlugin
from aftersales.offered import PLUGINS, VERTICALS, Offered
from aftersales.registry import Registry

STAGE = Path("infra", "stages", "local.toml")


@dataclass(frozen=True, slots=True)
class Row:
    """One trade or plugin. ``state`` is active, available or broken; ``why`` says what is wrong, ``used_as`` where it is active."""

    kind: str
    name: str
    package: str
    level: str
    port: str
    state: str
    required: bool = False
    used_as: tuple[str, ...] = ()
    why: str = ""
    summary: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage."""
    parser.add_argument("--stage", type=Path, help=f"the stage file ($AFTERSALES_STAGE, else {STAGE.as_posix()} where it is there)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print the list; 0 when nothing that has to work is broken."""
    path = args.stage or Path(os.environ.get("AFTERSALES_STAGE", STAGE))
    try:
        registry = Registry.from_file(path, with_secrets=False) if args.stage or path.is_file() else Registry({})
    except AftersalesError as error:
        print(f"aftersales plugins: {error.message} {error.todo}".rstrip(), file=sys.stderr)
        return 2
    rows = [*_trades(registry), *_plugins(registry)]
    stops = [row for row in rows if row.why and row.required]
    if args.json:
        stage = str(path) if path.is_file() else None
        print(json.dumps({"stage": stage, "ok": not stops, "offered": [asdict(row) for row in rows]}, ensure_ascii=False, indent=1))
    else:
        print(_table(rows))
        print(
            *(f"{row.kind} {row.name} is broken and has to work: {row.why}" for row in stops), sep="\n", end="\n" if stops else ""
        )
    return 1 if stops else 0


def _trades(registry: Registry) -> Iterator[Row]:
    found = offered.offered(VERTICALS)
    for one in found:
        active = one.name in registry.verticals
        yield _row(one, ("verticals",) if active else (), _why_trade(one.name, found), registry.has_to_work(VERTICALS, one.name))
    for name in registry.verticals:
        if name not in {one.name for one in found}:
            must = registry.has_to_work(VERTICALS, name)
            yield Row("vertical", name, "", "none", "", "broken", must, ("verticals",), "It is switched on, and nothing offers it.")


def _plugins(registry: Registry) -> Iterator[Row]:
    used: dict[str, list[str]] = {}
    for place, plugin in registry.switched_on.items():
        used.setdefault(plugin.partition(":")[0], []).append(place)
    found = offered.offered(PLUGINS)
    for one in found:
        places = tuple(used.get(one.name, ()))
        yield _row(one, places, _why_plugin(one), any(registry.has_to_work(PLUGINS, one.name, place) for place in places))
    for name in sorted(set(used) - {one.name for one in found}):
        must = any(registry.has_to_work(PLUGINS, name, place) for place in used[name])
        yield Row("plugin", name, "", "none", "", "broken", must, tuple(used[name]), "It is switched on, and nothing offers it.")


def _row(one: Offered, places: tuple[str, ...], why: str, must: bool) -> Row:
    told = None
    try:
        told = one.manifest
    except BadPlugin as error:
        why = why or error.message
    state = "broken" if why else "active" if places else "available"
    level, port, summary = (str(told.level), told.port, told.summary) if told else ("none", "", "")
    return Row(one.group[:-1], one.name, one.package, level, port, state, must and bool(places), places, why, summary)


def _why_trade(name: str, found: tuple[Offered, ...]) -> str:
    try:
        offered.vertical(name)
    except BadPlugin as error:
        return f"{error.message} {error.todo}".strip()
    packages = {one.package for one in found if one.name == name}
    return f"Ours is used; {', '.join(sorted(packages - {''}))} offers one of the same name." if len(packages) > 1 else ""


def _why_plugin(one: Offered) -> str:
    try:
        offered.load(PLUGINS, one.name)
    except BadPlugin as error:
        return f"{error.message} {error.todo}".strip()
    return ""


def _table(rows: list[Row]) -> str:
    heads = ("", "name", "package", "level", "state", "as")
    cells = [heads, *((r.kind, r.name, r.package or "ours", r.level, r.state, ", ".join(r.used_as)) for r in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(heads))]
    lines = []
    for row, why in zip(cells, ("", *(r.why for r in rows)), strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        lines += [f"    {why}"] if why else []
    return "\n".join(lines)
