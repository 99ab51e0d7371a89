"""Redaction: what must not be read in a log."""

from __future__ import annotations

#: A shorter secret is not looked for: it would black out words that are none.
SHORTEST = 6

_known: set[str] = set()


def learn(secret: str) -> None:
    """Never show ``secret`` again."""
    if len(secret) >= SHORTEST:
        _known.add(secret)
