"""One claim on photos, from a file: what is asked, what the photos show, what the fresh trade and the shop's limits make of it.

Nothing here decides by itself: the findings are those of the vision plugin, the rules those of :mod:`verticals.fresh`, the
thresholds those every shop starts with. The order behind the claim is made up around what the file tells: signed for two hours
before, one line with the pieces that were ordered.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aftersales.case import Item, Kind
from aftersales.decision import Decision, Finding, Outcome, Verdict
from aftersales.errors import Invalid
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState
from aftersales.ledger import Ledger
from aftersales.order import Buyer, Line, Order, OrderStatus, Payment
from aftersales.photo import PhotoQuestion
from aftersales.rules import decide
from aftersales.shown import Shown, together, views_of
from aftersales.vertical import Facts, Merchant
from verticals.fresh import VERTICAL
from verticals.fresh.rules import ordered_pieces

MOST_PHOTOS = 20  # as many as a case takes
PRICE_MINOR = 100  # of one piece: small enough that no shop's limit for amounts plays a part, up to 50 pieces
MOST_PIECES = 10_000

#: What may be claimed, in callers' words and buyers', and the trade's reason for it; the first that fits.
REASONS = {
    "wrong_goods": r"漏发|发错|错发|少发|(?<![a-z])(?:wrong|missing)",
    "spoiled": r"[腐烂坏霉臭]|变质|(?<![a-z])(?:spoil|rott|mou?ld|bad(?![a-z]))",
    "damaged": r"[破碎裂压漏冻]|(?<![a-z])(?:damage|broken|crack|crush|leak|bruis)",
    "short_weight": r"缺斤|少了|不够|(?<![a-z])(?:short|quantity|weight)",
}
#: Half of a pair of code units: JSON can write it, and no file and no terminal can hold it.
_HALF = re.compile(r"[\ud800-\udfff]")
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九十")} | {"两": 2}
_COUNT = r"(\d{1,4}|[一二两三四五六七八九十]{1,2})"
_BAD = "(?:腐烂|烂|坏|霉|发霉|破|碎|裂|压)"
_TOLD = (
    re.compile(_BAD + r"\S{0,2}?" + _COUNT + r"\s*[个只颗枚粒根条盒]"),
    re.compile(_COUNT + r"\s*[个只颗枚粒根条盒]\S{0,4}?" + _BAD),
    re.compile(
        r"\b(\d{1,4})\b(?: of (?:the |them|\d+)?)?(?:\s+\w+){0,3}?\s+(?:rotten|bad|spoil\w+|mou?ldy|broken|cracked|damaged)\b",
        re.IGNORECASE,
    ),
)


@dataclass(frozen=True, slots=True)
class PhotoClaim:
    """A claim as its file tells it. ``photos`` are paths; ``pieces`` is 0 when it is not told."""

    claim_id: str
    name_zh: str
    name_en: str
    pieces: int
    text: str
    reason: str
    photos: tuple[Path, ...]

    @property
    def question(self) -> PhotoQuestion:
        """What is asked about each of its photos."""
        title = " ".join(n for n in (self.name_zh, self.name_en) if n)
        return PhotoQuestion(title, "", VERTICAL.name, self.reason, self.pieces, (("title", title),) if title else ())


def read(file: Path) -> PhotoClaim:
    """The claim in a file. Raises Invalid, naming the field, for anything that is not of the form."""
    try:
        given = json.loads(file.read_text(encoding="utf-8-sig"))  # some editors begin every file with a mark
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid(f"{file} cannot be read as JSON: {error}", todo="Give a file with one claim.") from error
    if not isinstance(given, dict):
        raise Invalid("A claim is a JSON object.", found=type(given).__name__)
    ordered = given.get("ordered")
    if not isinstance(ordered, dict):
        example = {"name_zh": "草莓", "name_en": "strawberries", "pieces": 5}
        raise Invalid("A claim names what was ordered.", found=ordered, expected=example)
    photos = given.get("photos")
    if not isinstance(photos, list) or not all(isinstance(p, str) for p in photos) or len(photos) > MOST_PHOTOS:
        raise Invalid(f"photos is a list of at most {MOST_PHOTOS} paths.", found=photos)
    pieces = ordered.get("pieces") or 0
    if not isinstance(pieces, int) or isinstance(pieces, bool) or not 0 <= pieces <= MOST_PIECES:
        raise Invalid(f"ordered.pieces is a whole number up to {MOST_PIECES}, or left out.", found=pieces)
    text = _text(given, "claim_text")
    return PhotoClaim(
        claim_id=_text(given, "claim_id", needed=True),
        name_zh=_text(ordered, "name_zh"),
        name_en=_text(ordered, "name_en"),
        pieces=pieces,
        text=text,
        reason=reason_of(_text(given, "claimed_reason") or text),
        photos=tuple(_path(file, p) for p in photos),
    )


def _text(given: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    value = given.get(name)
    if isinstance(value, str) and (value.strip() or not needed) and not _HALF.search(value):
        return value.strip()
    if value is None and not needed:
        return ""
    raise Invalid(f"{name} is a text.", found=value)


def _path(file: Path, name: str) -> Path:
    """Where a photo lies: beside the claim's file, else as named. What cannot be a name is a file that is not there."""
    named = Path(name)
    if named.is_absolute():
        return named
    with contextlib.suppress(OSError, ValueError):
        beside = file.parent / named
        return beside if beside.exists() else named
    return named


def reason_of(words: str) -> str:
    """The trade's reason in a caller's word or a buyer's sentence; spoiled where nothing is told."""
    found = (reason for reason, marks in REASONS.items() if re.search(marks, words, re.IGNORECASE))
    return next(found, "not_as_described" if words else "spoiled")


def told_pieces(text: str) -> int:
    """How many bad pieces the buyer's words speak of; 0 where they give no number."""
    for pattern in _TOLD:
        found = pattern.search(text)
        if found:
            return _number(found.group(1))
    return 0


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    if len(text) == 1:
        return _DIGITS[text]
    if text.startswith("十"):  # 十二
        return 10 + _DIGITS[text[1]]
    return 10 * _DIGITS[text[0]] if text.endswith("十") else _DIGITS[text[-1]]  # 二十, else read loosely


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a claim: what its photos show together, what is proposed, and every finding behind it."""

    decision: str  # approve, approve_partial, reject, ask_more, manual_review
    reason: str
    shown: Shown
    findings: tuple[Finding, ...]


def judge(claim: PhotoClaim, photos: Sequence[tuple[Finding, ...]]) -> Judged:
    """Judge a claim by the findings on each of its photos; copies of one photo are given once."""
    evidence = tuple(
        Evidence(f"e{n}", EvidenceKind.PHOTO, "", "image/jpeg", EvidenceState.VERIFIED, "buyer", NOW, findings=found)
        for n, found in enumerate(photos, 1)
    )
    facts = _facts(claim, evidence)
    shown = together(views_of(evidence), ordered_pieces(facts))
    facts = replace(facts, items=(_item(claim, facts, shown),))
    offer = VERTICAL.offer(Kind.CLAIM)
    assert offer is not None
    findings = tuple(rule(facts) for rule in (*offer.when, *offer.rules)) + facts.findings
    if not any(e.usable for e in evidence):
        findings += (Finding("evidence.photo", Verdict.MISSING, "requires.photo", data=(("at_least", 1),)),)
    decision = decide(facts, findings, offer.amount(facts).amount)
    return Judged(_word(decision, shown), decision.reason, shown, findings)


def _word(decision: Decision, shown: Shown) -> str:
    if decision.outcome is Outcome.APPROVE:
        return "approve" if shown.share and shown.share[0] >= 1 else "approve_partial"
    return {
        Outcome.REJECT: "reject",
        Outcome.ASK_EVIDENCE: "ask_more",
        Outcome.PERSON: "manual_review",
        Outcome.TWO_PERSONS: "manual_review",
    }[decision.outcome]


def _item(claim: PhotoClaim, facts: Facts, shown: Shown) -> Item:
    """What is claimed: the pieces that the words name, else what the photos show for certain."""
    told, ordered = told_pieces(claim.text), facts.lines[0].pieces
    if told:
        return Item("l1", min(told, ordered))
    low = shown.share[0] if shown.share else 1.0
    return Item("l1", ordered, max(1, min(100, int(100 * low))))


NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)


def _facts(claim: PhotoClaim, evidence: tuple[Evidence, ...]) -> Facts:
    pieces = claim.pieces or 1
    paid = NOW - timedelta(days=2)
    line = Line("l1", "SKU", claim.question.title, VERTICAL.name, PRICE_MINOR, pieces)
    order = Order(
        order_id="claim",
        merchant="shop",
        buyer=Buyer("buyer", ""),
        currency="CNY",
        status=OrderStatus.SIGNED,
        lines=(line,),
        payments=(Payment("p1", "balance", "t1", pieces * PRICE_MINOR, paid),),
        paid_at=paid,
        shipped_at=paid,
        signed_at=NOW - timedelta(hours=2),
    )
    merchant = Merchant("shop", ZoneInfo("Asia/Shanghai"), two_persons_above_minor=MOST_PIECES * PRICE_MINOR)
    return Facts(order, Ledger.open(order), merchant, Kind.CLAIM, (Item("l1", pieces),), NOW, claim.reason, evidence=evidence)
