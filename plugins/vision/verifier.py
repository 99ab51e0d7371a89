"""The PhotoVerifier: intake, quality, fingerprint and, where a buyer says that fresh goods are spoiled, spoilage and overlay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import BadSettings
from aftersales.ports import PhotoQuestion, PhotoReport, Sameness
from plugins.vision import intake, overlay, quality, reuse, spoilage
from plugins.vision.features import features
from plugins.vision.fingerprint import fingerprint
from plugins.vision.header import NoPhoto
from plugins.vision.spoilage import Spoilage
from plugins.vision.words import words

#: Trade → reasons for which spoilage is looked for.
SPOILAGE_REASONS: Mapping[str, tuple[str, ...]] = {"fresh": ("spoiled", "damaged")}


@dataclass(frozen=True, slots=True)
class Verifier:
    """Looks at one photo at a time and keeps nothing of it; may be used by several threads."""

    max_bytes: int = intake.MAX_BYTES
    spoilage_reasons: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: SPOILAGE_REASONS)

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """Findings ``vision.readable``, ``.large``, ``.lit``, ``.sharp`` and ``.spoilage``, as far as each makes sense."""
        try:
            picture = intake.read(photo, self.max_bytes)
        except NoPhoto as no:
            return PhotoReport((Finding("vision.readable", Verdict.MISSING, no.reason, data=(("bytes", len(photo)),)),))
        figures = (("format", picture.kind), ("height", picture.height), ("width", picture.width))
        measured = quality.measure(picture)
        findings = (Finding("vision.readable", Verdict.PASS, "vision.readable", data=figures), *quality.findings(measured))
        # Pictures of nothing are all alike: a print of them would accuse every buyer whose camera failed.
        report = PhotoReport(findings)
        if measured.spread >= quality.UNIFORM_BELOW:
            mark, kept = fingerprint(picture.rgb), features(picture.rgb)
            report = PhotoReport(findings, mark, features=kept, words=words(kept, mark))
        asked = question.reason in self.spoilage_reasons.get(question.vertical, ())
        if not asked or any(f.verdict is Verdict.MISSING for f in findings):
            return report
        seen = spoilage.estimate(picture.rgb)
        share = seen.share if seen.seen else None  # what is not seen may still be there: a low share would be a guess
        findings += (spoiled(seen),)
        return replace(report, findings=findings, overlay=overlay.draw(picture.rgb, findings), spoiled_share=share)

    def watch(self, video: bytes, question: PhotoQuestion) -> PhotoReport:  # noqa: ARG002  # no video is understood yet
        """No video is understood yet: a photo is asked for."""
        return PhotoReport((Finding("vision.readable", Verdict.MISSING, "vision.not_a_photo", data=(("bytes", len(video)),)),))

    def same(self, features: bytes, others: bytes) -> Sameness:
        """Whether two pictures, by the features of their reports, are one."""
        return reuse.same(features, others)


def spoiled(seen: Spoilage) -> Finding:
    """What the estimate says about the claim. It supports it or leaves it to a person; it never speaks against a buyer.

    ``data`` has ``spoiled_share`` in [0, 1] and ``spoiled_percent`` where spoilage is seen.
    """
    data: dict[str, str | int | float | bool] = {"confidence": seen.confidence, "regions": len(seen.regions)}
    if seen.seen:
        data |= {"spoiled_percent": round(100 * seen.share), "spoiled_share": seen.share}
    verdict = Verdict.PASS if seen.seen else Verdict.UNSURE
    reason = "vision.spoiled" if seen.seen else "vision.not_seen" if seen.sure else "vision.unsure"
    regions = tuple(tuple((round(x, 3), round(y, 3)) for x, y in r[:16]) for r in seen.regions[:12])
    return Finding("vision.spoilage", verdict, reason, Source.MODEL, seen.confidence, tuple(sorted(data.items())), regions=regions)


def build_verifier(settings: Mapping[str, Any]) -> Verifier:
    """The verifier with these settings. Raises BadSettings for one that it does not understand."""
    unknown = sorted(set(settings) - {"max_bytes", "spoilage_reasons"})
    if unknown:
        raise BadSettings(f"vision knows no setting {', '.join(unknown)}.", expected=["max_bytes", "spoilage_reasons"])
    try:
        max_bytes = int(settings.get("max_bytes", intake.MAX_BYTES))
        given = settings.get("spoilage_reasons", SPOILAGE_REASONS).items()
        reasons = {str(trade): tuple(str(code) for code in codes) for trade, codes in given}
    except (AttributeError, TypeError, ValueError) as error:
        raise BadSettings(f"A setting of vision is not what it should be: {error}") from error
    if max_bytes <= 0:
        raise BadSettings("max_bytes of vision must be above 0.", found=max_bytes)
    return Verifier(max_bytes, reasons)
