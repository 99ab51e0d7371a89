"""``python -m models.reason.measure``: how well reasons are read, beside plain answers. Prints what the card says, and more.

The weights as they are stored are asked about our own short claims; what the reviews say comes from cross-validation, trained anew.
``--licence`` asks what leaving licence groups out costs: trained on the rest, tested on all labelled Chinese reviews.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

from models.reason.head import learn
from models.reason.row import HERE, REASONS, Row, claims, reviews
from models.reason.score import answers, by_keywords, by_majority, scored
from models.reason.train import ROWS, Tongue, crossed, tongue
from plugins.text_reason.reader import Reader

EVERYTHING = frozenset({"stated", "own_phone", "web"})


def main(argv: list[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m models.reason.measure", description="How well reasons are read.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the data's folder")
    parser.add_argument("--licence", help="only this: what training on these licence groups alone would give")
    parser.add_argument("--repeats", type=int, default=5, help="times of cross-validation (default: 5)")
    args = parser.parse_args(argv)
    warnings.filterwarnings("ignore", message="The least populated class")
    if args.licence:
        _without(args.data, frozenset(args.licence.split(",")))
        return 0
    for language in ROWS:
        for what, rows in (("reviews", reviews(args.data, language)), ("own claims", claims(language))):
            print(f"\n{language}, {len(rows)} {what}")
            print(f"  majority          {scored(rows, by_majority(rows))}")
            print(f"  keywords          {scored(rows, by_keywords(rows))}")
            if what == "own claims":
                print(f"  the weights       {scored(rows, answers(HERE, rows))}")
        _crossed(args.data, language, args.repeats)
    _speed()
    return 0


def _crossed(data: Path, language: str, repeats: int) -> None:
    of = tongue(data, language, EVERYTHING)
    found = crossed(of, repeats)
    print(f"\n{language}, reviews, trained anew {repeats} x 5 times, each text answered by a model that has not seen it")
    for score in found.scores:
        print(f"  cross-validated   {score}")
    sure = f"of the {found.sure_share:.0%} above {found.threshold:.2f}, {found.sure_right:.0%} right"
    print(f"  calibration error {found.error:.3f}; {sure}")
    for number, reason in enumerate(REASONS):
        told, right, there = _counts(of.reviews, found.answers, number)
        print(f"  {reason:32} {there:3} texts, told {told:3} times, {right:3} right")


def _counts(rows: list[Row], told: list[int], reason: int) -> tuple[int, int, int]:
    right = sum(row.label == answer == reason for row, answer in zip(rows, told, strict=True))
    return told.count(reason), right, sum(row.label == reason for row in rows)


def _without(data: Path, licences: frozenset[str]) -> None:
    of = tongue(data, "zh", licences)
    learnt = learn(of.space, of.reviews + of.beside)
    seen = "all of them trained on" if of.reviews else "none of them trained on"
    print(f"trained on {', '.join(sorted(licences))} and our own sentences")
    for what, rows in ((f"reviews ({seen})", reviews(data, "zh")), ("own claims", claims("zh"))):
        print(f"  zh, {what}: {scored(rows, _told(of, learnt, rows))}")


def _told(of: Tongue, learnt: Any, rows: list[Row]) -> list[int]:
    texts = [row.text for row in rows]
    return [int(a) for a in of.mixed(texts, learnt.decision_function(of.space.features(texts))).argmax(1)]


def _speed() -> None:
    reader = Reader(HERE)
    reader.read("读入", "zh-CN")
    texts = [row.text for row in claims("zh")] + ["".join(row.text for row in claims("zh")) * 9]
    took = []
    for text in texts:
        begun = time.perf_counter()
        reader.read(text, "zh-CN")
        took.append(1000 * (time.perf_counter() - begun))
    middle = sorted(took[:-1])[len(took) // 2]
    print(f"\na short text takes {middle:.2f} ms, one of {len(texts[-1]):,} characters {took[-1]:.2f} ms")


if __name__ == "__main__":
    raise SystemExit(main())
