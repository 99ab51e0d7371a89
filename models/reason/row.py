"""The texts that the reader is trained and measured on."""

from __future__ import annotations

import csv
import random
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from plugins.text_reason.feature import patterns
from plugins.text_reason.prepare import prepare

HERE = Path(__file__).parent
CLAIMS = HERE.parents[1] / "tests" / "data" / "reason" / "claims.csv"
REASONS: tuple[str, ...] = tuple(dict.fromkeys(reason for reason, _ in patterns()))
OTHER = "changed_mind_or_other"
#: What the intents of the English requests say about a reason; of those not named, some serve as "other".
INTENTS = {
    "complaint": "service_attitude",
    "get_refund": "service_attitude",
    "track_refund": "service_attitude",
    "check_invoice": "service_attitude",
    "get_invoice": "service_attitude",
    "contact_customer_service": "service_attitude",
    "contact_human_agent": "service_attitude",
    "track_order": "late_or_lost_delivery",
    "delivery_period": "late_or_lost_delivery",
    "delivery_options": "late_or_lost_delivery",
}
MOST_REQUESTS = 600
SEED = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text, prepared. ``secondary`` is a second reason, "" for none; ``weight`` is its say in training."""

    text: str
    label: int
    secondary: int | None = None
    weight: float = 1.0


def reviews(data: Path, language: str) -> list[Row]:
    """The labelled reviews of a language (``zh``, ``en``)."""
    return [_row(r) for r in _table(data / "text" / f"{language}_refund_reason.csv")]


def claims(language: str) -> list[Row]:
    """Our own short sentences as buyers write them into a form; for measuring alone."""
    return [_row(r) for r in _table(CLAIMS) if r["lang"] == language]


def unlabelled(data: Path, apart_from: Iterable[Row]) -> list[str]:
    """The unlabelled Chinese reviews, prepared, without any that is labelled."""
    known = {row.text for row in apart_from}
    texts = (prepare(r["text"]) for r in _table(data / "text" / "zh_reviews_unlabelled.csv"))
    return [text for text in texts if text not in known]


def requests(data: Path, weight: float) -> list[Row]:
    """Some of the English requests, those of intents that say a reason and a few of the others."""
    dice = random.Random(SEED)  # noqa: S311  # a choice to be made again, not a secret
    found = [
        Row(prepare(r["utterance"]), REASONS.index(INTENTS.get(r["intent"], OTHER)), weight=weight)
        for r in _table(data / "text" / "bitext" / "train.csv")
        if r["intent"] in INTENTS or dice.random() < 0.15
    ]
    return dice.sample(found, MOST_REQUESTS)


def phrases(language: str, weight: float, each: int = 3) -> list[Row]:
    """Our own sentences for training, each with a place in it filled ``each`` times."""
    tables = tomllib.loads((HERE / "phrases.toml").read_text(encoding="utf-8"))
    fill, dice = tables["fill"], random.Random(SEED)  # noqa: S311  # as above
    found = []
    for reason, sentences in tables[language].items():
        for sentence in sentences:
            for _ in range(each if "{" in sentence else 1):
                text = sentence.format(goods=dice.choice(fill[language]), n=dice.choice(fill[f"{language}_numbers"]))
                found.append(Row(prepare(text), REASONS.index(reason), weight=weight))
    return found


def _row(cells: dict[str, str]) -> Row:
    secondary = cells["secondary"]
    return Row(prepare(cells["text"]), REASONS.index(cells["label"]), REASONS.index(secondary) if secondary else None)


def _table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as rows:
        return list(csv.DictReader(rows))
