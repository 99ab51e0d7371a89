"""Rest: what cases that were paid meanwhile left of the parts of one line, for the case that brings the others back.

Cases handed in side by side are each priced as if the other might never be paid. Once one of them was, the other is owed more: that
is looked at when its money is reserved. It never makes an amount less, and an amount that somebody lowered stays lowered.
"""

from __future__ import annotations

from collections.abc import Callable

from aftersales.case import Case
from aftersales.part import beside, sold_as
from aftersales.ports import OrderFile
from aftersales.vertical import Merchant, Quote
from functions import guard, price


def added(case: Case, order: OrderFile, merchant: Merchant, quote: Callable[[], Quote]) -> Case:
    """The case at what it is owed now; this very one where that is no more than it was.

    Goods grow by what the others left and no further.
    """
    sold = sold_as(order.ledger, case.case_id)
    if not sold or case.asked is not None or case.promise is not None:
        return case
    found = quote()
    if found.text == guard.BROKEN:  # what was approved stands; a broken trade knows no better
        return case
    grown = price.by(case, found, case.fault, merchant.fee_permille)
    goods = grown.amount.minor - grown.tax_minor - grown.freight_minor + grown.fee_minor
    payable = order.ledger.held_value(case.case_id)[0] + beside(order.ledger, sold, case.case_id)
    return grown if case.amount < grown.amount and goods <= payable else case
