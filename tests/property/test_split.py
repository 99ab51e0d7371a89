from hypothesis import given
from hypothesis import strategies as st

from aftersales.money import EXPONENTS, Money
from aftersales.quote import lowered

minors = st.integers(-(10**13), 10**13)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any)
parts = st.tuples(*[st.integers(0, 10**9)] * 3)


@given(minors, st.sampled_from(sorted(EXPONENTS)), weights)
def test_shares_sum_to_the_whole(minor, currency, weights):
    """Whatever is split over whatever weights, nothing is lost or made."""
    shares = Money(minor, currency).split(weights)
    assert Money.total(shares, currency) == Money(minor, currency)
    assert len(shares) == len(weights)


@given(minors, weights)
def test_no_share_is_a_minor_unit_from_its_due(minor, weights):
    """Each share is its exact due rounded up or down, never further away and never of the other sign; no weight, no share."""
    for share, weight in zip(Money(minor, "CNY").split(weights), weights, strict=True):
        assert abs(share.minor * sum(weights) - minor * weight) < sum(weights)
        assert share.minor * minor >= 0
        assert weight or not share


@given(minors, weights, st.randoms(use_true_random=False))
def test_order_moves_a_share_by_one_at_most(minor, weights, chance):
    """Who stands first in line gets an odd minor unit at most; the same line always splits the same."""
    shares = Money(minor, "CNY").split(weights)
    assert shares == Money(minor, "CNY").split(weights)
    order = list(range(len(weights)))
    chance.shuffle(order)
    moved = Money(minor, "CNY").split([weights[i] for i in order])
    assert all(abs(moved[place].minor - shares[i].minor) <= 1 for place, i in enumerate(order))


@given(st.integers(0, 10**12), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_and_its_rest_are_the_whole(minor, part, whole):
    """A share grows with its part and is at most half a minor unit from exact."""
    part = min(part, whole)
    share = Money(minor, "CNY").share(part, whole)
    assert abs(2 * (share.minor * whole - minor * part)) <= whole
    assert Money(0, "CNY") <= share <= Money(minor, "CNY")
    assert share <= Money(minor, "CNY").share(whole, whole)


@given(parts, st.integers(-10, 4 * 10**9))
def test_lowering_is_exact_and_takes_the_freight_first(parts, asked):
    """The lowered parts sum to what was asked, none grows or falls below nothing, and goods give way only without freight."""
    whole = tuple(Money(part, "CNY") for part in parts)
    goods, tax, freight = lowered(whole, Money(asked, "CNY"))
    assert (goods + tax + freight).minor == min(max(asked, 0), sum(parts))
    assert all(Money(0, "CNY") <= new <= old for new, old in zip((goods, tax, freight), whole, strict=True))
    assert (goods, tax) == whole[:2] or not freight
