from aftersales.testing.vertical import VerticalContract
from verticals.appliance import VERTICAL


class TestAppliance(VerticalContract):
    """Large appliances keep what every trade keeps, and their 70 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 70
