"""Product: what is on the photo, and whether it is what was ordered. Yes and no are said only where the model has earned it.

The names of goods are in ``products.toml``, the thresholds in the model's card. Produce is matched by kind (an apple is an apple),
a package by its product where the title names one. What looks alike never accuses: "no" needs the ordered kind *and* all that
looks like it to be improbable. Goods that the model does not know are compared with the seller's picture, or left open.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aftersales.decision import Finding, Source, Verdict
from aftersales.photo import PhotoQuestion
from plugins.vision.session import card, session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL = "goods"
#: The model's class for a photo that shows nothing it has a name for.
NONE = "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """Goods that count as one: the model's classes, and the kinds that look like it."""

    name: str
    classes: tuple[str, ...]
    like: tuple[str, ...]
    package: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model sees: how probable each product and each scene is, whether a parcel is damaged, and a mark to compare by."""

    products: Mapping[str, float]
    scenes: Mapping[str, float]
    damaged: float
    mark: tuple[float, ...]

    def of(self, classes: Iterable[str]) -> float:
        """How probable it is that one of these products is seen, in [0, 1]."""
        return min(1.0, sum(self.products.get(name, 0.0) for name in classes))

    def alike(self, other: Seen) -> float:
        """How alike two photos' goods are, in [-1, 1]."""
        return sum(a * b for a, b in zip(self.mark, other.mark, strict=True))

    @property
    def kind(self) -> str:
        """The likeliest kind of goods; "none" for nothing that has a name."""
        best = max(kinds().values(), key=lambda kind: self.of(kind.classes))
        return best.name if self.of(best.classes) > self.products.get(NONE, 0.0) else NONE


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a title means: the kinds it names, and the model's classes of which one would be right. Both empty: unknown goods."""

    kinds: tuple[str, ...]
    classes: tuple[str, ...]


class Recogniser:
    """Looks at photos with the model; holds nothing of them."""

    def see(self, rgb: NDArray[np.uint8]) -> Seen:
        """What is on a picture, (H, W, 3) uint8 RGB, upright."""
        import cv2
        import numpy as np

        about = card(MODEL)
        side = int(about["side"])
        small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        mark, products, scenes, damaged = session(MODEL).run(
            ["mark", "products", "scenes", "damaged"], {"rgb": np.ascontiguousarray(small.transpose(2, 0, 1)[None])}
        )
        warm = about["temperature"]
        return Seen(
            shares(about["products"], products[0] / warm["products"]),
            shares(about["scenes"], scenes[0] / warm["scenes"]),
            float(1 / (1 + np.exp(-damaged[0, 0]))),
            tuple(float(value) for value in mark[0]),
        )


def judge(seen: Seen, question: PhotoQuestion, catalogue: Callable[[], Seen | None] = lambda: None) -> tuple[Finding, ...]:
    """``vision.product``, and ``vision.parcel`` where a parcel is seen.

    ``catalogue`` looks at the seller's picture, None where there is none; it is called where it can change the answer.
    """
    asked = ordered(question.title)
    found = _product(seen, asked, None)
    if found.reason in ("vision.product_unclear", "vision.product_other"):
        found = _product(seen, asked, catalogue())
    return (found, *parcel(seen))


@dataclass(frozen=True, slots=True)
class Weighed:
    """What speaks for each answer, each in [0, 1]: the ordered goods; they or what looks like them; other goods; no goods at all.

    ``package``: the ordered goods are told from others of their kind by their print alone.
    """

    right: float
    near: float
    other: float
    nothing: float
    package: bool = False


def weigh(seen: Seen, asked: Ordered) -> Weighed:
    """How much speaks for each answer, the goods ordered being known ones."""
    around = {name for kind in asked.kinds for name in (kind, *kinds()[kind].like)}
    near = seen.of(name for kind in around for name in kinds()[kind].classes)
    nothing = min(seen.products[NONE], seen.scenes["thing"] + seen.scenes["other"])  # a label or a parcel is evidence, too
    package = any(kinds()[kind].package for kind in asked.kinds)
    return Weighed(seen.of(asked.classes), near, max(0.0, 1 - near - seen.products[NONE]), nothing, package)


def answer(weighed: Weighed, limits: Mapping[str, float]) -> tuple[str, str, float]:
    """(yes, no or unclear; the reason; how sure) within the card's limits."""
    if weighed.right >= limits["yes_package" if weighed.package else "yes"]:
        return "yes", "product_seen", weighed.right
    if weighed.near <= limits["near"] and weighed.nothing >= limits["nothing"]:
        return "no", "not_a_product", weighed.nothing
    if weighed.near <= limits["near"] and weighed.other >= limits["other"]:
        return "no", "product_other", weighed.other
    return "unclear", "product_unclear", max(weighed.right, weighed.other)


def _product(seen: Seen, asked: Ordered, catalogue: Seen | None) -> Finding:
    limits = card(MODEL)["thresholds"]
    match, reason, sure = answer(weigh(seen, asked), limits) if asked.classes else ("unclear", "product_unclear", 0.0)
    if reason != "product_seen" and catalogue is not None and seen.alike(catalogue) >= limits["alike"]:
        return _told("yes", "product_seen", seen.alike(catalogue), seen)
    if asked.classes:
        return _told(match, reason, sure, seen)
    nothing = min(seen.products[NONE], seen.scenes["other"])  # of goods unknown here, a thing may be what was ordered
    if nothing >= limits["nothing_unknown"]:
        return _told("no", "not_a_product", nothing, seen)
    return _told("unclear", "product_unclear", 0.0, seen)


def _told(match: str, reason: str, sure: float, seen: Seen) -> Finding:
    verdict = {"product_seen": Verdict.PASS, "not_a_product": Verdict.MISSING}.get(reason, Verdict.UNSURE)
    sure = round(min(1.0, max(0.0, sure)), 3)
    data = (("match", match), ("score", sure), ("seen", seen.kind))
    return Finding("vision.product", verdict, f"vision.{reason}", Source.MODEL, sure, data)


def parcel(seen: Seen) -> tuple[Finding, ...]:
    """``vision.parcel`` where a parcel is seen and the model is sure enough whether it is damaged."""
    limits = card(MODEL)["thresholds"]
    if seen.scenes["parcel"] < limits["parcel"] or limits["intact"] < seen.damaged < limits["damaged"]:
        return ()
    damaged = seen.damaged >= limits["damaged"]
    sure = round(seen.damaged if damaged else 1 - seen.damaged, 3)
    reason = "vision.parcel_damaged" if damaged else "vision.parcel_intact"
    return (Finding("vision.parcel", Verdict.PASS, reason, Source.MODEL, sure, (("damaged", damaged), ("score", sure))),)


def shares(names: Iterable[str], logits: NDArray[np.float32]) -> dict[str, float]:
    """Logits as probabilities by name."""
    import numpy as np

    raised = np.exp(logits - logits.max())
    return {name: float(share) for name, share in zip(names, raised / raised.sum(), strict=True)}


# --- names ------------------------------------------------------------------------------------------------------------
@cache
def _names() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("products.toml").read_text(encoding="utf-8"))


@cache
def kinds() -> Mapping[str, Kind]:
    """The kinds of goods by name."""
    rows = _names()["kind"]
    like = {row["name"]: set(row["like"]) for row in rows}
    for name, others in list(like.items()):
        for other in others:  # what looks like something is looked like by it
            like[other] = like[other] | {name}
    return {
        row["name"]: Kind(row["name"], tuple(row["classes"]), tuple(sorted(like[row["name"]])), row.get("package", False))
        for row in rows
    }


@cache
def _meanings() -> Mapping[str, Ordered | None]:
    """Name → what it means, None for goods that the model does not know. English names are words with a space on either side."""
    found: dict[str, Ordered | None] = {}
    for row in _names()["kind"]:
        kind = kinds()[row["name"]]
        for name in row["classes"]:
            found[_english(name)] = Ordered((kind.name,), (name,) if kind.package else kind.classes)
        for name in [*row["zh"], *map(_english, row["en"])]:
            found[name] = Ordered((kind.name,), kind.classes)
    unknown = _names()["unknown"]
    return found | dict.fromkeys((*unknown["zh"], *map(_english, unknown["en"])))


@cache
def _pattern() -> re.Pattern[str]:
    """Any name, the longest first."""
    return re.compile("|".join(re.escape(name) for name in sorted(_meanings(), key=len, reverse=True)))


def ordered(title: str) -> Ordered:
    """What a title asks for, Chinese, English or both. A fruit's jam, taste, seed or phone is not the fruit: unknown."""
    unknown = _names()["unknown"]
    text = _spaced(title)
    anywhere = (*unknown["zh_anywhere"], *map(_english, unknown["en_anywhere"]))
    if any(word in text for word in anywhere):
        return Ordered((), ())
    after_zh, after_en = tuple(unknown["after_zh"]), tuple(map(_english, unknown["after_en"]))
    named: dict[str, tuple[str, ...]] = {}
    at = 0
    while match := _pattern().search(text, at):
        meaning = _meanings()[match.group()]
        english = match.group().endswith(" ")
        at = match.end() - english  # one space ends a word and begins the next
        if text.startswith(after_en if english else after_zh, at):
            return Ordered((), ())
        if meaning is not None:
            # Named by its product in one language and at large in the other: the product counts.
            named |= {kind: min(named.get(kind, meaning.classes), meaning.classes, key=len) for kind in meaning.kinds}
    return Ordered(tuple(named), tuple(name for classes in named.values() for name in classes))


def _spaced(title: str) -> str:
    """Lower case; whatever is no letter, digit or Chinese becomes a space; a plural "s" goes; Chinese stands apart from English."""
    words = re.findall(r"[a-z0-9]+|[^\W\d_a-z]+", title.lower())
    return " " + " ".join(_singular(word) for word in words) + " "


def _english(name: str) -> str:
    return f" {' '.join(_singular(word) for word in re.findall(r'[a-z0-9]+', name.lower()))} "


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") and word.isascii() else word
