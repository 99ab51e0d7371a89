"""Replies about words: how a buyer's were read, what is suggested, and the answers that the shop keeps."""

from __future__ import annotations

from datetime import datetime

from aftersales.complaint import Complaint, Handling
from aftersales.decision import Outcome
from aftersales.template import Use
from functions.reply_base import View


class SuggestedDecision(View):
    """The body of a decision, ready to be sent by whoever agrees: with the drafted answer as its reason, and never with a sum."""

    outcome: Outcome
    reason: str


class DraftView(View):
    """A suggestion for one case; nothing follows from it by itself.

    ``reason`` is what the buyer's words were read as, with a ``second`` complaint they may hold; where ``sure`` is false a person
    should read them. ``chosen`` is the reason that the buyer chose: ``agrees`` says whether the words say the same, null where that
    cannot be told. ``reply`` is the drafted answer in ``locale``; ``template_version`` is that of the shop's own answers, 0 for the
    default. ``suggested_decision`` is null where the case waits for no decision, or something has to be weighed first.
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
    suggested_decision: SuggestedDecision | None = None


class ReplyTemplate(View):
    """One text with its places; ``own`` is false for the default.

    Of several that would do the first holds: for reason and handling, for the reason, the handling, everything, the default. An
    acknowledgement goes out by itself; the default is shown as it is for a case that waits for the shop.
    """

    use: Use
    reason: str
    handling: Handling | None
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
