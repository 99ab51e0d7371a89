"""``aftersales quote``: refunds planned from files, one on top of the other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AFTERSALES = str(Path(sys.executable).parent / "aftersales")


def line(line_id: str, price: int, pieces: int = 1, **more: Any) -> dict[str, Any]:
    """A line of an order."""
    return {
        "line_id": line_id,
        "sku": line_id,
        "title": line_id,
        "vertical": "general",
        "unit_price_minor": price,
        "pieces": pieces,
        **more,
    }


def order(lines: list[dict[str, Any]], paid: list[tuple[str, int]], **more: Any) -> dict[str, Any]:
    """An order paid by these channels."""
    payments = [
        {"payment_id": f"p{n}", "channel": channel, "transaction_id": f"t{n}", "paid_minor": minor}
        for n, (channel, minor) in enumerate(paid, 1)
    ]
    return {
        "order_id": "o1", "merchant": "m1", "buyer": {"id": "b1"}, "currency": "CNY", "status": "paid", "paid_at": None,
        "lines": lines, "payments": payments, **more,
    }  # fmt: skip


def ask(*pieces: tuple[str, int], minor: int | None = None, freight: bool = False, fault: str = "none") -> dict[str, Any]:
    """One request."""
    lines = [{"line_id": line_id, "pieces": n} for line_id, n in pieces]
    return {"kind": "refund_only", "lines": lines, "amount_minor": minor, "freight": freight, "fault": fault}


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """The command over these files: (exit status, what it printed as JSON, stderr)."""

    def run(of: Any, requests: Any, *more: str) -> tuple[int, Any, str]:
        for name, said in (("order.json", of), ("requests.json", requests)):
            (tmp_path / name).write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
        command = [AFTERSALES, "quote", str(tmp_path / "order.json"), str(tmp_path / "requests.json"), "--json", *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout), done.stderr

    return run


def amounts(said: Any) -> list[int]:
    """What each request gets."""
    return [r["amount_minor"] for r in said["requests"]]


def test_a_discount_is_shared_to_the_cent(run: Any) -> None:
    """Items of 6 and 4 with 1 off: 540 and 360, 900 in all (T19)."""
    of = order(
        [line("a", 600), line("b", 400)], [("wechatpay", 900)], discounts=[{"kind": "order", "amount_minor": 100, "lines": None}]
    )
    status, said, _ = run(of, [ask(("a", 1)), ask(("b", 1)), ask(("a", 1))])
    assert (status, amounts(said)) == (0, [540, 360, 0])
    assert said["requests"][1]["refundable_after_minor"] == 0
    assert (said["requests"][2]["accepted"], said["requests"][2]["code"]) == (False, "pieces_taken")


def test_after_all_but_one_unit_only_one_remains(run: Any) -> None:
    """After 9999 of 10000 a request for 2 is refused and one for 1 is the last (T32)."""
    of = order([line("a", 10_000)], [("wechatpay", 10_000)])
    asked = [ask(("a", 1), minor=9_999), ask(("a", 1), minor=2), ask(minor=2), ask(("a", 1), minor=1), ask(minor=1)]
    _, said, _ = run(of, asked)
    assert [(r["accepted"], r["amount_minor"], r["refundable_after_minor"]) for r in said["requests"]] == [
        (True, 9_999, 1), (False, 0, 1), (False, 0, 1), (True, 1, 0), (False, 0, 0),
    ]  # fmt: skip


def test_two_then_three_of_five(run: Any) -> None:
    """Two of five, then the other three; the sixth is refused (T50). Pieces that nothing was given for come first."""
    of = order([line("a", 100, 5)], [("wechatpay", 500)])
    _, said, _ = run(of, [ask(("a", 2), minor=50), ask(("a", 3)), ask(("a", 2)), ask(("a", 1))])
    assert amounts(said) == [50, 300, 150, 0]


def test_every_payment_gives_at_most_what_it_took(run: Any) -> None:
    """500 from a gift card and 780 by card: legs in the order of the policy, none above its payment (T42)."""
    of = order([line("a", 1_280)], [("gift_card", 500), ("card", 780)])
    _, first, _ = run(of, [ask(("a", 1), minor=600)], "--turn", "wallets_first")
    _, last, _ = run(of, [ask(("a", 1), minor=600)], "--turn", "wallets_last")
    assert first["requests"][0]["legs"] == [{"payment_id": "p1", "amount_minor": 500}, {"payment_id": "p2", "amount_minor": 100}]
    assert last["requests"][0]["legs"] == [{"payment_id": "p2", "amount_minor": 600}]


def test_freight_and_tax_are_named(run: Any) -> None:
    """Goods, freight that was really paid, and tax on top are told apart and add up (T34, T36)."""
    freight = {"charged_minor": 500, "discount_minor": 200}
    of = order([line("a", 1_000, tax_minor=91)], [("wechatpay", 1_391)], freight=freight)
    _, said, _ = run(of, [ask(("a", 1), freight=True), ask(freight=True)])
    assert said["requests"][0]["components"] == {"goods": 1_000, "freight": 300, "tax": 91}
    assert said["requests"][0]["refundable_after_minor"] == 0
    assert not said["requests"][1]["accepted"]


@pytest.mark.parametrize("currency", ["JPY", "CNY", "KWD"])
def test_amounts_are_minor_units_of_the_currency(run: Any, currency: str) -> None:
    """500 stays 500 whatever the currency's exponent (T35)."""
    _, said, _ = run(order([line("a", 500)], [("stripe", 500)], currency=currency), [ask(("a", 1))])
    assert amounts(said) == [500]


def test_an_amount_of_all_that_is_left_may_hold_the_freight(run: Any) -> None:
    """Without lines an amount that is more than the freight is of everything left, the freight last; up to it, of the freight."""
    of = order([line("a", 1_000, 2)], [("alipay", 2_500)], freight={"charged_minor": 500})
    _, said, _ = run(of, [ask(minor=300, freight=True), ask(minor=2_201, freight=True), ask(minor=2_200, freight=True)])
    assert [one["components"] for one in said["requests"]] == [
        {"goods": 0, "freight": 300, "tax": 0},
        {"goods": 0, "freight": 0, "tax": 0},
        {"goods": 2_000, "freight": 200, "tax": 0},
    ]
    assert [one["refundable_after_minor"] for one in said["requests"]] == [2_200, 2_200, 0]
    assert [one["accepted"] for one in said["requests"]] == [True, False, True]


def test_null_is_as_good_as_left_out(run: Any) -> None:
    """Programs write null for what they leave out, and some a byte order mark: the order and the requests mean the same."""
    of = order([line("a", 1_000, discount_minor=None, tax_minor=None)], [("alipay", 1_000)], discounts=None, freight=None)
    of["buyer"]["tier"] = None
    request = {"kind": None, "lines": None, "amount_minor": 400, "freight": None, "fault": None}
    status, said, _ = run("\ufeff" + json.dumps(of), [request, {"amount_minor": 600}])
    assert status == 0
    assert amounts(said) == [400, 600]
    status, said, _ = run(order([line("a", None)], [("alipay", 0)]), [])  # type: ignore[arg-type]  # what is needed is not made up
    assert (status, said["code"]) == (2, "invalid")


def test_an_order_that_cost_nothing_needs_no_payment(run: Any) -> None:
    """A coupon paid for all of it: no payment is made up, a request is accepted with 0; where money is due, it is missed."""
    free = order([line("a", 1_000, 2)], [], discounts=[{"kind": "coupon", "amount_minor": 2_000, "lines": None}])
    _, said, _ = run(free, [ask(("a", 2))])
    assert (said["requests"][0]["accepted"], said["requests"][0]["legs"], amounts(said)) == (True, [], [0])
    status, said, _ = run(order([line("a", 1_000)], []), [])
    assert (status, said["code"], said["details"]["difference_minor"]) == (2, "unbalanced_order", -1_000)


def test_nothing_paid_is_nothing_back(run: Any) -> None:
    """A free order is accepted with 0 and no leg (T29)."""
    of = order([line("a", 500)], [("wechatpay", 0)], discounts=[{"kind": "coupon", "amount_minor": 500, "lines": ["a"]}])
    _, said, _ = run(of, [ask(("a", 1)), ask(("a", 1))])
    assert [(r["accepted"], r["legs"]) for r in said["requests"]] == [(True, []), (False, [])]


@pytest.mark.parametrize("minor", ["-1", "0", "1.5", "1e2", '"100"', "true", "NaN", "Infinity"])
def test_an_amount_is_a_whole_number_above_nothing(run: Any, minor: str) -> None:
    """Negative, zero, fractions, exponents, text and NaN are refused, each by itself (T30)."""
    of = order([line("a", 500)], [("wechatpay", 500)])
    asked = json.dumps([ask(("a", 1))]).replace('"amount_minor": null', f'"amount_minor": {minor}')
    _, said, _ = run(of, asked)
    assert (said["requests"][0]["accepted"], said["requests"][0]["code"]) == (False, "invalid")


@pytest.mark.parametrize("lines", [[("x", 1)], [("a", 2)], [("a", 1), ("a", 1)]])
def test_pieces_that_are_not_there_are_refused(run: Any, lines: list[tuple[str, int]]) -> None:
    """An unknown line, or more pieces than were bought, however they are named."""
    _, said, _ = run(order([line("a", 500)], [("wechatpay", 500)]), [ask(*lines)])
    assert not said["requests"][0]["accepted"]
    assert said["requests"][0]["refundable_after_minor"] == 500


@pytest.mark.parametrize("line_id", ["草莓", "\ud83d"])
def test_the_answer_is_json_in_any_locale(run: Any, monkeypatch: pytest.MonkeyPatch, line_id: str) -> None:
    """Whatever a request names, and whatever the terminal can write, one JSON document comes out."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    status, said, _ = run(order([line("a", 100)], [("alipay", 100)]), [ask((line_id, 1)), ask(("a", 1))])
    assert (status, amounts(said)) == (0, [0, 100])
    assert line_id in said["requests"][0]["detail"]


def test_an_order_that_does_not_add_up_is_refused(run: Any) -> None:
    """The difference between parts and payments is named."""
    status, said, told = run(order([line("a", 500)], [("wechatpay", 499)]), [])
    assert (status, said["code"], said["details"]["difference_minor"]) == (2, "unbalanced_order", -1)
    assert "CNY 0.01" in told


@pytest.mark.parametrize(("of", "requests"), [("{", "[]"), ("{}", "[]"), (None, "{"), (None, "{}")])
def test_files_that_cannot_be_read_are_named(run: Any, of: str | None, requests: str) -> None:
    """A broken file ends with status 2 and says which one."""
    status, said, told = run(of or order([line("a", 500)], [("wechatpay", 500)]), requests)
    assert (status, said["code"]) == (2, "invalid")
    assert ("order.json" if of else "requests.json") in told
