"""Bodies about goods that came back: what the shop's people found in the parcel."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from aftersales.goods import Count, Disposition
from functions.body import Body, Id, Text

Found = Annotated[int, Meta(ge=0, le=100_000)]


class CountBody(Body):
    """What was found of one line: the counts add up to the pieces of it that the case is about.

    ``wrong`` pieces have other goods in their place, which are the buyer's and go back.
    """

    line_id: Id
    sound: Found = 0
    flawed: Found = 0
    quarantine: Found = 0
    scrap: Found = 0
    missing: Found = 0
    wrong: Found = 0

    def count(self) -> Count:
        """The same as a value."""
        return Count(self.line_id, self.sound, self.flawed, self.quarantine, self.scrap, self.missing, self.wrong)


class InspectionBody(Body):
    """What was found in the parcel: accepted with a disposition, refused with a note, or counted line by line.

    With ``lines`` what came is accepted and what did not come is not; the note says how it was found. ``opened`` refuses goods
    because their seal is broken, where the buyer confirmed that this ends the return. ``evidence`` are the shop's photos of it.
    """

    accepted: bool | None = None
    disposition: Disposition | None = None
    note: Text = ""
    opened: bool = False
    lines: Annotated[list[CountBody], Meta(max_length=200)] | None = None
    evidence: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()
