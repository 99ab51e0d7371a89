"""Number: under which names a case holds the numbers of its parcels. A name is one case's: no other one can tell that number.

What a case holds is on its parcel: a number that was told before, and told again, is not taken by somebody else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from aftersales import waybill
from aftersales.change import Change
from aftersales.query import CaseFile


def held(file: CaseFile) -> tuple[str, ...]:
    """The names that this case holds."""
    parcel = file.parcel
    if parcel is None or parcel.claimed or not parcel.number or (file.trail and (file.trail.lead or file.trail.elsewhere)):
        return parcel.claimed if parcel else ()
    return (waybill.claim_of(parcel.carrier, parcel.number),)


def names_of(file: CaseFile) -> tuple[str, ...]:
    """The names of the number that the goods travel under: of the carrier that was told, and of the one that really drives."""
    parcel, trail = file.parcel, file.trail
    if parcel is None or not parcel.number:
        return ()
    told = waybill.claim_of(parcel.carrier, parcel.number)
    return (told, waybill.claim_of(trail.carrier, trail.number)) if trail and trail.number == parcel.number else (told,)


def holding(change: Change, file: CaseFile, name: str = "", gone: Collection[str] = ()) -> Change:
    """The change with its parcel holding ``name`` as well, and those of ``gone`` free for others.

    Storing it raises ClaimTaken where another case holds the name.
    """
    assert change.parcel is not None
    had = held(file)
    frees = tuple(one for one in had if one in gone and one != name)
    claims = (name,) if name and name not in had else ()
    parcel = replace(change.parcel, claimed=(*(one for one in had if one not in frees), *claims))
    return replace(change, parcel=parcel, claims=(*change.claims, *claims), frees=(*change.frees, *frees))
