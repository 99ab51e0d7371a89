from datetime import timedelta

import pytest

from aftersales.case import Item, Kind
from aftersales.decision import Verdict
from aftersales.ledger import Ledger
from aftersales.lookup import Lookup, pairs
from aftersales.order import Discount, DiscountKind
from aftersales.testing.builders import NOW, a_line, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.text import text
from aftersales.vertical import Facts
from verticals.virtual import VERTICAL, rules
from verticals.virtual.amount import amount


class TestVirtual(VerticalContract):
    """Virtual goods keep what every trade keeps, and their 57 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 57


def asked(status: str = "unused", *, pieces: int = 1, held: bool = True, line: object = None, **data: object) -> Facts:
    """A refund of virtual goods about which the source has answered."""
    sold = line or a_line(vertical="virtual", pieces=pieces, unit_price_minor=1000)
    order = an_order(lines=(sold,))
    said = Lookup("entitlements", "l1", status, NOW, held, pairs(data))
    return facts(order, kind=Kind.REFUND_ONLY, reason="changed_mind", items=(Item("l1", pieces),), lookups=(said,))


def test_the_time_of_use_is_told_in_the_shops_zone():
    """A buyer whose code was used reads when, to the minute, in the shop's zone, whatever zone the issuer writes in."""
    found = rules.left(asked("used", used_at="2026-11-19T16:30:00+00:00"))
    assert found.verdict is Verdict.FAIL
    for locale in ("zh-CN", "en"):
        assert "2026-11-20 00:30" in text("verticals.virtual", found.reason, locale, **dict(found.data))


@pytest.mark.parametrize("uses", range(1, 13))
def test_what_was_used_and_what_comes_back_are_the_whole(uses):
    """Of a card with n uses, refunding what is left after each use never exceeds what was paid, and falls with every use."""
    back = [amount(asked("partly_used", left=f"{uses - used}/{uses}")).amount.minor for used in range(uses + 1)]
    assert back == sorted(back, reverse=True)
    assert (back[0], back[-1]) == (1000, 0)


def test_each_piece_is_lowered_by_itself_to_the_cent():
    """Pieces that cost a cent more are lowered from what was paid for them, and no rounding takes more than all."""
    line = a_line(vertical="virtual", pieces=3, unit_price_minor=334)
    order = an_order(lines=(line,), discounts=(Discount(DiscountKind.ORDER, 2),))
    ledger = Ledger.open(order)  # 334, 333, 333
    said = Lookup("entitlements", "l1", "partly_used", NOW, True, pairs({"left": "1/2 1/2 1/2"}))
    asked_for = facts(order, ledger=ledger, kind=Kind.REFUND_ONLY, items=(Item("l1", 3),), lookups=(said,))
    assert amount(asked_for).amount.minor == 167 + 167 + 167  # 167, 166.5 and 166.5, each half up


@pytest.mark.parametrize(
    ("status", "verdict"), [("expired", Verdict.PASS), ("unheard_of", Verdict.UNSURE), ("void", Verdict.UNSURE)]
)
def test_what_is_not_known_is_for_a_person(status, verdict):
    """A status that the trade has never heard of is no yes."""
    assert rules.answered(asked(status)).verdict == verdict


@pytest.mark.parametrize(("later", "verdict"), [(0, Verdict.PASS), (1, Verdict.FAIL), (2, Verdict.FAIL)])
def test_only_the_last_period_goes_back(later, verdict):
    """A period with renewals after it cannot be taken out from under them, the first one neither."""
    assert rules.latest(asked("unused", later=later)).verdict == verdict


@pytest.mark.parametrize("goods", ["download", "recharge", "membership"])
@pytest.mark.parametrize(("consent", "verdict"), [(True, "fail"), (False, "unsure"), (None, "unsure"), ("yes", "unsure")])
def test_consent_counts_only_where_it_was_recorded(goods, consent, verdict):
    """What began on purchase is refused only with the buyer's recorded consent; anything else is no consent."""
    terms = {} if consent is None else {"activated_on_purchase_consent": consent}
    line = a_line(vertical="virtual", pieces=1, terms=terms, data={"goods": goods})
    found = rules.consent(asked("used", line=line, held=False, used_at=NOW.isoformat()))
    assert found.verdict == verdict
    assert rules.left(asked("used", line=line, held=False)).verdict is Verdict.PASS


def test_no_freight_while_something_is_left_behind():
    """Freight of a mixed order goes back with the last of everything only, never with goods that were partly used."""
    whole, part = asked("unused"), asked("partly_used", left="1/2")
    assert amount(whole).freight.minor == amount(part).freight.minor == 0
    assert amount(part).text == "amount.uses"


def test_a_membership_that_begins_in_the_future_is_whole():
    """A period that has not begun by the shop's calendar costs nothing yet."""
    line = a_line(vertical="virtual", pieces=1, unit_price_minor=3000, data={"goods": "membership", "days": 30})
    ahead = asked("active", line=line, since=(NOW + timedelta(days=3)).isoformat())
    assert amount(ahead).amount.minor == 3000
