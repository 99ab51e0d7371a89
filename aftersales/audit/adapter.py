"""Adapter: what can be said about a loaded plugin without its settings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from aftersales import manifest
from aftersales.audit.problem import Problem
from aftersales.audit.subject import Subject
from aftersales.audit.watch import TooSlow, watched
from aftersales.errors import AftersalesError, BadPlugin
from aftersales.kits import kit_of, methods_of
from aftersales.manifest import Level


def problems(subject: Subject, found: Any) -> Iterator[Problem]:
    """Whether it has a ``build`` that costs nothing, and what it builds where that can be tried."""
    build = getattr(found, "build", None) or (found if callable(found) else None)
    if build is None:
        yield Problem(
            "plugin.build", subject.module, "it has no build(settings)", "def build(settings: Mapping[str, Any]) -> the port."
        )
        return
    if len(inspect.signature(build).parameters) != 1:
        yield Problem(
            "plugin.build", subject.module, "build takes something else than settings", "def build(settings: Mapping[str, Any])."
        )
        return
    try:
        built, did = watched(lambda: build({}))
    except TooSlow:
        yield Problem("plugin.slow", subject.module, "build does not end", "build is cheap: no network, no heavy import.")
        return
    except AftersalesError:
        return  # it asks for its settings, by name
    except KeyError as error:
        todo = f"Raise BadSettings naming {error} and the plugin, so that an operator reads what to write."
        yield Problem("plugin.settings", subject.module, f"build({{}}) raises KeyError: {error}", todo, Level.SILVER)
        return
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's code may break in any way
        said = f"build({{}}) raises {type(error).__name__}: {error}"
        yield Problem(
            "plugin.settings", subject.module, said, "Raise aftersales.errors.BadSettings for what is missing.", Level.SILVER
        )
        return
    if any(event.startswith(("socket.", "urllib.", "subprocess.")) for event in did):
        yield Problem("plugin.eager", subject.module, f"build does something: {', '.join(did)}", "Do it when it is asked for.")
    yield from _of_port(subject, built)


def _of_port(subject: Subject, built: Any) -> Iterator[Problem]:
    try:
        told = manifest.read(subject.folder)
    except BadPlugin:
        return  # told with the papers
    kit = kit_of(told.port) if told else None
    lacking = [name for name in methods_of(kit) if not hasattr(built, name)] if kit else []
    if kit and lacking:
        said = f"what it builds is no {kit.protocol}: it lacks {', '.join(lacking)}"
        yield Problem("plugin.port", subject.module, said, f"Give it the methods of aftersales.ports.{kit.protocol}.")
