"""What is counted in a prepared text: hashed pieces of it, and which of our own patterns it meets. No vocabulary is kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from zlib import crc32

#: Lengths of the pieces of Chinese text, in characters.
LENGTHS = (1, 2, 3)
WORDS = Path(__file__).parent / "words.toml"

_RUNS = re.compile(r"[a-z']+|[^a-z\s]+")


def hashes(prepared: str) -> list[int]:
    """A 32-bit hash of each distinct piece: characters in ones, twos and threes for Chinese, words and pairs of words for the rest.

    A table of ``n`` rows (a power of two) is read at ``hash % n``.
    """
    pieces: set[str] = set()
    before = ""
    for run in _RUNS.findall(prepared):
        if "a" <= run[0] <= "z":
            word = run.strip("'")
            pieces.update(("w" + word, "s" + word[:5], "p" + before + " " + word))
            before = word
        else:
            before = ""
            for length in LENGTHS:
                pieces.update(run[i : i + length] for i in range(len(run) - length + 1))
    return [crc32(piece.encode("utf-8", "replace")) for piece in pieces]


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Our patterns in order, each with the reason it speaks for: those of both languages."""
    tables: Mapping[str, Mapping[str, list[str]]] = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    return tuple((reason, re.compile(one)) for table in tables.values() for reason, many in table.items() for one in many)


def hits(prepared: str) -> list[int]:
    """The numbers of the patterns that the text meets."""
    return [number for number, (_, pattern) in enumerate(patterns()) if pattern.search(prepared)]
