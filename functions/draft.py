"""Drafts: what is suggested to the shop about a case, and the answer it may send; the shop's own answers, kept and changed."""

from __future__ import annotations

from aftersales.case import Case, Event, Kind, State
from aftersales.change import Change
from aftersales.complaint import Complaint, Handling, Reading
from aftersales.errors import Invalid
from aftersales.evidence import SHOWING
from aftersales.query import CaseFile, StepsOf, TemplatesOf
from aftersales.template import PLACES, Template, Templates, check, fill
from aftersales.text import DEFAULT_LOCALE, text, texts_of
from aftersales.vertical import Vertical
from functions import reading, words
from functions.body import RepliesBody
from functions.context import Context
from functions.reply_draft import DraftView, RepliesView, ReplyTemplate

LOCALES = (DEFAULT_LOCALE, "en")
#: The states whose deadline is the shop's to answer by; a draft speaks of no other.
ANSWERING = frozenset({State.REVIEWING, State.SECOND_REVIEW})
MOST_WORDS = 2_000  # characters of a buyer's messages that are read
_C, _H = Complaint, Handling
#: What to do about a complaint, best first; the first that the trade offers for it is suggested, else to talk.
BEST: dict[Complaint, tuple[Handling, ...]] = {
    _C.SPOILED: (_H.REPLACE, _H.RETURN, _H.REFUND_SHARE),
    _C.DEFECT: (_H.REPAIR, _H.REPLACE, _H.RETURN, _H.REFUND_SHARE),
    _C.TASTE: (_H.RETURN,),
    _C.DIFFERENT: (_H.RETURN, _H.REFUND_SHARE),
    _C.SHORT: (_H.REFUND_SHARE,),
    _C.WRONG: (_H.REPLACE, _H.RETURN, _H.REFUND_SHARE),
    _C.FAKE: (_H.PLATFORM,),
    _C.LATE: (_H.TRACE,),
    _C.SERVICE: (_H.TALK,),
    _C.OTHER: (_H.RETURN,),
}
#: The kinds of case by which a trade offers a handling; the others are possible always.
KINDS: dict[Handling, tuple[Kind, ...]] = {
    _H.REFUND_SHARE: (Kind.CLAIM, Kind.REFUND_ONLY),
    _H.RETURN: (Kind.RETURN_REFUND,),
    _H.REPLACE: (Kind.EXCHANGE,),
    _H.REPAIR: (Kind.REPAIR,),
}
#: Complaints that a photo or a film can show: without one it is asked for first.
SHOWN = frozenset({_C.SPOILED, _C.DEFECT, _C.DIFFERENT, _C.SHORT, _C.WRONG, _C.FAKE})


def draft(ctx: Context, case_id: str) -> DraftView:
    """How the buyer's words were read, what to do about it, and an answer to send. Made anew each time; nothing is stored.

    The answer is in the language the buyer writes. It names no sum but the case's.
    """
    file = ctx.case(case_id)
    case, said = file.case, _said(ctx, file)
    unread = Reading(Complaint.OTHER, 0.0, None, case.locale, sure=False)
    told = reading.read(ctx.registry, said, case.locale) or unread
    handling = suggested(ctx.registry.vertical(case.vertical), _complaint(told, case), photographed=_photographed(file))
    locale = "en" if (told.language if said else case.locale).startswith("en") else DEFAULT_LOCALE
    own = _own(ctx, case.merchant)
    words_of_shop = own.text(handling, locale) if own else None
    return DraftView(
        case_id=case_id,
        reason=told.reason,
        text=text("functions", f"text.{told.reason}", ctx.locale),
        confidence=told.confidence,
        second=told.second,
        sure=told.sure,
        chosen=case.reason,
        agrees=reading.agrees(told, case.reason),
        handling=handling,
        handling_text=text("functions", f"handling.{handling}", ctx.locale),
        locale=locale,
        reply=fill(words_of_shop or _default(handling, locale), _facts(ctx, case, locale)),
        template_version=own.version if own and words_of_shop else 0,
    )


def replies(ctx: Context) -> RepliesView:
    """The shop's answers: its own, and the defaults where it has none."""
    return _view(_own(ctx, ctx.caller.merchant))


def put_replies(ctx: Context, body: RepliesBody) -> RepliesView:
    """Keep these as the shop's own answers, all at once. ``If-Match`` names the version that was read.

    Raises Invalid for an answer with an unknown place, with a sum of its own, or for one that is there twice.
    """
    stored = _own(ctx, ctx.caller.merchant)
    version = stored.version if stored else 0
    ctx.unchanged(version)
    kept = tuple(Template(r.handling, r.locale, r.text) for r in body.replies)
    for number, template in enumerate(kept):
        _checked(template, f"$.replies[{number}].text")
        if (template.handling, template.locale) in {(t.handling, t.locale) for t in kept[:number]}:
            raise Invalid("An answer is there once per handling and language.", where=f"$.replies[{number}]")
    own = Templates(ctx.caller.merchant, kept, ctx.now, ctx.caller.name, version)
    return ctx.commit(Change(templates=own), _view(own, version + 1))


def suggested(vertical: Vertical, complaint: Complaint, *, photographed: bool) -> Handling:
    """What to do about a complaint in this trade."""
    if complaint in SHOWN and not photographed:
        return Handling.ASK_PHOTOS
    offered = reading.means(vertical, complaint)
    possible = (h for h in BEST[complaint] if h not in KINDS or offered & {str(k) for k in KINDS[h]})
    return next(possible, Handling.TALK)


def _complaint(told: Reading, case: Case) -> Complaint:
    """What is answered: the words where they are clear, else what the buyer chose."""
    return told.reason if told.sure else reading.CHOSEN.get(case.reason, (told.reason,))[0]


def _photographed(file: CaseFile) -> bool:
    return any(e.kind in SHOWING and e.usable and e.role is None for e in file.evidence)


def _said(ctx: Context, file: CaseFile) -> str:
    """The buyer's note; without one the last of the buyer's messages."""
    if file.case.note.strip():
        return file.case.note
    said, cursor = "", None
    while True:
        page = ctx.registry.store.find(StepsOf(file.case.case_id), cursor, 100)
        for step in page.found:
            if step.event is Event.MESSAGE_SENT and step.by.startswith("buyer:"):
                said = f"{said}\n{step.data.get('text', '')}"[-MOST_WORDS:]
        cursor = page.cursor
        if cursor is None:
            return said.strip()


def _facts(ctx: Context, case: Case, locale: str) -> dict[str, str]:
    order = ctx.order_of(case.merchant, case.order_id).order
    titles = dict.fromkeys(order.line(item.line_id).title for item in case.items)
    goods = ("、" if locale == DEFAULT_LOCALE else ", ").join(titles) or text("functions", "draft.freight", locale)
    return {
        "order_id": case.order_id,
        "goods": goods,
        "amount": str(case.amount) if case.amount.minor else "",
        "deadline": words.of_instant(ctx.registry, case, case.deadline) if case.state in ANSWERING else "",
        "return_address": ctx.registry.merchant(case.merchant).return_address,
    }


def _own(ctx: Context, merchant: str) -> Templates | None:
    found = ctx.registry.store.find(TemplatesOf(merchant)).found
    return found[0] if found else None


def _default(handling: Handling, locale: str) -> str:
    return texts_of("functions")[locale][f"draft.{handling}"]


def _checked(template: Template, where: str) -> None:
    try:
        check(template.text)
    except Invalid as error:
        raise Invalid(error.message, todo=error.todo, **{**error.details, "where": where}) from error


def _view(own: Templates | None, version: int | None = None) -> RepliesView:
    listed = []
    for handling in Handling:
        for locale in LOCALES:
            mine = own.text(handling, locale) if own else None
            listed.append(
                ReplyTemplate(handling=handling, locale=locale, text=mine or _default(handling, locale), own=mine is not None)
            )
    stored = own.version if own else 0
    return RepliesView(
        version=stored if version is None else version,
        changed_at=own.changed_at if own else None,
        by=own.by if own else "",
        places=[f"{{{place}}}" for place in PLACES],
        replies=listed,
    )
