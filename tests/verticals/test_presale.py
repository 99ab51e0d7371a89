from aftersales.testing.vertical import VerticalContract
from verticals.presale import VERTICAL


class TestPresale(VerticalContract):
    """Presales keep what every trade keeps, and their scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 40
