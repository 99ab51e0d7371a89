"""Restock: stock is told of goods that are back, once per line and disposition.

::

    goods accepted, what stock is to be told on record ──► (schedule) told, each under its own key ──► on record as told
                                                               └ no answer: the same key again, less and less often;
                                                                 a day of silence, or a no: a ticket, and it goes on

A stage whose source ``stock`` cannot take goods in, or that has none, tells nobody: then nothing is put on record.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from aftersales.change import Change, Plain
from aftersales.deadline import Deadline
from aftersales.errors import AftersalesError, BadPlugin, BadSettings, NotFound, Rejected
from aftersales.goods import Back, Disposition, Restock, all_of, restock, restock_key
from aftersales.order import Order
from aftersales.parcel import Parcel, ParcelState
from aftersales.ports import Shelving
from aftersales.query import CaseFile
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import tickets
from functions.context import commit

log = logging.getLogger(__name__)

#: The name of the source that knows of stock, and the cause of a parcel's deadline while it is to be told.
STOCK = "stock"

#: When it is asked again at the earliest and at the latest, and after how much silence people are told.
SOON, SELDOM, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def noted(registry: Registry, file: CaseFile, parcel: Parcel, now: datetime, *, silent: bool = False) -> Parcel:
    """The accepted ``parcel`` with what was found in it, and with what stock is to be told of it, at once.

    ``file`` is the case as it was before. Where silence accepts a parcel that was lost nothing came with it: who has it says so.
    Goods that were refused without a count and are accepted after all go into quarantine: nobody has said that they are sound.
    """
    if silent and file.parcel is not None and file.parcel.state is ParcelState.LOST:
        return parcel
    counts = parcel.counts or all_of(file.case.items, parcel.disposition or Disposition.QUARANTINE)
    told = restock(counts, now) if _takes_goods(registry) else None
    look = Deadline.after(now, timedelta(0), STOCK) if told or parcel.apart else None
    places = {to for c in counts for to in Disposition if c.of(to)}
    return replace(parcel, counts=counts, disposition=places.pop() if len(places) == 1 else None, restock=told, deadline=look)


def tell(registry: Registry, file: CaseFile, order: Order, now: datetime) -> bool:
    """Tell stock what it was not told yet, and look again later at what it gives no answer about; False without a parcel."""
    parcel = file.parcel
    if parcel is None:
        return False
    known, failed = parcel.restock, None
    if known is not None and not known.done:
        known, failed = _told(registry, file.case.case_id, order, known, now)
    change = Change(parcel=replace(parcel, restock=known, deadline=_next(known, now)))
    commit(registry, _reported(registry, change, file, failed, now))
    return True


# --- inside -----------------------------------------------------------------------------------------------------------
def _takes_goods(registry: Registry) -> bool:
    """Whether there is a source of stock that can be told. One that is broken just now will be asked again: it counts."""
    if STOCK not in registry.sources:
        return False
    try:
        return hasattr(registry.source(STOCK), "put_back")
    except (BadPlugin, BadSettings):
        return True


def _told(registry: Registry, case_id: str, order: Order, known: Restock, now: datetime) -> tuple[Restock, Exception | None]:
    """What stock has been told after asking it once about each; and the worst that kept it from all, a no before a silence."""
    backs: list[Back] = []
    failed: Exception | None = None
    for back in known.backs:
        try:
            if back.told_at is None:
                _put_back(registry, case_id, order, back, now)
            backs.append(replace(back, told_at=back.told_at or now))
        except Exception as error:  # noqa: BLE001  # however it breaks, it is on record as not told
            log.warning("stock was not told of case %s: %s", case_id, type(error).__name__)
            backs.append(back)
            failed = failed if isinstance(failed, Rejected) else error
    return replace(known, backs=tuple(backs)), failed


def _put_back(registry: Registry, case_id: str, order: Order, back: Back, now: datetime) -> None:
    source = registry.source(STOCK)
    if not hasattr(source, "put_back"):
        raise NotFound("The source of stock takes no goods in.", name=STOCK)
    key, sku = restock_key(case_id, back.line_id, back.disposition), order.line(back.line_id).sku
    cast("Shelving", source).put_back(key, sku, back.pieces, back.disposition, now)


def _next(known: Restock | None, now: datetime) -> Deadline | None:
    """When stock is asked again: in a minute at first, later as long again as it has lasted, every hour at last."""
    if known is None or known.done:
        return None
    return Deadline.after(now, max(SOON, min(SELDOM, now - known.since)), STOCK)


def _reported(registry: Registry, change: Change, file: CaseFile, failed: Exception | None, now: datetime) -> Change:
    """The change with the ticket that says that stock is not told; closed once it is."""
    parcel, case = change.parcel, file.case
    known = parcel.restock if parcel else None
    if parcel is None or known is None:
        return change
    name = tickets.name_of(TicketKind.NOT_SHELVED, case.case_id)
    if known.done:
        done = tickets.closed(registry, (name,), "Stock was told.", now) if known.reported else ()
        return replace(change, tickets=done)
    if known.reported or not (isinstance(failed, Rejected) or now - known.since >= DAY):
        return change
    code = failed.code if isinstance(failed, AftersalesError) else "unknown"
    about: dict[str, Plain] = {"pieces": sum(b.pieces for b in known.backs if b.told_at is None), "source": STOCK, "code": code}
    ticket = Ticket(name, TicketKind.NOT_SHELVED, case.merchant, now, order_id=case.order_id, case_id=case.case_id, about=about)
    parcel = replace(parcel, restock=replace(known, reported=True))
    return replace(change, parcel=parcel, tickets=tickets.opened(registry, ticket, now))
