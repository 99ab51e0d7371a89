"""``aftersales options``: the API's own answer about an order from a file, at any instant."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersales.order import Order
from aftersales.testing.builders import NOW, a_line, an_order
from tests.mall import Mall, snapshot

AFTERSALES = str(Path(sys.executable).parent / "aftersales")


def options(folder: Path, order: Any, *more: str) -> subprocess.CompletedProcess[str]:
    """The command over this order."""
    path = folder / "order.json"
    path.write_text(order if isinstance(order, str) else json.dumps(order), encoding="utf-8")
    return subprocess.run([AFTERSALES, "options", str(path), *more], capture_output=True, text=True, timeout=60, check=False)


def a_signed_order() -> Order:
    """Strawberries and a lamp, signed for two hours ago."""
    return an_order(order_id="o9", lines=(a_line(), a_line(line_id="l2", vertical="general", terms={"no_return": True})))


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=23), timedelta(days=9), timedelta(days=40)])
def test_it_answers_as_the_api_does(tmp_path: Path, later: timedelta) -> None:
    """Word for word, whenever it is asked: inside the windows, at their ends and after them."""
    mall = Mall()
    mall.push(a_signed_order())
    mall.clock.move(later)
    said = mall.must("GET", "/v1/orders/o9/options")
    told = options(tmp_path, snapshot(a_signed_order()), "--at", (NOW + later).isoformat(), "--locale", "en", "--json")
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout) == said
    reasons = [why["text"] for line in said["lines"] for offer in line["offers"] for why in offer["why_not"]]
    assert all(reasons), "every no has a sentence"


def test_people_read_a_line_per_kind(tmp_path: Path) -> None:
    """Yes with the most, or no with the sentence and the rule."""
    told = options(tmp_path, snapshot(a_signed_order()), "--at", NOW.isoformat(), "--locale", "en").stdout
    assert "claim: yes, at most CNY 99.50" in told
    assert "[fresh.not_signed]" in told


@pytest.mark.parametrize(
    ("order", "at", "words"),
    [
        pytest.param("{", NOW.isoformat(), "cannot be read", id="no_json"),
        pytest.param([], NOW.isoformat(), "no JSON object", id="no_object"),
        pytest.param({"order_id": "o1"}, NOW.isoformat(), "missing required field", id="fields_missing"),
        pytest.param("[" * 100_000, NOW.isoformat(), "cannot be read", id="too_deep"),
        pytest.param({**snapshot(a_signed_order()), "facts": None}, NOW.isoformat(), "facts is a list", id="facts_null"),
        pytest.param({**snapshot(a_signed_order()), "facts": {}}, NOW.isoformat(), "facts is a list", id="facts_object"),
        pytest.param(snapshot(a_signed_order()), "9999-12-31T23:59:59-12:00", "2000 to 2199", id="far_future"),
        pytest.param(snapshot(a_signed_order()), "noon", "no instant", id="no_instant"),
        pytest.param(snapshot(a_signed_order()), "2026-11-20T10:00:00", "offset", id="no_offset"),
        pytest.param({**snapshot(a_signed_order()), "payments": []}, NOW.isoformat(), "too little", id="sums_differ"),
    ],
)
def test_what_cannot_be_understood_is_said(tmp_path: Path, order: Any, at: str, words: str) -> None:
    """A clear message and status 2; with --json the same as a problem with its stable code."""
    told = options(tmp_path, order, "--at", at, "--json")
    assert told.returncode == 2
    assert words in told.stderr
    assert json.loads(told.stdout)["code"] in ("invalid", "unbalanced_order")
