"""Parts of sets: the kit on the trade around others, and what no scenario says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales import offered
from aftersales.case import Item, Kind
from aftersales.testing.builders import a_line, an_order, facts
from aftersales.testing.scenario import differences, play, read
from aftersales.testing.strategies import facts_of
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Remedy
from verticals.bundle import VERTICAL, around
from verticals.fresh import VERTICAL as FRESH
from verticals.general import VERTICAL as GENERAL
from verticals.virtual import VERTICAL as VIRTUAL

TRADES = sorted({one.name for one in offered.ours(offered.VERTICALS)} - {VERTICAL.name})


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


@pytest.mark.parametrize("scenario", read(around(VIRTUAL)), ids=lambda s: s.en)
def test_a_voucher_in_a_set_ends_as_written(scenario):
    """Every scenario about a voucher in a set is what the trade around really does."""
    assert differences(scenario, play(VERTICAL, scenario)) == []


@pytest.mark.parametrize("name", TRADES)
def test_goods_of_every_trade_can_be_a_part(name):
    """Around any trade of ours: the same kinds, reasons and evidence, words for everything, and one rule each for set and gift."""
    inner = offered.vertical(name)
    part = around(inner)
    assert part.name == f"bundle:{name}"
    assert part.version.endswith(f"+{inner.version}")
    assert (part.needs, part.tells, part.timeouts) == (inner.needs, inner.tells, inner.timeouts)
    for mine, its in zip(part.offers, inner.offers, strict=True):
        assert (mine.kind, mine.reasons, mine.requires, mine.asks, mine.remedy) == (
            its.kind,
            its.reasons,
            its.requires,
            its.asks,
            its.remedy,
        )
        adds = 2 if its.kind in (Kind.REFUND_ONLY, Kind.RETURN_REFUND) and its.remedy is Remedy.MONEY else 0
        assert len(mine.when) == len(its.when) + adds
        for locale in ("zh-CN", "en"):
            assert part.text(f"rules.{mine.kind}", locale) == inner.text(f"rules.{mine.kind}", locale)
            assert part.text("rules.also", locale) != "rules.also"


@pytest.mark.parametrize("name", TRADES)
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_a_part_of_any_trade_answers_anything(name, data):
    """Whatever a mall and a buyer make of a part of that trade, every rule answers and the amount is at least nothing."""
    part = around(offered.vertical(name))
    found = data.draw(facts_of(part))
    offer = part.offer(found.kind)
    assert offer is not None
    for rule in (*offer.when, *offer.rules):
        assert rule(found).check.partition(".")[0] in ("bundle", name)
    quote = offer.amount(found)
    assert min(quote.goods.minor, quote.tax.minor, quote.freight.minor) >= 0


def test_a_line_that_is_no_part_is_worth_what_it_is_alone():
    """Without its set a line of such a trade is judged as its own trade would, to the fen."""
    line = a_line(vertical="bundle:general", terms={"together": "alone", "gift": "back"})
    found = facts(an_order(lines=(line,)), kind=Kind.RETURN_REFUND, reason="no_reason", items=(Item("l1", 2),))
    inner, outer = (v.offer(Kind.RETURN_REFUND) for v in (GENERAL, around(GENERAL)))
    assert outer.amount(found) == inner.amount(found)
    assert [rule(found).verdict for rule in outer.when[-2:]] == ["pass", "pass"]
