"""Parts of one line share what was paid for them, and nothing beyond."""

import pytest

from aftersales.case import Item
from aftersales.errors import OverRefund
from aftersales.ledger import Ledger
from aftersales.part import Part, beside, sold_as
from aftersales.testing.builders import NOW, a_line, an_order


def ledger_of(**parts: tuple[str, int]) -> Ledger:
    """The ledger of lines that cost so many fen, each a part of the line named beside it ("" for none)."""
    lines = [
        a_line(line_id=name, unit_price_minor=minor, pieces=1, part=Part(of) if of else None) for name, (of, minor) in parts.items()
    ]
    return Ledger.open(an_order(lines=tuple(lines)))


def paid(ledger: Ledger, case_id: str, minor: int, *line_ids: str) -> Ledger:
    """The ledger after a case about these lines was paid so much for goods."""
    ledger, _ = ledger.hold(case_id, tuple(Item(line_id, 1) for line_id in line_ids))
    for number, leg in enumerate(ledger.legs(minor, 0, 0), 1):
        ledger = ledger.reserve(f"{case_id}-{number}", case_id, leg, NOW)
    return ledger.gone(case_id)


def test_what_one_part_left_goes_with_the_other():
    """Of 100 paid for both the first case took 40 of its 57: the second may take 60, and not a fen more."""
    ledger = paid(ledger_of(a=("set", 57), b=("set", 43)), "first", 40, "a")
    assert beside(ledger, {"set"}) == 17
    assert paid(ledger, "second", 60, "b").spent.minor == 100
    with pytest.raises(OverRefund):
        paid(ledger, "second", 61, "b")


def test_lines_that_were_sold_by_themselves_share_nothing():
    """What is left of another set, or of a line that is no part, is nobody else's."""
    ledger = paid(ledger_of(a=("set", 57), b=("other", 43), c=("", 10)), "first", 40, "a")
    assert beside(ledger, {"other"}) == 0
    for line_id, minor in (("b", 44), ("c", 11)):
        with pytest.raises(OverRefund):
            paid(ledger, "second", minor, line_id)


def test_a_case_about_two_sets_ties_them():
    """What it took beyond its pieces of one set is missing to the next case about either of them."""
    ledger = paid(ledger_of(a=("set", 57), b=("set", 43), c=("other", 50), d=("other", 20)), "first", 40, "a")
    ledger = paid(ledger, "both", 110, "b", "c")  # 93 of its own, and the 17 that were left
    assert beside(ledger, {"other"}) == 0
    with pytest.raises(OverRefund):
        paid(ledger, "last", 21, "d")


def test_an_open_case_leaves_nothing_yet():
    """Only what is paid for is over: pieces that are merely held may be free again tomorrow."""
    ledger, _ = ledger_of(a=("set", 57), b=("set", 43)).hold("open", (Item("a", 1),))
    assert beside(ledger, {"set"}) == 0
    assert sold_as(ledger, "open") == {"set"}


def test_what_stays_with_the_buyer_leaves_nothing():
    """A claim that keeps its goods was paid a part of their worth; the rest of it is not the other part's."""
    ledger, _ = ledger_of(a=("set", 57), b=("set", 43)).hold("claim", (Item("a", 1),))
    (leg,) = ledger.legs(11, 0, 0)
    ledger = ledger.reserve("claim-1", "claim", leg, NOW)
    assert beside(ledger, {"set"}) == 0
    with pytest.raises(OverRefund):
        paid(ledger, "second", 44, "b")


def test_pieces_that_are_gone_for_nothing_leave_all_they_were_worth():
    """A part that went back for nothing while the other was kept: the other brings what was paid for both."""
    ledger, _ = ledger_of(a=("set", 57), b=("set", 43)).hold("first", (Item("a", 1),))
    ledger = ledger.gone("first")
    assert ledger.free("first") is ledger
    assert ledger.free_units("a") == ()
    assert beside(ledger, {"set"}) == 57
    assert paid(ledger, "second", 100, "b").spent.minor == 100


def test_the_same_case_in_two_refunds_counts_once():
    """Paid in two legs it may take what was left once, not twice."""
    ledger = paid(ledger_of(a=("set", 57), b=("set", 43)), "first", 40, "a")
    ledger = paid(ledger, "second", 30, "b")
    (leg,) = ledger.legs(30, 0, 0)
    assert ledger.reserve("second-9", "second", leg, NOW).spent.minor == 100
    with pytest.raises(OverRefund):
        ledger.legs(31, 0, 0)
