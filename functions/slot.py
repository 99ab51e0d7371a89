"""Slot: what clients send about goods that are to be collected at a door."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from aftersales.errors import Invalid
from aftersales.pickup import Party, Slot
from functions.body import END, Body, Private

Hour = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]" + END)]
Company = Annotated[str, Meta(max_length=32, pattern=r"^[A-Za-z0-9_-]*" + END)]

#: A line that people read: no control characters, at most what carriers take (Kuaidi100: 300 bytes of an address).
_LINE = r"^[^\x00-\x1f\x7f]+" + END


class SlotBody(Body):
    """When somebody is there: a day and hours of it (``09:00``), in the merchant's zone."""

    day: date
    start: Hour
    end: Hour

    def slot(self, zone: ZoneInfo) -> Slot:
        """The same as instants. Raises Invalid for hours that end before they begin, and for no day."""
        if self.end <= self.start:
            raise Invalid("The hours end after they begin.", where="slot", expected=f"after {self.start}", found=self.end)
        hours = (datetime.fromisoformat(f"{self.day}T{hour}").replace(tzinfo=zone) for hour in (self.start, self.end))
        try:
            return Slot(*(hour.astimezone(UTC) for hour in hours))
        except OverflowError:  # on the first day of all, east of Greenwich
            raise Invalid("There is no such day.", where="slot.day", found=self.day.isoformat()) from None


class SenderBody(Private):
    """At whose door: kept until the goods are collected, and shown to nobody but the carrier."""

    name: Annotated[str, Meta(min_length=1, max_length=40, pattern=_LINE)]
    phone: Annotated[str, Meta(pattern=r"^\+?[0-9][0-9-]{6,18}" + END)]
    address: Annotated[str, Meta(min_length=5, max_length=100, pattern=_LINE)]

    def __post_init__(self) -> None:
        if len(self.address.encode()) > 300:
            raise ValueError("an address has at most 300 bytes")

    def party(self) -> Party:
        """The core's value of it."""
        return Party(self.name.strip(), self.phone, self.address.strip())


class PickupBody(Private):
    """A pickup at the buyer's door in a ``slot``, or with ``drop_off`` a label with which the buyer brings the goods to a station.

    ``company`` is who shall drive, the shop's usual one where it is left out. ``agreed_minor`` is the price that whoever bears it
    was told and agrees to; needed where that is the buyer, from whose refund no more than this is kept back.
    """

    sender: SenderBody
    slot: SlotBody | None = None
    drop_off: bool = False
    company: Company = ""
    weight_g: Annotated[int, Meta(ge=1, le=500_000)] = 1_000
    agreed_minor: Annotated[int, Meta(ge=0, le=10**9)] | None = None

    def __post_init__(self) -> None:
        if (self.slot is None) != self.drop_off:
            raise ValueError("goods are collected in a slot, or dropped off without one")

    def remembered(self) -> bytes:
        """When, by whom and how heavy: neither name nor phone nor address."""
        return msgspec.json.encode([self.slot, self.company, self.weight_g, self.agreed_minor])


class PickupPatch(Body):
    """Another slot of the same pickup."""

    slot: SlotBody
