"""S10: numbers of postal items as the Universal Postal Union writes them, ``AA NNNNNNNN C CC``.

Two letters for the service, eight digits, a check digit, and the country whose post gave the number (UPU standard S10).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aftersales.digit import fits_s10

#: Members of the Universal Postal Union by their ISO 3166-1 codes (upu.int, member countries, read 2026-11).
_MEMBERS = """
AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL CM CN CO CR CU CV CY CZ
DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FR GA GB GD GE GH GM GN GQ GR GT GW GY HN HR HT HU ID IE IL IN IQ IR IS IT JM JO JP
KE KG KH KI KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MR MT MU MV MW MX MY MZ NA NE NG NI
NL NO NP NR NZ OM PA PE PG PH PK PL PT PY QA RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL
TM TN TO TR TT TV TZ UA UG US UY UZ VA VC VE VN VU WS YE ZA ZM ZW
"""

#: Posts of territories that number by a code of their own, inside a member's union or beside it.
_OTHERS = "AI AW AX BM BQ CK CW FK FO GG GI GL GS HK IM IO JE KY MO MS NC NF NU PF PM PN PS SH SX TC TK TW VG WF"

COUNTRIES = frozenset((_MEMBERS + _OTHERS).split())

#: What the first letter stands for. The others are reserved or a country's own: such numbers are in use, so none is refused.
SERVICES = {
    "C": "parcel",
    "E": "express",
    "H": "e-commerce parcel",
    "L": "tracked letter",
    "M": "bag of printed matter",
    "Q": "business reply",
    "R": "registered letter",
    "U": "letter",
    "V": "insured letter",
}

_FORM = re.compile(r"([A-Z]{2})([0-9]{8})([0-9])([A-Z]{2})")


@dataclass(frozen=True, slots=True)
class Item:
    """A number that is written as S10 writes them; whether it can be one is ``valid``."""

    service: str
    country: str
    checked: bool

    @property
    def valid(self) -> bool:
        """The check digit is right, and the country has a post."""
        return self.checked and self.country in COUNTRIES


def item_of(number: str) -> Item | None:
    """What a normalised number says by S10; None for one that is written otherwise."""
    found = _FORM.fullmatch(number)
    return Item(found[1], found[4], fits_s10(found[2], found[3])) if found else None
