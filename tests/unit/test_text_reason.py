import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from aftersales.complaint import Complaint
from models.reason.row import Row, claims, phrases
from plugins.text_reason.feature import hashes, hits, patterns
from plugins.text_reason.prepare import HEAD, TAIL, english_share, prepare
from plugins.text_reason.reader import MODEL, Reader

REASONS = [str(c) for c in Complaint]


def right(rows: list[Row], answers: Iterable[str]) -> float:
    """The share that is the label."""
    names = list(dict.fromkeys(reason for reason, _ in patterns()))
    return sum(names[row.label] == answer for row, answer in zip(rows, answers, strict=True)) / len(rows)


def by_keywords(rows: list[Row]) -> list[str]:
    """The complaint with most of our patterns met."""
    owner = [reason for reason, _ in patterns()]
    met = [[owner[hit] for hit in hits(row.text)] for row in rows]
    return [max(set(m), key=m.count) if m else "changed_mind_or_other" for m in met]


@pytest.mark.parametrize(("language", "least"), [("zh", 0.85), ("en", 0.88)])
def test_short_claims_are_read_better_than_by_keywords(language: str, least: float) -> None:
    """Of sentences as buyers write them into a form, more are read right than by the patterns alone, in both languages."""
    rows, reader = claims(language), Reader(MODEL)
    read = right(rows, (reader.read(row.text, "zh-CN").reason for row in rows))
    assert read >= least
    assert read > right(rows, by_keywords(rows)) + 0.05


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_sure_reading_is_seldom_wrong(language: str) -> None:
    """What is called sure is right nine times in ten, and most claims are read surely."""
    rows, reader = claims(language), Reader(MODEL)
    read = [(row, reader.read(row.text, "zh-CN")) for row in rows]
    sure = [(row, reading) for row, reading in read if reading.sure]
    assert right([row for row, _ in sure], [reading.reason for _, reading in sure]) >= 0.9
    assert len(sure) >= len(read) / 2


def test_no_claim_that_is_measured_on_was_learnt_from() -> None:
    """The sentences for training and those for measuring share none."""
    for language in ("zh", "en"):
        learnt = {row.text for row in phrases(language, 1.0, each=50)}
        assert not learnt & {row.text for row in claims(language)}


def test_every_complaint_has_patterns_and_claims() -> None:
    """All ten are known in both languages, and measured."""
    assert sorted({reason for reason, _ in patterns()}) == sorted(REASONS)
    with (Path(__file__).parents[1] / "data" / "reason" / "claims.csv").open(encoding="utf-8", newline="") as lines:
        seen = {(row["lang"], row["label"]) for row in csv.DictReader(lines)}
    assert seen == {(language, reason) for language in ("zh", "en") for reason in REASONS}


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        pytest.param("爛了！！！！！", "烂了!!", id="traditional, repeated"),
        pytest.param("ＲＯＴＴＥＮ　Apples", "rotten apples", id="wide and large letters"),
        pytest.param("少了3个，订单 13800138000", "少了0个,订单 0", id="numbers"),
        pytest.param("a\x00b\u200bc\u202e", "a b c", id="what cannot be seen"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_texts_that_say_the_same_become_the_same(text: str, prepared: str) -> None:
    """Width, case, script, numbers and repetition make no difference."""
    assert prepare(text) == prepared


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    """A bounded part is read, whatever the length."""
    text = "烂了" + "，很好" * 50_000 + "要退款"
    assert len(prepare(text)) == HEAD + TAIL + 1
    assert prepare(text).startswith("烂了")
    assert prepare(text).endswith("要退款")


@pytest.mark.parametrize(
    ("text", "share"),
    [("苹果烂了", 0.0), ("rotten apples", 1.0), ("iphone手机坏了开不了机", 0.0), ("123 !", None), ("这些苹果 arrived rotten", 0.5)],
)
def test_languages_are_weighed(text: str, share: float | None) -> None:
    """A brand's name makes no Chinese text English; a text of both is both; one without letters is neither."""
    assert english_share(prepare(text)) == pytest.approx(share, abs=0.1) if share is not None else english_share(text) is None


def test_pieces_are_numbers_that_do_not_depend_on_the_process() -> None:
    """The hash of a piece is the same everywhere: weights learnt here fit there."""
    assert hashes("烂") == [1089746611]
    assert len(hashes("烂了 rot")) == len(("烂", "了", "烂了", "word rot", "stem rot", "pair of nothing and rot"))
