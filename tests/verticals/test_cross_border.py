from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.case import Fault, Item, Kind
from aftersales.fact import OrderFact
from aftersales.order import Freight, Line
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Facts
from verticals.cross_border import VERTICAL
from verticals.cross_border.amount import amount
from verticals.cross_border.regime import bearers, regimes
from verticals.cross_border.rules import customs_days


class TestCrossBorder(VerticalContract):
    """Goods from abroad keep what every trade keeps, and their 70 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 70


# --- what stays of the taxes ------------------------------------------------------------------------------------------
def told(name: str, days_ago: float, **data: object) -> OrderFact:
    """A fact of that many days ago."""
    return OrderFact(name, NOW - timedelta(days=days_ago), source="customs", data=data)  # type: ignore[arg-type]  # plain values


LATE = told("customs.clearance", 40, status="released", code="800")


def bill(vat: int, gnum: int = 1) -> OrderFact:
    """A tax bill with VAT alone."""
    return told("customs.tax_bill", 39, gnum=gnum, tax_no="T1", duty_minor=0, consumption_minor=0, vat_minor=vat)


def returning(*lines: Line, told: tuple[OrderFact, ...] = (), units: tuple[tuple[int, int], ...] = (), **changes: object) -> Facts:
    """A no-reason return of the first piece of each line (or of ``units`` of the only one)."""
    order = an_order(lines=lines, facts=told, **{k: changes.pop(k) for k in ("currency", "freight") if k in changes})
    items = tuple(Item(x.line_id, sum(b - a for a, b in units) or 1, 100, units) for x in order.lines)
    return facts(order, **{"kind": Kind.RETURN_REFUND, "reason": "no_reason", "items": items, **changes})  # type: ignore[arg-type]  # names of Facts


def sold(**line: object) -> Line:
    """A line whose buyer agreed to bear taxes of a late return."""
    said = {"vertical": "cross_border", "unit_price_minor": 3_000, "pieces": 1, "terms": {"tax_late": "buyer"}}
    return a_line(**{**said, **line})


@given(st.integers(1, 9), st.integers(0, 5_000), st.integers(0, 5_000), st.data())
def test_late_returns_add_up_however_they_are_made(pieces: int, paid: int, vat: int, data: st.DataObject) -> None:
    """In any lots, what comes back of the taxes is in all what was paid less what was levied, and never less than nothing."""
    cuts = sorted({0, pieces, *data.draw(st.lists(st.integers(0, pieces), max_size=4))})
    line = sold(pieces=pieces, tax_minor=paid)
    backs = [amount(returning(line, told=(LATE, bill(vat)), units=((a, b),))).tax.minor for a, b in pairwise(cuts)]
    assert sum(backs) == max(0, paid - vat)
    assert min(backs) >= 0


@pytest.mark.parametrize("terms", [{}, {"tax_late": "merchant"}, {"tax_late": True}, {"tax_late": "Buyer"}])
def test_only_what_the_buyer_plainly_agreed_to_binds_him(terms: dict[str, object]) -> None:
    """Without the exact term the shop bears the taxes of a late return."""
    assert amount(returning(sold(tax_minor=273, terms=terms), told=(LATE, bill(273)))).tax.minor == 273


def test_the_bill_wins_over_the_rates_on_the_line() -> None:
    """Rates say CNY 2.73, customs levied 2.50: only that stays."""
    line = sold(tax_minor=273, data={"vat_permille": 130})
    assert amount(returning(line, told=(LATE,))).tax.minor == 0
    assert amount(returning(line, told=(LATE, bill(250)))).tax.minor == 23


def test_a_later_bill_stands_in_for_an_earlier_one() -> None:
    """A bill made anew for the same line counts from then on, a void one no more."""
    anew = told("customs.tax_bill", 20, gnum=1, tax_no="T2", duty_minor=0, consumption_minor=0, vat_minor=100)
    void = told("customs.tax_status", 10, tax_no="T2", status="void")
    line = sold(tax_minor=273)
    assert amount(returning(line, told=(LATE, anew, bill(273)))).tax.minor == 173
    assert customs_days(returning(line, told=(LATE, anew, bill(273), void))).reason == "days.tax_unknown"


def test_freight_is_taxed_and_shared() -> None:
    """Without a bill the line's share of the freight is part of what is taxed: 9.1 % of CNY 40, not of 30."""
    line = sold(tax_minor=400, data={"vat_permille": 130})
    assert amount(returning(line, told=(LATE,), freight=Freight(1_000))).tax.minor == 400 - 364


def test_one_indivisible_piece_above_the_limit_was_taxed_in_full() -> None:
    """Above CNY 5,000 the full rates are what was levied; without a duty rate nobody knows it."""
    rates = {"vat_permille": 130, "duty_permille": 100}
    dear = sold(unit_price_minor=600_000, tax_minor=200_000, data={**rates, "indivisible": True})
    assert amount(returning(dear, told=(LATE,))).tax.minor == 200_000 - 145_800
    unknown = replace(dear, data={"vat_permille": 130, "indivisible": True})
    assert customs_days(returning(unknown, told=(LATE,))).reason == "days.tax_unknown"


def test_days_are_those_of_beijing_whatever_the_shops_zone() -> None:
    """Released at half past midnight in Beijing is that day, though it was the day before in Berlin and in UTC."""
    released = OrderFact("customs.clearance", datetime(2026, 10, 20, 16, 30, tzinfo=UTC), data={"status": "released"})
    berlin = a_merchant(zone=ZoneInfo("Europe/Berlin"))
    found = customs_days(returning(sold(), told=(released,), merchant=berlin))
    assert dict(found.data) == {"apply_by": "2026-11-20", "arrive_by": "2026-12-05"}


def test_taxes_in_another_currency_are_not_computed() -> None:
    """An order in dollars has no levy that could be compared with what was paid: a person decides."""
    line = sold(tax_minor=273, data={"vat_permille": 130})
    assert customs_days(returning(line, told=(LATE, bill(273)), currency="USD")).reason == "days.tax_unknown"


def test_who_claims_the_taxes_is_said() -> None:
    """Where the carrier collected the taxes, the buyer reads that he claims them himself, with the proof of return."""
    dap = sold(tax_minor=0, data={"regime": "eu_dap"})
    quote = amount(returning(dap, currency="EUR"))
    assert quote.text == "amount.own_claim_freight"
    assert "proof of return" in VERTICAL.text(quote.text, "en")


def test_every_reason_has_somebody_who_answers_for_it() -> None:
    """The table of who bears what covers all preset reasons, with words that the trade knows, and names laws for each regime."""
    for bears in bearers().values():
        assert bears.kinds
        assert bears.late_tax in ("merchant", "terms")
        assert bears.failed_freight in ("merchant", "terms")
        assert (bears.late_tax == "terms") <= (bears.fault is Fault.BUYER), bears.code
    assert {regime.tax for regime in regimes().values()} == {"customs", "merchant", "buyer"}
