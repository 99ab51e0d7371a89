"""FakePhotos, a verifier that says what a test scripted, and the kit every PhotoVerifier passes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from aftersales.decision import Finding, Source, Verdict
from aftersales.photo import PhotoQuestion, PhotoReport, Sameness
from aftersales.ports import PhotoVerifier

SPOILED_STRAWBERRIES = PhotoQuestion("Strawberries 5 jin", "fruit", "fresh", "spoiled")
JPEG = b"\xff\xd8\xff\xe0 not a real picture"

#: What is uploaded as a photo and is none. Every verifier asks for another one.
NOT_PHOTOS: Mapping[str, bytes] = {
    "nothing": b"",
    "zeros": bytes(4096),
    "text": "照片在这里".encode(),
    "web_page": b"<!DOCTYPE html><html><body>404</body></html>",
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "gif": b"GIF89a\x01\x00\x01\x00\x00\xff\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00;",
    "tiff": b"II*\x00\x08\x00\x00\x00\x00\x00",
    "zip": b"PK\x03\x04" + bytes(60),
}


def a_report(spoiled_share: float | None = None, mark: str = "0123456789abcdef", *extra: Finding) -> PhotoReport:
    """What a verifier says about a readable photo: spoilage on that share of it, or none that it is sure of."""
    findings: tuple[Finding, ...] = (Finding("vision.readable", Verdict.PASS, "vision.readable"),)
    if spoiled_share is None:
        findings += (Finding("vision.spoilage", Verdict.UNSURE, "vision.unsure", Source.MODEL, 0.3),)
    else:
        data = (("spoiled_percent", round(100 * spoiled_share)), ("spoiled_share", spoiled_share))
        findings += (Finding("vision.spoilage", Verdict.PASS, "vision.spoiled", Source.MODEL, 0.9, data),)
    overlay = JPEG if spoiled_share else None
    return PhotoReport((*findings, *extra), mark, overlay, spoiled_share, features=mark.encode(), words=(mark,))


class FakePhotos:
    """Says what was scripted for exactly these bytes; of other photos nothing but that they can be read, and what they are."""

    def __init__(self) -> None:
        self._script: dict[bytes, PhotoReport] = {}

    def says(self, photo: bytes, report: PhotoReport) -> None:
        """From now on this is the report on these bytes, whatever is asked."""
        self._script[photo] = report

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:  # noqa: ARG002  # the script knows the answer
        """The scripted report, else that the photo is readable, else (by its first bytes) that it is no photo."""
        if photo in self._script:
            return self._script[photo]
        if photo.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
            return _readable(photo)
        return PhotoReport((Finding("vision.readable", Verdict.MISSING, "vision.not_a_photo"),))

    def watch(self, video: bytes, question: PhotoQuestion) -> PhotoReport:
        """The scripted report, else that the video can be seen, else (by its first bytes) that it is none."""
        if video not in self._script and video[4:8] == b"ftyp":
            return _readable(video)
        return self.inspect(video, question)

    def same(self, features: bytes, others: bytes) -> Sameness:
        """Pictures with the same features are one; those without any cannot be told."""
        if not features or not others:
            return Sameness(None)
        return Sameness(features == others, 0.9, 100 if features == others else 0)


def _readable(content: bytes) -> PhotoReport:
    mark = hashlib.sha256(content).hexdigest()[:16]
    findings = (Finding("vision.readable", Verdict.PASS, "vision.readable"),)
    return PhotoReport(findings, mark, features=mark.encode(), words=(mark,))


class PhotoVerifierContract:
    """What every PhotoVerifier keeps. A subclass gives the fixtures ``photos`` and ``spoiled_photo``.

    ``spoiled_photo`` is one that this verifier must see spoilage on, sharp and well lit.
    """

    def test_spoilage_is_seen_with_its_share(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """A clear photo of spoiled goods supports the claim: a PASS that carries the share of the report."""
        report = photos.inspect(spoiled_photo, SPOILED_STRAWBERRIES)
        seen = next(f for f in report.findings if f.check == "vision.spoilage")
        assert (seen.verdict, seen.source) == (Verdict.PASS, Source.MODEL)
        assert report.spoiled_share is not None
        assert 0 < report.spoiled_share <= 1
        assert dict(seen.data)["spoiled_share"] == report.spoiled_share

    def test_what_was_seen_can_be_shown(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """What is seen is drawn into a JPEG copy."""
        overlay = photos.inspect(spoiled_photo, SPOILED_STRAWBERRIES).overlay
        assert overlay is not None
        assert overlay.startswith(b"\xff\xd8\xff")

    def test_a_readable_photo_has_a_print(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """A photo that can be read has a fingerprint of 64 bits as 16 hex digits."""
        mark = photos.inspect(spoiled_photo, SPOILED_STRAWBERRIES).print
        assert len(mark) == 16
        assert int(mark, 16) >= 0

    def test_what_is_no_photo_is_asked_for_again(self, photos: PhotoVerifier) -> None:
        """Files that are no photos never raise: the buyer is asked for another one, and nothing is claimed about the goods."""
        for name, content in NOT_PHOTOS.items():
            report = photos.inspect(content, SPOILED_STRAWBERRIES)
            assert any(f.verdict is Verdict.MISSING for f in report.findings), name
            assert (report.print, report.overlay, report.spoiled_share) == ("", None, None), name

    def test_a_photo_is_found_again_and_known(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """A readable photo has words to be found by, each once, and features by which it is the same as itself."""
        report = photos.inspect(spoiled_photo, SPOILED_STRAWBERRIES)
        assert 0 < len(report.words) == len(set(report.words)) <= 32
        assert 0 < len(report.features) <= 24 * 1024
        again = photos.same(report.features, report.features)
        assert again.same
        assert 0 < again.confidence <= 1

    def test_features_that_say_nothing_accuse_nobody(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """Where features are missing it cannot be told whether two pictures are one; what is no photo has none, and no words."""
        features = photos.inspect(spoiled_photo, SPOILED_STRAWBERRIES).features
        assert photos.same(b"", features).same is None
        assert photos.same(features, b"").same is None
        for name, content in NOT_PHOTOS.items():
            report = photos.inspect(content, SPOILED_STRAWBERRIES)
            assert (report.features, report.words) == (b"", ()), name

    def test_no_estimate_speaks_against_a_buyer(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """Verification never fails a claim; checks are named ``vision.*`` and confidences lie in [0, 1]."""
        for content in (spoiled_photo, *NOT_PHOTOS.values()):
            for finding in photos.inspect(content, SPOILED_STRAWBERRIES).findings:
                assert finding.verdict is not Verdict.FAIL
                assert finding.check.startswith("vision.")
                assert 0 <= finding.confidence <= 1

    def test_the_figures_are_sorted_by_name(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """A finding's figures come sorted, as they are stored and compared."""
        for finding in photos.inspect(spoiled_photo, SPOILED_STRAWBERRIES).findings:
            assert list(finding.data) == sorted(finding.data)

    def test_the_same_photo_gets_the_same_report(self, photos: PhotoVerifier, spoiled_photo: bytes) -> None:
        """Reports do not depend on what came before, nor on what other threads look at."""
        first = photos.inspect(spoiled_photo, SPOILED_STRAWBERRIES)
        contents = [spoiled_photo, NOT_PHOTOS["web_page"]] * 4
        with ThreadPoolExecutor(4) as threads:
            reports = list(threads.map(lambda content: photos.inspect(content, SPOILED_STRAWBERRIES), contents))
        assert reports[::2] == [first] * 4
        assert len(set(map(repr, reports[1::2]))) == 1
