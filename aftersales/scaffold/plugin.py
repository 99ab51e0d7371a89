"""Plugin: what is written for each port that has a template. Which ports there are at all, :mod:`aftersales.kits` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aftersales.errors import Invalid
from aftersales.kits import KITS, Kit, kit_of
from aftersales.scaffold.write import words

_COMMON: Mapping[str, str] = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "src/{package}/manifest.toml": "manifest.toml",
    "src/{package}/py.typed": "",
}
_HTTP: Mapping[str, str] = {
    **_COMMON,
    "src/{package}/__init__.py": "http_init.py",
    "src/{package}/client.py": "client.py",
    "src/{package}/README.md": "http_readme.md",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """``places`` as :func:`~aftersales.scaffold.write.written` takes them; ``settings`` are lines of the stage file."""

    places: Mapping[str, str]
    settings: str = ""
    statuses: str = ""


def _http(kind: str, statuses: Mapping[str, str]) -> Shape:
    places = {
        **_HTTP,
        "src/{package}/source.py": f"{kind}.py",
        "tests/other_side.py": f"{kind}_system.py",
        "tests/test_{name}.py": f"test_{kind}.py",
    }
    settings = 'base_url = "https://…"\nkey = "secret:{name}#key"'
    return Shape(places, settings, "\n".join(f"| `{status}` | {means} |" for status, means in statuses.items()))


def _channel() -> Shape:
    places = {
        **_COMMON,
        "src/{package}/__init__.py": "channel_init.py",
        "src/{package}/channel.py": "channel.py",
        "src/{package}/client.py": "channel_client.py",
        "src/{package}/README.md": "channel_readme.md",
        "tests/other_side.py": "channel_system.py",
        "tests/test_{name}.py": "test_channel.py",
    }
    return Shape(places, 'base_url = "https://…"\nkey = "secret:{name}#key"')


def _parcels(kind: str) -> Shape:
    places = {
        **_HTTP,
        "src/{package}/__init__.py": f"{kind}_init.py",
        f"src/{{package}}/{kind}.py": f"{kind}.py",
        "src/{package}/README.md": f"{kind}_readme.md",
        "tests/other_side.py": f"{kind}_system.py",
        "tests/test_{name}.py": f"test_{kind}.py",
    }
    return Shape(places, 'base_url = "https://…"\nkey = "secret:{name}#key"')


def _plain(kind: str, settings: str) -> Shape:
    own = {f"src/{{package}}/{place}": f"{kind}{end}" for place, end in (("__init__.py", ".py"), ("README.md", "_readme.md"))}
    return Shape({**_COMMON, **own, "tests/test_{name}.py": f"test_{kind}.py"}, settings)


SHAPES: Mapping[str, Shape] = {
    "source": _http("source", {"valid": "it is as it was sold", "used": "it was used", "not_found": "it is not known there"}),
    "holding": _http(
        "holding",
        {"unused": "it can be used", "used": "it was used", "void": "it is void for good", "not_found": "it is not known there"},
    ),
    "refund-channel": _channel(),
    "carrier": _parcels("carrier"),
    "tracer": _parcels("tracer"),
    "clock": _plain("clock", "# none"),
    "secrets": _plain("secrets", 'prefix = "SECRET_"'),
}


def shape_of(port: str) -> tuple[Kit, Shape]:
    """The kit and the templates of a port. Raises Invalid for one that nobody knows, or that has none."""
    kit, shape = kit_of(port), SHAPES.get(port)
    if kit is None:
        raise Invalid(f"There is no port {port}.", todo=f"One of: {', '.join(sorted(SHAPES))}.", found=port)
    if shape is None:
        raise Invalid(
            f"There is no template for the port {port}.",
            todo=f"Take one of {', '.join(sorted(SHAPES))}; or write aftersales.ports.{kit.protocol} and let {kit.module} hold it.",
            found=port,
        )
    return kit, shape


def filled(name: str, kit: Kit, shape: Shape) -> dict[str, str]:
    """What the templates are filled with."""
    fill = words(name)
    settings = shape.settings.format_map(fill)
    return {**fill, "port": kit.port, "table": kit.table, "key": kit.key or name, "settings": settings, "statuses": shape.statuses}


def ports() -> tuple[str, ...]:
    """Every port by name, those with a template first."""
    return (*sorted(SHAPES), *sorted({kit.port for kit in KITS} - set(SHAPES)))
