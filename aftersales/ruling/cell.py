"""One condition as merchants write it, read into the set of values that it admits.

::

    cell     = "" | one | alternative {"," alternative}
    one      = "==" literal | "!=" literal | "in" list | "not" "in" list          alone in its cell
    alternative = literal | compare number | bracket number ".." number bracket
    literal  = number | "text" | 'text' | true | false | null      by the type of the fact
    list     = "[" literal {"," literal} "]"

A part of the ZEN language of JDM, cut to what can neither loop nor fail, and where every cell means to the engine what it means
here. What has no such meaning is refused: to the engine ``> 7, null`` does not hold where nothing is known but ``null, > 7`` does,
and ``not in[1]`` or ``not  in [1]``, another blank than in ``not in [1]``, never hold at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from aftersales.ruling.fact import Fact, FactType, Plain
from aftersales.ruling.problem import Wrong
from aftersales.ruling.values import END, Names, Spans, Values, both, either, everything, less, steps

#: Characters of a cell, and alternatives in it.
LONGEST, MOST = 500, 50
#: A number has at most so many digits before the point.
DIGITS = 12

_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<text>"[^"]*"|'[^']*')|(?P<list>(?:not )?in \[)|(?P<word>[a-z]+)"""
    r"""|(?P<sign><=|>=|==|!=|<|>|\.\.|[\[\](),]))""",
    re.ASCII,
)
_BARRED = re.compile(r"[\\`\x00-\x1f\x7f-\x9f\u2028\u2029]")
COMPARES = ("<", "<=", ">", ">=")

Token = tuple[str, str]  # kind, text


@dataclass(frozen=True, slots=True)
class Cell:
    """A condition: what it admits, and how it is written for the engine."""

    values: Values
    written: str


def read(cell: str, fact: Fact) -> Cell | None:
    """The condition in the cell; None for an empty one, which holds for everything. Raises Wrong."""
    if len(cell) > LONGEST:
        raise Wrong("cell_long", most=LONGEST, found=len(cell))
    tokens = _tokens(cell)
    if not tokens:
        return None
    found = _Reader(tokens, fact).cell()
    if found.values.is_empty:
        raise Wrong("cell_never", fact=fact.name)
    return found


def number(told: str, *, decimals: int) -> Decimal:
    """The number. Raises Wrong for one with too many digits."""
    whole, _, part = told.lstrip("-").partition(".")
    if len(whole) > DIGITS:
        raise Wrong("number_huge", digits=DIGITS)
    if len(part) > decimals:
        raise Wrong("number_fine" if decimals else "number_whole", most=decimals, found=told)
    return Decimal(told)


def unquoted(told: str) -> str:
    """The text between the quotes. Raises Wrong for characters that have no meaning of their own."""
    if _BARRED.search(told):
        raise Wrong("text_barred")
    return told[1:-1]


def quoted(value: str) -> str:
    """The text as a literal; it holds at most one of the two quotes, for it was read from one."""
    return f"'{value}'" if '"' in value else f'"{value}"'


def _tokens(cell: str) -> list[Token]:
    found: list[Token] = []
    at, text = 0, cell.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Wrong("cell_syntax", found=text[at : at + 20].strip())
        found.append((match.lastgroup, match[match.lastgroup]))
        if match.lastgroup == "word" and match["word"] in ("in", "not"):
            raise Wrong("list_form")
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[Token], fact: Fact) -> None:
        self._tokens, self._fact, self._at = tokens, fact, 0
        self._null_late = self._sized = False

    def cell(self) -> Cell:
        kind, said = self._tokens[0]
        if kind == "sign" and said in ("==", "!="):
            self._at = 1
            values, written = self._literal()
            found = Cell(values if said == "==" else less(everything(self._fact), values), f"{said} {written}")
        elif kind == "list":
            found = self._listed(said)
        else:
            found = self._alternatives()
        if self._at < len(self._tokens):
            raise Wrong("cell_syntax", found=self._tokens[self._at][1])
        return found

    def _listed(self, opens: str) -> Cell:
        self._at = 1
        values, written = self._literal()
        parts = [written]
        while self._peek() == ",":
            self._at += 1
            more, written = self._literal()
            values = either(values, more)
            parts.append(written)
        self._take("]")
        self._count(len(parts))
        written = f"{opens}{', '.join(parts)}]"
        return Cell(less(everything(self._fact), values) if opens.startswith("not") else values, written)

    def _alternatives(self) -> Cell:
        values, written = self._alternative()
        parts = [written]
        while self._peek() == ",":
            self._at += 1
            more, written = self._alternative()
            values = either(values, more)
            parts.append(written)
        if self._null_late and self._sized:
            raise Wrong("null_first")
        self._count(len(parts))
        return Cell(values, ", ".join(parts))

    def _alternative(self) -> tuple[Values, str]:
        first, said = self._at == 0, self._peek()
        if said in COMPARES:
            self._at += 1
            self._sized = True
            return self._compared(said)
        if said in ("[", "("):
            self._sized = True
            return self._between()
        self._null_late = self._null_late or (said == "null" and not first)
        return self._literal()

    def _compared(self, sign: str) -> tuple[Values, str]:
        at, written = self._number()
        low = {">": at + 1, ">=": at}.get(sign, 0)
        high = {"<": at - 1, "<=": at}.get(sign, END)
        return self._spans(low, high), f"{sign} {written}"

    def _between(self) -> tuple[Values, str]:
        opens = self._next()[1]
        low, first = self._number()
        self._take("..")
        high, last = self._number()
        closes = self._peek()
        if closes not in ("]", ")"):
            raise Wrong("cell_syntax", found=closes or first)
        self._at += 1
        return self._spans(low + (opens == "("), high - (closes == ")")), f"{opens}{first}..{last}{closes}"

    def _spans(self, low: int, high: int) -> Values:
        return both(everything(self._fact), Spans(((low, high),) if low <= high else ()))

    def _number(self) -> tuple[int, str]:
        if not self._fact.is_number:
            raise Wrong("cell_not_number", fact=self._fact.name)
        kind, said = self._next()
        if kind != "number":
            raise Wrong("cell_type", fact=self._fact.name, type=str(self._fact.type), found=said)
        value = steps(self._fact, self._exact(said))
        assert isinstance(value, int)
        return value, said

    def _exact(self, said: str) -> Decimal | int:
        value = number(said, decimals=3 if self._fact.type is FactType.AMOUNT else 0)
        return value if self._fact.type is FactType.AMOUNT else int(value)

    def _literal(self) -> tuple[Values, str]:
        kind, said = self._next()
        fact = self._fact
        if (kind, said) == ("word", "null"):
            if not fact.unknown:
                raise Wrong("null_never", fact=fact.name)
            return (Spans((), null=True) if fact.is_number else Names(frozenset({None}))), said
        wanted = {FactType.WHOLE: "number", FactType.AMOUNT: "number", FactType.YES_NO: "word"}.get(fact.type, "text")
        if kind != wanted or (kind == "word" and said not in ("true", "false")):
            raise Wrong("cell_type", fact=fact.name, type=str(fact.type), found=said)
        if kind == "number":
            step = steps(fact, self._exact(said))
            assert isinstance(step, int)
            return self._spans(step, step), said
        value: Plain = said == "true" if kind == "word" else unquoted(said)
        if fact.type is FactType.CHOICE and value not in fact.values:
            raise Wrong("cell_value", fact=fact.name, found=value, expected=", ".join(fact.values))
        assert isinstance(value, str | bool)
        return Names(frozenset({value})), said if kind == "word" else quoted(str(value))

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) and self._tokens[self._at][0] != "text" else ""

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            raise Wrong("cell_ends")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, said: str) -> None:
        if self._peek() != said:
            raise Wrong("cell_syntax", found=self._tokens[self._at][1] if self._at < len(self._tokens) else "")
        self._at += 1

    def _count(self, parts: int) -> None:
        if parts > MOST:
            raise Wrong("cell_many", most=MOST, found=parts)
