"""Rest: what cases that were paid meanwhile left of the parts of one line, for the case that brings the others back.

Cases handed in side by side are each priced as if the other might never be paid. Once one of them was, the other is owed more: that
is looked at when its money is reserved. It never makes an amount less, and an amount that somebody lowered stays lowered.
"""

from __future__ import annotations

from collections.abc import Callable

from aftersales.case import Case, Kind
from aftersales.ledger import Ledger
from aftersales.part import beside, sold_as
from aftersales.query import OrderFile
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


def left(case: Case, ledger: Ledger) -> Ledger:
    """The ledger that tells the next case about parts of the same line that these pieces are gone; this very one where they stay.

    With a claim, a difference in price or another thing in their place the buyer keeps what was sold.
    """
    stays = case.kind is Kind.CLAIM or case.pieces_stay or (case.promise is not None and case.promise.in_force)
    return ledger if stays or not sold_as(ledger, case.case_id) else ledger.gone(case.case_id)
