"""Offered: which trades and plugins there are, ours and those of installed packages, and how one is loaded by its name.

A package offers with an entry point in ``aftersales.verticals`` or ``aftersales.plugins``; that makes it available. The stage file
makes it active. Nothing is imported before it is asked for, and nothing whose package was made for another ``aftersales`` at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import aftersales
from aftersales import __version__, compatible, manifest
from aftersales.errors import AftersalesError, BadPlugin
from aftersales.manifest import Manifest
from aftersales.redaction import redact
from aftersales.vertical import Offer, Vertical

VERTICALS, PLUGINS = "verticals", "plugins"


@dataclass(frozen=True, slots=True)
class Offered:
    """One trade or plugin that could be switched on. ``entry`` is None for ours; ``package`` is the distribution's name."""

    group: str
    name: str
    module: str
    entry: EntryPoint | None = None

    @property
    def package(self) -> str:
        """The distribution and its version, "" for ours."""
        dist = self.entry.dist if self.entry else None
        return f"{dist.name} {dist.version}" if dist else ""

    @property
    def folder(self) -> Path | None:
        """Where its code lies; only packages above it are imported to find out. None where there is none."""
        try:
            spec = find_spec(self.module)
        except Exception:  # noqa: BLE001  # a stranger's package may break in any way while it is found
            return None
        if spec is None or spec.origin is None:
            return None
        return Path(spec.origin).parent

    @property
    def manifest(self) -> Manifest | None:
        """What it says about itself. Raises BadPlugin for a manifest that is not understood."""
        return manifest.read(self.folder) if self.folder else None


def offered(group: str) -> tuple[Offered, ...]:
    """Everything that could be switched on: ours, then the packages', each by name. A name can be there twice."""
    theirs = (Offered(group, entry.name, entry.module, entry) for entry in _entries(group))
    return (*ours(group), *sorted(theirs, key=lambda one: (one.name, one.package)))


def _entries(group: str) -> EntryPoints:
    return entry_points(group=f"aftersales.{group}")


def ours(group: str) -> tuple[Offered, ...]:
    """Those that come with the system, in the folder beside this package; none where this was installed by itself."""
    home = Path(aftersales.__file__).resolve().parents[1] / group / "__init__.py"
    if not home.is_file():
        return ()
    names = sorted(found.name for found in iter_modules(import_module(group).__path__) if not found.name.startswith("_"))
    return tuple(Offered(group, name, f"{group}.{name}") for name in names)


def is_ours(group: str, name: str) -> bool:
    """Whether one of that name comes with the system."""
    return any(one.name == name for one in ours(group))


def named(group: str, name: str) -> Offered:
    """The one that is switched on by this name: ours first. Raises BadPlugin when there is none, or two packages offer it."""
    own = [one for one in ours(group) if one.name == name]
    found = own or [Offered(group, name, entry.module, entry) for entry in _entries(group).select(name=name)]
    if not found:
        known = sorted({one.name for one in offered(group)})
        raise BadPlugin(
            f"There is no {group[:-1]} {name}, neither here nor in an installed package.",
            todo=f"Install the package that offers it in the entry point group aftersales.{group}, or correct the name.",
            name=name,
            known=known,
        )
    rivals = sorted({one.package for one in found})
    if len(rivals) > 1:
        raise BadPlugin(
            f"Several packages offer the {group[:-1]} {name}: {', '.join(rivals)}.", todo="Uninstall all but one.", name=name
        )
    return found[0]


def misfit(one: Offered) -> str:
    """Why its package is not for this version of ``aftersales``, "" where it is, or does not say."""
    dist = one.entry.dist if one.entry else None
    wanted = compatible.declared(dist.requires) if dist else None
    if not wanted or compatible.fits(__version__, wanted):
        return ""
    return f"{one.package} was made for aftersales {wanted}, and this is {__version__}."


def load(group: str, name: str) -> Any:
    """The module, or what the entry point names. Raises BadPlugin, by name, however it breaks."""
    one = named(group, name)
    reason = misfit(one)
    if reason:
        raise BadPlugin(f"The {group[:-1]} {name} does not fit: {reason}", todo="Install a version of it that does.", name=name)
    try:
        return one.entry.load() if one.entry else import_module(one.module)
    except (Exception, SystemExit) as error:  # it may break in any way while it is imported
        raise BadPlugin(f"{one.module} cannot be imported: {type(error).__name__}: {error}", name=name) from error


def vertical(name: str) -> Vertical:
    """The trade of that name. Raises BadPlugin where it is missing, breaks, or is no trade of that name."""
    loaded = load(VERTICALS, name)
    found = loaded if isinstance(loaded, Vertical) else getattr(loaded, "VERTICAL", None)
    if not isinstance(found, Vertical):
        raise BadPlugin(
            f"The vertical {name} offers no VERTICAL.", todo="Offer a value of aftersales.vertical.Vertical.", name=name
        )
    if found.name != name:
        raise BadPlugin(
            f"The vertical {name} offers no VERTICAL of that name, but one called {found.name!r}.",
            todo="Its name, the entry point's name and the name in the stage file are the same word.",
            name=name,
        )
    if not (found.offers or found.around) or not all(isinstance(offer, Offer) for offer in found.offers):
        raise BadPlugin(f"The vertical {name} has no offers.", todo="VERTICAL.offers is a tuple of Offer.", name=name)
    return found


def plugin(name: str, settings: Mapping[str, Any], port: type[Any]) -> Any:
    """What the plugin builds for that port. Raises BadPlugin where it is missing, breaks, or lacks a method of the port."""
    module = load(PLUGINS, name.partition(":")[0])
    build = getattr(module, "build", None) or (module if callable(module) else None)
    if build is None:
        raise BadPlugin(f"The plugin {name} has no build(settings).")
    try:
        built = build(dict(settings))
    except AftersalesError:
        raise
    except (Exception, SystemExit) as error:
        raise BadPlugin(f"The plugin {name} cannot be built: {redact(repr(error))}", name=name) from error
    lacking = sorted(m for m in vars(port) if not m.startswith("_") and not hasattr(built, m))
    if lacking:
        raise BadPlugin(f"The plugin {name} is no {port.__name__}: it lacks {', '.join(lacking)}.", lacking=lacking)
    return built
