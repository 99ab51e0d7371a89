"""Reuse: whether a picture served another case before. Suspicion goes to a person; it never rejects."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from aftersales.case import Case, Ending
from aftersales.change import Change, PhotoPrint
from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import Invalid
from aftersales.evidence import Evidence
from aftersales.photo import PhotoReport, Sameness
from aftersales.query import MOST_PRINTS, CaseFile, PrintsLike
from aftersales.registry import Registry
from functions import retention
from functions.context import again

#: Of a photo's words the first are kept; all are looked up. Each that is kept is an item.
STORED = 16
#: Of the photos that share words, so many of the case and so many of others are compared: those that share most.
MOST_COMPARED = 8
#: Of each other case so many come first: many copies in one case hide no other.
FIRST_OF_A_CASE = 2
MOST_BYTES = 64 * 1024
#: Figures whose names begin so are kept with a finding and shown to nobody: another merchant's case is not theirs to know.
HIDDEN = "_"

Figures = tuple[tuple[str, str | int | float | bool], ...]


def of_photo(registry: Registry, file: CaseFile, piece: Evidence, report: PhotoReport) -> tuple[Finding, ...]:
    """The finding ``vision.reused``; none for a picture of nothing, which is like every other.

    ``copies`` are the pieces of the same case that are the same picture: what they show is shown once (``aftersales.shown``).
    Written first, then asked for: of two cases with one picture that are looked at in the same moment, one sees the other.
    """
    if not report.words or not report.features:
        return ()
    case = file.case
    key = retention.key_of("features", case.merchant, case.case_id, piece.evidence_id)
    registry.files.write(key, report.features, "application/octet-stream")
    known = PhotoPrint(report.words[:STORED], case.merchant, case.case_id, piece.evidence_id, piece.added_at)
    again(lambda: registry.store.commit(Change(prints=(known,))))
    copies = [
        (sure, other)
        for other in _candidates(registry, report.words, known)
        if (sure := _compared(registry, report.features, other)).same
    ]
    here = ", ".join(sorted(photo.evidence_id for _, photo in copies if photo.case_id == case.case_id))
    others = [(sure, photo.case_id) for sure, photo in copies if photo.case_id != case.case_id]
    told = [(sure, theirs.case) for sure, case_id in others if (theirs := registry.store.case(case_id)) is not None]
    suspicious = [(sure, each) for sure, each in told if not _may_come_again(each, case)]
    named: Figures = (("copies", here),) if here else ()
    if not suspicious:
        named += (("earlier_case", told[0][1].case_id),) if told else ()
        reason = "vision.seen_in_this_order" if told else "vision.not_seen_before"
        return (Finding("vision.reused", Verdict.PASS, reason, Source.MODEL, 0.9, named),)
    return (_seen_before(case, suspicious, named),)


def _seen_before(case: Case, others: list[tuple[Sameness, Case]], named: Figures) -> Finding:
    """The suspicion, with the surest of the other cases."""
    sure, other = max(others, key=lambda each: each[0].confidence)
    data: Figures = (
        (f"{HIDDEN}case", other.case_id),
        (f"{HIDDEN}merchant", other.merchant),
        ("cases", len({each.case_id for _, each in others})),
        *named,
        ("how", ", ".join(sure.how)),
        ("points", sure.points),
        ("same_buyer", any((each.merchant, each.buyer_id) == (case.merchant, case.buyer_id) for _, each in others)),
    )
    return Finding("vision.reused", Verdict.UNSURE, "vision.seen_before", Source.MODEL, sure.confidence, data)


def _may_come_again(earlier: Case, case: Case) -> bool:
    """Whether the picture may serve both: one order, and other lines of it, or an earlier case that nothing came of."""
    if (earlier.merchant, earlier.order_id) != (case.merchant, case.order_id):
        return False
    shared = {i.line_id for i in earlier.items} & {i.line_id for i in case.items}
    return not shared or earlier.ending in (Ending.WITHDRAWN, Ending.LAPSED)


def shown(finding: Finding) -> Finding:
    """The finding without the figures that are hidden."""
    return replace(finding, data=tuple(pair for pair in finding.data if not pair[0].startswith(HIDDEN)))


def _candidates(registry: Registry, words: tuple[str, ...], mine: PhotoPrint) -> list[PhotoPrint]:
    """Photos other than this one that share some of the words, those that share most first: some of its case, some of others."""
    page = registry.store.find(PrintsLike(words), None, MOST_PRINTS * len(words))
    ranked = [photo for photo, _ in Counter(replace(photo, words=()) for photo in page.found).most_common()]
    here = [photo for photo in ranked if photo.case_id == mine.case_id and photo.evidence_id != mine.evidence_id]
    return [*here[:MOST_COMPARED], *_by_turns([photo for photo in ranked if photo.case_id != mine.case_id])[:MOST_COMPARED]]


def _by_turns(ranked: list[PhotoPrint]) -> list[PhotoPrint]:
    """The same photos, the first few of each case before all others."""
    given: Counter[str] = Counter()
    turn: list[tuple[bool, PhotoPrint]] = []
    for photo in ranked:
        given[photo.case_id] += 1
        turn.append((given[photo.case_id] > FIRST_OF_A_CASE, photo))
    return [photo for _, photo in sorted(turn, key=lambda each: each[0])]


def _compared(registry: Registry, features: bytes, other: PhotoPrint) -> Sameness:
    """How the picture compares with another; None of that where the other's features are gone."""
    try:
        theirs = registry.files.read(retention.key_of("features", other.merchant, other.case_id, other.evidence_id), MOST_BYTES)
    except Invalid:
        theirs = None
    return registry.photos.same(theirs, features) if theirs else Sameness(None)
