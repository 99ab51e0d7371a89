"""Numbers of postal items by UPU S10: one check digit in ten, and countries that have a post."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aftersales.digit import fits_s10
from aftersales.s10 import COUNTRIES
from aftersales.waybill import country_of, formats_of


def test_of_the_ten_check_digits_exactly_one_is_right_in_a_sweep() -> None:
    """For every serial of a sweep through the whole range, one in ten numbers passes."""
    for serial in range(0, 100_000_000, 9_973):
        assert sum(fits_s10(f"{serial:08}", str(digit)) for digit in range(10)) == 1


@given(st.integers(0, 99_999_999), st.sampled_from(sorted(COUNTRIES)), st.from_regex("[A-Z]{2}", fullmatch=True))
def test_of_ten_numbers_that_differ_in_the_check_digit_one_is_valid(serial: int, country: str, service: str) -> None:
    """Whatever serial, service and country."""
    found = [formats_of(f"{service}{serial:08}{digit}{country}") for digit in range(10)]
    assert sum(any(f.name.startswith("S10") and f.valid for f in each) for each in found) == 1


@given(st.integers(0, 99_999_999), st.from_regex("[A-Z]{2}", fullmatch=True).filter(lambda c: c not in COUNTRIES))
def test_a_country_that_is_none_fails_with_every_check_digit(serial: int, country: str) -> None:
    """Two letters that no post has make a number wrong."""
    for digit in range(10):
        number = f"RB{serial:08}{digit}{country}"
        assert [f.valid for f in formats_of(number) if f.name.startswith("S10")] == [False]
        assert not country_of(number)


@given(st.integers(0, 99_999_999), st.integers(0, 7), st.integers(1, 9))
def test_one_mistyped_digit_of_a_serial_is_found(serial: int, place: int, by: int) -> None:
    """No two serials that differ in one digit share a check digit, but for 5, which the standard gives twice."""
    right = f"{serial:08}"
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    shared = [digit for digit in "0123456789" if fits_s10(right, digit) and fits_s10(wrong, digit)]
    assert shared in ([], ["5"])


def test_the_countries_are_those_of_the_postal_union() -> None:
    """All members, and the posts that number by a code of their own; XX and ZZ are nobody's."""
    assert len(COUNTRIES) == 224
    assert {"CN", "US", "GB", "JP", "HK", "MO", "TW"} <= COUNTRIES
    assert not COUNTRIES & {"XX", "ZZ", "UK", "EU", "AA", "QQ"}


def test_the_post_of_the_sender_or_of_the_destination_may_carry_it() -> None:
    """A number of China's is followed at USPS as well; without a carrier it is EMS for express, else China Post."""
    assert [(f.carrier, f.valid) for f in formats_of("RB123456785CN", "usps")] == [("usps", True)]
    assert [f.carrier for f in formats_of("RB123456785CN")] == ["post"]
    assert [f.carrier for f in formats_of("EB123456785CN")] == ["ems"]
    assert [f.carrier for f in formats_of("RB123456785AF")] == ["s10"]
    assert [f.carrier for f in formats_of("RB123456785CN", "sf")] == ["post"]
