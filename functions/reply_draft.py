"""Replies about words: how a buyer's were read, what is suggested, and the answers that the shop keeps."""

from __future__ import annotations

from datetime import datetime

from aftersales.complaint import Complaint, Handling
from functions.reply_base import View


class DraftView(View):
    """A suggestion for one case; nothing follows from it by itself.

    ``reason`` is what the buyer's words were read as, with a ``second`` complaint they may hold; where ``sure`` is false a person
    should read them. ``chosen`` is the reason that the buyer chose: ``agrees`` says whether the words say the same, null where that
    cannot be told. ``reply`` is the drafted answer in ``locale``; ``template_version`` is that of the shop's own answers, 0 for the
    default.
    """

    case_id: str
    reason: Complaint
    text: str
    confidence: float
    second: Complaint | None
    sure: bool
    chosen: str
    agrees: bool | None
    handling: Handling
    handling_text: str
    locale: str
    reply: str
    template_version: int


class ReplyTemplate(View):
    """One answer with its places; ``own`` is false for the default."""

    handling: Handling
    locale: str
    text: str
    own: bool


class RepliesView(View):
    """Every answer as it would be drafted, and the ``places`` that may stand in one. ``version`` is 0 while all are defaults."""

    version: int
    changed_at: datetime | None
    by: str
    places: list[str]
    replies: list[ReplyTemplate]
