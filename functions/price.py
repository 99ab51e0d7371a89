"""Price: what a quote makes of a case. Who opens a case, edits it or hands it in, and who prices it anew, compute the same."""

from __future__ import annotations

from dataclasses import replace

from aftersales.case import Case, Fault
from aftersales.plan import fee_of
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
