"""Parts of sets: the kit on the trade around others, and what no scenario says."""

from aftersales.testing.vertical import VerticalContract
from verticals.bundle import around
from verticals.fresh import VERTICAL as FRESH
from verticals.general import VERTICAL as GENERAL


class TestSetsOfOrdinaryGoods(VerticalContract):
    """A part of ordinary goods keeps what every trade keeps, and what the set adds."""

    vertical = around(GENERAL)
    scenarios_at_least = 18


class TestSetsOfProduce(VerticalContract):
    """A part of produce likewise."""

    vertical = around(FRESH)
    scenarios_at_least = 2

    def doubting(self) -> set[str]:
        """What a set adds is shown on ordinary goods."""
        return set()
