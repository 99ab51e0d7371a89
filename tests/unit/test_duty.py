from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.errors import Invalid
from verticals.cross_border.duty import (
    Basis,
    Declared,
    Rates,
    Returned,
    Taxes,
    Window,
    answer,
    basis_of,
    dutiable,
    half_up,
    part_of,
    taxes_of,
    window_of,
)
from verticals.cross_border.rates import rates_on, table

MILK = Rates(Fraction(13, 100), duty=Fraction(15, 100))
COSMETICS = Rates(Fraction(13, 100), Fraction(15, 100), Fraction(5, 100))
BOOKS = Rates(Fraction(9, 100), duty=Fraction(0))
RELEASED = date(2026, 3, 1)


def returned(value: int, rates: Rates = MILK, *, qty: int = 1, back: int = 1, before: int = 0, **more: object) -> Returned:
    """A return of ``back`` pieces, released on 1 March, applied for on day 20 and back on day 40."""
    days = {"released_on": RELEASED, "applied_on": date(2026, 3, 21), "arrived_on": date(2026, 4, 10)}
    return Returned((Declared(value, qty, rates),), (back,), (before,), **{**days, **more})  # type: ignore[arg-type]


# --- what is levied ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rates", "consumption", "vat"),
    [(MILK, 0, 9_100), (COSMETICS, 12_353, 10_706), (BOOKS, 0, 6_300)],
    ids=["milk powder 9.1 %", "cosmetics 23.0588 %", "books 6.3 %"],
)
def test_the_composite_rates_of_the_rules(rates: Rates, consumption: int, vat: int) -> None:
    """CNY 1,000 of goods: no duty, (c + v) / (1 - c) x 70 %, each tax by itself half up to the fen."""
    assert taxes_of(100_000, rates, Basis.REDUCED) == Taxes(0, consumption, vat)


def test_full_rates_build_on_each_other() -> None:
    """At full rates duty comes first, consumption tax is part of its own base, and VAT is on all of it."""
    taxes = taxes_of(600_000, COSMETICS, Basis.FULL)
    assert taxes == Taxes(30_000, 111_176, 96_353)


def test_what_needs_a_rate_that_nobody_said_is_not_computed() -> None:
    """Without a duty rate the reduced taxes are known and the full ones are not: money is never guessed."""
    rates = Rates(Fraction(13, 100))
    assert taxes_of(100_000, rates, Basis.REDUCED) == Taxes(0, 0, 9_100)
    assert taxes_of(600_000, rates, Basis.FULL) is None
    with pytest.raises(Invalid, match="not known"):
        answer(returned(600_000, rates, indivisible=True))


@pytest.mark.parametrize(
    ("value", "qty", "indivisible", "quota", "basis"),
    [
        (500_000, 1, True, None, Basis.REDUCED),
        (500_001, 1, True, None, Basis.FULL),
        (500_001, 1, False, None, Basis.GENERAL),
        (500_001, 2, True, None, Basis.GENERAL),
        (500_001, 1, True, 500_001, Basis.FULL),
        (500_001, 1, True, 500_000, Basis.GENERAL),
        (100_000, 1, False, 100_000, Basis.REDUCED),
        (100_000, 1, False, 99_999, Basis.GENERAL),
        (100_000, 1, False, 0, Basis.GENERAL),
    ],
)
def test_which_rule_a_list_falls_under(value: int, qty: int, indivisible: bool, quota: int | None, basis: Basis) -> None:
    """CNY 5,000 and the yearly amount are limits that themselves still count; above the first, only one single piece does."""
    assert basis_of([Declared(value, qty, MILK)], 0, indivisible=indivisible, quota_left_minor=quota) is basis


def test_freight_is_taxed_with_the_goods() -> None:
    """Freight is spread over the lines by price, is part of what is taxed, and can lift a list above its limit."""
    lines = [Declared(30_000, 1, MILK), Declared(10_000, 2, MILK)]
    assert dutiable(lines, 1_001) == (30_751, 10_250)
    assert dutiable([Declared(0, 1), Declared(0, 3)], 100) == (25, 75)
    assert basis_of([Declared(499_999, 1)], 1, indivisible=True, quota_left_minor=None) is Basis.REDUCED
    assert basis_of([Declared(499_999, 1)], 2, indivisible=True, quota_left_minor=None) is Basis.FULL


def test_a_half_goes_up() -> None:
    """Half a fen is a fen; a little less is none."""
    assert [half_up(Fraction(n, 100)) for n in (49, 50, 149, 150)] == [0, 1, 1, 2]


# --- what comes back --------------------------------------------------------------------------------------------------
def test_milk_powder_back_in_time() -> None:
    """CNY 1,000 whole, day 20 and day 40: CNY 91.00 of tax, and CNY 1,000 of the yearly amount."""
    found = answer(returned(100_000))
    assert (found.tax_refund_minor, found.quota_returned_minor, found.rule) == (9_100, 100_000, "70_percent, in_time")


def test_one_of_three_and_the_rest_later() -> None:
    """3 x CNY 600 with CNY 163.80 of tax: one piece is 54.60, the others later 109.20, which is all of it."""
    one, rest = answer(returned(180_000, qty=3)), answer(returned(180_000, qty=3, back=2, before=1))
    assert (one.tax_refund_minor, one.quota_returned_minor) == (5_460, 60_000)
    assert one.tax_refund_minor + rest.tax_refund_minor == 16_380
    assert one.quota_returned_minor + rest.quota_returned_minor == 180_000


@pytest.mark.parametrize(
    ("applied", "arrived", "window"),
    [
        (date(2026, 3, 31), date(2026, 4, 15), Window.IN_TIME),
        (date(2026, 4, 1), date(2026, 4, 15), Window.APPLIED_LATE),
        (date(2026, 3, 31), date(2026, 4, 16), Window.ARRIVED_LATE),
        (RELEASED, RELEASED, Window.IN_TIME),
        (None, None, Window.NOT_APPLIED),
        (date(2026, 3, 31), None, Window.NOT_ARRIVED),
        (date(2026, 4, 1), None, Window.APPLIED_LATE),
    ],
)
def test_day_30_and_day_45_are_in_time(applied: date | None, arrived: date | None, window: Window) -> None:
    """Released on 1 March: 31 March and 15 April still count, a day later does not; and then no tax and no quota comes back."""
    assert window_of(RELEASED, applied, arrived) is window
    found = answer(returned(100_000, applied_on=applied, arrived_on=arrived))
    in_time = window is Window.IN_TIME
    assert (found.tax_refund_minor, found.quota_returned_minor) == ((9_100, 100_000) if in_time else (0, 0))
    assert found.lines[0].due_minor == 9_100


@pytest.mark.parametrize(
    ("released", "apply_by", "arrive_by"),
    [
        (date(2028, 1, 30), date(2028, 2, 29), date(2028, 3, 15)),
        (date(2028, 2, 29), date(2028, 3, 30), date(2028, 4, 14)),
        (date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 15)),
        (date(2026, 12, 2), date(2027, 1, 1), date(2027, 1, 16)),
    ],
    ids=["into a leap day", "from a leap day", "to the year's end", "over the year's end"],
)
def test_days_run_over_leap_days_and_years(released: date, apply_by: date, arrive_by: date) -> None:
    """The last days are days of the calendar, whatever lies between."""
    late = timedelta(days=1)
    assert window_of(released, apply_by, arrive_by) is Window.IN_TIME
    assert window_of(released, apply_by + late, arrive_by) is Window.APPLIED_LATE
    assert window_of(released, apply_by, arrive_by + late) is Window.ARRIVED_LATE


def test_what_was_never_released_was_never_taxed() -> None:
    """Without a release the whole tax comes back, whatever the other days say."""
    found = answer(returned(100_000, released_on=None, applied_on=None, arrived_on=None))
    assert (found.tax_refund_minor, found.window) == (9_100, Window.NOT_RELEASED)


def test_the_tax_bill_wins() -> None:
    """Customs' own figures are refunded, not what the rates come to; without rates too."""
    bill = (Taxes(0, 0, 9_077),)
    assert answer(returned(100_000, bill=bill)).tax_refund_minor == 9_077
    found = answer(Returned((Declared(100_000, 3),), (1,), (2,), bill=bill))
    assert (found.tax_refund_minor, found.rule) == (3_026, "tax_bill, 70_percent, not_released")


def test_general_trade_never_counted_towards_the_year() -> None:
    """Beyond the yearly amount full rates are due, and no amount is given back to it."""
    found = answer(returned(100_000, quota_left_minor=0))
    assert (found.tax_refund_minor, found.quota_returned_minor, found.basis) == (29_950, 0, Basis.GENERAL)
    full = answer(returned(600_000, indivisible=True))
    assert (full.tax_refund_minor, full.quota_returned_minor, full.basis) == (179_700, 600_000, Basis.FULL)


@given(st.integers(0, 10**7), st.integers(1, 50), st.data())
def test_any_partial_returns_add_up_to_the_fen(whole: int, qty: int, data: st.DataObject) -> None:
    """However a line goes back, piece by piece or in lots, the parts are never negative and come to exactly the whole."""
    cuts = sorted(data.draw(st.lists(st.integers(0, qty), max_size=6)))
    parts = [part_of(whole, a, b, qty) for a, b in zip([0, *cuts], [*cuts, qty], strict=True)]
    assert sum(parts) == whole
    assert min(parts) >= 0


# --- the table --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hs", "day", "vat"),
    [
        ("1901.10.10 00", date(2019, 3, 31), Fraction(16, 100)),
        ("1901101000", date(2019, 4, 1), Fraction(13, 100)),
        ("4901", date(2026, 11, 20), Fraction(9, 100)),
    ],
)
def test_rates_are_those_of_the_day(hs: str, day: date, vat: Fraction) -> None:
    """The last day of a rate still has it, the next day has the next one; dots and blanks in a heading do not count."""
    found = rates_on(hs, day)
    assert found is not None
    assert found.vat == vat


def test_what_the_table_does_not_hold_is_not_known() -> None:
    """Another heading, or a day before the table begins, has no rates here."""
    assert rates_on("8517130000", date(2026, 1, 1)) is None
    assert rates_on("1901101000", date(2018, 4, 30)) is None
    assert rates_on("", date(2026, 1, 1)) is None


def test_no_two_rows_say_the_rates_of_one_day() -> None:
    """Rows of one heading follow each other without a gap or an overlap, and each is a share of one."""
    for entry in table():
        same = sorted((e.first, e.last) for e in table() if e.hs == entry.hs)
        assert all(a[1] + timedelta(days=1) == b[0] for a, b in pairwise(same))
        assert 0 <= entry.rates.consumption < 1
        assert 0 <= entry.rates.vat <= 1
