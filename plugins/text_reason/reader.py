"""The reader: a text in, one of ten complaints out, with how sure it is."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from aftersales.complaint import Complaint, Reading
from aftersales.errors import BadPlugin
from plugins.text_reason.feature import WORDS, hashes, hits
from plugins.text_reason.prepare import english_share, prepare
from plugins.text_reason.weights import Head, read_heads

#: Where the weights are that come along: beside the plugins, in the checkout as in a bundle.
MODEL = Path(__file__).resolve().parents[2] / "models" / "reason"
#: A second complaint is told from here on.
SECOND = 0.2
#: What an answer is worth that nothing in the text speaks for: one of ten.
CHANCE = 0.1


@dataclass(frozen=True, slots=True)
class Short:
    """The head for what is written into a form; its say grows as a text gets shorter than ``below`` characters, up to ``most``."""

    head: Head
    below: int
    step: int
    most: float

    def say(self, length: int) -> float:
        """Its say, in [0, most]."""
        return min(max((self.below - length) / self.step, 0.0), self.most)


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language's head, one for short texts if it has such, and its limits as the card has them."""

    head: Head
    temperature: float
    threshold: float
    short: Short | None = None

    def knows(self, found: list[int]) -> bool:
        """Whether any of these hashed pieces was ever learnt from."""
        return self.head.knows(found) or (self.short is not None and self.short.head.knows(found))

    def scores(self, length: int, found: list[int], met: list[int]) -> list[float]:
        """One score per reason, for a text of ``length`` prepared characters."""
        say = self.short.say(length) if self.short else 0.0
        scores = self.head.scores(found, met)
        if self.short and say:
            scores = [(1 - say) * a + say * b for a, b in zip(scores, self.short.head.scores(found, met), strict=True)]
        return [score / self.temperature for score in scores]


class Reader:
    """Reads with the weights in ``folder``. Safe for threads; holds nothing of a text."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._loaded: tuple[Sequence[Complaint], Mapping[str, Tongue]] | None = None

    def read(self, text: str, locale: str) -> Reading:
        """What the text is about; ``OTHER`` and not sure where it says nothing."""
        prepared = prepare(text)
        english = english_share(prepared)
        if english is None:
            return Reading(Complaint.OTHER, CHANCE, None, "en" if locale.startswith("en") else "zh-CN", sure=False)
        reasons, tongues = self._model()
        found, met = hashes(prepared), hits(prepared)
        parts = [(share, tongues[name]) for name, share in (("zh", 1 - english), ("en", english)) if share]
        language = "en" if english > 0.5 else "zh-CN"
        if not met and not any(tongue.knows(found) for _, tongue in parts):
            return Reading(Complaint.OTHER, CHANCE, None, language, sure=False)
        scores = [0.0] * len(reasons)
        for share, tongue in parts:
            for number, score in enumerate(tongue.scores(len(prepared), found, met)):
                scores[number] += share * score
        threshold = sum(share * tongue.threshold for share, tongue in parts)
        return _reading(reasons, _softmax(scores), threshold, language)

    def _model(self) -> tuple[Sequence[Complaint], Mapping[str, Tongue]]:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _load(self._folder)
        return self._loaded


def _reading(reasons: Sequence[Complaint], shares: Sequence[float], threshold: float, language: str) -> Reading:
    order = sorted(range(len(shares)), key=shares.__getitem__, reverse=True)
    first, second = order[0], order[1]
    told = reasons[second] if shares[second] >= SECOND else None
    return Reading(reasons[first], round(shares[first], 3), told, language, sure=shares[first] >= threshold)


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    raised = [math.exp(score - top) for score in scores]
    whole = sum(raised)
    return [one / whole for one in raised]


def _load(folder: Path) -> tuple[Sequence[Complaint], Mapping[str, Tongue]]:
    """The weights, checked against their card. Raises BadPlugin when they are not those the card tells of."""
    try:
        card: dict[str, Any] = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8"))
        content = (folder / card["file"]["name"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != card["file"]["sha256"]:
            raise BadPlugin(f"{card['file']['name']} is not the file that its card tells of.", todo="Train again, or restore it.")
        if hashlib.sha256(WORDS.read_bytes()).hexdigest() != card["shape"]["words_sha256"]:
            raise BadPlugin("The patterns were changed after the weights were learnt.", todo="Run python -m models.reason.train.")
        heads = {head.language: head for head in read_heads(folder / card["file"]["name"])}
        return tuple(Complaint(reason) for reason in card["shape"]["reasons"]), {n: _tongue(n, card, heads) for n in ("zh", "en")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadPlugin(f"The weights in {folder.name} cannot be read: {error!r}", todo="See models/reason/README.md.") from error


def _tongue(name: str, card: Mapping[str, Any], heads: Mapping[str, Head]) -> Tongue:
    limits, said = card["heads"][name], card.get("short", {}).get(name)
    short = Short(heads[said["head"]], said["below"], said["step"], said["most"]) if said else None
    return Tongue(heads[name], limits["temperature"], limits["threshold"], short)
