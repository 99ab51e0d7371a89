"""Which rows can ever fire, and which two could both.

A row is a box: a set of values per fact, all others free. What is left of a box when the boxes above it are taken away is computed
exactly, piece by piece. Two limits: facts count as independent of each other (that what was never shipped has no days since
shipping is not known here, so such a row is not found), and after MOST_PIECES pieces the question is given up and said so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aftersales.ruling.fact import NAMED
from aftersales.ruling.problem import Problem
from aftersales.ruling.table import Table
from aftersales.ruling.values import Values, both, everything, less

Box = Mapping[str, Values]

#: Pieces of one row that are followed, and rows whose overlaps are told.
MOST_PIECES, MOST_OVERLAPS = 2_000, 20
#: Effort for one table: each comparison of two sets costs their lengths and UNIT. About two seconds of one core at most.
MOST_EFFORT, UNIT = 2_000_000, 4


class GivenUp(Exception):
    """It would take too long."""


class Effort:
    """What the questions about one table may still cost."""

    def __init__(self, left: int = MOST_EFFORT) -> None:
        self.left = left

    def spend(self, one: Values, other: Values) -> None:
        """Pay for a comparison. Raises GivenUp."""
        self.left -= UNIT + one.size + other.size
        if self.left < 0:
            raise GivenUp


def problems(table: Table) -> Iterator[Problem]:
    """Rows that can never fire (errors); pairs of rows whose order matters, and rows not decided about (notes)."""
    boxes = [table.box(number) for number in range(len(table.rows))]
    effort = Effort()
    dead: set[int] = set()
    for number, box in enumerate(boxes):
        if number == len(boxes) - 1 and not box:
            break  # the last row is there for what nobody thought of
        above = [n for n in range(number) if n not in dead]
        try:
            found = _dead(number, boxes, above, effort)
        except GivenUp:
            yield Problem("row_undecided", number + 1, is_note=True)
            continue
        if found:
            dead.add(number)
            yield found
    yield from _overlaps(table, boxes, dead, effort)


def _dead(number: int, boxes: Sequence[Box], above: list[int], effort: Effort) -> Problem | None:
    whole = next((n for n in above if inside(boxes[number], boxes[n], effort)), None)
    if whole is not None:
        return Problem("row_dead", number + 1, told={"by": whole + 1})
    covered = is_covered(boxes[number], [boxes[n] for n in above], effort)
    return Problem("row_covered", number + 1) if covered else None


def _overlaps(table: Table, boxes: Sequence[Box], dead: set[int], effort: Effort) -> Iterator[Problem]:
    alive = [number for number in range(len(boxes)) if number not in dead]
    answers = [(row.result.outcome, row.result.up_to, row.result.share_percent) for row in table.rows]
    told = 0
    for at, later in enumerate(alive):
        above = [number for number in alive[:at] if answers[number] != answers[later]]
        try:  # a narrower row above a wider one is an exception above its rule: how tables are written
            met = [
                n + 1 for n in above if not is_apart(boxes[n], boxes[later], effort) and not inside(boxes[n], boxes[later], effort)
            ]
        except GivenUp:
            return
        told += bool(met)
        if met and told <= MOST_OVERLAPS:
            yield Problem("rows_overlap", later + 1, is_note=True, told={"first": ", ".join(map(str, met))})


def inside(box: Box, other: Box, effort: Effort) -> bool:
    """Whether every case of ``box`` is one of ``other``. Raises GivenUp."""
    for name, values in other.items():
        if name not in box:
            return False
        effort.spend(box[name], values)
        if not less(box[name], values).is_empty:
            return False
    return True


def is_apart(box: Box, other: Box, effort: Effort) -> bool:
    """Whether no case is in both. Raises GivenUp."""
    for name, values in box.items():
        if name in other:
            effort.spend(values, other[name])
            if both(values, other[name]).is_empty:
                return True
    return False


def is_covered(box: Box, above: Sequence[Box], effort: Effort) -> bool:
    """Whether every case of ``box`` is in one of ``above``. Raises GivenUp."""
    pieces: list[Box] = [box]
    for other in above:
        left: list[Box] = []
        for piece in pieces:
            left.extend(_without(piece, other, effort))
            if len(left) > MOST_PIECES:
                raise GivenUp
        pieces = left
        if not pieces:
            return True
    return False


def _without(piece: Box, other: Box, effort: Effort) -> Iterator[Box]:
    """The parts of ``piece`` outside ``other``, apart from each other."""
    if is_apart(piece, other, effort):
        yield piece
        return
    rest = dict(piece)
    for name, values in other.items():
        mine = rest[name] if name in rest else everything(NAMED[name])
        effort.spend(mine, values)
        outside = less(mine, values)
        if not outside.is_empty:
            yield {**rest, name: outside}
        rest[name] = both(mine, values)
