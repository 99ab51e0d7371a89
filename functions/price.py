"""Price: what a quote makes of a case. Who opens a case, edits it or hands it in, and who prices it anew, compute the same."""

from __future__ import annotations

from dataclasses import replace

from aftersales.case import Case, Fault
from aftersales.money import Money
from aftersales.plan import fee_of
from aftersales.quote import lowered
from aftersales.vertical import Quote


def by(case: Case, quote: Quote, fault: Fault, fee_permille: int) -> Case:
    """The case at that quote, the fee kept back where the buyer answers for the reason."""
    fee = fee_of(quote.goods, fault, fee_permille)
    return replace(
        case,
        amount=quote.amount - fee,
        tax_minor=quote.tax.minor,
        freight_minor=quote.freight.minor,
        fee_minor=fee.minor,
        beyond_minor=quote.beyond.minor if quote.beyond else 0,
        fault=fault,
    )


def agreed(case: Case, amount: Money) -> Case:
    """The case at an amount that is less than what it was priced at; it stays so, whatever it is priced at later."""
    freight, tax = Money(case.freight_minor, amount.currency), Money(case.tax_minor, amount.currency)
    _, tax, freight = lowered((case.amount - tax - freight, tax, freight), amount)
    return replace(case, amount=amount, asked=amount, fee_minor=0, tax_minor=tax.minor, freight_minor=freight.minor)
