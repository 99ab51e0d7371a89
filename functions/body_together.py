"""Bodies: several cases of one order asked for in one call."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from aftersales.case import Kind
from functions.body import Body, Id, Percent, Pieces, Text, Word


class PieceBody(Body):
    """Pieces of one line, or of every part of a line that was sold as one. What is said here goes before what is said for all."""

    line_id: Id
    pieces: Pieces
    kind: Kind | None = None
    reason: Word = ""
    share_percent: Percent = 100


class TogetherBody(Body):
    """Several lines of one order, of whatever trades: one case for each trade, kind and reason.

    Without ``kind`` each line gets the first that gives money and is offered now, without ``reason`` the first of that kind.
    ``submit`` hands in what is complete; what lacks evidence stays a draft.
    """

    order_id: Id
    items: Annotated[list[PieceBody], Meta(min_length=1, max_length=100)]
    kind: Kind | None = None
    reason: Word = ""
    freight: bool = False
    note: Text = ""
    submit: bool = False
