"""Waiting: where an open case lies in its shop's queue, and how a filter passes it by without reading it.

::

    hour # rank # amount # opened # kind # vertical # evidence # lane # category # late # claimed # clerk  [ # state ]
    └── most urgent first ─────┘   └── what a filter looks at, as it was when the case was written ──┘       in a desk

An index lags, so whatever it lets through is looked at once more as it is now (:func:`aftersales.queue.fits`). Entries of earlier
versions end after ``opened``: they tell nothing, and all of them are read.
"""

from __future__ import annotations

from collections.abc import Iterator

from aftersales import queue
from aftersales.case import Case
from aftersales.query import OfMerchant
from plugins.dynamodb_store.key import desk_key, queue_key
from plugins.dynamodb_store.record import part, parts, stamp
from plugins.dynamodb_store.table import Key, Position, Row, Table

#: Index entries that one page looks at: a filter that few cases fit gives short pages, never slow ones.
MOST_LOOKED = 2_000

#: Index entries in one request, where a filter passes some of them by.
LOOKED_AT_ONCE = 100

#: Names that come from outside are cut to so many characters: a sort key holds 1,024 bytes.
LONGEST = 40

#: Parts of an entry before its facets, and with them.
ORDER, WHOLE = 4, 12


def place(case: Case) -> str:
    """The sort key of an open case in its queue."""
    claimed = stamp(case.claimed_at) if case.claimed_at and case.clerk else ""
    facets = (case.kind, case.vertical, queue.evidence_of(case), queue.lane_of(case), _cut(case.category))
    marks = ("late" if queue.is_late(case) else "", claimed, _cut(case.clerk))
    return "#".join((*queue.urgency(case), stamp(case.opened_at), *(part(str(each)) for each in (*facets, *marks))))


def desk_place(case: Case) -> str:
    """The sort key of a claimed case on its clerk's desk."""
    return f"{place(case)}#{part(case.state)}"


def found(reads: Table, shards: int, query: OfMerchant, start: Position, limit: int) -> tuple[list[Key], Position | None]:
    """The keys of at most ``limit`` cases that the index does not rule out, and where to go on; None where there is no more."""
    plain = query == OfMerchant(query.merchant, query.state, claims_since=query.claims_since)
    rows = _rows(reads, shards, query, start, limit + 1 if plain else max(limit + 1, LOOKED_AT_ONCE))
    keys: list[Key] = []
    at: Position | None = None
    for looked, (position, (key, entry)) in enumerate(rows, 1):
        if _may_fit(query, entry):
            if len(keys) == limit:
                return keys, at
            keys.append(key)
        at = position
        if looked == MOST_LOOKED:
            return keys, at
    return keys, None


def _rows(reads: Table, shards: int, query: OfMerchant, start: Position, size: int) -> Iterator[Row]:
    """The entries in order, each with its position, its key and its place."""
    if query.clerk not in ("", queue.NOBODY):
        for position, key in reads.index("desk", desk_key(query.merchant, query.clerk), start, size):
            yield position, (key, position[3])
        return
    keys = [queue_key(query.merchant, query.state, number) for number in range(shards)]
    for at, entry, key in reads.placed("queue", keys, start, size):
        yield at, (key, entry)


def _may_fit(query: OfMerchant, entry: str) -> bool:
    """Whether the case of this entry may be asked for, as far as the entry tells."""
    told = parts(entry)
    if len(told) < WHOLE:
        return True
    minor = queue.MOST_MINOR - int(told[2])
    kind, vertical, evidence, lane, category, late, claimed, clerk = told[ORDER:WHOLE]
    if clerk and query.claims_since and claimed <= stamp(query.claims_since):
        clerk = ""
    asked = [(query.kind, kind), (query.vertical, vertical), (query.evidence, evidence), (query.lane, lane)]
    asked += [(_cut(query.category), category), (_cut(query.clerk), clerk or queue.NOBODY)]
    asked += [(query.state, told[WHOLE])] if len(told) > WHOLE else []
    if any(want not in ("", has) for want, has in asked) or (query.late and not late):
        return False
    most = query.max_minor is None or minor <= query.max_minor
    return most and query.min_minor <= minor


def _cut(text: str) -> str:
    return text[:LONGEST]
