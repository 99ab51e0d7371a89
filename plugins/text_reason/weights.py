"""The weights of the reader: one linear head per language, read from a file that ``models/reason/train.py`` writes.

The file is zlib-compressed: a line of JSON (``{"heads": [{"language", "rows", "patterns", "reasons"}]}``), then per head,
little-endian: bias (reasons) f32, pattern weights (patterns x reasons) f32, scales (reasons) f32, rarity (rows) u8, table (reasons
x rows) i8.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftersales.errors import BadPlugin


@dataclass(frozen=True, slots=True)
class Head:
    """A linear model. ``table`` holds per reason one whole number per row, to be multiplied by the reason's scale."""

    language: str
    bias: Sequence[float]
    patterns: Sequence[Sequence[float]]
    scales: Sequence[float]
    rarity: Sequence[int]
    table: Sequence[Sequence[int]]

    def knows(self, hashes: list[int]) -> bool:
        """Whether any of these pieces was ever learnt from."""
        return any(self.rarity[h % len(self.rarity)] for h in hashes)

    def scores(self, hashes: list[int], hits: list[int]) -> list[float]:
        """One score per reason, in the order of the card. The length of a text does not count: its pieces weigh one together."""
        rows = list({h % len(self.rarity) for h in hashes})
        norm = math.sqrt(sum(r * r for r in map(self.rarity.__getitem__, rows))) or 1.0
        scores = []
        for reason, column in enumerate(self.table):
            pieces = sum(map(column.__getitem__, rows)) * self.scales[reason] / norm
            scores.append(self.bias[reason] + pieces + sum(self.patterns[hit][reason] for hit in hits))
        return scores


def read_heads(file: Path) -> tuple[Head, ...]:
    """The heads in the file. Raises BadPlugin when it is missing or is not what it should be."""
    try:
        content = zlib.decompress(file.read_bytes())
        first, _, rest = content.partition(b"\n")
        shapes = json.loads(first)["heads"]
        numbers = _Numbers(rest)
        heads = tuple(_head(numbers, shape) for shape in shapes)
        numbers.end()
        return heads
    except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise BadPlugin(
            f"The weights {file.name} cannot be read: {error!r}", todo="Train them: models/reason/README.md."
        ) from error


def _head(numbers: _Numbers, shape: dict[str, int]) -> Head:
    rows, patterns, reasons = int(shape["rows"]), int(shape["patterns"]), int(shape["reasons"])
    bias = numbers.take("f", reasons)
    weights = numbers.take("f", patterns * reasons)
    return Head(
        language=str(shape["language"]),
        bias=bias,
        patterns=[weights[i * reasons : (i + 1) * reasons] for i in range(patterns)],
        scales=numbers.take("f", reasons),
        rarity=numbers.take("B", rows),
        table=[numbers.take("b", rows) for _ in range(reasons)],
    )


class _Numbers:
    """Takes arrays off a buffer, one after another."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, code: str, count: int) -> Any:
        """The next ``count`` numbers of a type as ``array`` names it. Raises ValueError when there are fewer."""
        found = array(code)
        end = self._at + count * found.itemsize
        if end > len(self._content):
            raise ValueError(f"{end} bytes are needed, {len(self._content)} are there")
        found.frombytes(self._content[self._at : end])
        if sys.byteorder == "big" and found.itemsize > 1:
            found.byteswap()
        self._at = end
        return found

    def end(self) -> None:
        """Raise ValueError when something is left."""
        if self._at != len(self._content):
            raise ValueError(f"{len(self._content) - self._at} bytes too many")
