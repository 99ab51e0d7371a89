from aftersales.case import Item
from aftersales.money import Money
from aftersales.testing.builders import a_finding, a_line, an_evidence, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Facts
from verticals.fresh import VERTICAL
from verticals.fresh.rules import share_agrees


class TestFresh(VerticalContract):
    """Fresh produce keeps what every trade keeps, and its 30 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 30


def seeing(share: object, **changes: object) -> Facts:
    """A spoilage claim whose photo was verified with this visible share."""
    finding = a_finding(check="vision.spoilage", data=(("spoiled_share", share),))
    return facts(reason="spoiled", evidence=(an_evidence(findings=(finding,)),), **changes)


def test_the_buyer_reads_what_was_compared():
    """The finding on the share carries both percentages, so that its sentence can name them."""
    found = share_agrees(seeing(0.05))
    assert (found.verdict, dict(found.data)) == ("unsure", {"claimed_percent": 20, "shown_percent": 5})


def test_a_figure_that_is_no_share_is_not_believed():
    """What is not a number in [0, 1] counts as not measured and goes to a person."""
    for odd in (float("nan"), -0.1, 1.1, "0.9"):
        assert share_agrees(seeing(odd)).reason == "share.not_measured"


def test_a_share_of_several_lines_is_of_all_of_them():
    """Two lines in one claim are compared together: 1 of 5 and 1 of 5 are a fifth."""
    order = an_order(lines=(a_line(), a_line(line_id="l2")))
    offer = VERTICAL.offer("claim")
    quote = offer.amount(facts(order, reason="spoiled", items=(Item("l1", 1), Item("l2", 1))))
    assert (quote.share, quote.amount) == ((1, 5), Money(3980, "CNY"))
