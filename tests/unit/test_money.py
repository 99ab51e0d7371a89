from decimal import Decimal
from itertools import pairwise

import pytest

from aftersales.errors import CurrencyMismatch, Invalid
from aftersales.money import EXPONENTS, Money


@pytest.mark.parametrize(
    ("money", "told"),
    [
        (Money(1990, "CNY"), "CNY 19.90"),
        (Money(5, "CNY"), "CNY 0.05"),
        (Money(0, "CNY"), "CNY 0.00"),
        (Money(-1990, "CNY"), "CNY -19.90"),
        (Money(500, "JPY"), "JPY 500"),
        (Money(0, "KRW"), "KRW 0"),
        (Money(1234, "KWD"), "KWD 1.234"),
        (Money(7, "KWD"), "KWD 0.007"),
        (Money(1050, "USD"), "USD 10.50"),
    ],
    ids=str,
)
def test_people_read_the_currencys_own_digits(money, told):
    """Yen and won have no minor digits, yuan two, Kuwaiti dinar three (T35)."""
    assert str(money) == told


@pytest.mark.parametrize("minor", [19.9, float("nan"), "1990", "1e3", Decimal("19.90"), True, None], ids=repr)
def test_only_whole_minor_units_are_money(minor):
    """Fractions, not-a-number, text in any notation and truth values are refused where money is made (T18, T30)."""
    with pytest.raises(Invalid):
        Money(minor, "CNY")


@pytest.mark.parametrize("currency", ["", "cny", "XXX", "RMB"])
def test_an_unknown_currency_is_refused(currency):
    """How many digits a currency has is never guessed."""
    with pytest.raises(Invalid):
        Money(1, currency)


def test_amounts_of_two_currencies_never_meet():
    """Adding, taking away and comparing across currencies raises; being equal is simply false."""
    yuan, yen = Money(100, "CNY"), Money(100, "JPY")
    for together in (lambda: yuan + yen, lambda: yuan - yen, lambda: yuan < yen, lambda: yuan >= yen, lambda: yuan > yen):
        with pytest.raises(CurrencyMismatch):
            together()
    assert yuan != yen


def test_sums_differences_and_multiples_are_whole():
    """A total of nothing is nothing of that currency; what is added comes off again; order is by amount."""
    assert Money.total([], "KWD") == Money(0, "KWD")
    assert Money.total([Money(1, "CNY"), Money(2, "CNY")], "CNY") == Money(3, "CNY")
    assert Money(5, "CNY") - Money(7, "CNY") == Money(-2, "CNY")
    assert Money(5, "CNY") * 3 == Money(15, "CNY")
    assert Money(1, "CNY") < Money(2, "CNY") <= Money(2, "CNY")
    assert not Money(0, "CNY")
    assert Money(-1, "CNY")


@pytest.mark.parametrize(
    ("minor", "weights", "parts"),
    [
        (100, (1, 1, 1), (34, 33, 33)),
        (100, (600, 400), (60, 40)),
        (1, (1, 1), (1, 0)),
        (2, (1, 2), (1, 1)),
        (10, (0, 1), (0, 10)),
        (0, (3, 5), (0, 0)),
        (-100, (1, 1, 1), (-34, -33, -33)),
        (5, (1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 0)),
        (7, (2, 5, 2), (2, 4, 1)),
    ],
    ids=str,
)
def test_a_split_gives_the_largest_remainders_first(minor, weights, parts):
    """What cannot be divided goes to the largest remainders, and among equals to the earlier share."""
    assert tuple(p.minor for p in Money(minor, "CNY").split(weights)) == parts


@pytest.mark.parametrize("weights", [(), (0,), (0, 0), (2, -1)], ids=str)
def test_nothing_is_split_without_weight(weights):
    """No shares, only empty ones or a negative one: there is no honest split."""
    with pytest.raises(Invalid):
        Money(100, "CNY").split(weights)


@pytest.mark.parametrize(
    ("minor", "part", "whole", "share"),
    [(1990, 1, 5, 398), (1, 1, 2, 1), (3, 1, 2, 2), (1, 49, 100, 0), (1, 50, 100, 1), (1990, 0, 1, 0), (1990, 1, 1, 1990)],
)
def test_a_share_is_rounded_half_up(minor, part, whole, share):
    """Half a cent is a cent; nothing of it is nothing and all of it is all."""
    assert Money(minor, "CNY").share(part, whole).minor == share


@pytest.mark.parametrize(("part", "whole"), [(-1, 5), (6, 5), (0, 0)])
def test_a_share_lies_between_nothing_and_the_whole(part, whole):
    """A negative share, more than the whole, or a part of nothing is refused."""
    with pytest.raises(Invalid):
        Money(100, "CNY").share(part, whole)


def test_every_currency_knows_its_digits():
    """The table holds three-letter codes in order, with 0, 2 or 3 digits."""
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
    assert set(EXPONENTS.values()) == {0, 2, 3}
    assert all(a < b for a, b in pairwise(EXPONENTS))
