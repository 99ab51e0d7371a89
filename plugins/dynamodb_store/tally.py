"""Tally: a merchant's counters, read from all the items that they are spread over."""

from __future__ import annotations

from collections import Counter

from aftersales.count import Counts
from plugins.dynamodb_store.key import counts_key
from plugins.dynamodb_store.table import Table
from plugins.dynamodb_store.write import PARTS, PREFIX


def counts(reads: Table, merchant: str) -> Counts:
    """All parts added up, in one request."""
    sums: Counter[str] = Counter()
    keys = [(counts_key(merchant, number), "HEAD") for number in range(PARTS)]
    for item in reads.batch(keys, consistent=True):
        sums.update({n.removeprefix(PREFIX): int(v["N"]) for n, v in item.items() if n.startswith(PREFIX)})
    return Counts(merchant, {name: number for name, number in sorted(sums.items()) if number})
