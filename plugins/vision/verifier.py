"""The PhotoVerifier: one decode, and everything that is said of a photo derives from it.

What makes no sense after something else is left out: on a photo that shows nothing, nothing is looked for. What speaks
against a photo is looked for on every picture that can be opened. Whatever was seen, the copies for the other side are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from aftersales.decision import Finding, Verdict
from aftersales.errors import BadSettings
from aftersales.photo import PhotoQuestion, PhotoReport, Sameness
from plugins.vision import (
    dispatch,
    edited,
    faces,
    intake,
    label,
    masking,
    overlay,
    product,
    quality,
    reading,
    reference,
    reuse,
    screen,
    sheet,
    spoilage,
    stock,
    times,
    video,
)
from plugins.vision.dispatch import Side
from plugins.vision.features import features
from plugins.vision.fingerprint import fingerprint
from plugins.vision.header import NoPhoto
from plugins.vision.intake import Picture
from plugins.vision.product import Recogniser, Seen
from plugins.vision.reading import Text
from plugins.vision.spoilage import Spoilage
from plugins.vision.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

P = ParamSpec("P")
T = TypeVar("T")

#: Trade → reasons for which spoilage is looked for.
SPOILAGE_REASONS: Mapping[str, tuple[str, ...]] = {"fresh": ("spoiled", "damaged")}
#: Checks that a shop may do without (setting ``off``); the others are what an answer is made of.
OPTIONAL = ("vision.screen", "vision.edited", "vision.stock", "vision.time", "vision.dispatch", "vision.text")
#: Checks that speak against a video when they speak against one of its frames.
DOUBTS = ("vision.screen", "vision.edited", "vision.stock")
FRAMES = 6
MOST_DISPATCHED = 3


@dataclass(frozen=True, slots=True)
class Look:
    """A report, and how long each phase of it took, in milliseconds."""

    report: PhotoReport
    ms: Mapping[str, float] = field(default_factory=dict)


class Stopwatch:
    """Times phases; a phase that comes several times adds up."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    def __call__(self, phase: str, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What ``work`` gives."""
        began = perf_counter()
        try:
            return work(*args, **more)
        finally:
            self.ms[phase] = self.ms.get(phase, 0.0) + 1000 * (perf_counter() - began)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Looks at one photo at a time and keeps nothing of it; may be used by several threads.

    Of the merchant's pictures it remembers what was seen: many photos are held beside the same ones.
    """

    max_bytes: int = intake.MAX_BYTES
    spoilage_reasons: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: SPOILAGE_REASONS)
    off: frozenset[str] = frozenset()
    film_limits: video.Limits = field(default_factory=video.Limits)
    shown: reference.Looks[Seen] = field(default_factory=lambda: reference.Looks(Recogniser().see))
    sent: reference.Looks[Side] = field(default_factory=lambda: reference.Looks(_sent))

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """What is seen on a photo."""
        return self.look(photo, question).report

    def watch(self, video: bytes, question: PhotoQuestion) -> PhotoReport:
        """What is seen on a video: the report on the frame that shows most."""
        return self.film(video, question).report

    def same(self, features: bytes, others: bytes) -> Sameness:
        """Whether two pictures are one."""
        return reuse.same(features, others)

    def look(self, photo: bytes, question: PhotoQuestion) -> Look:
        """What is seen on a photo, timed."""
        watch = Stopwatch()
        try:
            picture = watch("decode", intake.read, photo, self.max_bytes)
        except NoPhoto as no:
            return Look(unreadable(no.reason, len(photo)), watch.ms)
        return self._seen(picture, question, watch)

    def film(self, content: bytes, question: PhotoQuestion) -> Look:
        """What is seen on a video, timed: a few sharp frames, each as a photo is, and of them the one that shows most."""
        watch = Stopwatch()
        try:
            taken = watch("decode", video.frames, content, FRAMES, self.film_limits)
        except NoPhoto as no:
            return Look(unreadable(no.reason, len(content)), watch.ms)
        looks = [(frame.second, self._seen(frame.picture, question, watch).report) for frame in taken]
        second, best = max(looks, key=lambda look: _telling(look[1]))
        findings = tuple(_at_second(f, second, len(looks)) for f in with_doubts(best.findings, [report for _, report in looks]))
        return Look(replace(best, findings=findings), watch.ms)

    def absent(self) -> Look:
        """The report on a file that is not there."""
        return Look(unreadable("vision.empty", 0))

    # --- one picture --------------------------------------------------------------------------------------------------
    def _seen(self, picture: Picture, question: PhotoQuestion, watch: Stopwatch) -> Look:
        measured = watch("quality", quality.measure, picture)
        first = (_readable(picture), *quality.findings(measured))
        usable = not any(f.verdict is Verdict.MISSING for f in first)
        text = watch("reading", reading.read, picture.rgb, question.label_with_flaw)
        goods = watch("goods", Recogniser().see, picture.rgb)
        sheets = sheet.look(text, goods.scenes)
        hidden = watch("masking", lambda: masking.places(picture.rgb, text, faces.find(picture.rgb), sheets))
        shown = watch("masking", masking.hide, picture.rgb, hidden)
        found, rot = self._judged(picture, question, watch, goods) if usable else ((), spoilage.NOTHING)
        written = (label.label(sheets, question, rot.seen), *(() if "vision.text" in self.off else (label.words(text, question),)))
        odd = watch("honesty", self._suspicions, picture, question, text)
        findings = tuple(plain(f) for f in (*first, *found, *written, *odd))
        # Pictures of nothing are all alike: a print of them would accuse every buyer whose camera failed.
        mark, kept, keys = watch("fingerprint", _prints, picture.rgb) if measured.spread >= quality.UNIFORM_BELOW else ("", b"", ())
        drawn = watch("overlay", overlay.draw, shown, findings)
        copy = watch("overlay", masking.jpeg, shown)
        share = rot.share if rot.seen else None
        return Look(PhotoReport(findings, mark, drawn, share, kept, keys, copy), watch.ms)

    def _judged(
        self, picture: Picture, question: PhotoQuestion, watch: Stopwatch, goods: Seen
    ) -> tuple[tuple[Finding, ...], Spoilage]:
        """What is seen of the goods: whether they were ordered, what of them is spoiled, and how they were when they left."""
        found = product.judge(goods, question, lambda: watch("catalogue", self._catalogue, question))
        rot = spoilage.NOTHING
        if any(f.verdict is Verdict.MISSING for f in found):
            return found, rot
        if question.reason in self.spoilage_reasons.get(question.vertical, ()):
            rot = watch("spoilage", spoilage.estimate, picture.rgb)
            found += spoilage.findings(rot)
        if question.dispatched and "vision.dispatch" not in self.off:
            found += watch("dispatch", self._beside, _side(goods, rot), question)
        return found, rot

    def _catalogue(self, question: PhotoQuestion) -> Seen | None:
        return self.shown.at(question.catalogue, self.max_bytes) if question.catalogue else None

    def _suspicions(self, picture: Picture, question: PhotoQuestion, text: Text) -> tuple[Finding, ...]:
        """What speaks against the photo, as far as the shop wants to know."""
        looks: dict[str, Callable[[], Finding]] = {
            "vision.screen": lambda: screen.look(picture),
            "vision.edited": lambda: edited.look(picture),
            "vision.stock": lambda: stock.look(line.text for line in text.lines),
            "vision.time": lambda: times.look(picture.exif.taken_at, question.since, question.until),
        }
        return tuple(look() for check, look in looks.items() if check not in self.off)

    def _beside(self, here: Side, question: PhotoQuestion) -> tuple[Finding, ...]:
        """The photo beside the merchant's from before the parcel left; what cannot be opened there says nothing."""
        before = (self.sent.at(picture, self.max_bytes) for picture in question.dispatched[:MOST_DISPATCHED])
        return dispatch.judge(here, [side for side in before if side is not None])


def unreadable(reason: str, size: int) -> PhotoReport:
    """The report on a file that is no picture."""
    return PhotoReport((Finding("vision.readable", Verdict.MISSING, reason, data=(("bytes", size),)),))


def plain(finding: Finding) -> Finding:
    """The finding with Python's own numbers, whatever measured them: numpy's cannot be stored."""
    regions = tuple(tuple((float(x), float(y)) for x, y in region) for region in finding.regions)
    data = tuple((name, getattr(value, "item", lambda v=value: v)()) for name, value in finding.data)
    return replace(finding, confidence=float(finding.confidence), data=data, regions=regions)


def _readable(picture: Picture) -> Finding:
    figures = (("format", picture.kind), ("height", picture.height), ("width", picture.width))
    return Finding("vision.readable", Verdict.PASS, "vision.readable", data=figures)


def _prints(rgb: NDArray[np.uint8]) -> tuple[str, bytes, tuple[str, ...]]:
    mark, kept = fingerprint(rgb), features(rgb)
    return mark, kept, words(kept, mark)


def _sent(rgb: NDArray[np.uint8]) -> Side:
    return _side(Recogniser().see(rgb), spoilage.estimate(rgb))


def _side(goods: Seen, rot: Spoilage) -> Side:
    return Side(goods.kind, goods.mark, rot.share if rot.seen else 0.0)


def with_doubts(best: Iterable[Finding], reports: Iterable[PhotoReport]) -> tuple[Finding, ...]:
    """The findings on the frame that shows most, a doubt about any other frame in place of what is said of this one.

    Where it lies is left out: it is a place on another picture.
    """
    odd = {f.check: f for report in reports for f in report.findings if f.check in DOUBTS and f.verdict is Verdict.UNSURE}
    return tuple(replace(odd[f.check], regions=()) if f.check in odd and f.verdict is Verdict.PASS else f for f in best)


def _telling(report: PhotoReport) -> tuple[bool, float, int]:
    """How much a frame tells: a flaw before none, then the larger one, then fewer troubles."""
    troubles = sum(f.verdict is not Verdict.PASS for f in report.findings)
    return report.spoiled_share is not None, report.spoiled_share or 0.0, -troubles


def _at_second(finding: Finding, second: float, frames: int) -> Finding:
    if finding.check != "vision.readable":
        return finding
    return replace(finding, data=tuple(sorted({**dict(finding.data), "frames": frames, "second": round(second, 1)}.items())))


def build_verifier(settings: Mapping[str, Any]) -> Verifier:
    """The verifier with these settings. Raises BadSettings for one that it does not understand."""
    known = {"max_bytes", "spoilage_reasons", "off", "video_max_bytes", "video_max_seconds"}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise BadSettings(f"vision knows no setting {', '.join(unknown)}.", expected=sorted(known))
    try:
        max_bytes = int(settings.get("max_bytes", intake.MAX_BYTES))
        given = settings.get("spoilage_reasons", SPOILAGE_REASONS).items()
        reasons = {str(trade): tuple(str(code) for code in codes) for trade, codes in given}
        off = frozenset(str(check) for check in settings.get("off", ()))
        limits = video.limits_of(settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise BadSettings(f"A setting of vision is not what it should be: {error}") from error
    if max_bytes <= 0:
        raise BadSettings("max_bytes of vision must be above 0.", found=max_bytes)
    if off - set(OPTIONAL):
        raise BadSettings("This check of vision cannot be switched off.", found=sorted(off - set(OPTIONAL)), expected=OPTIONAL)
    return Verifier(max_bytes, reasons, off, limits)
