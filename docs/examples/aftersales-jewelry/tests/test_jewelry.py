"""The trade keeps what every trade keeps, its scenarios end as written, and its limits are where they belong."""

from datetime import timedelta

import pytest
from aftersales.case import Kind
from aftersales.decision import Verdict
from aftersales.testing.builders import NOW, a_line, an_order, facts
from aftersales.testing.vertical import VerticalContract

from aftersales_jewelry import VERTICAL
from aftersales_jewelry.rules import window


class TestJewelry(VerticalContract):
    """Thousands of odd questions, every scenario, both languages: the kit of the core."""

    vertical = VERTICAL


@pytest.mark.parametrize(
    ("before", "verdict"),
    [
        pytest.param(timedelta(seconds=1), Verdict.PASS, id="last second"),
        pytest.param(timedelta(0), Verdict.FAIL, id="first second after"),
    ],
)
def test_the_window_ends_at_midnight_of_the_seventh_day(before: timedelta, verdict: Verdict) -> None:
    """Signed for at noon in Shanghai, the days end at 24:00 there."""
    order = an_order(lines=(a_line(vertical="jewelry"),), signed_at=NOW)
    end = NOW + timedelta(days=7, hours=12)
    asked = facts(order, kind=Kind.RETURN_REFUND, reason="no_reason", now=end - before)
    assert window(asked).verdict is verdict
