"""Bodies and queries about a shop's queue: which cases are looked for, who takes one, how hard it is."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from aftersales.case import Kind, Lane
from aftersales.queue import Shown
from functions.body import SOME, Body, Colleague, Minor, Text, Title, Word

#: Whoever asks, where somebody of the shop is named.
ME = "me"


class CaseQuery(Body):
    """Which open cases: of one ``state`` (``reviewing`` by default), of which all that is set holds; or an ``order``, a ``phone``.

    ``clerk`` is ``me``, a colleague's name in their token (then of any state unless one is named), or ``-`` for cases that nobody
    claimed. Amounts are in minor units, both included. ``late``: the answer is out although its time has passed.
    """

    state: Word = ""
    kind: Kind | None = None
    vertical: Word = ""
    category: Title = ""
    evidence: Shown | None = None
    lane: Lane | None = None
    clerk: Word = ""
    min_minor: Minor = 0
    max_minor: Minor | None = None
    late: bool = False
    order: Word | None = None
    phone: Word | None = None


class ClaimBody(Body):
    """Take a case, for oneself or (approvers, admins) for the colleague ``to``; ``take_over``: although another one has it."""

    to: Colleague = ""
    take_over: bool = False


class TriageBody(Body):
    """How hard a case is, and why."""

    lane: Lane
    reason: Annotated[Text, Meta(min_length=1, pattern=SOME)]
