"""The rules in force can be read, in the reader's language; those of a case stay as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aftersales.change import verify_chain
from aftersales.query import StepsOf
from aftersales.testing.builders import a_line, an_order
from aftersales.text import text, texts_of
from functions import http
from tests.mall import Mall

ROOT = Path(__file__).parents[2]


def rules(mall: Mall, case_id: str, **who: Any) -> Any:
    """The rules a case was opened under."""
    return mall.must("GET", f"/v1/cases/{case_id}/rules", **who)


def test_a_case_keeps_the_rules_it_was_opened_under(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The merchant promises fewer days later and the trade changes: the case still says what the buyer read."""
    mall.push(an_order(order_id="o2", lines=(a_line(vertical="general", terms={"no_return": True, "window_days": 15}),)))
    mall.registry.put("merchant:m1", replace(mall.registry.merchant("m1"), window_days=30))
    asked = {"order_id": "o2", "kind": "return_refund", "reason": "no_reason", "items": [{"line_id": "l1", "pieces": 1}]}
    case_id = mall.must("POST", "/v1/cases", asked)["case_id"]
    before = rules(mall, case_id)
    assert "30" in before["rules"]
    assert before["terms"] == {"l1": {"no_return": True, "window_days": 15}}
    mall.registry.put("merchant:m1", replace(mall.registry.merchant("m1"), window_days=7))
    vertical = mall.registry.vertical("general")
    monkeypatch.setitem(mall.registry._built, "vertical:general", replace(vertical, version="99"))
    assert rules(mall, case_id) == before
    assert "30" not in mall.must("GET", "/v1/verticals/general/rules")["kinds"][1]["rules"]


def test_the_frozen_rules_cannot_be_altered(mall: Mall) -> None:
    """They are in the first step, which is hashed into the chain: another word there breaks it."""
    case_id = mall.claim()["case_id"]
    steps = mall.store.find(StepsOf(case_id)).found
    assert verify_chain(steps) is None
    forged = (replace(steps[0], data={**steps[0].data, "rules": "no claims at all"}), *steps[1:])
    assert verify_chain(forged) is not None


def test_a_buyer_reads_them_in_the_own_language(mall: Mall) -> None:
    """Frozen in the buyer's language, whoever reads them and in whichever language the reader asks."""
    case_id = mall.claim()["case_id"]
    assert rules(mall, case_id)["locale"] == "zh-CN"
    assert rules(mall, case_id) == rules(mall, case_id, role="clerk")
    stranger = mall.send("GET", f"/v1/cases/{case_id}/rules", sub="b2")
    assert stranger.status == 404


def test_the_rules_in_force_can_be_read_before_buying(mall: Mall) -> None:
    """Per kind of the trade: rules, reasons, what has to be shown; an unknown trade is not found."""
    told = mall.must("GET", "/v1/verticals/fresh/rules")
    claim = next(k for k in told["kinds"] if k["kind"] == "claim")
    assert claim["rules"] == text("verticals.fresh", "rules.claim", "en", window_days=7)
    assert {r["code"] for r in claim["reasons"]} >= {"spoiled"}
    assert claim["evidence"][0]["at_least"] == 1
    assert mall.send("GET", "/v1/verticals/moon/rules").json["code"] == "not_found"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh-CN"),
        ("zh-TW,zh;q=0.9", "zh-CN"),
        ("en-GB", "en"),
        ("ja,en;q=0.8", "ja"),
        ("fr-FR", "en"),
        ("*", "zh-CN"),
        ("';drop table", "zh-CN"),
    ],
)
def test_a_reader_gets_the_nearest_language(header: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A language that a package brings is used; for others English, and Chinese for readers of any Chinese."""
    tables = {"zh-CN": {"k": "zh-CN", "only": "仅"}, "en": {"k": "en"}, "ja": {"k": "ja"}}
    monkeypatch.setattr("aftersales.text.texts_of", lambda _: tables)
    wanted = http._locale(http.Request("GET", "/", {"accept-language": header}, {}, b""))
    assert text("any", "k", wanted) == language
    assert text("any", "only", wanted) == "仅"


def test_every_catalogue_says_the_same_in_every_language() -> None:
    """No package of ours lacks a sentence in one of the languages that it brings."""
    found = (
        path.parent.relative_to(ROOT)
        for room in ("functions", "plugins", "verticals")
        for path in (ROOT / room).rglob("texts.toml")
    )
    packages = [".".join(path.parts) for path in found]
    assert len(packages) > 3
    for package in packages:
        tables = texts_of(package)
        assert set(tables) >= {"zh-CN", "en"}
        assert {language: sorted(set(tables["zh-CN"]) ^ set(table)) for language, table in tables.items()} == {
            language: [] for language in tables
        }, package
