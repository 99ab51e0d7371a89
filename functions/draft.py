"""Drafts: what is suggested to the shop about a case, and the answer it may send; the shop's own answers, kept and changed."""

from __future__ import annotations

from aftersales.case import Case, Event, Kind
from aftersales.change import Change
from aftersales.complaint import Complaint, Handling, Reading
from aftersales.decision import Outcome, Verdict
from aftersales.errors import Invalid
from aftersales.evidence import SHOWING
from aftersales.query import CaseFile, StepsOf, TemplatesOf
from aftersales.template import PLACES, Template, Templates, Use, check, fill
from aftersales.text import DEFAULT_LOCALE, text, texts_of
from aftersales.vertical import Vertical
from functions import promise, reading, wording
from functions.body import RepliesBody
from functions.context import Context
from functions.reply_draft import DraftView, RepliesView, ReplyTemplate, SuggestedDecision
from functions.wording import words_for as words_for  # noqa: PLC0414  # callers name it beside what is drafted

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
    complaint = _complaint(told, case)
    handling = suggested(ctx.registry.vertical(case.vertical), complaint, photographed=_photographed(file))
    locale = wording.spoken(told.language if said else case.locale)
    own, whys = _own(ctx, case.merchant), (str(complaint), *wording.reasons_of(case))
    facts = wording.facts_of(ctx.registry, case, locale, ctx.order_of(case.merchant, case.order_id).order)
    words_of_shop = fill((own and own.text(Use.ANSWER, locale, whys, handling)) or "", facts)
    reply = words_of_shop or fill(_default(handling, locale), facts)
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
        reply=reply,
        template_version=own.version if own and words_of_shop else 0,
        suggested_decision=_decision(file, handling, reply),
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
    kept = tuple(Template(r.handling, r.locale, r.text, r.use, r.reason) for r in body.replies)
    for number, template in enumerate(kept):
        _checked(ctx, template, f"$.replies[{number}]")
        if template.place in {t.place for t in kept[:number]}:
            raise Invalid("A text is there once per use, reason, handling and language.", where=f"$.replies[{number}]")
    own = Templates(ctx.caller.merchant, kept, ctx.now, ctx.caller.name, version)
    view = ctx.commit(Change(templates=own), _view(own, version + 1))
    ctx.registry.replies.forget(ctx.caller.merchant)
    return view


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


def _own(ctx: Context, merchant: str) -> Templates | None:
    found = ctx.registry.store.find(TemplatesOf(merchant)).found
    return found[0] if found else None


def _default(handling: Handling | None, locale: str, use: Use = Use.ANSWER) -> str:
    return texts_of("functions")[locale][f"draft.{handling}"] if handling else wording.default(use, locale)


def _checked(ctx: Context, template: Template, where: str) -> None:
    if template.handling is not None and template.use is not Use.ANSWER:
        raise Invalid("Only an answer is about a handling.", where=f"{where}.handling", found=str(template.handling))
    if template.reason and not _is_known(ctx, template.reason):
        raise Invalid(f"No trade has the reason {template.reason}.", where=f"{where}.reason", found=template.reason)
    try:
        check(template.text, template.use)
    except Invalid as error:
        raise Invalid(error.message, todo=error.todo, **{**error.details, "where": f"{where}.text"}) from error


def _is_known(ctx: Context, reason: str) -> bool:
    """Whether somebody could ask for that reason, or a check could give it."""
    trades = [ctx.registry.vertical(name) for name in ctx.registry.verticals]
    told = (trade.text(key, DEFAULT_LOCALE) != key for trade in trades for key in (f"reason.{reason}", reason))
    return reason in set(Complaint) or any(told)


def _decision(file: CaseFile, handling: Handling, reply: str) -> SuggestedDecision | None:
    """What a person could decide by that; None where the case waits for no decision, or something has to be weighed first."""
    case = file.case
    if case.state not in wording.ANSWERING or promise.keeps_goods(file):
        return None
    if handling is Handling.ASK_PHOTOS:
        outcome = None if promise.awaits_a_person(file) else Outcome.ASK_EVIDENCE
    else:
        sound = case.decision is None or all(f.verdict is Verdict.PASS for f in case.decision.findings)
        outcome = Outcome.APPROVE if sound and case.kind in KINDS.get(handling, ()) else None
    return SuggestedDecision(outcome=outcome, reason=reply[: wording.MOST_WORDS]) if outcome and reply else None


def _view(own: Templates | None, version: int | None = None) -> RepliesView:
    mine = {t.place: t.text for t in own.templates} if own else {}
    kinds: list[tuple[Use, Handling | None]] = [(Use.ANSWER, handling) for handling in Handling]
    kinds += [(use, None) for use in Use if use is not Use.ANSWER]
    places = [(use, "", handling, locale) for use, handling in kinds for locale in wording.LOCALES]
    listed = [
        ReplyTemplate(
            use=use,
            reason=reason,
            handling=handling,
            locale=locale,
            text=mine.get((use, reason, handling, locale)) or _default(handling, locale, use),
            own=(use, reason, handling, locale) in mine,
        )
        for use, reason, handling, locale in dict.fromkeys((*places, *mine))
    ]
    stored = own.version if own else 0
    return RepliesView(
        version=stored if version is None else version,
        changed_at=own.changed_at if own else None,
        by=own.by if own else "",
        places=[f"{{{place}}}" for place in PLACES],
        replies=listed,
    )
