"""``aftersales verify-photo CLAIM.json``: judge the photos of one claim as the system would, from files.

CLAIM is ``{"claim_id", "ordered": {"name_zh", "name_en", "pieces"}, "claim_text", "claimed_reason", "photos": [paths]}``. With
``--memory DIR`` the photos are compared with those of earlier claims, and remembered.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import AftersalesError
from infra.bundle import BOUNDS
from infra.local.photo_claim import Judged, PhotoClaim, judge, read

if TYPE_CHECKING:
    from plugins.vision.memory import Memory
    from plugins.vision.verifier import Look, Verifier

#: What is read of one file; the verifier refuses it long before.
MOST_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo of the claim: what the verifier said, and the earlier claim that used it, if any."""

    path: Path
    look: Look
    earlier: str | None = None
    again: bool = False  # a copy of another photo of this claim

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is known of the photo, its history included."""
        if self.earlier is None:
            return self.look.report.findings
        used = Finding("vision.reused", Verdict.UNSURE, "vision.seen_before", Source.MODEL, 0.99)
        return (*self.look.report.findings, used)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the claim's file, the memory and where overlays are written."""
    parser.add_argument("claim", type=Path, metavar="CLAIM.json", help="the claim and the paths of its photos")
    parser.add_argument("--memory", type=Path, metavar="DIR", help="fingerprints of earlier claims; this claim is added")
    parser.add_argument("--overlays", type=Path, metavar="DIR", help="where the marked copies go (a temporary folder)")
    parser.add_argument("--locale", choices=["zh-CN", "en"], default="en", help="language of the sentences")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print what was found; 2 when the claim's file is not of the form. A broken photo is a finding."""
    for name, value in BOUNDS.items():  # as the function is bound: threads that wait for each other cost more than they save
        os.environ.setdefault(name, value)
    try:
        claim = read(args.claim)
        seen, judged = verify(claim, args.memory)
        found = answer(claim, seen, judged, args.overlays, args.locale)
    except AftersalesError as error:
        problem = {"code": error.code, "detail": error.message, "todo": error.todo, "details": error.details}
    except OSError as error:  # photos that cannot be read are findings: this is a folder that cannot be used
        problem = {
            "code": "invalid",
            "detail": f"{error.filename} cannot be used: {error.strerror}.",
            "todo": "Name another folder.",
        }
    else:
        _print(json.dumps(found, ensure_ascii=False) if args.json else told(found))
        return 0
    if args.json:
        _print(json.dumps(problem, default=str, ensure_ascii=False))
    _print(f"aftersales verify-photo: {problem['detail']} {problem['todo']}".rstrip(), sys.stderr)
    return 2


def _print(text: str, file: TextIO | None = None) -> None:
    """Print; what UTF-8 cannot say, as in a file's name of stray bytes, is escaped, in JSON by its own escapes."""
    print(text.encode("utf-8", "backslashreplace").decode(), file=file)


def verify(claim: PhotoClaim, folder: Path | None = None) -> tuple[list[Seen], Judged]:
    """Look at every photo of the claim, compare each with those of earlier claims, and judge. Remembers the claim's own."""
    from plugins.vision.memory import Memory
    from plugins.vision.verifier import build_verifier

    verifier, memory = build_verifier({}), Memory(folder) if folder else None
    seen: list[Seen] = []
    for path in claim.photos:
        look = _look(verifier, path, claim)
        again = any(verifier.same(s.look.report.features, look.report.features).same for s in seen)
        seen.append(Seen(path, look, _earlier(memory, claim, look), again))
    if memory:
        for number, one in enumerate(seen):
            memory.add(claim.claim_id, number, one.look.report)
    return seen, judge(claim, [s.findings for s in seen if not s.again])


def _look(verifier: Verifier, path: Path, claim: PhotoClaim) -> Look:
    from plugins.vision.video import is_video

    try:
        if not path.is_file():  # a pipe would be waited for
            return verifier.absent()
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return verifier.absent()
    return (verifier.film if is_video(content) else verifier.look)(content, claim.question)


def _earlier(memory: Memory | None, claim: PhotoClaim, look: Look) -> str | None:
    """The earlier claim that used this picture."""
    found = memory.find(look.report, but=claim.claim_id) if memory else None
    return found[0] if found else None


# --- the answer -------------------------------------------------------------------------------------------------------
def answer(claim: PhotoClaim, seen: Sequence[Seen], judged: Judged, overlays: Path | None, locale: str) -> dict[str, Any]:
    """What the command prints, as plain values."""
    sheets = [dict(f.data) for s in seen for f in s.findings if f.check == "vision.label"]
    flags = _flags(seen)
    match = _match(seen)
    flaw = _flaw(seen)
    return {
        "claim_id": claim.claim_id,
        "decision": judged.decision,
        "reason": judged.reason,
        "valid_evidence": _valid(seen, match, flaw, flags),
        "product_match": match,
        "defect_visible": flaw,
        "pieces_visible": _range(judged.shown.pieces),
        "bad_pieces": _range(judged.shown.bad if flaw else None),
        "bad_share_of_order": _range(judged.shown.share),
        "product_label_visible": any(bool(sheet.get("label")) for sheet in sheets),
        "waybill_visible": any(bool(sheet.get("waybill")) for sheet in sheets),
        "duplicate_of": next((s.earlier for s in seen if s.earlier), None),
        "flags": flags,
        "findings": [_finding(s, f, locale) for s in seen for f in s.findings]
        + [_finding(None, f, locale) for f in judged.findings if not f.check.startswith("vision.")],
        "overlay": _overlay(claim, seen, overlays),
        "ms": _times(seen),
    }


def _match(seen: Sequence[Seen]) -> str:
    told = [str(dict(f.data).get("match", "unclear")) for s in seen for f in s.findings if f.check == "vision.product"]
    return next((word for word in ("no", "yes") if word in told and (word == "yes" or "yes" not in told)), "unclear")


def _flaw(seen: Sequence[Seen]) -> bool | None:
    """Whether a flaw is visible: on one photo, on none although each was clear, or not known."""
    told = [f for s in seen for f in s.findings if f.check == "vision.spoilage"]
    if any(f.verdict is Verdict.PASS for f in told):
        return True
    return False if told and all(f.reason == "vision.not_seen" for f in told) else None


def _valid(seen: Sequence[Seen], match: str, flaw: bool | None, flags: list[str]) -> bool | None:
    """Whether the photos are evidence at all: goods that were bought, with a flaw, and nothing odd about them."""
    if not any(_usable(s) for s in seen):
        return False
    return True if match == "yes" and flaw and not flags else None


def _usable(one: Seen) -> bool:
    return not any(f.verdict is Verdict.MISSING for f in one.findings)


def _flags(seen: Sequence[Seen]) -> list[str]:
    """What is odd about the photos, once each: reasons of findings that need a person, but for mere doubt."""
    doubt = {"unsure", "not_seen", "product_unclear", "not_counted"}
    found = (f.reason.removeprefix("vision.") for s in seen for f in s.findings if f.verdict in (Verdict.UNSURE, Verdict.MISSING))
    return list(dict.fromkeys(reason for reason in found if reason not in doubt))


def _range(given: tuple[float, float] | None) -> list[float] | None:
    return None if given is None else [round(x, 3) for x in given]


def _finding(one: Seen | None, finding: Finding, locale: str) -> dict[str, Any]:
    return {
        "photo": str(one.path) if one else None,
        "check": finding.check,
        "verdict": str(finding.verdict),
        "reason": finding.reason,
        "text": _sentence(finding, locale),
        "confidence": round(finding.confidence, 3),
        "data": dict(finding.data),
        "regions": [[list(point) for point in region] for region in finding.regions],
    }


def _sentence(finding: Finding, locale: str) -> str:
    from functions import words
    from verticals.fresh import VERTICAL

    return words.of_finding(VERTICAL, finding, locale)


def _overlay(claim: PhotoClaim, seen: Sequence[Seen], folder: Path | None) -> str | None:
    """The first marked copy, written as a JPEG; the others lie beside it. None when there is nothing to mark."""
    marked = [s.look.report.overlay for s in seen]
    if not any(marked):
        return None
    folder = folder or Path(tempfile.gettempdir()) / f"aftersales-overlays-{getpass.getuser()}"
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]", "_", claim.claim_id)[:60] + "-" + hashlib.sha256(claim.claim_id.encode()).hexdigest()[:8]
    written = []
    for number, picture in enumerate(marked, 1):
        if picture:
            file = folder / f"{name}-{number}.jpg"
            file.write_bytes(picture)
            written.append(str(file))
    return written[0]


def _times(seen: Sequence[Seen]) -> dict[str, float]:
    """Milliseconds per phase, all photos together."""
    phases: dict[str, float] = {}
    for one in seen:
        for phase, ms in one.look.ms.items():
            phases[phase] = round(phases.get(phase, 0.0) + ms, 2)
    return phases


def told(found: dict[str, Any]) -> str:
    """The answer for a person."""
    apart = {"claim_id", "decision", "reason", "findings", "ms"}  # said elsewhere, or of no use to a reader
    head = [
        f"{found['claim_id']}: {found['decision'].upper()}",
        *(f"  {name.replace('_', ' '):24}{value}" for name, value in found.items() if name not in apart and value is not None),
    ]
    rows = [f"  {f['check']:22}{f['verdict']:9}{f['confidence']:.2f}  {f['text']}" for f in found["findings"]]
    return "\n".join((*head, *rows))
