"""The core and the use cases know no trade by name.

What counts as a leak is the form in which code would use one, not the word:

- an import of ``verticals``;
- a string (no docstring) that is a trade's name, that begins with it as a check's or a nested trade's does (``x.check``,
  ``x:inner``), or that ends with it as a key does (``vertical:x``, ``verticals.x``);
- a variable, function, field or argument of that name, unless the name is a plain English word (:data:`WORDS`).

Comments and docstrings may give a trade as an example.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules

import pytest

import verticals

ROOT = Path(__file__).resolve().parents[2]
TRADES = sorted(m.name for m in iter_modules(verticals.__path__))
#: Trades whose name is a word that any code may call a variable.
WORDS = {"fresh", "general", "virtual"}
#: For tests only: what they begin with has to be of some trade. Whoever tests another one names it.
EXEMPT = {
    "aftersales/testing/builders.py": {"fresh"},
    "aftersales/testing/installer.py": {"general"},
    "aftersales/testing/photos.py": {"fresh"},
    "aftersales/testing/strategies.py": {"general", "custom_made"},
}
FILES = [p for top in ("aftersales", "functions") for p in sorted((ROOT / top).rglob("*")) if p.suffix in {".py", ".toml", ".tmpl"}]


def leaks(code: str, trades: list[str]) -> Iterator[tuple[int, str]]:
    """The line and name of every leak in a module."""
    tree = ast.parse(code)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from ((line, name) for name in modules if name.partition(".")[0] == "verticals")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield from ((line, trade) for trade in trades if _uses(node.value, trade))
        else:
            names = {getattr(node, field, None) for field in ("id", "attr", "arg", "name")}
            yield from ((line, trade) for trade in trades if trade in names and trade not in WORDS)


def _uses(text: str, trade: str) -> bool:
    return bool(re.fullmatch(rf"(?:.*(?:vertical:|verticals\.))?{trade}(?:[.:]\S*)?", text))


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".py"], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_module_of_the_core_names_a_trade(path):
    """A new trade is added beside the others, and no ``if`` of ours has to know it."""
    allowed = EXEMPT.get(path.relative_to(ROOT).as_posix(), set())
    found = [(line, name) for line, name in leaks(path.read_text(encoding="utf-8"), TRADES) if name not in allowed]
    assert found == []


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix != ".py"], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_table_of_the_core_names_a_trade(path):
    """Texts and templates are keyed by what is said, not by who says it."""
    text = path.read_text(encoding="utf-8")
    assert [trade for trade in TRADES if re.search(rf"[\"'](?:\S*[.:])?{trade}[.:\"']", text)] == []


def test_what_is_exempt_is_still_there():
    """An exemption that nobody needs any more goes."""
    for name, allowed in EXEMPT.items():
        assert allowed == {found for _, found in leaks((ROOT / name).read_text(encoding="utf-8"), TRADES)}


@pytest.mark.parametrize(
    "code",
    [
        "from verticals.fresh import VERTICAL",
        "import verticals.fresh",
        "if line.vertical == 'fresh': pass",
        "x = 'fresh.window'",
        "x = 'bundle:general'",
        "registry.put('vertical:fresh', x)",
        "module = 'verticals.fresh.rules'",
        "def presale(order): pass",
        "x.cross_border = 1",
        "names = {'custom_made': 1}",
    ],
)
def test_a_leak_is_seen(code):
    """Each form in which code would use a trade's name."""
    assert list(leaks(code, TRADES))


@pytest.mark.parametrize(
    "code",
    [
        "fresh = Ledger.open(order)",
        "order, fresh = 1, 2\nfresh.commit()",
        "raise Invalid('The answer is not fresh.')",
        '"""Such as ``vertical:fresh``, presale or appliance."""',
        "x = 'a fresh home'",
        "x = 'freshly'",
        "x = 'in general'",
        "def f():\n    '''As fresh does.'''",
    ],
)
def test_a_word_is_no_leak(code):
    """English goes on being written."""
    assert not list(leaks(code, TRADES))
