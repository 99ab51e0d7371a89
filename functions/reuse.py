"""Reuse: whether a picture served another case before. Suspicion goes to a person; it never rejects."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from aftersales.change import Change, PhotoPrint
from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import Invalid
from aftersales.evidence import Evidence
from aftersales.ports import NEWEST_PRINTS, CaseFile, PhotoReport, PrintsLike, Sameness
from aftersales.registry import Registry
from functions import retention
from functions.context import again

#: Of a photo's words the first are kept; all are looked up. Each that is kept is an item.
STORED = 16
#: Of the photos that share words, so many are compared: those that share most.
MOST_COMPARED = 8
MOST_BYTES = 64 * 1024
#: Figures whose names begin so are kept with a finding and shown to nobody: another merchant's case is not theirs to know.
HIDDEN = "_"


def of_photo(registry: Registry, file: CaseFile, piece: Evidence, report: PhotoReport) -> tuple[Finding, ...]:
    """The finding ``vision.reused``; none for a picture of nothing, which is like every other.

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
        for other in _candidates(registry, report.words, case.case_id)
        if (sure := _compared(registry, report.features, other)).same
    ]
    told = [(sure, theirs.case) for sure, photo in copies if (theirs := registry.store.case(photo.case_id)) is not None]
    elsewhere = [(sure, each) for sure, each in told if (each.merchant, each.order_id) != (case.merchant, case.order_id)]
    if not elsewhere:
        again_here = (("earlier_case", told[0][1].case_id),) if told else ()
        return (Finding("vision.reused", Verdict.PASS, "vision.not_seen_before", Source.MODEL, 0.9, again_here),)
    sure, other = max(elsewhere, key=lambda each: each[0].confidence)
    data = (
        (f"{HIDDEN}case", other.case_id),
        (f"{HIDDEN}merchant", other.merchant),
        ("cases", len({each.case_id for _, each in elsewhere})),
        ("how", ", ".join(sure.how)),
        ("points", sure.points),
        ("same_buyer", any((each.merchant, each.buyer_id) == (case.merchant, case.buyer_id) for _, each in elsewhere)),
    )
    return (Finding("vision.reused", Verdict.UNSURE, "vision.seen_before", Source.MODEL, sure.confidence, data),)


def shown(finding: Finding) -> Finding:
    """The finding without the figures that are hidden."""
    return replace(finding, data=tuple(pair for pair in finding.data if not pair[0].startswith(HIDDEN)))


def _candidates(registry: Registry, words: tuple[str, ...], case_id: str) -> list[PhotoPrint]:
    """Photos of cases other than ``case_id`` that share some of the words, those that share most first."""
    page = registry.store.find(PrintsLike(words), None, NEWEST_PRINTS * len(words))
    others = [replace(photo, words=()) for photo in page.found if photo.case_id != case_id]
    return [photo for photo, _ in Counter(others).most_common(MOST_COMPARED)]


def _compared(registry: Registry, features: bytes, other: PhotoPrint) -> Sameness:
    """How the picture compares with another; None of that where the other's features are gone."""
    try:
        theirs = registry.files.read(retention.key_of("features", other.merchant, other.case_id, other.evidence_id), MOST_BYTES)
    except Invalid:
        theirs = None
    return registry.photos.same(theirs, features) if theirs else Sameness(None)
