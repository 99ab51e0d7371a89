"""Returned: all that may be looked at when asking whether a return parcel is real, and what its scans come to.

Scans are a set: given twice or in another order they come to the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aftersales.company import FOREIGN
from aftersales.decision import Finding, Verdict
from aftersales.place import Place, near
from aftersales.tracking import CARRIED, Found, Party, Passage, Scan
from aftersales.waybill import carrier_of, country_of

Figure = str | int | float | bool
_ABROAD = frozenset(company.code for company in FOREIGN)


@dataclass(frozen=True, slots=True)
class Returned:
    """What is known of one parcel that is said to bring goods back. None, "" and () are "not known", never "no".

    ``carrier`` and ``number`` are as they were told, at ``told_at``; ``corrected`` is who really drives, where that is another.
    ``approved_at``: since when the goods are to be sent; ``ship_by``: until when. ``outbound``: carrier and number under which they
    were sent out. ``home`` and ``shop``: where the buyer sends from and the shop takes returns in, each with the last digits of a
    phone (``home_tail``, ``shop_tail``). ``expected_g``: what the goods weigh, in grams. ``elsewhere``: another case has this
    number; ``declared``: it was said beforehand that goods of several cases of this buyer come in one parcel. ``label``: number,
    addresses and time are ours. ``also``: neighbours of a city beyond those of :mod:`aftersales.place`, by name.
    """

    carrier: str
    number: str
    now: datetime
    approved_at: datetime | None = None
    ship_by: datetime | None = None
    told_at: datetime | None = None
    outbound: tuple[str, str] | None = None
    home: Place | None = None
    home_tail: str = field(default="", repr=False)
    shop: Place | None = None
    shop_tail: str = field(default="", repr=False)
    expected_g: int | None = None
    scans: tuple[Scan, ...] = ()
    found: Found | None = None
    corrected: str = ""
    frozen: bool = False
    over: bool = False
    proved: tuple[Party, ...] = ()
    denied: tuple[Party, ...] = ()
    elsewhere: bool | None = None
    declared: bool = False
    label: bool = False
    also: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def drives(self) -> str:
        """Our code for who really carries it."""
        return carrier_of(self.corrected or self.carrier)

    @property
    def told(self) -> tuple[Scan, ...]:
        """Every scan once, in order."""
        return tuple(sorted(set(self.scans), key=lambda scan: (scan.order, scan.code, scan.weight_g or 0)))

    @property
    def carried(self) -> tuple[Scan, ...]:
        """Those that say that the carrier has the goods, or had them."""
        return tuple(scan for scan in self.told if scan.state in CARRIED)

    @property
    def course(self) -> tuple[Scan, ...]:
        """Everything that happened since the carrier first had the goods."""
        told = self.told
        return told[next((n for n, scan in enumerate(told) if scan.state in CARRIED), len(told)) :]

    @property
    def begins(self) -> Scan | None:
        """The scan that says where and by whom the goods were taken in: the pickup; None where that scan is missing."""
        return next((scan for scan in self.carried if scan.state is Passage.PICKED_UP), None)

    @property
    def abroad(self) -> bool:
        """Whether it may come from another country, whose scans may be told in local time."""
        return self.drives in _ABROAD or country_of(self.number) not in ("", "CN")

    def at_home(self, scan: Scan) -> bool | None:
        """Whether the scan is from where the buyer lives, or next to it; None where one of the two is not known."""
        return self._near(scan, self.home)

    def at_shop(self, scan: Scan) -> bool | None:
        """Whether the scan is from where the shop is, or next to it; None where one of the two is not known."""
        return self._near(scan, self.shop)

    def _near(self, scan: Scan, place: Place | None) -> bool | None:
        if place is None:
            return None
        if scan.city and scan.city.strip().casefold() == place.city.strip().casefold():
            return True  # also of a city that is not in our table
        return near(scan.city or scan.text, place, self.also)


# --- a line of the list -------------------------------------------------------------------------------------------------
def finding(check: str, verdict: Verdict, why: str, **data: Figure) -> Finding:
    """A line of the list. The reason is a text key, ``parcel.<check>.<why>``."""
    return Finding(f"parcel.{check}", verdict, f"parcel.{check}.{why}", data=tuple(sorted(data.items())))


def good(check: str, why: str, **data: Figure) -> Finding:
    """What speaks for the parcel."""
    return finding(check, Verdict.PASS, why, **data)


def bad(check: str, why: str, **data: Figure) -> Finding:
    """What speaks clearly against it."""
    return finding(check, Verdict.FAIL, why, **data)


def unsure(check: str, why: str, **data: Figure) -> Finding:
    """What is not known, or could be either."""
    return finding(check, Verdict.UNSURE, why, **data)
