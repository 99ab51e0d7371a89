from aftersales.testing.vertical import VerticalContract
from verticals.cross_border import VERTICAL


class TestCrossBorder(VerticalContract):
    """Goods from abroad keep what every trade keeps, and their 60 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 60
