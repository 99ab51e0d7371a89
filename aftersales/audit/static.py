"""Static: what the source of a package says without running it: what it imports, whether it looks at the clock or the world."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aftersales.audit.problem import Problem
from aftersales.audit.subject import Subject
from aftersales.manifest import Level

#: Parts of the standard library with which a trade would look at the clock, the machine or the network, or act.
WORLD = frozenset(
    re.findall(
        r"\w+",
        """asyncio concurrent ctypes ftplib getpass glob http imaplib importlib io locale logging mmap multiprocessing os
        pathlib pickle platform poplib queue random requests secrets select selectors shelve shutil signal
        smtplib socket socketserver sqlite3 ssl subprocess sys tempfile threading time urllib uuid webbrowser
        xmlrpc""",
    )
)
#: Calls that do the same without an import of their own.
CALLS = frozenset({"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"})
CLOCKS = frozenset({"now", "utcnow", "today", "fromtimestamp", "localtime"})
#: Libraries that talk to somebody: a call of theirs has a time-out.
NETWORK = (
    "aiohttp",
    "boto3",
    "grpc",
    "http.client",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "stripe",
    "urllib.request",
    "urllib3",
)
#: Ports at which no answer has a meaning of its own.
ANSWERING = frozenset({"refund-channel", "source", "holding", "telling"})


@dataclass(frozen=True, slots=True)
class Source:
    """One file, parsed. ``where`` is its name below the package's folder."""

    where: str
    tree: ast.Module


def sources(folder: Path) -> tuple[tuple[Source, ...], tuple[Problem, ...]]:
    """Every module below ``folder``, and a problem for each that is no Python."""
    found, problems = [], []
    for path in sorted(folder.rglob("*.py")):
        where = path.relative_to(folder).as_posix()
        try:
            found.append(Source(where, ast.parse(path.read_text(encoding="utf-8"))))
        except (SyntaxError, ValueError, OSError) as error:
            problems.append(Problem("source.unreadable", where, f"it is no Python: {error}", "Correct it."))
    return tuple(found), tuple(problems)


def of_trade(subject: Subject, found: Iterable[Source]) -> Iterator[Problem]:
    """A trade imports the core and the quiet parts of the standard library, and looks at nothing but its facts."""
    own = subject.module.partition(".")[0]
    for source in found:
        for node, name in _imports(source.tree):
            top = name.partition(".")[0]
            where = f"{source.where}:{node.lineno}"
            if top in WORLD and name != "importlib.resources":  # the package's own tables, read when it is loaded
                yield Problem(
                    "source.world", where, f"it imports {name}", "A rule looks at its Facts only: take what it needs from there."
                )
            elif not _belongs(subject, name, own) and top not in sys.stdlib_module_names:
                yield Problem(
                    "source.import", where, f"it imports {name}", "A trade imports aftersales and the standard library only."
                )
        yield from _looks(source)


def _belongs(subject: Subject, name: str, own: str) -> bool:
    """Whether it is the core or the package itself; two trades of one folder are strangers to each other."""
    mine = subject.module if subject.requires is None and "." in subject.module else own
    return name.partition(".")[0] == "aftersales" or name == mine or name.startswith(f"{mine}.")


def _looks(source: Source) -> Iterator[Problem]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        where = f"{source.where}:{node.lineno}"
        if isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield Problem(
                "source.world",
                where,
                f"it calls {node.func.id}()",
                "A rule looks at its Facts only: take what it needs from there.",
            )
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in CLOCKS
            and _names(node.func.value) & {"datetime", "date", "time"}
        ):
            said = f"it reads the clock with {ast.unparse(node.func)}()"
            yield Problem("source.clock", where, said, "Use facts.now, or facts.applied_at where a window is judged.")


def of_plugin(subject: Subject, found: Iterable[Source], port: str) -> Iterator[Problem]:
    """A plugin loads what is not in the standard library inside the function that needs it, and waits for nobody without an end."""
    own = subject.module.partition(".")[0]
    every = tuple(found)
    for source in every:
        for node, name in _imports_at_load(source.tree):
            top = name.partition(".")[0]
            if top == "aftersales" and name.startswith("aftersales.testing"):
                yield Problem("source.testing", f"{source.where}:{node.lineno}", f"it imports {name}", "That is for tests.")
            elif top not in {own, "aftersales"} and top not in sys.stdlib_module_names:
                todo = "Import it inside the function that needs it: every cold start pays for it."
                yield Problem(
                    "source.heavy", f"{source.where}:{node.lineno}", f"it imports {name} when it is loaded", todo, Level.SILVER
                )
    talks = [s for s in every if any(f"{name}.".startswith(f"{one}.") for _, name in _imports(s.tree) for one in NETWORK)]
    if talks and not any("timeout" in word for s in every for word in _words(s.tree)):
        todo = "Pass a timeout to every call, from the settings or a constant."
        yield Problem("source.timeout", talks[0].where, "it talks to somebody and names no timeout", todo, Level.SILVER)
    if talks and port in ANSWERING and not any("Unknown" in _words(s.tree) for s in every):
        todo = "Raise aftersales.errors.Unknown where no trustworthy answer came."
        yield Problem(
            "source.unknown", talks[0].where, "it talks to somebody and never says that it got no answer", todo, Level.GOLD
        )


def types(found: Iterable[Source]) -> Iterator[Problem]:
    """Every function says what it takes and gives."""
    for source in found:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _typed(node):
                todo = "Annotate its arguments and what it returns."
                yield Problem("source.untyped", f"{source.where}:{node.lineno}", f"{node.name}() has no types", todo, Level.SILVER)


def _typed(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    spec = node.args
    named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *(a for a in (spec.vararg, spec.kwarg) if a)]
    return node.returns is not None and all(a.annotation for a in named if a.arg not in ("self", "cls"))


def _imports(tree: ast.AST) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node, node.module or ""


def _imports_at_load(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Those that run when the module is loaded: not inside functions, nor for type checkers only."""
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and "TYPE_CHECKING" in _words(node.test))
        for part in ast.walk(node)
    }
    return ((node, name) for node, name in _imports(tree) if id(node) not in inside)


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
    }


def _words(tree: ast.AST) -> set[str]:
    keywords = {n.arg for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg}
    imported = {alias.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for alias in n.names}
    return _names(tree) | keywords | imported
